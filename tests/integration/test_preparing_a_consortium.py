"""A poster has a consortium proposed, changes it, submits it; the rule holds at every step."""

from decimal import Decimal

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from challenges.consortia import service, submission
from challenges.consortia.standing import read_standing
from challenges.matches.service import queue_match
from challenges.models import (
    ChallengeState,
    ConsortiumState,
    Outcome,
)
from core.errors import ConflictError, InvalidError, NotFoundError
from core.settings import Settings
from solvers.models import MembershipRole
from tests.conftest import BrowserOf
from tests.factories import Factory
from tests.integration.consortia import (
    IMPOSSIBLE,
    RunJobs,
    decide,
    holder_keys,
    holders,
    present,
    propose,
    refreshed,
    submit,
)
from tests.integration.matchmaking import open_market
from tests.told import told


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
    standing = await read_standing(session, market.poster_actor, market.challenge.id)
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
        await submission.submit_consortium(session, market.poster_actor, market.challenge.id, revision)
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
    standing = await read_standing(session, market.poster_actor, market.challenge.id)
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
    standing = await read_standing(session, market.poster_actor, market.challenge.id)
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
        await submission.submit_consortium(
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
    await submission.take_back_consortium(session, market.poster_actor, market.challenge.id)
    await session.commit()
    assert (await present(market, session)).state is ConsortiumState.PROPOSED
    assert market.challenge.state is ChallengeState.CLOSED
    with pytest.raises(ConflictError):
        await decide(market, session, settings, Outcome.APPROVED)


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
