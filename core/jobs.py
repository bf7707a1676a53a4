"""The job broker, and `enqueue`, which commits a job with the transaction that asks for it.

With the database as broker (the default) a job is a row of dramatiq-postgres' queue, written through the
caller's own session. With Redis or RabbitMQ it is a row of `job_outbox`, which the worker relays.
"""

import logging
import threading
import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import dramatiq
from dramatiq.brokers.stub import StubBroker
from dramatiq.middleware import AsyncIO, default_middleware
from dramatiq_postgres import PostgresBroker
from sqlalchemy import (
    Connection,
    DateTime,
    Engine,
    Executable,
    Index,
    create_engine,
    delete,
    func,
    insert,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.database import Base, Key, libpq_url, sqlalchemy_url
from core.process import current_process
from core.settings import Settings

logger = logging.getLogger(__name__)

# Backoff of dramatiq's default 20 retries reaches days; a mail or match that late helps nobody.
MAX_RETRIES = 6
MAX_BACKOFF_MS = 5 * 60 * 1000
TIME_LIMIT_MS = 10 * 60 * 1000
RELAY_BATCH = 200
RELAY_IDLE_S = 1.0


class OutboxJob(Base):
    """A job committed with its transaction and not yet handed to the external broker."""

    __tablename__ = "job_outbox"
    __table_args__ = (Index("ix_job_outbox_created_at", "created_at"),)

    id: Mapped[Key]
    message: Mapped[dict[str, Any]] = mapped_column(JSONB)
    delay_ms: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


# Actors are declared here when their module is imported, and handed to the real broker when there is one:
# so it does not matter whether modules or settings come first.
_catalogue = StubBroker(middleware=[*(kind() for kind in default_middleware), AsyncIO()])
_broker: dramatiq.Broker | None = None


def actor(*, queue: str = "default", time_limit_ms: int = TIME_LIMIT_MS) -> Any:
    """Declare an actor with the project's limits. Actors take ids, are idempotent and may run twice."""

    def declare(function: Any) -> dramatiq.Actor[..., Any]:
        declared: dramatiq.Actor[..., Any] = dramatiq.actor(
            queue_name=queue,
            max_retries=MAX_RETRIES,
            max_backoff=MAX_BACKOFF_MS,
            time_limit=time_limit_ms,
            broker=_catalogue,
        )(function)
        if _broker is not None:
            _hand_over(declared, _broker)
        return declared

    return declare


def configure_broker(settings: Settings) -> dramatiq.Broker:
    """Make the process's broker and give it every actor."""
    global _broker
    middleware = [*(kind() for kind in default_middleware), AsyncIO()]
    broker: dramatiq.Broker
    if settings.broker_url is None:
        if settings.database_url is None:
            raise ValueError("the broker needs a database address")
        broker = PostgresBroker(url=libpq_url(settings.database_url), results=False, middleware=middleware)
    elif settings.broker_url.startswith(("redis://", "rediss://")):
        from dramatiq.brokers.redis import RedisBroker

        broker = RedisBroker(url=settings.broker_url, middleware=middleware)
    elif settings.broker_url.startswith(("amqp://", "amqps://")):
        from dramatiq.brokers.rabbitmq import RabbitmqBroker

        # Without the server's confirmation a job could be gone from the outbox and not be in the queue either.
        broker = RabbitmqBroker(url=settings.broker_url, confirm_delivery=True, middleware=middleware)
    else:
        raise ValueError("BROKER_URL must begin with redis:// or amqp://")
    dramatiq.set_broker(broker)
    _broker = broker
    for declared in list(_catalogue.actors.values()):
        _hand_over(declared, broker)
    return broker


def _hand_over(declared: dramatiq.Actor[..., Any], broker: dramatiq.Broker) -> None:
    declared.broker = broker
    broker.declare_actor(declared)


async def enqueue(
    session: AsyncSession, job: dramatiq.Actor[..., Any], *arguments: Any, delay_ms: int = 0
) -> None:
    """Queue a job that exists if and only if the session's transaction commits."""
    for statement, values in _statements(job, arguments, delay_ms):
        await session.execute(statement, values)


def enqueue_blocking(connection: Connection, job: dramatiq.Actor[..., Any], *arguments: Any) -> None:
    """As `enqueue`, for threads, which have no event loop."""
    for statement, values in _statements(job, arguments, 0):
        connection.execute(statement, values)


def _statements(
    job: dramatiq.Actor[..., Any], arguments: Sequence[Any], delay_ms: int
) -> Iterator[tuple[Executable, dict[str, Any]]]:
    message = job.message(*[str(item) if isinstance(item, uuid.UUID) else item for item in arguments])
    if current_process().settings.broker_url is not None:
        yield insert(OutboxJob), {"message": message.asdict(), "delay_ms": delay_ms}
        return
    insertion = text(
        "INSERT INTO dramatiq.queue (queue_name, message_id, state, message, available_at) VALUES"
        " (:queue, :id, 'queued', CAST(:message AS jsonb), clock_timestamp() + make_interval(secs => :delay))"
    )
    yield (
        insertion,
        {
            "queue": message.queue_name,
            "id": message.message_id,
            "message": message.encode().decode(),
            "delay": delay_ms / 1000,
        },
    )
    yield text("SELECT pg_notify(:channel, '')"), {"channel": f"dramatiq.{message.queue_name}.enqueue"}


class OutboxRelay(threading.Thread):
    """Hands committed outbox jobs to the external broker: at least once, since a kill may fall between."""

    def __init__(self, settings: Settings, broker: dramatiq.Broker) -> None:
        super().__init__(name="outbox-relay", daemon=True)
        assert settings.database_url is not None
        self.engine: Engine = create_engine(sqlalchemy_url(settings.database_url), pool_size=1)
        self.broker = broker
        self.stopping = threading.Event()

    def stop(self) -> None:
        self.stopping.set()
        self.join()
        self.engine.dispose()

    def run(self) -> None:
        while not self.stopping.is_set():
            try:
                relayed = self.relay_once()
            except Exception:
                logger.exception("relaying jobs failed; trying again")
                relayed = 0
            if not relayed:
                self.stopping.wait(RELAY_IDLE_S)

    def relay_once(self) -> int:
        """Relay up to RELAY_BATCH jobs; returns how many."""
        with Session(self.engine) as session, session.begin():
            jobs = session.scalars(
                select(OutboxJob)
                .order_by(OutboxJob.created_at)
                .limit(RELAY_BATCH)
                .with_for_update(skip_locked=True)
            ).all()
            for job in jobs:
                fields = {**job.message, "args": tuple(job.message["args"])}
                self.broker.enqueue(dramatiq.Message(**fields), delay=job.delay_ms or None)
            session.execute(delete(OutboxJob).where(OutboxJob.id.in_([job.id for job in jobs])))
            return len(jobs)
