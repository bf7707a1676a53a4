"""The allocation problem: challenges, solvers, scores, demands, loads, pairs and group rules."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from matching.problem_file import ProblemError, as_integer, as_list, as_object, refuse_unknown, required

Sense = Literal[">=", "<=", "=="]

SENSES: tuple[Sense, ...] = (">=", "<=", "==")
# Demands, loads and scores beyond this are a slip of the keyboard.
MAX_COUNT = 10**6


@dataclass(frozen=True, slots=True)
class GroupRule:
    """At least, at most or exactly `count` solvers of `members`, for each of `challenges` (None: for every one)."""

    members: frozenset[int]
    sense: Sense
    count: int
    challenges: frozenset[int] | None = None


@dataclass(frozen=True)
class AllocationProblem:
    """`scores`: float64 (challenges, solvers). `constraints`: int8 of the same shape, 1 forced, −1 forbidden."""

    scores: npt.NDArray[np.float64]
    demands: npt.NDArray[np.int64]
    minimums: npt.NDArray[np.int64]
    maximums: npt.NDArray[np.int64]
    constraints: npt.NDArray[np.int8]
    groups: tuple[GroupRule, ...] = ()

    def __post_init__(self) -> None:
        challenges, solvers = self.scores.shape
        for name, length in (("demands", challenges), ("minimums", solvers), ("maximums", solvers)):
            if len(getattr(self, name)) != length:
                raise ProblemError(name, f"must have {length} entries, as the scores have it")
            if np.any(getattr(self, name) < 0):
                raise ProblemError(name, "must not be negative")
        if self.constraints.shape != self.scores.shape:
            raise ProblemError(
                "constraints", f"must have {challenges} rows of {solvers} entries, like the scores"
            )
        if not np.isfinite(self.scores).all():
            raise ProblemError("scores", "must be finite numbers")

    @property
    def group_cells(self) -> Iterator[tuple[int, int]]:
        """(group rule, challenge) for every challenge that a group rule is about."""
        for number, group in enumerate(self.groups):
            every = range(len(self.demands)) if group.challenges is None else sorted(group.challenges)
            yield from ((number, challenge) for challenge in every)

    @classmethod
    def from_json(cls, value: Any) -> AllocationProblem:
        data = as_object(value, "")
        refuse_unknown(data, ("scores", "demands", "minimums", "maximums", "constraints", "groups"), "")
        scores = _matrix(required(data, "scores", ""), "scores")
        challenges, solvers = scores.shape
        given = data.get("constraints")
        constraints = np.zeros(scores.shape, np.int8) if given is None else _signs(given, challenges, solvers)
        given_groups = data.get("groups")
        groups = [] if given_groups is None else as_list(given_groups, "groups")
        return cls(
            scores=scores,
            demands=_counts(required(data, "demands", ""), "demands", challenges),
            minimums=_counts(required(data, "minimums", ""), "minimums", solvers),
            maximums=_counts(required(data, "maximums", ""), "maximums", solvers),
            constraints=constraints,
            groups=tuple(
                _group(item, f"groups[{number}]", challenges, solvers) for number, item in enumerate(groups)
            ),
        )


def _matrix(value: Any, field: str) -> npt.NDArray[np.float64]:
    rows = as_list(value, field)
    if not rows:
        raise ProblemError(field, "must have at least one row")
    width = len(as_list(rows[0], f"{field}[0]"))
    if not width:
        raise ProblemError(f"{field}[0]", "must have at least one entry")
    matrix = np.empty((len(rows), width), np.float64)
    for number, row in enumerate(rows):
        entries = as_list(row, f"{field}[{number}]")
        if len(entries) != width:
            raise ProblemError(f"{field}[{number}]", f"must have {width} entries, as the first row has")
        for place, entry in enumerate(entries):
            if (
                isinstance(entry, bool)
                or not isinstance(entry, (int, float, Decimal))
                or abs(entry) > MAX_COUNT
            ):
                raise ProblemError(f"{field}[{number}][{place}]", f"must be a number of at most {MAX_COUNT}")
            matrix[number, place] = float(entry)
    return matrix


def _signs(value: Any, challenges: int, solvers: int) -> npt.NDArray[np.int8]:
    rows = as_list(value, "constraints")
    if len(rows) != challenges:
        raise ProblemError("constraints", f"must have {challenges} rows, as the scores have")
    signs = np.empty((challenges, solvers), np.int8)
    for number, row in enumerate(rows):
        entries = as_list(row, f"constraints[{number}]")
        if len(entries) != solvers:
            raise ProblemError(f"constraints[{number}]", f"must have {solvers} entries, as the scores have")
        for place, entry in enumerate(entries):
            if isinstance(entry, bool) or entry not in (-1, 0, 1):
                raise ProblemError(f"constraints[{number}][{place}]", "must be -1, 0 or 1")
            signs[number, place] = int(entry)
    return signs


def _counts(value: Any, field: str, length: int) -> npt.NDArray[np.int64]:
    entries = as_list(value, field)
    if len(entries) != length:
        raise ProblemError(field, f"must have {length} entries, as the scores have it")
    return np.array(
        [
            as_integer(entry, f"{field}[{place}]", least=0, most=MAX_COUNT)
            for place, entry in enumerate(entries)
        ],
        np.int64,
    )


def _group(value: Any, place: str, challenges: int, solvers: int) -> GroupRule:
    data = as_object(value, place)
    refuse_unknown(data, ("members", "sense", "count", "challenges", "name"), place)
    sense = required(data, "sense", place)
    if sense not in SENSES:
        raise ProblemError(f"{place}.sense", "must be >=, <= or ==")
    about = data.get("challenges")
    return GroupRule(
        members=_indices(required(data, "members", place), f"{place}.members", solvers),
        sense=sense,
        count=as_integer(required(data, "count", place), f"{place}.count", least=0, most=MAX_COUNT),
        challenges=None if about is None else _indices(about, f"{place}.challenges", challenges),
    )


def _indices(value: Any, field: str, length: int) -> frozenset[int]:
    entries = as_list(value, field)
    return frozenset(
        as_integer(entry, f"{field}[{place}]", least=0, most=length - 1)
        for place, entry in enumerate(entries)
    )
