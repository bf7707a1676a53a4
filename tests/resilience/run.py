"""What people do on the way, each act until it is done, while something is killed; and the ledger of what was acknowledged."""

import time
from collections.abc import Callable
from typing import Any

import psycopg

from tests.resilience.browsing import Browser, Fields, Files
from tests.resilience.cast import Cast
from tests.resilience.figures import Figures, LostError
from tests.resilience.killing import Killer

PATIENCE_S = 240
ATTEMPTS = 5
# What somebody is told who sends again what is done already.
REFUSALS = {403, 404, 409, 422}


class Run:
    def __init__(self, killer: Killer, database: psycopg.Connection[Any], cast: Cast) -> None:
        self.killer, self.database, self.cast = killer, database, cast
        self.figures = Figures(kills=killer.kills)
        self.ledger: list[tuple[str, str, tuple[Any, ...]]] = []
        self.browsers: dict[str, Browser] = {}

    def value(self, query: str, *values: Any) -> Any:
        row = self.database.execute(query.encode(), values).fetchone()
        return row[0] if row else None

    def values(self, query: str, *values: Any) -> list[str]:
        return [str(row[0]) for row in self.database.execute(query.encode(), values).fetchall()]

    def form(self, email: str, path: str, action: str) -> Fields:
        return self.browser(email).form(path, action)

    def browser(self, email: str) -> Browser:
        """That person's, logged in; without an address that of somebody new."""
        if not email:
            return Browser(self.killer.deployment.url)
        if email not in self.browsers:
            self.browsers[email] = Browser(self.killer.deployment.url, email)
        return self.browsers[email]

    def act(
        self,
        name: str,
        email: str,
        path: str,
        fields: Fields | Callable[[], Fields],
        check: str,
        *values: Any,
        files: Files | None = None,
    ) -> None:
        """Post until `check`, a query that answers with true, says that it is done, once; the first time with a kill.

        `fields` that are called are read from the page anew for every attempt, as a person would load it again.
        """
        self.figures.acts += 1
        browser = self.browser(email)
        before = self._entries(email)
        moment = self.killer.plan()
        for _ in range(ATTEMPTS):
            sent = fields() if callable(fields) else fields

            def send(headers: dict[str, str], sent: Fields = sent) -> Any:
                return browser.post(path, sent, files, headers)

            status = self.killer.press(moment, send)
            is_done = self.value(check, *values)
            if status is not None and status < 400:
                self.figures.acknowledged += 1
                if not is_done:
                    raise LostError(f"{name} was answered with {status} and is not there")
                self._send_again(name, email, send, check, *values)
                break
            if status is not None:
                raise LostError(f"{name} was answered with {status}: {browser.messages}")
            if is_done:
                self.figures.done_unanswered += 1
                self.figures.done_unanswered_at[str(moment)] += 1
                self._send_again(name, email, send, check, *values)
                break
            self.figures.undone += 1
            if self._entries(email) != before:
                raise LostError(f"{name} was cut off and left something in the audit log")
            moment = None
        else:
            raise LostError(f"{name} could not be done")
        self.ledger.append((name, check, values))

    def _send_again(
        self, name: str, email: str, send: Callable[[dict[str, str]], Any], check: str, *values: Any
    ) -> None:
        """Whoever got no answer, or did not wait for it, presses the button again: it changes nothing more."""
        before = self._entries(email)
        status = self.killer.press(None, send)
        if status is None or (status >= 400 and status not in REFUSALS):
            raise LostError(f"{name}, sent again, was answered with {status}")
        if not self.value(check, *values) or self._entries(email) != before:
            raise LostError(f"{name}, sent again, was done a second time")
        self.figures.refused_again += status >= 400

    def _entries(self, email: str) -> int:
        """How often the audit log tells of this person."""
        return self.value(
            "SELECT count(*) FROM audit_entry e JOIN person p ON p.id = e.person_id WHERE p.email = %s", email
        )

    def wait(self, name: str, check: str, *values: Any) -> None:
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            if self.value(check, *values):
                return
            time.sleep(0.1)
        raise LostError(f"{name} did not happen within {PATIENCE_S} s")

    def settle(self) -> None:
        """Let the worker do what is queued; the last one held something as well when it was killed."""
        self.killer.deployment.kill("worker")
        self.killer.repair(["worker"])
        self.wait(
            "the end of the queue",
            "SELECT count(*) = 0 FROM dramatiq.queue WHERE state IN ('queued', 'consumed')"
            # The ticks of the worker that runs come and go.
            " AND message->>'actor_name' NOT IN ('do_what_is_due', 'begin_digests')",
        )
