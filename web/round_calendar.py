"""The dates of a round's challenges: what its calendar shows to whom.

Each room of the way of a challenge adds a maker to DATES. It is given the challenges that the reader may read, and
marks as internal what only officers in charge are shown.
"""

import calendar
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from web import award_dates, bidding_dates
from web.round_dates import RoundDate, RoundScope

MakeDates = Callable[[AsyncSession, RoundScope], Awaitable[list[RoundDate]]]

# In the order of the way of a challenge.
DATES: tuple[MakeDates, ...] = (
    bidding_dates.round_itself,
    bidding_dates.publications,
    bidding_dates.questions,
    bidding_dates.amendments,
    bidding_dates.deadlines,
    bidding_dates.openings,
    bidding_dates.completions,
    award_dates.reviews,
    award_dates.awards,
    award_dates.notices,
    award_dates.objections,
    award_dates.contracts,
    award_dates.milestones,
    award_dates.acceptances,
)


async def dates_of(session: AsyncSession, scope: RoundScope) -> list[RoundDate]:
    """Everything that the reader may see, in the order of time."""
    dates = [date_ for make in DATES for date_ in await make(session, scope)]
    return sorted(
        (item for item in dates if scope.is_officer or not item.is_internal),
        key=lambda item: (*item.sort_key, item.challenge.title if item.challenge else ""),
    )


@dataclass(frozen=True)
class MonthDay:
    day: date
    is_in_month: bool
    dates: Sequence[RoundDate]


@dataclass(frozen=True)
class Month:
    """Weeks from Monday to Sunday, whole; the days around the month belong to its neighbours."""

    first: date
    weeks: Sequence[Sequence[MonthDay]]

    @property
    def before(self) -> date:
        return (self.first - timedelta(days=1)).replace(day=1)

    @property
    def after(self) -> date:
        return (self.first + timedelta(days=31)).replace(day=1)


def month_of(first: date, dates: Sequence[RoundDate]) -> Month:
    by_day: dict[date, list[RoundDate]] = {}
    for item in dates:
        by_day.setdefault(item.day, []).append(item)
    weeks = calendar.Calendar().monthdatescalendar(first.year, first.month)
    return Month(
        first,
        [[MonthDay(day, day.month == first.month, by_day.get(day, [])) for day in week] for week in weeks],
    )


def first_of_month(typed: str, today: date, dates: Sequence[RoundDate]) -> date:
    """The month of the address ("2026-11"), else that of the next date, else that of the last one."""
    try:
        chosen = date.fromisoformat(f"{typed}-01")
    except ValueError:
        chosen = None
    if chosen is not None and 2000 <= chosen.year <= 2100:
        return chosen
    ahead = [item.day for item in dates if item.day >= today]
    return (ahead[0] if ahead else dates[-1].day if dates else today).replace(day=1)
