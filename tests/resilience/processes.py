"""A web server and a worker as real processes that are killed without a word, and started again."""

import io
import os
import signal
import subprocess
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from unittest.mock import patch

import httpx

from tests.demo_process import ROOT, environment, free_port
from tests.resilience.mortal import DIES_AFTER_JOB
from web.cli import main

START_S = 180
NAMES = ("serve", "worker")


class Deployment:
    def __init__(self, database_url: str, smtp_url: str, directory: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.directory = directory
        self.log = (directory / "processes.log").open("ab")
        # A worker that finds this file dies of it, see mortal.py.
        self.order = directory / "die-after-job"
        self._environment = {
            **environment(directory, self.port),
            "DATABASE_URL": database_url,
            "SMTP_URL": smtp_url,
            "SECRET_KEY": "a deployment that is killed",
            "BASE_URL": self.url,
            DIES_AFTER_JOB: str(self.order),
        }
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        for name in NAMES:
            self._start(name)
        self.wait_for_web()

    def _start(self, name: str) -> None:
        self._running[name] = subprocess.Popen(
            [sys.executable, "-m", "tests.resilience.mortal", name],
            cwd=ROOT,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
            start_new_session=True,
        )

    def kill(self, name: str) -> None:
        process = self._running[name]
        process.send_signal(signal.SIGKILL)
        process.wait()

    def has_ended(self, name: str) -> bool:
        return self._running[name].poll() is not None

    def wait_for_death(self, name: str) -> None:
        self._running[name].wait(timeout=START_S)

    def killed(self) -> list[str]:
        """Which of the two are not running."""
        found = [name for name in NAMES if self.has_ended(name)]
        for name in found:
            if self._running[name].returncode != -signal.SIGKILL:
                raise RuntimeError(f"{name} ended by itself, see {self.log.name}")
        return found

    def start_again(self, names: list[str]) -> None:
        for name in names:
            self._start(name)
        self.wait_for_web()

    def wait_for_web(self) -> None:
        end = time.monotonic() + START_S
        while time.monotonic() < end:
            try:
                if httpx.get(f"{self.url}/healthz", trust_env=False, timeout=5).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            if self.has_ended("serve"):
                raise RuntimeError(f"the web server ended by itself, see {self.log.name}")
            time.sleep(0.05)
        raise TimeoutError(f"the web server does not answer, see {self.log.name}")

    def stop(self) -> None:
        for process in self._running.values():
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self._running.values():
            try:
                process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.log.close()

    def command(self, *arguments: str) -> tuple[int, str]:
        """`jiebang …` on the same database: its status, and what it printed."""
        printed = io.StringIO()
        with (
            patch.dict(os.environ, self._environment, clear=True),
            redirect_stdout(printed),
            redirect_stderr(printed),
        ):
            # In this process: starting one takes as long as a kill.
            status = main(arguments)
        return status, printed.getvalue()
