"""The thread of each process that keeps its indexes warm and up to date, so that no search has to do it.

It listens for what other processes have committed. What it reads then goes by the order of changes, and it looks by
itself now and then: a notification that was lost costs time, never a change. Where an index should be built anew, it asks
for the job.
"""

import logging
import threading
import time
from collections.abc import Collection as Some
from typing import Self

import psycopg
from psycopg import sql
from sqlalchemy import Engine

from challenges.indexing import queries
from challenges.indexing.jobs import publish_indexes, retokenize
from challenges.indexing.shelves import SHELVES, beside
from challenges.indexing.texts import terms_of_text
from core.database import libpq_url
from core.jobs import enqueue_blocking
from core.process import Process
from core.revisions import CHANNEL

logger = logging.getLogger(__name__)

# How long a lost notification may be missed, where nobody searches meanwhile: a search looks by itself.
POLL_S = 5.0
# How soon it is noticed that the process ends.
SLICE_S = 0.5
FIRST_BACKOFF_S, LONGEST_BACKOFF_S = 0.5, 30.0
# A job that was asked for is done within this time, or was lost.
ASK_AGAIN_S = 60.0
# Only a process with another version or dictionary writes other tokens, and that is so while one takes another's place.
LOOK_FOR_FOREIGN_S = 3600.0


class Listener(threading.Thread):
    """Use as a context: it runs during the block."""

    def __init__(self, process: Process) -> None:
        super().__init__(name="index-listener", daemon=True)
        self.process = process
        self.stopping = threading.Event()
        self._asked: dict[str, float] = {}

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self.join()

    @property
    def _engine(self) -> Engine:
        return self.process.engine.sync_engine

    def run(self) -> None:
        terms_of_text("预热")
        backoff = FIRST_BACKOFF_S
        while not self.stopping.is_set():
            try:
                with psycopg.connect(
                    libpq_url(str(self.process.settings.database_url)), autocommit=True
                ) as connection:
                    connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(CHANNEL)))
                    backoff = FIRST_BACKOFF_S
                    self._follow(connection)
            except (psycopg.Error, OSError) as error:
                if not self.stopping.is_set():
                    logger.warning("not listening for changes, trying again in %.1f s: %s", backoff, error)
                self.stopping.wait(backoff)
                backoff = min(2 * backoff, LONGEST_BACKOFF_S)

    def _follow(self, connection: psycopg.Connection) -> None:
        # Listening comes first: what was committed before it is read now, what comes later is told.
        self.catch_up(SHELVES)
        polled = time.monotonic()
        while not self.stopping.is_set():
            told = {
                notification.payload for notification in connection.notifies(timeout=SLICE_S, stop_after=1)
            }
            if time.monotonic() - polled >= POLL_S:
                # Fails where the connection is gone without a word.
                connection.execute("SELECT 1")
                self.catch_up(SHELVES)
                polled = time.monotonic()
            elif told:
                self.catch_up(told & SHELVES.keys())

    def catch_up(self, names: Some[str]) -> None:
        """Bring the indexes of some collections up to date, and ask for what they lack."""
        for name in names:
            try:
                lacks = SHELVES[name].refresh(self._engine, self.process.settings.data_dir, warm=True)
                if any(lack is not None for lack in lacks.values()) and self._is_due(name, ASK_AGAIN_S):
                    with beside(self._engine).begin() as connection:
                        enqueue_blocking(connection, publish_indexes, name)
            except Exception:
                if not self.stopping.is_set():
                    logger.exception("the indexes of %s could not be brought up to date", name)
        if self._is_due("foreign tokens", LOOK_FOR_FOREIGN_S):
            self._ask_for_tokens()

    def _ask_for_tokens(self) -> None:
        try:
            with beside(self._engine).begin() as connection:
                if queries.count_foreign(connection, terms_of_text.fingerprint):
                    enqueue_blocking(connection, retokenize)
        except Exception:
            if not self.stopping.is_set():
                logger.exception("could not look for tokens of another tokenizer")

    def _is_due(self, what: str, interval_s: float) -> bool:
        now = time.monotonic()
        if now - self._asked.get(what, -interval_s) < interval_s:
            return False
        self._asked[what] = now
        return True
