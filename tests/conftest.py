"""A real PostgreSQL for every integration test: each gets its own database, copied from a migrated one."""

import asyncio
import itertools
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from dramatiq import Worker
from httpx import Response
from litestar import Litestar
from litestar.testing import AsyncTestClient
from sqlalchemy import NullPool, text
from sqlalchemy.ext.asyncio import AsyncSession

from core.accounts.models import Person
from core.accounts.service import open_login
from core.jobs import configure_broker
from core.migrations import migrate
from core.postgres import database_server
from core.process import Process, start_process
from core.settings import Settings
from tests.demo_process import LoadedDemo, load_demo
from tests.factories import Factory
from tests.shared_app import app_of
from web.sessions import LOGIN_COOKIE

TEMPLATE = "jiebang_template"
_numbers = itertools.count()


@contextmanager
def data_directory() -> Iterator[Path]:
    """A data directory for an embedded server.

    Not one of pytest's: each run of pytest takes them away from other users, and a server started by root is one.
    Its path is short, since the socket's name must fit into 107 bytes.
    """
    with tempfile.TemporaryDirectory(prefix="jiebang-", ignore_cleanup_errors=True) as name:
        yield Path(name)


@pytest.fixture(scope="session")
def server() -> Iterator[Settings]:
    with data_directory() as directory:
        yield from template_server(directory)


def template_server(directory: Path) -> Iterator[Settings]:
    """A server whose database TEMPLATE is migrated; TEST_DATABASE_URL names another than the embedded one."""
    base = Settings(data_dir=directory, secret_key="0" * 64, host="testserver.local")
    given = os.environ.get("TEST_DATABASE_URL")
    with (
        database_server(replace(base, database_url=given) if given else base) as settings,
        psycopg.connect(str(settings.database_url), autocommit=True) as connection,
    ):
        if not given:
            # Durability is not what tests are about; without it they take half the time.
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("ALTER SYSTEM SET synchronous_commit = off")
            connection.execute("SELECT pg_reload_conf()")
        name = f"{TEMPLATE}_{os.getpid()}"
        execute(connection, f"CREATE DATABASE {name}")
        try:
            migrate(_replace_path(str(settings.database_url), name))
            yield settings
        finally:
            execute(connection, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def execute(connection: psycopg.Connection[Any], statement: str) -> None:
    connection.execute(statement.encode())


def _replace_path(url: str, name: str) -> str:
    address, _, query = url.partition("?")
    return address.rpartition("/")[0] + "/" + name + (f"?{query}" if query else "")


@pytest.fixture(scope="session")
def loaded_demo() -> Iterator[LoadedDemo]:
    """The demo after its first start; take a copy of the directory, loading takes long."""
    with data_directory() as directory:
        yield load_demo(directory)


@contextmanager
def own_database(server: Settings) -> Iterator[str]:
    """The address of an empty, migrated database, which is dropped afterwards."""
    name = f"jiebang_test_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(str(server.database_url), autocommit=True) as connection:
        execute(connection, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}_{os.getpid()}")
        try:
            yield _replace_path(str(server.database_url), name)
        finally:
            execute(connection, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture
def settings(server: Settings, tmp_path: Path) -> Iterator[Settings]:
    """Settings naming an empty, migrated database of this test alone."""
    with own_database(server) as url:
        yield replace(server, database_url=url, data_dir=tmp_path)


@pytest.fixture
async def process(settings: Settings) -> AsyncIterator[Process]:
    # Without a pool connections belong to no event loop, so that worker threads may use the same engine.
    process = start_process(settings, poolclass=NullPool)
    yield process
    await process.engine.dispose()


@pytest.fixture
async def session(process: Process) -> AsyncIterator[AsyncSession]:
    """A session of the test's own; commit what the application is to see."""
    async with process.maker() as session:
        yield session


@pytest.fixture
def make(session: AsyncSession) -> Factory:
    """Makes things in the database with believable defaults: `await make.organization(kind=…)`."""
    return Factory(session)


@pytest.fixture
def app(process: Process) -> Litestar:
    return app_of(process)


class Browser(AsyncTestClient[Litestar]):
    """One person's browser: keeps cookies, sends the form token, does not follow redirects by itself."""

    async def submit(self, path: str, data: dict[str, Any] | None = None, **options: Any) -> Response:
        """POST a form as a page would, with the form token."""
        if "csrftoken" not in self.cookies:
            await self.get("/login")
        fields = {"_csrf_token": self.cookies["csrftoken"], **(data or {})}
        return await self.post(path, data=fields, follow_redirects=False, **options)


BrowserOf = Callable[..., Awaitable[Browser]]


@pytest.fixture
async def browser_of(app: Litestar, process: Process) -> AsyncIterator[BrowserOf]:
    """`await browser_of(person, organization)` is that person's browser; without arguments an anonymous one."""
    async with AsyncExitStack() as stack:

        async def open_browser(person: Person | None = None, organization: object = None) -> Browser:
            browser = await stack.enter_async_context(Browser(app, raise_server_exceptions=False))
            if person is not None:
                async with process.transaction() as session:
                    token = await open_login(
                        session,
                        process.settings,
                        person,
                        organization_id=getattr(organization, "id", None),
                        address="127.0.0.1",
                        user_agent="tests",
                    )
                browser.cookies.set(LOGIN_COOKIE, token, domain="testserver.local")
            return browser

        yield open_browser


class JobRunner:
    """`await run_jobs()` lets a real worker do what is queued, until nothing is left."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.broker = configure_broker(process.settings)
        self.worker: Worker | None = None

    async def __call__(self) -> None:
        if self.worker is None:
            self.worker = Worker(self.broker, worker_timeout=100, worker_threads=2)
            self.worker.start()
        for _ in range(600):
            async with self.process.transaction() as session:
                waiting = await session.scalar(
                    text("SELECT count(*) FROM dramatiq.queue WHERE state IN ('queued', 'consumed')")
                )
            if not waiting:
                return
            await asyncio.sleep(0.05)
        raise AssertionError("jobs were still waiting after 30 seconds")

    async def stop(self) -> None:
        """Before a command is run within this process: actors would find the command's database, on its event loop."""
        if self.worker is not None:
            await asyncio.to_thread(self.worker.stop)
            self.worker = None


@pytest.fixture
async def run_jobs(process: Process) -> AsyncIterator[JobRunner]:
    runner = JobRunner(process)
    yield runner
    await runner.stop()
    runner.broker.close()
