"""Every SELECT about calendars."""

import uuid
from collections.abc import Collection
from datetime import date, datetime

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from challenges.bids.models import Bid, BidMember, BidMemberState, BidState
from challenges.calendars.models import CalendarFeed
from challenges.postings.models import Challenge, ChallengeState, SavedChallenge
from challenges.postings.queries import in_charge_of, readable_by
from challenges.programs.models import Program, Round
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


async def deadlines_for(
    session: AsyncSession, actor: Actor, certificates: Collection[str], since: datetime
) -> list[Challenge]:
    """Open or closed challenges that the actor may read and has saved, bids for or is in charge of."""
    saved = select(SavedChallenge.challenge_id).where(SavedChallenge.person_id == actor.person_id)
    wanted: list[ColumnElement[bool]] = [Challenge.id.in_(saved)]
    readable = readable_by(actor, certificates)
    if actor.organization_id is not None:
        own = (
            select(Bid.challenge_id)
            .join(BidMember)
            .where(
                Bid.state != BidState.WITHDRAWN,
                BidMember.organization_id == actor.organization_id,
                BidMember.state != BidMemberState.DECLINED,
            )
        )
        wanted.append(Challenge.id.in_(own))
        # Who was asked to bid together knows of the challenge, though it may be restricted.
        readable = or_(readable, Challenge.id.in_(own))
    if actor.is_officer:
        wanted.append(in_charge_of(actor))
    statement = (
        select(Challenge)
        .where(
            Challenge.published_at.is_not(None),
            Challenge.state != ChallengeState.WITHDRAWN,
            Challenge.deadline_at >= since,
            readable,
            or_(*wanted),
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
