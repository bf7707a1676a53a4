"""The mixed-integer program of a consortium, and its exact solution.

HiGHS works in floats with tolerances, so its rows are slightly looser than the constraints. What it returns is rounded
and judged in integers; where a share or the order of leads is broken by less than the tolerance, a cut that no
consortium within the constraints violates is added, and the program is solved again. So nothing feasible is lost and
nothing infeasible is returned.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from math import gcd
from typing import Literal

import numpy as np
import numpy.typing as npt

from matching.consortium_arrays import ConsortiumArrays, Group
from matching.consortium_problem import lead_of
from matching.consortium_reduction import Regime, needed_pairs
from matching.mixed_integer import Deadline, MixedInteger, Outcome
from matching.quota import exact_number

# Rows with shares are this much looser than the shares themselves, for the rounding of their coefficients; what is
# let through is judged exactly. More would let tiny fractions in, and with them a bound above every consortium.
LOOSE = 1e-10
# HiGHS drops coefficients up to this size; a row is loosened by what it loses.
DROPPED = 1e-9

Goal = Literal["score", "anything", "sme_budget", "sme_members", "few_members", "small_micro", "sme_heads"]


class SolverDefect(Exception):  # noqa: N818 - it is a defect of the solver, not an error of its user
    """The solver contradicts itself or the independent check; nothing is returned in its place."""


@dataclass(frozen=True, slots=True)
class Aim:
    """What is maximised.

    `small_micro`: Σ_K b − ratio · Σ_C b; `sme_heads`: |C| − ratio · |S| (see `evaluate_quota` for the sets).
    """

    goal: Goal = "score"
    ratio: Fraction = Fraction(0)


@dataclass(frozen=True, slots=True)
class Found:
    """`assignment`: per requirement the row of its holder. `bound`: no consortium of the regime exceeds it."""

    outcome: Outcome
    assignment: tuple[int, ...] | None
    bound: float


@dataclass(frozen=True, slots=True)
class _Counts:
    """Who of an assignment counts as SME: per requirement, whether held by one, and by a small or micro one."""

    sme: npt.NDArray[np.bool_]
    small: npt.NDArray[np.bool_]


def solve_regime(
    arrays: ConsortiumArrays,
    regime: Regime,
    deadline: Deadline,
    *,
    aim: Aim | None = None,
    excluded: tuple[frozenset[int], ...] = (),
    spare: int = 0,
    least_sme_hundred_yuan: int | None = None,
) -> Found:
    """The best assignment of a regime whose set of members is none of `excluded` (at most `spare` of them)."""
    aim = aim or Aim()
    pairs = needed_pairs(
        arrays,
        regime,
        by_score=aim.goal == "score",
        mediums_dilute=arrays.problem.rule.min_small_micro_share_of_sme is not None
        or aim.goal == "small_micro",
        excluded_sets=max(spare, len(excluded)),
    )
    if not pairs.any(axis=0).all() or any(not pairs[row].any() for row in arrays.forced):
        return Found("infeasible", None, float("-inf"))
    model = _ConsortiumModel(arrays, regime, pairs, aim, least_sme_hundred_yuan)
    for members in excluded:
        model.exclude_members(members)
    bound = float("inf")
    refused: set[tuple[int, ...]] = set()
    while True:
        solution = model.program.solve(deadline)
        bound = min(bound, solution.bound)
        if solution.values is None:
            return Found(solution.outcome, None, bound)
        assignment = model.decode(solution.values)
        if not model.add_cuts(assignment):
            return Found(solution.outcome, assignment, bound)
        if assignment in refused:
            raise SolverDefect("a consortium came back although it had been cut off")
        refused.add(assignment)


class _ConsortiumModel:
    """Columns: x (pair: candidate takes requirement), y (candidate is a member), h and c for SMEs with controllers
    among the candidates (counts as an SME; and holds the requirement), t, p and more for `other_lead`."""

    def __init__(
        self,
        arrays: ConsortiumArrays,
        regime: Regime,
        pairs: npt.NDArray[np.bool_],
        aim: Aim,
        least_sme_hundred_yuan: int | None,
    ) -> None:
        self.arrays = arrays
        self.regime: Regime = regime
        self.program = MixedInteger()
        self.total = int(arrays.budgets.sum())
        self.share = arrays.budgets / max(self.total, 1)
        self.least_sme = self._least_sme(regime, least_sme_hundred_yuan)
        self.small_share = arrays.problem.rule.min_small_micro_share_of_sme if regime == "kept" else None

        rows, columns = np.nonzero(pairs)
        self.pair_rows, self.pair_columns = rows, columns
        worth = np.nan_to_num(arrays.scores[rows, columns]) * arrays.weights[columns]
        self.x = self.program.add_columns(len(rows), objective=worth if aim.goal == "score" else 0.0)
        self.candidates = np.unique(rows)
        self.place = {int(row): place for place, row in enumerate(self.candidates)}
        lower = np.isin(self.candidates, arrays.forced).astype(np.float64)
        self.y = self.program.add_columns(
            len(self.candidates), lower=lower, objective=-1.0 if aim.goal == "few_members" else 0.0
        )
        self.x_of: dict[tuple[int, int], int] = {
            (int(row), int(column)): int(x) for row, column, x in zip(rows, columns, self.x, strict=True)
        }
        self._add_structure(pairs)
        if regime == "kept" or aim.goal in ("sme_budget", "sme_members", "small_micro", "sme_heads"):
            self._add_counting()
            self._add_quota(regime)
            self._add_aim(aim)
        if regime == "other_lead":
            self._add_other_lead()

    def _least_sme(self, regime: Regime, asked: int | None) -> int | None:
        share = self.arrays.problem.rule.min_sme_budget_share if regime == "kept" else None
        by_rule = None if share is None else -(-share.numerator * self.total // share.denominator)
        given = [least for least in (by_rule, asked) if least is not None]
        return max(given) if given else None

    def _y(self, row: int) -> int:
        return int(self.y[self.place[row]])

    def _add_structure(self, pairs: npt.NDArray[np.bool_]) -> None:
        count, width = len(self.x), int(pairs.shape[1])
        y_of_pair = self.y[np.searchsorted(self.candidates, self.pair_rows)]
        ones = np.ones(count)
        self.program.add_rows(self.pair_columns, self.x, ones, lower=np.ones(width), upper=np.ones(width))
        entries = np.arange(count)
        self.program.add_rows(
            np.concatenate([entries, entries]),
            np.concatenate([self.x, y_of_pair]),
            np.concatenate([ones, -ones]),
            lower=np.full(count, -np.inf),
            upper=np.zeros(count),
        )
        members = len(self.y)
        self.program.add_rows(
            np.concatenate([np.arange(members), np.searchsorted(self.candidates, self.pair_rows)]),
            np.concatenate([self.y, self.x]),
            np.concatenate([np.ones(members), -ones]),
            lower=np.full(members, -np.inf),
            upper=np.zeros(members),
        )
        self.program.add_row(self.y, 1.0, upper=float(self.arrays.most_members))
        for first, second in self.arrays.forbidden:
            if first in self.place and second in self.place:
                self.program.add_row([self._y(first), self._y(second)], 1.0, upper=1.0)

    def exclude_members(self, members: frozenset[int]) -> None:
        """Rule out exactly this set of members: at least one leaves or another joins."""
        if members <= self.place.keys():
            inside = np.isin(self.candidates, list(members))
            self.program.add_row(self.y, np.where(inside, -1.0, 1.0), lower=1.0 - len(members))

    def _add_counting(self) -> None:
        """Columns whose sum is the money and the heads of counted SMEs."""
        self.sme_x: list[list[int]] = [[] for _ in self.share]
        self.small_x: list[list[int]] = [[] for _ in self.share]
        self.sme_heads: list[int] = []
        held: dict[int, list[int]] = {}
        for row, column in zip(self.pair_rows, self.pair_columns, strict=True):
            held.setdefault(int(row), []).append(int(column))
        for row, columns in held.items():
            group = self.arrays.group[row]
            if group < Group.MEDIUM:
                continue
            present = [k for k in self.arrays.controllers.get(row, ()) if k in self.place]
            money = self._counted_columns(row, columns, present)
            for column, variable in money:
                self.sme_x[column].append(variable)
                if group == Group.SMALL:
                    self.small_x[column].append(variable)

    def _counted_columns(self, row: int, columns: list[int], controllers: list[int]) -> list[tuple[int, int]]:
        member = self._y(row)
        if not controllers:
            self.sme_heads.append(member)
            return [(column, self.x_of[row, column]) for column in columns]
        head = int(self.program.add_columns(1)[0])
        self.sme_heads.append(head)
        self.program.add_row([head, member], [1.0, -1.0], upper=0.0)
        for controller in controllers:
            self.program.add_row([head, self._y(controller)], 1.0, upper=1.0)
        others = [self._y(controller) for controller in controllers]
        self.program.add_row([head, member, *others], [1.0, -1.0, *([1.0] * len(others))], lower=0.0)
        found: list[tuple[int, int]] = []
        for column in columns:
            x = self.x_of[row, column]
            counted = int(self.program.add_columns(1, integral=False)[0])
            self.program.add_row([counted, x], [1.0, -1.0], upper=0.0)
            self.program.add_row([counted, head], [1.0, -1.0], upper=0.0)
            self.program.add_row([counted, x, head], [1.0, -1.0, -1.0], lower=-1.0)
            found.append((column, counted))
        return found

    def _money(self, columns: list[list[int]], factor: float = 1.0) -> list[tuple[int, float]]:
        return [
            (variable, factor * float(self.share[column]))
            for column, variables in enumerate(columns)
            for variable in variables
        ]

    def _add_terms(self, terms: Iterable[tuple[int, float]], *, lower: float) -> None:
        listed = list(terms)
        lost = sum(value for _, value in listed if 0 < value <= DROPPED)
        self.program.add_row(
            [column for column, _ in listed], [value for _, value in listed], lower=lower - lost
        )

    def _add_quota(self, regime: Regime) -> None:
        rule = self.arrays.problem.rule
        if self.least_sme is not None and self.least_sme > 0:
            self._add_terms(self._money(self.sme_x), lower=self.least_sme / max(self.total, 1) - LOOSE)
        if regime != "kept":
            return
        if self.small_share is not None:
            share = float(self.small_share)
            self._add_terms(self._money(self.small_x) + self._money(self.sme_x, -share), lower=-LOOSE)
        if rule.min_sme_members:
            self.program.add_row(self.sme_heads, 1.0, lower=float(rule.min_sme_members))
        if rule.min_sme_member_share:
            # Heads are few, so the share can be replaced by the next one that heads can have: small integers.
            share = next_share(rule.min_sme_member_share, self.arrays.most_members)
            heads = [(column, float(share.denominator)) for column in self.sme_heads]
            everyone = [(int(column), -float(share.numerator)) for column in self.y]
            self._add_terms(heads + everyone, lower=0.0)

    def _add_aim(self, aim: Aim) -> None:
        """A column that is the aim, where that is a sum over counted SMEs."""
        ratio = float(aim.ratio)
        if aim.goal == "sme_budget":
            terms = self._money(self.sme_x)
        elif aim.goal == "small_micro":
            terms = self._money(self.small_x) + self._money(self.sme_x, -ratio)
        elif aim.goal == "sme_members":
            terms = [(column, 1.0) for column in self.sme_heads]
        elif aim.goal == "sme_heads":
            terms = [(column, 1.0) for column in self.sme_heads] + [
                (int(column), -ratio) for column in self.y
            ]
        else:
            return
        most = float(len(self.share) + 1)
        total = int(self.program.add_columns(1, lower=-most, upper=most, objective=1.0, integral=False)[0])
        self._add_terms([*terms, (total, -1.0)], lower=0.0)

    def _add_other_lead(self) -> None:
        """One member that is not large leads: it comes before every large member.

        l: who leads; T and P: its money and its part of the objective; for each large candidate j, tie_j allows
        T = B_j provided that P ≥ P_j.
        """
        arrays = self.arrays
        large = [int(row) for row in self.candidates if arrays.group[row] == Group.LARGE]
        if not large:
            return
        others = [int(row) for row in self.candidates if arrays.group[row] != Group.LARGE]
        leads = self.program.add_columns(len(others))
        self.lead_column = {row: int(column) for row, column in zip(others, leads, strict=True)}
        self.program.add_row(leads, 1.0, lower=1.0, upper=1.0)
        money, part = (
            int(column) for column in self.program.add_columns(2, integral=False, upper=np.array([1.0, 2.0]))
        )
        # The largest of at most so many parts of everything is at least their mean.
        mean = 1.0 / arrays.most_members if self.total else 0.0
        for row in others:
            lead = self.lead_column[row]
            own_money, own_part = self._own_money(row), self._own_part(row)
            self.program.add_row([lead, self._y(row)], [1.0, -1.0], upper=0.0)
            self._add_terms([(lead, -mean), *own_money], lower=-LOOSE)
            # total ≤ own + most · (1 − lead), where no total is above most.
            for total, own, most in ((money, own_money, 1.0), (part, own_part, 2.0)):
                self._add_terms([(total, -1.0), (lead, -most), *own], lower=-most - LOOSE)
        step = gcd(*(int(budget) for budget in arrays.budgets)) / max(self.total, 1)
        for row in large:
            tie = int(self.program.add_columns(1)[0])
            # money ≥ own + step · (1 − tie), and part ≥ own − 2 · (1 − tie).
            own = [(column, -value) for column, value in self._own_money(row)]
            self._add_terms([(money, 1.0), (tie, step), *own], lower=step - LOOSE)
            own = [(column, -value) for column, value in self._own_part(row)]
            self._add_terms([(part, 1.0), (tie, -2.0), *own], lower=-2.0 - LOOSE)

    def _own_money(self, row: int) -> list[tuple[int, float]]:
        return [
            (self.x_of[row, column], float(share))
            for column, share in enumerate(self.share)
            if (row, column) in self.x_of
        ]

    def _own_part(self, row: int) -> list[tuple[int, float]]:
        return [
            (self.x_of[row, column], float(weight * self.arrays.scores[row, column]))
            for column, weight in enumerate(self.arrays.weights)
            if (row, column) in self.x_of
        ]

    def decode(self, values: npt.NDArray[np.float64]) -> tuple[int, ...]:
        best: dict[int, tuple[float, int]] = {}
        for row, column, x in zip(self.pair_rows, self.pair_columns, self.x, strict=True):
            value = float(values[x])
            if value > best.get(int(column), (0.0, 0))[0]:
                best[int(column)] = value, int(row)
        return tuple(best[column][1] for column in range(len(self.share)))

    def add_cuts(self, assignment: tuple[int, ...]) -> bool:
        """Cut off an assignment that breaks a constraint by less than the tolerance; False where it breaks none."""
        added = False
        if self.least_sme is not None or self.small_share is not None:
            counts = self._counts(assignment)
            added = self._cut_sme_budget(counts) | self._cut_small_share(counts)
        if self.regime == "other_lead":
            added |= self._cut_lead(assignment)
        return added

    def _counts(self, assignment: tuple[int, ...]) -> _Counts:
        counted = self.arrays.counted(assignment)
        small = {row for row in counted if self.arrays.group[row] == Group.SMALL}
        return _Counts(
            np.array([row in counted for row in assignment]), np.array([row in small for row in assignment])
        )

    def _cut_sme_budget(self, counts: _Counts) -> bool:
        if self.least_sme is None:
            return False
        held = {int(column) for column in np.flatnonzero(counts.sme)}
        money = sum(int(self.arrays.budgets[column]) for column in held)
        if money >= self.least_sme:
            return False
        # These requirements are too little, and stay so with the cheapest others that still fit below the threshold:
        # SMEs have to hold one more besides.
        for column in sorted(
            set(range(len(self.share))) - held, key=lambda column: int(self.arrays.budgets[column])
        ):
            if money + int(self.arrays.budgets[column]) < self.least_sme:
                held.add(column)
                money += int(self.arrays.budgets[column])
        self._add_terms(
            [(x, 1.0) for column, xs in enumerate(self.sme_x) if column not in held for x in xs], lower=1.0
        )
        return True

    def _cut_small_share(self, counts: _Counts) -> bool:
        if self.small_share is None:
            return False
        small = sum(int(budget) for budget in self.arrays.budgets[counts.small])
        sme = sum(int(budget) for budget in self.arrays.budgets[counts.sme])
        if small * self.small_share.denominator >= self.small_share.numerator * sme:
            return False
        # As long as medium enterprises hold all of theirs, small and micro ones need another requirement.
        medium = counts.sme & ~counts.small
        terms: list[tuple[int, float]] = []
        for column in range(len(self.share)):
            small_x = set(self.small_x[column])
            if not counts.small[column]:
                terms += [(x, 1.0) for x in small_x]
            if medium[column]:
                terms += [(x, -1.0) for x in self.sme_x[column] if x not in small_x]
        self._add_terms(terms, lower=1.0 - int(medium.sum()))
        return True

    def _cut_lead(self, assignment: tuple[int, ...]) -> bool:
        problem = self.arrays.problem
        names = [candidate.id for candidate in problem.candidates]
        lead = lead_of(
            problem, {item.id: names[row] for item, row in zip(problem.requirements, assignment, strict=True)}
        )
        first = next(row for row in set(assignment) if names[row] == lead)
        if self.arrays.group[first] != Group.LARGE:
            return False
        # Where the large enterprise holds what it holds, nobody else leads without holding more than now (or, not a
        # member now, than nothing): money and parts only grow with what is held.
        kept = [column for column, row in enumerate(assignment) if row == first]
        for row, lead_column in self.lead_column.items():
            own = {column for column, holder in enumerate(assignment) if holder == row}
            if not own:
                continue
            more = [(x, 1.0) for x in self._gains(row, own, kept)]
            hold = [(self.x_of[first, column], -1.0) for column in kept]
            self._add_terms([*more, *hold, (lead_column, -1.0)], lower=-float(len(kept)))
        return True

    def _gains(self, row: int, own: set[int], kept: list[int]) -> list[int]:
        columns = set(range(len(self.share))) - own - set(kept)
        return [self.x_of[row, column] for column in sorted(columns) if (row, column) in self.x_of]


def next_share(share: Fraction, most_members: int) -> Fraction:
    """The least n/k ≥ `share` with 0 ≤ n ≤ k ≤ `most_members`: n heads of k reach the one iff they reach the other.

    >>> next_share(Fraction(334, 1000), 5)
    Fraction(2, 5)
    """
    return min(Fraction(-(-share.numerator * k // share.denominator), k) for k in range(1, most_members + 1))


def exact_objective(arrays: ConsortiumArrays, assignment: tuple[int, ...]) -> Fraction:
    """Σ_r weight_r · score_{member(r), r}."""
    total = Fraction(0)
    for requirement, row in zip(arrays.problem.requirements, assignment, strict=True):
        score = arrays.problem.candidates[row].scores[requirement.id]
        total += requirement.weight * exact_number(score, "score")
    return total
