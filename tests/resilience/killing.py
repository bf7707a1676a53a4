"""The moments at which web server and worker are killed, and the killing."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from typing import Any

import httpx
import psycopg

from tests.resilience.mortal import BEFORE_ANSWER, BEFORE_COMMIT, HEADER, TICKS
from tests.resilience.processes import Deployment

Send = Callable[[dict[str, str]], httpx.Response]
# A kill at random falls into the moments after a request was sent: before it is read, while it is worked on, after it.
WITHIN_S = (0.1, 0.4, 1.2)
# A job that an act has asked for is done by then, also by a worker that is still starting.
JOB_S = 15


class Moment(StrEnum):
    WEB_AT_RANDOM = "web_at_random"
    WEB_BEFORE_COMMIT = "web_before_commit"
    WEB_BEFORE_ANSWER = "web_before_answer"
    WORKER_AT_RANDOM = "worker_at_random"
    WORKER_AFTER_JOB = "worker_after_job"


HEADERS = {Moment.WEB_BEFORE_COMMIT: BEFORE_COMMIT, Moment.WEB_BEFORE_ANSWER: BEFORE_ANSWER}
AT_RANDOM = {Moment.WEB_AT_RANDOM: "serve", Moment.WORKER_AT_RANDOM: "worker"}


class Killer:
    """Plans a moment for each `every`-th act, a different one for the next: `seed` is where it begins.

    Five seeds together try every act at every moment. `only` leaves the others out.
    """

    def __init__(
        self,
        deployment: Deployment,
        database: psycopg.Connection[Any],
        *,
        seed: int,
        every: int = 1,
        only: Moment | None = None,
    ) -> None:
        self.deployment, self.database, self.every = deployment, database, every
        self.random = random.Random(seed)
        self.moments = [only] if only else list(Moment)
        self.kills: Counter[str] = Counter()
        self._acts, self._turn = 0, seed

    def plan(self) -> Moment | None:
        """The moment of the next act's kill; None where both are let live."""
        self._acts += 1
        if self._acts % self.every:
            return None
        self._turn += 1
        return self.moments[self._turn % len(self.moments)]

    def press(self, moment: Moment | None, send: Send) -> int | None:
        """Send a request, kill at the moment, start again what was killed; the answer's status, None without one."""
        named = HEADERS.get(moment) if moment else None
        headers = {HEADER: named} if named else {}
        if moment is Moment.WORKER_AFTER_JOB:
            self.deployment.order.touch()
        status = None
        with self._at_random(moment), suppress(httpx.TransportError):
            status = send(headers).status_code
        if named and status is None:
            # Its connection is gone a moment before itself.
            self.deployment.wait_for_death("serve")
        if moment is Moment.WORKER_AFTER_JOB:
            self._await_job()
        killed = self.deployment.killed()
        if killed and moment is None:
            raise RuntimeError(f"{killed} were killed by somebody else")
        self.kills.update([str(moment)] * len(killed))
        self.repair(killed)
        return status

    def repair(self, killed: list[str]) -> None:
        if "worker" in killed:
            # What it held is taken over a minute after its last sign of life: as if that minute had passed.
            self.database.execute(
                "UPDATE dramatiq.worker SET heartbeat_at = heartbeat_at - interval '2 minutes'"
            )
        self.deployment.start_again(killed)

    @contextmanager
    def _at_random(self, moment: Moment | None) -> Iterator[None]:
        victim = AT_RANDOM.get(moment) if moment else None
        if victim is None:
            yield
            return
        within_s = self.random.choice(WITHIN_S)
        timer = threading.Timer(self.random.uniform(0, within_s), self.deployment.kill, [victim])
        timer.start()
        try:
            yield
        finally:
            timer.join()

    def _await_job(self) -> None:
        """Not every act asks for a job: then nobody dies."""
        end = time.monotonic() + JOB_S
        while not self.deployment.has_ended("worker") and time.monotonic() < end and self._jobs():
            time.sleep(0.05)
        try:
            self.deployment.order.unlink()
        except FileNotFoundError:
            self.deployment.wait_for_death("worker")

    def _jobs(self) -> int:
        row = self.database.execute(
            "SELECT count(*) FROM dramatiq.queue WHERE state IN ('queued', 'consumed')"
            " AND available_at <= clock_timestamp() AND NOT message->>'actor_name' = ANY(%s)",
            (sorted(TICKS),),
        ).fetchone()
        assert row is not None
        return row[0]
