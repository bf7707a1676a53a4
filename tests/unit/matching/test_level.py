"""The best texts under a filter are those of brute force, whether those that pass are looked at alone or scanned for."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from matching import kernels, level
from matching.level import Level, Rows
from matching.two_levels import TwoLevels

TERMS = 30
GROUPS = 4
REGIONS = 3


def random_level(random: np.random.Generator, texts: int) -> Level:
    rows = [np.sort(random.choice(TERMS, size=random.integers(0, 12), replace=False)) for _ in range(texts)]
    starts = np.cumsum([0, *map(len, rows)], dtype=np.int64)
    columns = np.concatenate([*rows, np.zeros(0)]).astype(np.int32)
    # Few different weights, so that there are ties.
    values = random.integers(1, 4, size=len(columns)).astype(np.float32) / np.float32(16)
    return Level.of(Rows(starts, columns, values), TERMS)


def random_query(random: np.random.Generator) -> dict[int, float]:
    terms = np.sort(random.choice(TERMS, size=random.integers(1, 10), replace=False))
    return {int(term): float(random.integers(1, 4)) / 32 for term in terms}


@pytest.mark.parametrize("few_share", [0.0, 1.0])
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**32), st.integers(1, 300), st.integers(1, 12))
def test_the_best_that_pass_are_those_of_brute_force(
    monkeypatch: pytest.MonkeyPatch, few_share: float, seed: int, documents: int, top_k: int
) -> None:
    monkeypatch.setattr(level, "FEW_SHARE", few_share)
    random = np.random.default_rng(seed)
    item_starts = np.cumsum([0, *random.integers(0, 4, size=documents)], dtype=np.int64)
    whole, items = random_level(random, documents), random_level(random, int(item_starts[-1]))
    both = TwoLevels.of(whole, items, item_starts)
    conditions = (
        random.integers(0, GROUPS, size=documents).astype(np.uint8),
        random.integers(0, REGIONS, size=documents).astype(np.int32),
        random.integers(0, 4, size=documents).astype(np.uint64),
        random.integers(0, 2, size=GROUPS).astype(np.uint8),
        random.integers(0, 2, size=REGIONS).astype(np.uint8),
        np.uint64(random.integers(0, 2)),
    )
    passing = np.empty(documents, dtype=np.bool_)
    kernels.allowed_documents(*conditions, passing)
    are_few, numbers = kernels.allowed_numbers(documents, *conditions)
    assert are_few
    assert numbers.tolist() == np.flatnonzero(passing).tolist()
    asked, asked_of_items = random_query(random), random_query(random)
    expected = brute_force(whole.products(asked), passing, top_k)
    assert whole.best(whole.query(asked), top_k, conditions) == expected
    expected = brute_force(both.scores(asked, asked_of_items), passing, top_k)
    found = both.best(whole.query(asked), items.query(asked_of_items), top_k, conditions)
    assert found == expected
    assert all(first[1] >= second[1] for first, second in pairwise(found))


def brute_force(scores: level.Floats, passing: np.ndarray, top_k: int) -> list[tuple[int, float]]:
    order = np.lexsort((np.arange(len(scores)), -scores))
    best = [(int(text), float(scores[text])) for text in order if passing[text] and scores[text] > 0.0]
    return best[:top_k]
