from datetime import timedelta

import pytest
from sqlalchemy import select

from challenges.bids import queries
from challenges.bids.models import Bid, BidMember, BidMemberState, BidState
from challenges.postings.models import Challenge
from core.accounts.models import Person
from core.clock import utc_now
from solvers.organizations.models import MembershipRole, Organization, SizeClass, Verification
from tests.conftest import Browser, BrowserOf
from tests.factories import Factory
from tests.told import told

TEXTS = {
    "technical_plan": "采用籽晶法定向凝固。",
    "ability": "获授权专利12项。",
    "team": "项目团队15人。",
    "timeline": "第1至6个月完成工艺验证。",
    "contact_name": "陈工",
    "contact_phone": "0571-80000000",
}


class Stage:
    """A published challenge, its poster, and an SME that bids."""

    def __init__(self, make: Factory) -> None:
        self.make = make

    async def set(self) -> "Stage":
        make = self.make
        self.officer = await make.officer()
        self.program = await make.program(self.officer)
        self.poster = await make.organization(size=SizeClass.LARGE)
        self.poster_person = await make.member(self.poster)
        self.sme = await make.organization()
        self.bidder = await make.member(self.sme)
        self.challenge = await make.challenge(self.poster, self.program)
        return self

    def fields(self, bid: Bid, **parts: object) -> dict[str, object]:
        requirements = [str(item.id) for item in self.challenge.requirements]
        return {
            **TEXTS,
            "revision": bid.revision,
            "action": "submit",
            "parts-0-organization_id": str(self.sme.id),
            "parts-0-role_text": "总体",
            "parts-0-requirement_ids": requirements,
            "parts-0-budget_wan": "500.50",
            "parts-0-years-0": "300",
            "parts-0-years-1": "200.50",
            "steps-0-name": "工艺验证",
            "steps-0-from_month": "1",
            "steps-0-to_month": "6",
            "steps-0-deliverable": "工艺验证报告",
            "people-0-name": "陈工",
            "people-0-title": "高级工程师",
            "people-0-role": "项目负责人",
            "people-0-person_months": "12",
            **parts,
        }


@pytest.fixture
async def stage(make: Factory) -> Stage:
    return await Stage(make).set()


async def start(stage: Stage, browser: Browser) -> Bid:
    answer = await browser.submit(f"/challenges/{stage.challenge.id}/bids/new")
    assert answer.status_code == 303, answer.text
    bid_id = answer.headers["location"].rsplit("/", 1)[1]
    bid = await stage.make.session.scalar(select(Bid).where(Bid.id == bid_id))
    assert bid is not None
    return bid


async def end_bidding(stage: Stage) -> None:
    stage.challenge.deadline_at = utc_now() - timedelta(seconds=1)
    await stage.make.session.commit()


async def refreshed(stage: Stage, bid: Bid) -> Bid:
    """The bid with what is sealed in it."""
    await stage.make.session.refresh(bid)
    read = await queries.bid_by_id(stage.make.session, bid.id)
    assert read is bid
    return bid


async def test_an_sme_hands_in_a_bid(stage: Stage, browser_of: BrowserOf) -> None:
    browser = await browser_of(stage.bidder, stage.sme)
    bid = await start(stage, browser)
    answer = await browser.submit(f"/bids/{bid.id}", stage.fields(bid))
    assert answer.status_code == 303, answer.text
    await refreshed(stage, bid)
    assert bid.state is BidState.SUBMITTED
    assert bid.technical_plan == TEXTS["technical_plan"]


async def test_an_incomplete_bid_is_kept_as_a_draft_but_not_handed_in(
    stage: Stage, browser_of: BrowserOf
) -> None:
    browser = await browser_of(stage.bidder, stage.sme)
    bid = await start(stage, browser)
    answer = await browser.submit(
        f"/bids/{bid.id}", {**stage.fields(bid), "ability": "", "parts-0-requirement_ids": []}
    )
    assert answer.status_code == 422
    assert TEXTS["technical_plan"] in answer.text
    await refreshed(stage, bid)
    assert bid.state is BidState.DRAFT
    assert bid.technical_plan == TEXTS["technical_plan"]


async def test_a_bid_handed_in_cannot_be_replaced_by_an_incomplete_one(
    stage: Stage, browser_of: BrowserOf
) -> None:
    browser = await browser_of(stage.bidder, stage.sme)
    bid = await start(stage, browser)
    await browser.submit(f"/bids/{bid.id}", stage.fields(bid))
    await refreshed(stage, bid)
    answer = await browser.submit(f"/bids/{bid.id}", {**stage.fields(bid, action="save"), "ability": ""})
    assert answer.status_code == 422
    await refreshed(stage, bid)
    assert bid.ability == TEXTS["ability"]
    assert bid.state is BidState.SUBMITTED


async def test_a_bad_amount_is_told_at_its_field_and_nothing_is_lost(
    stage: Stage, browser_of: BrowserOf
) -> None:
    browser = await browser_of(stage.bidder, stage.sme)
    bid = await start(stage, browser)
    answer = await browser.submit(f"/bids/{bid.id}", stage.fields(bid, **{"parts-0-budget_wan": "很多"}))
    assert answer.status_code == 422
    assert "很多" in answer.text
    assert TEXTS["technical_plan"] in answer.text


async def test_nobody_else_reads_a_bid_before_the_deadline(stage: Stage, browser_of: BrowserOf) -> None:
    browser = await browser_of(stage.bidder, stage.sme)
    bid = await start(stage, browser)
    await browser.submit(f"/bids/{bid.id}", stage.fields(bid))
    rival = await stage.make.organization()
    strangers = [
        await browser_of(stage.poster_person, stage.poster),
        await browser_of(stage.officer),
        await browser_of(await stage.make.member(rival), rival),
    ]
    for stranger in strangers:
        assert (await stranger.get(f"/bids/{bid.id}")).status_code == 404
        assert (await stranger.get(f"/challenges/{stage.challenge.id}/bids")).status_code == 403


async def test_poster_and_officer_read_it_once_it_is_opened_and_rivals_do_not(
    stage: Stage, browser_of: BrowserOf
) -> None:
    browser = await browser_of(stage.bidder, stage.sme)
    bid = await start(stage, browser)
    await browser.submit(f"/bids/{bid.id}", stage.fields(bid))
    await end_bidding(stage)
    await stage.make.opened(stage.challenge)
    for person, organization in ((stage.poster_person, stage.poster), (stage.officer, None)):
        reader = await browser_of(person, organization)
        page = await reader.get(f"/bids/{bid.id}")
        assert page.status_code == 200
        assert TEXTS["technical_plan"] in page.text
        assert stage.sme.name in (await reader.get(f"/challenges/{stage.challenge.id}/bids")).text
    rival = await stage.make.organization()
    stranger = await browser_of(await stage.make.member(rival), rival)
    assert (await stranger.get(f"/bids/{bid.id}")).status_code == 404
    other_officer = await browser_of(await stage.make.officer())
    assert (await other_officer.get(f"/bids/{bid.id}")).status_code == 404


async def test_a_draft_is_never_unsealed(stage: Stage, browser_of: BrowserOf) -> None:
    bid = await start(stage, await browser_of(stage.bidder, stage.sme))
    await end_bidding(stage)
    poster = await browser_of(stage.poster_person, stage.poster)
    assert (await poster.get(f"/bids/{bid.id}")).status_code == 404


async def test_nothing_moves_after_the_deadline(stage: Stage, browser_of: BrowserOf) -> None:
    browser = await browser_of(stage.bidder, stage.sme)
    bid = await start(stage, browser)
    await end_bidding(stage)
    assert (await browser.submit(f"/bids/{bid.id}", stage.fields(bid))).status_code == 409
    assert (await browser.submit(f"/bids/{bid.id}/withdraw")).status_code == 409
    late = await browser_of(await stage.make.member(stage.sme, MembershipRole.EDITOR), stage.sme)
    assert (await late.submit(f"/bids/{bid.id}", stage.fields(bid))).status_code == 409
    await refreshed(stage, bid)
    assert bid.state is BidState.DRAFT


async def test_who_may_not_bid(stage: Stage, browser_of: BrowserOf) -> None:
    path = f"/challenges/{stage.challenge.id}/bids/new"
    poster = await browser_of(stage.poster_person, stage.poster)
    assert (await poster.submit(path)).status_code == 403
    viewer = await browser_of(await stage.make.member(stage.sme, MembershipRole.VIEWER), stage.sme)
    assert (await viewer.submit(path)).status_code == 403
    unverified = await stage.make.organization(verification=Verification.PENDING)
    assert (
        await (await browser_of(await stage.make.member(unverified), unverified)).submit(path)
    ).status_code == 403
    assert (await (await browser_of(stage.officer)).submit(path)).status_code == 403


async def test_an_organization_has_one_live_bid(stage: Stage, browser_of: BrowserOf) -> None:
    browser = await browser_of(stage.bidder, stage.sme)
    first, second = await start(stage, browser), await start(stage, browser)
    assert first.id == second.id
    await browser.submit(f"/bids/{first.id}/withdraw")
    assert (await start(stage, browser)).id != first.id


async def partner_of(stage: Stage) -> tuple[Organization, Person]:
    partner = await stage.make.organization(size=SizeClass.MICRO)
    return partner, await stage.make.member(partner)


async def part_of(stage: Stage, bid: Bid, organization: Organization) -> BidMember:
    statement = select(BidMember).where(
        BidMember.bid_id == bid.id, BidMember.organization_id == organization.id
    )
    member = await stage.make.session.scalar(statement.execution_options(populate_existing=True))
    assert member is not None
    return member


async def test_a_partner_is_told_confirms_its_part_and_then_reads_the_whole(
    stage: Stage, browser_of: BrowserOf
) -> None:
    browser = await browser_of(stage.bidder, stage.sme)
    bid = await start(stage, browser)
    partner, person = await partner_of(stage)
    await browser.submit(f"/bids/{bid.id}/members", {"organization_id": str(partner.id)})
    assert (person.email, "bid.member_invited") in await told(stage.make.session)
    await refreshed(stage, bid)
    requirements = [str(item.id) for item in stage.challenge.requirements]
    fields = stage.fields(
        bid,
        **{
            "parts-0-requirement_ids": requirements[:1],
            "parts-1-organization_id": str(partner.id),
            "parts-1-requirement_ids": requirements[1:],
            "parts-1-years-0": "80",
        },
    )
    assert (await browser.submit(f"/bids/{bid.id}", fields)).status_code == 422
    invited = await browser_of(person, partner)
    before = (await invited.get(f"/bids/{bid.id}")).text
    assert TEXTS["technical_plan"] not in before
    await invited.submit(f"/bids/{bid.id}/answer", {"answer": "confirm"})
    assert (await part_of(stage, bid, partner)).state is BidMemberState.CONFIRMED
    assert TEXTS["technical_plan"] in (await invited.get(f"/bids/{bid.id}")).text
    await refreshed(stage, bid)
    assert (await browser.submit(f"/bids/{bid.id}", {**fields, "revision": bid.revision})).status_code == 303
    # A partner reads, but only the lead writes.
    assert (await invited.submit(f"/bids/{bid.id}", {**fields, "revision": bid.revision})).status_code == 404


async def test_a_partner_that_leaves_makes_the_bid_a_draft_again(stage: Stage, browser_of: BrowserOf) -> None:
    browser = await browser_of(stage.bidder, stage.sme)
    bid = await start(stage, browser)
    partner, person = await partner_of(stage)
    await browser.submit(f"/bids/{bid.id}/members", {"organization_id": str(partner.id)})
    invited = await browser_of(person, partner)
    await invited.submit(f"/bids/{bid.id}/answer", {"answer": "confirm"})
    requirements = [str(item.id) for item in stage.challenge.requirements]
    await refreshed(stage, bid)
    fields = stage.fields(
        bid,
        **{
            "parts-0-requirement_ids": requirements[:1],
            "parts-1-organization_id": str(partner.id),
            "parts-1-requirement_ids": requirements[1:],
        },
    )
    assert (await browser.submit(f"/bids/{bid.id}", fields)).status_code == 303
    await invited.submit(f"/bids/{bid.id}/answer", {"answer": "decline"})
    await refreshed(stage, bid)
    assert bid.state is BidState.DRAFT
    assert (await invited.get(f"/bids/{bid.id}")).status_code == 404


async def test_a_partner_takes_part_in_one_bid_only(stage: Stage, browser_of: BrowserOf) -> None:
    partner, person = await partner_of(stage)
    invited = await browser_of(person, partner)
    own = await start(stage, invited)
    browser = await browser_of(stage.bidder, stage.sme)
    bid = await start(stage, browser)
    await browser.submit(f"/bids/{bid.id}/members", {"organization_id": str(partner.id)})
    assert (await invited.submit(f"/bids/{bid.id}/answer", {"answer": "confirm"})).status_code == 409
    await invited.submit(f"/bids/{own.id}/withdraw")
    assert (await invited.submit(f"/bids/{bid.id}/answer", {"answer": "confirm"})).status_code == 303


async def test_a_restricted_challenge_stays_unknown_to_partners_that_are_not_admitted(
    stage: Stage, browser_of: BrowserOf
) -> None:
    browser = await browser_of(stage.bidder, stage.sme)
    bid = await start(stage, browser)
    challenge = await stage.make.session.get(Challenge, stage.challenge.id)
    assert challenge is not None
    challenge.is_public = False
    await stage.make.session.commit()
    partner, _person = await partner_of(stage)
    answer = await browser.submit(f"/bids/{bid.id}/members", {"organization_id": str(partner.id)})
    assert answer.status_code == 422


async def test_two_people_of_one_bid_do_not_overwrite_each_other(stage: Stage, browser_of: BrowserOf) -> None:
    browser = await browser_of(stage.bidder, stage.sme)
    bid = await start(stage, browser)
    fields = stage.fields(bid, action="save")
    assert (await browser.submit(f"/bids/{bid.id}", fields)).status_code == 303
    assert (await browser.submit(f"/bids/{bid.id}", fields)).status_code == 409
