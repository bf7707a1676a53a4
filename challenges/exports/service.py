"""Use cases of exports: ask for one, read how far it is, fetch the file."""

import uuid
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.exports import policies, queries
from challenges.exports.jobs import run_export
from challenges.exports.models import ExportKind, ExportRun, ExportState
from challenges.exports.storage import path_of
from challenges.programs.models import Round
from core import audit
from core.actor import Actor
from core.errors import ConflictError, ForbiddenError, NotFoundError
from core.i18n import current_locale
from core.i18n import lazy_gettext as _
from core.jobs import enqueue
from core.settings import Settings


async def read_round(session: AsyncSession, program_id: uuid.UUID, round_id: uuid.UUID) -> Round:
    """A round of a program, for everybody."""
    found = await queries.round_with_program(session, round_id)
    if found is None or found.program_id != program_id:
        raise NotFoundError(_("There is no such round."))
    return found


async def exportable_round(
    session: AsyncSession, actor: Actor, program_id: uuid.UUID, round_id: uuid.UUID
) -> Round:
    found = await read_round(session, program_id, round_id)
    if not policies.may_export(actor, found.program):
        raise ForbiddenError(_("Exports are for the program's own officers."))
    return found


async def ask_for_export(
    session: AsyncSession, actor: Actor, program_id: uuid.UUID, round_id: uuid.UUID, kind: ExportKind
) -> ExportRun:
    """Have a round written into a file once this transaction is committed; what waits already is not asked for twice."""
    found = await exportable_round(session, actor, program_id, round_id)
    assert actor.person_id is not None
    await queries.lock_round(session, found.id)
    for run in await queries.running_of(session, found.id, actor.person_id):
        if run.kind is kind:
            return run
    run = ExportRun(round_id=found.id, kind=kind, asked_by_id=actor.person_id, locale=current_locale())
    session.add(run)
    await session.flush()
    await enqueue(session, run_export, run.id)
    await audit.record(session, actor, "export.asked", "round", found.id, _about(run))
    return run


async def read_export(
    session: AsyncSession, actor: Actor, program_id: uuid.UUID, round_id: uuid.UUID, run_id: uuid.UUID
) -> tuple[Round, ExportRun]:
    found = await exportable_round(session, actor, program_id, round_id)
    run = await queries.run_by_id(session, run_id)
    if run is None or run.round_id != found.id:
        raise NotFoundError(_("There is no such export."))
    return found, run


async def fetch_export(
    session: AsyncSession,
    actor: Actor,
    settings: Settings,
    program_id: uuid.UUID,
    round_id: uuid.UUID,
    run_id: uuid.UUID,
) -> tuple[Round, ExportRun, Path]:
    """The file, for who is in charge at this moment; the audit log keeps who took it away."""
    found, run = await read_export(session, actor, program_id, round_id, run_id)
    path = path_of(settings, run.id, run.kind)
    if run.state is not ExportState.DONE or not path.is_file():
        raise ConflictError(_("This file is not there: it is not ready yet, or it was kept for 7 days."))
    await audit.record(session, actor, "export.downloaded", "round", found.id, _about(run))
    return found, run, path


def _about(run: ExportRun) -> dict[str, str]:
    return {"export": str(run.id), "kind": run.kind.value}
