"""What several files of integration tests start from.

One world of people and things for each file that asks who may do or read what; a bid of three organizations for what
happens at once or by a deadline; a challenge that its poster changes.
"""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import NullPool
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from challenges.bids import service
from challenges.bids.models import Bid
from core.process import Process, start_process
from core.settings import Settings
from tests.conftest import own_database
from tests.factories import Factory
from tests.integration.changing import Changing
from tests.integration.interleaving import DatabaseClock
from tests.integration.permission_world import World, build_world
from tests.integration.reading import Reading
from tests.integration.test_bidding import Stage
from tests.integration.together import Together


@pytest.fixture(scope="module")
def database(server: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    with own_database(server) as url:
        yield replace(server, database_url=url, data_dir=tmp_path_factory.mktemp("permissions"))


@pytest.fixture(scope="module")
async def world(database: Settings) -> World:
    process = start_process(database, poolclass=NullPool)
    async with AsyncSession(process.engine, expire_on_commit=False) as session:
        built = await build_world(Factory(session), database)
    await process.engine.dispose()
    return built


@pytest.fixture
async def together(make: Factory, process: Process) -> Together:
    return await Together(make, process).begin()


@pytest.fixture
async def ready(together: Together, process: Process) -> Bid:
    """A complete draft."""
    bid = await together.start(process, together.lead)
    async with process.transaction() as session:
        await service.save_bid(session, together.lead, bid.id, together.content(), bid.revision)
    return await together.read()


@pytest.fixture
async def database_clock(together: Together, process: Process) -> DatabaseClock:
    found = DatabaseClock(process)
    deadline = together.challenge.deadline_at
    assert deadline is not None
    await found.install(deadline - timedelta(days=1))
    return found


@pytest.fixture(scope="module")
async def whole(database: Settings, world: World) -> AsyncIterator[tuple[Reading, AsyncConnection]]:
    process = start_process(database, poolclass=NullPool)
    async with process.engine.connect() as connection:
        reader = Reading(process, connection, world)
        await reader.app.state.listener.close()
        yield reader, connection
    await process.engine.dispose()


@pytest.fixture
async def reader(whole: tuple[Reading, AsyncConnection]) -> AsyncIterator[Reading]:
    reader, connection = whole
    outer = await connection.begin()
    yield reader
    await outer.rollback()


@pytest.fixture
async def changing(make: Factory) -> Changing:
    return await Changing(await Stage(make).set()).set()
