"""Exports of a round: ordered, watched while they are made, fetched."""

import uuid
from typing import Any

from litestar import Controller, Response, get, post
from litestar.response import File, Template
from sqlalchemy.ext.asyncio import AsyncSession

from challenges.exports import queries, service
from challenges.exports.models import ExportKind, ExportRun, ExportState
from challenges.exports.storage import SUFFIXES
from challenges.programs.models import Round
from core.errors import InvalidError
from core.i18n import gettext
from core.i18n import lazy_gettext as _
from web.controllers.attachments import content_disposition
from web.dependencies import Acting, Config, DbSession, FromPath, WebRequest
from web.guards import Access
from web.paging import Page, page_number
from web.requests import form_data
from web.templating import redirect, render

TYPES = {
    ExportKind.WORKBOOK: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ExportKind.ARCHIVE: "application/zip",
}
RUNNING = frozenset({ExportState.QUEUED, ExportState.RUNNING})


class ExportController(Controller):
    path = "/programs/{program_id:uuid}/rounds/{round_id:uuid}/exports"

    @get("/", opt={"access": Access.OFFICER})
    async def index(
        self,
        request: WebRequest,
        session: DbSession,
        actor: Acting,
        program_id: FromPath[uuid.UUID],
        round_id: FromPath[uuid.UUID],
    ) -> Template:
        found = await service.exportable_round(session, actor, program_id, round_id)
        return await _page(request, session, found)

    @post("/", opt={"access": Access.OFFICER}, status_code=200)
    async def order(
        self,
        request: WebRequest,
        session: DbSession,
        actor: Acting,
        program_id: FromPath[uuid.UUID],
        round_id: FromPath[uuid.UUID],
    ) -> Template | Response[Any]:
        found = await service.exportable_round(session, actor, program_id, round_id)
        wanted = (await form_data(request)).get("kind")
        kind = next((item for item in ExportKind if item.value == wanted), None)
        if kind is None:
            raise InvalidError({"kind": _("Choose what to export.")})
        await service.ask_for_export(session, actor, program_id, round_id, kind)
        return redirect(
            request,
            _address(found),
            flash=gettext("The file is being made. This page shows when it is ready."),
        )

    @get("/{run_id:uuid}/progress", opt={"access": Access.OFFICER})
    async def progress(
        self,
        request: WebRequest,
        session: DbSession,
        actor: Acting,
        program_id: FromPath[uuid.UUID],
        round_id: FromPath[uuid.UUID],
        run_id: FromPath[uuid.UUID],
    ) -> Template:
        found, run = await service.read_export(session, actor, program_id, round_id, run_id)
        return render(request, "exports/_run.html", **_about(found, run))

    @get("/{run_id:uuid}/file", opt={"access": Access.OFFICER})
    async def fetch(
        self,
        session: DbSession,
        settings: Config,
        actor: Acting,
        program_id: FromPath[uuid.UUID],
        round_id: FromPath[uuid.UUID],
        run_id: FromPath[uuid.UUID],
    ) -> File:
        found, run, path = await service.fetch_export(session, actor, settings, program_id, round_id, run_id)
        name = f"{found.program.name} {found.name}.{SUFFIXES[run.kind]}"
        return File(
            path=path,
            media_type=TYPES[run.kind],
            headers={
                "content-disposition": content_disposition(name),
                "cache-control": "private, no-store",
                "x-content-type-options": "nosniff",
            },
        )


def _address(found: Round) -> str:
    return f"/programs/{found.program_id}/rounds/{found.id}/exports"


def _about(found: Round, run: ExportRun) -> dict[str, Any]:
    return {"run": run, "address": _address(found), "is_running": run.state in RUNNING}


async def _page(request: WebRequest, session: AsyncSession, found: Round) -> Template:
    page = Page(page_number(request.query_params.get("page")), await queries.count_runs(session, found.id))
    runs = await queries.runs_of(session, found.id, limit=page.per_page, offset=page.offset)
    return render(
        request,
        "exports/index.html",
        program=found.program,
        round=found,
        runs=[_about(found, run) for run in runs],
        page=page,
        address=_address(found),
    )
