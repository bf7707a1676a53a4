"""Who follows a challenge without having posted it: those who bid for it, and those who have saved it."""

import uuid
from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from challenges.bids.models import Bid, BidMember, BidMemberState, BidState
from challenges.postings.models import Challenge, SavedChallenge
from challenges.postings.sight import may_know_of
from solvers.organizations.queries import editor_ids


async def bidder_ids(session: AsyncSession, challenge_id: uuid.UUID) -> set[uuid.UUID]:
    """Owners and editors of every organization that has a part in a bid, also one that is a draft."""
    statement = (
        select(BidMember.organization_id)
        .join(Bid)
        .where(
            Bid.challenge_id == challenge_id,
            Bid.state != BidState.WITHDRAWN,
            BidMember.state != BidMemberState.DECLINED,
        )
    )
    organizations = set(await session.scalars(statement))
    return await editor_ids(session, *organizations) if organizations else set()


async def saver_ids(session: AsyncSession, challenge_id: uuid.UUID) -> set[uuid.UUID]:
    statement = select(SavedChallenge.person_id).where(SavedChallenge.challenge_id == challenge_id)
    return set(await session.scalars(statement))


async def readers_among(
    session: AsyncSession, people: Collection[uuid.UUID], challenge: Challenge
) -> set[uuid.UUID]:
    """Those who may read the challenge now: of a restricted one nobody else is told."""
    if challenge.is_public:
        return set(people)
    return {person for person in people if await may_know_of(session, person, challenge.id)}
