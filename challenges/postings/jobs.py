"""Actors of challenges."""

from sqlalchemy import select

from challenges.postings.models import Challenge, ChallengeState
from core.clock import utc_now
from core.jobs import actor
from core.process import current_process


@actor()
async def close_due_challenges() -> None:
    """Mark published challenges whose deadline has passed; bids have been refused since that very moment."""
    async with current_process().transaction() as session:
        due = await session.scalars(
            select(Challenge)
            .where(Challenge.state == ChallengeState.PUBLISHED, Challenge.deadline_at <= utc_now())
            .with_for_update(skip_locked=True)
        )
        for challenge in due:
            challenge.state = ChallengeState.CLOSED
