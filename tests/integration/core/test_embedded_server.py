"""The embedded PostgreSQL comes and goes with whoever uses it, and leaves nothing behind."""

import signal
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from core.postgres import database_server, signals_deferred
from core.settings import Settings
from tests.conftest import data_directory
from tests.demo_process import traces


def test_two_servers_of_one_process_stop_without_a_trace() -> None:
    with data_directory() as first, data_directory() as second:
        with database_server(Settings(data_dir=first)) as one:
            with database_server(Settings(data_dir=second)) as two:
                assert one.database_url != two.database_url
            assert traces(second) == []
            with psycopg.connect(str(one.database_url)) as connection:
                assert connection.execute("SELECT 1").fetchone() == (1,)
        assert traces(first) == []


def test_what_was_stored_is_there_after_a_restart() -> None:
    with data_directory() as directory:
        for expected in (0, 1):
            with (
                database_server(Settings(data_dir=directory)) as settings,
                psycopg.connect(str(settings.database_url), autocommit=True) as connection,
            ):
                connection.execute("CREATE TABLE IF NOT EXISTS kept (id integer)")
                assert connection.execute("SELECT count(*) FROM kept").fetchone() == (expected,)
                connection.execute("INSERT INTO kept VALUES (1)")
        assert traces(directory) == []


def test_a_long_path_is_no_obstacle() -> None:
    with data_directory() as directory:
        # Longer than the name of a socket may be.
        far = directory / ("a" * 60) / ("b" * 60)
        with (
            database_server(Settings(data_dir=far)) as settings,
            psycopg.connect(str(settings.database_url)) as connection,
        ):
            assert connection.execute("SELECT 1").fetchone() == (1,)
            socket = Path(connection.info.host)
        assert far not in socket.parents
        assert not socket.exists()
        assert traces(far) == []


def test_a_failure_of_its_user_stops_the_server_too() -> None:
    with data_directory() as directory, ExitStack() as stack:
        stack.enter_context(database_server(Settings(data_dir=directory)))
        with pytest.raises(RuntimeError), stack.pop_all():
            raise RuntimeError
        assert traces(directory) == []


def test_a_server_of_ones_own_is_only_named() -> None:
    settings = Settings(database_url="postgresql://db/jiebang")
    with database_server(settings) as same:
        assert same is settings


def test_a_stop_signal_waits_until_the_block_has_ended() -> None:
    steps: list[str] = []
    with pytest.raises(KeyboardInterrupt), signals_deferred():  # noqa: PT012 -- the end of the block raises
        signal.raise_signal(signal.SIGINT)
        steps.append("ended")
    assert steps == ["ended"]
