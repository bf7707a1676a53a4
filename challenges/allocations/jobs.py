"""The actor that computes an allocation. Killed at any point it runs again; a run that is done stays as it is."""

import asyncio
import logging
import time
import uuid

from challenges.allocations import queries
from challenges.allocations.models import AllocationRun, AllocationState
from challenges.allocations.problem import Inputs, allocation_problem, read_inputs, result_of
from challenges.allocations.question import Question
from core import audit
from core.actor import SYSTEM
from core.database import database_time
from core.jobs import actor
from core.process import current_process
from matching.allocation import allocate

logger = logging.getLogger(__name__)

# 200 challenges with 2,000 solvers take some seconds; the limit is for group rules that make the proof hard. The best
# found is shown with its gap then.
TIME_LIMIT_S = 120.0
# What is done by the time each step begins, in percent.
READING, SOLVING, STORING, DONE = 5, 20, 90, 100


@actor()
async def run_allocation(run_id: str) -> None:
    """Assign solvers for the run's question; a failure is kept with the run and shown."""
    key = uuid.UUID(run_id)
    question = await _start(key)
    if question is None:
        return
    try:
        inputs = await _read(key, question)
        if inputs is None:
            return
        started = time.monotonic()
        problem = await asyncio.to_thread(allocation_problem, question, inputs)
        answer = await asyncio.to_thread(allocate, problem, time_limit_s=TIME_LIMIT_S)
        await _write_progress(key, STORING)
        result = result_of(answer, time.monotonic() - started)
        async with current_process().transaction() as session:
            run = await queries.run_by_id(session, key, lock=True)
            if run is None or run.state is AllocationState.DONE:
                return
            run.result = result
            run.state, run.progress, run.failure = AllocationState.DONE, DONE, ""
            run.finished_at = await database_time(session)
            told = {name: result[name] for name in ("status", "objective", "bound")}
            await audit.record(session, SYSTEM, "allocation.computed", "allocation_run", run.id, told)
    except Exception as error:
        logger.exception("allocation %s failed", key)
        await _fail(key, error)
        # The broker tries again; the failure stays visible meanwhile.
        raise


async def _start(key: uuid.UUID) -> Question | None:
    async with current_process().transaction() as session:
        run = await queries.run_by_id(session, key, lock=True)
        if run is None or run.state is AllocationState.DONE:
            return None
        run.state, run.progress, run.failure = AllocationState.RUNNING, READING, ""
        run.started_at, run.finished_at = await database_time(session), None
        return Question.from_json(run.question)


async def _read(key: uuid.UUID, question: Question) -> Inputs | None:
    """Rankings as they stand now, frozen with the run; None where a challenge looks for nobody any more."""
    async with current_process().transaction() as session:
        run = await queries.run_by_id(session, key, lock=True)
        if run is None:
            return None
        challenges = await queries.allocatable_challenges(session, run.program_id)
        inputs = await read_inputs(session, [item for item in challenges if str(item.id) in question.demands])
        if len(inputs.challenges) < len(question.demands):
            # Trying again would find the same.
            run.state, run.finished_at = AllocationState.FAILED, await database_time(session)
            run.failure = "a challenge was withdrawn or decided after the question was asked"
            return None
        run.inputs, run.progress = inputs.as_json(), SOLVING
        return inputs


async def _write_progress(key: uuid.UUID, progress: int) -> None:
    async with current_process().transaction() as session:
        run = await queries.run_by_id(session, key, lock=True)
        if run is not None and run.state is AllocationState.RUNNING:
            run.progress = progress


async def _fail(key: uuid.UUID, error: Exception) -> None:
    async with current_process().transaction() as session:
        run: AllocationRun | None = await queries.run_by_id(session, key, lock=True)
        if run is not None and run.state is not AllocationState.DONE:
            run.state, run.finished_at = AllocationState.FAILED, await database_time(session)
            run.failure = f"{type(error).__name__}: {error}"[:500]
