"""What the program dashboard and the public statistics show, as numbers."""

import uuid
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.postings.models import ChallengeState
from challenges.programs.models import Program
from challenges.programs.service import read_program
from challenges.statistics import queries
from challenges.statistics.concentration import gini_coefficient, herfindahl_index, lorenz_curve
from challenges.statistics.disclosure import withheld
from challenges.statistics.figures import (
    AwardLine,
    ExposureLine,
    Holding,
    Line,
    MemberClass,
    Published,
    QuotaEffect,
    Selection,
    Totals,
    award_lines,
    exposure_lines,
    first_seats,
    holdings,
    lines_by,
    month_of,
    months_between,
    quota_effect,
    seats_of,
    totals_of,
)
from challenges.statistics.policies import may_see_dashboard
from core.actor import Actor
from core.database import database_time
from core.errors import ForbiddenError
from core.i18n import lazy_gettext as _

# What fits on a first screen of candidates.
TOP_K = 10
CLASSES = [item.value for item in MemberClass]
FIRST_TIME, RETURNING = "first_time", "returning"


@dataclass(frozen=True)
class Dashboard:
    program: Program
    selection: Selection
    # Months that may be chosen, oldest first.
    months: Sequence[str]
    totals: Totals
    first_time_organizations: int
    by_month: Sequence[Line]
    by_class: Sequence[Line]
    by_region: Sequence[Line]
    by_participation: Sequence[Line]
    awards: Sequence[AwardLine]
    quota: QuotaEffect
    holdings: Sequence[Holding]
    lorenz: Sequence[tuple[Fraction, Fraction]]
    gini: Fraction | None
    herfindahl: Fraction | None
    exposure: Sequence[ExposureLine]


async def read_dashboard(
    session: AsyncSession, actor: Actor, program_id: uuid.UUID, selection: Selection
) -> Dashboard:
    """The numbers of a program for its officers. An organization's first time is its first in this program."""
    program = await read_program(session, program_id)
    if not may_see_dashboard(actor, program):
        raise ForbiddenError(_("Only officers in charge of the program see its dashboard."))
    every = await queries.awards_of_program(session, program_id)
    awards = [award for award in every if selection.has(award.decided_at, award.round_id)]
    ranked = await queries.top_places(session, program_id, TOP_K)
    places = [place for place in ranked if selection.has(place.ranked_at, place.round_id)]
    seats, first = seats_of(awards), first_seats(every)
    money = holdings(seats)
    amounts = [item.wan for item in money]
    return Dashboard(
        program=program,
        selection=selection,
        months=_span([award.decided_at for award in every] + [place.ranked_at for place in ranked]),
        totals=totals_of(seats),
        first_time_organizations=sum(
            (award.consortium_id, part.organization_id) in first for award, part in seats
        ),
        by_month=lines_by(
            seats,
            lambda award, _part: award.month,
            keys=_span([award.decided_at for award in awards]),
            first=first,
        ),
        by_class=_present(
            lines_by(seats, lambda _award, part: part.member_class.value, keys=CLASSES, first=first)
        ),
        by_region=lines_by(seats, lambda _award, part: part.province, first=first),
        by_participation=lines_by(
            seats,
            lambda award, part: (
                FIRST_TIME if (award.consortium_id, part.organization_id) in first else RETURNING
            ),
            keys=[FIRST_TIME, RETURNING] if seats else [],
            first=first,
        ),
        awards=award_lines(awards),
        quota=quota_effect(awards),
        holdings=money,
        lorenz=lorenz_curve(amounts),
        gini=gini_coefficient(amounts),
        herfindahl=herfindahl_index(amounts),
        exposure=exposure_lines(places, seats),
    )


@dataclass(frozen=True)
class Listed:
    """Challenges of the public list that share a key."""

    key: str
    challenges: int
    investment_wan: Decimal


@dataclass(frozen=True)
class PublicLines:
    """Rows of what was approved; of the keys in `gaps` no number is told."""

    lines: Sequence[Line]
    gaps: frozenset[str]


@dataclass(frozen=True)
class PublicStatistics:
    """`totals` is None where so few consortia were approved that a number would tell of one of them."""

    year: str
    years: Sequence[str]
    challenges: int
    investment_wan: Decimal
    consortia: int
    totals: Totals | None
    listed_by_month: Sequence[Listed]
    listed_by_state: Sequence[Listed]
    listed_by_field: Sequence[Listed]
    by_month: PublicLines
    by_class: PublicLines
    by_region: PublicLines
    by_program: PublicLines


async def read_public_statistics(session: AsyncSession, year: str = "") -> PublicStatistics:
    """What anybody may know: the public list, and of approved consortia shares that no single one stands behind.

    One year or all: windows that overlap would let a reader take one from the other.
    """
    now = await database_time(session)
    every = await queries.published_challenges(session)
    every_award = await queries.public_awards(session)
    years = sorted(
        {month_of(item.published_at)[:4] for item in every} | {item.month[:4] for item in every_award}
    )
    year = year if year in years else ""
    challenges = [item for item in every if month_of(item.published_at).startswith(year)]
    awards = [item for item in every_award if item.month.startswith(year)]
    seats = seats_of(awards)
    totals = totals_of(seats)
    hidden_years = _gaps(lines_by(seats_of(every_award), lambda award, _part: award.month[:4]))
    is_told = totals.contributors.are_enough and year not in hidden_years

    def told(lines: list[Line]) -> PublicLines:
        return PublicLines(lines, _gaps(lines) if is_told else frozenset(line.key for line in lines))

    return PublicStatistics(
        year=year,
        years=years,
        challenges=len(challenges),
        investment_wan=sum((item.investment_wan for item in challenges), Decimal(0)),
        consortia=len(awards),
        totals=totals if is_told else None,
        listed_by_month=_listed_by(
            challenges,
            lambda item: month_of(item.published_at),
            keys=_span([item.published_at for item in challenges]),
        ),
        listed_by_state=_listed_by(challenges, lambda item: _state_on(item, now).value),
        listed_by_field=_listed_by(challenges, lambda item: (item.subfield_code or "")[:2]),
        by_month=told(
            lines_by(
                seats, lambda award, _part: award.month, keys=_span([item.decided_at for item in awards])
            )
        ),
        by_class=told(_present(lines_by(seats, lambda _award, part: part.member_class.value, keys=CLASSES))),
        by_region=told(lines_by(seats, lambda _award, part: part.province)),
        by_program=told(lines_by(seats, lambda award, _part: award.program)),
    )


def _span(moments: Sequence[datetime]) -> list[str]:
    """Every month from the first moment to the last, so that a month without anything is seen as one."""
    return months_between(month_of(min(moments)), month_of(max(moments))) if moments else []


def _present(lines: Sequence[Line]) -> list[Line]:
    return [line for line in lines if line.totals.members]


def _gaps(lines: Sequence[Line]) -> frozenset[str]:
    return withheld({line.key: line.totals.contributors for line in lines})


def _state_on(item: Published, now: datetime) -> ChallengeState:
    """The deadline decides, the stored state follows it some seconds later."""
    is_past = item.deadline_at is not None and item.deadline_at <= now
    return ChallengeState.CLOSED if item.state is ChallengeState.PUBLISHED and is_past else item.state


def _listed_by(
    challenges: Sequence[Published], key_of: Callable[[Published], str], keys: Sequence[str] | None = None
) -> list[Listed]:
    groups: dict[str, list[Published]] = defaultdict(list)
    for item in challenges:
        groups[key_of(item)].append(item)
    listed = [
        Listed(
            key,
            len(groups.get(key, [])),
            sum((item.investment_wan for item in groups.get(key, [])), Decimal(0)),
        )
        for key in (groups if keys is None else keys)
    ]
    return listed if keys is not None else sorted(listed, key=lambda item: (-item.challenges, item.key))
