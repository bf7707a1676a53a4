"""What console commands share: the deployment's database for the time of one command."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from core.migrations import migrate
from core.postgres import database_server
from core.process import Process, start_process
from core.settings import Settings

T = TypeVar("T")


def with_process(use: Callable[[Process], Awaitable[T]], *, migrated: bool = False) -> T:
    """Run `use` with a process of this command's own; `migrated` brings the database to the newest version first."""

    async def run(settings: Settings) -> T:
        process = start_process(settings)
        try:
            return await use(process)
        finally:
            await process.engine.dispose()

    with database_server(Settings.from_environment()) as settings:
        if migrated:
            migrate(str(settings.database_url))
        return asyncio.run(run(settings))


def with_session(use: Callable[[AsyncSession], Awaitable[T]], *, migrated: bool = False) -> T:
    """The same in one transaction, committed when `use` returns."""

    async def run(process: Process) -> T:
        async with process.transaction() as session:
            return await use(session)

    return with_process(run, migrated=migrated)
