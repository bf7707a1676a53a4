"""What time alone makes due. A tick only asks for the jobs; they are idempotent, so several workers may tick."""

import logging
import threading

from challenges.postings.jobs import close_due_challenges

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
                close_due_challenges.send()
            except Exception:
                logger.exception("the schedule could not queue its jobs; trying again")
            self.stopping.wait(TICK_S)
