"""Telling people: `notify` is the one way in; how it is shown, mailed and read follows from what it wrote."""

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import delete, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from core import audit
from core.actor import Actor
from core.database import database_time
from core.errors import NotFoundError
from core.i18n import lazy_gettext as _
from core.jobs import enqueue
from core.notifications import queries
from core.notifications.jobs import mail_notification
from core.notifications.kinds import Kind, all_kinds, kind_of, link_of, subject_of, text_of
from core.notifications.listening import wake_streams
from core.notifications.models import Delivery, Notification, NotificationPreference
from core.notifications.sight import visible_among


class Subject(Protocol):
    """A row of the database."""

    __tablename__: str
    id: Any


async def notify(
    session: AsyncSession,
    event_key: str,
    kind: Kind,
    person_ids: Iterable[uuid.UUID],
    subject: Subject,
    parameters: Mapping[str, str],
) -> list[uuid.UUID]:
    """Tell people of an event, in the caller's transaction: in the product, and by mail as each has chosen.

    `event_key` names the event for ever, e.g. "challenge.published:<id>:<revision>": who was told of it is not told
    again, whichever process asks how often. Answers with who is told now.
    """
    await session.flush()
    people = await queries.present_people(session, set(person_ids))
    if not people:
        return []
    chosen = await queries.chosen_deliveries(session, people, kind.name)
    rows = [
        {
            "id": uuid.uuid4(),
            "event_key": event_key,
            "person_id": person_id,
            "kind": kind.name,
            "subject_type": subject.__tablename__,
            "subject_id": subject.id,
            "parameters": dict(parameters),
            "delivery": chosen.get(person_id, kind.delivery),
        }
        for person_id in people
    ]
    # In the order of the people's ids: two workers that tell of the same event wait for each other, never crosswise.
    statement = (
        insert(Notification)
        .values(rows)
        .on_conflict_do_nothing(index_elements=["event_key", "person_id"])
        .returning(Notification.id, Notification.person_id, Notification.delivery)
    )
    told: list[uuid.UUID] = []
    for notification_id, person_id, delivery in (await session.execute(statement)).all():
        told.append(person_id)
        if delivery is Delivery.AT_ONCE:
            await enqueue(session, mail_notification, notification_id)
        await wake_streams(session, person_id)
    return told


@dataclass(frozen=True)
class Line:
    """A notification as its reader may see it; without texts and link where they may not, or where its kind is gone."""

    notification: Notification
    kind: Kind | None
    subject: str
    text: str
    link: str | None

    @property
    def is_hidden(self) -> bool:
        return self.link is None


async def lines_of(
    session: AsyncSession, person_id: uuid.UUID, notifications: Sequence[Notification]
) -> list[Line]:
    seen = await visible_among(session, person_id, notifications)
    return [_line(item, item.id in seen) for item in notifications]


def _line(item: Notification, is_visible: bool) -> Line:
    kind = kind_of(item.kind)
    if kind is None or not is_visible:
        return Line(item, kind, "", "", None)
    return Line(
        item,
        kind,
        subject_of(kind, item.parameters),
        text_of(kind, item.parameters),
        link_of(kind, item.subject_id, item.parameters),
    )


async def open_notification(session: AsyncSession, actor: Actor, notification_id: uuid.UUID) -> str:
    """Mark it read and answer where it leads."""
    item = await _own(session, actor, notification_id)
    assert actor.person_id is not None
    (line,) = await lines_of(session, actor.person_id, [item])
    if line.link is None:
        raise NotFoundError(_("This is not available to you any more."))
    await mark_read(session, actor, [item.id])
    return line.link


async def read_notification(session: AsyncSession, actor: Actor, notification_id: uuid.UUID) -> Notification:
    item = await _own(session, actor, notification_id)
    await mark_read(session, actor, [item.id])
    return item


async def mark_read(
    session: AsyncSession, actor: Actor, notification_ids: Collection[uuid.UUID] | None
) -> None:
    """Mark these of the person's own notifications as read, or all for None."""
    assert actor.person_id is not None
    statement = update(Notification).where(
        Notification.person_id == actor.person_id, Notification.read_at.is_(None)
    )
    if notification_ids is not None:
        statement = statement.where(Notification.id.in_(notification_ids))
    await session.execute(statement.values(read_at=await database_time(session)))
    await wake_streams(session, actor.person_id)


async def _own(session: AsyncSession, actor: Actor, notification_id: uuid.UUID) -> Notification:
    assert actor.person_id is not None
    item = await queries.notification_of(session, actor.person_id, notification_id)
    if item is None:
        raise NotFoundError(_("There is no such notification."))
    return item


async def choose_deliveries(session: AsyncSession, actor: Actor, chosen: Mapping[str, Delivery]) -> None:
    """Keep how the person wants kinds delivered; what equals the default is not kept, so that it follows it."""
    assert actor.person_id is not None
    before = await queries.preferences_of(session, actor.person_id)
    wanted = {
        kind.name: chosen[kind.name]
        for kind in all_kinds()
        if kind.name in chosen and chosen[kind.name] is not kind.delivery
    }
    kept = {name: delivery for name, delivery in before.items() if name not in chosen} | wanted
    if kept == before:
        return
    await session.execute(
        delete(NotificationPreference).where(NotificationPreference.person_id == actor.person_id)
    )
    session.add_all(
        NotificationPreference(person_id=actor.person_id, kind=name, delivery=delivery)
        for name, delivery in kept.items()
    )
    await audit.record(
        session,
        actor,
        "person.notifications_chosen",
        "person",
        actor.person_id,
        {
            name: [before.get(name), kept.get(name)]
            for name in before.keys() | kept.keys()
            if before.get(name) != kept.get(name)
        },
    )
