"""The actor that writes an export, and what becomes of its file. Killed at any point it begins anew."""

import asyncio
import hashlib
import logging
import os
import tempfile
import uuid
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.exports import policies, queries
from challenges.exports.archive import Archive
from challenges.exports.documents import DOCUMENTS
from challenges.exports.models import ExportKind, ExportRun, ExportState
from challenges.exports.scope import Document, Scope, Sheet
from challenges.exports.sheets import SHEETS
from challenges.exports.storage import path_of
from challenges.exports.wording import label
from challenges.exports.workbook import write_workbook
from core import audit
from core.actor import SYSTEM
from core.database import database_time
from core.i18n import gettext, use_locale
from core.jobs import actor
from core.process import current_process
from core.schedule import due
from solvers.organizations.acting import actors_of

logger = logging.getLogger(__name__)

KEPT = timedelta(days=7)
# What is done when the workbook begins, when documents begin, and when the file is put in its place, in percent.
READING, WRITING, STORING, DONE = 5, 40, 95, 100
Report = Callable[[int], Awaitable[None]]


class _NotAllowedError(Exception):
    """Whoever asked is not in charge any more: trying again would change nothing."""


@actor(time_limit_ms=60 * 60 * 1000)
async def run_export(run_id: str) -> None:
    key = uuid.UUID(run_id)
    run = await _start(key)
    if run is None:
        return
    settings = current_process().settings
    target = path_of(settings, key, run.kind)
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor, name = tempfile.mkstemp(dir=target.parent)
    os.close(descriptor)
    temporary = Path(name)
    try:
        with use_locale(run.locale):
            await _write(run, temporary, lambda progress: _progress(key, progress))
        await _progress(key, STORING)
        size, digest = await asyncio.to_thread(_facts, temporary)
        await asyncio.to_thread(temporary.replace, target)
        await _finish(key, size, digest)
    except _NotAllowedError as error:
        await _fail(key, str(error))
    except Exception as error:
        logger.exception("export %s failed", key)
        await _fail(key, f"{type(error).__name__}: {error}"[:500])
        # The broker tries again; the failure stays visible meanwhile.
        raise
    finally:
        await asyncio.to_thread(temporary.unlink, missing_ok=True)


async def _start(key: uuid.UUID) -> ExportRun | None:
    async with current_process().transaction() as session:
        run = await queries.run_by_id(session, key, lock=True)
        if run is None or run.state in {ExportState.DONE, ExportState.EXPIRED}:
            return None
        run.state, run.progress, run.failure = ExportState.RUNNING, 0, ""
        run.started_at, run.finished_at = await database_time(session), None
        return run


async def _write(run: ExportRun, path: Path, report: Report) -> None:
    async with current_process().transaction() as session:
        scope = await _scope(session, run)
        sheets = await _sheets(session, scope, report)
        if run.kind is ExportKind.WORKBOOK:
            await asyncio.to_thread(write_workbook, path, sheets)
        else:
            await _write_archive(session, scope, sheets, path, report)


async def _scope(session: AsyncSession, run: ExportRun) -> Scope:
    """What whoever asked may read at this moment."""
    found = await queries.round_with_program(session, run.round_id)
    if found is None or not any(
        policies.may_export(item, found.program) for item in await actors_of(session, run.asked_by_id)
    ):
        raise _NotAllowedError(gettext("Exports are for the program's own officers."))
    return Scope(
        settings=current_process().settings,
        round=found,
        program=found.program,
        challenges=await queries.challenges_of_round(session, found.id),
        now=await database_time(session),
        label=label,
    )


async def _sheets(session: AsyncSession, scope: Scope, report: Report) -> list[Sheet]:
    sheets: list[Sheet] = []
    for number, make in enumerate(SHEETS):
        await report(READING + (WRITING - READING) * number // len(SHEETS))
        sheets.append(await make(session, scope))
    return sheets


async def _write_archive(
    session: AsyncSession, scope: Scope, sheets: list[Sheet], path: Path, report: Report
) -> None:
    archive = Archive(path)
    try:
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            workbook = Path(folder) / "round.xlsx"
            await asyncio.to_thread(write_workbook, workbook, sheets)
            name = f"{scope.program.name} {scope.round.name}.xlsx"
            await asyncio.to_thread(archive.add, (), name, workbook.read_bytes())
        for number, challenge in enumerate(scope.challenges):
            await report(WRITING + (STORING - WRITING) * number // len(scope.challenges))
            for make in DOCUMENTS:
                async for document in make(session, scope, challenge):
                    await _add(archive, document)
    finally:
        await asyncio.to_thread(archive.close)


async def _add(archive: Archive, document: Document) -> None:
    if isinstance(document.content, bytes):
        await asyncio.to_thread(archive.add, document.folders, document.name, document.content)
    else:
        await archive.stream(document.folders, document.name, document.content)


def _facts(path: Path) -> tuple[int, str]:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        os.fsync(file.fileno())
        while block := file.read(2**20):
            digest.update(block)
    return path.stat().st_size, digest.hexdigest()


async def _progress(key: uuid.UUID, progress: int) -> None:
    """In a transaction of its own, so that the page sees it."""
    async with current_process().transaction() as session:
        run = await queries.run_by_id(session, key, lock=True)
        if run is not None and run.state is ExportState.RUNNING:
            run.progress = progress


async def _finish(key: uuid.UUID, size: int, digest: str) -> None:
    async with current_process().transaction() as session:
        run = await queries.run_by_id(session, key, lock=True)
        if run is None or run.state is ExportState.DONE:
            return
        run.size_bytes, run.sha256 = size, digest
        now = await database_time(session)
        run.finished_at, run.expires_at = now, now + KEPT
        run.state, run.progress = ExportState.DONE, DONE
        about = {"export": str(key), "kind": run.kind.value, "sha256": digest}
        await audit.record(session, SYSTEM, "export.made", "round", run.round_id, about)


async def _fail(key: uuid.UUID, failure: str) -> None:
    async with current_process().transaction() as session:
        run = await queries.run_by_id(session, key, lock=True)
        if run is not None and run.state is not ExportState.DONE:
            run.state, run.finished_at, run.failure = (
                ExportState.FAILED,
                await database_time(session),
                failure,
            )


@due("export.expire", queries.next_to_expire)
async def expire_export(session: AsyncSession, run: ExportRun, now: datetime) -> None:
    """The file goes first: a row without its file is found again, a file without its row never."""
    path = path_of(current_process().settings, run.id, run.kind)
    await asyncio.to_thread(path.unlink, missing_ok=True)
    run.state = ExportState.EXPIRED
    await audit.record(session, SYSTEM, "export.expired", "round", run.round_id, {"export": str(run.id)})
