"""A published challenge changes only by amendments: proposed, confirmed, compared, answered by whoever bids."""

import asyncio
import random
import re
import uuid
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

import challenges.amendments.jobs  # noqa: F401 -- registers what is due
from challenges.amendments import queries, service, standing
from challenges.amendments.content import Content, amended_content, content_of
from challenges.bids import service as bid_service
from challenges.bids.models import Bid, BidReceipt, BidState, ReceiptAct
from challenges.bids.queries import bid_by_id
from challenges.calendars.service import make_feed
from challenges.models import (
    Amendment,
    AmendmentState,
    BidConfirmation,
    Challenge,
    ChallengeState,
    InvitedSolver,
    MatchRun,
    ProgramOfficer,
    Requirement,
    SavedChallenge,
)
from challenges.postings.forms import TypedDraft, TypedRequirement
from challenges.postings.queries import challenge_by_id
from core.accounts.models import Person, PlatformRole
from core.actor import Actor
from core.audit import AuditEntry
from core.clock import to_shanghai, utc_now
from core.errors import ConflictError, DomainError, ForbiddenError, InvalidError, NotFoundError
from core.process import Process
from core.schedule import catch_up
from solvers.models import Membership, MembershipRole
from tests.conftest import Browser, BrowserOf
from tests.factories import Factory
from tests.integration.matchmaking import actor_of
from tests.integration.test_bidding import Stage, end_bidding, start
from tests.told import told

REASON = "用户单位提高了叶片的设计转速。"


def acting(person: Person) -> Actor:
    return Actor(person_id=person.id, name=person.name, roles=frozenset({PlatformRole.OFFICER}))


class Changing:
    """A stage with two requirements, whose weights add up, and a second officer in charge."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.make = stage.make
        self.session = stage.make.session

    async def set(self) -> "Changing":
        stage = self.stage
        self.second = await self.make.officer()
        self.session.add(ProgramOfficer(program_id=stage.program.id, person_id=self.second.id))
        stage.challenge = await self.make.challenge(stage.poster, stage.program, budgets=(200, 300))
        self.poster = actor_of(stage.poster_person, stage.poster)
        self.officer = acting(stage.officer)
        self.key = stage.challenge.id
        await self.session.commit()
        return self

    async def challenge(self) -> Challenge:
        """Read anew, and held by nobody."""
        found = await challenge_by_id(self.session, self.key, lock=True)
        assert found is not None
        await self.session.commit()
        return found

    async def content(self, **changed: Any) -> Content:
        """The challenge as it stands with some things changed; `later` is how many days the deadline moves."""
        challenge = await self.challenge()
        content = content_of(challenge)
        later = changed.pop("later", None)
        if later is not None:
            moved = datetime.fromisoformat(content["deadline_at"]) + timedelta(days=later)
            content["deadline_at"] = moved.isoformat()
        return {**content, **changed}

    async def propose(self, **changed: Any) -> Amendment:
        content = await self.content(**changed)
        revision = (await self.challenge()).revision
        amendment = await service.propose(
            self.session, self.poster, self.key, content, explanation=REASON, revision=revision
        )
        await self.session.commit()
        return amendment

    async def change(self, **changed: Any) -> Amendment:
        amendment = await self.propose(**changed)
        await service.confirm(self.session, self.officer, amendment.id)
        await self.session.commit()
        return amendment


@pytest.fixture
async def stage(make: Factory) -> Stage:
    return await Stage(make).set()


@pytest.fixture
async def changing(stage: Stage) -> Changing:
    return await Changing(stage).set()


def fields_of(challenge: Challenge, **typed: str) -> dict[str, str]:
    """The form as the page shows it, with something typed over."""
    fields = {
        "revision": str(challenge.revision),
        "explanation": REASON,
        "title": challenge.title,
        "difficulty": challenge.difficulty,
        "indicators": challenge.indicators,
        "content": challenge.content,
        "conditions": challenge.conditions,
        "ip_terms": challenge.ip_terms,
        "benefit_terms": challenge.benefit_terms,
        "contact_name": challenge.contact_name,
        "contact_phone": challenge.contact_phone,
        "contact_email": challenge.contact_email,
        "investment_wan": str(challenge.investment_wan),
        "reward_wan": str(challenge.reward_wan),
        "time_limit_months": str(challenge.time_limit_months),
        "deadline_at": to_shanghai(challenge.deadline_at).strftime("%Y-%m-%dT%H:%M")
        if challenge.deadline_at
        else "",
    }
    for number, row in enumerate(challenge.requirements):
        prefix = f"requirements-{number}-"
        fields |= {
            f"{prefix}id": str(row.id),
            f"{prefix}text": row.text,
            f"{prefix}target": row.target,
            f"{prefix}weight": str(row.weight),
            f"{prefix}budget_wan": str(row.budget_wan),
        }
    return {**fields, **typed}


async def hand_in(stage: Stage, browser: Browser) -> Bid:
    bid = await start(stage, browser)
    answer = await browser.submit(f"/bids/{bid.id}", stage.fields(bid))
    assert answer.status_code == 303, answer.text
    await stage.make.session.refresh(bid)
    assert bid.state is BidState.SUBMITTED
    return bid


async def test_a_change_proposed_on_the_page_is_in_force_once_an_officer_has_confirmed_it(
    changing: Changing, browser_of: BrowserOf
) -> None:
    stage = changing.stage
    poster = await browser_of(stage.poster_person, stage.poster)
    challenge = await changing.challenge()
    path = f"/challenges/{challenge.id}/changes"
    form = (await poster.get(f"{path}/new")).text
    assert challenge.indicators in form
    answer = await poster.submit(f"{path}/new", fields_of(challenge, indicators="合格率不低于90%。"))
    assert answer.status_code == 303, answer.text
    await changing.session.refresh(challenge)
    assert challenge.indicators == "合格率不低于85%。"
    # Until then nobody but poster and officers knows of it.
    assert "变更申请" not in (await (await browser_of()).get(path)).text
    officer = await browser_of(stage.officer)
    assert path in (await officer.get("/officer")).text
    amendment = await changing.session.scalar(select(Amendment))
    assert amendment is not None
    answer = await officer.submit(f"/amendments/{amendment.id}/confirm")
    assert answer.status_code == 303, answer.text
    await changing.session.refresh(challenge)
    assert challenge.indicators == "合格率不低于90%。"
    page = (await (await browser_of()).get(path)).text
    assert "<del>85</del><ins>90</ins>" in page
    assert REASON in page
    assert f"{path}#version-1" in (await (await browser_of()).get(f"/challenges/{challenge.id}")).text


async def test_only_the_posters_editors_propose_and_only_officers_in_charge_decide(
    changing: Changing,
) -> None:
    stage, session = changing.stage, changing.session
    content = await changing.content(later=1)
    viewer = actor_of(await changing.make.member(stage.poster, MembershipRole.VIEWER), stage.poster, "viewer")
    for actor in (viewer, changing.officer, actor_of(stage.bidder, stage.sme)):
        with pytest.raises(ForbiddenError):
            await service.propose(session, actor, changing.key, content, explanation=REASON, revision=1)
    amendment = await changing.propose(later=1)
    stranger = acting(await changing.make.officer())
    for actor in (stranger, actor_of(stage.bidder, stage.sme)):
        with pytest.raises(NotFoundError):
            await service.confirm(session, actor, amendment.id)
    with pytest.raises(ForbiddenError):
        await service.confirm(session, changing.poster, amendment.id)
    with pytest.raises(ForbiddenError):
        await service.take_back(session, changing.officer, amendment.id)
    session.add(
        Membership(organization_id=stage.poster.id, person_id=stage.officer.id, role=MembershipRole.VIEWER)
    )
    await session.commit()
    with pytest.raises(ForbiddenError):
        await service.confirm(session, changing.officer, amendment.id)
    await service.confirm(session, acting(changing.second), amendment.id)


async def test_one_change_waits_at_a_time_and_may_be_taken_back_and_proposed_again(
    changing: Changing, browser_of: BrowserOf
) -> None:
    key = (await changing.propose(title="新的题目")).id
    with pytest.raises(ConflictError):
        await changing.propose(later=1)
    await changing.session.rollback()
    await changing.session.refresh(changing.stage.poster)
    await changing.session.refresh(changing.stage.poster_person)
    poster = await browser_of(changing.stage.poster_person, changing.stage.poster)
    assert (await poster.submit(f"/amendments/{key}/take-back")).status_code == 303
    path = f"/challenges/{changing.key}/changes"
    assert "发榜方已撤回" in (await poster.get(path)).text
    again = (await poster.get(f"{path}/new?again={key}")).text
    assert "新的题目" in again
    assert REASON in again


async def test_a_refusal_takes_a_reason_which_the_poster_is_told(changing: Changing) -> None:
    amendment = await changing.propose(title="新的题目")
    with pytest.raises(InvalidError) as caught:
        await service.refuse(changing.session, changing.officer, amendment.id, note=" ")
    assert set(caught.value.errors) == {"note"}
    await service.refuse(changing.session, changing.officer, amendment.id, note="偏离榜单方向")
    challenge = await changing.challenge()
    assert challenge.title != "新的题目"
    assert await told(changing.session, "amendment.refused") == [
        (changing.stage.poster_person.email, "amendment.refused")
    ]


async def test_what_lacks_or_does_not_add_up_is_said_at_its_field_and_nothing_typed_is_lost(
    changing: Changing, browser_of: BrowserOf
) -> None:
    poster = await browser_of(changing.stage.poster_person, changing.stage.poster)
    challenge = await changing.challenge()
    path = f"/challenges/{challenge.id}/changes/new"
    typed = {"title": "只改了题目", "requirements-0-budget_wan": "250", "explanation": ""}
    answer = await poster.submit(path, fields_of(challenge, **typed))
    assert answer.status_code == 422
    assert "只改了题目" in answer.text
    answer = await poster.submit(path, fields_of(challenge, **{**typed, "explanation": REASON}))
    assert answer.status_code == 422
    assert "各指标经费合计" in answer.text
    assert 'value="250"' in answer.text
    answer = await poster.submit(path, fields_of(challenge))
    assert answer.status_code == 422
    assert "没有任何不同" in answer.text
    assert await queries.waiting_of(changing.session, challenge.id) is None


async def test_rows_are_added_moved_and_removed_without_being_stored(
    changing: Changing, browser_of: BrowserOf
) -> None:
    poster = await browser_of(changing.stage.poster_person, changing.stage.poster)
    challenge = await changing.challenge()
    path = f"/challenges/{challenge.id}/changes/new"
    page = (await poster.submit(path, fields_of(challenge, title="半成品", do="add"))).text
    assert "requirements-2-text" in page
    assert "半成品" in page
    first, second = (row.id for row in challenge.requirements)
    page = (await poster.submit(path, fields_of(challenge, do="down:0"))).text
    assert page.index(str(second)) < page.index(str(first))
    page = (await poster.submit(path, fields_of(challenge, do="remove:0"))).text
    assert str(first) not in page
    assert await queries.waiting_of(changing.session, challenge.id) is None


async def test_requirements_that_stay_keep_their_ids_and_no_foreign_id_is_taken(changing: Changing) -> None:
    challenge = await changing.challenge()
    first, second = challenge.requirements
    await changing.session.refresh(changing.stage.program, ["rounds"])
    other = await changing.make.challenge(changing.stage.poster, changing.stage.program, budgets=(10,))
    foreign = other.requirements[0].id

    def row(key: uuid.UUID, text: str, weight: int, budget_wan: int) -> TypedRequirement:
        values = {
            "text": text,
            "target": "合格",
            "weight": Decimal(weight),
            "budget_wan": Decimal(budget_wan),
        }
        return TypedRequirement(key, values, {})

    typed = TypedDraft(
        values={name: getattr(challenge, name) for name in content_of(challenge) if name != "requirements"},
        unparsed={},
        requirements=[row(second.id, "叶片热障涂层制备与评价", 60, 300), row(foreign, "装配", 40, 200)],
    )
    await changing.change(**amended_content(challenge, typed))
    changed = await changing.challenge()
    ids = [item.id for item in changed.requirements]
    assert ids[0] == second.id
    assert ids[1] not in {first.id, foreign}
    assert changed.requirements[0].text == "叶片热障涂层制备与评价"
    untouched = await changing.session.get_one(Requirement, foreign)
    assert untouched.challenge_id == other.id


async def test_search_and_ranking_follow_a_change(
    changing: Changing, browser_of: BrowserOf, run_jobs: Callable[[], Awaitable[None]]
) -> None:
    before = await changing.challenge()
    revision, index_revision = before.revision, before.index_revision
    await changing.change(title="深海液压绞车减摇装置")
    challenge = await changing.challenge()
    assert challenge.revision == revision + 1
    assert challenge.index_revision > index_revision
    assert "绞车" in challenge.tokens
    anonymous = await browser_of()
    assert str(changing.key) in (await anonymous.get("/challenges?q=绞车")).text
    assert len(list(await changing.session.scalars(select(MatchRun)))) == 1
    await run_jobs()


async def test_a_deadline_is_extended_and_calendars_follow(changing: Changing, browser_of: BrowserOf) -> None:
    saver = await changing.make.person()
    changing.session.add(SavedChallenge(person_id=saver.id, challenge_id=changing.key))
    token = await make_feed(changing.session, Actor(person_id=saver.id, name=saver.name))
    before = (await changing.challenge()).deadline_at
    assert before is not None
    amendment = await changing.change(later=10)
    assert not amendment.is_substantial
    challenge = await changing.challenge()
    assert challenge.deadline_at == before + timedelta(days=10)
    calendar = (await (await browser_of()).get(f"/calendar/{token}.ics")).text
    assert (before + timedelta(days=10)).strftime("%Y%m%dT%H%M") in calendar
    assert before.strftime("%Y%m%dT%H%M") not in calendar
    assert await told(changing.session, "challenge.changed") == [(saver.email, "challenge.changed")]


async def test_a_deadline_is_never_moved_earlier(changing: Changing) -> None:
    with pytest.raises(InvalidError) as caught:
        await changing.propose(later=-1)
    assert set(caught.value.errors) == {"deadline_at"}
    amendment = await changing.propose(later=2)
    for column in ("deadline_after = deadline_before - interval '1 second'", "before = '{}'"):
        savepoint = await changing.session.begin_nested()
        with pytest.raises(DBAPIError):
            await changing.session.execute(text(f"UPDATE amendment SET {column}"))
        await savepoint.rollback()
    await service.take_back(changing.session, changing.poster, amendment.id)


async def test_after_a_change_of_substance_bidders_have_the_programs_days(changing: Changing) -> None:
    challenge = await changing.challenge()
    challenge.deadline_at = utc_now() + timedelta(days=6)
    await changing.session.commit()
    # An extension alone may be of any length; a change of the text has to leave 20 days.
    with pytest.raises(InvalidError) as caught:
        await changing.propose(title="新的题目", later=1)
    assert set(caught.value.errors) == {"deadline_at"}
    await changing.change(later=1)
    amendment = await changing.propose(title="新的题目", later=14)
    # Officers who wait too long cannot confirm it any more.
    amendment_id = amendment.id
    changing.stage.program.min_bid_days = 30
    await changing.session.commit()
    with pytest.raises(InvalidError):
        await service.confirm(changing.session, changing.officer, amendment_id)


async def test_no_sequence_of_changes_makes_the_deadline_earlier(changing: Changing) -> None:
    """Brute force over proposals, confirmations, refusals and returns of every kind, by chance but repeatable."""
    chance = random.Random(20261124)
    changing.stage.program.min_bid_days = 3
    await changing.session.commit()
    deadline = (await changing.challenge()).deadline_at
    assert deadline is not None
    outcomes: dict[str, int] = {}
    for number in range(60):
        waiting = await queries.waiting_of(changing.session, changing.key)
        steps = ["propose"] if waiting is None else ["confirm", "refuse", "take back", "propose"]
        step = chance.choice(steps)
        try:
            if step == "propose":
                changed: dict[str, Any] = {"later": chance.choice([-20, -5, -0.001, 0, 0.5, 3, 12])}
                if chance.random() < 0.5:
                    changed["title"] = f"题目{number}"
                await changing.propose(**changed)
            else:
                assert waiting is not None
                if step == "confirm":
                    await service.confirm(changing.session, changing.officer, waiting.id)
                elif step == "refuse":
                    await service.refuse(changing.session, changing.officer, waiting.id, note="不妥")
                else:
                    await service.take_back(changing.session, changing.poster, waiting.id)
                await changing.session.commit()
        except DomainError:
            await changing.session.rollback()
            outcomes["refused"] = outcomes.get("refused", 0) + 1
        else:
            outcomes[step] = outcomes.get(step, 0) + 1
        now = (await changing.challenge()).deadline_at
        assert now is not None
        assert now >= deadline, (number, step)
        deadline = now
        await changing.session.commit()
    assert {"propose", "confirm", "refuse", "take back", "refused"} <= outcomes.keys(), outcomes


async def test_of_two_officers_at_once_one_confirms_and_the_change_is_made_once(
    changing: Changing, process: Process
) -> None:
    amendment = await changing.propose(later=3)
    key, revision = amendment.id, (await changing.challenge()).revision
    await changing.session.commit()

    async def confirm(person: Person) -> bool:
        try:
            async with process.transaction() as session:
                await service.confirm(session, acting(person), key)
        except ConflictError:
            return False
        return True

    outcomes = await asyncio.gather(confirm(changing.stage.officer), confirm(changing.second))
    assert sorted(outcomes) == [False, True]
    assert (await changing.challenge()).revision == revision + 1
    entries = await changing.session.scalars(
        select(AuditEntry).where(AuditEntry.action == "amendment.confirmed")
    )
    assert len(list(entries)) == 1


async def test_confirming_and_taking_back_at_once_have_one_outcome(
    changing: Changing, process: Process
) -> None:
    amendment = await changing.propose(title="新的题目")
    key = amendment.id

    async def attempt(act: Any, actor: Actor) -> bool:
        try:
            async with process.transaction() as session:
                await act(session, actor, key)
        # Taken back, it is nothing that an officer could find; confirmed, nothing that could be taken back.
        except (ConflictError, NotFoundError):
            return False
        return True

    outcomes = await asyncio.gather(
        attempt(service.confirm, changing.officer), attempt(service.take_back, changing.poster)
    )
    assert sorted(outcomes) == [False, True]
    challenge = await changing.challenge()
    assert (challenge.title == "新的题目") is outcomes[0]


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


async def test_a_proposal_that_nobody_has_looked_at_before_the_deadline_lapses_once(
    changing: Changing, process: Process
) -> None:
    amendment = await changing.propose(later=5)
    await catch_up()
    await changing.session.refresh(amendment)
    assert amendment.state is AmendmentState.PROPOSED
    stage = changing.stage
    stage.challenge = await changing.challenge()
    await end_bidding(stage)
    with pytest.raises(ConflictError):
        await service.confirm(changing.session, changing.officer, amendment.id)
    await changing.session.commit()
    await asyncio.gather(*(catch_up() for _ in range(3)))
    await changing.session.refresh(amendment)
    assert amendment.state is AmendmentState.LAPSED
    assert await told(changing.session, "amendment.lapsed") == [
        (stage.poster_person.email, "amendment.lapsed")
    ]
    assert (await changing.challenge()).state in {ChallengeState.PUBLISHED, ChallengeState.CLOSED}


async def test_what_was_decided_stays_as_it_was(changing: Changing) -> None:
    await changing.change(later=1)
    for statement in (
        "UPDATE amendment SET explanation = '别的'",
        "UPDATE amendment SET state = 'refused', note = '不妥'",
        "DELETE FROM amendment",
        "TRUNCATE amendment CASCADE",
    ):
        savepoint = await changing.session.begin_nested()
        with pytest.raises(DBAPIError):
            await changing.session.execute(text(statement))
        await savepoint.rollback()


async def test_the_feed_tells_of_a_change_of_a_public_challenge(
    changing: Changing, browser_of: BrowserOf
) -> None:
    amendment = await changing.change(title="新的题目")
    feed = (await (await browser_of()).get("/challenges.atom")).text
    assert f"urn:uuid:{amendment.id}" in feed
    assert REASON in feed
    assert f"/challenges/{changing.key}/changes" in feed


async def test_contacts_are_compared_for_people_who_are_logged_in(
    changing: Changing, browser_of: BrowserOf
) -> None:
    await changing.change(contact_phone="0571-99999999")
    path = f"/challenges/{changing.key}/changes"
    assert "99999999" not in (await (await browser_of()).get(path)).text
    reader = await changing.make.person()
    assert "99999999" in (await (await browser_of(reader)).get(path)).text


async def test_of_a_restricted_challenge_no_change_leaks(changing: Changing, browser_of: BrowserOf) -> None:
    stage, session = changing.stage, changing.session
    outsider = await changing.make.organization()
    person = await changing.make.member(outsider)
    challenge = await changing.challenge()
    challenge.is_public = False
    session.add_all(
        [
            InvitedSolver(challenge_id=challenge.id, organization_id=stage.sme.id),
            # Saved while it was public.
            SavedChallenge(person_id=person.id, challenge_id=challenge.id),
            SavedChallenge(person_id=stage.bidder.id, challenge_id=challenge.id),
        ]
    )
    await session.commit()
    before = {
        path: (await (await browser_of()).get(path)).text for path in ("/", "/challenges", "/statistics")
    }
    amendment = await changing.change(title="隐秘的深海液压绞车")
    assert await told(session, "challenge.changed") == [(stage.bidder.email, "challenge.changed")]
    anonymous, other = await browser_of(), await browser_of(person, outsider)
    for browser in (anonymous, other):
        for path in (f"/challenges/{changing.key}/changes", f"/challenges/{changing.key}/questions"):
            assert (await browser.get(path)).status_code == 404
        for path in ("/", "/challenges", "/challenges.atom", "/challenges?q=绞车", "/statistics"):
            page = (await browser.get(path)).text
            for secret in ("深海液压绞车", str(changing.key), str(amendment.id)):
                assert secret not in page, (path, secret)
    for path in ("/saved", "/notifications", "/my/recommendations"):
        page = (await other.get(path)).text
        assert "深海液压绞车" not in page
        assert str(changing.key) not in page
    # Numbers are as they were: nothing counts that its reader may not know of.
    for path, text_before in before.items():
        assert _numbers((await anonymous.get(path)).text) == _numbers(text_before), path
    # Another poster that writes of the same is not told of something similar.
    rival = await changing.make.organization()
    await session.refresh(stage.program, ["rounds"])
    draft = await changing.make.challenge(
        rival, stage.program, state=ChallengeState.DRAFT, title="隐秘的深海液压绞车", published_at=None
    )
    writer = await browser_of(await changing.make.member(rival), rival)
    similar = (await writer.get(f"/challenges/{draft.id}/similar")).text
    assert str(changing.key) not in similar
    invited = await browser_of(stage.bidder, stage.sme)
    assert (await invited.get(f"/challenges/{changing.key}/changes")).status_code == 200


def _numbers(page: str) -> list[str]:
    body = page.partition("<main")[2]
    return re.findall(r">\s*(\d[\d,.]*)\s*<", body)
