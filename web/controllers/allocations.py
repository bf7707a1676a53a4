"""A whole program at once: officers have solvers assigned to many challenges, and read what was computed."""

import asyncio
import uuid
from collections.abc import Collection
from typing import Any

from litestar import Controller, Response, get, post
from litestar.response import Template
from sqlalchemy.ext.asyncio import AsyncSession

from challenges.allocations import queries, service, wording
from challenges.allocations.forms import AllocationForm
from challenges.allocations.models import AllocationRun, AllocationState
from challenges.allocations.problem import Inputs
from challenges.allocations.question import Question
from challenges.allocations.service import Given, Prospect, assignment_of, by_solver
from challenges.programs.models import Program
from core.actor import Actor
from core.errors import NotFoundError
from core.i18n import gettext
from solvers.models import OrganizationKind, SizeClass
from web.dependencies import Acting, DbSession, FromPath, WebRequest
from web.downloads import Cell, csv_response, xlsx_response
from web.guards import Access
from web.labels import choices, label
from web.paging import Page, page_number
from web.requests import as_uuid, form_data
from web.templating import redirect, render

RUNNING = (AllocationState.QUEUED, AllocationState.RUNNING)


class AllocationController(Controller):
    path = "/programs/{program_id:uuid}/allocation"

    @get("/", opt={"access": Access.OFFICER})
    async def index(
        self, request: WebRequest, session: DbSession, actor: Acting, program_id: FromPath[uuid.UUID]
    ) -> Template:
        program = await service.allocatable_program(session, actor, program_id)
        earlier = await _earlier(request, session, actor, program_id)
        round_id = _round_id(request.query_params.get("round"), program)
        prospect = await service.prospect_of(session, program, round_id)
        form = (
            AllocationForm.of_question(prospect.inputs, Question.from_json(earlier.question))
            if earlier is not None
            else AllocationForm.fresh(prospect.inputs, prospect.ranked_ids)
        )
        return await _form_page(request, session, program, prospect, form, round_id)

    @post("/", opt={"access": Access.OFFICER}, status_code=200)
    async def ask(
        self, request: WebRequest, session: DbSession, actor: Acting, program_id: FromPath[uuid.UUID]
    ) -> Template | Response[Any]:
        program = await service.allocatable_program(session, actor, program_id)
        data = await form_data(request)
        round_id = _round_id(data.get("round"), program)
        prospect = await service.prospect_of(session, program, round_id)
        form = AllocationForm.typed(prospect.inputs, data)
        if "more" in data:
            return await _form_page(request, session, program, prospect, form, round_id)
        question = form.question()
        if question is None:
            return await _form_page(request, session, program, prospect, form, round_id, status=422)
        run = await service.ask_for_allocation(session, actor, program_id, question)
        return redirect(request, f"/programs/{program_id}/allocation/{run.id}")

    @get("/{run_id:uuid}", opt={"access": Access.OFFICER})
    async def show(
        self,
        request: WebRequest,
        session: DbSession,
        actor: Acting,
        program_id: FromPath[uuid.UUID],
        run_id: FromPath[uuid.UUID],
    ) -> Template:
        program, run = await service.read_run(session, actor, program_id, run_id)
        return render(request, "allocations/show.html", **await _answer(session, program, run))

    @get("/{run_id:uuid}/progress", opt={"access": Access.OFFICER})
    async def progress(
        self,
        request: WebRequest,
        session: DbSession,
        actor: Acting,
        program_id: FromPath[uuid.UUID],
        run_id: FromPath[uuid.UUID],
    ) -> Template:
        """The answer once there is one; until then how far it is."""
        program, run = await service.read_run(session, actor, program_id, run_id)
        return render(request, "allocations/_answer.html", **await _answer(session, program, run))

    @get("/{run_id:uuid}/allocation.csv", opt={"access": Access.OFFICER})
    async def csv_file(
        self, session: DbSession, actor: Acting, program_id: FromPath[uuid.UUID], run_id: FromPath[uuid.UUID]
    ) -> Response[bytes]:
        program, run = await service.read_run(session, actor, program_id, run_id)
        given = _finished(run)
        return csv_response(_file_name(program), _challenge_table(given))

    @get("/{run_id:uuid}/allocation.xlsx", opt={"access": Access.OFFICER})
    async def xlsx_file(
        self, session: DbSession, actor: Acting, program_id: FromPath[uuid.UUID], run_id: FromPath[uuid.UUID]
    ) -> Response[bytes]:
        program, run = await service.read_run(session, actor, program_id, run_id)
        given = _finished(run)
        sheets = [
            (gettext("By challenge"), _challenge_table(given)),
            (gettext("By solver"), _solver_table(given)),
        ]
        return await asyncio.to_thread(xlsx_response, _file_name(program), sheets)


async def _earlier(
    request: WebRequest, session: AsyncSession, actor: Actor, program_id: uuid.UUID
) -> AllocationRun | None:
    """The run whose question is to be changed, where the address names one."""
    run_id = as_uuid(request.query_params.get("from", ""))
    if run_id is None:
        return None
    _program, run = await service.read_run(session, actor, program_id, run_id)
    return run


def _round_id(given: str | None, program: Program) -> uuid.UUID | None:
    return next((item.id for item in program.rounds if str(item.id) == given), None)


async def _form_page(
    request: WebRequest,
    session: AsyncSession,
    program: Program,
    prospect: Prospect,
    form: AllocationForm,
    round_id: uuid.UUID | None,
    *,
    status: int = 200,
) -> Template:
    page = Page(page_number(request.query_params.get("page")), await queries.count_runs(session, program.id))
    return render(
        request,
        "allocations/index.html",
        status=status,
        program=program,
        challenges=prospect.challenges,
        ranked={item.id: item for item in prospect.inputs.challenges},
        solvers=prospect.inputs.solvers,
        form=form,
        round_id=round_id,
        groups=[(group.value, str(text)) for group, text in wording.GROUPS.items()],
        senses=[(sense, str(text)) for sense, text in wording.SENSE_WORDS.items()],
        runs=await queries.runs_of(session, program.id, limit=page.per_page, offset=page.offset),
        page=page,
    )


async def _answer(session: AsyncSession, program: Program, run: AllocationRun) -> dict[str, Any]:
    """What allocations/_answer.html asks for."""
    is_done = run.state is AllocationState.DONE
    given = assignment_of(run) if is_done else []
    question = Question.from_json(run.question)
    inputs = Inputs.from_json(run.inputs) if run.inputs else Inputs((), ())
    return {
        "program": program,
        "run": run,
        "is_running": run.state in RUNNING,
        "is_done": is_done,
        "question": question,
        "inputs": inputs,
        "result": run.result,
        "by_challenge": _by_challenge(given, inputs),
        "by_solver": by_solver(given),
        "counted_share": sum(item.solver.counted for item in given) / len(given) if given else None,
        "conditions": wording.conditions(question, inputs) if run.inputs else [],
        "conflict": wording.conflict_sentences(run.result, question, inputs) if is_done else [],
        "newer_rankings": await service.newer_rankings(session, run) if is_done else 0,
        "size_text": dict(choices(SizeClass)),
        "kind_text": dict(choices(OrganizationKind)),
    }


def _by_challenge(given: Collection[Given], inputs: Inputs) -> list[tuple[str, str, list[Given]]]:
    """Also the challenges that get nobody."""
    return [
        (item.id, item.title, [each for each in given if each.challenge_id == item.id])
        for item in inputs.challenges
    ]


def _finished(run: AllocationRun) -> list[Given]:
    if run.state is not AllocationState.DONE or not run.result.get("assignment"):
        raise NotFoundError(gettext("This run has no assignment."))
    return assignment_of(run)


def _file_name(program: Program) -> str:
    return gettext("Allocation of %(program)s", program=program.name)


def _who(item: Given) -> list[Cell]:
    solver = item.solver
    return [
        solver.name,
        label(OrganizationKind(solver.kind)),
        label(SizeClass(solver.size) if solver.size else None),
        gettext("Yes") if solver.counted else gettext("No"),
    ]


def _challenge_table(given: Collection[Given]) -> list[list[Cell]]:
    heads: list[Cell] = [gettext("Challenge"), *_solver_heads(), gettext("Score")]
    return [heads] + [[item.title, *_who(item), round(item.score, 6)] for item in given]


def _solver_table(given: Collection[Given]) -> list[list[Cell]]:
    heads: list[Cell] = [*_solver_heads(), gettext("Challenge"), gettext("Score")]
    return [heads] + [
        [*_who(item), item.title, round(item.score, 6)]
        for _solver, items in by_solver(given)
        for item in items
    ]


def _solver_heads() -> list[Cell]:
    return [gettext("Solver"), gettext("Kind"), gettext("Size"), gettext("counted SME")]
