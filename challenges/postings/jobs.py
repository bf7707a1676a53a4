"""Actors of challenges."""

from challenges.postings import queries
from challenges.postings.models import ChallengeState
from challenges.postings.states import move
from core.actor import SYSTEM
from core.clock import utc_now
from core.jobs import actor
from core.process import current_process


@actor()
async def close_due_challenges() -> None:
    """Mark published challenges whose deadline has passed; bids have been refused since that very moment."""
    async with current_process().transaction() as session:
        for challenge in await queries.due_challenges(session, utc_now()):
            await move(session, SYSTEM, challenge, ChallengeState.CLOSED)
