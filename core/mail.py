"""Mail: written to `mail_message` with the change that causes it, sent by an actor, visible there ever after."""

import asyncio
import smtplib
import ssl
import uuid
from contextlib import suppress
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from urllib.parse import unquote, urlsplit

from sqlalchemy import DateTime, String, Text, func, select, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from core.clock import utc_now
from core.database import Base, Created, Key
from core.jobs import actor, enqueue
from core.process import current_process
from core.settings import Settings

SMTP_TIMEOUT_S = 30
PER_PAGE = 20


class MailMessage(Created, Base):
    __tablename__ = "mail_message"

    id: Mapped[Key]
    recipient: Mapped[str] = mapped_column(String(254), index=True)
    subject: Mapped[str] = mapped_column(String(300))
    body: Mapped[str] = mapped_column(Text)
    sent_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
    failure: Mapped[str] = mapped_column(Text, default="", server_default="")


async def send_mail(session: AsyncSession, *, recipient: str, subject: str, body: str) -> MailMessage:
    """Queue a plain-text mail; it leaves if and only if the transaction commits."""
    # A line break in a header would let a name smuggle further headers in.
    message = MailMessage(recipient=recipient, subject=" ".join(subject.split())[:300], body=body)
    session.add(message)
    await session.flush()
    await enqueue(session, deliver_mail, message.id)
    return message


@actor(queue="mail")
async def deliver_mail(message_id: str) -> None:
    process = current_process()
    failure: Exception | None = None
    async with process.transaction() as session:
        message = await session.scalar(
            select(MailMessage)
            .where(MailMessage.id == uuid.UUID(message_id))
            .with_for_update(skip_locked=True)
        )
        if message is None or message.sent_at is not None:
            return
        try:
            if process.settings.smtp_url is not None:
                await asyncio.to_thread(_hand_over, process.settings, message)
            message.sent_at, message.failure = utc_now(), ""
        except (OSError, smtplib.SMTPException, MessageError, ValueError) as error:
            failure = error
            message.failure = str(error)
    # Raised after the commit: what went wrong stays visible while the broker tries again.
    if failure is not None:
        raise failure


async def messages(session: AsyncSession, *, recipient: str, page: int) -> tuple[list[MailMessage], int]:
    """A page of mail, newest first, and how much there is; an empty recipient means everybody's."""
    condition = MailMessage.recipient == recipient.strip().lower() if recipient.strip() else true()
    total = (
        await session.execute(select(func.count()).select_from(MailMessage).where(condition))
    ).scalar_one()
    statement = (
        select(MailMessage)
        .where(condition)
        .order_by(MailMessage.created_at.desc(), MailMessage.id)
        .limit(PER_PAGE)
        .offset((page - 1) * PER_PAGE)
    )
    return list(await session.scalars(statement)), total


def _hand_over(settings: Settings, message: MailMessage) -> None:
    assert settings.smtp_url is not None
    address = urlsplit(settings.smtp_url)
    mail = EmailMessage()
    mail["From"] = settings.mail_from
    # Parsed as the one address it must be: a comma or line break in it is refused, not understood.
    mail["To"] = Address(addr_spec=message.recipient)
    mail["Subject"] = message.subject
    mail["Date"] = format_datetime(message.created_at)
    # The same id at every attempt lets mail servers drop a duplicate.
    mail["Message-ID"] = f"<{message.id}@{urlsplit(settings.public_url).hostname or 'jiebang'}>"
    mail.set_content(message.body)
    context = ssl.create_default_context()
    host = address.hostname or "localhost"
    if address.scheme == "smtps":
        client: smtplib.SMTP = smtplib.SMTP_SSL(
            host, address.port or 465, timeout=SMTP_TIMEOUT_S, context=context
        )
    else:
        client = smtplib.SMTP(host, address.port or 25, timeout=SMTP_TIMEOUT_S)
    try:
        if address.scheme == "smtp+starttls":
            client.starttls(context=context)
        if address.username:
            client.login(unquote(address.username), unquote(address.password or ""))
        client.send_message(mail)
    finally:
        # The server has taken the mail or refused it: a farewell that fails must not have it sent again.
        with suppress(OSError, smtplib.SMTPException):
            client.quit()
        client.close()
