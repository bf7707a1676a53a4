"""The worker process: runs jobs until it is told to stop, and does what time alone makes due."""

import logging
import signal
import threading

from dramatiq import Worker

from core.database import sqlalchemy_url
from core.jobs import OutboxRelay, configure_broker
from core.process import start_process
from core.settings import Settings

logger = logging.getLogger(__name__)
# A running job is given this long to finish; one that is cut off runs again after the next start.
STOP_TIMEOUT_MS = 20_000


def run_worker(settings: Settings) -> None:
    """Work until SIGINT or SIGTERM."""
    assert settings.database_url is not None
    sqlalchemy_url(settings.database_url)
    broker = configure_broker(settings)
    start_process(settings)
    # Actors are registered by being imported, which must come after the broker is set.
    from web import actors
    from web.schedule import Schedule

    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    worker = Worker(broker, worker_threads=settings.worker_threads)
    worker.start()
    relay = OutboxRelay(settings, broker) if settings.broker_url else None
    if relay:
        relay.start()
    schedule = Schedule(settings)
    schedule.start()
    logger.info("working on %d kinds of jobs", len(actors.ALL))
    stopping.wait()
    schedule.stop()
    if relay:
        relay.stop()
    worker.stop(timeout=STOP_TIMEOUT_MS)
    broker.close()
