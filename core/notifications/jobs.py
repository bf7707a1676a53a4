"""Actors that turn notifications into mail."""

import uuid

from core.accounts import queries as account_queries
from core.clock import utc_now
from core.i18n import gettext, use_locale
from core.jobs import actor
from core.mail import send_mail
from core.notifications import queries
from core.notifications.kinds import kind_of, link_of, subject_of, text_of
from core.notifications.sight import visible_among
from core.process import current_process


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
            item.withheld_at = utc_now()
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


def mail_footer(public_url: str) -> str:
    return "-- \n" + gettext(
        "What is mailed to you, and when: %(link)s", link=f"{public_url}/account/notifications"
    )
