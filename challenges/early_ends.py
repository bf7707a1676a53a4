"""The early end of a challenge, with what hangs on it: bidders are told, drafts and unfinished consortia end."""

import uuid

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.bids.ending import end_bids, tell_no_award
from challenges.consortia.ending import end_consortia
from challenges.postings import screening
from challenges.postings.models import Challenge
from core.actor import Actor


async def withdraw_challenge(
    session: AsyncSession, actor: Actor, challenge_id: uuid.UUID, *, note: str
) -> Challenge:
    """`screening.withdraw_challenge`, which only knows of the challenge itself."""
    challenge = await screening.withdraw_challenge(session, actor, challenge_id, note=note)
    await end_consortia(session, actor, challenge)
    await end_bids(session, challenge)
    return challenge


async def declare_no_award(
    session: AsyncSession, actor: Actor, challenge_id: uuid.UUID, *, note: str
) -> Challenge:
    """`screening.declare_no_award`, and the bidders are told."""
    challenge = await screening.declare_no_award(session, actor, challenge_id, note=note)
    await tell_no_award(session, challenge)
    return challenge
