"""Sheets about questions, amendments and formal checks."""

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.amendments import queries as amendment_queries
from challenges.bids import policies as bid_policies
from challenges.checks import queries as check_queries
from challenges.exports.scope import Cell, Scope, Sheet, local, local_end
from challenges.questions import queries as question_queries
from core.i18n import gettext


async def questions(session: AsyncSession, scope: Scope) -> Sheet:
    """With the answer as it stands last. Who has asked is for the asker's own organization alone."""
    rows: list[list[Cell]] = [
        [
            gettext("Challenge"),
            gettext("Asked"),
            gettext("Question"),
            gettext("State"),
            gettext("Answer"),
            gettext("Answered"),
            gettext("Reason or comments"),
        ]
    ]
    for challenge in scope.challenges:
        for item in await question_queries.all_of(session, challenge.id):
            answer = item.answers[0] if item.answers else None
            rows.append(
                [
                    challenge.title,
                    local(item.asked_at),
                    item.text,
                    scope.label(item.state),
                    answer.text if answer else "",
                    local(item.answered_at),
                    item.note,
                ]
            )
    return Sheet(gettext("Questions"), rows)


async def amendments(session: AsyncSession, scope: Scope) -> Sheet:
    rows: list[list[Cell]] = [
        [
            gettext("Challenge"),
            gettext("Version"),
            gettext("State"),
            gettext("Explanation"),
            gettext("Proposed"),
            gettext("Decided"),
            gettext("Deadline before"),
            gettext("Deadline after"),
            gettext("Reason or comments"),
        ]
    ]
    for challenge in scope.challenges:
        rows += [
            [
                challenge.title,
                item.version,
                scope.label(item.state),
                item.explanation,
                local(item.proposed_at),
                local(item.decided_at),
                local(item.deadline_before),
                local(item.deadline_after),
                item.note,
            ]
            for item in reversed(
                await amendment_queries.amendments_of(session, challenge.id, only_confirmed=False)
            )
        ]
    return Sheet(gettext("Changes"), rows)


async def checks(session: AsyncSession, scope: Scope) -> Sheet:
    """Point by point, of opened bids alone."""
    rows: list[list[Cell]] = [
        [
            gettext("Challenge"),
            gettext("Lead"),
            gettext("State"),
            gettext("Point of the list"),
            gettext("Met"),
            gettext("Remark"),
            gettext("Reason or comments"),
            gettext("Completion due"),
            gettext("Completion handed in"),
            gettext("Not confirmed after change"),
        ]
    ]
    for challenge in scope.challenges:
        if not bid_policies.are_bids_opened(challenge):
            continue
        found = await check_queries.checks_of(session, challenge.id)
        versions = await amendment_queries.unconfirmed_versions(session, [item.bid_id for item in found])
        for check in found:
            rows += [
                [
                    challenge.title,
                    check.bid.organization.name,
                    scope.label(check.state),
                    point["text"],
                    "" if point["met"] is None else gettext("Yes") if point["met"] else gettext("No"),
                    point["remark"],
                    check.note,
                    local_end(check.completion_due_at),
                    local(check.completed_at),
                    ", ".join(str(number) for number in versions.get(check.bid_id, [])),
                ]
                for point in check.points
            ]
    return Sheet(gettext("Formal checks"), rows)
