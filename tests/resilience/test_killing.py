"""A short run of kills; `make kill-run` is the long one."""

import pytest

from core.settings import Settings
from tests.conftest import own_database
from tests.resilience.kill_run import kill_run
from tests.resilience.killing import Moment

# Half a minute and more, and a busy machine takes several times as long.
pytestmark = pytest.mark.timeout(600)


def test_nothing_that_was_acknowledged_is_lost_when_web_or_worker_is_killed_in_a_whole_round(
    server: Settings,
) -> None:
    with own_database(server) as url:
        figures = kill_run(every=13, seed=0, url=url)
    assert figures.acknowledged > 0
    assert figures.mails > 0
    assert figures.done_unanswered_at[Moment.WEB_BEFORE_ANSWER] == figures.kills[Moment.WEB_BEFORE_ANSWER] > 0
