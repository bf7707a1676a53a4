"""An officer approves, returns or rejects a consortium; what the decision rests on is frozen."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from challenges.consortia import decisions, service, submission
from challenges.models import (
    ChallengeState,
    ConsortiumState,
    Decision,
    Outcome,
    QuotaRule,
)
from core.audit import entries_of
from core.clock import shanghai_today
from core.errors import ConflictError, ForbiddenError
from core.process import Process
from core.settings import Settings
from solvers.models import ControlKind, ControlRelation, Membership, MembershipRole, SizeClass
from tests.conftest import BrowserOf
from tests.factories import Factory
from tests.integration.consortia import RunJobs, decide, present, refreshed, submit
from tests.integration.matchmaking import Market, open_market
from tests.told import told


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
    await submission.submit_consortium(session, market.poster_actor, market.challenge.id, changed.revision)
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
    monkeypatch.setattr("challenges.consortia.standing.structural_shortcomings", lambda *_: [])
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
