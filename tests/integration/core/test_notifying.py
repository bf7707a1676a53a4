import asyncio
import uuid
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from core.accounts.models import Person
from core.jobs import enqueue
from core.mail import MailMessage
from core.notifications.jobs import mail_notification
from core.notifications.kinds import Audience, Group, Kind, declare, kinds_without
from core.notifications.models import Delivery, Notification, NotificationPreference
from core.notifications.service import notify
from core.process import Process
from tests.factories import Factory

RunJobs = Callable[[], Awaitable[None]]
GROUP = Group("tests", "测试")
_hidden: set[uuid.UUID] = set()


async def not_hidden(
    session: AsyncSession, person_id: uuid.UUID, told: Sequence[Notification]
) -> Collection[uuid.UUID]:
    return {item.id for item in told if item.subject_id not in _hidden}


@pytest.fixture
def kind() -> Iterator[Kind]:
    """A kind that is mailed at once; things in `_hidden` are not visible."""
    kind = Kind(
        name="tests.told",
        group=GROUP,
        label="测试",
        subject="Told: %(title)s",
        text="“%(title)s” ends at %(deadline_at)s.",
        link="/challenges/{subject_id}",
        delivery=Delivery.AT_ONCE,
        audience=Audience.EVERYBODY,
        visible=not_hidden,
    )
    with kinds_without(kind.name):
        yield declare(kind)
    _hidden.clear()


PARAMETERS = {"title": "轴承", "deadline_at": "2026-12-01T09:30:00+00:00"}


async def count(session: AsyncSession, model: type[Notification | MailMessage]) -> int:
    return (await session.execute(select(func.count()).select_from(model))).scalar_one()


async def test_a_person_is_told_in_the_product_and_by_mail(
    session: AsyncSession, make: Factory, kind: Kind, run_jobs: RunJobs
) -> None:
    person = await make.person(locale="en")
    assert await notify(session, "event", kind, [person.id], person, PARAMETERS) == [person.id]
    await session.commit()
    await run_jobs()
    mail = await session.scalar(select(MailMessage))
    assert mail is not None
    assert mail.recipient == person.email
    assert mail.subject == "Told: 轴承"
    assert "“轴承” ends at 2026-12-01 17:30." in mail.body
    assert f"/challenges/{person.id}" in mail.body
    item = await session.scalar(select(Notification))
    assert item is not None
    assert item.mail_id == mail.id
    assert item.read_at is None


async def test_an_event_is_told_once_however_often_it_is_asked_for(
    session: AsyncSession, make: Factory, kind: Kind, run_jobs: RunJobs
) -> None:
    first, second = await make.person(), await make.person()
    assert await notify(session, "event", kind, [first.id], first, PARAMETERS) == [first.id]
    await session.commit()
    assert await notify(session, "event", kind, [second.id, first.id], first, PARAMETERS) == [second.id]
    assert await notify(session, "another", kind, [first.id], first, PARAMETERS) == [first.id]
    await session.commit()
    await run_jobs()
    assert await count(session, Notification) == 3
    assert await count(session, MailMessage) == 3


async def test_two_workers_at_once_tell_once(
    process: Process, session: AsyncSession, make: Factory, kind: Kind, run_jobs: RunJobs
) -> None:
    people = [await make.person() for _ in range(5)]
    ids = [person.id for person in people]

    async def tell(order: list[uuid.UUID]) -> int:
        async with process.transaction() as own:
            told = await notify(own, "event", kind, order, people[0], PARAMETERS)
            await asyncio.sleep(0.05)
            return len(told)

    told = await asyncio.gather(*(tell(ids if number % 2 else ids[::-1]) for number in range(6)))
    assert sum(told) == 5
    await run_jobs()
    assert await count(session, MailMessage) == 5


async def test_what_is_rolled_back_was_never_told(
    session: AsyncSession, make: Factory, kind: Kind, run_jobs: RunJobs
) -> None:
    person = await make.person()
    await notify(session, "event", kind, [person.id], person, PARAMETERS)
    await session.rollback()
    await run_jobs()
    assert await count(session, Notification) == 0
    assert await count(session, MailMessage) == 0


@pytest.mark.parametrize("delivery", [Delivery.DAILY, Delivery.NEVER])
async def test_nothing_is_mailed_at_once_to_who_has_chosen_otherwise(
    delivery: Delivery, session: AsyncSession, make: Factory, kind: Kind, run_jobs: RunJobs
) -> None:
    person = await make.person()
    session.add(NotificationPreference(person_id=person.id, kind=kind.name, delivery=delivery))
    await session.commit()
    await notify(session, "event", kind, [person.id], person, PARAMETERS)
    await session.commit()
    await run_jobs()
    assert await count(session, Notification) == 1
    assert await count(session, MailMessage) == 0


async def test_who_may_not_see_it_any_more_gets_no_mail(
    session: AsyncSession, make: Factory, kind: Kind, run_jobs: RunJobs
) -> None:
    person = await make.person()
    await notify(session, "event", kind, [person.id], person, PARAMETERS)
    await session.commit()
    _hidden.add(person.id)
    await run_jobs()
    assert await count(session, MailMessage) == 0
    item = await session.scalar(select(Notification))
    assert item is not None
    assert item.withheld_at is not None
    # Also when they may again: its time is over.
    _hidden.clear()
    await enqueue(session, mail_notification, item.id)
    await session.commit()
    await run_jobs()
    assert await count(session, MailMessage) == 0


async def test_an_account_that_is_disabled_is_told_nothing(
    session: AsyncSession, make: Factory, kind: Kind, run_jobs: RunJobs
) -> None:
    gone, going = await make.person(is_disabled=True), await make.person()
    told = await notify(session, "event", kind, [gone.id, going.id, uuid.uuid4()], gone, PARAMETERS)
    assert told == [going.id]
    await session.execute(update(Person).where(Person.id == going.id).values(is_disabled=True))
    await session.commit()
    await run_jobs()
    assert await count(session, MailMessage) == 0


async def test_a_job_that_runs_again_makes_no_second_mail(
    session: AsyncSession, make: Factory, kind: Kind, run_jobs: RunJobs
) -> None:
    person = await make.person()
    await notify(session, "event", kind, [person.id], person, PARAMETERS)
    await session.commit()
    item = await session.scalar(select(Notification))
    assert item is not None
    for _ in range(4):
        await enqueue(session, mail_notification, item.id)
    await session.commit()
    await run_jobs()
    assert await count(session, MailMessage) == 1


def test_a_kind_is_declared_once(kind: Kind) -> None:
    with pytest.raises(ValueError, match="declared twice"):
        declare(kind)
