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

from challenges.bids import policies as bid_policies
from challenges.bids import queries as bid_queries
from challenges.consortia import policies as consortium_policies
from challenges.consortia import queries as consortium_queries
from challenges.models import (
    BidMemberState,
    BidState,
    Challenge,
    ChallengeState,
    CheckState,
    ConsortiumState,
)
from challenges.postings import policies as posting_policies
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


# In the order of the way of a challenge.
THINGS: tuple[MakeThings, ...] = (_challenge, _bids, _consortia)
# What the states of an entry's "state" may be, by what it is about.
STATES: dict[str, tuple[type[StrEnum], ...]] = {
    "challenge": (ChallengeState, CheckState),
    "bid": (BidState, BidMemberState),
    "consortium": (ConsortiumState,),
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
