"""A job exists if and only if the transaction that asked for it commits; a worker runs it."""

import ast
import asyncio
import subprocess
import sys
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path

import dramatiq
from sqlalchemy import select, text

from core.actor import SYSTEM
from core.audit import AuditEntry, record
from core.jobs import actor, configure_broker, enqueue
from core.mail import MailMessage, send_mail
from core.process import Process, current_process
from tests.integration.core.conftest import until, worker_process

RunJobs = Callable[[], Awaitable[None]]
ROOT = Path(__file__).parents[3]
FIRST, SECOND = uuid.UUID(int=1), uuid.UUID(int=2)


@actor()
async def note(subject_id: str) -> None:
    """Leaves an entry behind by which its run is known."""
    async with current_process().transaction() as session:
        await record(session, SYSTEM, "test.noted", "test", uuid.UUID(subject_id))


async def waiting(process: Process) -> int:
    async with process.transaction() as session:
        return (
            await session.execute(text("SELECT count(*) FROM dramatiq.queue WHERE state = 'queued'"))
        ).scalar_one()


async def notes(process: Process) -> list[uuid.UUID]:
    async with process.transaction() as session:
        statement = select(AuditEntry.subject_id).where(AuditEntry.action == "test.noted")
        return list(await session.scalars(statement))


async def test_a_job_of_a_committed_transaction_is_run(process: Process, run_jobs: RunJobs) -> None:
    async with process.transaction() as session:
        await enqueue(session, note, FIRST)
    assert await notes(process) == []
    await run_jobs()
    assert await notes(process) == [FIRST]


async def test_a_job_of_a_rolled_back_transaction_does_not_exist(process: Process, run_jobs: RunJobs) -> None:
    async with process.maker() as session:
        await enqueue(session, note, FIRST)
        await session.rollback()
    assert await waiting(process) == 0
    await run_jobs()
    assert await notes(process) == []


async def test_a_job_is_not_seen_before_the_commit(process: Process) -> None:
    async with process.transaction() as session:
        await enqueue(session, note, FIRST)
        assert await waiting(process) == 0
    assert await waiting(process) == 1


async def test_a_job_for_later_waits_and_does_not_hold_up_others(process: Process) -> None:
    async with process.transaction() as session:
        await enqueue(session, note, FIRST, delay_ms=3_600_000)
        await enqueue(session, note, SECOND)
    broker = configure_broker(process.settings)
    worker = dramatiq.Worker(broker, worker_timeout=100, worker_threads=1)
    worker.start()

    async def noted() -> bool:
        return bool(await notes(process))

    await until(noted)
    await asyncio.to_thread(worker.stop)
    broker.close()
    assert await notes(process) == [SECOND]
    assert await waiting(process) == 1


async def test_a_job_whose_worker_was_killed_is_run_by_the_next(process: Process, run_jobs: RunJobs) -> None:
    async with process.transaction() as session:
        await enqueue(session, note, FIRST)
        # What a worker leaves behind that was killed in the middle of it.
        await session.execute(
            text(
                "UPDATE dramatiq.queue SET state = 'consumed', worker_id = gen_random_uuid(), consumed_at = now()"
            )
        )
    await run_jobs()
    assert await notes(process) == [FIRST]


async def test_a_worker_process_works_until_it_is_told_to_stop(process: Process, tmp_path: Path) -> None:
    async with process.transaction() as session:
        await send_mail(session, recipient="sme@example.com", subject="到期提醒", body="正文")

    async def is_sent() -> bool:
        async with process.transaction() as session:
            return await session.scalar(select(MailMessage.sent_at)) is not None

    with worker_process(process.settings, tmp_path):
        await until(is_sent)


def test_the_worker_knows_every_actor_of_the_code() -> None:
    declaring = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for package in ("core", "solvers", "challenges", "web")
        for path in (ROOT / package).rglob("*.py")
        if _declares_actors(path)
    }
    assert "core.mail" in declaring
    code = "import sys, web.worker; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert declaring - set(loaded) == set()


def _declares_actors(path: Path) -> bool:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef):
            for decorator in node.decorator_list:
                function = decorator.func if isinstance(decorator, ast.Call) else None
                if isinstance(function, ast.Name) and function.id == "actor":
                    return True
    return False
