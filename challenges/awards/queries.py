"""Every SELECT about winners."""

import uuid

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from challenges.awards.models import BidChoice
from challenges.consortia.models import Consortium, ConsortiumState
from challenges.consortia.queries import live_teams as live_teams


async def approved_teams(
    session: AsyncSession, challenge_id: uuid.UUID, *, lock: bool = False
) -> list[Consortium]:
    """Approved consortia of a challenge by team number, with members, their organizations, rule and decisions."""
    return [
        item
        for item in await live_teams(session, challenge_id, lock=lock)
        if item.state is ConsortiumState.APPROVED
    ]


async def choices_of(session: AsyncSession, challenge_id: uuid.UUID) -> dict[uuid.UUID, BidChoice]:
    """How each consortium of a challenge that was a bid came to be named, by consortium."""
    statement = (
        select(BidChoice)
        .join(Consortium, Consortium.id == BidChoice.consortium_id)
        .where(Consortium.challenge_id == challenge_id)
        .options(selectinload(BidChoice.chosen_by))
    )
    return {item.consortium_id: item for item in await session.scalars(statement)}


async def rejected_bid_ids(session: AsyncSession, challenge_id: uuid.UUID) -> frozenset[uuid.UUID]:
    """Bids whose consortium an officer has rejected: they are not named again."""
    statement = select(Consortium.bid_id).where(
        Consortium.challenge_id == challenge_id,
        Consortium.state == ConsortiumState.REJECTED,
        Consortium.bid_id.is_not(None),
    )
    return frozenset(key for key in await session.scalars(statement) if key is not None)


async def superseded_bid_ids(session: AsyncSession, challenge_id: uuid.UUID) -> frozenset[uuid.UUID]:
    """Bids that held the award and gave way: they may be named again, and passing them over needs no reason."""
    statement = select(Consortium.bid_id).where(
        Consortium.challenge_id == challenge_id,
        Consortium.state == ConsortiumState.SUPERSEDED,
        Consortium.bid_id.is_not(None),
    )
    return frozenset(key for key in await session.scalars(statement) if key is not None)
