"""The life of a bid, and of a member's part in it. The database's clock decides whether a step is in time."""

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.bids.models import Bid, BidMember, BidMemberState, BidState
from challenges.postings.models import ChallengeState
from challenges.postings.policies import is_open_for_bids
from core.actor import SYSTEM, Actor
from core.i18n import lazy_gettext as _
from core.states import Machine, Role, Transition

LEAD = frozenset({Role.LEAD})
PARTNER = frozenset({Role.PARTNER})
LEAD_OR_SYSTEM = frozenset({Role.LEAD, Role.SYSTEM})
LEAD_OR_PARTNER = frozenset({Role.LEAD, Role.PARTNER})


def _is_in_time(bid: Bid, now: datetime) -> Any:
    """The challenge is open for bids, and its deadline has not passed."""
    if not is_open_for_bids(bid.challenge, now):
        return _("The deadline has passed or the bid was withdrawn: it cannot be changed any more.")
    return None


def _may_end(bid: Bid, now: datetime) -> Any:
    """The challenge is open for bids and its deadline has not passed, or the challenge itself was withdrawn."""
    if bid.challenge.state is ChallengeState.WITHDRAWN:
        return None
    return _is_in_time(bid, now)


def _part_is_in_time(member: BidMember, now: datetime) -> Any:
    """The bid is not withdrawn, and the deadline of its challenge has not passed."""
    if member.bid.state is BidState.WITHDRAWN:
        return _("The deadline has passed or the bid was withdrawn: it cannot be changed any more.")
    return _is_in_time(member.bid, now)


def _stamp_submission(bid: Bid, now: datetime) -> None:
    bid.submitted_at = now


def _stamp_answer(member: BidMember, now: datetime) -> None:
    member.answered_at = now


async def _roles_in_bid(session: AsyncSession, actor: Actor, bid: Bid) -> frozenset[Role]:
    roles = set[Role]()
    if actor == SYSTEM:
        roles.add(Role.SYSTEM)
    if actor.may_edit_for_organization:
        if actor.acts_for(bid.organization_id):
            roles.add(Role.LEAD)
        elif any(actor.acts_for(member.organization_id) for member in bid.members):
            roles.add(Role.PARTNER)
    return frozenset(roles)


async def _roles_in_part(session: AsyncSession, actor: Actor, member: BidMember) -> frozenset[Role]:
    """The lead's own part is confirmed from the start, and answered by nobody."""
    if (
        actor.may_edit_for_organization
        and actor.acts_for(member.organization_id)
        and member.organization_id != member.bid.organization_id
    ):
        return PARTNER
    return frozenset()


BID = Machine[Bid, BidState](
    noun="bid",
    states=BidState,
    initial=BidState.DRAFT,
    transitions=(
        Transition(
            BidState.DRAFT,
            BidState.SUBMITTED,
            LEAD,
            "bid.submitted",
            guard=_is_in_time,
            effect=_stamp_submission,
        ),
        # Handed in again before the deadline.
        Transition(
            BidState.SUBMITTED,
            BidState.SUBMITTED,
            LEAD,
            "bid.submitted",
            guard=_is_in_time,
            effect=_stamp_submission,
        ),
        # Members are part of what was handed in: when they change, the lead has to submit again.
        Transition(BidState.SUBMITTED, BidState.DRAFT, LEAD_OR_PARTNER, "bid.reopened", guard=_is_in_time),
        # A draft ends with its challenge.
        Transition(BidState.DRAFT, BidState.WITHDRAWN, LEAD_OR_SYSTEM, "bid.withdrawn", guard=_may_end),
        Transition(BidState.SUBMITTED, BidState.WITHDRAWN, LEAD, "bid.withdrawn", guard=_is_in_time),
    ),
    roles_of=_roles_in_bid,
    locked=("state", "organization_id"),
)

BID_MEMBER = Machine[BidMember, BidMemberState](
    noun="bid_member",
    states=BidMemberState,
    initial=BidMemberState.INVITED,
    transitions=(
        Transition(
            BidMemberState.INVITED,
            BidMemberState.CONFIRMED,
            PARTNER,
            "bid.member_confirmed",
            guard=_part_is_in_time,
            effect=_stamp_answer,
        ),
        Transition(
            BidMemberState.INVITED,
            BidMemberState.DECLINED,
            PARTNER,
            "bid.member_declined",
            guard=_part_is_in_time,
            effect=_stamp_answer,
        ),
        Transition(
            BidMemberState.CONFIRMED,
            BidMemberState.DECLINED,
            PARTNER,
            "bid.member_declined",
            guard=_part_is_in_time,
            effect=_stamp_answer,
        ),
    ),
    roles_of=_roles_in_part,
    locked=("state", "organization_id", "bid_id"),
    audit_noun="bid",
    audit_id=lambda member: member.bid_id,
)
