"""The smallest reason why: a minimal subset of constraints that is impossible."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def minimal_subset(possible: Callable[[Sequence[T]], bool], constraints: Sequence[T]) -> list[T]:
    """Junker's QuickXplain: a subset that is impossible and of which every proper subset is possible.

    `constraints` must be impossible, no constraints at all possible, and adding one never makes possible what was
    not. The number of tries grows with the size of the answer and the logarithm of the size of the question.

    >>> sorted(minimal_subset(lambda kept: sum(kept) < 10, [1, 2, 3, 4, 5]))
    [1, 2, 3, 4]
    """

    def search(ground: list[T], grew: bool, rest: list[T]) -> list[T]:
        if grew and not possible(ground):
            return []
        if len(rest) == 1:
            return rest
        half = len(rest) // 2
        first, second = rest[:half], rest[half:]
        from_second = search(ground + first, True, second)
        from_first = search(ground + from_second, bool(from_second), first)
        return from_first + from_second

    return search([], False, list(constraints))
