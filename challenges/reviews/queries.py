"""Every SELECT about reviews, except the facts that conflicts are found in."""

import uuid
from collections.abc import Collection, Iterable
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Select, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload
from sqlalchemy.orm.attributes import set_committed_value

from challenges.bids.models import Bid, BidMember
from challenges.experts.models import Expert
from challenges.matches.models import Match, MatchRun, MatchRunState
from challenges.postings.models import Challenge, ChallengeState
from challenges.postings.queries import LINE, in_charge_of
from challenges.programs.models import Program
from challenges.reviews.models import (
    SEATED,
    PanelSeat,
    Review,
    ReviewCriterion,
    ReviewRemark,
    ReviewState,
    ScoreRevision,
)
from core.actor import Actor
from core.database import database_time as database_time
from core.database import held

LIMIT = 100
UNDER_WAY = (ReviewState.PREPARING, ReviewState.SCORING, ReviewState.DISCUSSING)


def _whole() -> Select[Review]:
    return select(Review).options(
        selectinload(Review.begun_by),
        selectinload(Review.challenge).options(
            selectinload(Challenge.organization),
            selectinload(Challenge.requirements),
            selectinload(Challenge.invited),
            selectinload(Challenge.round),
            selectinload(Challenge.program).selectinload(Program.officers),
        ),
        selectinload(Review.seats).options(
            selectinload(PanelSeat.scores),
            selectinload(PanelSeat.expert).options(
                selectinload(Expert.person),
                selectinload(Expert.organization),
                selectinload(Expert.past_employers),
            ),
        ),
    )


def _tied(reviews: Iterable[Review]) -> list[Review]:
    """Seats hold their review: it lives as long as one of them is looked at."""
    found = list(reviews)
    for review in found:
        for seat in review.seats:
            set_committed_value(seat, "review", review)
    return found


async def _one(session: AsyncSession, statement: Select[Review]) -> Review | None:
    found = _tied(await session.scalars(statement))
    return found[0] if found else None


async def review_by_id(session: AsyncSession, review_id: uuid.UUID, *, lock: bool = False) -> Review | None:
    """A review with challenge, panel, experts and scores; `lock` holds the row and reads everything anew."""
    statement = _whole().where(Review.id == review_id)
    return await _one(session, held(statement, Review, lock=lock))


async def review_ids_of(session: AsyncSession, challenge_id: uuid.UUID) -> list[uuid.UUID]:
    statement = select(Review.id).where(Review.challenge_id == challenge_id).order_by(Review.created_at)
    return list(await session.scalars(statement))


async def finished_of(session: AsyncSession, challenge_id: uuid.UUID) -> list[Review]:
    """Every finished review of a challenge, oldest first."""
    statement = (
        _whole()
        .where(Review.challenge_id == challenge_id, Review.state == ReviewState.FINISHED)
        .order_by(Review.finished_at)
    )
    return _tied(await session.scalars(statement))


async def newest_review(session: AsyncSession, challenge_id: uuid.UUID) -> Review | None:
    statement = (
        _whole().where(Review.challenge_id == challenge_id).order_by(Review.created_at.desc()).limit(1)
    )
    return await _one(session, statement)


async def newest_finished(session: AsyncSession, challenge_id: uuid.UUID) -> Review | None:
    statement = (
        _whole()
        .where(Review.challenge_id == challenge_id, Review.state == ReviewState.FINISHED)
        .order_by(Review.finished_at.desc())
        .limit(1)
    )
    return await _one(session, statement)


async def finished_ranking(
    session: AsyncSession, challenge_id: uuid.UUID
) -> list[tuple[uuid.UUID, int, Decimal]] | None:
    """(bid, rank, score of 100) by rank, from the newest finished review; None while none is finished."""
    statement = (
        select(Review.ranking)
        .where(Review.challenge_id == challenge_id, Review.state == ReviewState.FINISHED)
        .order_by(Review.finished_at.desc())
        .limit(1)
    )
    ranking = await session.scalar(statement)
    if ranking is None:
        return None
    return [(uuid.UUID(item["bid"]), item["rank"], Decimal(item["score"])) for item in ranking]


async def review_id_of_seat(session: AsyncSession, seat_id: uuid.UUID) -> uuid.UUID | None:
    return await session.scalar(select(PanelSeat.review_id).where(PanelSeat.id == seat_id))


async def challenge_id_of(session: AsyncSession, review_id: uuid.UUID) -> uuid.UUID | None:
    return await session.scalar(select(Review.challenge_id).where(Review.id == review_id))


async def seats_of_person(session: AsyncSession, person_id: uuid.UUID | None) -> list[PanelSeat]:
    """Seats that a reviewer was asked to take, newest first, with their review."""
    ids = (
        select(PanelSeat.review_id)
        .join(Expert, Expert.id == PanelSeat.expert_id)
        .where(Expert.person_id == person_id, PanelSeat.asked_at.is_not(None))
    )
    reviews = _tied(await session.scalars(_whole().where(Review.id.in_(ids))))
    own = [
        seat
        for review in reviews
        for seat in review.seats
        if seat.expert.person_id == person_id and seat.asked_at is not None
    ]
    return sorted(own, key=lambda seat: seat.created_at, reverse=True)


async def reviews_by_ids(session: AsyncSession, ids: Collection[uuid.UUID]) -> list[Review]:
    return _tied(await session.scalars(_whole().where(Review.id.in_(ids))))


async def reviews_of_seats(session: AsyncSession, ids: Collection[uuid.UUID]) -> list[Review]:
    chosen = select(PanelSeat.review_id).where(PanelSeat.id.in_(ids))
    return _tied(await session.scalars(_whole().where(Review.id.in_(chosen))))


async def seat_reading_bid(
    session: AsyncSession, person_id: uuid.UUID | None, bid_id: uuid.UUID
) -> list[PanelSeat]:
    """Seats of a person in reviews of a bid."""
    return [seat for seat in await seats_of_person(session, person_id) if str(bid_id) in seat.review.bid_ids]


async def bids_of(session: AsyncSession, review: Review) -> list[Bid]:
    """The bids under review with lead, members and challenge, in the order of handing in."""
    statement = (
        select(Bid)
        .where(Bid.id.in_([uuid.UUID(item) for item in review.bid_ids]))
        .options(
            selectinload(Bid.organization),
            selectinload(Bid.members).selectinload(BidMember.organization),
            selectinload(Bid.challenge).selectinload(Challenge.requirements),
        )
        .order_by(Bid.submitted_at, Bid.id)
    )
    return list(await session.scalars(statement))


async def criteria_of(session: AsyncSession, program_id: uuid.UUID) -> list[ReviewCriterion]:
    statement = (
        select(ReviewCriterion)
        .where(ReviewCriterion.program_id == program_id)
        .order_by(ReviewCriterion.position)
    )
    return list(await session.scalars(statement))


async def open_reviews(session: AsyncSession, besides: Collection[uuid.UUID]) -> dict[uuid.UUID, int]:
    """How many panels at work each expert sits on, apart from the reviews named."""
    statement = (
        select(PanelSeat.expert_id, func.count())
        .join(Review, Review.id == PanelSeat.review_id)
        .where(Review.state.in_(UNDER_WAY), PanelSeat.state.in_(SEATED), PanelSeat.review_id.not_in(besides))
        .group_by(PanelSeat.expert_id)
    )
    return {row[0]: row[1] for row in await session.execute(statement)}


async def preparing_in_round(session: AsyncSession, actor: Actor, round_id: uuid.UUID) -> list[uuid.UUID]:
    """Reviews of a round whose panels are being put together, in the officer's programs."""
    statement = (
        select(Review.id)
        .join(Challenge, Challenge.id == Review.challenge_id)
        .where(
            Challenge.round_id == round_id,
            Review.state == ReviewState.PREPARING,
            Challenge.state == ChallengeState.IN_REVIEW,
            in_charge_of(actor),
        )
        .order_by(Review.created_at, Review.id)
    )
    return list(await session.scalars(statement))


async def remarks_of(session: AsyncSession, review_id: uuid.UUID) -> list[ReviewRemark]:
    statement = (
        select(ReviewRemark)
        .where(ReviewRemark.review_id == review_id)
        .options(
            selectinload(ReviewRemark.person), selectinload(ReviewRemark.bid).selectinload(Bid.organization)
        )
        .order_by(ReviewRemark.created_at, ReviewRemark.id)
    )
    return list(await session.scalars(statement))


async def last_remark(session: AsyncSession, review_id: uuid.UUID) -> ReviewRemark | None:
    return await session.scalar(
        select(ReviewRemark)
        .where(ReviewRemark.review_id == review_id)
        .order_by(ReviewRemark.created_at.desc(), ReviewRemark.id.desc())
        .limit(1)
    )


async def revisions_of(session: AsyncSession, review: Review) -> list[ScoreRevision]:
    statement = (
        select(ScoreRevision)
        .where(ScoreRevision.seat_id.in_([seat.id for seat in review.seats]))
        .order_by(ScoreRevision.created_at, ScoreRevision.id)
    )
    return list(await session.scalars(statement))


async def fits_of(session: AsyncSession, challenge_id: uuid.UUID) -> dict[uuid.UUID, float]:
    """The matcher's score by organization, from the newest ranking that is done: information, never counted."""
    run = (
        select(MatchRun.id)
        .where(MatchRun.challenge_id == challenge_id, MatchRun.state == MatchRunState.DONE)
        .order_by(MatchRun.finished_at.desc())
        .limit(1)
        .scalar_subquery()
    )
    statement = select(Match.organization_id, Match.score).where(Match.run_id == run)
    return {row[0]: row[1] for row in await session.execute(statement)}


async def _next(session: AsyncSession, statement: Select[uuid.UUID]) -> Review | None:
    found = await session.scalar(statement.limit(1).with_for_update(of=Review, skip_locked=True))
    return None if found is None else await review_by_id(session, found, lock=True)


async def next_to_remind(
    session: AsyncSession, now: datetime, besides: Collection[uuid.UUID]
) -> Review | None:
    """A review whose reviewers are to be reminded, locked; one that another worker holds is left to it."""
    return await _next(
        session,
        select(Review.id)
        .where(Review.state == ReviewState.SCORING, Review.remind_at <= now, Review.id.not_in(besides))
        .order_by(Review.remind_at, Review.id),
    )


async def next_overdue(session: AsyncSession, now: datetime, besides: Collection[uuid.UUID]) -> Review | None:
    """A review whose deadline has passed with scores missing, of which nobody has been told, locked."""
    return await _next(
        session,
        select(Review.id)
        .where(
            Review.state == ReviewState.SCORING,
            Review.due_at <= now,
            Review.overdue_at.is_(None),
            Review.id.not_in(besides),
        )
        .order_by(Review.due_at, Review.id),
    )


async def reviews_waiting(session: AsyncSession, actor: Actor) -> list[Review]:
    """Reviews under way in the officer's programs, oldest first."""
    statement = (
        select(Review)
        .join(Challenge, Challenge.id == Review.challenge_id)
        .where(Review.state.in_(UNDER_WAY), Challenge.state == ChallengeState.IN_REVIEW, in_charge_of(actor))
        .options(selectinload(Review.challenge).options(*LINE), selectinload(Review.seats))
        .order_by(Review.created_at, Review.id)
        .limit(LIMIT)
    )
    return list(await session.scalars(statement))


async def challenges_to_review(session: AsyncSession, actor: Actor) -> list[Challenge]:
    """Closed challenges with opened bids and no review yet, in the officer's programs that need one."""
    statement = (
        select(Challenge)
        .join(Program, Program.id == Challenge.program_id)
        .where(
            Challenge.state == ChallengeState.CLOSED,
            Challenge.bids_opened_at.is_not(None),
            Program.needs_review,
            ~exists().where(Review.challenge_id == Challenge.id, Review.state == ReviewState.FINISHED),
            in_charge_of(actor),
        )
        .options(*LINE)
        .order_by(Challenge.bids_opened_at, Challenge.id)
        .limit(LIMIT)
    )
    return list(await session.scalars(statement))
