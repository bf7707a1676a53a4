"""How the demonstration's past is told: use cases called as people call them, each at the moment it happened.

Where time has to pass, the moment is told (`core.clock.at`) instead of waited for; times that the database itself
writes into new rows are set to it in `_backdate` alone.
"""

import asyncio
import time
import uuid
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
from core.clock import SHANGHAI
from core.database import Created, Updated, database_time
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

    async def pass_time(self, days_ago: int, *kinds: str, hour: int = 10) -> None:
        """Let the schedule do what was due by then, of these kinds or of all."""
        moment = moment_of(days_ago, hour)
        async with self.process.transaction() as session:
            begun = await database_time(session)
        with clock.at(moment):
            await catch_up(*kinds)
        async with self.process.transaction() as session:
            await session.execute(
                text("UPDATE notification SET created_at = :moment WHERE created_at >= :begun"),
                {"moment": moment, "begun": begun},
            )

    async def read_old_messages(self) -> None:
        """Everybody has read what they were told until a fortnight ago."""
        async with self.process.transaction() as session:
            await session.execute(
                text(
                    "UPDATE notification SET read_at = created_at + interval '5 hours'"
                    " WHERE created_at < now() - interval '14 days'"
                )
            )

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

    def owner_by_id(self, organization_id: uuid.UUID) -> Actor:
        """As `Demo.owner_of`, for an organization that a use case has chosen."""
        found = next(key for key, item in self.demo.organizations.items() if item.id == organization_id)
        return self.demo.owner_of(found)

    async def challenge(self, session: AsyncSession, key: str) -> Challenge:
        """A challenge as an officer reads it, whole."""
        return await read_challenge(session, self.officer, self.demo.challenges[key].id)

    def program_of(self, key: str) -> Program:
        program_id = self.demo.challenges[key].program_id
        return next(item for item in self.demo.programs.values() if item.id == program_id)


def moment_of(days_ago: int, hour: int = 10) -> datetime:
    """Counted from the real present, whatever is told at the moment."""
    now = datetime.now(SHANGHAI)
    if days_ago == 0:
        return now
    return now.replace(hour=hour, minute=0, second=0, microsecond=0) - timedelta(days=days_ago)


def _backdate(session: AsyncSession, moment: datetime) -> None:
    """Rows get the told moment where the database would write its own."""

    def stamp(sync_session: Any, _context: Any, _instances: Any) -> None:
        for row in sync_session.new:
            if isinstance(row, Created):
                row.created_at = moment
        for row in [*sync_session.new, *sync_session.dirty]:
            if isinstance(row, Updated) and sync_session.is_modified(row):
                row.updated_at = moment

    event.listen(session.sync_session, "before_flush", stamp)
