"""A poster has a consortium proposed, changes it, submits it; an officer decides; the rule holds at every step."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from decimal import Decimal

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from challenges.consortia import decisions, queries, service
from challenges.matches.service import queue_match
from challenges.models import (
    Bid,
    BidMember,
    BidMemberState,
    BidState,
    ChallengeState,
    Consortium,
    ConsortiumState,
    Decision,
    Outcome,
    QuotaRule,
)
from core.audit import entries_of
from core.clock import shanghai_today, utc_now
from core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from core.process import Process
from core.settings import Settings
from solvers.models import ControlKind, ControlRelation, Membership, MembershipRole, Organization, SizeClass
from tests.conftest import BrowserOf
from tests.factories import Factory
from tests.integration.matchmaking import Market, open_market
from tests.told import told

RunJobs = Callable[[], Awaitable[None]]
IMPOSSIBLE = {"min_sme_members": 2, "max_members": 1}


async def propose(market: Market, session: AsyncSession, run_jobs: RunJobs) -> Consortium:
    await queue_match(session, market.challenge.id)
    await session.commit()
    await run_jobs()
    await service.propose_consortium(session, market.poster_actor, market.challenge.id)
    await session.commit()
    await run_jobs()
    return await present(market, session)


async def present(market: Market, session: AsyncSession) -> Consortium:
    session.expire_all()
    await refreshed(market, session)
    consortium = await queries.shown_consortium(session, market.challenge.id)
    assert consortium is not None
    return consortium


async def refreshed(market: Market, session: AsyncSession) -> None:
    """Load again what the test's market holds, so that it may be read outside of queries."""
    for thing in (
        market.challenge,
        market.poster,
        market.editor,
        market.program,
        market.lead,
        market.coater,
        market.tester,
        market.institute,
        market.stranger,
    ):
        await session.refresh(thing)
    await session.refresh(market.officer, ["id", "name", "email", "locale", "roles"])
    await session.refresh(market.challenge, ["requirements"])


async def submit(market: Market, session: AsyncSession, settings: Settings, run_jobs: RunJobs) -> Consortium:
    consortium = await propose(market, session, run_jobs)
    await service.submit_consortium(
        session, market.poster_actor, market.challenge.id, consortium.revision, "请审批"
    )
    await session.commit()
    return await present(market, session)


async def decide(
    market: Market, session: AsyncSession, settings: Settings, outcome: Outcome, reason: str = ""
) -> Decision:
    consortium = await present(market, session)
    return await decisions.decide_consortium(
        session, market.officer_actor, consortium.id, outcome, reason, consortium.revision
    )


def holders(consortium: Consortium) -> dict[str, str]:
    return {
        name: member.organization.name for member in consortium.members for name in member.requirement_ids
    }


def holder_keys(consortium: Consortium) -> dict[str, uuid.UUID | None]:
    return {name: member.organization_id for member in consortium.members for name in member.requirement_ids}


async def test_the_proposal_gives_each_requirement_to_who_does_it_best(
    make: Factory, session: AsyncSession, run_jobs: RunJobs
) -> None:
    market = await open_market(make)
    consortium = await propose(market, session, run_jobs)
    requirements = [str(item.id) for item in market.challenge.requirements]
    assert holders(consortium) == dict(
        zip(requirements, ["精铸重工", "热障涂层科技", "超声检测技术"], strict=True)
    )
    assert consortium.lead_id == market.lead.id
    assert consortium.computation["answer"]["status"] == "optimal"
    assert [member.budget_wan for member in consortium.members] == [Decimal(100), Decimal(60), Decimal(40)]
    assert [member.counted_sme for member in consortium.members] == [False, True, True]
    assert consortium.rule_id == market.program.rules[0].id


async def test_a_rule_that_can_be_kept_is_kept_though_it_costs(
    make: Factory, session: AsyncSession, run_jobs: RunJobs
) -> None:
    market = await open_market(make, budgets=(800, 100, 100))
    consortium = await propose(market, session, run_jobs)
    sme = sum(member.budget_wan for member in consortium.members if member.counted_sme)
    led_by_large = consortium.lead_id == market.lead.id
    assert not led_by_large or sme >= Decimal(300)
    standing = await service.read_standing(session, market.poster_actor, market.challenge.id)
    assert standing.shortcomings == []


async def test_where_it_is_impossible_the_page_says_which_parts_conflict(
    make: Factory, session: AsyncSession, browser_of: BrowserOf, run_jobs: RunJobs
) -> None:
    market = await open_market(make, rule={**IMPOSSIBLE, "applies_to": "all"})
    consortium = await propose(market, session, run_jobs)
    assert consortium.computation["answer"]["status"] == "infeasible"
    assert consortium.members == []
    browser = await browser_of(market.editor, market.poster)
    await browser.get("/locale/en")
    page = (await browser.get(f"/challenges/{market.challenge.id}/consortium")).text
    assert "at least 2 members are SMEs" in page
    assert "at most 1 members" in page


async def test_a_proposal_needs_a_ranking(make: Factory, session: AsyncSession) -> None:
    market = await open_market(make)
    with pytest.raises(ConflictError):
        await service.propose_consortium(session, market.poster_actor, market.challenge.id)


async def test_only_editors_of_the_poster_prepare(
    make: Factory, session: AsyncSession, browser_of: BrowserOf, run_jobs: RunJobs
) -> None:
    market = await open_market(make)
    consortium = await propose(market, session, run_jobs)
    viewer = await make.member(market.poster, MembershipRole.VIEWER)
    solver = await make.member(market.coater)
    path = f"/challenges/{market.challenge.id}/consortium"
    data = {"step": "remove", "organization_id": str(market.coater.id), "revision": str(consortium.revision)}
    for browser in (
        await browser_of(viewer, market.poster),
        await browser_of(solver, market.coater),
        await browser_of(market.officer),
    ):
        for step in ("propose", "edit", "submit"):
            assert (await browser.submit(f"{path}/{step}", data)).status_code == 403
    assert (await (await browser_of(viewer, market.poster)).get(path)).status_code == 200
    assert (await (await browser_of(solver, market.coater)).get(path)).status_code == 403
    assert (await present(market, session)).revision == consortium.revision
    editor = await browser_of(market.editor, market.poster)
    assert (await editor.submit(f"{path}/edit", data)).status_code == 303


async def test_the_computation_follows_every_change(
    make: Factory, session: AsyncSession, browser_of: BrowserOf, run_jobs: RunJobs
) -> None:
    market = await open_market(make)
    consortium = await propose(market, session, run_jobs)
    browser = await browser_of(market.editor, market.poster)
    await browser.get("/locale/en")
    data = {
        "step": "exchange",
        "leaves": str(market.coater.id),
        "joins": str(market.institute.id),
        "revision": str(consortium.revision),
    }
    path = f"/challenges/{market.challenge.id}/consortium"
    answer = await browser.submit(f"{path}/edit", data, headers={"hx-request": "true"})
    assert answer.status_code == 200
    assert "<html" not in answer.text
    assert "SMEs&#39; share of the budget: 20%, required ≥ 30%." in answer.text
    changed = await present(market, session)
    assert {member.organization.name for member in changed.members} == {
        "精铸重工",
        "高温材料研究院",
        "超声检测技术",
    }
    coating = str(market.challenge.requirements[1].id)
    assert holders(changed)[coating] == "高温材料研究院"
    assert changed.objective is not None
    assert consortium.objective is not None


async def test_a_broken_consortium_is_saved_but_cannot_be_submitted(
    make: Factory, session: AsyncSession, settings: Settings, browser_of: BrowserOf, run_jobs: RunJobs
) -> None:
    market = await open_market(make)
    consortium = await propose(market, session, run_jobs)
    await service.exchange_member(
        session,
        market.poster_actor,
        market.challenge.id,
        consortium.revision,
        market.coater.id,
        market.institute.id,
    )
    await session.commit()
    revision = (await present(market, session)).revision
    with pytest.raises(InvalidError):
        await service.submit_consortium(session, market.poster_actor, market.challenge.id, revision)
    await session.rollback()
    await refreshed(market, session)
    browser = await browser_of(market.editor, market.poster)
    path = f"/challenges/{market.challenge.id}/consortium"
    answer = await browser.submit(f"{path}/submit", {"revision": str(revision), "note": "我的说明"})
    assert answer.status_code == 422
    assert "我的说明" in answer.text
    assert (await present(market, session)).state is ConsortiumState.PROPOSED
    await session.refresh(market.challenge)
    assert market.challenge.state is ChallengeState.CLOSED


async def test_a_removed_member_leaves_its_requirement_to_nobody(
    make: Factory, session: AsyncSession, run_jobs: RunJobs
) -> None:
    market = await open_market(make)
    consortium = await propose(market, session, run_jobs)
    await service.remove_member(
        session, market.poster_actor, market.challenge.id, consortium.revision, market.lead.id
    )
    await session.commit()
    consortium = await present(market, session)
    assert consortium.lead_id is None
    standing = await service.read_standing(session, market.poster_actor, market.challenge.id)
    assert len(standing.shortcomings) >= 2
    assert str(market.challenge.requirements[0].id) not in holders(consortium)


async def test_requirements_and_the_lead_are_assigned_by_hand(
    make: Factory, session: AsyncSession, run_jobs: RunJobs
) -> None:
    market = await open_market(make)
    consortium = await propose(market, session, run_jobs)
    casting = str(market.challenge.requirements[0].id)
    wanted = {**holder_keys(consortium), casting: market.coater.id}
    await service.assign_requirements(
        session,
        market.poster_actor,
        market.challenge.id,
        consortium.revision,
        wanted,
        market.coater.id,
    )
    await session.commit()
    changed = await present(market, session)
    assert changed.lead_id == market.coater.id
    assert changed.members[0].organization_id == market.coater.id
    assert changed.members[0].budget_wan == Decimal(160)
    standing = await service.read_standing(session, market.poster_actor, market.challenge.id)
    assert any("精铸重工" in item for item in standing.shortcomings)


async def test_an_alternative_can_be_taken_and_the_best_again(
    make: Factory, session: AsyncSession, run_jobs: RunJobs
) -> None:
    market = await open_market(make)
    consortium = await propose(market, session, run_jobs)
    best = holders(consortium)
    await service.take_alternative(session, market.poster_actor, market.challenge.id, consortium.revision, 1)
    await session.commit()
    other = await present(market, session)
    assert {m.organization_id for m in other.members} != {m.organization_id for m in consortium.members} or (
        holders(other) != best
    )
    await service.take_alternative(session, market.poster_actor, market.challenge.id, other.revision, 0)
    await session.commit()
    assert holders(await present(market, session)) == best


async def test_who_is_not_ranked_cannot_be_added(
    make: Factory, session: AsyncSession, run_jobs: RunJobs
) -> None:
    market = await open_market(make)
    consortium = await propose(market, session, run_jobs)
    with pytest.raises(NotFoundError):
        await service.add_member(
            session,
            market.poster_actor,
            market.challenge.id,
            consortium.revision,
            (await make.organization()).id,
        )


async def test_a_change_of_an_older_revision_is_refused(
    make: Factory, session: AsyncSession, browser_of: BrowserOf, run_jobs: RunJobs
) -> None:
    market = await open_market(make)
    consortium = await propose(market, session, run_jobs)
    browser = await browser_of(market.editor, market.poster)
    path = f"/challenges/{market.challenge.id}/consortium/edit"
    data = {"step": "remove", "organization_id": str(market.coater.id), "revision": str(consortium.revision)}
    assert (await browser.submit(path, data)).status_code == 303
    data["organization_id"] = str(market.tester.id)
    assert (await browser.submit(path, data)).status_code == 409
    assert market.tester.id in {m.organization_id for m in (await present(market, session)).members}


async def test_a_consortium_is_not_submitted_while_bids_are_open(
    make: Factory, session: AsyncSession, settings: Settings, run_jobs: RunJobs
) -> None:
    market = await open_market(make, state=ChallengeState.PUBLISHED)
    consortium = await propose(market, session, run_jobs)
    with pytest.raises(ConflictError):
        await service.submit_consortium(
            session, market.poster_actor, market.challenge.id, consortium.revision
        )


async def test_a_submission_reaches_the_officer_and_moves_the_challenge(
    make: Factory, session: AsyncSession, settings: Settings, run_jobs: RunJobs
) -> None:
    market = await open_market(make)
    consortium = await submit(market, session, settings, run_jobs)
    assert consortium.state is ConsortiumState.SUBMITTED
    assert market.challenge.state is ChallengeState.MATCH_PROPOSED
    assert await told(session, "consortium.submitted") == [(market.officer.email, "consortium.submitted")]
    with pytest.raises(ConflictError):
        await service.remove_member(
            session, market.poster_actor, market.challenge.id, consortium.revision, market.coater.id
        )


async def test_the_poster_may_take_it_back_before_the_decision(
    make: Factory, session: AsyncSession, settings: Settings, run_jobs: RunJobs
) -> None:
    market = await open_market(make)
    await submit(market, session, settings, run_jobs)
    await service.take_back_consortium(session, market.poster_actor, market.challenge.id)
    await session.commit()
    assert (await present(market, session)).state is ConsortiumState.PROPOSED
    assert market.challenge.state is ChallengeState.CLOSED
    with pytest.raises(ConflictError):
        await decide(market, session, settings, Outcome.APPROVED)


async def test_an_approval_awards_and_freezes_what_it_rests_on(
    make: Factory, session: AsyncSession, settings: Settings, run_jobs: RunJobs
) -> None:
    market = await open_market(make)
    address = (await make.member(market.coater)).email
    consortium = await submit(market, session, settings, run_jobs)
    decision = await decide(market, session, settings, Outcome.APPROVED)
    await session.commit()
    await session.refresh(decision)
    assert decision.rule_id == market.program.rules[0].id
    assert decision.quota["holds"] is True
    assert decision.inputs["rule"]["min_sme_budget_share"] == "0.3000"
    assert {item["name"] for item in decision.inputs["members"]} == {
        "精铸重工",
        "热障涂层科技",
        "超声检测技术",
    }
    assert len(decision.inputs["computation"]["problem"]["candidates"]) >= 4
    approved = await present(market, session)
    assert approved.state is ConsortiumState.APPROVED
    assert market.challenge.state is ChallengeState.AWARDED
    recipients = {email for email, _ in await told(session, "consortium.approved")}
    assert {market.editor.email, address} <= recipients
    actions = [entry.action for entry in await entries_of(session, "consortium", consortium.id)]
    assert actions[0] == "consortium.approved"


@pytest.mark.parametrize(
    ("outcome", "state"),
    [(Outcome.RETURNED, ConsortiumState.RETURNED), (Outcome.REJECTED, ConsortiumState.REJECTED)],
)
async def test_a_refusal_needs_a_reason_and_gives_the_challenge_back(
    make: Factory,
    session: AsyncSession,
    settings: Settings,
    browser_of: BrowserOf,
    run_jobs: RunJobs,
    outcome: Outcome,
    state: ConsortiumState,
) -> None:
    market = await open_market(make)
    consortium = await submit(market, session, settings, run_jobs)
    browser = await browser_of(market.officer)
    path = f"/consortia/{consortium.id}/decide"
    data = {"outcome": outcome.value, "reason": "  ", "revision": str(consortium.revision)}
    assert (await browser.submit(path, data)).status_code == 422
    assert (await present(market, session)).state is ConsortiumState.SUBMITTED
    assert (await browser.submit(path, {**data, "reason": "请补充检测指标"})).status_code == 303
    assert (await present(market, session)).state is state
    assert market.challenge.state is ChallengeState.CLOSED
    assert await told(session, f"consortium.{outcome.value}") == [
        (market.editor.email, f"consortium.{outcome.value}")
    ]
    notifications = await (await browser_of(market.editor, market.poster)).get("/notifications")
    assert "请补充检测指标" in notifications.text


async def test_a_returned_consortium_is_changed_and_submitted_again(
    make: Factory, session: AsyncSession, settings: Settings, run_jobs: RunJobs
) -> None:
    market = await open_market(make)
    await submit(market, session, settings, run_jobs)
    await decide(market, session, settings, Outcome.RETURNED, "请换检测单位")
    await session.commit()
    returned = await present(market, session)
    await service.add_member(
        session, market.poster_actor, market.challenge.id, returned.revision, market.institute.id
    )
    await session.commit()
    changed = await present(market, session)
    await service.remove_member(
        session, market.poster_actor, market.challenge.id, changed.revision, market.institute.id
    )
    await session.commit()
    changed = await present(market, session)
    await service.submit_consortium(session, market.poster_actor, market.challenge.id, changed.revision)
    await session.commit()
    await decide(market, session, settings, Outcome.APPROVED)
    await session.commit()
    assert (await present(market, session)).state is ConsortiumState.APPROVED
    assert await session.scalar(select(func.count()).select_from(Decision)) == 2


async def become_large(market: Market, session: AsyncSession) -> None:
    market.coater.size_class = SizeClass.LARGE


async def become_controlled(market: Market, session: AsyncSession) -> None:
    session.add(
        ControlRelation(
            organization_id=market.coater.id,
            controller_id=market.lead.id,
            kind=ControlKind.CONTROL,
        )
    )


async def rule_changed(market: Market, session: AsyncSession) -> None:
    session.add(
        QuotaRule(
            program_id=market.program.id,
            version=2,
            effective_on=shanghai_today(),
            min_sme_budget_share=Decimal("0.9"),
        )
    )


@pytest.mark.parametrize("change", [become_large, become_controlled, rule_changed])
async def test_what_changed_since_the_submission_stops_the_approval(
    make: Factory,
    session: AsyncSession,
    settings: Settings,
    browser_of: BrowserOf,
    run_jobs: RunJobs,
    change: Callable[[Market, AsyncSession], Awaitable[None]],
) -> None:
    market = await open_market(make)
    consortium = await submit(market, session, settings, run_jobs)
    await change(market, session)
    await session.commit()
    browser = await browser_of(market.officer)
    page = (await browser.get(f"/consortia/{consortium.id}")).text
    assert 'id="shortcomings"' in page
    assert f"/challenges/{market.challenge.id}/consortium/refresh" in page
    answer = await browser.submit(
        f"/consortia/{consortium.id}/decide",
        {"outcome": "approved", "reason": "", "revision": str(consortium.revision)},
    )
    assert answer.status_code == 409
    assert (await present(market, session)).state is ConsortiumState.SUBMITTED
    refreshed_answer = await browser.submit(
        f"/challenges/{market.challenge.id}/consortium/refresh", {"revision": str(consortium.revision)}
    )
    assert refreshed_answer.status_code == 303
    consortium = await present(market, session)
    # Computed anew, the rule itself is broken: still no approval, and the officer may return it.
    answer = await browser.submit(
        f"/consortia/{consortium.id}/decide",
        {"outcome": "approved", "reason": "", "revision": str(consortium.revision)},
    )
    assert answer.status_code == 409
    answer = await browser.submit(
        f"/consortia/{consortium.id}/decide",
        {"outcome": "returned", "reason": "比例不足", "revision": str(consortium.revision)},
    )
    assert answer.status_code == 303


async def test_the_guard_of_the_database_becomes_a_friendly_refusal(
    make: Factory,
    session: AsyncSession,
    settings: Settings,
    run_jobs: RunJobs,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    market = await open_market(make)
    await submit(market, session, settings, run_jobs)
    market.coater.size_class = SizeClass.LARGE
    await session.commit()
    # A service that overlooks everything: the database alone stands in the way.
    monkeypatch.setattr(service, "structural_shortcomings", lambda *_: [])
    with pytest.raises(ConflictError, match=r"数据库|database"):
        await decide(market, session, settings, Outcome.APPROVED)


async def test_of_two_officers_at_once_one_decides(
    make: Factory, session: AsyncSession, settings: Settings, process: Process, run_jobs: RunJobs
) -> None:
    market = await open_market(make)
    consortium = await submit(market, session, settings, run_jobs)
    actor, key, revision = market.officer_actor, consortium.id, consortium.revision

    async def one(outcome: Outcome) -> str:
        try:
            async with process.transaction() as own:
                await decisions.decide_consortium(own, actor, key, outcome, "理由", revision)
        except ConflictError:
            return "refused"
        return outcome.value

    results = await asyncio.gather(one(Outcome.APPROVED), one(Outcome.REJECTED))
    assert sorted(results).count("refused") == 1
    assert await session.scalar(select(func.count()).select_from(Decision)) == 1


async def test_an_officer_of_a_member_or_of_the_poster_does_not_decide(
    make: Factory, session: AsyncSession, settings: Settings, browser_of: BrowserOf, run_jobs: RunJobs
) -> None:
    market = await open_market(make)
    path = f"/consortia/{(await submit(market, session, settings, run_jobs)).id}"
    for name in ("coater", "poster"):
        await refreshed(market, session)
        membership = Membership(
            organization_id=getattr(market, name).id,
            person_id=market.officer.id,
            role=MembershipRole.VIEWER,
        )
        session.add(membership)
        await session.commit()
        with pytest.raises(ForbiddenError):
            await decide(market, session, settings, Outcome.APPROVED)
        await session.rollback()
        await session.refresh(membership)
        await session.delete(membership)
        await session.commit()
    await refreshed(market, session)
    page = (await (await browser_of(market.officer)).get(path)).text
    assert f"{path}/decide" in page
    await decide(market, session, settings, Outcome.APPROVED)


async def test_an_officer_of_another_program_neither_sees_nor_decides(
    make: Factory, session: AsyncSession, settings: Settings, browser_of: BrowserOf, run_jobs: RunJobs
) -> None:
    market = await open_market(make)
    consortium = await submit(market, session, settings, run_jobs)
    browser = await browser_of(await make.officer())
    assert (await browser.get(f"/consortia/{consortium.id}")).status_code == 404
    data = {"outcome": "approved", "reason": "", "revision": str(consortium.revision)}
    assert (await browser.submit(f"/consortia/{consortium.id}/decide", data)).status_code == 404


async def test_members_see_their_part_once_it_is_approved_and_others_nothing(
    make: Factory, session: AsyncSession, settings: Settings, browser_of: BrowserOf, run_jobs: RunJobs
) -> None:
    market = await open_market(make)
    consortium = await submit(market, session, settings, run_jobs)
    member = await browser_of(await make.member(market.coater), market.coater)
    stranger = await browser_of(await make.member(market.stranger), market.stranger)
    path = f"/consortia/{consortium.id}"
    assert (await member.get(path)).status_code == 404
    await decide(market, session, settings, Outcome.APPROVED)
    await session.commit()
    page = await member.get(path)
    assert page.status_code == 200
    assert "叶片热障涂层制备" in page.text
    assert "超声检测技术" not in page.text
    assert (await member.get(f"{path}/decision")).status_code == 404
    assert (await stranger.get(path)).status_code == 404


async def test_the_print_view_shows_what_was_frozen_not_what_is_true_today(
    make: Factory, session: AsyncSession, settings: Settings, browser_of: BrowserOf, run_jobs: RunJobs
) -> None:
    market = await open_market(make)
    consortium = await submit(market, session, settings, run_jobs)
    await decide(market, session, settings, Outcome.APPROVED, "同意")
    market.coater.name = "改名后的公司"
    await session.commit()
    for browser in (await browser_of(market.officer), await browser_of(market.editor, market.poster)):
        page = (await browser.get(f"/consortia/{consortium.id}/decision")).text
        assert "热障涂层科技" in page
        assert "改名后的公司" not in page
        assert "同意" in page


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
    await service.submit_consortium(session, market.poster_actor, market.challenge.id, consortium.revision)
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
    consortium = await service.consortium_from_bid(session, market.poster_actor, bid.id)
    await session.commit()
    with pytest.raises(InvalidError):
        await service.submit_consortium(
            session, market.poster_actor, market.challenge.id, consortium.revision
        )


async def test_a_sealed_or_withdrawn_bid_cannot_be_taken_over(make: Factory, session: AsyncSession) -> None:
    market = await open_market(make, state=ChallengeState.PUBLISHED)
    sealed = await bid_of(make, market, (market.lead, 90, (0, 1, 2)), state=BidState.SUBMITTED)
    with pytest.raises(NotFoundError):
        await service.consortium_from_bid(session, market.poster_actor, sealed.id)
    await session.rollback()
    closed = await open_market(make)
    draft = await bid_of(make, closed, (closed.coater, 90, (0, 1, 2)), state=BidState.DRAFT)
    with pytest.raises(NotFoundError):
        await service.consortium_from_bid(session, closed.poster_actor, draft.id)


async def test_an_answer_that_comes_too_late_is_dropped(
    make: Factory, session: AsyncSession, run_jobs: RunJobs
) -> None:
    market = await open_market(make)
    await queue_match(session, market.challenge.id)
    await session.commit()
    await run_jobs()
    first = await service.propose_consortium(session, market.poster_actor, market.challenge.id)
    second = await service.propose_consortium(session, market.poster_actor, market.challenge.id)
    assert first.id == second.id
    await session.commit()
    await run_jobs()
    consortium = await present(market, session)
    # One proposal asked twice, answered once.
    assert consortium.revision == 3
    assert consortium.members


async def test_while_the_solver_works_the_page_asks_again_and_then_stops(
    make: Factory, session: AsyncSession, browser_of: BrowserOf, run_jobs: RunJobs
) -> None:
    market = await open_market(make)
    await queue_match(session, market.challenge.id)
    await session.commit()
    await run_jobs()
    browser = await browser_of(market.editor, market.poster)
    path = f"/challenges/{market.challenge.id}/consortium"
    assert (await browser.submit(f"{path}/propose")).status_code == 303
    assert 'hx-trigger="every 1s"' in (await browser.get(path)).text
    await run_jobs()
    fragment = (await browser.get(f"{path}/progress", headers={"hx-request": "true"})).text
    assert "every 1s" not in fragment
    assert "热障涂层科技" in fragment


async def test_approving_by_sql_is_refused_where_the_rule_is_broken(
    make: Factory, session: AsyncSession, settings: Settings, run_jobs: RunJobs
) -> None:
    market = await open_market(make)
    consortium = await submit(market, session, settings, run_jobs)
    await become_controlled(market, session)
    await session.commit()
    with pytest.raises(IntegrityError, match="min_sme_budget_share"):
        await session.execute(
            text("UPDATE consortium SET state = 'approved' WHERE id = :id"), {"id": consortium.id}
        )


async def test_an_officer_does_not_see_the_posters_first_sketch(
    make: Factory, session: AsyncSession, browser_of: BrowserOf, run_jobs: RunJobs
) -> None:
    market = await open_market(make)
    consortium = await propose(market, session, run_jobs)
    browser = await browser_of(market.officer)
    page = await browser.get(f"/challenges/{market.challenge.id}/consortium")
    assert page.status_code == 200
    assert "热障涂层科技" not in page.text
    assert (await browser.get(f"/consortia/{consortium.id}")).status_code == 404
