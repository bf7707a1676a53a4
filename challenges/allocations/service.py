"""Use cases of allocations: what may be asked, asking, reading what was answered."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.allocations import policies, queries
from challenges.allocations.jobs import run_allocation
from challenges.allocations.models import AllocationRun
from challenges.allocations.problem import Inputs, SolverInput, read_inputs
from challenges.allocations.question import Question
from challenges.postings.models import Challenge
from challenges.programs.models import Program
from challenges.programs.service import read_program
from core import audit
from core.actor import Actor
from core.errors import ForbiddenError, NotFoundError
from core.i18n import lazy_gettext as _
from core.jobs import enqueue


async def allocatable_program(session: AsyncSession, actor: Actor, program_id: uuid.UUID) -> Program:
    program = await read_program(session, program_id)
    if not policies.may_allocate(actor, program):
        raise ForbiddenError(_("Allocations are for the program's own officers."))
    return program


@dataclass(frozen=True)
class Prospect:
    """What a question can be about: challenges that look for solvers, and, of the ranked ones, who could take them."""

    challenges: list[Challenge]
    inputs: Inputs

    @property
    def ranked_ids(self) -> set[str]:
        return {item.id for item in self.inputs.challenges}


async def prospect_of(session: AsyncSession, program: Program, round_id: uuid.UUID | None = None) -> Prospect:
    """`round_id` narrows the challenges to one round."""
    challenges = await queries.allocatable_challenges(session, program.id)
    chosen = [item for item in challenges if round_id is None or item.round_id == round_id]
    return Prospect(chosen, await read_inputs(session, chosen))


async def ask_for_allocation(
    session: AsyncSession, actor: Actor, program_id: uuid.UUID, question: Question
) -> AllocationRun:
    """Keep the question and have it computed once this transaction is committed."""
    program = await allocatable_program(session, actor, program_id)
    run = AllocationRun(program_id=program.id, asked_by_id=actor.person_id, question=question.as_json())
    session.add(run)
    await session.flush()
    await enqueue(session, run_allocation, run.id)
    asked = {"program": str(program.id), "question": question.as_json()}
    await audit.record(session, actor, "allocation.asked", "allocation_run", run.id, asked)
    return run


async def read_run(
    session: AsyncSession, actor: Actor, program_id: uuid.UUID, run_id: uuid.UUID
) -> tuple[Program, AllocationRun]:
    program = await allocatable_program(session, actor, program_id)
    run = await queries.run_by_id(session, run_id)
    if run is None or run.program_id != program.id:
        raise NotFoundError(_("There is no such allocation."))
    return program, run


@dataclass(frozen=True)
class Given:
    """One pair of the assignment."""

    challenge_id: str
    title: str
    solver: SolverInput
    score: float


def assignment_of(run: AllocationRun) -> list[Given]:
    """The pairs of a finished run, by challenge and score."""
    inputs = Inputs.from_json(run.inputs)
    found: list[Given] = []
    for challenge, solvers in zip(inputs.challenges, run.result.get("assignment", ()), strict=False):
        ranked = sorted(solvers, key=lambda place: (-challenge.scores[place], place))
        found += [
            Given(challenge.id, challenge.title, inputs.solvers[place], challenge.scores[place])
            for place in ranked
        ]
    return found


def by_solver(given: Collection[Given]) -> list[tuple[SolverInput, list[Given]]]:
    """The same pairs by solver: the busiest first, then by name."""
    loads: dict[str, tuple[SolverInput, list[Given]]] = {}
    for item in given:
        loads.setdefault(item.solver.id, (item.solver, []))[1].append(item)
    return sorted(loads.values(), key=lambda each: (-len(each[1]), each[0].name, each[0].id))


async def newer_rankings(session: AsyncSession, run: AllocationRun) -> int:
    """How many of its challenges have been ranked again since the run was computed."""
    used: dict[str, Any] = {item["id"]: item["run_id"] for item in run.inputs.get("challenges", ())}
    newest = await queries.newest_done_runs(session, [uuid.UUID(key) for key in used])
    return sum(str(item.id) != used[str(key)] for key, item in newest.items())
