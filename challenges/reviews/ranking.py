"""From scores to a ranking, by the rule that docs/review.md states. Exact: fractions, no floats.

A reviewer's total for a bid is 100 · Σ weight · points / max_points divided by Σ weight. The bid's score is the mean of
the reviewers' totals, where wished without its highest and its lowest, rounded to two decimals, halves up. Higher is
better; equal scores are told apart by the first criterion's mean, then by the lower budget, then by what was handed in
earlier.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from statistics import median

# With fewer totals too little would be left.
FEWEST_TO_DROP = 3
# A total is an outlier where it is further from the median than twice the median distance, and than so many points.
OUTLIER_FACTOR = 2
OUTLIER_POINTS = 10
HUNDREDTH = Decimal("0.01")


@dataclass(frozen=True)
class Criterion:
    weight: Decimal
    max_points: int


@dataclass(frozen=True)
class BidScores:
    """`points`: one row per reviewer, one column per criterion."""

    key: str
    points: Sequence[Sequence[Decimal]]
    budget_wan: Decimal
    handed_in_at: datetime


@dataclass(frozen=True)
class Ranked:
    """`score` of 100; `by_criterion` are means in points; `totals` one per reviewer, in their order."""

    key: str
    rank: int
    score: Decimal
    by_criterion: tuple[Decimal, ...]
    totals: tuple[Decimal, ...]


@dataclass(frozen=True)
class Spread:
    """Of the totals of one bid; `outliers` are places in them. `deviation` is that of the whole panel (n)."""

    lowest: Decimal
    highest: Decimal
    mean: Decimal
    deviation: Decimal
    outliers: tuple[int, ...]


def total_of(points: Sequence[Decimal], criteria: Sequence[Criterion]) -> Fraction:
    """One reviewer's total of 100.

    >>> total_of([Decimal(5), Decimal(10)], [Criterion(Decimal(3), 10), Criterion(Decimal(1), 10)])
    Fraction(125, 2)
    """
    weights = sum((Fraction(item.weight) for item in criteria), Fraction(0))
    weighted = sum(
        (
            Fraction(item.weight) * Fraction(value) / item.max_points
            for item, value in zip(criteria, points, strict=True)
        ),
        Fraction(0),
    )
    return 100 * weighted / weights


def rank_bids(
    bids: Sequence[BidScores], criteria: Sequence[Criterion], *, drops_extremes: bool = False
) -> list[Ranked]:
    """The bids by rank, from 1; every bid needs at least one reviewer."""
    scored = []
    for bid in bids:
        totals = [total_of(row, criteria) for row in bid.points]
        firsts = [Fraction(row[0]) for row in bid.points]
        scored.append((bid, totals, rounded(_mean(_counted(totals, drops_extremes))), _mean(firsts)))
    scored.sort(key=lambda item: (-item[2], -item[3], item[0].budget_wan, item[0].handed_in_at, item[0].key))
    return [
        Ranked(
            key=bid.key,
            rank=rank,
            score=score,
            by_criterion=tuple(
                rounded(_mean([Fraction(row[place]) for row in bid.points])) for place in range(len(criteria))
            ),
            totals=tuple(rounded(total) for total in totals),
        )
        for rank, (bid, totals, score, _first) in enumerate(scored, start=1)
    ]


def spread_of(totals: Sequence[Decimal]) -> Spread | None:
    """None without totals.

    >>> spread_of([Decimal(80), Decimal(82), Decimal(40)]).outliers
    (2,)
    """
    if not totals:
        return None
    values = [Fraction(total) for total in totals]
    middle = median(values)
    distances = [abs(value - middle) for value in values]
    limit = max(OUTLIER_FACTOR * median(distances), Fraction(OUTLIER_POINTS))
    mean = _mean(values)
    variance = _mean([(value - mean) ** 2 for value in values])
    return Spread(
        lowest=rounded(min(values)),
        highest=rounded(max(values)),
        mean=rounded(mean),
        deviation=_quantized(Decimal(variance.numerator) / variance.denominator).sqrt().quantize(HUNDREDTH),
        outliers=tuple(place for place, distance in enumerate(distances) if distance > limit),
    )


def rounded(value: Fraction) -> Decimal:
    """Two decimals, halves up; exact, whatever the context's precision."""
    hundredths = (abs(value) * 200 + 1) // 2
    return (Decimal(hundredths) if value >= 0 else -Decimal(hundredths)) / 100


def _quantized(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.00000001"), rounding=ROUND_HALF_UP)


def _counted(totals: list[Fraction], drops_extremes: bool) -> list[Fraction]:
    if drops_extremes and len(totals) >= FEWEST_TO_DROP:
        return sorted(totals)[1:-1]
    return totals


def _mean(values: Sequence[Fraction]) -> Fraction:
    return sum(values, Fraction(0)) / len(values)
