"""Who may do what with a bid. Until two officers open it, nobody but its own organizations reads it."""

import uuid
from collections.abc import Collection
from datetime import datetime

from challenges.bids.models import Bid, BidMemberState, BidState
from challenges.postings.models import Challenge
from challenges.postings.policies import is_bidding_over, is_officer_in_charge, is_open_for_bids
from core.actor import Actor


def leads_bid(actor: Actor, bid: Bid) -> bool:
    return actor.acts_for(bid.organization_id)


def may_edit_bid(actor: Actor, bid: Bid, now: datetime) -> bool:
    return (
        leads_bid(actor, bid)
        and actor.may_edit_for_organization
        and bid.state is not BidState.WITHDRAWN
        and is_open_for_bids(bid.challenge, now)
    )


def is_asked(actor: Actor, bid: Bid) -> bool:
    """The actor's organization was named as a partner and has not declined: it sees its own part."""
    return any(
        actor.acts_for(member.organization_id) and member.state is not BidMemberState.DECLINED
        for member in bid.members
    )


def may_answer_invitation(actor: Actor, bid: Bid, now: datetime) -> bool:
    return (
        is_asked(actor, bid)
        and not leads_bid(actor, bid)
        and actor.may_edit_for_organization
        and bid.state is not BidState.WITHDRAWN
        and is_open_for_bids(bid.challenge, now)
    )


def bids_in(actor: Actor, bid: Bid) -> bool:
    """The actor's organization leads the bid or has confirmed its part."""
    return leads_bid(actor, bid) or any(
        actor.acts_for(item.organization_id) and item.state is BidMemberState.CONFIRMED
        for item in bid.members
    )


def may_read_bid(actor: Actor, bid: Bid) -> bool:
    """The lead and confirmed partners always; poster and the program's officers once it is opened."""
    if bids_in(actor, bid):
        return True
    return (
        bid.state is BidState.SUBMITTED
        and are_bids_opened(bid.challenge)
        and (actor.acts_for(bid.challenge.organization_id) or is_officer_in_charge(actor, bid.challenge))
    )


def are_bids_opened(challenge: Challenge) -> bool:
    return challenge.bids_opened_at is not None


def may_list_bids(actor: Actor, challenge: Challenge, now: datetime) -> bool:
    """Even their number is sealed until the deadline; their contents until they are opened."""
    return is_bidding_over(challenge, now) and (
        actor.acts_for(challenge.organization_id) or is_officer_in_charge(actor, challenge)
    )


def may_see_receipts(
    actor: Actor, challenge: Challenge, participants: Collection[uuid.UUID], now: datetime
) -> bool:
    """Everybody who took part, the poster and the officers may check the receipts, once their number tells nothing."""
    return is_bidding_over(challenge, now) and (
        may_list_bids(actor, challenge, now) or any(actor.acts_for(item) for item in participants)
    )
