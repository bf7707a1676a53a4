"""`python -m tests.resilience.mortal serve|worker`: `jiebang serve|worker` that dies at a moment somebody names.

A request names it in a header: before the commit of its transaction, or after it and before the first byte of the answer.
For a worker it is between a job's commit and telling the queue, the next time after the file in DIES_AFTER_JOB was made.
Parts of the product are wrapped from outside, here in the test's own process; nothing of it is in the product.
"""

import os
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import dramatiq
from litestar import Litestar, Request
from litestar.datastructures import State
from litestar.types import Message, Receive, Scope, Send
from sqlalchemy.ext.asyncio import AsyncSession

import web.app
import web.schedule
import web.worker
from core.actor import Actor
from core.process import Process
from core.settings import Settings
from web.cli import main

HEADER = "x-dies"
BEFORE_COMMIT, BEFORE_ANSWER = "before-commit", "before-answer"
DIES_AFTER_JOB = "DIES_AFTER_JOB"
# They come and go all the time, and are not what a run asks about.
TICKS = frozenset({"do_what_is_due", "begin_digests"})
# What is due is found soon: a run has many days to pass.
TICK_S = 2.0

_moment: ContextVar[str] = ContextVar("moment", default="")
_create_app, _configure_broker = web.app.create_app, web.worker.configure_broker
_session_of = asynccontextmanager(web.app.provide_session)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class MortalApp:
    """The application, from which some requests get no answer."""

    def __init__(self, app: Litestar) -> None:
        self.app, self.state = app, app.state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = dict(scope["headers"]).get(HEADER.encode(), b"") if scope["type"] == "http" else b""
        _moment.set(asked.decode())

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start" and _moment.get() == BEFORE_ANSWER:
                die()
            await send(message)

        await self.app(scope, receive, answer)


async def provide_session(
    request: Request[Actor, Any, State], state: State
) -> AsyncGenerator[AsyncSession, None]:
    async with _session_of(request, state) as session:
        yield session
        if _moment.get() == BEFORE_COMMIT:
            await session.flush()
            die()


def create_app(process: Process, **options: Any) -> Any:
    return MortalApp(_create_app(process, **options))


class DyingAfterJob(dramatiq.Middleware):
    def __init__(self, order: Path) -> None:
        self.order = order

    def before_ack(self, broker: dramatiq.Broker, message: Any) -> None:
        if message.actor_name in TICKS:
            return
        try:
            # Whoever takes it away follows it; the run takes it back where there was no job.
            self.order.unlink()
        except FileNotFoundError:
            return
        die()


def configure_broker(settings: Settings) -> dramatiq.Broker:
    broker = _configure_broker(settings)
    broker.add_middleware(DyingAfterJob(Path(os.environ[DIES_AFTER_JOB])))
    return broker


if __name__ == "__main__":
    web.app.provide_session = provide_session
    web.app.create_app = create_app
    web.worker.configure_broker = configure_broker
    web.schedule.TICK_S = TICK_S
    sys.exit(main(sys.argv[1:]))
