"""An opened bid is taken over as the consortium, with its own money."""

from decimal import Decimal

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from challenges.consortia import from_bids, service, submission
from challenges.models import (
    Bid,
    BidMember,
    BidMemberState,
    BidState,
    ChallengeState,
    ConsortiumState,
    Outcome,
)
from core.clock import utc_now
from core.errors import ConflictError, InvalidError, NotFoundError
from core.settings import Settings
from solvers.models import Organization
from tests.conftest import BrowserOf
from tests.factories import Factory
from tests.integration.consortia import RunJobs, decide, present
from tests.integration.matchmaking import Market, open_market


async def bid_of(
    make: Factory, market: Market, *parts: tuple[Organization, int, tuple[int, ...]], state: BidState
) -> Bid:
    """A bid led by the first organization; each part is organization, money and requirement positions."""
    ids = [str(item.id) for item in market.challenge.requirements]
    bid = Bid(
        challenge_id=market.challenge.id,
        organization_id=parts[0][0].id,
        state=state,
        submitted_at=utc_now(),
        members=[
            BidMember(
                organization_id=organization.id,
                position=position,
                state=BidMemberState.CONFIRMED,
                budget_wan=Decimal(money),
                requirement_ids=[ids[number] for number in numbers],
            )
            for position, (organization, money, numbers) in enumerate(parts)
        ],
    )
    make.session.add(bid)
    await make.session.commit()
    if market.challenge.state is not ChallengeState.PUBLISHED:
        await make.opened(market.challenge)
    return bid


async def test_a_bid_becomes_the_consortium_with_its_own_money_and_is_approved(
    make: Factory, session: AsyncSession, settings: Settings, browser_of: BrowserOf, run_jobs: RunJobs
) -> None:
    market = await open_market(make)
    bid = await bid_of(
        make,
        market,
        (market.lead, 70, (0,)),
        (market.coater, 50, (1, 2)),
        state=BidState.SUBMITTED,
    )
    browser = await browser_of(market.editor, market.poster)
    path = f"/challenges/{market.challenge.id}/consortium"
    bid_id = bid.id
    assert (await browser.submit(f"{path}/from-bid", {"bid_id": str(bid_id)})).status_code == 303
    consortium = await present(market, session)
    assert consortium.bid_id == bid_id
    assert [member.budget_wan for member in consortium.members] == [Decimal(70), Decimal(50)]
    with pytest.raises(ConflictError):
        await service.remove_member(
            session, market.poster_actor, market.challenge.id, consortium.revision, market.coater.id
        )
    await session.rollback()
    consortium = await present(market, session)
    await submission.submit_consortium(session, market.poster_actor, market.challenge.id, consortium.revision)
    await session.commit()
    await decide(market, session, settings, Outcome.APPROVED)
    await session.commit()
    assert (await present(market, session)).state is ConsortiumState.APPROVED


async def test_a_bid_that_breaks_the_quota_can_be_taken_over_but_not_submitted(
    make: Factory, session: AsyncSession, settings: Settings, run_jobs: RunJobs
) -> None:
    market = await open_market(make)
    bid = await bid_of(
        make, market, (market.lead, 90, (0, 1)), (market.coater, 10, (2,)), state=BidState.SUBMITTED
    )
    consortium = await from_bids.consortium_from_bid(session, market.poster_actor, bid.id)
    await session.commit()
    with pytest.raises(InvalidError):
        await submission.submit_consortium(
            session, market.poster_actor, market.challenge.id, consortium.revision
        )


async def test_a_sealed_or_withdrawn_bid_cannot_be_taken_over(make: Factory, session: AsyncSession) -> None:
    market = await open_market(make, state=ChallengeState.PUBLISHED)
    sealed = await bid_of(make, market, (market.lead, 90, (0, 1, 2)), state=BidState.SUBMITTED)
    with pytest.raises(NotFoundError):
        await from_bids.consortium_from_bid(session, market.poster_actor, sealed.id)
    await session.rollback()
    closed = await open_market(make)
    draft = await bid_of(make, closed, (closed.coater, 90, (0, 1, 2)), state=BidState.DRAFT)
    with pytest.raises(NotFoundError):
        await from_bids.consortium_from_bid(session, closed.poster_actor, draft.id)
