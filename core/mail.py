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
from enum import StrEnum
from typing import Any
from urllib.parse import unquote, urlsplit

from sqlalchemy import DateTime, SmallInteger, String, Text, and_, func, select, text, true, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from core import audit
from core.actor import Actor
from core.database import Base, Created, Key, database_time
from core.errors import ConflictError, ForbiddenError, NotFoundError
from core.i18n import lazy_gettext as _
from core.jobs import MAX_RETRIES, actor, enqueue
from core.process import Process, current_process
from core.settings import Settings

SMTP_TIMEOUT_S = 30
INTERRUPTED = "Interrupted while the mail server was taking it: it may have arrived."
PER_PAGE = 20


class MailMessage(Created, Base):
    __tablename__ = "mail_message"

    id: Mapped[Key]
    recipient: Mapped[str] = mapped_column(String(254), index=True)
    subject: Mapped[str] = mapped_column(String(300))
    body: Mapped[str] = mapped_column(Text)
    sent_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
    failure: Mapped[str] = mapped_column(Text, default="", server_default="")
    attempts: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    # Set just before the server is given the text, taken back when it answers: found set, the worker was killed.
    handing_over_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
    # From then on only an administrator has it tried again.
    given_up_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None, index=True)


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
    """Hand a mail to the server, at most once: what a killed worker may have handed over is left to a person."""
    process, key = current_process(), uuid.UUID(message_id)
    failure: Exception | None = None
    async with process.transaction() as session:
        # Held as long as the server is spoken to, and gone with a worker that is killed. The row itself stays free
        # for the mark that another transaction makes meanwhile.
        if not await _lock(session, key):
            return
        message = await session.scalar(select(MailMessage).where(MailMessage.id == key))
        if message is None or message.sent_at is not None or message.given_up_at is not None:
            return
        if message.handing_over_at is not None:
            await _write(session, key, given_up_at=await database_time(session), failure=INTERRUPTED)
            return
        try:
            if process.settings.smtp_url is not None:
                await _hand_over(process, message)
            await _write(session, key, sent_at=await database_time(session), failure="", handing_over_at=None)
        except UncertainError as error:
            await _write(
                session,
                key,
                given_up_at=await database_time(session),
                failure=f"{INTERRUPTED} {error}".strip(),
            )
        except (OSError, smtplib.SMTPException, MessageError, ValueError) as error:
            attempts = message.attempts + 1
            is_final = _is_permanent(error) or attempts > MAX_RETRIES
            failure = None if is_final else error
            await _write(
                session,
                key,
                attempts=attempts,
                failure=str(error),
                handing_over_at=None,
                given_up_at=await database_time(session) if is_final else None,
            )
    # Raised after the commit: what went wrong stays visible while the broker tries again.
    if failure is not None:
        raise failure


async def _lock(session: AsyncSession, key: uuid.UUID) -> bool:
    number = int.from_bytes(key.bytes[:8], "big", signed=True)
    return bool(await session.scalar(text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": number}))


async def _write(session: AsyncSession, key: uuid.UUID, **values: Any) -> None:
    await session.execute(update(MailMessage).where(MailMessage.id == key).values(**values))


def _is_permanent(error: Exception) -> bool:
    """Whether the same mail would be refused for ever: an address that is none, or a server that says so (5xx)."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _answer in error.recipients.values())
    if isinstance(error, smtplib.SMTPDataError | smtplib.SMTPSenderRefused):
        return error.smtp_code >= 500
    return isinstance(error, MessageError | ValueError) and not isinstance(error, OSError)


async def retry_mail(session: AsyncSession, actor: Actor, message_id: uuid.UUID) -> MailMessage:
    """Try again what was given up, because a person says so: it may then arrive a second time."""
    if not actor.is_administrator:
        raise ForbiddenError(_("Only administrators see to mail."))
    message = await session.scalar(select(MailMessage).where(MailMessage.id == message_id).with_for_update())
    if message is None:
        raise NotFoundError(_("There is no such mail."))
    if message.given_up_at is None:
        raise ConflictError(_("This mail is not waiting for a decision."))
    message.given_up_at, message.handing_over_at, message.attempts = None, None, 0
    await session.flush()
    await audit.record(session, actor, "mail.retried", "mail_message", message.id)
    await enqueue(session, deliver_mail, message.id)
    return message


class Shown(StrEnum):
    """Which mail a list shows."""

    ALL = "all"
    FAILED = "failed"
    WAITING = "waiting"


async def messages(
    session: AsyncSession, *, recipient: str, page: int, shown: Shown = Shown.ALL
) -> tuple[list[MailMessage], int]:
    """A page of mail, newest first, and how much there is; an empty recipient means everybody's."""
    condition = MailMessage.recipient == recipient.strip().lower() if recipient.strip() else true()
    if shown is Shown.FAILED:
        condition = and_(condition, MailMessage.given_up_at.is_not(None))
    if shown is Shown.WAITING:
        condition = and_(condition, MailMessage.sent_at.is_(None), MailMessage.given_up_at.is_(None))
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


class UncertainError(Exception):
    """The connection broke while the server was taking the mail: it may have it or not."""


async def _hand_over(process: Process, message: MailMessage) -> None:
    mail = _email(process.settings, message)
    client = await asyncio.to_thread(_connected, process.settings)
    try:
        # From here on the server may have it without our learning so.
        async with process.transaction() as marking:
            await _write(marking, message.id, handing_over_at=await database_time(marking))
        try:
            await asyncio.to_thread(client.send_message, mail)
        except smtplib.SMTPServerDisconnected as error:
            raise UncertainError(str(error)) from error
        except smtplib.SMTPException:
            raise
        except OSError as error:
            raise UncertainError(str(error)) from error
    finally:
        await asyncio.to_thread(_farewell, client)


def _email(settings: Settings, message: MailMessage) -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = settings.mail_from
    # Parsed as the one address it must be: a comma or line break in it is refused, not understood.
    mail["To"] = Address(addr_spec=message.recipient)
    mail["Subject"] = message.subject
    mail["Date"] = format_datetime(message.created_at)
    # The same id at every attempt lets mail servers drop a duplicate.
    mail["Message-ID"] = f"<{message.id}@{urlsplit(settings.public_url).hostname or 'jiebang'}>"
    mail.set_content(message.body)
    return mail


def _connected(settings: Settings) -> smtplib.SMTP:
    assert settings.smtp_url is not None
    address = urlsplit(settings.smtp_url)
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
    except BaseException:
        client.close()
        raise
    return client


def _farewell(client: smtplib.SMTP) -> None:
    # The server has taken the mail or refused it: a farewell that fails must not have it sent again.
    with suppress(OSError, smtplib.SMTPException):
        client.quit()
    client.close()
