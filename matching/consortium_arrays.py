"""A consortium problem as arrays: candidates in rows (n), requirements in columns (R)."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from matching.consortium_problem import ConsortiumProblem
from matching.quota import SMALL_MICRO_SIZES, exact_number, standing_reason

# Floats this close to `min_score` are compared again as exact numbers.
NEAR = 1e-9


class Group(IntEnum):
    """What a candidate can mean for the quota, whoever else is a member."""

    LARGE = 0
    OTHER = 1
    MEDIUM = 2
    SMALL = 3


@dataclass(frozen=True)
class ConsortiumArrays:
    """`scores`: float64 (n, R), NaN where none is given. `weights`: float64 (R). `budgets`: int64 (R), 0.01 万元.

    `group`: int (n) of `Group`. `allowed`: bool (n, R), who may take what. `controllers`: for a candidate that can
    count as an SME, the candidates whose membership takes that away. `forced` includes the lead that was asked for.
    """

    problem: ConsortiumProblem
    scores: npt.NDArray[np.float64]
    weights: npt.NDArray[np.float64]
    budgets: npt.NDArray[np.int64]
    group: npt.NDArray[np.int64]
    controllers: dict[int, tuple[int, ...]]
    allowed: npt.NDArray[np.bool_]
    forced: tuple[int, ...]
    lead: int | None
    forbidden: tuple[tuple[int, int], ...]
    # What `consortium_reduction` found, as alternatives ask for the same again.
    reductions: dict[Hashable, npt.NDArray[np.bool_]] = field(
        default_factory=dict[Hashable, npt.NDArray[np.bool_]]
    )

    @classmethod
    def of(cls, problem: ConsortiumProblem, like: ConsortiumArrays | None = None) -> ConsortiumArrays:
        """The arrays of `problem`; what it has in common with the problem of `like` is taken from there."""
        number = {candidate.id: place for place, candidate in enumerate(problem.candidates)}
        if (
            like is not None
            and like.problem.candidates is problem.candidates
            and like.problem.requirements is problem.requirements
        ):
            scores, group, controllers = like.scores, like.group, like.controllers
        else:
            scores = _scores(problem)
            group = _groups(problem)
            controllers = _controllers(problem, number, group)
        lead = None if problem.lead is None else number[problem.lead]
        forced = {number[identifier] for identifier in problem.force}
        return cls(
            problem=problem,
            scores=scores,
            weights=np.array([float(item.weight) for item in problem.requirements], np.float64),
            budgets=np.array([item.budget_hundred_yuan for item in problem.requirements], np.int64),
            group=group,
            controllers=controllers,
            allowed=_allowed(problem, scores, [number[identifier] for identifier in problem.exclude]),
            forced=tuple(sorted(forced if lead is None else forced | {lead})),
            lead=lead,
            forbidden=tuple((number[first], number[second]) for first, second in sorted(problem.forbid)),
        )

    @property
    def most_members(self) -> int:
        """No consortium is larger: every member has a requirement."""
        most = self.problem.rule.max_members
        return len(self.budgets) if most is None else min(most, len(self.budgets))

    def counted(self, assignment: tuple[int, ...]) -> set[int]:
        """The members of an assignment (per requirement the row of its holder) that count as SMEs."""
        members = set(assignment)
        return {
            row
            for row in members
            if self.group[row] >= Group.MEDIUM and not members.intersection(self.controllers.get(row, ()))
        }

    def money_of(self, assignment: tuple[int, ...], rows: set[int]) -> int:
        """What these members hold, in 0.01 万元."""
        return sum(int(budget) for budget, row in zip(self.budgets, assignment, strict=True) if row in rows)

    @property
    def plain_bound(self) -> float:
        """Every requirement with the best that may take it: no consortium has a larger objective."""
        best = np.where(self.allowed, self.scores, 0.0).max(axis=0, initial=0.0)
        return float(best @ self.weights) + NEAR


def _scores(problem: ConsortiumProblem) -> npt.NDArray[np.float64]:
    column = {requirement.id: place for place, requirement in enumerate(problem.requirements)}
    scores = np.full((len(problem.candidates), len(column)), np.nan)
    for row, candidate in enumerate(problem.candidates):
        for requirement, score in candidate.scores.items():
            scores[row, column[requirement]] = float(score)
    return scores


def _groups(problem: ConsortiumProblem) -> npt.NDArray[np.int64]:
    groups: list[Group] = []
    for candidate in problem.candidates:
        if candidate.is_large:
            groups.append(Group.LARGE)
        elif standing_reason(candidate.id, candidate.kind, candidate.size, candidate.controllers) is not None:
            groups.append(Group.OTHER)
        else:
            groups.append(Group.SMALL if candidate.size in SMALL_MICRO_SIZES else Group.MEDIUM)
    return np.array(groups, np.int64)


def _controllers(
    problem: ConsortiumProblem, number: dict[str, int], group: npt.NDArray[np.int64]
) -> dict[int, tuple[int, ...]]:
    found: dict[int, tuple[int, ...]] = {}
    for row, candidate in enumerate(problem.candidates):
        if group[row] < Group.MEDIUM:
            continue
        others = {
            number[relation.id]
            for relation in candidate.controllers
            if relation.kind == "control" and relation.id in number and relation.id != candidate.id
        }
        if others:
            found[row] = tuple(sorted(others))
    return found


def _allowed(
    problem: ConsortiumProblem, scores: npt.NDArray[np.float64], excluded: list[int]
) -> npt.NDArray[np.bool_]:
    allowed = ~np.isnan(scores)
    least = problem.rule.min_score
    if least is not None:
        near = np.abs(scores - float(least)) <= NEAR
        allowed &= np.nan_to_num(scores, nan=-1.0) >= float(least)
        rows, columns = np.nonzero(near)
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
            score = problem.candidates[row].scores[problem.requirements[column].id]
            allowed[row, column] = exact_number(score, "score") >= least
    allowed[excluded] = False
    return allowed
