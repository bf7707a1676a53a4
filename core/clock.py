"""Time: kept in UTC, shown in Asia/Shanghai."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")


_told: ContextVar[datetime | None] = ContextVar("told", default=None)


def told() -> datetime | None:
    """The moment that is told of, None while it is simply now."""
    return _told.get()


def utc_now() -> datetime:
    return told() or datetime.now(UTC)


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    """Let it be `moment` for what is called inside: the demonstration's past is told in one minute."""
    token = _told.set(moment)
    try:
        yield
    finally:
        _told.reset(token)


def shanghai_today() -> date:
    return utc_now().astimezone(SHANGHAI).date()


def to_shanghai(moment: datetime) -> datetime:
    return moment.astimezone(SHANGHAI)


def named_end(end: datetime) -> datetime | date:
    """How people name the end of a period: by its last day where the day ends with it, else by the moment.

    Periods of whole days end with a midnight in Asia/Shanghai, which belongs to the day after.
    """
    local = to_shanghai(end)
    return local.date() - timedelta(days=1) if local.time() == time() else end


def from_shanghai(naive: datetime) -> datetime:
    """UTC moment of a wall-clock time typed in Asia/Shanghai."""
    return naive.replace(tzinfo=SHANGHAI).astimezone(UTC)
