"""Servers of others that these tests talk to: a mail server of their own, Redis and RabbitMQ where there are any."""

import asyncio
import fcntl
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import SMTP as SMTP_POLICY
from pathlib import Path
from typing import Any, cast

import pytest
import redis
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from core.settings import Settings

ROOT = Path(__file__).parents[3]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_answering(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait for what another thread or process will bring about; the test fails when it never does."""
    for _ in range(1200):
        if await condition():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it did not happen within a minute")


@contextmanager
def worker_process(
    settings: Settings, data_dir: Path, **environment: str
) -> Iterator[subprocess.Popen[bytes]]:
    """A `jiebang worker` of its own on the test's database, which ends well when told to."""
    worker = subprocess.Popen(
        [sys.executable, "-m", "web.cli", "worker"],
        cwd=ROOT,
        env={
            **os.environ,
            "DATABASE_URL": str(settings.database_url),
            "DATA_DIR": str(data_dir),
            "SECRET_KEY": "0" * 64,
            **environment,
        },
    )
    try:
        yield worker
    finally:
        worker.terminate()
        status = worker.wait(60)
    assert status == 0


def missing(reason: str) -> None:
    """Skip where a developer has no such server; on the gate a test that did not run is a failure."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason}; with CI=true this test must run")
    pytest.skip(reason)


@contextmanager
def alone_on(name: str) -> Iterator[None]:
    """One test run at a time: queues of a shared server have the same names in every run."""
    with (Path(tempfile.gettempdir()) / f"jiebang-tests-{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    """An empty Redis database: TEST_REDIS_URL, else the last empty one of the usual port, else a server of our own."""
    url = os.environ.get("TEST_REDIS_URL")
    with alone_on("redis"):
        if url is None and is_answering(6379):
            url = next(
                (
                    f"redis://127.0.0.1:6379/{number}"
                    for number in range(15, 0, -1)
                    if not cast("int", redis.from_url(f"redis://127.0.0.1:6379/{number}").dbsize())
                ),
                None,
            )
        if url is not None:
            yield url
            redis.from_url(url).flushdb()
            return
        if shutil.which("redis-server") is None:
            missing("no Redis: set TEST_REDIS_URL or install redis-server")
        port = free_port()
        server = subprocess.Popen(
            ["redis-server", "--port", str(port), "--save", "", "--dir", str(tmp_path)],
            stdout=subprocess.DEVNULL,
        )
        try:
            while not is_answering(port):
                time.sleep(0.05)
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            server.terminate()
            server.wait()


@pytest.fixture
def amqp_url() -> Iterator[str]:
    """A RabbitMQ without messages of ours: TEST_AMQP_URL, else the usual port of this machine."""
    from dramatiq.brokers.rabbitmq import RabbitmqBroker

    url = os.environ.get("TEST_AMQP_URL")
    if url is None:
        if not is_answering(5672):
            missing("no RabbitMQ: set TEST_AMQP_URL or start one on port 5672")
        url = "amqp://guest:guest@127.0.0.1:5672/"
    with alone_on("amqp"):
        yield url
        broker = RabbitmqBroker(url=url, middleware=[])
        for queue in ("default", "mail"):
            for name in (queue, f"{queue}.DQ", f"{queue}.XQ"):
                broker.channel.queue_delete(name)
        broker.close()


class MailServer:
    """A real SMTP server. `refuse_next` answers that many messages with a temporary failure."""

    def __init__(self) -> None:
        self.received: list[tuple[list[str], EmailMessage]] = []
        self.refuse_next = 0
        self.takes_s = 0.0
        self.fails_at_farewell = False
        self.port = free_port()
        self._controller: Controller | None = None

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def start(self) -> None:
        server = self

        class Greeter(SMTP):
            async def smtp_QUIT(self, argument: str) -> None:  # noqa: N802 -- the library's name
                if server.fails_at_farewell:
                    await self.push("451 local error")
                    return
                await super().smtp_QUIT(argument)

        class Listener(Controller):
            def factory(self) -> SMTP:
                return Greeter(self.handler, enable_SMTPUTF8=True)

        self._controller = Listener(self, hostname="127.0.0.1", port=self.port)
        self._controller.start()

    def stop(self) -> None:
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        await asyncio.sleep(self.takes_s)
        if self.refuse_next:
            self.refuse_next -= 1
            return "451 greylisted, try again later"
        message: Any = BytesParser(policy=SMTP_POLICY).parsebytes(cast("bytes", envelope.content))
        self.received.append((list(envelope.rcpt_tos), message))
        return "250 OK"


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    server = MailServer()
    yield server
    server.stop()
