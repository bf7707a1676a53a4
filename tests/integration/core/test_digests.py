import uuid
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from core.accounts.models import Person
from core.actor import Actor
from core.clock import SHANGHAI, utc_now
from core.jobs import enqueue
from core.mail import MailMessage
from core.notifications import jobs
from core.notifications.kinds import Audience, Group, Kind, declare, kinds_without
from core.notifications.models import Delivery, Notification, NotificationDigest, NotificationPreference
from core.notifications.service import mark_read, notify
from tests.factories import Factory
from tests.integration.core.test_notifying import PARAMETERS, RunJobs

_hidden: set[str] = set()


async def not_hidden(
    session: AsyncSession, person_id: uuid.UUID, told: Sequence[Notification]
) -> Collection[uuid.UUID]:
    return {item.id for item in told if item.event_key not in _hidden}


@pytest.fixture
def kind() -> Iterator[Kind]:
    kind = Kind(
        name="tests.daily",
        group=Group("tests", "测试"),
        label="测试",
        subject="Told: %(title)s",
        text="“%(title)s” ends at %(deadline_at)s.",
        link="/challenges/{subject_id}",
        delivery=Delivery.DAILY,
        audience=Audience.EVERYBODY,
        visible=not_hidden,
    )
    with kinds_without(kind.name):
        yield declare(kind)
    _hidden.clear()


def at(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> None:
    async def then(_session: AsyncSession) -> datetime:
        return moment

    monkeypatch.setattr(jobs, "database_time", then)


@pytest.fixture(autouse=True)
def morning(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """A quarter past the hour of digests, today."""
    now = utc_now().astimezone(SHANGHAI).replace(hour=8, minute=15)
    at(monkeypatch, now)
    return now


async def tell(session: AsyncSession, make: Factory, kind: Kind, before: datetime, *titles: str) -> Person:
    person = await make.person(locale="en")
    for title in titles:
        await notify(session, title, kind, [person.id], person, {**PARAMETERS, "title": title})
    await session.execute(update(Notification).values(created_at=before))
    await session.commit()
    return person


async def ask(session: AsyncSession, job: Any, *arguments: object, times: int = 1) -> None:
    """Queue a job as several workers' ticks would."""
    for _ in range(times):
        await enqueue(session, job, *arguments)
    await session.commit()


async def mails(session: AsyncSession) -> list[MailMessage]:
    return list(await session.scalars(select(MailMessage).execution_options(populate_existing=True)))


async def test_what_was_told_is_mailed_in_one_mail_of_the_morning(
    session: AsyncSession, make: Factory, kind: Kind, run_jobs: RunJobs, morning: datetime
) -> None:
    await tell(session, make, kind, morning - timedelta(hours=10), "轴承", "齿轮")
    await ask(session, jobs.begin_digests)
    await run_jobs()
    (mail,) = await mails(session)
    assert mail.subject.startswith("2 notifications of ")
    assert "■ Told: 轴承" in mail.body
    assert "■ Told: 齿轮" in mail.body


async def test_a_person_gets_one_digest_a_day_however_many_workers_tick(
    session: AsyncSession, make: Factory, kind: Kind, run_jobs: RunJobs, morning: datetime
) -> None:
    person = await tell(session, make, kind, morning - timedelta(hours=10), "轴承")
    await ask(session, jobs.begin_digests, times=5)
    await run_jobs()
    digest_id = await session.scalar(select(NotificationDigest.id))
    await ask(session, jobs.compose_digest, digest_id, times=5)
    await run_jobs()
    assert len(await mails(session)) == 1
    # Told after the digest, also before its hour as a clock that was put back may say: for tomorrow.
    await notify(session, "later", kind, [person.id], person, PARAMETERS)
    await session.execute(
        update(Notification)
        .where(Notification.event_key == "later")
        .values(created_at=morning - timedelta(hours=1))
    )
    await session.commit()
    await ask(session, jobs.begin_digests)
    await run_jobs()
    assert len(await mails(session)) == 1


async def test_nothing_leaves_before_its_hour(
    session: AsyncSession,
    make: Factory,
    kind: Kind,
    run_jobs: RunJobs,
    morning: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await tell(session, make, kind, morning - timedelta(hours=10), "轴承")
    at(monkeypatch, morning.replace(hour=7, minute=59))
    await ask(session, jobs.begin_digests)
    await run_jobs()
    assert await mails(session) == []


async def test_a_digest_leaves_out_what_was_read_what_is_hidden_and_what_is_not_wanted(
    session: AsyncSession, make: Factory, kind: Kind, run_jobs: RunJobs, morning: datetime
) -> None:
    person = await tell(session, make, kind, morning - timedelta(hours=10), "轴承", "齿轮", "秘密")
    _hidden.add("秘密")
    read = await session.scalar(select(Notification.id).where(Notification.event_key == "齿轮"))
    assert read is not None
    await mark_read(session, Actor(person_id=person.id), [read])
    await session.commit()
    await ask(session, jobs.begin_digests)
    await run_jobs()
    (mail,) = await mails(session)
    assert "轴承" in mail.body
    assert "齿轮" not in mail.body
    assert "秘密" not in mail.body + mail.subject


async def test_where_nothing_is_left_no_mail_is_made(
    session: AsyncSession, make: Factory, kind: Kind, run_jobs: RunJobs, morning: datetime
) -> None:
    person = await tell(session, make, kind, morning - timedelta(hours=10), "轴承")
    session.add(
        NotificationPreference(
            person_id=person.id,
            kind=kind.name,
            delivery=Delivery.NEVER,
        )
    )
    await session.commit()
    await ask(session, jobs.begin_digests)
    await run_jobs()
    assert await mails(session) == []
    digest = await session.scalar(select(NotificationDigest))
    assert digest is not None
    assert digest.composed_at is not None
    assert digest.mail_id is None
