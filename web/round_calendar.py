"""The dates of a round's challenges: what its calendar shows to whom.

Each room of the way of a challenge adds a maker here. It is given the challenges that the reader may read, and marks
as internal what only officers in charge are shown.
"""

import calendar
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.checks import queries as check_queries
from challenges.checks.models import CheckState
from challenges.models import Challenge, ChallengeState, Program, Round
from challenges.programs.calendar import period
from core.clock import to_shanghai
from core.i18n import gettext
from web.officer_queue import last_day_to_publish


@dataclass(frozen=True)
class RoundScope:
    """`is_officer`: the reader is in charge, and may be shown what is internal."""

    program: Program
    round: Round
    challenges: Sequence[Challenge]
    is_officer: bool
    now: datetime


@dataclass(frozen=True)
class RoundDate:
    """Something that happens at a moment, or on a whole day."""

    at: datetime | date
    text: str
    icon: str
    tone: str
    challenge: Challenge | None = None
    address: str = ""
    is_internal: bool = False

    @property
    def day(self) -> date:
        return to_shanghai(self.at).date() if isinstance(self.at, datetime) else self.at

    @property
    def moment(self) -> datetime | None:
        return self.at if isinstance(self.at, datetime) else None

    @property
    def sort_key(self) -> tuple[date, str, str]:
        clock = to_shanghai(self.at).isoformat() if isinstance(self.at, datetime) else ""
        return self.day, clock, self.text


MakeDates = Callable[[AsyncSession, RoundScope], Awaitable[list[RoundDate]]]


async def _round_itself(session: AsyncSession, scope: RoundScope) -> list[RoundDate]:
    return [
        RoundDate(scope.round.opens_on, gettext("Submissions begin"), "door-enter", "azure"),
        RoundDate(scope.round.closes_on, gettext("Last day of submissions"), "door-exit", "azure"),
    ]


async def _publications(session: AsyncSession, scope: RoundScope) -> list[RoundDate]:
    dates = [
        _of(item, item.published_at, gettext("Published"), "speakerphone", "green")
        for item in scope.challenges
        if item.published_at is not None
    ]
    for item in scope.challenges:
        if item.state is not ChallengeState.SUBMITTED:
            continue
        if item.publish_at is not None:
            dates.append(
                _of(
                    item,
                    item.publish_at,
                    gettext("Will be published"),
                    "calendar-event",
                    "green",
                    is_internal=True,
                )
            )
        elif (last := last_day_to_publish(item)) is not None:
            dates.append(
                _of(item, last, gettext("Last day to publish"), "alert-triangle", "orange", is_internal=True)
            )
    return dates


async def _questions(session: AsyncSession, scope: RoundScope) -> list[RoundDate]:
    before = period(scope.program, scope.program.question_days)
    return [
        _of(item, item.deadline_at - before, gettext("End of questions"), "help-circle", "cyan")
        for item in _on_the_list(scope)
        if item.deadline_at is not None and item.published_at is not None
        if item.deadline_at - before > item.published_at
    ]


async def _deadlines(session: AsyncSession, scope: RoundScope) -> list[RoundDate]:
    return [
        _of(item, item.deadline_at, gettext("Deadline for bids"), "clock-stop", "red")
        for item in _on_the_list(scope)
        if item.deadline_at is not None
    ]


async def _openings(session: AsyncSession, scope: RoundScope) -> list[RoundDate]:
    return [
        _of(
            item,
            item.bids_opened_at,
            gettext("Bids opened"),
            "lock-open",
            "indigo",
            address=f"/challenges/{item.id}/bids",
            is_internal=True,
        )
        for item in scope.challenges
        if item.bids_opened_at is not None
    ]


async def _completions(session: AsyncSession, scope: RoundScope) -> list[RoundDate]:
    """Until when bidders may complete what the formal check has found: for officers alone."""
    if not scope.is_officer:
        return []
    dates: list[RoundDate] = []
    for item in scope.challenges:
        if item.bids_opened_at is None:
            continue
        dates += [
            _of(
                item,
                check.completion_due_at,
                gettext("A bid has to be completed"),
                "clipboard-check",
                "orange",
                address=f"/challenges/{item.id}/checks",
                is_internal=True,
            )
            for check in await check_queries.checks_of(session, item.id)
            if check.completion_due_at is not None and check.state is CheckState.COMPLETION_REQUESTED
        ]
    return dates


# In the order of the way of a challenge.
DATES: tuple[MakeDates, ...] = (
    _round_itself,
    _publications,
    _questions,
    _deadlines,
    _openings,
    _completions,
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


def _on_the_list(scope: RoundScope) -> list[Challenge]:
    """Withdrawn ones have no dates ahead any more."""
    return [
        item
        for item in scope.challenges
        if item.published_at is not None and item.state is not ChallengeState.WITHDRAWN
    ]


def _of(
    challenge: Challenge,
    at: datetime | date,
    text: str,
    icon: str,
    tone: str,
    *,
    address: str = "",
    is_internal: bool = False,
) -> RoundDate:
    return RoundDate(at, text, icon, tone, challenge, address or f"/challenges/{challenge.id}", is_internal)
