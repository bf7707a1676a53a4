"""`jiebang demo` as a person starts it: a process of its own, with a data directory and port of its own."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from web.demo.accounts import DEMO_ACCOUNTS, DEMO_PASSWORD

ROOT = Path(__file__).parents[1]
# Loading matches every challenge; on a busy machine that takes minutes.
READY_TIMEOUT_S = 400
STOP_TIMEOUT_S = 120
# What an embedded server leaves while it runs and must not leave afterwards.
TRACES = ("postmaster.pid", "postgres.lock", ".s.PGSQL*", "*.lock")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(directory: Path, port: int) -> dict[str, str]:
    """This process's environment without settings of its own, but with these two."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in {"DATABASE_URL", "BROKER_URL", "SMTP_URL", "SECRET_KEY", "BASE_URL", "HOST", "DEMO"}
    }
    return {**kept, "DATA_DIR": str(directory), "PORT": str(port), "PYTHONUNBUFFERED": "1"}


class Command:
    """A running `jiebang` subcommand whose output is collected."""

    def __init__(self, directory: Path, *arguments: str, port: int | None = None) -> None:
        self.port = port or free_port()
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "web.cli", *arguments],
            cwd=ROOT,
            env=environment(directory, self.port),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # As in a terminal, where Ctrl-C reaches the whole group; children of the demo are in none of it.
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)

    @property
    def output(self) -> str:
        return "".join(self.lines)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def get(self, path: str) -> tuple[int, str]:
        with urllib.request.urlopen(self.url + path, timeout=30) as answer:
            return answer.status, answer.read().decode()

    def wait_for(self, text: str) -> None:
        """Wait until the output holds `text`."""
        end = time.monotonic() + READY_TIMEOUT_S
        while text not in self.output:
            assert self.process.poll() is None, self.output
            assert time.monotonic() < end, self.output
            time.sleep(0.1)

    def wait_until_answering(self) -> None:
        end = time.monotonic() + READY_TIMEOUT_S
        while True:
            assert self.process.poll() is None, self.output
            assert time.monotonic() < end, self.output
            try:
                self.get("/healthz")
                return
            except OSError:
                time.sleep(0.1)

    def stop(self, number: int = signal.SIGINT) -> int:
        """Send a signal to the process group, as a terminal does, and wait for the end; returns the exit status."""
        os.killpg(self.process.pid, number)
        status = self.process.wait(STOP_TIMEOUT_S)
        self._reader.join(10)
        return status

    def descendants(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)


def servers_of(directory: Path) -> list[psutil.Process]:
    """Processes of an embedded server, and of ours, that work on the directory."""
    found = []
    for process in psutil.process_iter():
        try:
            if any(str(directory) in word for word in process.cmdline()) or (
                process.environ().get("DATA_DIR") == str(directory)
            ):
                found.append(process)
        except psutil.Error:
            continue
    return found


def traces(directory: Path) -> list[str]:
    """Lock files, sockets and processes that are left; none after a clean end."""
    files = [str(path) for pattern in TRACES for path in sorted(directory.rglob(pattern))]
    return files + [str(process) for process in servers_of(directory) if process.pid != os.getpid()]


def wait_until_gone(directory: Path) -> None:
    """Processes end a moment after what ended them."""
    end = time.monotonic() + STOP_TIMEOUT_S
    while left := traces(directory):
        assert time.monotonic() < end, left
        time.sleep(0.2)


@dataclass(frozen=True)
class LoadedDemo:
    """A data directory after the first start of the demo and its end, and what was seen meanwhile."""

    directory: Path
    output: str
    page: tuple[int, str]
    # What each account sees first, by its address.
    homes: dict[str, str]
    status: int
    left: list[str]


def home_of(url: str, email: str) -> str:
    """The page that greets an account of the demonstration after its login."""
    with httpx.Client(base_url=url, follow_redirects=True, timeout=60) as browser:
        browser.get("/locale/en")
        browser.get("/login")
        fields = {"email": email, "password": DEMO_PASSWORD, "_csrf_token": browser.cookies["csrftoken"]}
        browser.post("/login", data=fields).raise_for_status()
        return browser.get("/").raise_for_status().text


def load_demo(directory: Path) -> LoadedDemo:
    demo = Command(directory, "demo")
    try:
        demo.wait_for("Stop with Ctrl-C.")
        page = demo.get("/login")
        homes = {account.email: home_of(demo.url, account.email) for account in DEMO_ACCOUNTS}
        status = demo.stop()
    finally:
        if demo.process.poll() is None:
            demo.stop(signal.SIGTERM)
    return LoadedDemo(directory, demo.output, page, homes, status, traces(directory))


def copy_of(loaded: LoadedDemo, directory: Path) -> Path:
    """A copy that keeps owners and rights: a server started by root runs as another user."""
    subprocess.run(["cp", "-a", f"{loaded.directory}/.", str(directory)], check=True)
    return directory
