import asyncio
import uuid
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from challenges.matches import queries, service
from challenges.matches.jobs import run_match
from challenges.models import Challenge, ChallengeState, InvitedSolver, Match, MatchRun, MatchRunState
from challenges.postings.service import write_tokens
from core.errors import ForbiddenError, NotFoundError
from core.jobs import enqueue
from core.process import Process
from core.revisions import next_revision
from solvers.models import ControlKind, ControlRelation, MembershipRole, SizeClass, Verification, Visibility
from tests.conftest import BrowserOf
from tests.factories import Factory
from tests.integration.matchmaking import COATING, Market, actor_of, open_market, publish_profile

RunJobs = Callable[[], Awaitable[None]]


async def ranked(market: Market, session: AsyncSession) -> list[Match]:
    run = await queries.newest_done_run(session, market.challenge.id)
    assert run is not None
    return await queries.matches_of(session, run.id)


async def match(market: Market, session: AsyncSession, run_jobs: RunJobs) -> list[Match]:
    await service.queue_match(session, market.challenge.id)
    await session.commit()
    await run_jobs()
    return await ranked(market, session)


async def test_solvers_are_ranked_by_what_they_can_do(
    make: Factory, session: AsyncSession, run_jobs: RunJobs
) -> None:
    market = await open_market(make)
    matches = await match(market, session, run_jobs)
    names = [item.organization.name for item in matches]
    assert set(names[:3]) == {"精铸重工", "热障涂层科技", "超声检测技术"}
    assert "乳业食品" not in names
    assert [item.rank for item in matches] == list(range(1, len(matches) + 1))
    casting, coating, testing = [str(item.id) for item in market.challenge.requirements]
    best = {
        requirement: max(matches, key=lambda item: item.requirement_scores[requirement]).organization.name
        for requirement in (casting, coating, testing)
    }
    assert best == {casting: "精铸重工", coating: "热障涂层科技", testing: "超声检测技术"}


async def test_the_parts_of_every_explanation_sum_to_the_score(
    make: Factory, session: AsyncSession, run_jobs: RunJobs
) -> None:
    market = await open_market(make)
    for item in await match(market, session, run_jobs):
        assert sum(part for _term, part in item.terms) == pytest.approx(item.score, abs=1e-9)


async def test_the_poster_is_not_ranked_for_its_own_challenge(
    make: Factory, session: AsyncSession, run_jobs: RunJobs
) -> None:
    market = await open_market(make)
    await publish_profile(make, market.poster, "高温合金单晶叶片铸造、热障涂层、超声无损检测。")
    assert market.poster.id not in {item.organization_id for item in await match(market, session, run_jobs)}


async def test_an_organization_that_is_not_verified_is_not_ranked(
    make: Factory, session: AsyncSession, run_jobs: RunJobs
) -> None:
    market = await open_market(make)
    pending = await make.organization(verification=Verification.PENDING)
    await publish_profile(make, pending, "叶片热障涂层制备。", COATING)
    assert pending.id not in {item.organization_id for item in await match(market, session, run_jobs)}


async def test_a_profile_saved_now_is_found_by_a_match_asked_right_after(
    make: Factory, session: AsyncSession, run_jobs: RunJobs
) -> None:
    market = await open_market(make)
    await match(market, session, run_jobs)
    newcomer = await make.organization(name="新涂层公司")
    await publish_profile(make, newcomer, "叶片热障涂层制备。", COATING)
    assert newcomer.id in {item.organization_id for item in await match(market, session, run_jobs)}


async def test_a_run_that_is_done_stays_as_it_is(
    make: Factory, session: AsyncSession, run_jobs: RunJobs
) -> None:
    market = await open_market(make)
    before = [item.id for item in await match(market, session, run_jobs)]
    run = await queries.newest_run(session, market.challenge.id)
    assert run is not None
    await enqueue(session, run_match, run.id)
    await session.commit()
    await run_jobs()
    assert [item.id for item in await ranked(market, session)] == before


async def test_a_run_killed_midway_is_completed_by_the_next_attempt(
    make: Factory, session: AsyncSession, run_jobs: RunJobs
) -> None:
    market = await open_market(make)
    run = MatchRun(challenge_id=market.challenge.id, state=MatchRunState.RUNNING, progress=90, index_info={})
    session.add(run)
    await session.flush()
    # What a worker may leave that was killed between two commits, and would be in the way of storing.
    session.add(
        Match(run_id=run.id, organization_id=market.stranger.id, rank=1, score=0.9, terms=[], evidence=[])
    )
    await enqueue(session, run_match, run.id)
    await session.commit()
    await run_jobs()
    await session.refresh(run)
    assert run.state is MatchRunState.DONE
    matches = await ranked(market, session)
    assert matches[0].rank == 1
    assert market.stranger.id not in {item.organization_id for item in matches}


async def test_a_failure_is_shown_and_may_be_tried_again(
    make: Factory, session: AsyncSession, browser_of: BrowserOf, run_jobs: RunJobs
) -> None:
    market = await open_market(make)
    session.add(
        MatchRun(
            challenge_id=market.challenge.id,
            state=MatchRunState.FAILED,
            failure="OSError: disk",
            index_info={},
        )
    )
    await session.commit()
    browser = await browser_of(market.editor, market.poster)
    path = f"/challenges/{market.challenge.id}/candidates"
    page = await browser.get(path)
    assert "OSError: disk" in page.text
    assert f"{path}/match" in page.text
    assert (await browser.submit(f"{path}/match")).status_code == 303
    await run_jobs()
    page = await browser.get(path)
    assert "OSError: disk" not in page.text
    assert "热障涂层科技" in page.text


async def test_a_second_waiting_run_is_not_queued(make: Factory, session: AsyncSession) -> None:
    market = await open_market(make)
    first = await service.queue_match(session, market.challenge.id)
    second = await service.queue_match(session, market.challenge.id)
    assert second.id == first.id
    await session.commit()
    jobs = await session.scalar(
        text("SELECT count(*) FROM dramatiq.queue WHERE message->>'actor_name' = 'run_match'")
    )
    assert jobs == 1


async def test_a_run_that_has_started_is_not_joined(make: Factory, session: AsyncSession) -> None:
    market = await open_market(make)
    first = await service.queue_match(session, market.challenge.id)
    first.state = MatchRunState.RUNNING
    await session.commit()
    assert (await service.queue_match(session, market.challenge.id)).id != first.id


async def test_a_waiting_run_cannot_start_before_what_joined_it_is_committed(
    make: Factory, session: AsyncSession, process: Process
) -> None:
    market = await open_market(make)
    run = await service.queue_match(session, market.challenge.id)
    await session.commit()
    await service.queue_match(session, market.challenge.id)
    starting = asyncio.create_task(start(process, run.id))
    done, _ = await asyncio.wait([starting], timeout=0.3)
    assert not done
    await session.commit()
    await asyncio.wait_for(starting, timeout=10)


async def start(process: Process, run_id: uuid.UUID) -> None:
    async with process.transaction() as session:
        run = await queries.run_by_id(session, run_id, lock=True)
        assert run is not None
        run.state = MatchRunState.RUNNING


async def test_a_changed_profile_has_open_challenges_matched_once_each(
    make: Factory, session: AsyncSession, run_jobs: RunJobs
) -> None:
    market = await open_market(make, state=ChallengeState.PUBLISHED)
    closed = await make.challenge(market.poster, market.program, state=ChallengeState.CLOSED)
    for _ in range(2):
        await service.queue_matches_after_profile_change(session, market.coater.id)
    await session.commit()
    await run_jobs()
    statement = select(MatchRun.challenge_id, func.count()).group_by(MatchRun.challenge_id)
    counts = {row[0]: row[1] for row in await session.execute(statement)}
    assert counts[market.challenge.id] >= 1
    assert closed.id not in counts


async def test_older_rankings_are_dropped(make: Factory, session: AsyncSession, run_jobs: RunJobs) -> None:
    market = await open_market(make)
    for _ in range(3):
        await match(market, session, run_jobs)
    assert await session.scalar(select(func.count()).select_from(MatchRun)) == 1


async def test_poster_and_officer_see_the_ranking_and_nobody_else(
    make: Factory, session: AsyncSession, browser_of: BrowserOf, run_jobs: RunJobs
) -> None:
    market = await open_market(make)
    await match(market, session, run_jobs)
    path = f"/challenges/{market.challenge.id}/candidates"
    detail = f"{path}/{market.coater.id}"
    for browser in (await browser_of(market.editor, market.poster), await browser_of(market.officer)):
        page = await browser.get(path)
        assert page.status_code == 200
        assert "热障涂层科技" in page.text
        assert "<mark>涂层" in (await browser.get(detail)).text
    solver = await make.member(market.coater)
    other_officer = await make.officer()
    for browser in (await browser_of(solver, market.coater), await browser_of(other_officer)):
        for address in (path, f"{path}/progress", detail):
            assert (await browser.get(address)).status_code == 403
    anonymous = await browser_of()
    assert (await anonymous.get(path)).status_code == 401


async def test_filters_narrow_the_ranking(
    make: Factory, session: AsyncSession, browser_of: BrowserOf, run_jobs: RunJobs
) -> None:
    market = await open_market(make)
    await match(market, session, run_jobs)
    browser = await browser_of(market.editor, market.poster)
    path = f"/challenges/{market.challenge.id}/candidates"
    page = (await browser.get(f"{path}?size=small")).text
    assert "热障涂层科技" in page
    assert "超声检测技术" not in page
    page = (await browser.get(f"{path}?region=31")).text
    assert "高温材料研究院" in page
    assert "热障涂层科技" not in page
    page = (await browser.get(f"{path}?kind=research_institute")).text
    assert "高温材料研究院" in page
    assert "精铸重工" not in page


async def test_an_sme_that_a_large_enterprise_controls_is_no_counted_sme(
    make: Factory, session: AsyncSession, browser_of: BrowserOf, run_jobs: RunJobs
) -> None:
    market = await open_market(make)
    session.add(
        ControlRelation(
            organization_id=market.coater.id,
            controller_name="某航空集团",
            controller_size=SizeClass.LARGE,
            kind=ControlKind.CONTROL,
        )
    )
    await match(market, session, run_jobs)
    browser = await browser_of(market.editor, market.poster)
    page = (await browser.get(f"/challenges/{market.challenge.id}/candidates?counted=1")).text
    assert "超声检测技术" in page
    assert "热障涂层科技" not in page


async def test_texts_for_the_matcher_alone_stay_hidden_from_the_poster_and_not_from_the_officer(
    make: Factory, session: AsyncSession, browser_of: BrowserOf, run_jobs: RunJobs
) -> None:
    market = await open_market(make)
    secret = await make.organization(name="保密涂层公司")
    await publish_profile(
        make, secret, "叶片热障涂层制备的内部秘诀。", COATING, visibility=Visibility.MATCHER
    )
    await match(market, session, run_jobs)
    path = f"/challenges/{market.challenge.id}/candidates/{secret.id}"
    poster, officer = await browser_of(market.editor, market.poster), await browser_of(market.officer)
    seen = (await poster.get(path)).text
    assert "保密涂层公司" in seen
    assert "秘诀" not in seen
    assert "电子束" not in seen
    assert "秘诀" in (await officer.get(path)).text


async def test_only_editors_and_officers_ask_for_a_ranking(
    make: Factory, session: AsyncSession, browser_of: BrowserOf
) -> None:
    market = await open_market(make)
    path = f"/challenges/{market.challenge.id}/candidates/match"
    viewer = await make.member(market.poster, MembershipRole.VIEWER)
    assert (await (await browser_of(viewer, market.poster)).submit(path)).status_code == 403
    assert (await (await browser_of(market.officer)).submit(path)).status_code == 303
    assert (await (await browser_of(market.editor, market.poster)).submit(path)).status_code == 303


async def test_progress_is_polled_until_the_result_takes_its_place(
    make: Factory, session: AsyncSession, browser_of: BrowserOf, run_jobs: RunJobs
) -> None:
    market = await open_market(make)
    browser = await browser_of(market.editor, market.poster)
    path = f"/challenges/{market.challenge.id}/candidates"
    await browser.submit(f"{path}/match")
    assert 'hx-trigger="every 1s"' in (await browser.get(path)).text
    await run_jobs()
    fragment = (await browser.get(f"{path}/progress", headers={"hx-request": "true"})).text
    assert "every 1s" not in fragment
    assert f'hx-get="{path}"' in fragment
    assert "<html" not in fragment
    result = (await browser.get(path, headers={"hx-request": "true"})).text
    assert "热障涂层科技" in result
    assert 'hx-trigger="load"' not in result


async def test_a_solver_sees_its_own_fit_and_what_it_lacks_but_no_rank(
    make: Factory, session: AsyncSession, browser_of: BrowserOf, run_jobs: RunJobs
) -> None:
    market = await open_market(make)
    matches = await match(market, session, run_jobs)
    person = await make.member(market.coater)
    fit = await service.own_fit(session, actor_of(person, market.coater), market.challenge.id)
    ranked_score = next(item.score for item in matches if item.organization_id == market.coater.id)
    assert fit.score == pytest.approx(ranked_score)
    assert {"铸造", "单晶"} & {item.term for item in fit.missing}
    browser = await browser_of(person, market.coater)
    page = (await browser.get(f"/challenges/{market.challenge.id}/fit")).text
    assert "<mark>涂层" in page
    for other in ("精铸重工", "超声检测技术", "高温材料研究院"):
        assert other not in page


async def test_a_solver_without_a_profile_is_told_so(make: Factory, browser_of: BrowserOf) -> None:
    market = await open_market(make)
    empty = await make.organization()
    browser = await browser_of(await make.member(empty), empty)
    page = await browser.get(f"/challenges/{market.challenge.id}/fit")
    assert page.status_code == 200
    assert 'href="/organization/profile"' in page.text


async def test_the_fit_with_a_restricted_challenge_is_for_the_invited(
    make: Factory, session: AsyncSession
) -> None:
    market = await open_market(make, is_public=False)
    session.add(InvitedSolver(challenge_id=market.challenge.id, organization_id=market.coater.id))
    await session.commit()
    invited = actor_of(await make.member(market.coater), market.coater)
    other = actor_of(await make.member(market.tester), market.tester)
    challenge_id = market.challenge.id
    session.expire_all()
    assert (await service.own_fit(session, invited, challenge_id)).is_indexed
    with pytest.raises(NotFoundError):
        await service.own_fit(session, other, challenge_id)


async def test_the_poster_has_no_fit_with_its_own_challenge(make: Factory, session: AsyncSession) -> None:
    market = await open_market(make)
    with pytest.raises(ForbiddenError):
        await service.own_fit(session, market.poster_actor, market.challenge.id)


async def test_open_challenges_are_recommended_best_fit_first(make: Factory, session: AsyncSession) -> None:
    market = await open_market(make, state=ChallengeState.PUBLISHED, title="叶片热障涂层")
    dairy = await make.challenge(
        market.poster,
        market.program,
        title="低糖发酵乳",
        content="酸奶菌种筛选",
        difficulty="",
        indicators="",
    )
    closed = await make.challenge(
        market.poster, market.program, state=ChallengeState.CLOSED, title="涂层旧题"
    )
    hidden = await make.challenge(market.poster, market.program, is_public=False, title="涂层密题")
    await index_challenges(make, market.challenge, dairy, closed, hidden)
    actor = actor_of(await make.member(market.coater), market.coater)
    found = await service.recommend_challenges(session, actor)
    assert found is not None
    titles = [item.challenge.title for item in found]
    assert titles[0] == "叶片热障涂层"
    assert "涂层旧题" not in titles
    assert "涂层密题" not in titles
    assert "涂层" in found[0].words
    dairy_actor = actor_of(await make.member(market.stranger), market.stranger)
    found = await service.recommend_challenges(session, dairy_actor)
    assert found is not None
    assert found[0].challenge.title == "低糖发酵乳"


async def index_challenges(make: Factory, *challenges: Challenge) -> None:
    for challenge in challenges:
        await write_tokens(challenge)
        challenge.index_revision = await next_revision(make.session, "challenges")
    await make.session.commit()


async def test_an_invited_solver_is_recommended_a_restricted_challenge(
    make: Factory, session: AsyncSession
) -> None:
    market = await open_market(make, state=ChallengeState.PUBLISHED, is_public=False, title="叶片热障涂层")
    await index_challenges(make, market.challenge)
    session.add(InvitedSolver(challenge_id=market.challenge.id, organization_id=market.coater.id))
    await session.commit()
    invited = actor_of(await make.member(market.coater), market.coater)
    found = await service.recommend_challenges(session, invited)
    assert [item.challenge.title for item in found or []] == ["叶片热障涂层"]


async def test_the_panel_differs_by_reader(
    make: Factory, session: AsyncSession, browser_of: BrowserOf, run_jobs: RunJobs
) -> None:
    market = await open_market(make)
    await match(market, session, run_jobs)
    path = f"/challenges/{market.challenge.id}/matching"
    poster = (await (await browser_of(market.editor, market.poster)).get(path)).text
    assert "热障涂层科技" in poster
    person = await make.member(market.tester)
    solver = (await (await browser_of(person, market.tester)).get(path)).text
    assert "热障涂层科技" not in solver
    assert f"/challenges/{market.challenge.id}/fit" in solver
