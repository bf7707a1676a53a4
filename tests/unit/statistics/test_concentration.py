import doctest
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from challenges.statistics import concentration, figures
from challenges.statistics.concentration import gini_coefficient, herfindahl_index, lorenz_curve

AMOUNTS = st.lists(st.integers(0, 1000), min_size=1, max_size=12)


@pytest.mark.parametrize("module", [concentration, figures])
def test_the_examples_in_the_docstrings_hold(module: object) -> None:
    assert doctest.testmod(module).failed == 0  # type: ignore[arg-type]


def test_known_values() -> None:
    assert gini_coefficient([5, 5, 5, 5]) == 0
    assert gini_coefficient([0, 0, 0, 8]) == Fraction(3, 4)
    # Half the mean absolute difference over the mean: pairs differ by 1, 2, 1 (twice each) over 9 · 2 · 2.
    assert gini_coefficient([1, 2, 3]) == Fraction(8, 36)
    assert herfindahl_index([5, 5, 5, 5]) == Fraction(1, 4)
    assert herfindahl_index([0, 8]) == 1
    assert lorenz_curve([1, 2, 3])[1:] == [
        (Fraction(1, 3), Fraction(1, 6)),
        (Fraction(2, 3), Fraction(1, 2)),
        (Fraction(1), Fraction(1)),
    ]


def test_without_money_nothing_is_concentrated() -> None:
    assert gini_coefficient([]) is None
    assert herfindahl_index([0, 0]) is None
    assert lorenz_curve([]) == [(0, 0)]


@given(AMOUNTS)
def test_gini_is_half_the_mean_difference_over_the_mean(amounts: list[int]) -> None:
    total, count = sum(amounts), len(amounts)
    if total:
        differences = sum(abs(left - right) for left in amounts for right in amounts)
        assert gini_coefficient(amounts) == Fraction(differences, 2 * count * total)


@given(AMOUNTS)
def test_gini_is_twice_the_area_above_the_lorenz_curve(amounts: list[int]) -> None:
    if sum(amounts):
        points = lorenz_curve(amounts)
        area = sum((x2 - x1) * (y1 + y2) / 2 for (x1, y1), (x2, y2) in pairwise(points))
        assert gini_coefficient(amounts) == 1 - 2 * area
