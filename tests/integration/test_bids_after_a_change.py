"""A bid stands after a change of substance once its lead has said so: told, asked, receipted, and seen by officers."""

import pytest
from sqlalchemy import select

from challenges.amendments import queries, standing
from challenges.bids import service as bid_service
from challenges.bids.models import BidReceipt, ReceiptAct
from challenges.bids.queries import bid_by_id
from challenges.models import (
    BidConfirmation,
)
from core.audit import AuditEntry
from core.errors import NotFoundError
from tests.conftest import BrowserOf
from tests.integration.changing import Changing, hand_in
from tests.integration.matchmaking import actor_of
from tests.integration.test_bidding import Stage, end_bidding, start
from tests.told import told


async def test_a_bid_is_told_of_a_change_and_confirmed_with_a_receipt(
    changing: Changing, browser_of: BrowserOf
) -> None:
    stage, session = changing.stage, changing.session
    bidder = await browser_of(stage.bidder, stage.sme)
    bid = await hand_in(stage, bidder)
    await changing.change(title="新的题目")
    assert await told(session, "bid.challenge_changed") == [(stage.bidder.email, "bid.challenge_changed")]
    assert [item.version for item in await queries.unconfirmed(session, bid)] == [1]
    assert f"/bids/{bid.id}/changes" in (await bidder.get(f"/bids/{bid.id}")).text
    assert "变更后待确认" in (await bidder.get("/")).text
    page = (await bidder.get(f"/bids/{bid.id}/changes")).text
    assert "<ins>新" in page
    answer = await bidder.submit(f"/bids/{bid.id}/changes", {"version": "1"})
    assert answer.status_code == 303, answer.text
    assert await queries.unconfirmed(session, bid) == []
    receipts = list(await session.scalars(select(BidReceipt).order_by(BidReceipt.at)))
    assert [item.act for item in receipts] == [ReceiptAct.SUBMITTED, ReceiptAct.CONFIRMED]
    assert receipts[0].content_sha256 == receipts[1].content_sha256
    entry = await session.scalar(select(AuditEntry).where(AuditEntry.action == "bid.confirmed"))
    assert entry is not None
    assert entry.changes == {"versions": [1]}
    # Pressed twice: nothing more.
    assert (await bidder.submit(f"/bids/{bid.id}/changes", {"version": "1"})).status_code == 303
    assert len(list(await session.scalars(select(BidConfirmation)))) == 1


async def test_every_version_is_confirmed_and_none_unseen(changing: Changing, browser_of: BrowserOf) -> None:
    stage = changing.stage
    bidder = await browser_of(stage.bidder, stage.sme)
    bid = await hand_in(stage, bidder)
    await changing.change(title="新的题目")
    await changing.change(title="更新的题目")
    # The page that showed only the first change confirms nothing.
    answer = await bidder.submit(f"/bids/{bid.id}/changes", {"version": "1"})
    assert answer.status_code == 422
    assert [item.version for item in await queries.unconfirmed(changing.session, bid)] == [1, 2]
    assert (await bidder.submit(f"/bids/{bid.id}/changes", {"version": "2"})).status_code == 303
    assert await queries.unconfirmed(changing.session, bid) == []
    await changing.change(title="第三个题目")
    assert [item.version for item in await queries.unconfirmed(changing.session, bid)] == [3]


async def test_an_extension_asks_nothing_of_bids_but_their_people_are_told(
    changing: Changing, browser_of: BrowserOf
) -> None:
    bid = await hand_in(changing.stage, await browser_of(changing.stage.bidder, changing.stage.sme))
    await changing.change(later=5)
    assert await queries.unconfirmed(changing.session, bid) == []
    assert await told(changing.session, "bid.challenge_changed") == []
    assert await told(changing.session, "challenge.changed") == [
        (changing.stage.bidder.email, "challenge.changed")
    ]


async def test_a_draft_is_not_handed_in_before_it_is_confirmed_and_a_later_one_knows_the_change(
    changing: Changing, browser_of: BrowserOf
) -> None:
    stage = changing.stage
    bidder = await browser_of(stage.bidder, stage.sme)
    bid = await start(stage, bidder)
    await changing.change(title="新的题目")
    answer = await bidder.submit(f"/bids/{bid.id}", stage.fields(bid))
    assert answer.status_code == 422
    assert "请先确认申报在变更 1 之后仍然有效" in answer.text
    await bidder.submit(f"/bids/{bid.id}/changes", {"version": "1"})
    await changing.session.refresh(bid)
    assert (await bidder.submit(f"/bids/{bid.id}", stage.fields(bid))).status_code == 303
    # A draft's confirmation has no receipt: nothing was handed in then.
    receipts = list(await changing.session.scalars(select(BidReceipt)))
    assert [item.act for item in receipts] == [ReceiptAct.SUBMITTED]
    rival = Stage(changing.make)
    rival.challenge, rival.sme = stage.challenge, await changing.make.organization()
    rival.bidder = await changing.make.member(rival.sme)
    later = await start(rival, await browser_of(rival.bidder, rival.sme))
    assert await queries.unconfirmed(changing.session, later) == []


async def test_a_bid_that_answers_for_no_new_requirement_is_revised_before_it_is_confirmed(
    changing: Changing, browser_of: BrowserOf
) -> None:
    stage, session = changing.stage, changing.session
    bidder = await browser_of(stage.bidder, stage.sme)
    bid = await hand_in(stage, bidder)
    content = await changing.content()
    first, second = content["requirements"]
    new = {
        **second,
        "id": "7d444840-9dc0-11d1-b245-5ffdce74fad2",
        "text": "装配",
        "weight": "20",
        "budget_wan": "100",
    }
    await changing.change(requirements=[first, {**second, "weight": "30", "budget_wan": "200"}, new])
    answer = await bidder.submit(f"/bids/{bid.id}/changes", {"version": "1"})
    assert answer.status_code == 422
    assert "第 3 项指标" in answer.text
    await session.refresh(stage.challenge, ["requirements"])
    await session.refresh(bid)
    answer = await bidder.submit(f"/bids/{bid.id}", stage.fields(bid, action="replace"))
    assert answer.status_code == 303, answer.text
    assert (await bidder.submit(f"/bids/{bid.id}/changes", {"version": "1"})).status_code == 303
    read = await bid_by_id(session, bid.id)
    assert read is not None
    assert await queries.unconfirmed(session, read) == []


async def test_after_the_deadline_a_bid_stays_unconfirmed_and_officers_see_it(
    changing: Changing, browser_of: BrowserOf
) -> None:
    stage, session = changing.stage, changing.session
    bidder = await browser_of(stage.bidder, stage.sme)
    bid = await hand_in(stage, bidder)
    await changing.change(title="新的题目")
    stage.challenge = await changing.challenge()
    await end_bidding(stage)
    answer = await bidder.submit(f"/bids/{bid.id}/changes", {"version": "1"})
    assert answer.status_code == 409
    assert [item.version for item in await queries.unconfirmed(session, bid)] == [1]
    assert await queries.unconfirmed_versions(session, [bid.id]) == {bid.id: [1]}
    await changing.make.opened(stage.challenge)
    page = (await (await browser_of(stage.officer)).get(f"/challenges/{changing.key}/bids")).text
    assert "变更 1 后未确认" in page


async def test_partners_see_what_has_changed_and_the_lead_alone_confirms(
    changing: Changing, browser_of: BrowserOf
) -> None:
    stage, session = changing.stage, changing.session
    bid = await start(stage, await browser_of(stage.bidder, stage.sme))
    partner = await changing.make.organization()
    person = await changing.make.member(partner)
    await bid_service.add_member(session, actor_of(stage.bidder, stage.sme), bid.id, partner.id)
    await bid_service.answer_invitation(session, actor_of(person, partner), bid.id, accept=True)
    await session.commit()
    await changing.change(title="新的题目")
    assert await told(session, "challenge.changed") == [(person.email, "challenge.changed")]
    browser = await browser_of(person, partner)
    assert "由牵头单位确认" in (await browser.get(f"/bids/{bid.id}/changes")).text
    assert (await browser.submit(f"/bids/{bid.id}/changes", {"version": "1"})).status_code == 403
    stranger = actor_of(await changing.make.member(await changing.make.organization()), stage.sme)
    assert stranger.organization_id == stage.sme.id
    with pytest.raises(NotFoundError):
        await standing.confirm_bid(session, changing.poster, bid.id, version=1)
