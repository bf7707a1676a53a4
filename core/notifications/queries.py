"""Every SELECT about notifications."""

import uuid
from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.accounts.models import Person
from core.notifications.models import (
    Delivery,
    Notification,
    NotificationDigest,
    NotificationPreference,
)

# Nobody reads an exact number above it in a badge.
MOST_COUNTED = 100


async def present_people(session: AsyncSession, ids: Iterable[uuid.UUID]) -> list[uuid.UUID]:
    """Those whose account may be used, in the order of their ids."""
    statement = (
        select(Person.id).where(Person.id.in_(list(ids)), Person.is_disabled.is_(False)).order_by(Person.id)
    )
    return list(await session.scalars(statement))


async def chosen_deliveries(
    session: AsyncSession, person_ids: Collection[uuid.UUID], kind: str
) -> Mapping[uuid.UUID, Delivery]:
    statement = select(NotificationPreference.person_id, NotificationPreference.delivery).where(
        NotificationPreference.person_id.in_(person_ids), NotificationPreference.kind == kind
    )
    return {row[0]: row[1] for row in await session.execute(statement)}


async def preferences_of(session: AsyncSession, person_id: uuid.UUID) -> dict[str, Delivery]:
    """Kind -> what the person has chosen instead of its default."""
    statement = select(NotificationPreference.kind, NotificationPreference.delivery).where(
        NotificationPreference.person_id == person_id
    )
    return {row[0]: row[1] for row in await session.execute(statement)}


async def unread_count(session: AsyncSession, person_id: uuid.UUID) -> int:
    """At most MOST_COUNTED."""
    unread = (
        select(Notification.id)
        .where(Notification.person_id == person_id, Notification.read_at.is_(None))
        .limit(MOST_COUNTED)
        .subquery()
    )
    return (await session.execute(select(func.count()).select_from(unread))).scalar_one()


async def notification_of(
    session: AsyncSession, person_id: uuid.UUID, notification_id: uuid.UUID
) -> Notification | None:
    return await session.scalar(
        select(Notification).where(Notification.id == notification_id, Notification.person_id == person_id)
    )


def _listed(person_id: uuid.UUID, *, unread: bool, kinds: Collection[str] | None) -> ColumnElement[bool]:
    condition: ColumnElement[bool] = Notification.person_id == person_id
    if unread:
        condition = and_(condition, Notification.read_at.is_(None))
    if kinds is not None:
        condition = and_(condition, Notification.kind.in_(kinds))
    return condition


async def page_of_notifications(
    session: AsyncSession,
    person_id: uuid.UUID,
    *,
    unread: bool,
    kinds: Collection[str] | None,
    limit: int,
    offset: int,
) -> tuple[list[Notification], int]:
    """A person's notifications, newest first, and how many there are; `kinds` None means all."""
    condition = _listed(person_id, unread=unread, kinds=kinds)
    total = (
        await session.execute(select(func.count()).select_from(Notification).where(condition))
    ).scalar_one()
    statement = (
        select(Notification)
        .where(condition)
        .order_by(Notification.created_at.desc(), Notification.id)
        .limit(limit)
        .offset(offset)
    )
    return list(await session.scalars(statement)), total


async def notification_locked(session: AsyncSession, notification_id: uuid.UUID) -> Notification | None:
    """For the job that mails it: a second worker waits and finds it done."""
    return await session.scalar(
        select(Notification).where(Notification.id == notification_id).with_for_update()
    )


async def people_due_for_digest(
    session: AsyncSession, day: date, told_before: datetime, *, limit: int
) -> list[uuid.UUID]:
    """Who was told something before that moment, for a digest, and has none of that day yet."""
    has_one = select(NotificationDigest.person_id).where(NotificationDigest.day == day)
    statement = (
        select(Notification.person_id)
        .where(
            Notification.delivery == Delivery.DAILY,
            Notification.digest_id.is_(None),
            Notification.created_at < told_before,
            Notification.person_id.not_in(has_one),
        )
        .distinct()
        .order_by(Notification.person_id)
        .limit(limit)
    )
    return list(await session.scalars(statement))


async def digest_locked(session: AsyncSession, digest_id: uuid.UUID) -> NotificationDigest | None:
    return await session.scalar(
        select(NotificationDigest).where(NotificationDigest.id == digest_id).with_for_update()
    )


async def undigested(session: AsyncSession, person_id: uuid.UUID) -> list[Notification]:
    """Oldest first, locked."""
    statement = (
        select(Notification)
        .where(
            Notification.person_id == person_id,
            Notification.delivery == Delivery.DAILY,
            Notification.digest_id.is_(None),
        )
        .order_by(Notification.created_at, Notification.id)
        .with_for_update()
    )
    return list(await session.scalars(statement))
