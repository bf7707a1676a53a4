"""The demo starts, stops and starts again, whatever happened to it in between."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.conftest import data_directory
from tests.demo_process import Command, LoadedDemo, copy_of, servers_of, traces, wait_until_gone
from web.demo import DEMO_ACCOUNTS, DEMO_PASSWORD

pytestmark = pytest.mark.timeout(900)
READY = "Stop with Ctrl-C."


@pytest.fixture
def directory() -> Iterator[Path]:
    with data_directory() as directory:
        yield directory
        for process in servers_of(directory):
            process.kill()


@pytest.fixture
def loaded(loaded_demo: LoadedDemo, directory: Path) -> Path:
    return copy_of(loaded_demo, directory)


def test_it_says_where_it_is_and_who_may_log_in(loaded_demo: LoadedDemo) -> None:
    assert "http://127.0.0.1:" in loaded_demo.output
    assert DEMO_PASSWORD in loaded_demo.output
    for account in DEMO_ACCOUNTS:
        assert account.email in loaded_demo.output
    status, page = loaded_demo.page
    assert status == 200
    assert "<h1" in page


def test_an_interrupt_ends_it_and_leaves_nothing(loaded_demo: LoadedDemo) -> None:
    assert loaded_demo.status == 0
    assert loaded_demo.left == []
    assert "Traceback" not in loaded_demo.output


def test_a_second_start_loads_nothing_again(loaded_demo: LoadedDemo, loaded: Path) -> None:
    demo = Command(loaded, "demo")
    demo.wait_for(READY)
    assert demo.get("/healthz") == (200, "ok")
    assert demo.stop(signal.SIGTERM) == 0
    assert traces(loaded) == []
    assert "Loading" in loaded_demo.output
    assert "Loading" not in demo.output


def test_when_it_is_killed_everything_it_started_ends_by_itself(loaded: Path) -> None:
    demo = Command(loaded, "demo")
    demo.wait_for(READY)
    children = demo.descendants()
    assert len(children) >= 2
    os.kill(demo.process.pid, signal.SIGKILL)
    demo.process.wait()
    _, alive = psutil.wait_procs(children, timeout=60)
    assert alive == []
    # The last child has stopped the embedded server as well.
    wait_until_gone(loaded)
    again = Command(loaded, "demo")
    again.wait_for(READY)
    assert again.stop() == 0
    assert traces(loaded) == []


def test_it_starts_again_after_everything_was_killed_at_once(loaded: Path) -> None:
    demo = Command(loaded, "demo")
    demo.wait_for(READY)
    for process in [*demo.descendants(), *servers_of(loaded)]:
        process.kill()
    demo.process.wait(60)
    # The number that the killed server left behind now belongs to somebody else.
    stale = loaded / "postgres" / "postmaster.pid"
    lines = stale.read_text().splitlines()
    stale.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    again = Command(loaded, "demo")
    again.wait_for(READY)
    assert again.get("/healthz") == (200, "ok")
    assert again.stop() == 0
    assert traces(loaded) == []


def test_when_one_process_ends_the_others_are_stopped_and_it_says_so(loaded: Path) -> None:
    demo = Command(loaded, "demo")
    demo.wait_for(READY)
    worker = next(process for process in demo.descendants() if "worker" in process.cmdline())
    worker.kill()
    assert demo.process.wait(120) == 1
    assert "has ended" in demo.output
    assert traces(loaded) == []


def test_an_interrupt_while_loading_leaves_nothing_and_no_half_of_the_data(directory: Path) -> None:
    demo = Command(directory, "demo")
    demo.wait_for("Loading")
    assert demo.stop() == 0
    assert traces(directory) == []
    assert "Traceback" not in demo.output


def test_a_port_in_use_is_told_before_anything_is_started(loaded: Path) -> None:
    first = Command(loaded, "demo")
    first.wait_for(READY)
    with data_directory() as other:
        second = Command(other, "demo", port=first.port)
        assert second.process.wait(60) == 2
        assert str(first.port) in second.output
        assert not (other / "postgres").exists()
    assert first.stop() == 0


def test_server_and_worker_started_at_once_share_one_database_server(directory: Path) -> None:
    worker, server = Command(directory, "worker"), Command(directory, "serve")
    server.wait_until_answering()
    worker.wait_for("working on")
    postmasters = [
        process
        for process in servers_of(directory)
        if process.name() == "postgres" and process.ppid() not in {p.pid for p in servers_of(directory)}
    ]
    assert len(postmasters) == 1
    assert server.stop(signal.SIGTERM) == 0
    # The worker still needs the database.
    assert postmasters[0].is_running()
    assert worker.process.poll() is None
    assert worker.stop(signal.SIGTERM) == 0
    assert traces(directory) == []
    assert "Traceback" not in server.output + worker.output
