"""All indexes of this process, by database: a process has one database, a test run many.

A single thread per collection reads what changed, whoever asks for it: one refresh at a time, and none takes the place
of other work. Before each use the collection's revision is read, which is one row, so what was saved anywhere is found
by the next search of any process, whether or not the listener has been told of it by then.
"""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, NullPool, create_engine
from sqlalchemy.ext.asyncio import AsyncSession

from challenges.indexing.entries import COLLECTIONS, Collection, Scope
from challenges.indexing.shelf import Held, Lack, Reading, Shelf
from core.process import current_process
from core.revisions import latest_revision_today


class Shelves:
    """One collection's indexes."""

    def __init__(self, collection: Collection) -> None:
        self.collection = collection
        self._shelves: WeakKeyDictionary[Engine, dict[Scope, Shelf]] = WeakKeyDictionary()
        self._registering = Lock()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"index-{collection.name}")

    async def held(self, session: AsyncSession, scope: Scope) -> Held:
        """The index as of now. Holds what is committed alone, never what the session's transaction has written."""
        engine = session.get_bind().engine
        shelf = self._shelf(engine, current_process().settings.data_dir, scope)
        revision, today = await latest_revision_today(session, self.collection.name)
        held = shelf.held
        if held is not None and _is_present(held, revision, today):
            return held
        return await asyncio.wrap_future(self._thread.submit(self._refresh, engine, shelf, revision, today))

    def refresh(self, engine: Engine, data_dir: Path, *, warm: bool = False) -> Mapping[Scope, Lack | None]:
        """Bring all of them up to date, and say which should be built anew. Waits for it."""
        return self._thread.submit(self._refresh_all, engine, data_dir, warm).result()

    def _shelf(self, engine: Engine, data_dir: Path, scope: Scope) -> Shelf:
        with self._registering:
            shelves = self._shelves.setdefault(engine, {})
            if scope not in shelves:
                shelves[scope] = Shelf(data_dir, self.collection, scope)
            return shelves[scope]

    def _refresh(self, engine: Engine, shelf: Shelf, revision: int, today: date) -> Held:
        if shelf.held is not None and _is_present(shelf.held, revision, today):
            return shelf.held
        with reading(engine).connect() as connection:
            return shelf.refresh(Reading(connection, self.collection))

    def _refresh_all(self, engine: Engine, data_dir: Path, warm: bool) -> Mapping[Scope, Lack | None]:
        shelves = [self._shelf(engine, data_dir, scope) for scope in self.collection.scopes]
        with reading(engine).connect() as connection:
            moment = Reading(connection, self.collection)
            for shelf in shelves:
                shelf.refresh(moment)
        for shelf in shelves:
            if warm:
                shelf.warm()
            shelf.sweep()
        return {shelf.scope: shelf.lack() for shelf in shelves}


def beside(engine: Engine, **options: Any) -> Engine:
    """Blocking connections to the same database, not of its pool: requests that wait for an index may hold all those."""
    return create_engine(engine.url, poolclass=NullPool, **options)


def reading(engine: Engine) -> Engine:
    """As `beside`; what one connection reads is of one moment."""
    return beside(engine, isolation_level="REPEATABLE READ")


def _is_present(held: Held, revision: int, today: date) -> bool:
    return held.state.revision >= revision and held.state.day == today


SHELVES = {collection.name: Shelves(collection) for collection in COLLECTIONS}
