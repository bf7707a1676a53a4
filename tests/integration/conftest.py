"""One world of people and things for each file of tests that asks who may do or read what."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import NullPool
from sqlalchemy.ext.asyncio import AsyncSession

from core.process import start_process
from core.settings import Settings
from tests.conftest import own_database
from tests.factories import Factory
from tests.integration.permission_world import World, build_world


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
