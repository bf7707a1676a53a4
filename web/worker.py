"""The worker process: runs jobs until it is told to stop, and does what time alone makes due."""

import logging
import signal
import threading

from dramatiq import Worker

import challenges.acceptances.jobs
import challenges.allocations.jobs
import challenges.amendments.jobs
import challenges.checks.jobs
import challenges.consortia.jobs
import challenges.consortia.rechecks
import challenges.contracts.jobs
import challenges.exports.jobs
import challenges.indexing.jobs
import challenges.matches.jobs
import challenges.milestones.jobs
import challenges.notices.service
import challenges.postings.jobs
import challenges.reminders.jobs
import challenges.reviews.jobs
import challenges.searches.jobs  # noqa: F401
import core.mail
import core.notifications.jobs
import core.uploads  # noqa: F401
import web.decision_page
import web.officer_reminders  # noqa: F401
from challenges.indexing.listener import Listener
from core.jobs import OutboxRelay, configure_broker
from core.postgres import STOP_SIGNALS
from core.process import start_process
from core.settings import Settings
from web.schedule import Schedule

logger = logging.getLogger(__name__)
# A running job is given this long to finish; one that is cut off runs again after the next start.
STOP_TIMEOUT_MS = 20_000


def run_worker(settings: Settings) -> None:
    """Work until told to stop by a signal."""
    broker = configure_broker(settings)
    process = start_process(settings)
    stopping = threading.Event()
    for number in STOP_SIGNALS:
        signal.signal(number, lambda *_: stopping.set())
    worker = Worker(broker, worker_threads=settings.worker_threads)
    worker.start()
    relay = OutboxRelay(settings, broker) if settings.broker_url else None
    if relay:
        relay.start()
    schedule = Schedule()
    schedule.start()
    logger.info("working on: %s", ", ".join(sorted(broker.actors)))
    with Listener(process):
        stopping.wait()
    schedule.stop()
    if relay:
        relay.stop()
    worker.stop(timeout=STOP_TIMEOUT_MS)
    broker.close()
