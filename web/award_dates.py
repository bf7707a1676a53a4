"""Dates of a round from the review to the acceptance. All but those of public notices are for officers alone."""

from datetime import date, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.calendars import round_queries
from challenges.contracts.queries import UNSIGNED
from challenges.milestones.models import Milestone, MilestoneState
from challenges.models import ChallengeState, ContractState, NoticeState, ReviewState
from core.clock import named_end
from core.i18n import gettext
from web.round_dates import RoundDate, RoundScope, date_of


async def reviews(session: AsyncSession, scope: RoundScope) -> list[RoundDate]:
    if not scope.is_officer:
        return []
    challenges, dates = scope.by_id, []
    at: datetime | date | None
    for item in await round_queries.reviews_of(session, challenges):
        challenge = challenges[item.challenge_id]
        address = f"/challenges/{challenge.id}/review"
        if item.state is ReviewState.FINISHED:
            at, text, icon, tone = item.finished_at, gettext("Review finished"), "list-numbers", "indigo"
        else:
            at = None if item.due_at is None else named_end(item.due_at)
            text, icon, tone = gettext("Deadline of the review"), "clipboard-list", "red"
        if at is not None:
            dates.append(date_of(challenge, at, text, icon, tone, address=address, is_internal=True))
    return dates


async def awards(session: AsyncSession, scope: RoundScope) -> list[RoundDate]:
    if not scope.is_officer:
        return []
    challenges = scope.by_id
    return [
        date_of(
            challenges[challenge_id],
            decision.decided_at,
            gettext("Consortium approved"),
            "award",
            "green",
            address=f"/consortia/{decision.consortium_id}",
            is_internal=True,
        )
        for challenge_id, decision in await round_queries.approvals_of(session, challenges)
    ]


async def notices(session: AsyncSession, scope: RoundScope) -> list[RoundDate]:
    """Public as the notices are; one that was withdrawn ends nowhere."""
    challenges, dates = scope.by_id, []
    for item in await round_queries.notices_of(session, challenges):
        challenge, address = challenges[item.challenge_id], f"/notices/{item.id}"
        dates.append(
            date_of(
                challenge, item.begun_at, gettext("Public notice begins"), "eye", "green", address=address
            )
        )
        if item.state is not NoticeState.WITHDRAWN:
            text = gettext("Public notice ends")
            dates.append(
                date_of(challenge, named_end(item.ends_at), text, "eye-check", "orange", address=address)
            )
    return dates


async def objections(session: AsyncSession, scope: RoundScope) -> list[RoundDate]:
    if not scope.is_officer:
        return []
    challenges = scope.by_id
    return [
        date_of(
            challenges[item.challenge_id],
            named_end(item.due_at),
            gettext("An objection has to be answered"),
            "message-exclamation",
            "red",
            address=f"/objections/{item.id}",
            is_internal=True,
        )
        for item in await round_queries.unanswered_objections_of(session, challenges)
    ]


async def contracts(session: AsyncSession, scope: RoundScope) -> list[RoundDate]:
    if not scope.is_officer:
        return []
    challenges, dates = scope.by_id, []
    for item in await round_queries.contracts_of(session, challenges):
        challenge = challenges[item.challenge_id]
        if item.state in UNSIGNED:
            if challenge.state is not ChallengeState.IN_NOTICE:
                continue
            at, tone = named_end(item.sign_by), "orange"
            text = gettext("Contract of team %(number)s to be signed", number=item.team_number)
        elif item.signed_at is not None:
            at, tone = item.signed_at, "green"
            text = gettext("Contract of team %(number)s signed", number=item.team_number)
        else:
            continue
        dates.append(
            date_of(challenge, at, text, "file-text", tone, address=f"/contracts/{item.id}", is_internal=True)
        )
    return dates


async def milestones(session: AsyncSession, scope: RoundScope) -> list[RoundDate]:
    if not scope.is_officer:
        return []
    challenges, dates = scope.by_id, []
    for item in await round_queries.milestones_of(session, challenges):
        challenge = challenges[item.contract.challenge_id]
        address = f"/contracts/{item.contract_id}/milestones#m-{item.id}"
        names = {"number": item.contract.team_number, "title": item.title}
        happened: list[tuple[datetime | date | None, str, str]] = [
            (item.reported_at, gettext("Milestone of team %(number)s reported: %(title)s", **names), "cyan"),
            (item.accepted_at, gettext("Milestone of team %(number)s accepted: %(title)s", **names), "green"),
        ]
        if _is_expected(item):
            text = gettext("Milestone of team %(number)s due: %(title)s", **names)
            happened.append((named_end(item.due_at), text, "orange"))
        dates += [
            date_of(challenge, at, text, "flag", tone, address=address, is_internal=True)
            for at, text, tone in happened
            if at is not None
        ]
    return dates


def _is_expected(item: Milestone) -> bool:
    return item.contract.state is ContractState.SIGNED and item.state in (
        MilestoneState.PLANNED,
        MilestoneState.REWORK,
    )


async def acceptances(session: AsyncSession, scope: RoundScope) -> list[RoundDate]:
    if not scope.is_officer:
        return []
    challenges, dates = scope.by_id, []
    for item in await round_queries.acceptances_of(session, challenges):
        challenge = challenges[item.contract.challenge_id]
        number = item.contract.team_number
        happened = [
            (item.asked_at, gettext("Acceptance of team %(number)s asked for", number=number), "cyan"),
            (item.confirmed_at, gettext("Acceptance of team %(number)s confirmed", number=number), "green"),
        ]
        dates += [
            date_of(
                challenge,
                at,
                text,
                "certificate",
                tone,
                address=f"/contracts/{item.contract_id}/acceptance",
                is_internal=True,
            )
            for at, text, tone in happened
            if at is not None
        ]
    return dates
