"""Time: kept in UTC, shown in Asia/Shanghai."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")


def utc_now() -> datetime:
    return datetime.now(UTC)


def shanghai_today() -> date:
    return utc_now().astimezone(SHANGHAI).date()


def to_shanghai(moment: datetime) -> datetime:
    return moment.astimezone(SHANGHAI)


def from_shanghai(naive: datetime) -> datetime:
    """UTC moment of a wall-clock time typed in Asia/Shanghai."""
    return naive.replace(tzinfo=SHANGHAI).astimezone(UTC)
