"""One LISTEN connection per process, which wakes the open streams of the people that something happened to."""

import asyncio
import logging
import uuid
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.database import libpq_url
from core.settings import Settings

logger = logging.getLogger(__name__)

CHANNEL = "notification"
RECONNECT_S = 2.0


async def wake_streams(session: AsyncSession, person_id: uuid.UUID) -> None:
    """Let the person's open pages look again, once this transaction is committed."""
    await session.execute(
        text("SELECT pg_notify(:channel, :person)"), {"channel": CHANNEL, "person": str(person_id)}
    )


class Listener:
    """Fans out what PostgreSQL tells. It connects with the first stream, and anew whenever the connection is lost."""

    def __init__(self, settings: Settings) -> None:
        assert settings.database_url is not None
        self._url = libpq_url(settings.database_url)
        self._streams: dict[uuid.UUID, set[asyncio.Event]] = defaultdict(set)
        self._task: asyncio.Task[None] | None = None
        self.is_closed = False

    @contextmanager
    def stream_of(self, person_id: uuid.UUID) -> Iterator[asyncio.Event]:
        """An event that is set whenever the person's stream has to look again."""
        if self._task is None and not self.is_closed:
            self._task = asyncio.create_task(self._listen())
        woken = asyncio.Event()
        self._streams[person_id].add(woken)
        try:
            yield woken
        finally:
            self._streams[person_id].discard(woken)
            if not self._streams[person_id]:
                del self._streams[person_id]

    async def close(self) -> None:
        """End every stream: they look at `is_closed` when woken. Doing so twice changes nothing."""
        self.is_closed = True
        self._wake_all()
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _listen(self) -> None:
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(self._url, autocommit=True) as connection:
                    await connection.execute(f"LISTEN {CHANNEL}".encode())
                    # What was told while nobody listened is found by looking.
                    self._wake_all()
                    async for notice in connection.notifies():
                        self._wake(notice.payload)
            except psycopg.Error:
                logger.warning("the connection that listens was lost; connecting again")
            await asyncio.sleep(RECONNECT_S)

    def _wake(self, payload: str) -> None:
        with suppress(ValueError):
            for woken in self._streams.get(uuid.UUID(payload), ()):
                woken.set()

    def _wake_all(self) -> None:
        for streams in self._streams.values():
            for woken in streams:
                woken.set()
