"""Everything that the audit log holds about a challenge and what hangs on it, in words.

Each room of the way of a challenge adds a maker to THINGS: it answers with the things of its kind whose entries this
reader may see, and asks the policies itself.
"""

import uuid
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.acceptances import queries as acceptance_queries
from challenges.bids import policies as bid_policies
from challenges.bids import queries as bid_queries
from challenges.consortia import policies as consortium_policies
from challenges.consortia import queries as consortium_queries
from challenges.contracts import policies as contract_policies
from challenges.contracts import queries as contract_queries
from challenges.milestones import queries as milestone_queries
from challenges.models import (
    AcceptanceState,
    AmendmentState,
    BidMemberState,
    BidState,
    Challenge,
    ChallengeState,
    CheckState,
    ConsortiumState,
    ContractState,
    MilestoneState,
    NoticeState,
    ObjectionState,
    QuestionState,
    ReviewState,
    SeatState,
    VersionState,
)
from challenges.notices import queries as notice_queries
from challenges.objections import queries as objection_queries
from challenges.postings import policies as posting_policies
from challenges.questions import policies as question_policies
from challenges.questions import queries as question_queries
from challenges.reviews import policies as review_policies
from challenges.reviews import queries as review_queries
from core.actor import Actor
from core.audit import AuditEntry, Wanted, count_entries, page_of_entries
from core.clock import SHANGHAI
from core.i18n import gettext
from web.history import ACTIONS, history_of
from web.labels import label

# Longer exports are nobody's reading; the whole log has its own export.
CSV_LIMIT = 10_000


@dataclass(frozen=True)
class Thing:
    """Something that entries are about. `kind` is its type in the audit log."""

    kind: str
    id: uuid.UUID
    title: str
    address: str


MakeThings = Callable[[AsyncSession, Actor, Challenge], Awaitable[list[Thing]]]


async def _challenge(session: AsyncSession, actor: Actor, challenge: Challenge) -> list[Thing]:
    return [Thing("challenge", challenge.id, gettext("Challenge"), f"/challenges/{challenge.id}")]


async def _bids(session: AsyncSession, actor: Actor, challenge: Challenge) -> list[Thing]:
    """For officers, once the bids are opened: who has done what with a sealed bid is as sealed as its content."""
    if not (
        posting_policies.is_officer_in_charge(actor, challenge) and bid_policies.are_bids_opened(challenge)
    ):
        return []
    return [
        Thing("bid", bid.id, gettext("Bid of %(name)s", name=bid.organization.name), f"/bids/{bid.id}")
        for bid in await bid_queries.bids_of_challenge(session, challenge.id)
        if bid_policies.may_read_bid(actor, bid)
    ]


async def _consortia(session: AsyncSession, actor: Actor, challenge: Challenge) -> list[Thing]:
    return [
        Thing(
            "consortium",
            item.id,
            gettext("Consortium led by %(name)s", name=item.lead.name)
            if item.lead
            else gettext("Consortium"),
            f"/consortia/{item.id}",
        )
        for item in await consortium_queries.consortia_of(session, challenge.id)
        if consortium_policies.may_see_consortium(actor, challenge, item)
    ]


async def _questions(session: AsyncSession, actor: Actor, challenge: Challenge) -> list[Thing]:
    """Answers and what was hidden; who has asked is in no history."""
    return [
        Thing(
            "question",
            question.id,
            gettext("Question"),
            f"/challenges/{challenge.id}/questions",
        )
        for question in await question_queries.all_of(session, challenge.id)
        if question_policies.may_read(actor, challenge, question)
    ]


async def _reviews(session: AsyncSession, actor: Actor, challenge: Challenge) -> list[Thing]:
    """Who sits on a panel is for officers alone; the steps of the review itself are the challenge's."""
    if not review_policies.may_manage(actor, challenge):
        return []
    return [
        Thing("review", key, gettext("Panel of the review"), f"/challenges/{challenge.id}/review")
        for key in await review_queries.review_ids_of(session, challenge.id)
    ]


async def _notices(session: AsyncSession, actor: Actor, challenge: Challenge) -> list[Thing]:
    """With their objections: who objects is for officers, and so is what was done with it."""
    things = []
    for notice in await notice_queries.notices_of(session, challenge.id):
        things.append(Thing("notice", notice.id, gettext("Notice of the award"), f"/notices/{notice.id}"))
        if posting_policies.is_officer_in_charge(actor, challenge):
            things += [
                Thing("objection", item.id, gettext("Objection"), f"/objections/{item.id}")
                for item in await objection_queries.objections_of(session, notice.id)
            ]
    return things


async def _contracts(session: AsyncSession, actor: Actor, challenge: Challenge) -> list[Thing]:
    """With their versions, milestones and acceptances, for those who see every team's contract."""
    if not contract_policies.may_see_all(actor, challenge):
        return []
    things = []
    for contract in await contract_queries.contracts_of(session, challenge.id):
        address, number = f"/contracts/{contract.id}", contract.team_number
        things.append(
            Thing("contract", contract.id, gettext("Contract of team %(number)s", number=number), address)
        )
        things += [
            Thing(
                "contract_version",
                version.id,
                gettext(
                    "Version %(version)s of the contract of team %(number)s",
                    version=version.number,
                    number=number,
                ),
                address,
            )
            for version in contract.versions
        ]
        things += [
            Thing(
                "milestone",
                item.id,
                gettext("Milestone of team %(number)s: %(title)s", number=number, title=item.title),
                f"{address}/milestones#m-{item.id}",
            )
            for item in await milestone_queries.milestones_of(session, contract.id)
        ]
        things += [
            Thing(
                "final_acceptance",
                item.id,
                gettext("Acceptance of team %(number)s", number=number),
                f"{address}/acceptance",
            )
            for item in await acceptance_queries.acceptances_of(session, contract.id)
        ]
    return things


# In the order of the way of a challenge.
THINGS: tuple[MakeThings, ...] = (
    _challenge,
    _questions,
    _bids,
    _reviews,
    _consortia,
    _notices,
    _contracts,
)
# What the states of an entry's "state" may be, by what it is about.
STATES: dict[str, tuple[type[StrEnum], ...]] = {
    "challenge": (ChallengeState, CheckState, ReviewState, AmendmentState),
    "question": (QuestionState,),
    "bid": (BidState, BidMemberState),
    "review": (SeatState,),
    "consortium": (ConsortiumState,),
    "notice": (NoticeState,),
    "objection": (ObjectionState,),
    "contract": (ContractState,),
    "contract_version": (VersionState,),
    "milestone": (MilestoneState,),
    "final_acceptance": (AcceptanceState,),
}


async def things_of(session: AsyncSession, actor: Actor, challenge: Challenge) -> list[Thing]:
    return [thing for make in THINGS for thing in await make(session, actor, challenge)]


@dataclass(frozen=True)
class HistoryFilters:
    """What the reader asks for; days are those of Asia/Shanghai, both included."""

    kind: str = ""
    since: date | None = None
    until: date | None = None
    who: str = ""

    @property
    def parameters(self) -> dict[str, str]:
        return {
            "kind": self.kind,
            "since": self.since.isoformat() if self.since else "",
            "until": self.until.isoformat() if self.until else "",
            "who": self.who,
        }


@dataclass(frozen=True)
class Line:
    """An entry in words, with what it is about and what has changed."""

    number: int
    at: datetime
    who: str
    text: str
    icon: str
    change: str
    note: str
    thing: Thing


def wanted(things: Iterable[Thing], filters: HistoryFilters) -> Wanted:
    return Wanted(
        subjects=[(item.kind, item.id) for item in things if filters.kind in ("", item.kind)],
        actions=ACTIONS.keys(),
        since=_begin_of(filters.since),
        until=_begin_of(filters.until + timedelta(days=1)) if filters.until else None,
        who=filters.who,
    )


def _begin_of(day: date | None) -> datetime | None:
    return None if day is None else datetime(day.year, day.month, day.day, tzinfo=SHANGHAI)


async def count_lines(session: AsyncSession, things: Sequence[Thing], filters: HistoryFilters) -> int:
    return await count_entries(session, wanted(things, filters))


async def lines_of(
    session: AsyncSession,
    things: Sequence[Thing],
    filters: HistoryFilters,
    *,
    limit: int,
    offset: int = 0,
) -> list[Line]:
    by_key = {(item.kind, item.id): item for item in things}
    entries = await page_of_entries(session, wanted(things, filters), limit=limit, offset=offset)
    return [
        Line(
            number=entry.number,
            at=told.at,
            who=told.who,
            text=told.text,
            icon=told.icon,
            change=_change(entry),
            note=told.note,
            thing=by_key[entry.subject_type, entry.subject_id],
        )
        for entry, told in zip(entries, history_of(entries), strict=True)
    ]


def _change(entry: AuditEntry) -> str:
    """From which state to which, where the entry tells of a step."""
    states = entry.changes.get("state")
    if not isinstance(states, list) or len(states) != 2 or states[0] == states[1]:
        return ""
    return " → ".join(_state_text(entry.subject_type, str(state)) for state in states)


def _state_text(kind: str, value: str) -> str:
    for states in STATES.get(kind, ()):
        if value in {item.value for item in states}:
            return label(states(value))
    return value
