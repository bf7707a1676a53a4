"""Dates of a round up to its opened and formally checked bids."""

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.amendments.models import AmendmentState
from challenges.amendments.policies import decision_due
from challenges.calendars import round_queries
from challenges.models import ChallengeState
from challenges.postings.completeness import latest_publication
from challenges.programs.calendar import period
from core.clock import named_end, to_shanghai
from core.i18n import gettext
from web.round_dates import RoundDate, RoundScope, date_of, on_the_list


async def round_itself(session: AsyncSession, scope: RoundScope) -> list[RoundDate]:
    return [
        RoundDate(scope.round.opens_on, gettext("Submissions begin"), "door-enter", "azure"),
        RoundDate(scope.round.closes_on, gettext("Last day of submissions"), "door-exit", "azure"),
    ]


async def publications(session: AsyncSession, scope: RoundScope) -> list[RoundDate]:
    dates = [
        date_of(item, item.published_at, gettext("Published"), "speakerphone", "green")
        for item in scope.challenges
        if item.published_at is not None
    ]
    for item in scope.challenges:
        if item.state is not ChallengeState.SUBMITTED:
            continue
        if item.publish_at is not None:
            dates.append(
                date_of(
                    item,
                    item.publish_at,
                    gettext("Will be published"),
                    "calendar-event",
                    "green",
                    is_internal=True,
                )
            )
        elif (latest := latest_publication(item)) is not None:
            dates.append(
                date_of(
                    item,
                    to_shanghai(latest).date(),
                    gettext("Last day to publish"),
                    "alert-triangle",
                    "orange",
                    is_internal=True,
                )
            )
    return dates


async def questions(session: AsyncSession, scope: RoundScope) -> list[RoundDate]:
    before = period(scope.program, scope.program.question_days)
    return [
        date_of(item, item.deadline_at - before, gettext("End of questions"), "help-circle", "cyan")
        for item in on_the_list(scope)
        if item.deadline_at is not None and item.published_at is not None
        if item.deadline_at - before > item.published_at
    ]


async def deadlines(session: AsyncSession, scope: RoundScope) -> list[RoundDate]:
    return [
        date_of(item, item.deadline_at, gettext("Deadline for bids"), "clock-stop", "red")
        for item in on_the_list(scope)
        if item.deadline_at is not None
    ]


async def openings(session: AsyncSession, scope: RoundScope) -> list[RoundDate]:
    return [
        date_of(
            item,
            item.bids_opened_at,
            gettext("Bids opened"),
            "lock-open",
            "indigo",
            address=f"/challenges/{item.id}/bids",
            is_internal=True,
        )
        for item in scope.challenges
        if item.bids_opened_at is not None
    ]


async def amendments(session: AsyncSession, scope: RoundScope) -> list[RoundDate]:
    """What is in force is for everybody; what waits, and until when it can be confirmed, for officers."""
    open_ones = {item.id: item for item in on_the_list(scope)}
    dates: list[RoundDate] = []
    for item in await round_queries.amendments_of(session, open_ones):
        challenge = open_ones[item.challenge_id]
        address = f"/challenges/{challenge.id}/changes"
        if item.state is AmendmentState.CONFIRMED and item.decided_at is not None:
            text = gettext("Changed: version %(number)s", number=item.version)
            dates.append(date_of(challenge, item.decided_at, text, "versions", "cyan", address=address))
        elif scope.is_officer and challenge.state is ChallengeState.PUBLISHED:
            dates.append(
                date_of(
                    challenge,
                    decision_due(item, scope.program),
                    gettext("Last moment to confirm a change"),
                    "git-pull-request",
                    "orange",
                    address=f"{address}#waiting",
                    is_internal=True,
                )
            )
    return dates


async def completions(session: AsyncSession, scope: RoundScope) -> list[RoundDate]:
    """Until when bidders may complete what the formal check has found: for officers alone."""
    if not scope.is_officer:
        return []
    opened = {item.id: item for item in scope.challenges if item.bids_opened_at is not None}
    return [
        date_of(
            opened[check.challenge_id],
            named_end(check.completion_due_at),
            gettext("A bid has to be completed"),
            "clipboard-check",
            "orange",
            address=f"/checks/{check.id}",
            is_internal=True,
        )
        for check in await round_queries.completions_of(session, opened)
        if check.completion_due_at is not None
    ]
