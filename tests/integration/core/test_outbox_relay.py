"""With Redis or RabbitMQ as broker a job is an outbox row first, and the worker hands it over."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import dramatiq
import pytest
from dramatiq.brokers.stub import StubBroker
from sqlalchemy import NullPool, func, select

from core.jobs import OutboxJob, OutboxRelay, configure_broker
from core.mail import MailMessage, send_mail
from core.process import Process, start_process
from core.settings import Settings
from tests.integration.core.conftest import MailServer, until, worker_process


@pytest.fixture(params=["redis", "amqp"])
def broker_url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
async def brokered(settings: Settings, broker_url: str, mail_server: MailServer) -> AsyncIterator[Process]:
    mail_server.start()
    process = start_process(
        replace(settings, broker_url=broker_url, smtp_url=mail_server.url), poolclass=NullPool
    )
    yield process
    await process.engine.dispose()


@pytest.fixture
def broker(brokered: Process) -> Iterator[dramatiq.Broker]:
    broker = configure_broker(brokered.settings)
    yield broker
    broker.close()


async def outbox(process: Process) -> int:
    async with process.transaction() as session:
        return (await session.execute(select(func.count()).select_from(OutboxJob))).scalar_one()


async def all_sent(process: Process) -> None:
    async def none_is_left() -> bool:
        async with process.transaction() as session:
            return await session.scalar(select(MailMessage.id).where(MailMessage.sent_at.is_(None))) is None

    await until(none_is_left)


async def write_mail(process: Process, recipient: str = "sme@example.com") -> None:
    async with process.transaction() as session:
        await send_mail(session, recipient=recipient, subject="到期提醒", body="正文")


async def test_a_committed_job_is_relayed_once_and_run(
    brokered: Process, broker: dramatiq.Broker, mail_server: MailServer
) -> None:
    await write_mail(brokered)
    assert await outbox(brokered) == 1
    relay = OutboxRelay(brokered.settings, broker)
    worker = dramatiq.Worker(broker, worker_timeout=100, worker_threads=2)
    relay.start()
    worker.start()
    await all_sent(brokered)
    await asyncio.to_thread(relay.stop)
    await asyncio.to_thread(worker.stop)
    assert await outbox(brokered) == 0
    assert [recipients for recipients, _ in mail_server.received] == [["sme@example.com"]]


async def test_a_rolled_back_job_is_never_relayed(brokered: Process, broker: dramatiq.Broker) -> None:
    async with brokered.maker() as session:
        await send_mail(session, recipient="sme@example.com", subject="到期提醒", body="正文")
        await session.rollback()
    relay = OutboxRelay(brokered.settings, broker)
    assert await asyncio.to_thread(relay.relay_once) == 0
    relay.engine.dispose()


async def test_two_relays_never_hand_over_the_same_job(brokered: Process, broker: dramatiq.Broker) -> None:
    for number in range(20):
        await write_mail(brokered, f"sme{number}@example.com")
    relays = [OutboxRelay(brokered.settings, broker) for _ in range(3)]
    counts = await asyncio.gather(*(asyncio.to_thread(relay.relay_once) for relay in relays))
    for relay in relays:
        relay.engine.dispose()
    assert sum(counts) == 20
    assert await outbox(brokered) == 0


class DeadBroker(StubBroker):
    """Takes one message, then fails."""

    def __init__(self) -> None:
        super().__init__(middleware=[])
        self.taken = 0

    def enqueue(self, message: dramatiq.Message, *, delay: int | None = None) -> dramatiq.Message:
        if self.taken:
            raise ConnectionError("the broker has gone")
        self.taken += 1
        return message


async def test_a_job_stays_in_the_outbox_while_the_broker_is_down(settings: Settings) -> None:
    process = start_process(replace(settings, broker_url="redis://127.0.0.1:1/0"), poolclass=NullPool)
    await write_mail(process)
    await write_mail(process)
    relay = OutboxRelay(process.settings, DeadBroker())
    with pytest.raises(ConnectionError):
        await asyncio.to_thread(relay.relay_once)
    assert await outbox(process) == 2
    relay.engine.dispose()
    await process.engine.dispose()


async def test_a_worker_process_relays_and_works(
    brokered: Process, mail_server: MailServer, tmp_path: Path
) -> None:
    await write_mail(brokered)
    environment = {"BROKER_URL": str(brokered.settings.broker_url), "SMTP_URL": mail_server.url}
    with worker_process(brokered.settings, tmp_path, **environment):
        await all_sent(brokered)
        # Relayed by the one that is running, not only what it found at its start.
        await write_mail(brokered, "institute@example.com")
        await all_sent(brokered)
    assert [recipients for recipients, _ in mail_server.received] == [
        ["sme@example.com"],
        ["institute@example.com"],
    ]


async def test_an_address_of_another_kind_is_refused(settings: Settings) -> None:
    with pytest.raises(ValueError, match="BROKER_URL"):
        configure_broker(replace(settings, broker_url="kafka://broker"))
