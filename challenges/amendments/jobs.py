"""What time alone does to proposed amendments."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.amendments import queries, service
from challenges.amendments.models import Amendment
from core.schedule import due


@due("amendment.lapse", queries.next_to_lapse)
async def lapse_amendment(session: AsyncSession, amendment: Amendment, now: datetime) -> None:
    await service.lapse(session, amendment, now)
