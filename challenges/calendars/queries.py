"""Every SELECT about calendars."""

import uuid
from collections.abc import Collection
from datetime import date, datetime

from sqlalchemy import ColumnElement, Select, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from challenges.bids.models import Bid, BidMember, BidMemberState, BidState
from challenges.calendars.models import CalendarFeed
from challenges.experts.models import Expert
from challenges.notices.models import Notice, NoticeState
from challenges.postings.models import Challenge, ChallengeState, SavedChallenge
from challenges.postings.queries import in_charge_of, readable_by
from challenges.programs.models import Program, Round
from challenges.reviews.models import PanelSeat, Review, ReviewState, SeatState
from core.accounts.models import Person
from core.actor import Actor


async def feed_of(session: AsyncSession, person_id: uuid.UUID) -> CalendarFeed | None:
    return await session.get(CalendarFeed, person_id)


async def owner_of(session: AsyncSession, token_hash: bytes) -> Person | None:
    statement = (
        select(Person)
        .join(CalendarFeed, CalendarFeed.person_id == Person.id)
        .where(CalendarFeed.token_hash == token_hash, Person.is_disabled.is_(False))
    )
    return await session.scalar(statement)


def _own_bids(actor: Actor) -> Select[uuid.UUID]:
    """Challenges that the actor's organization bids for or is asked to bid for."""
    return (
        select(Bid.challenge_id)
        .join(BidMember)
        .where(
            Bid.state != BidState.WITHDRAWN,
            BidMember.organization_id == actor.organization_id,
            BidMember.state != BidMemberState.DECLINED,
        )
    )


def _followed(actor: Actor) -> ColumnElement[bool]:
    """Challenges that the actor has saved, bids for or is in charge of."""
    saved = select(SavedChallenge.challenge_id).where(SavedChallenge.person_id == actor.person_id)
    wanted: list[ColumnElement[bool]] = [Challenge.id.in_(saved)]
    if actor.organization_id is not None:
        wanted.append(Challenge.id.in_(_own_bids(actor)))
    if actor.is_officer:
        wanted.append(in_charge_of(actor))
    return or_(*wanted)


async def deadlines_for(
    session: AsyncSession, actor: Actor, certificates: Collection[str], since: datetime
) -> list[Challenge]:
    """Open or closed challenges that the actor follows and may read."""
    readable = readable_by(actor, certificates)
    if actor.organization_id is not None:
        # Who was asked to bid together knows of the challenge, though it may be restricted.
        readable = or_(readable, Challenge.id.in_(_own_bids(actor)))
    statement = (
        select(Challenge)
        .where(
            Challenge.published_at.is_not(None),
            Challenge.state != ChallengeState.WITHDRAWN,
            Challenge.deadline_at >= since,
            readable,
            _followed(actor),
        )
        .options(selectinload(Challenge.organization))
        .order_by(Challenge.deadline_at, Challenge.id)
    )
    return list(await session.scalars(statement))


async def rounds_since(session: AsyncSession, day: date) -> list[Round]:
    """Rounds of open programs that have not closed before that day."""
    statement = (
        select(Round)
        .join(Program, Program.id == Round.program_id)
        .where(Round.closes_on >= day, Program.is_open)
        .options(selectinload(Round.program))
        .order_by(Round.opens_on, Round.id)
    )
    return list(await session.scalars(statement))


async def review_deadlines_for(session: AsyncSession, actor: Actor, since: datetime) -> list[Review]:
    """Reviews with a deadline, still scoring: for reviewers who have not handed in, and for officers in charge."""
    ways: list[ColumnElement[bool]] = []
    if actor.is_reviewer:
        ways.append(
            exists().where(
                PanelSeat.review_id == Review.id,
                PanelSeat.expert_id == Expert.id,
                Expert.person_id == actor.person_id,
                PanelSeat.state.in_([SeatState.ASKED, SeatState.DECLARED]),
            )
        )
    if actor.is_officer:
        ways.append(in_charge_of(actor))
    if not ways:
        return []
    statement = (
        select(Review)
        .join(Challenge, Challenge.id == Review.challenge_id)
        .where(
            Review.state == ReviewState.SCORING,
            Review.due_at >= since,
            Challenge.state == ChallengeState.IN_REVIEW,
            or_(*ways),
        )
        .options(selectinload(Review.challenge))
        .order_by(Review.due_at, Review.id)
    )
    return list(await session.scalars(statement))


async def notices_for(
    session: AsyncSession, actor: Actor, certificates: Collection[str], since: datetime
) -> list[Notice]:
    """Notices that stand, of challenges that the actor may read and follows or has posted."""
    wanted = _followed(actor)
    if actor.organization_id is not None:
        wanted = or_(wanted, Challenge.organization_id == actor.organization_id)
    statement = (
        select(Notice)
        .join(Challenge, Challenge.id == Notice.challenge_id)
        .where(
            Notice.state != NoticeState.WITHDRAWN,
            Notice.ends_at >= since,
            readable_by(actor, certificates),
            wanted,
        )
        .options(selectinload(Notice.challenge))
        .order_by(Notice.ends_at, Notice.id)
    )
    return list(await session.scalars(statement))
