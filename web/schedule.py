"""What time alone makes due. A tick only asks for the job; what is done twice changes nothing, so several workers may tick."""

import logging
import threading

from core.notifications.jobs import begin_digests
from core.schedule import do_what_is_due

logger = logging.getLogger(__name__)
TICK_S = 20.0


class Schedule(threading.Thread):
    def __init__(self) -> None:
        super().__init__(name="schedule", daemon=True)
        self.stopping = threading.Event()

    def stop(self) -> None:
        self.stopping.set()
        self.join()

    def run(self) -> None:
        while not self.stopping.is_set():
            try:
                do_what_is_due.send()
                begin_digests.send()
            except Exception:
                logger.exception("the schedule could not queue its jobs; trying again")
            self.stopping.wait(TICK_S)
