"""A web server and a worker as real processes that are killed without a word, and started again."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx

from tests.demo_process import ROOT, environment, free_port

START_S = 180


class Deployment:
    """`kill_soon` kills one of the two within a moment; `repair` starts again whatever was killed."""

    def __init__(self, database_url: str, smtp_url: str, directory: Path, seed: int) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.directory = directory
        self.log = (directory / "processes.log").open("ab")
        self._environment = {
            **environment(directory, self.port),
            "DATABASE_URL": database_url,
            "SMTP_URL": smtp_url,
            "SECRET_KEY": "a deployment that is killed",
            "BASE_URL": self.url,
        }
        self.random = random.Random(seed)
        self.kills = {"serve": 0, "worker": 0}
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._timer: threading.Timer | None = None

    def start(self) -> None:
        for name in self.kills:
            self._start(name)
        self.wait_for_web()

    def _start(self, name: str) -> None:
        self._running[name] = subprocess.Popen(
            [sys.executable, "-m", "web.cli", name],
            cwd=ROOT,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
            start_new_session=True,
        )

    def kill_soon(self, name: str, within_s: float) -> None:
        """Kill at a moment of the plan, while something is asked of the deployment."""
        self._timer = threading.Timer(self.random.uniform(0, within_s), self._kill, [name])
        self._timer.start()

    def _kill(self, name: str) -> None:
        process = self._running[name]
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            process.wait()
            self.kills[name] += 1

    def repair(self) -> None:
        """Wait for the kill that was planned, and start again what is not running."""
        if self._timer is not None:
            self._timer.join()
            self._timer = None
        for name, process in list(self._running.items()):
            if process.poll() is not None:
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
            if self._running["serve"].poll() is not None:
                raise RuntimeError(f"the web server ended by itself, see {self.log.name}")
            time.sleep(0.05)
        raise TimeoutError(f"the web server does not answer, see {self.log.name}")

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.join()
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

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`jiebang …` on the same database."""
        return subprocess.run(
            [sys.executable, "-m", "web.cli", *arguments],
            cwd=ROOT,
            env={**os.environ, **self._environment},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
