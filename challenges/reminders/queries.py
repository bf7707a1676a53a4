"""Every SELECT about reminders. Days are those of the program's own clock."""

import uuid
from collections.abc import Awaitable, Callable, Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from challenges.amendments.models import Amendment
from challenges.amendments.queries import is_unconfirmed
from challenges.bids.models import Bid, BidMember, BidMemberState, BidState
from challenges.postings.models import Challenge
from challenges.postings.queries import open_for_bids
from challenges.programs.models import Program, ProgramOfficer
from challenges.programs.queries import days_before
from challenges.reminders.models import QueueCheck, Reminder
from core.accounts.models import Person, PersonRole, PlatformRole

# The first reminder, and the last one; each day count but the last has the next one behind it.
DAYS = (7, 1)
# How often a queue is looked through.
QUEUE_PAUSE = timedelta(minutes=10)


def _before_deadline(days: int) -> ColumnElement[datetime]:
    return days_before(Challenge.deadline_at, days)


def _is_near(days: int, since: Any, now: datetime) -> list[ColumnElement[bool]]:
    """Within so many days of the deadline, not so near that the next reminder is due.

    Who has begun or was asked within these days needs no reminder yet.
    """
    conditions = [open_for_bids(now), _before_deadline(days) <= now, since < _before_deadline(days)]
    conditions += [_before_deadline(fewer) > now for fewer in DAYS if fewer < days]
    return conditions


def _is_reminded(kind: str, subject_id: Any) -> ColumnElement[bool]:
    return exists().where(
        Reminder.kind == kind,
        Reminder.subject_id == subject_id,
        Reminder.due_at == Challenge.deadline_at,
    )


_BID = (
    selectinload(Bid.challenge).selectinload(Challenge.program),
    selectinload(Bid.organization),
)


def _next_bid(
    kind: str, days: int, state: BidState, since: Any
) -> Callable[[AsyncSession, datetime, Collection[uuid.UUID]], Awaitable[Bid | None]]:
    """Finds a bid in this state whose deadline is near and whose lead has not been reminded; `since` is when what it
    is reminded of began."""

    async def find(session: AsyncSession, now: datetime, besides: Collection[uuid.UUID]) -> Bid | None:
        statement = (
            select(Bid)
            .join(Challenge, Challenge.id == Bid.challenge_id)
            .join(Program, Program.id == Challenge.program_id)
            .where(
                Bid.state == state,
                *_is_near(days, since, now),
                ~_is_reminded(kind, Bid.id),
                Bid.id.not_in(besides),
            )
            .options(*_BID)
            .order_by(Challenge.deadline_at, Bid.id)
            .limit(1)
            .with_for_update(skip_locked=True, of=Bid)
        )
        return await session.scalar(statement)

    return find


def next_draft(
    kind: str, days: int
) -> Callable[[AsyncSession, datetime, Collection[uuid.UUID]], Awaitable[Bid | None]]:
    """Finds a draft whose deadline is near and whose lead has not been reminded."""
    return _next_bid(kind, days, BidState.DRAFT, Bid.created_at)


def next_unconfirmed(
    kind: str, days: int
) -> Callable[[AsyncSession, datetime, Collection[uuid.UUID]], Awaitable[Bid | None]]:
    """Finds a bid handed in whose lead has not said that it stands after a change, as `next_draft`.

    A draft has its own reminder, and cannot be handed in unconfirmed.
    """
    # Null, and not near, where nothing waits for a confirmation.
    asked_at = select(func.max(Amendment.decided_at)).where(is_unconfirmed()).correlate(Bid).scalar_subquery()
    return _next_bid(kind, days, BidState.SUBMITTED, asked_at)


def next_invitation(
    kind: str, days: int
) -> Callable[[AsyncSession, datetime, Collection[uuid.UUID]], Awaitable[BidMember | None]]:
    """Finds a part in a bid that its organization has not answered, as `next_draft`."""

    async def find(session: AsyncSession, now: datetime, besides: Collection[uuid.UUID]) -> BidMember | None:
        statement = (
            select(BidMember)
            .join(Bid, Bid.id == BidMember.bid_id)
            .join(Challenge, Challenge.id == Bid.challenge_id)
            .join(Program, Program.id == Challenge.program_id)
            .where(
                BidMember.state == BidMemberState.INVITED,
                Bid.state != BidState.WITHDRAWN,
                *_is_near(days, BidMember.created_at, now),
                ~_is_reminded(kind, BidMember.id),
                BidMember.id.not_in(besides),
            )
            .options(selectinload(BidMember.bid).options(*_BID))
            .order_by(Challenge.deadline_at, BidMember.id)
            .limit(1)
            .with_for_update(skip_locked=True, of=BidMember)
        )
        return await session.scalar(statement)

    return find


async def next_queue(session: AsyncSession, now: datetime, besides: Collection[uuid.UUID]) -> Person | None:
    """An officer in charge of something whose queue was not looked through for QUEUE_PAUSE, locked."""
    in_charge = exists().where(ProgramOfficer.person_id == Person.id)
    officer = exists().where(PersonRole.person_id == Person.id, PersonRole.role == PlatformRole.OFFICER)
    statement = (
        select(Person)
        .outerjoin(QueueCheck, QueueCheck.person_id == Person.id)
        .where(
            in_charge,
            officer,
            Person.is_disabled.is_(False),
            or_(QueueCheck.checked_at.is_(None), QueueCheck.checked_at <= now - QUEUE_PAUSE),
            Person.id.not_in(besides),
        )
        .order_by(QueueCheck.checked_at.asc().nulls_first(), Person.id)
        .limit(1)
        # Beside logins and notifications, which only point at the person.
        .with_for_update(skip_locked=True, of=Person, key_share=True)
    )
    return await session.scalar(statement)
