"""A bid that has to be confirmed after a change waits for its lead: on its home, and by reminders before the deadline."""

from datetime import timedelta

from sqlalchemy import text, update
from sqlalchemy.ext.asyncio import AsyncSession

import challenges.reminders.jobs  # noqa: F401 -- registers what is due
from challenges.amendments import standing
from challenges.bids import service as bid_service
from challenges.bids.models import Bid, BidState
from challenges.models import Amendment, Challenge
from core.clock import utc_now
from core.schedule import catch_up
from solvers.models import MembershipRole, Organization
from tests.conftest import BrowserOf
from tests.integration.changing import Changing, hand_in
from tests.integration.matchmaking import actor_of
from tests.integration.test_bidding import end_bidding, start
from tests.told import told
from web.own_work import work_of

KIND = "bid.confirmation_waits"


async def deadline_in(session: AsyncSession, changing: Changing, left: timedelta) -> None:
    await session.execute(
        update(Challenge).where(Challenge.id == changing.key).values(deadline_at=utc_now() + left)
    )
    await session.commit()


async def changed_long_ago(session: AsyncSession, changing: Changing) -> None:
    """A change of substance, now, as if it had come into force twenty days ago and the bids before it."""
    await changing.change(title="新的题目")
    await let_it_be_long_ago(session)


async def let_it_be_long_ago(session: AsyncSession) -> None:
    await session.execute(update(Bid).values(created_at=utc_now() - timedelta(days=30)))
    await session.execute(text("ALTER TABLE amendment DISABLE TRIGGER amendment_guard"))
    await session.execute(update(Amendment).values(decided_at=utc_now() - timedelta(days=20)))
    await session.execute(text("ALTER TABLE amendment ENABLE ALWAYS TRIGGER amendment_guard"))
    await session.commit()


async def waiting(session: AsyncSession, organization: Organization) -> list[str]:
    return [item.href for item in await work_of(session, organization.id)]


async def test_the_leads_editors_are_reminded_seven_days_and_one_day_before_each_time_once(
    changing: Changing, session: AsyncSession, browser_of: BrowserOf
) -> None:
    stage = changing.stage
    await changing.make.member(stage.sme, MembershipRole.VIEWER)
    colleague = await changing.make.member(stage.sme, MembershipRole.EDITOR)
    await hand_in(stage, await browser_of(stage.bidder, stage.sme))
    await changed_long_ago(session, changing)
    await deadline_in(session, changing, timedelta(days=8))
    await catch_up()
    assert await told(session, KIND) == []
    leads = sorted([(stage.bidder.email, KIND), (colleague.email, KIND)])
    await deadline_in(session, changing, timedelta(days=6, hours=23))
    for _again in range(3):
        await catch_up()
    assert await told(session, KIND) == leads
    await deadline_in(session, changing, timedelta(hours=23))
    for _again in range(3):
        await catch_up()
    assert await told(session, KIND) == sorted(leads * 2)


async def test_a_bid_that_was_confirmed_is_not_reminded_of_and_waits_for_nobody(
    changing: Changing, session: AsyncSession, browser_of: BrowserOf
) -> None:
    stage = changing.stage
    bid = await hand_in(stage, await browser_of(stage.bidder, stage.sme))
    assert await waiting(session, stage.sme) == []
    await changed_long_ago(session, changing)
    assert await waiting(session, stage.sme) == [f"/bids/{bid.id}/changes"]
    await standing.confirm_bid(session, actor_of(stage.bidder, stage.sme), bid.id, version=1)
    await session.commit()
    assert await waiting(session, stage.sme) == []
    await deadline_in(session, changing, timedelta(hours=23))
    await catch_up()
    assert await told(session, KIND) == []


async def test_neither_partners_nor_the_poster_nor_rivals_are_asked(
    changing: Changing, session: AsyncSession, browser_of: BrowserOf
) -> None:
    stage = changing.stage
    partner, rival = await changing.make.organization(), await changing.make.organization()
    person = await changing.make.member(partner)
    await changing.make.member(rival)
    bid = await hand_in(stage, await browser_of(stage.bidder, stage.sme))
    lead = actor_of(stage.bidder, stage.sme)
    await bid_service.add_member(session, lead, bid.id, partner.id)
    await bid_service.answer_invitation(session, actor_of(person, partner), bid.id, accept=True)
    await session.execute(update(Bid).values(state=BidState.SUBMITTED, submitted_at=utc_now()))
    await session.commit()
    await changed_long_ago(session, changing)
    await deadline_in(session, changing, timedelta(hours=23))
    await catch_up()
    assert await told(session, KIND) == [(stage.bidder.email, KIND)]
    for organization in (partner, rival, stage.poster):
        assert await waiting(session, organization) == []


async def test_a_draft_keeps_its_own_reminder_and_waits_for_its_confirmation(
    changing: Changing, session: AsyncSession, browser_of: BrowserOf
) -> None:
    stage = changing.stage
    bid = await start(stage, await browser_of(stage.bidder, stage.sme))
    await changed_long_ago(session, changing)
    await deadline_in(session, changing, timedelta(hours=23))
    await catch_up()
    assert await told(session, KIND) == []
    assert await told(session, "bid.draft_waits") == [(stage.bidder.email, "bid.draft_waits")]
    assert await waiting(session, stage.sme) == [f"/bids/{bid.id}/changes"]


async def test_whoever_was_asked_within_the_last_day_needs_no_reminder_and_after_the_deadline_none_helps(
    changing: Changing, session: AsyncSession, browser_of: BrowserOf
) -> None:
    stage = changing.stage
    await hand_in(stage, await browser_of(stage.bidder, stage.sme))
    await changing.change(title="新的题目")
    await deadline_in(session, changing, timedelta(hours=23))
    await catch_up()
    assert await told(session, KIND) == []
    await let_it_be_long_ago(session)
    stage.challenge = await changing.challenge()
    await end_bidding(stage)
    await catch_up()
    assert await told(session, KIND) == []
    assert await waiting(session, stage.sme) == []


async def test_the_line_is_on_the_home_of_who_may_confirm_and_not_of_who_only_reads(
    changing: Changing, browser_of: BrowserOf
) -> None:
    stage = changing.stage
    browser = await browser_of(stage.bidder, stage.sme)
    bid = await hand_in(stage, browser)
    await changing.change(title="新的题目")
    page = (await browser.get("/")).text
    assert f'href="/bids/{bid.id}/changes"' in page
    assert "已变更：请确认申报" in page
    viewer = await changing.make.member(stage.sme, MembershipRole.VIEWER)
    assert f'href="/bids/{bid.id}/changes"' not in (await (await browser_of(viewer, stage.sme)).get("/")).text
