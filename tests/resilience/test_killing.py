"""A short run of kills; `make kill-run` is the long one."""

from core.settings import Settings
from tests.conftest import own_database
from tests.resilience.kill_run import kill_run

# Kills the web server and the worker, by turns.
SEED = 12


def test_nothing_that_was_acknowledged_is_lost_when_web_or_worker_is_killed(server: Settings) -> None:
    with own_database(server) as url:
        figures = kill_run(kills=4, seed=SEED, url=url)
    assert sum(figures.kills.values()) >= 4
    assert figures.acknowledged > 0
    assert figures.mails > 0
