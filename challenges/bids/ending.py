"""What becomes of the bids of a challenge that ends early, and who is told."""

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.bids import events, queries
from challenges.bids.models import Bid, BidMemberState, BidState
from challenges.bids.states import BID
from challenges.postings.models import Challenge
from core.actor import SYSTEM
from core.notifications.kinds import Kind
from core.notifications.service import notify
from core.states import move
from solvers.organizations.queries import editor_ids


async def end_bids(session: AsyncSession, challenge: Challenge) -> None:
    """Drafts end; what was handed in stays as it is, sealed where nobody has opened it.

    Leads and members that have confirmed are told once for each bid. The challenge is locked by who withdraws it.
    """
    for bid in await queries.live_bids_of(session, challenge.id):
        if bid.state is BidState.DRAFT:
            bid.revision += 1
            await move(session, BID, SYSTEM, bid, BidState.WITHDRAWN, note=challenge.state_note)
        await _tell(session, events.CHALLENGE_WITHDRAWN, challenge, bid)


async def tell_no_award(session: AsyncSession, challenge: Challenge) -> None:
    """Leads and members that have confirmed are told once for each bid that was handed in."""
    for bid in await queries.live_bids_of(session, challenge.id):
        if bid.state is BidState.SUBMITTED:
            await _tell(session, events.NO_AWARD, challenge, bid)


async def _tell(session: AsyncSession, kind: Kind, challenge: Challenge, bid: Bid) -> None:
    takers = {member.organization_id for member in bid.members if member.state is BidMemberState.CONFIRMED}
    people = await editor_ids(session, bid.organization_id, *takers)
    about = {"title": challenge.title, "note": challenge.state_note}
    await notify(session, f"{kind.name}:{bid.id}", kind, sorted(people), bid, about)
