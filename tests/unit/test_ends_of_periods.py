"""A period of whole days ends with a midnight; people are told its last day."""

from datetime import UTC, date, datetime

import pytest

from challenges.exports.scope import local_end
from challenges.milestones import events
from core.clock import SHANGHAI, named_end
from core.i18n import use_locale
from core.notifications.kinds import text_of
from web.templating import show_end

MIDNIGHT = datetime(2026, 12, 10, 16, tzinfo=UTC)
MORNING = datetime(2026, 12, 10, 1, 30, tzinfo=UTC)


def test_an_end_at_midnight_in_shanghai_is_named_by_the_day_before_it() -> None:
    assert named_end(MIDNIGHT) == date(2026, 12, 10)
    assert named_end(MIDNIGHT.astimezone(SHANGHAI)) == date(2026, 12, 10)
    assert named_end(datetime(2026, 12, 31, 16, tzinfo=UTC)) == date(2026, 12, 31)


@pytest.mark.parametrize(
    "end", [MORNING, datetime(2026, 12, 10, tzinfo=UTC), MIDNIGHT.replace(second=1)], ids=str
)
def test_any_other_end_stays_a_moment(end: datetime) -> None:
    assert named_end(end) == end


def test_pages_sheets_and_notifications_name_the_same_day() -> None:
    parameters = {"title": "叶片", "milestone": "样件", "due_at": MIDNIGHT.isoformat()}
    with use_locale("en"):
        assert show_end(MIDNIGHT) == "2026-12-10"
        assert show_end(MORNING) == "2026-12-10 09:30"
        assert show_end(None) == "–"
        assert "due by 2026-12-10." in text_of(events.DUE_SOON, parameters)
        assert "2026-12-10 09:30" in text_of(events.DUE_SOON, {**parameters, "due_at": MORNING.isoformat()})
    assert local_end(MIDNIGHT) == date(2026, 12, 10)
    assert local_end(MORNING) == datetime(2026, 12, 10, 9, 30)
