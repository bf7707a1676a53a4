import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import NullPool, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.accounts.models import PlatformRole
from core.actor import Actor
from core.clock import utc_now
from core.errors import ConflictError, ForbiddenError
from core.jobs import MAX_RETRIES, enqueue
from core.mail import MailMessage, deliver_mail, retry_mail, send_mail
from core.process import Process, start_process
from core.settings import Settings
from tests.integration.core.conftest import MailServer, until

RunJobs = Callable[[], Coroutine[Any, Any, None]]


@pytest.fixture
async def process(settings: Settings, mail_server: MailServer) -> AsyncIterator[Process]:
    """A process whose SMTP_URL names the mail server of the test."""
    process = start_process(
        replace(settings, smtp_url=mail_server.url, mail_from="jiebang@example.org"), poolclass=NullPool
    )
    yield process
    await process.engine.dispose()


@pytest.fixture(autouse=True)
def soon_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A retry follows at once, instead of after the quarter of a minute that production waits."""
    monkeypatch.setitem(deliver_mail.options, "min_backoff", 50)
    monkeypatch.setitem(deliver_mail.options, "max_backoff", 50)


async def write(session: AsyncSession, **parts: str) -> MailMessage:
    message = await send_mail(
        session, **{"recipient": "sme@example.com", "subject": "揭榜提醒", "body": "第一行\n第二行", **parts}
    )
    await session.commit()
    return message


async def test_a_mail_arrives_as_it_was_written(
    session: AsyncSession, mail_server: MailServer, run_jobs: RunJobs
) -> None:
    mail_server.start()
    message = await write(session)
    await run_jobs()
    await session.refresh(message)
    ((recipients, mail),) = mail_server.received
    assert recipients == ["sme@example.com"]
    assert mail["To"] == "sme@example.com"
    assert mail["From"] == "jiebang@example.org"
    assert mail["Subject"] == "揭榜提醒"
    assert mail.get_content().splitlines() == ["第一行", "第二行"]
    assert mail["Message-ID"].startswith(f"<{message.id}@")
    assert message.sent_at is not None
    assert message.failure == ""


async def test_a_mail_of_a_rolled_back_transaction_never_leaves(
    session: AsyncSession, mail_server: MailServer, run_jobs: RunJobs
) -> None:
    mail_server.start()
    await send_mail(session, recipient="sme@example.com", subject="揭榜提醒", body="")
    await session.rollback()
    await run_jobs()
    assert mail_server.received == []


async def test_a_refused_connection_is_visible_and_tried_again(
    session: AsyncSession, mail_server: MailServer, run_jobs: RunJobs
) -> None:
    message = await write(session)
    running = asyncio.create_task(run_jobs())

    async def has_failed() -> bool:
        await session.refresh(message)
        await session.commit()
        return bool(message.failure)

    await until(has_failed)
    assert "refused" in message.failure.lower()
    assert message.sent_at is None
    mail_server.start()
    await running
    await session.refresh(message)
    assert message.sent_at is not None
    assert message.failure == ""
    assert len(mail_server.received) == 1


async def test_a_temporary_refusal_of_the_server_is_tried_again(
    session: AsyncSession, mail_server: MailServer, run_jobs: RunJobs
) -> None:
    mail_server.start()
    mail_server.refuse_next = 2
    message = await write(session)
    await run_jobs()
    await session.refresh(message)
    assert message.sent_at is not None
    assert len(mail_server.received) == 1


async def test_a_server_that_never_takes_it_leaves_a_visible_failure(
    session: AsyncSession, mail_server: MailServer, run_jobs: RunJobs
) -> None:
    mail_server.start()
    mail_server.refuse_next = 1000
    message = await write(session)
    await run_jobs()
    await session.refresh(message)
    assert message.sent_at is None
    assert "greylisted" in message.failure
    assert mail_server.received == []


async def test_a_job_that_runs_again_sends_nothing_again(
    session: AsyncSession, mail_server: MailServer, run_jobs: RunJobs
) -> None:
    mail_server.start()
    message = await write(session)
    await run_jobs()
    await enqueue(session, deliver_mail, message.id)
    await session.commit()
    await run_jobs()
    assert len(mail_server.received) == 1


async def test_jobs_at_the_same_time_send_one_mail(
    session: AsyncSession, mail_server: MailServer, run_jobs: RunJobs
) -> None:
    mail_server.start()
    mail_server.takes_s = 0.2
    message = await write(session)
    for _ in range(4):
        await enqueue(session, deliver_mail, message.id)
    await session.commit()
    await run_jobs()
    assert len(mail_server.received) == 1


async def test_a_server_that_fails_after_taking_the_mail_gets_it_once(
    session: AsyncSession, mail_server: MailServer, run_jobs: RunJobs
) -> None:
    mail_server.start()
    mail_server.fails_at_farewell = True
    message = await write(session)
    await run_jobs()
    await session.refresh(message)
    assert message.sent_at is not None
    assert len(mail_server.received) == 1


async def test_a_subject_cannot_smuggle_headers_in(
    session: AsyncSession, mail_server: MailServer, run_jobs: RunJobs
) -> None:
    mail_server.start()
    await write(
        session, subject="你好\r\nBcc: victim@example.com\r\n\r\n正文", body="\r\nBcc: victim@example.com"
    )
    await run_jobs()
    ((recipients, mail),) = mail_server.received
    assert recipients == ["sme@example.com"]
    assert "Bcc" not in mail
    assert mail["Subject"] == "你好 Bcc: victim@example.com 正文"


@pytest.mark.parametrize(
    "recipient",
    [
        "sme@example.com\r\nBcc: victim@example.com",
        "sme@example.com\nvictim@example.com",
        "sme@example.com, victim@example.com",
        "沈 <sme@example.com>",
        "no address",
    ],
)
async def test_a_recipient_that_is_not_one_address_gets_nothing_and_is_told(
    recipient: str, session: AsyncSession, mail_server: MailServer, run_jobs: RunJobs
) -> None:
    mail_server.start()
    message = await write(session, recipient=recipient)
    await run_jobs()
    await session.refresh(message)
    assert mail_server.received == []
    assert message.sent_at is None
    assert message.failure


async def test_without_a_server_mail_counts_as_sent_and_stays_readable(
    session: AsyncSession, settings: Settings, run_jobs: RunJobs
) -> None:
    process = start_process(settings, poolclass=NullPool)
    await write(session)
    await run_jobs()
    kept = await session.scalar(select(MailMessage).execution_options(populate_existing=True))
    assert kept is not None
    assert kept.sent_at is not None
    assert kept.body == "第一行\n第二行"
    await process.engine.dispose()


async def test_what_was_given_up_is_tried_again_when_an_administrator_says_so(
    session: AsyncSession, mail_server: MailServer, run_jobs: RunJobs
) -> None:
    mail_server.start()
    mail_server.refuse_next = 1000
    message = await write(session)
    await run_jobs()
    await session.refresh(message)
    assert message.given_up_at is not None
    assert message.attempts == MAX_RETRIES + 1
    mail_server.refuse_next = 0
    administrator = Actor(roles=frozenset({PlatformRole.ADMINISTRATOR}))
    with pytest.raises(ForbiddenError):
        await retry_mail(session, Actor(), message.id)
    await retry_mail(session, administrator, message.id)
    await session.commit()
    await run_jobs()
    await session.refresh(message)
    assert message.sent_at is not None
    assert message.given_up_at is None
    assert len(mail_server.received) == 1
    with pytest.raises(ConflictError):
        await retry_mail(session, administrator, message.id)


async def test_a_mail_whose_worker_was_killed_before_the_server_was_asked_is_sent(
    session: AsyncSession, mail_server: MailServer, run_jobs: RunJobs
) -> None:
    """The worker dies between the commit that wrote the mail and its sending: the job is there, and so is the row."""
    message = await write(session)
    await session.refresh(message)
    assert message.sent_at is None
    assert message.handing_over_at is None
    mail_server.start()
    await run_jobs()
    await session.refresh(message)
    assert message.sent_at is not None
    assert len(mail_server.received) == 1


async def test_a_mail_whose_worker_was_killed_while_the_server_took_it_is_not_sent_twice(
    session: AsyncSession, mail_server: MailServer, run_jobs: RunJobs
) -> None:
    mail_server.start()
    message = await write(session)
    message.handing_over_at = utc_now()
    await session.commit()
    await run_jobs()
    await session.refresh(message)
    assert mail_server.received == []
    assert message.sent_at is None
    assert message.given_up_at is not None
    assert "may have arrived" in message.failure
