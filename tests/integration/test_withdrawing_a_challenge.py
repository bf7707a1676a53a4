"""What becomes of the bids and consortia of a challenge that is withdrawn."""

import asyncio

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from challenges.bids.content import BidContent
from challenges.bids.service import save_bid
from challenges.early_ends import withdraw_challenge
from challenges.models import (
    Bid,
    BidMember,
    BidMemberState,
    BidState,
    Challenge,
    ChallengeState,
    Consortium,
    ConsortiumState,
)
from core.accounts.models import Person
from core.audit import AuditEntry
from core.clock import utc_now
from core.errors import ConflictError, DomainError
from core.process import Process
from solvers.models import Organization
from tests.conftest import BrowserOf
from tests.factories import Factory
from tests.integration.matchmaking import Market, actor_of, open_market
from tests.told import told

REASON = "需求已由自主研发解决"
KIND = "bid.challenge_withdrawn"


async def bid_of(
    make: Factory,
    challenge: Challenge,
    lead: Organization,
    state: BidState,
    *partners: tuple[Organization, BidMemberState],
) -> Bid:
    bid = Bid(
        challenge_id=challenge.id,
        organization_id=lead.id,
        state=state,
        submitted_at=utc_now() if state is BidState.SUBMITTED else None,
        members=[
            BidMember(organization_id=lead.id, position=0, state=BidMemberState.CONFIRMED),
            *(
                BidMember(organization_id=partner.id, position=position, state=answer)
                for position, (partner, answer) in enumerate(partners, start=1)
            ),
        ],
    )
    make.session.add(bid)
    await make.session.commit()
    return bid


async def test_leads_and_confirmed_members_are_told_once_and_drafts_end(
    make: Factory, session: AsyncSession, browser_of: BrowserOf
) -> None:
    market = await open_market(make, state=ChallengeState.PUBLISHED)
    people: dict[str, Person] = {
        name: await make.member(getattr(market, name))
        for name in ("lead", "coater", "tester", "institute", "stranger")
    }
    handed_in = await bid_of(
        make,
        market.challenge,
        market.lead,
        BidState.SUBMITTED,
        (market.coater, BidMemberState.CONFIRMED),
        (market.institute, BidMemberState.INVITED),
    )
    draft = await bid_of(make, market.challenge, market.tester, BidState.DRAFT)
    officer = await browser_of(market.officer)
    for _again in range(2):
        await officer.submit(f"/challenges/{market.challenge.id}/withdraw", {"note": REASON})
    await session.refresh(draft)
    await session.refresh(handed_in)
    assert draft.state is BidState.WITHDRAWN
    assert handed_in.state is BidState.SUBMITTED
    expected = sorted((people[name].email, KIND) for name in ("lead", "coater", "tester"))
    assert await told(session, KIND) == expected
    for name in ("coater", "tester"):
        browser = await browser_of(people[name], getattr(market, name))
        assert REASON in (await browser.get("/notifications")).text
    uninvolved = await browser_of(people["stranger"], market.stranger)
    assert REASON not in (await uninvolved.get("/notifications")).text


async def test_a_bid_that_was_withdrawn_before_is_told_of_nothing(
    make: Factory, session: AsyncSession
) -> None:
    market = await open_market(make, state=ChallengeState.PUBLISHED)
    await make.member(market.coater)
    await bid_of(make, market.challenge, market.coater, BidState.WITHDRAWN)
    await withdraw_challenge(session, market.officer_actor, market.challenge.id, note=REASON)
    assert await told(session, KIND) == []


@pytest.mark.parametrize("before", [ConsortiumState.PROPOSED, ConsortiumState.RETURNED])
async def test_an_unfinished_consortium_ends_with_its_challenge(
    make: Factory, session: AsyncSession, before: ConsortiumState
) -> None:
    market = await open_market(make)
    consortium = Consortium(challenge_id=market.challenge.id, state=before, members=[])
    session.add(consortium)
    await session.commit()
    await withdraw_challenge(session, market.poster_actor, market.challenge.id, note=REASON)
    await session.commit()
    await session.refresh(consortium)
    assert consortium.state is ConsortiumState.DROPPED
    entry = await session.scalar(
        select(AuditEntry).where(
            AuditEntry.subject_id == consortium.id, AuditEntry.action == "consortium.dropped"
        )
    )
    assert entry is not None
    assert entry.changes["note"] == REASON


async def test_who_may_not_withdraw_ends_nothing(make: Factory, session: AsyncSession) -> None:
    market = await open_market(make, state=ChallengeState.PUBLISHED)
    draft = await bid_of(make, market.challenge, market.coater, BidState.DRAFT)
    stranger = actor_of(await make.member(market.stranger), market.stranger)
    with pytest.raises(DomainError):
        await withdraw_challenge(session, stranger, market.challenge.id, note=REASON)
    await session.rollback()
    await session.refresh(draft)
    assert draft.state is BidState.DRAFT
    assert await told(session, KIND) == []


async def test_saving_a_bid_and_withdrawing_its_challenge_at_once_never_wait_crosswise(
    make: Factory, process: Process
) -> None:
    market: Market = await open_market(make, state=ChallengeState.PUBLISHED)
    bidder = actor_of(await make.member(market.coater), market.coater)
    officer, challenge_id = market.officer_actor, market.challenge.id
    bid = await bid_of(make, market.challenge, market.coater, BidState.DRAFT)
    bid_id, revision = bid.id, bid.revision

    async def save() -> None:
        async with process.transaction() as session:
            await save_bid(session, bidder, bid_id, BidContent(technical_plan="方案"), revision)

    async def withdraw() -> None:
        async with process.transaction() as session:
            await withdraw_challenge(session, officer, challenge_id, note=REASON)

    outcomes = await asyncio.gather(save(), withdraw(), return_exceptions=True)
    assert outcomes[1] is None
    assert outcomes[0] is None or isinstance(outcomes[0], ConflictError)
    async with process.transaction() as session:
        state = await session.scalar(select(Bid.state).where(Bid.id == bid_id))
        ends = await session.scalar(
            select(func.count()).where(AuditEntry.subject_id == bid_id, AuditEntry.action == "bid.withdrawn")
        )
    assert (state, ends) == (BidState.WITHDRAWN, 1)
