"""Every SELECT about final acceptances, ratings and deliveries."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import exists, extract, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased, selectinload

from challenges.acceptances.models import AcceptanceState, Delivery, FinalAcceptance, Rating, Side
from challenges.contracts.models import Contract
from challenges.postings.models import Challenge
from challenges.postings.queries import LINE, in_charge_of
from challenges.programs.models import Program
from core.actor import Actor
from core.database import database_time as database_time

# A rating is shown when both sides have rated, or after so many days of the program.
RATING_DAYS = 14
QUEUE_LIMIT = 100


async def acceptances_of(session: AsyncSession, contract_id: uuid.UUID) -> list[FinalAcceptance]:
    """Newest first."""
    statement = (
        select(FinalAcceptance)
        .where(FinalAcceptance.contract_id == contract_id)
        .order_by(FinalAcceptance.asked_at.desc())
    )
    return list(await session.scalars(statement))


async def acceptance_by_id(session: AsyncSession, acceptance_id: uuid.UUID) -> FinalAcceptance | None:
    return await session.get(FinalAcceptance, acceptance_id)


async def to_confirm(session: AsyncSession, actor: Actor) -> list[FinalAcceptance]:
    """Acceptances of the officer's programs that the poster has given, oldest first."""
    statement = (
        select(FinalAcceptance)
        .join(Contract, Contract.id == FinalAcceptance.contract_id)
        .join(Challenge, Challenge.id == Contract.challenge_id)
        .where(FinalAcceptance.state == AcceptanceState.ACCEPTED, in_charge_of(actor))
        .options(selectinload(FinalAcceptance.contract).selectinload(Contract.challenge).options(*LINE))
        .order_by(FinalAcceptance.answered_at, FinalAcceptance.id)
        .limit(QUEUE_LIMIT)
    )
    return list(await session.scalars(statement))


async def ratings_of(session: AsyncSession, contract_id: uuid.UUID) -> list[Rating]:
    statement = select(Rating).where(Rating.contract_id == contract_id).order_by(Rating.rated_at)
    return list(await session.scalars(statement))


async def next_to_tell(session: AsyncSession, now: datetime, besides: Collection[uuid.UUID]) -> Rating | None:
    """A rating that its rated side may read now and was not told of yet, locked."""
    other = aliased(Rating)
    both = exists().where(other.contract_id == Rating.contract_id, other.id != Rating.id)
    age = extract("epoch", literal(now) - Rating.rated_at)
    statement = (
        select(Rating)
        .join(Contract, Contract.id == Rating.contract_id)
        .join(Challenge, Challenge.id == Contract.challenge_id)
        .join(Program, Program.id == Challenge.program_id)
        .where(
            Rating.told_at.is_(None),
            or_(both, age * Program.clock_factor >= timedelta(days=RATING_DAYS).total_seconds()),
            Rating.id.not_in(besides),
        )
        .order_by(Rating.rated_at, Rating.id)
        .limit(1)
        .with_for_update(of=Rating, skip_locked=True)
    )
    return await session.scalar(statement)


async def delivery_of(
    session: AsyncSession, contract_id: uuid.UUID, organization_id: uuid.UUID
) -> Delivery | None:
    return await session.get(Delivery, (contract_id, organization_id))


@dataclass(frozen=True)
class Record:
    """What the directory shows of an organization: completed challenges it agreed to show, and ratings it has seen."""

    delivered: int
    rated: int
    stars: Decimal | None


async def record_of(session: AsyncSession, organization_id: uuid.UUID) -> Record:
    delivered = await session.scalar(
        select(func.count()).where(Delivery.organization_id == organization_id, Delivery.is_shown)
    )
    rated, stars = (
        await session.execute(
            select(func.count(), func.round(func.avg(Rating.stars), 1)).where(
                Rating.rated_id == organization_id,
                Rating.side == Side.POSTER,
                Rating.told_at.is_not(None),
            )
        )
    ).one()
    return Record(delivered or 0, rated, stars)
