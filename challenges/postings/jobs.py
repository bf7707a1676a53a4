"""What time alone does to challenges."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.postings import queries
from challenges.postings.models import Challenge, ChallengeState
from challenges.postings.screening import publish_as_planned
from challenges.postings.states import move
from core.actor import SYSTEM
from core.schedule import due


@due("challenge.publish", queries.next_to_publish)
async def publish_challenge(session: AsyncSession, challenge: Challenge, now: datetime) -> None:
    await publish_as_planned(session, challenge, now)


@due("challenge.close", queries.next_to_close)
async def close_challenge(session: AsyncSession, challenge: Challenge, now: datetime) -> None:
    """Bids have been refused since that very moment; the state follows."""
    await move(session, SYSTEM, challenge, ChallengeState.CLOSED, now=now)
