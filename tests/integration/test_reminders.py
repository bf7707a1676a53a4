"""Reminders before a deadline: once each, on the program's clock, to who has to act."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

import challenges.reminders.jobs  # noqa: F401 -- registers what is due
import web.officer_reminders  # noqa: F401
from challenges.models import (
    Bid,
    BidMember,
    BidMemberState,
    BidState,
    Challenge,
    ChallengeState,
    QueueCheck,
)
from core.clock import utc_now
from core.notifications.models import Notification
from core.schedule import catch_up
from tests.factories import Factory
from tests.integration.matchmaking import Market, open_market
from tests.told import told

DRAFT, INVITATION, WORK = "bid.draft_waits", "bid.invitation_waits", "officer.work_due"


async def with_draft(make: Factory, *, state: BidState = BidState.DRAFT, begun_days_ago: int = 20) -> Market:
    """A bid of the coater that asks the tester, both with an owner."""
    market = await open_market(make, state=ChallengeState.PUBLISHED)
    market.extra["lead"] = await make.member(market.coater)
    market.extra["partner"] = await make.member(market.tester)
    begun = utc_now() - timedelta(days=begun_days_ago)
    bid = Bid(
        challenge_id=market.challenge.id,
        organization_id=market.coater.id,
        state=state,
        submitted_at=utc_now(),
        created_at=begun,
        members=[
            BidMember(
                organization_id=market.coater.id, position=0, state=BidMemberState.CONFIRMED, created_at=begun
            ),
            BidMember(
                organization_id=market.tester.id, position=1, state=BidMemberState.INVITED, created_at=begun
            ),
        ],
    )
    make.session.add(bid)
    await make.session.commit()
    market.extra["bid"] = bid
    return market


async def deadline_in(market: Market, left: timedelta) -> None:
    session = market.make.session
    await session.execute(
        update(Challenge).where(Challenge.id == market.challenge.id).values(deadline_at=utc_now() + left)
    )
    await session.commit()


async def test_a_draft_and_an_invitation_are_reminded_of_seven_days_and_one_day_before(
    make: Factory, session: AsyncSession
) -> None:
    market = await with_draft(make)
    lead, partner = market.extra["lead"], market.extra["partner"]
    await deadline_in(market, timedelta(days=8))
    await catch_up()
    assert await told(session) == []
    await deadline_in(market, timedelta(days=6, hours=23))
    for _again in range(3):
        await catch_up()
    assert await told(session) == sorted([(lead.email, DRAFT), (partner.email, INVITATION)])
    # As time goes by, the deadline stays; here it comes nearer instead.
    await deadline_in(market, timedelta(hours=23))
    for _again in range(3):
        await catch_up()
    assert await told(session, DRAFT) == [(lead.email, DRAFT)] * 2
    assert await told(session, INVITATION) == [(partner.email, INVITATION)] * 2


async def test_what_is_handed_in_and_what_is_answered_is_not_reminded_of(
    make: Factory, session: AsyncSession
) -> None:
    market = await with_draft(make, state=BidState.SUBMITTED)
    await session.execute(update(BidMember).values(state=BidMemberState.CONFIRMED))
    await deadline_in(market, timedelta(hours=5))
    await catch_up()
    assert await told(session, DRAFT) == await told(session, INVITATION) == []


async def test_whoever_began_within_the_last_days_gets_the_later_reminder_alone(
    make: Factory, session: AsyncSession
) -> None:
    market = await with_draft(make, begun_days_ago=1)
    await deadline_in(market, timedelta(days=5))
    await catch_up()
    assert await told(session) == []
    await session.execute(update(Bid).values(created_at=utc_now() - timedelta(days=2)))
    await deadline_in(market, timedelta(hours=20))
    await catch_up()
    assert await told(session, DRAFT) == [(market.extra["lead"].email, DRAFT)]


async def test_a_deadline_that_has_passed_reminds_nobody(make: Factory, session: AsyncSession) -> None:
    market = await with_draft(make)
    await deadline_in(market, timedelta(seconds=-1))
    await catch_up()
    assert await told(session, DRAFT) == []


@pytest.mark.parametrize(("factor", "expected"), [(1, 0), (24, 1)])
async def test_days_are_those_of_the_programs_clock(
    make: Factory, session: AsyncSession, factor: int, expected: int
) -> None:
    market = await with_draft(make)
    market.program.clock_factor = factor
    await session.commit()
    # At a clock 24 times as fast a day lasts an hour: seven hours are seven days, twenty days are half a real day ago.
    await deadline_in(market, timedelta(hours=6) if factor == 24 else timedelta(days=8))
    await catch_up()
    assert len(await told(session, DRAFT)) == expected


async def test_officers_are_told_once_of_what_is_due_soon_in_their_own_queue(
    make: Factory, session: AsyncSession
) -> None:
    market = await open_market(
        make,
        state=ChallengeState.SUBMITTED,
        submitted_at=utc_now() - timedelta(days=3),
        # The last day to publish is tomorrow's yesterday: bidders would have too few days soon.
        deadline_at=utc_now() + timedelta(days=20),
    )
    other = await make.officer()
    await make.program(other)
    for _again in range(2):
        await catch_up()
        await session.execute(update(QueueCheck).values(checked_at=utc_now() - timedelta(hours=1)))
        await session.commit()
    assert await told(session, WORK) == [(market.officer.email, WORK)]
    notification = await session.scalar(select(Notification).where(Notification.kind == WORK))
    assert notification is not None
    assert notification.parameters["address"] == f"/challenges/{market.challenge.id}"
    assert set(await session.scalars(select(QueueCheck.person_id))) == {market.officer.id, other.id}


async def test_what_is_due_later_is_told_of_later(make: Factory, session: AsyncSession) -> None:
    await open_market(
        make,
        state=ChallengeState.SUBMITTED,
        submitted_at=utc_now(),
        deadline_at=utc_now() + timedelta(days=40),
    )
    await catch_up()
    assert await told(session, WORK) == []
