"""Forces the order in which two transactions meet: no test waits for luck.

`race` lets the first transaction do its work, and commit only when the second one waits for it or is through.
`DatabaseClock` puts a clock of the test's own in front of PostgreSQL's, so that "the last millisecond" is a place and
not a matter of speed.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.process import Process

Act = Callable[[AsyncSession], Awaitable[Any]]


async def waiting_for_locks(process: Process) -> int:
    async with process.transaction() as session:
        found = await session.scalar(
            text(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
        )
    return int(found or 0)


@asynccontextmanager
async def held(process: Process, act: Act) -> AsyncIterator[Callable[[], Coroutine[Any, Any, Any]]]:
    """Inside, the act has been done in a transaction that is still open. Awaiting what is given commits it and
    answers with the act's result or the error it ended with."""
    done, release = asyncio.Event(), asyncio.Event()

    async def run() -> Any:
        try:
            async with process.transaction() as session:
                result = await act(session)
                done.set()
                await release.wait()
            return result
        except Exception as error:
            return error
        finally:
            done.set()

    task = asyncio.create_task(run())
    await done.wait()

    async def commit() -> Any:
        release.set()
        return await task

    try:
        yield commit
    finally:
        await commit()


async def waits_or_ends(process: Process, task: asyncio.Task[Any], *, others: int = 0) -> None:
    """Until a task has ended or its transaction waits for another's lock; `others` were waiting before."""
    async with asyncio.timeout(60):
        # What another server does gives no event.
        while not task.done() and await waiting_for_locks(process) <= others:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def attempt(process: Process, act: Act) -> Any:
    """The act's result in a transaction of its own, or the error it ended with."""
    try:
        async with process.transaction() as session:
            return await act(session)
    except Exception as error:
        return error


async def race(process: Process, first: Act, second: Act) -> tuple[Any, Any]:
    """Both results (or errors), where the second began while the first had done everything but commit."""
    async with held(process, first) as commit:
        task = asyncio.create_task(attempt(process, second))
        await waits_or_ends(process, task)
        one = await commit()
    return one, await task


class DatabaseClock:
    """PostgreSQL's clock_timestamp() as the test sets it. It begins to count with the connections opened afterwards.

    With `tick` each look at the clock sees a time that much later than the look before.
    """

    def __init__(self, process: Process) -> None:
        self.process = process

    async def install(self, moment: datetime) -> None:
        async with self.process.transaction() as session:
            name = await session.scalar(text("SELECT current_database()"))
            for statement in (
                "CREATE SCHEMA test_clock",
                "CREATE TABLE test_clock.hand (at timestamptz, tick interval)",
                "INSERT INTO test_clock.hand VALUES (now(), '0')",
                "CREATE SEQUENCE test_clock.looks",
                "CREATE FUNCTION test_clock.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS"
                " 'SELECT at + tick * (nextval(''test_clock.looks'') - 1) FROM test_clock.hand'",
                f'ALTER DATABASE "{name}" SET search_path = test_clock, public, pg_catalog',
            ):
                await session.execute(text(statement))
        await self.process.engine.dispose()
        await self.set(moment)

    async def set(self, moment: datetime, tick: timedelta = timedelta(0)) -> None:
        async with self.process.transaction() as session:
            await session.execute(
                text("UPDATE test_clock.hand SET at = :at, tick = :tick"), {"at": moment, "tick": tick}
            )
            await session.execute(text("SELECT setval('test_clock.looks', 1, false)"))
