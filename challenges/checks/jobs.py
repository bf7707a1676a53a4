"""What time alone does to formal checks."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.checks import queries, service
from challenges.checks.models import FormalCheck
from core.schedule import due


@due("check.lapse", queries.next_to_lapse)
async def lapse_check(session: AsyncSession, check: FormalCheck, now: datetime) -> None:
    """Completions have been refused since that very moment; the state follows."""
    await service.lapse(session, check)
