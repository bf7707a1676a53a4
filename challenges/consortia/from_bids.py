"""A bid that becomes a consortium: members, requirements and money as bid."""

import uuid

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.bids import policies as bid_policies
from challenges.bids import queries as bid_queries
from challenges.bids.models import Bid, BidMember, BidMemberState, BidState
from challenges.checks.queries import admitted_bids
from challenges.consortia import policies
from challenges.consortia.composition import Prospects, compose
from challenges.consortia.models import Consortium
from challenges.consortia.prospects import prospects_of, rule_of
from challenges.consortia.workbench import lock_for_poster, on_the_workbench
from challenges.matches import queries as match_queries
from challenges.postings import policies as posting_policies
from challenges.postings.models import Challenge
from challenges.programs.models import QuotaRule
from core import audit
from core.actor import Actor
from core.errors import ConflictError, NotFoundError
from core.i18n import lazy_gettext as _


async def consortium_from_bid(session: AsyncSession, actor: Actor, bid_id: uuid.UUID) -> Consortium:
    """Take a submitted bid over as the consortium of its challenge: members, requirements and money as bid."""
    bid = await bid_queries.bid_by_id(session, bid_id)
    now = await bid_queries.database_time(session)
    if bid is None or bid.state is not BidState.SUBMITTED or not bid_policies.may_read_bid(actor, bid):
        raise NotFoundError(_("There is no such bid."))
    challenge = await lock_for_poster(session, actor, bid.challenge_id)
    if not posting_policies.is_bidding_over(challenge, now):
        raise ConflictError(_("Bids are still open."))
    if challenge.program is not None and challenge.program.needs_review:
        raise ConflictError(_("The bids of this program are reviewed: name the winners after the review."))
    if bid.id not in {item.id for item in await admitted_bids(session, challenge.id)}:
        raise ConflictError(_("This bid has not passed the formal check."))
    consortium = await on_the_workbench(session, challenge.id)
    if consortium is None:
        consortium = Consortium(challenge_id=challenge.id, revision=0, members=[], decisions=[], waivers=[])
        session.add(consortium)
    elif consortium.state not in policies.EDITABLE:
        raise ConflictError(_("The consortium has been submitted; it waits for the officer's decision."))
    await take_over_bid(session, actor, challenge, consortium, bid)
    return consortium


async def take_over_bid(
    session: AsyncSession, actor: Actor, challenge: Challenge, consortium: Consortium, bid: Bid
) -> None:
    """Make a consortium what was bid; the challenge is locked, and whoever calls has asked the policies."""
    parts = confirmed_parts(bid)
    run = await match_queries.newest_done_run(session, challenge.id)
    prospects = await prospects_of(
        session, challenge, consortium, joining=[part.organization_id for part in parts]
    )
    consortium.bid_id = bid.id
    consortium.run_id = run.id if run is not None else None
    write_bid(consortium, challenge, await rule_of(session, challenge), prospects, bid)
    consortium.revision += 1
    await session.flush()
    await audit.record(
        session, actor, "consortium.taken_from_bid", "consortium", consortium.id, {"bid": str(bid.id)}
    )


def confirmed_parts(bid: Bid) -> list[BidMember]:
    return [part for part in bid.members if part.state is BidMemberState.CONFIRMED]


def write_bid(
    consortium: Consortium, challenge: Challenge, rule: QuotaRule | None, prospects: Prospects, bid: Bid
) -> None:
    """Members, requirements and money as bid; pure, so that a bid's quota can be shown before it is chosen."""
    parts = confirmed_parts(bid)
    consortium.computation = {"status": "from_bid"}
    compose(
        consortium,
        challenge,
        rule,
        prospects,
        members=[part.organization_id for part in parts],
        holders={name: part.organization_id for part in parts for name in part.requirement_ids},
        lead_id=bid.organization_id,
        money={part.organization_id: part.budget_wan for part in parts},
    )
