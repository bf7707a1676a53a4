import csv
import io
import uuid
from collections.abc import Awaitable, Callable

import pytest
from openpyxl import load_workbook
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from challenges.allocations import service
from challenges.allocations.models import AllocationRun, AllocationState, SolverGroup
from challenges.allocations.question import GroupDemand, Pair, Question
from challenges.matches import service as matches
from challenges.models import Challenge, ChallengeState
from core.audit import AuditEntry
from core.errors import ForbiddenError
from solvers.models import OrganizationKind
from tests.conftest import BrowserOf
from tests.factories import Factory
from tests.integration.matchmaking import Market, actor_of, open_market

RunJobs = Callable[[], Awaitable[None]]


class Programme:
    """Two ranked challenges of one program."""

    def __init__(self, market: Market, second: Challenge) -> None:
        self.market, self.second = market, second
        self.first = market.challenge
        self.path = f"/programs/{market.program.id}/allocation"

    def question(self, *, demand: int = 2, maximum: int = 2, **values: object) -> Question:
        demands = {str(self.first.id): demand, str(self.second.id): demand}
        return Question(demands=demands, minimum=0, maximum=maximum, **values)  # type: ignore[arg-type]

    def typed(self, **changes: str) -> dict[str, object]:
        keys = [str(self.first.id), str(self.second.id)]
        return {
            "challenge": keys,
            **{f"demand-{key}": "2" for key in keys},
            "minimum": "0",
            "maximum": "2",
            **changes,
        }


async def programme(make: Factory, session: AsyncSession, run_jobs: RunJobs) -> Programme:
    market = await open_market(make)
    second = await make.challenge(
        market.poster, market.program, state=ChallengeState.CLOSED, title="叶片涂层检测"
    )
    for challenge in (market.challenge, second):
        await matches.queue_match(session, challenge.id)
    await session.commit()
    await run_jobs()
    return Programme(market, second)


async def computed(
    there: Programme, session: AsyncSession, run_jobs: RunJobs, question: Question
) -> AllocationRun:
    market = there.market
    run = await service.ask_for_allocation(session, market.officer_actor, market.program.id, question)
    await session.commit()
    await run_jobs()
    await session.refresh(run)
    return run


async def test_every_challenge_gets_its_solvers_and_the_result_is_kept_with_what_it_rests_on(
    make: Factory, session: AsyncSession, run_jobs: RunJobs
) -> None:
    there = await programme(make, session, run_jobs)
    run = await computed(there, session, run_jobs, there.question())
    assert run.state is AllocationState.DONE
    assert run.result["status"] == "optimal"
    given = service.assignment_of(run)
    assert [sum(item.challenge_id == key for item in given) for key in there.question().demands] == [2, 2]
    assert sum(item.score for item in given) == pytest.approx(run.result["objective"])
    actions = set(await session.scalars(select(AuditEntry.action).where(AuditEntry.subject_id == run.id)))
    assert actions == {"allocation.asked", "allocation.computed"}


async def test_group_rules_and_pairs_are_kept(
    make: Factory, session: AsyncSession, run_jobs: RunJobs
) -> None:
    there = await programme(make, session, run_jobs)
    market = there.market
    question = there.question(
        groups=(GroupDemand(SolverGroup.COUNTED_SME, "==", 1),),
        pairs=(
            Pair(str(there.first.id), str(market.tester.id), True),
            Pair(str(there.second.id), str(market.coater.id), False),
        ),
    )
    run = await computed(there, session, run_jobs, question)
    given = service.assignment_of(run)
    of_first = {item.solver.name for item in given if item.challenge_id == str(there.first.id)}
    of_second = [item.solver for item in given if item.challenge_id == str(there.second.id)]
    assert "超声检测技术" in of_first
    assert "热障涂层科技" not in {item.name for item in of_second}
    assert sum(item.counted for item in of_second) == 1


async def test_an_impossible_question_names_the_conflict_in_words(
    make: Factory, session: AsyncSession, browser_of: BrowserOf, run_jobs: RunJobs
) -> None:
    there = await programme(make, session, run_jobs)
    question = there.question(groups=(GroupDemand(SolverGroup.UNIVERSITY, ">=", 1, str(there.first.id)),))
    run = await computed(there, session, run_jobs, question)
    assert run.result["status"] == "infeasible"
    browser = await browser_of(there.market.officer)
    page = await browser.get(f"{there.path}/{run.id}")
    assert "高等院校" in page.text or "universities" in page.text
    assert there.first.title in page.text
    assert (await browser.get(f"{there.path}/{run.id}/allocation.csv")).status_code == 404


async def test_who_is_not_admitted_is_not_allocated(
    make: Factory, session: AsyncSession, run_jobs: RunJobs
) -> None:
    there = await programme(make, session, run_jobs)
    there.market.program.bidder_kinds = [OrganizationKind.ENTERPRISE.value]
    await session.commit()
    run = await computed(there, session, run_jobs, there.question())
    assert there.market.institute.name not in {item.solver.name for item in service.assignment_of(run)}


async def test_an_officer_asks_waits_and_takes_the_files_away(
    make: Factory, session: AsyncSession, browser_of: BrowserOf, run_jobs: RunJobs
) -> None:
    there = await programme(make, session, run_jobs)
    browser = await browser_of(there.market.officer)
    assert there.second.title in (await browser.get(there.path)).text
    answer = await browser.submit(there.path, there.typed())
    assert answer.status_code == 303
    address = answer.headers["location"]
    assert "every 1s" in (await browser.get(address)).text
    await run_jobs()
    assert "every 1s" not in (await browser.get(f"{address}/progress")).text
    rows = list(
        csv.reader(io.StringIO((await browser.get(f"{address}/allocation.csv")).content.decode("utf-8-sig")))
    )
    assert len(rows) == 5
    book = load_workbook(io.BytesIO((await browser.get(f"{address}/allocation.xlsx")).content))
    assert [sheet.max_row for sheet in book.worksheets] == [5, 5]
    assert there.market.officer.name in (await browser.get(there.path)).text
    again = await browser.get(f"{there.path}?from={address.rsplit('/', 1)[1]}")
    assert again.status_code == 200


async def test_newer_rankings_mark_a_run_as_stale(
    make: Factory, session: AsyncSession, run_jobs: RunJobs
) -> None:
    there = await programme(make, session, run_jobs)
    run = await computed(there, session, run_jobs, there.question())
    assert await service.newer_rankings(session, run) == 0
    await matches.queue_match(session, there.first.id)
    await session.commit()
    await run_jobs()
    assert await service.newer_rankings(session, run) == 1


async def test_a_challenge_that_was_withdrawn_meanwhile_fails_the_run_once(
    make: Factory, session: AsyncSession, run_jobs: RunJobs
) -> None:
    there = await programme(make, session, run_jobs)
    market = there.market
    run = await service.ask_for_allocation(session, market.officer_actor, market.program.id, there.question())
    there.second.state = ChallengeState.WITHDRAWN
    await session.commit()
    await run_jobs()
    await session.refresh(run)
    assert run.state is AllocationState.FAILED
    assert "withdrawn" in run.failure


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"challenge": ""}, "challenge"),
        ({"minimum": "3"}, "maximum"),
        ({"maximum": "x"}, "maximum"),
        ({"group-0": "counted_sme", "sense-0": ">=", "count-0": "-1"}, "count-0"),
        ({"group-0": "counted_sme", "count-0": "1", "where-0": str(uuid.uuid4())}, "where-0"),
        ({"pair-0": "forced", "pair_solver-0": "乳业食品"}, "pair_challenge-0"),
        ({"pair_solver-0": "精铸重工"}, "pair-0"),
        ({"load-0": "没有这家", "load_minimum-0": "0", "load_maximum-0": "1"}, "load-0"),
    ],
)
async def test_a_wrong_question_is_told_so_at_the_field(
    make: Factory,
    session: AsyncSession,
    browser_of: BrowserOf,
    run_jobs: RunJobs,
    changes: dict[str, str],
    field: str,
) -> None:
    there = await programme(make, session, run_jobs)
    browser = await browser_of(there.market.officer)
    page = await browser.submit(there.path, there.typed(**changes))
    assert page.status_code == 422
    assert f'id="error-{field}"' in page.text
    assert (await session.scalars(select(AllocationRun))).all() == []


async def test_more_rows_keep_what_was_typed(
    make: Factory, session: AsyncSession, browser_of: BrowserOf, run_jobs: RunJobs
) -> None:
    there = await programme(make, session, run_jobs)
    browser = await browser_of(there.market.officer)
    page = await browser.submit(there.path, there.typed(**{"more": "1", "group-1": "large", "count-1": "7"}))
    assert page.status_code == 200
    assert 'name="group-3"' in page.text
    assert 'value="7"' in page.text


async def test_only_the_programs_own_officers_compute(
    make: Factory, session: AsyncSession, run_jobs: RunJobs
) -> None:
    there = await programme(make, session, run_jobs)
    market = there.market
    with pytest.raises(ForbiddenError):
        await service.ask_for_allocation(
            session, actor_of(market.editor, market.poster), market.program.id, there.question()
        )
