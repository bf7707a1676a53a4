"""Ratings become readable when both sides have rated, or with time; the rated side is told once."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.acceptances import events, queries
from challenges.acceptances.models import Rating
from challenges.contracts.queries import contract_by_id, member_ids
from challenges.contracts.standing import Standing, tell
from core.actor import SYSTEM
from core.schedule import due


@due("rating.visible", queries.next_to_tell)
async def tell_rating(session: AsyncSession, rating: Rating, now: datetime) -> None:
    rating.told_at = now
    await session.flush()
    contract = await contract_by_id(session, rating.contract_id)
    assert contract is not None
    standing = Standing(contract, await member_ids(session, contract.consortium_id))
    await tell(
        session, SYSTEM, events.RATED, standing, str(rating.id), [rating.rated_id], stars=str(rating.stars)
    )
