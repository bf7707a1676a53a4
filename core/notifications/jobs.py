"""Actors that turn notifications into mail."""

import uuid
from collections.abc import Sequence

from sqlalchemy.dialects.postgresql import insert

from core.accounts import queries as account_queries
from core.clock import to_shanghai
from core.database import database_time
from core.i18n import gettext, ngettext, use_locale
from core.jobs import actor, enqueue
from core.mail import send_mail
from core.notifications import queries
from core.notifications.kinds import Kind, kind_of, link_of, subject_of, text_of
from core.notifications.models import Delivery, Notification, NotificationDigest
from core.notifications.sight import visible_among
from core.process import current_process

# Before the day's work begins, in Asia/Shanghai.
DIGEST_HOUR = 8
# The next tick begins the others'.
DIGESTS_AT_ONCE = 500


@actor(queue="mail")
async def mail_notification(notification_id: str) -> None:
    """Make the one mail of a notification, unless its reader may not see it any more."""
    process = current_process()
    async with process.transaction() as session:
        item = await queries.notification_locked(session, uuid.UUID(notification_id))
        if item is None or item.mail_id is not None or item.withheld_at is not None:
            return
        person = await account_queries.person_by_id(session, item.person_id)
        kind = kind_of(item.kind)
        visible = await visible_among(session, item.person_id, [item])
        if person is None or person.is_disabled or kind is None or item.id not in visible:
            item.withheld_at = await database_time(session)
            return
        with use_locale(person.locale):
            link = process.settings.public_url + link_of(kind, item.subject_id, item.parameters)
            body = "\n\n".join(
                [
                    gettext("Hello %(name)s,", name=person.name),
                    text_of(kind, item.parameters),
                    link,
                    mail_footer(process.settings.public_url),
                ]
            )
            message = await send_mail(
                session,
                recipient=person.email,
                subject=subject_of(kind, item.parameters),
                body=body,
            )
        item.mail_id = message.id


@actor(queue="mail")
async def begin_digests() -> None:
    """From DIGEST_HOUR on, begin the day's digest of everybody who has something to be told. May run as often as
    it likes: the database holds one digest per person and day."""
    async with current_process().transaction() as session:
        now = to_shanghai(await database_time(session))
        if now.hour < DIGEST_HOUR:
            return
        due_at = now.replace(hour=DIGEST_HOUR, minute=0, second=0, microsecond=0)
        for person_id in await queries.people_due_for_digest(
            session, now.date(), due_at, limit=DIGESTS_AT_ONCE
        ):
            digest_id = await session.scalar(
                insert(NotificationDigest)
                .values(id=uuid.uuid4(), person_id=person_id, day=now.date())
                .on_conflict_do_nothing(index_elements=["person_id", "day"])
                .returning(NotificationDigest.id)
            )
            if digest_id is not None:
                await enqueue(session, compose_digest, digest_id)


@actor(queue="mail")
async def compose_digest(digest_id: str) -> None:
    """Make the digest's mail of what its reader has not read yet and may still see; none where nothing is left."""
    process = current_process()
    async with process.transaction() as session:
        digest = await queries.digest_locked(session, uuid.UUID(digest_id))
        if digest is None or digest.composed_at is not None:
            return
        person = await account_queries.person_by_id(session, digest.person_id)
        items = await queries.undigested(session, digest.person_id)
        visible = await visible_among(session, digest.person_id, items)
        chosen = await queries.preferences_of(session, digest.person_id)
        digest.composed_at = await database_time(session)
        told: list[tuple[Kind, Notification]] = []
        for item in items:
            item.digest_id = digest.id
            kind = kind_of(item.kind)
            if item.id not in visible:
                item.withheld_at = await database_time(session)
            elif kind is not None and item.read_at is None and chosen.get(item.kind) is not Delivery.NEVER:
                told.append((kind, item))
        if person is None or person.is_disabled or not told:
            return
        with use_locale(person.locale):
            message = await send_mail(
                session,
                recipient=person.email,
                subject=ngettext(
                    "%(num)s notification of %(day)s",
                    "%(num)s notifications of %(day)s",
                    len(told),
                    day=digest.day.isoformat(),
                ),
                body=digest_body(process.settings.public_url, person.name, told),
            )
        digest.mail_id = message.id


def digest_body(public_url: str, name: str, told: Sequence[tuple[Kind, Notification]]) -> str:
    parts = [gettext("Hello %(name)s,", name=name)]
    for kind, item in told:
        link = public_url + link_of(kind, item.subject_id, item.parameters)
        parts.append(
            "\n".join([f"■ {subject_of(kind, item.parameters)}", text_of(kind, item.parameters), link])
        )
    return "\n\n".join([*parts, mail_footer(public_url)])


def mail_footer(public_url: str) -> str:
    return "-- \n" + gettext(
        "What is mailed to you, and when: %(link)s", link=f"{public_url}/account/notifications"
    )
