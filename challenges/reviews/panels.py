"""Putting a panel together: proposals that respect conflicts, load and fields; changes by hand, never against a conflict.

Whoever changes panels holds one lock for all of them, since the load of an expert counts across reviews.
"""

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from challenges.experts import queries as expert_queries
from challenges.experts.models import Expert
from challenges.indexes import terms_of_text
from challenges.programs import queries as program_queries
from challenges.reviews import conflict_queries, events, queries
from challenges.reviews.access import locked_review, locked_seat
from challenges.reviews.assignment import MOST_OPEN, Candidate, Panel, Proposal, assign
from challenges.reviews.conflicts import Conflict, conflicts_of
from challenges.reviews.models import PanelSeat, Review, ReviewState, SeatState
from challenges.reviews.states import SEAT
from core import audit
from core.actor import Actor
from core.database import database_today
from core.errors import ConflictError, InvalidError, NotFoundError
from core.i18n import lazy_gettext as _
from core.states import move

# A lock of the database's own, taken by whoever seats experts.
PANELS = 0x9A6E15
# Parts of a perfect fit, in thousandths: the challenge's own subfield, else another of its field, and shared words.
SUBFIELD, FIELD, WORDS = 600, 300, 400
# So many shared words are all that counts.
ENOUGH_WORDS = 8


@dataclass(frozen=True)
class Prospect:
    """One expert, as seen from one review."""

    expert: Expert
    conflicts: list[Conflict]
    open_reviews: int
    fit: int
    seat: PanelSeat | None

    @property
    def is_free(self) -> bool:
        return not self.conflicts and self.open_reviews < MOST_OPEN and self.seat is None


def fit_of(fields: Sequence[str], terms: frozenset[str], subfield: str | None, wanted: frozenset[str]) -> int:
    """How well an expert fits a challenge, from 0 to 1000.

    >>> fit_of(["0401"], frozenset(), "0401", frozenset())
    600
    """
    by_field = 0
    if subfield and subfield in fields:
        by_field = SUBFIELD
    elif subfield and any(code[:2] == subfield[:2] for code in fields):
        by_field = FIELD
    return by_field + WORDS * min(len(terms & wanted), ENOUGH_WORDS) // ENOUGH_WORDS


async def prospects_of(
    session: AsyncSession, review: Review, besides: Sequence[uuid.UUID] = ()
) -> list[Prospect]:
    """Every active expert with what speaks for and against them; the best free ones first.

    `besides` are reviews that do not count as load.
    """
    experts = await expert_queries.active_experts(session)
    facts = {item.key: item for item in await conflict_queries.expert_facts(session, experts)}
    parties = await conflict_queries.parties_of(
        session, review.challenge, [uuid.UUID(item) for item in review.bid_ids]
    )
    concerned = {party.organization_id for party in parties} | {
        key for item in facts.values() for key in item.present.ids
    }
    ties = await conflict_queries.ties_of(session, concerned)
    assert review.challenge.program_id is not None
    officers = await program_queries.officer_ids(session, review.challenge.program_id)
    load = await queries.open_reviews(session, [review.id, *besides])
    terms = await asyncio.to_thread(
        lambda: [frozenset(terms_of_text(f"{item.strengths} {item.title}")) for item in experts]
    )
    wanted = frozenset(review.challenge.tokens) or frozenset(
        await asyncio.to_thread(terms_of_text, f"{review.challenge.title} {review.challenge.content}")
    )
    seats = {seat.expert_id: seat for seat in review.seats}
    year = (await database_today(session)).year
    found = [
        Prospect(
            expert=expert,
            conflicts=conflicts_of(facts[str(expert.id)], parties, ties, year, officers),
            open_reviews=load.get(expert.id, 0),
            fit=fit_of(expert.fields, own, review.challenge.subfield_code, wanted),
            seat=seats.get(expert.id),
        )
        for expert, own in zip(experts, terms, strict=True)
    ]
    found.sort(key=lambda item: (not item.is_free, bool(item.conflicts), -item.fit, item.expert.person.name))
    return found


async def propose(session: AsyncSession, actor: Actor, review_id: uuid.UUID) -> Proposal:
    """Fill the free seats of one review with the best experts; those seated stay."""
    await hold_panels(session)
    review = await locked_review(session, actor, review_id)
    return await _propose(session, actor, [review])


async def propose_for_round(session: AsyncSession, actor: Actor, round_id: uuid.UUID) -> Proposal:
    """Fill the free seats of all reviews of a round that are being prepared, solved as one question."""
    await hold_panels(session)
    ids = await queries.preparing_in_round(session, actor, round_id)
    if not ids:
        raise NotFoundError(_("No review of this round is being prepared."))
    return await _propose(session, actor, [await locked_review(session, actor, key) for key in ids])


async def _propose(session: AsyncSession, actor: Actor, reviews: list[Review]) -> Proposal:
    for review in reviews:
        if review.state not in (ReviewState.PREPARING, ReviewState.SCORING):
            raise ConflictError(_("The panel is settled."))
    others = [review.id for review in reviews]
    prospects = {review.id: await prospects_of(session, review, others) for review in reviews}
    by_key = {str(item.expert.id): item for found in prospects.values() for item in found}
    seated: dict[str, int] = {}
    for review in reviews:
        for seat in review.seated:
            seated[str(seat.expert_id)] = seated.get(str(seat.expert_id), 0) + 1
    candidates = [
        Candidate(key, item.expert.is_enterprise, item.open_reviews + seated.get(key, 0))
        for key, item in sorted(by_key.items())
    ]
    panels = [
        Panel(
            key=str(review.id),
            seats=max(0, review.panel_size - len(review.seated)),
            enterprise=_enterprise_wanted(review),
            fit={str(item.expert.id): item.fit for item in prospects[review.id]},
            barred=frozenset(
                str(item.expert.id)
                for item in prospects[review.id]
                if item.conflicts or item.seat is not None
            ),
        )
        for review in reviews
    ]
    proposal = await asyncio.to_thread(assign, candidates, panels)
    for review in reviews:
        for key in proposal.chosen[str(review.id)]:
            await _seat(session, actor, review, by_key[key].expert)
        await audit.record(
            session,
            actor,
            "review.panel_proposed",
            "review",
            review.id,
            {"experts": list(proposal.chosen[str(review.id)]), "proven": proposal.is_proven},
        )
    return proposal


def _enterprise_wanted(review: Review) -> int:
    free = max(0, review.panel_size - len(review.seated))
    present = sum(seat.is_enterprise for seat in review.seated)
    return min(free, max(0, review.min_enterprise - present))


async def seat_expert(
    session: AsyncSession, actor: Actor, review_id: uuid.UUID, expert_id: uuid.UUID
) -> PanelSeat:
    """Put an expert on the panel by hand; raises InvalidError on field `expert` for a conflict or a full panel."""
    await hold_panels(session)
    review = await locked_review(session, actor, review_id)
    if review.state not in (ReviewState.PREPARING, ReviewState.SCORING):
        raise ConflictError(_("The panel is settled."))
    found = next((item for item in await prospects_of(session, review) if item.expert.id == expert_id), None)
    if found is None:
        raise InvalidError({"expert": _("There is no such expert, or they are not active.")})
    if found.conflicts:
        raise InvalidError({"expert": _("This expert has a conflict of interest and cannot be appointed.")})
    if found.seat is not None:
        raise InvalidError({"expert": _("This expert has been on this panel already.")})
    if found.open_reviews >= MOST_OPEN:
        raise InvalidError(
            {"expert": _("This expert sits on %(count)s panels already.", count=found.open_reviews)}
        )
    if len(review.seated) >= review.panel_size:
        raise InvalidError({"expert": _("The panel is full: take somebody off first.")})
    seat = await _seat(session, actor, review, found.expert)
    await audit.record(
        session, actor, "review.expert_seated", "review", review.id, {"expert": str(expert_id)}
    )
    return seat


async def _seat(session: AsyncSession, actor: Actor, review: Review, expert: Expert) -> PanelSeat:
    """While the panel scores already, whoever joins it is asked at once."""
    seat = PanelSeat(
        id=uuid.uuid4(),
        review_id=review.id,
        expert_id=expert.id,
        is_enterprise=expert.is_enterprise,
        expert=expert,
        scores=[],
        conflicting_bids=[],
    )
    review.seats.append(seat)
    await session.flush()
    if review.state is ReviewState.SCORING:
        await ask(session, actor, seat)
    return seat


async def ask(session: AsyncSession, actor: Actor, seat: PanelSeat) -> None:
    """Tell the expert of the seat: before anything is shown they say whether they have a conflict."""
    await move(session, SEAT, actor, seat, SeatState.ASKED)
    await session.flush()
    await events.tell_reviewer(session, events.ASKED, seat)


async def excuse(session: AsyncSession, actor: Actor, seat_id: uuid.UUID, reason: str) -> Review:
    """Take an expert off the panel. Who was only proposed goes without a trace; the others with a reason."""
    await hold_panels(session)
    seat = await locked_seat(session, actor, seat_id)
    review = seat.review
    if seat.state is SeatState.PROPOSED:
        review.seats.remove(seat)
        await session.flush()
        await audit.record(
            session, actor, "review.proposal_dropped", "review", review.id, {"expert": str(seat.expert_id)}
        )
        return review
    await move(session, SEAT, actor, seat, SeatState.EXCUSED, note=reason)
    await session.flush()
    await events.tell_reviewer(session, events.EXCUSED, seat)
    return review


async def hold_panels(session: AsyncSession) -> None:
    """One change of any panel at a time."""
    await session.execute(select(func.pg_advisory_xact_lock(PANELS)))
