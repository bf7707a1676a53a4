"""Sections of the officers' work queue: what waits, since when, and until when it should be done.

Each room of the way of a challenge adds a section here. A section reads only what the officer is in charge of.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from challenges import waiting_queries
from challenges.acceptances import queries as acceptance_queries
from challenges.amendments import queries as amendment_queries
from challenges.amendments.policies import decision_due
from challenges.checks import queries as check_queries
from challenges.checks.policies import waiting_since
from challenges.contracts import queries as contract_queries
from challenges.contracts.policies import open_version, signed_ids
from challenges.milestones import queries as milestone_queries
from challenges.models import Challenge, CheckState, Program, ReviewState, SeatState
from challenges.notices import queries as notice_queries
from challenges.objections import queries as objection_queries
from challenges.postings.queries import in_charge_of
from challenges.programs.calendar import period
from challenges.questions import queries as question_queries
from challenges.questions.policies import answer_due
from challenges.reviews import queries as review_queries
from core.actor import Actor
from core.clock import SHANGHAI, shanghai_today, to_shanghai
from core.i18n import gettext, ngettext
from web.labels import label

# Within so many days officers do what no rule of the program sets a date for: a working week.
OFFICE_DAYS = 5


@dataclass(frozen=True)
class Waiting:
    """One thing that waits. `since` tells its age; where `due` has passed, it is overdue."""

    challenge: Challenge
    address: str
    since: datetime
    due: datetime | None = None
    note: str = ""
    is_urgent: bool = False

    def is_overdue(self, now: datetime) -> bool:
        return self.is_urgent or (self.due is not None and self.due < now)


@dataclass(frozen=True)
class Section:
    """`short` stands in the overview above the sections; `calm` and `calm_text` where nothing waits."""

    anchor: str
    short: str
    title: str
    since_title: str
    rows: Sequence[Waiting]
    calm: str
    calm_text: str = ""


MakeSection = Callable[[AsyncSession, Actor, datetime], Awaitable[Section]]


async def _screening(session: AsyncSession, actor: Actor, now: datetime) -> Section:
    return Section(
        "screening",
        gettext("Screening"),
        gettext("Challenges waiting for screening"),
        gettext("Submitted"),
        [_to_screen(challenge) for challenge in await waiting_queries.waiting_for_screening(session, actor)],
        gettext("Nothing waits for screening"),
        gettext("Submitted challenges of your programs appear here, the oldest first."),
    )


def _to_screen(challenge: Challenge) -> Waiting:
    assert challenge.submitted_at is not None
    last_day, note, is_late = last_day_to_publish(challenge), "", False
    if last_day is not None:
        is_late = last_day < shanghai_today()
        note = (
            gettext("Its deadline has come too near to publish it: return it for a new one.")
            if is_late
            else gettext("Published later, bidders have too few days.")
        )
    return Waiting(
        challenge,
        f"/challenges/{challenge.id}",
        challenge.submitted_at,
        due=None if last_day is None else _end_of(last_day),
        note=note,
        is_urgent=is_late,
    )


def last_day_to_publish(challenge: Challenge) -> date | None:
    """Published later, bidders would have fewer days than the program grants them."""
    if challenge.deadline_at is None or challenge.program is None:
        return None
    program = challenge.program
    return (to_shanghai(challenge.deadline_at) - period(program, program.min_bid_days)).date()


def _end_of(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 23, 59, tzinfo=SHANGHAI)


async def _amendments(session: AsyncSession, actor: Actor, now: datetime) -> Section:
    return Section(
        "amendments",
        gettext("Changes to confirm"),
        gettext("Changes of published challenges waiting for confirmation"),
        gettext("Proposed"),
        [
            Waiting(
                item.challenge,
                f"/challenges/{item.challenge_id}/changes#waiting",
                item.proposed_at,
                due=None if item.challenge.program is None else decision_due(item, item.challenge.program),
                note=_shortened(item.explanation),
            )
            for item in await amendment_queries.waiting_for_officer(session, actor, now)
        ],
        gettext("No change waits for confirmation"),
        gettext("Posters propose changes of published challenges; bidders are told once you have confirmed."),
    )


async def _questions(session: AsyncSession, actor: Actor, now: datetime) -> Section:
    return Section(
        "questions",
        gettext("Unanswered questions"),
        gettext("Questions that posters have not answered"),
        gettext("Oldest asked"),
        [
            Waiting(
                item.challenge,
                f"/challenges/{item.challenge.id}/questions?show=open",
                item.oldest_at,
                due=answer_due(item.challenge, item.oldest_at),
                note=ngettext("%(num)s question", "%(num)s questions", item.number),
            )
            for item in await question_queries.unanswered_in_charge(session, actor, now)
        ],
        gettext("No question waits for an answer"),
        gettext("Posters answer themselves; an officer may hide an improper question."),
    )


async def _sealed(session: AsyncSession, actor: Actor, now: datetime) -> Section:
    return Section(
        "sealed",
        gettext("Bids to open"),
        gettext("Bids waiting to be opened"),
        gettext("Deadline"),
        [
            Waiting(
                challenge,
                f"/challenges/{challenge.id}/bids",
                _deadline(challenge),
                note=gettext("%(name)s asked for it; a second officer opens.", name=opening.asked_by.name)
                if opening
                else "",
            )
            for challenge, opening in await waiting_queries.sealed_bids(session, actor, now)
        ],
        gettext("No bids wait to be opened"),
        gettext("Bids stay sealed until two officers open them after the deadline."),
    )


async def _checks(session: AsyncSession, actor: Actor, now: datetime) -> Section:
    to_begin = [
        Waiting(
            challenge,
            f"/challenges/{challenge.id}/checks",
            _known(challenge.bids_opened_at),
            note=gettext("The formal check has not begun."),
        )
        for challenge in await check_queries.challenges_to_check(session, actor)
    ]
    begun = [
        Waiting(
            check.challenge,
            f"/checks/{check.id}",
            waiting_since(check),
            due=check.completion_due_at if check.state is CheckState.COMPLETION_REQUESTED else None,
            note=f"{check.bid.organization.name} · {label(check.state)}",
        )
        for check in await check_queries.checks_waiting(session, actor)
    ]
    return Section(
        "checks",
        gettext("Formal checks"),
        gettext("Bids in the formal check"),
        gettext("Since"),
        [*to_begin, *begun],
        gettext("No bid waits for its formal check"),
        gettext("Opened bids are checked against the program's list before they are reviewed or chosen."),
    )


async def _reviews(session: AsyncSession, actor: Actor, now: datetime) -> Section:
    to_begin = [
        Waiting(
            challenge,
            f"/challenges/{challenge.id}/review",
            _known(challenge.bids_opened_at),
            note=gettext("The review has not begun."),
        )
        for challenge in await review_queries.challenges_to_review(session, actor)
        if await check_queries.is_everything_settled(session, challenge)
        and await check_queries.admitted_bids(session, challenge.id)
    ]
    under_way = [
        Waiting(
            review.challenge,
            f"/challenges/{review.challenge_id}/review",
            review.created_at,
            due=review.due_at if review.state is ReviewState.SCORING else None,
            note=gettext(
                "%(state)s · %(done)s of %(heads)s have scored",
                state=label(review.state),
                done=sum(seat.state is SeatState.HANDED_IN for seat in review.seated),
                heads=review.panel_size,
            ),
            # Somebody has to be appointed.
            is_urgent=review.state is ReviewState.SCORING and len(review.seated) < review.panel_size,
        )
        for review in await review_queries.reviews_waiting(session, actor)
    ]
    return Section(
        "reviews",
        gettext("Reviews"),
        gettext("Reviews to begin and under way"),
        gettext("Since"),
        [*to_begin, *under_way],
        gettext("No review waits"),
        gettext("Once the formal check is settled, a panel of experts reviews the admitted bids."),
    )


async def _decisions(session: AsyncSession, actor: Actor, now: datetime) -> Section:
    return Section(
        "decisions",
        gettext("Decisions on consortia"),
        gettext("Consortia waiting for your decision"),
        gettext("Submitted"),
        [
            Waiting(
                item.challenge,
                f"/consortia/{item.id}",
                _known(item.submitted_at),
                note=gettext("Lead: %(name)s", name=item.lead.name) if item.lead else "",
            )
            for item in await waiting_queries.waiting_for_decision(session, actor)
        ],
        gettext("No consortium waits for a decision"),
        gettext("Posters submit a consortium after the deadline for bids."),
    )


async def _waivers(session: AsyncSession, actor: Actor, now: datetime) -> Section:
    return Section(
        "waivers",
        gettext("Waivers to confirm"),
        gettext("Waivers of the quota that wait for a second officer"),
        gettext("Asked for"),
        [
            Waiting(
                waiver.consortium.challenge,
                f"/consortia/{waiver.consortium_id}#waiver",
                waiver.requested_at,
                note=gettext(
                    "Asked for by %(name)s: %(reason)s",
                    name=waiver.requested_by.name,
                    reason=_shortened(waiver.reason),
                ),
            )
            for waiver in await waiting_queries.waivers_waiting(session, actor)
        ],
        gettext("No waiver waits for you"),
        gettext("A waiver is asked for by one officer and confirmed by another."),
    )


async def _rechecks(session: AsyncSession, actor: Actor, now: datetime) -> Section:
    return Section(
        "rechecks",
        gettext("Quotas to settle"),
        gettext("Members changed after the approval"),
        gettext("Noticed"),
        [
            Waiting(
                item.consortium.challenge,
                f"/consortia/{item.consortium_id}#recheck",
                item.found_at,
                note=gettext("Those who remain keep the quota.")
                if item.holds
                else gettext("Those who remain break the quota."),
                is_urgent=not item.holds,
            )
            for item in await waiting_queries.unsettled_rechecks(session, actor)
        ],
        gettext("No quota has to be settled"),
        gettext("When a member of an approved consortium leaves or changes, it appears here."),
    )


async def _notices(session: AsyncSession, actor: Actor, now: datetime) -> Section:
    return Section(
        "notices",
        gettext("Notices to publish"),
        gettext("Awards waiting for their public notice"),
        gettext("Awarded"),
        [
            Waiting(challenge, f"/challenges/{challenge.id}/notice", challenge.updated_at)
            for challenge in await notice_queries.awarded_without_notice(session, in_charge_of(actor))
        ],
        gettext("No award waits for its notice"),
        gettext("Once every team is decided on, the award is shown publicly."),
    )


async def _objections(session: AsyncSession, actor: Actor, now: datetime) -> Section:
    return Section(
        "objections",
        gettext("Objections"),
        gettext("Objections waiting for an answer"),
        gettext("Raised"),
        [
            Waiting(
                item.challenge,
                f"/objections/{item.id}",
                item.raised_at,
                due=item.due_at,
                note=f"{item.organization.name}: {_shortened(item.text)}",
            )
            for item in await objection_queries.waiting_objections(session, actor)
        ],
        gettext("No objection waits"),
        gettext("Objections against awards on public notice appear here, those due first on top."),
    )


async def _closed(session: AsyncSession, actor: Actor, now: datetime) -> Section:
    return Section(
        "closed",
        gettext("Without a consortium"),
        gettext("Bidding closed, no consortium submitted"),
        gettext("Deadline"),
        [
            Waiting(challenge, f"/challenges/{challenge.id}", _deadline(challenge))
            for challenge in await waiting_queries.without_consortium(session, actor, now)
        ],
        gettext("No challenge is without a consortium"),
    )


async def _closing(session: AsyncSession, actor: Actor, now: datetime) -> Section:
    return Section(
        "closing",
        gettext("Closing within 7 days"),
        gettext("Bidding closes within 7 days"),
        gettext("Published"),
        [
            Waiting(
                challenge,
                f"/challenges/{challenge.id}",
                _known(challenge.published_at),
                due=challenge.deadline_at,
            )
            for challenge in await waiting_queries.closing_soon(session, actor, now)
        ],
        gettext("No deadline within a week"),
    )


async def _contracts(session: AsyncSession, actor: Actor, now: datetime) -> Section:
    rows = [
        Waiting(
            challenge,
            f"/challenges/{challenge.id}/contracts",
            challenge.updated_at,
            note=gettext("A team has no contract yet."),
        )
        for challenge in await contract_queries.without_contract(session, actor)
        if await contract_queries.is_notice_over(session, challenge, now)
    ]
    for contract in await contract_queries.unsigned_contracts(session, actor):
        version = open_version(contract)
        signed = len(signed_ids(version)) if version else 0
        rows.append(
            Waiting(
                contract.challenge,
                f"/contracts/{contract.id}",
                contract.created_at,
                due=contract.sign_by,
                note=gettext(
                    "Team %(number)s: %(signed)s signatures so far",
                    number=contract.team_number,
                    signed=signed,
                ),
            )
        )
    return Section(
        "contracts",
        gettext("Contracts to sign"),
        gettext("Contracts that are not signed by all"),
        gettext("Made on"),
        rows,
        gettext("No contract waits for signatures"),
        gettext("After the notice every approved team gets a contract that all its parties sign."),
    )


async def _milestones(session: AsyncSession, actor: Actor, now: datetime) -> Section:
    return Section(
        "milestones",
        gettext("Overdue milestones"),
        gettext("Milestones that are overdue"),
        gettext("Contract since"),
        [
            Waiting(
                item.contract.challenge,
                f"/contracts/{item.contract_id}/milestones#m-{item.id}",
                _known(item.contract.signed_at),
                due=item.due_at,
                note=gettext(
                    "Team %(number)s: %(title)s", number=item.contract.team_number, title=item.title
                ),
            )
            for item in await milestone_queries.overdue_milestones(session, actor, now)
        ],
        gettext("No milestone is overdue"),
    )


async def _eliminations(session: AsyncSession, actor: Actor, now: datetime) -> Section:
    return Section(
        "eliminations",
        gettext("Eliminations to decide"),
        gettext("Eliminations that posters propose after a stage review"),
        gettext("Proposed"),
        [
            Waiting(
                item.contract.challenge,
                f"/contracts/{item.contract_id}/milestones#e-{item.id}",
                item.proposed_at,
                note=gettext(
                    "Team %(number)s: %(title)s",
                    number=item.contract.team_number,
                    title=_shortened(item.reason),
                ),
            )
            for item in await milestone_queries.eliminations_waiting(session, actor)
        ],
        gettext("No elimination waits for a decision"),
    )


async def _acceptances(session: AsyncSession, actor: Actor, now: datetime) -> Section:
    return Section(
        "acceptances",
        gettext("Acceptances to confirm"),
        gettext("Final acceptances that posters have given"),
        gettext("Accepted on"),
        [
            Waiting(
                item.contract.challenge,
                f"/contracts/{item.contract_id}/acceptance",
                _known(item.answered_at),
                note=gettext("Team %(number)s", number=item.contract.team_number),
            )
            for item in await acceptance_queries.to_confirm(session, actor)
        ],
        gettext("No acceptance waits for your confirmation"),
    )


# In the order in which a challenge reaches them.
SECTIONS: tuple[MakeSection, ...] = (
    _screening,
    _amendments,
    _questions,
    _sealed,
    _checks,
    _reviews,
    _decisions,
    _waivers,
    _rechecks,
    _notices,
    _objections,
    _contracts,
    _milestones,
    _eliminations,
    _acceptances,
    _closed,
    _closing,
)


async def sections_of(session: AsyncSession, actor: Actor, now: datetime) -> list[Section]:
    """Every row has a due date: its own, or OFFICE_DAYS of its program's clock after it began to wait."""
    sections = [await make(session, actor, now) for make in SECTIONS]
    return [replace(item, rows=[_with_due(row) for row in item.rows]) for item in sections]


def _with_due(row: Waiting) -> Waiting:
    if row.due is not None or row.challenge.program is None:
        return row
    return replace(row, due=office_due(row.challenge.program, row.since))


def office_due(program: Program, since: datetime) -> datetime:
    """When an officer should have done what has waited since then."""
    return since + period(program, OFFICE_DAYS)


class Order(StrEnum):
    DUE = "due"
    AGE = "age"
    TITLE = "title"


def arranged(section: Section, program_id: UUID | None, order: Order) -> Section:
    """The rows of one program, or of all, in an order that the reader has chosen."""
    rows = [row for row in section.rows if program_id is None or row.challenge.program_id == program_id]
    if order is Order.TITLE:
        rows.sort(key=lambda row: row.challenge.title)
    elif order is Order.AGE:
        rows.sort(key=lambda row: row.since)
    else:
        rows.sort(key=lambda row: (row.due is None, row.due or row.since, row.since))
    return replace(section, rows=rows)


def _known(moment: datetime | None) -> datetime:
    assert moment is not None
    return moment


def _deadline(challenge: Challenge) -> datetime:
    return _known(challenge.deadline_at)


def _shortened(text: str, length: int = 80) -> Any:
    return text if len(text) <= length else f"{text[: length - 1]}…"
