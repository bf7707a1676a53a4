"""The ranking follows its stated rule: checked against a second, plain way to write it."""

import random
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext
from itertools import pairwise, permutations

import pytest

from challenges.reviews.ranking import BidScores, Criterion, rank_bids, spread_of, total_of

BEGIN = datetime(2026, 11, 1, tzinfo=UTC)


def bid(key: str, *rows: tuple[float, ...], budget: int = 100, minutes: int = 0) -> BidScores:
    return BidScores(
        key,
        [[Decimal(str(value)) for value in row] for row in rows],
        Decimal(budget),
        BEGIN + timedelta(minutes=minutes),
    )


def plain_score(item: BidScores, criteria: list[Criterion], drops: bool) -> Decimal:
    with localcontext() as context:
        context.prec = 60
        weights = sum((criterion.weight for criterion in criteria), Decimal(0))
        totals = sorted(
            sum(
                (
                    criterion.weight * value / criterion.max_points
                    for criterion, value in zip(criteria, row, strict=True)
                ),
                Decimal(0),
            )
            * 100
            / weights
            for row in item.points
        )
        if drops and len(totals) >= 3:
            totals = totals[1:-1]
        # Sixty digits, cut where a half that is none could no longer be told: never in these examples.
        mean = (sum(totals, Decimal(0)) / len(totals)).quantize(Decimal("1e-40"))
        return mean.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


def example(seed: int) -> tuple[list[BidScores], list[Criterion], bool]:
    chance = random.Random(seed)
    criteria = [
        Criterion(Decimal(chance.choice([10, 20, 25, 30])), chance.choice([5, 10, 100]))
        for _ in range(chance.randint(1, 4))
    ]
    heads = chance.randint(1, 5)
    bids = [
        BidScores(
            f"b{number}",
            [
                [Decimal(chance.randint(0, 2 * item.max_points)) / 2 for item in criteria]
                for _ in range(heads)
            ],
            Decimal(chance.choice([100, 200])),
            BEGIN + timedelta(minutes=chance.randint(0, 2)),
        )
        for number in range(chance.randint(1, 5))
    ]
    return bids, criteria, chance.random() < 0.5


@pytest.mark.parametrize("seed", range(200))
def test_no_bid_stands_before_one_that_is_better_by_the_rule(seed: int) -> None:
    bids, criteria, drops = example(seed)
    ranked = rank_bids(bids, criteria, drops_extremes=drops)
    assert [item.rank for item in ranked] == list(range(1, len(bids) + 1))
    by_key = {item.key: item for item in bids}
    for better, worse in pairwise(ranked):
        first, second = by_key[better.key], by_key[worse.key]
        scores = [plain_score(item, criteria, drops) for item in (first, second)]
        assert [better.score, worse.score] == scores
        mains = [sum(row[0] for row in item.points) / len(item.points) for item in (first, second)]
        keys = [
            (-score, -main, item.budget_wan, item.handed_in_at, item.key)
            for score, main, item in zip(scores, mains, (first, second), strict=True)
        ]
        assert keys[0] < keys[1]


@pytest.mark.parametrize("seed", range(20))
def test_neither_the_order_of_bids_nor_that_of_reviewers_matters(seed: int) -> None:
    bids, criteria, drops = example(seed)
    expected = [(item.key, item.score) for item in rank_bids(bids, criteria, drops_extremes=drops)]
    for order in list(permutations(bids))[:6]:
        turned = [BidScores(b.key, b.points[::-1], b.budget_wan, b.handed_in_at) for b in order]
        assert [
            (item.key, item.score) for item in rank_bids(turned, criteria, drops_extremes=drops)
        ] == expected


def test_ties_are_told_apart_by_the_first_criterion_then_by_the_budget_then_by_time() -> None:
    criteria = [Criterion(Decimal(1), 10), Criterion(Decimal(1), 10)]
    first, second = bid("a", (4, 8)), bid("b", (6, 6))
    assert [item.key for item in rank_bids([first, second], criteria)] == ["b", "a"]
    cheap, dear = bid("z", (5, 5), budget=90), bid("a", (5, 5))
    assert [item.key for item in rank_bids([dear, cheap], criteria)] == ["z", "a"]
    late, early = bid("a", (5, 5), minutes=1), bid("z", (5, 5))
    assert [item.key for item in rank_bids([late, early], criteria)] == ["z", "a"]


def test_without_the_extremes_one_reviewer_alone_decides_nothing() -> None:
    criteria = [Criterion(Decimal(1), 10)]
    honest, pushed = bid("a", (7,), (7,), (7,)), bid("b", (6,), (6,), (10,))
    assert rank_bids([honest, pushed], criteria)[0].key == "b"
    assert rank_bids([honest, pushed], criteria, drops_extremes=True)[0].key == "a"


def test_with_two_reviewers_nothing_is_dropped() -> None:
    criteria = [Criterion(Decimal(1), 10)]
    (only,) = rank_bids([bid("a", (2,), (8,))], criteria, drops_extremes=True)
    assert only.score == Decimal("50.00")


def test_halves_are_rounded_up() -> None:
    criteria = [Criterion(Decimal(1), 100)]
    (only,) = rank_bids([bid("a", *[(50.5,)] * 3, (50,), *[(50,)] * 96)], criteria)
    assert only.score == Decimal("50.02")
    assert total_of([Decimal("0.5")], criteria) * 2 == 1


def test_the_spread_names_who_is_far_from_the_others() -> None:
    spread = spread_of([Decimal(80), Decimal(82), Decimal(78), Decimal(40)])
    assert spread is not None
    assert spread.outliers == (3,)
    assert (spread.lowest, spread.highest, spread.mean) == (Decimal(40), Decimal(82), Decimal(70))
    assert spread.deviation == Decimal("17.38")
    near = spread_of([Decimal(80), Decimal(80), Decimal(80), Decimal(89)])
    assert near is not None
    assert near.outliers == ()
    assert spread_of([]) is None
