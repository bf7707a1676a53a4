"""A challenge that ends without an award: whoever has handed in a bid is told, once."""

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from challenges.early_ends import declare_no_award
from challenges.models import BidMember, BidMemberState, BidState, ChallengeState
from core.errors import DomainError
from tests.conftest import BrowserOf
from tests.factories import Factory
from tests.integration.opened_round import OpenedRound, add_bid, opened_round
from tests.told import told

REASON = "无申报通过形式审查"
KIND = "bid.no_award"


async def stage_with_members(make: Factory) -> tuple[OpenedRound, list[str]]:
    """Two bids handed in, one of them with a partner that has confirmed and one that has not, and a withdrawn bid."""
    stage = await opened_round(make)
    confirmed, invited, gone = [await make.organization() for _ in range(3)]
    for position, (partner, state) in enumerate(
        ((confirmed, BidMemberState.CONFIRMED), (invited, BidMemberState.INVITED)), start=1
    ):
        make.session.add(
            BidMember(bid_id=stage.bids[0].id, organization_id=partner.id, position=position, state=state)
        )
    withdrawn = await add_bid(make, stage.challenge, gone)
    withdrawn.state = BidState.WITHDRAWN
    people = [await make.member(partner) for partner in (confirmed, invited, gone)]
    await make.session.commit()
    return stage, sorted([*(person.email for person in stage.people), people[0].email])


async def test_leads_and_confirmed_members_are_told_once_with_the_reason(
    make: Factory, session: AsyncSession, browser_of: BrowserOf
) -> None:
    stage, emails = await stage_with_members(make)
    officer = await browser_of(stage.officer)
    for _again in range(2):
        await officer.submit(f"/challenges/{stage.challenge.id}/no-award", {"note": REASON})
    await session.refresh(stage.challenge)
    assert stage.challenge.state is ChallengeState.NO_AWARD
    assert await told(session, KIND) == [(email, KIND) for email in emails]
    bidder = await browser_of(stage.people[0], stage.bidders[0])
    assert REASON in (await bidder.get("/notifications")).text


async def test_the_bulk_action_tells_the_same_people(
    make: Factory, session: AsyncSession, browser_of: BrowserOf
) -> None:
    stage, emails = await stage_with_members(make)
    officer = await browser_of(stage.officer)
    for _again in range(2):
        await officer.submit(
            "/officer/bulk", {"action": "no-award", "key": [str(stage.challenge.id)], "note": REASON}
        )
    assert await told(session, KIND) == [(email, KIND) for email in emails]


async def test_nobody_is_told_where_it_is_refused(make: Factory, session: AsyncSession) -> None:
    stage, _emails = await stage_with_members(make)
    for actor, note in ((stage.poster_actor, REASON), (stage.officer_actor, "")):
        with pytest.raises(DomainError):
            await declare_no_award(session, actor, stage.challenge.id, note=note)
    assert await told(session, KIND) == []
