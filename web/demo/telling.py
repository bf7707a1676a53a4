"""How the demonstration's past is told: use cases called as people call them, each at the moment it happened.

Where time has to pass, the moment is told (`core.clock.at`) instead of waited for; times that the database itself
writes into new rows are set to it in `_backdate` alone.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncSession

from challenges.models import Challenge, Program
from challenges.postings.service import read_challenge
from core import clock
from core.accounts.models import PlatformRole
from core.actor import Actor
from core.clock import to_shanghai, utc_now
from core.database import Created
from core.process import Process
from core.schedule import catch_up
from web.demo.cast import Demo

DRAIN_TIMEOUT_S = 300


@dataclass(frozen=True)
class Story:
    process: Process
    demo: Demo

    @asynccontextmanager
    async def day(self, days_ago: int = 0, hour: int = 10) -> AsyncIterator[AsyncSession]:
        """A transaction at an hour (in Shanghai) so many days ago; of today it is now."""
        if days_ago == 0:
            async with self.process.transaction() as session:
                yield session
            return
        moment = moment_of(days_ago, hour)
        with clock.at(moment):
            async with self.process.transaction() as session:
                _backdate(session, moment)
                yield session
                await session.flush()
                # What this very transaction has told: rows of it have its beginning as their time.
                await session.execute(
                    text("UPDATE notification SET created_at = :moment WHERE created_at = now()"),
                    {"moment": moment},
                )

    async def pass_time(self, days_ago: int, hour: int = 10) -> None:
        """Let the schedule do what was due by then."""
        with clock.at(moment_of(days_ago, hour)):
            await catch_up()

    async def finish_jobs(self) -> None:
        """Wait until the worker has done everything that is queued."""
        started = time.monotonic()
        while time.monotonic() - started < DRAIN_TIMEOUT_S:
            async with self.process.transaction() as session:
                waiting = await session.scalar(
                    text("SELECT count(*) FROM dramatiq.queue WHERE state IN ('queued', 'consumed')")
                )
            if not waiting:
                return
            await asyncio.sleep(0.1)
        raise TimeoutError("the demonstration's jobs did not end")

    @property
    def officer(self) -> Actor:
        return self._officer("officer@demo.example")

    @property
    def second_officer(self) -> Actor:
        return self._officer("officer2@demo.example")

    def _officer(self, email: str) -> Actor:
        person = self.demo.people[email]
        return Actor(
            person_id=person.id,
            name=person.name,
            email=person.email,
            roles=frozenset({PlatformRole.OFFICER}),
        )

    async def challenge(self, session: AsyncSession, key: str) -> Challenge:
        """A challenge as an officer reads it, whole."""
        return await read_challenge(session, self.officer, self.demo.challenges[key].id)

    def program_of(self, key: str) -> Program:
        program_id = self.demo.challenges[key].program_id
        return next(item for item in self.demo.programs.values() if item.id == program_id)


def moment_of(days_ago: int, hour: int = 10) -> datetime:
    if days_ago == 0:
        return utc_now()
    return to_shanghai(utc_now()).replace(hour=hour, minute=0, second=0, microsecond=0) - timedelta(
        days=days_ago
    )


def _backdate(session: AsyncSession, moment: datetime) -> None:
    """New rows get the told moment where the database would write its own."""

    def stamp(sync_session: Any, _context: Any, _instances: Any) -> None:
        for row in sync_session.new:
            if isinstance(row, Created):
                row.created_at = moment

    event.listen(session.sync_session, "before_flush", stamp)
