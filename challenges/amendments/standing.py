"""Whether a bid still stands after its challenge has changed: said by its lead, per version, before the deadline."""

import uuid
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.amendments import queries
from challenges.amendments.models import Amendment, BidConfirmation
from challenges.bids import queries as bid_queries
from challenges.bids.models import Bid, BidState, ReceiptAct
from challenges.bids.policies import bids_in, leads_bid, may_edit_bid
from challenges.bids.receipts import give_receipt
from core import audit
from core.actor import Actor
from core.database import database_time
from core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from core.i18n import lazy_gettext as _


async def bid_with_changes(
    session: AsyncSession, actor: Actor, bid_id: uuid.UUID
) -> tuple[Bid, list[Amendment]]:
    """A bid of the actor's organization, and the changes that it has not been confirmed after."""
    bid = await bid_queries.bid_by_id(session, bid_id)
    if bid is None or not bids_in(actor, bid):
        raise NotFoundError(_("There is no such bid."))
    return bid, await queries.unconfirmed(session, bid)


async def confirm_bid(
    session: AsyncSession, actor: Actor, bid_id: uuid.UUID, *, version: int
) -> Sequence[Amendment]:
    """The bid stands after every change up to `version`, which its confirmer has seen; answers with those changes.

    A bid handed in gets a receipt of it. Raises InvalidError on `version` where a newer change has come meanwhile, or
    where requirements of the changed challenge have nobody in the bid who answers for them.
    """
    bid = await bid_queries.bid_by_id(session, bid_id, lock=True)
    if bid is None or not bids_in(actor, bid):
        raise NotFoundError(_("There is no such bid."))
    if not leads_bid(actor, bid) or not actor.may_edit_for_organization:
        raise ForbiddenError(_("The lead's owners and editors say that a bid stands."))
    await bid_queries.hold_challenge(session, bid.challenge_id)
    await session.refresh(bid.challenge, ["state", "deadline_at", "requirements"])
    now = await database_time(session)
    if not may_edit_bid(actor, bid, now):
        raise ConflictError(
            _("The deadline has passed or the bid was withdrawn: it cannot be changed any more.")
        )
    changes = await queries.unconfirmed(session, bid)
    if not changes:
        return []
    if changes[-1].version != version:
        raise InvalidError(
            {"version": _("The challenge has changed once more: look at the newest change first.")}
        )
    if bid.state is BidState.SUBMITTED and (numbers := uncovered(bid)):
        raise InvalidError(
            {
                "version": _(
                    "Exactly one member has to answer for requirement %(numbers)s: revise the bid, then confirm it.",
                    numbers=", ".join(map(str, numbers)),
                )
            }
        )
    session.add_all(
        BidConfirmation(bid_id=bid.id, amendment_id=item.id, at=now, person_id=actor.person_id)
        for item in changes
    )
    await session.flush()
    if bid.state is BidState.SUBMITTED:
        await give_receipt(session, actor, bid, ReceiptAct.CONFIRMED, at=now)
    await audit.record(
        session, actor, "bid.confirmed", "bid", bid.id, {"versions": [item.version for item in changes]}
    )
    return changes


def uncovered(bid: Bid) -> list[int]:
    """Numbers, from 1, of requirements for which not exactly one member of the bid answers."""
    return [
        requirement.position + 1
        for requirement in bid.challenge.requirements
        if sum(str(requirement.id) in member.requirement_ids for member in bid.members) != 1
    ]
