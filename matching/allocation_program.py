"""The linear program of an allocation, solved over a growing part of its pairs, and its integer program.

Hundreds of challenges times thousands of solvers are millions of pairs, of which a best assignment uses a few
hundred. The program is solved over promising pairs; its dual prices then tell which other pairs could gain, and they
are added until none can.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import linprog  # pyright: ignore
from scipy.sparse import csr_array, hstack  # pyright: ignore

from matching.allocation_problem import AllocationProblem
from matching.mixed_integer import MIN_TIME_LIMIT_S, Deadline, MixedInteger, Outcome, Solution

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

# What a pair must at least gain to be added; HiGHS prices are exact to 1e-7.
LEAST_GAIN = 1e-7
# How many pairs a challenge starts with beyond what it demands, and how many it is given at a time.
FIRST_PER_CHALLENGE = 40
FIRST_PER_SOLVER = 3
ADDED_PER_CHALLENGE = 40
# A total below which artificial units are rounding.
NO_LACK = 1e-6
# Totals of hundreds of scores are told apart to 1e-6.
RELATIVE_GAP = 1e-9


@dataclass(frozen=True)
class Kept:
    """Which constraints of a problem are kept: the rest is dropped (to find out which ones conflict)."""

    demands: npt.NDArray[np.bool_]
    minimums: npt.NDArray[np.bool_]
    maximums: npt.NDArray[np.bool_]
    forced: npt.NDArray[np.bool_]
    forbidden: npt.NDArray[np.bool_]
    cells: tuple[tuple[int, int], ...]

    @classmethod
    def everything(cls, problem: AllocationProblem) -> Kept:
        challenges, solvers = len(problem.demands), len(problem.minimums)
        return cls(
            np.ones(challenges, np.bool_),
            np.ones(solvers, np.bool_),
            np.ones(solvers, np.bool_),
            problem.constraints == 1,
            problem.constraints == -1,
            tuple(problem.group_cells),
        )


@dataclass(frozen=True)
class Prices:
    """Dual prices: what one more unit of each row is worth. `cells`: (groups, challenges)."""

    demands: Floats
    minimums: Floats
    maximums: Floats
    cells: Floats


@dataclass(frozen=True)
class Relaxation:
    """`values`: per entry of `columns` (challenge · solvers + solver), in [0, 1]. `gains`: float64 (all pairs), what a
    pair gains at the prices; `bound` + gain of an unused pair bounds every assignment that uses it. Where infeasible,
    `prices` and `gains` are those of the proof: what has a price takes part in the conflict."""

    outcome: Outcome
    bound: float
    columns: Integers
    values: Floats | None
    gains: Floats
    prices: Prices | None


class AllocationProgram:
    def __init__(self, problem: AllocationProblem, kept: Kept | None = None) -> None:
        self.problem = problem
        self.kept = kept or Kept.everything(problem)
        self.challenges: int = int(problem.scores.shape[0])
        self.solvers: int = int(problem.scores.shape[1])
        self.forced = np.flatnonzero(self.kept.forced)
        self.free = ~self.kept.forbidden
        members = np.zeros((max(1, len(problem.groups)), self.solvers), np.bool_)
        for number, group in enumerate(problem.groups):
            members[number, sorted(group.members)] = True
        self.members = members
        self._number_rows()

    def _number_rows(self) -> None:
        """Rows of the program: equalities first, then ≤ (a ≥ is turned round)."""
        problem, kept = self.problem, self.kept
        self.demand_rows = np.flatnonzero(kept.demands)
        self.equal_cells = [cell for cell in kept.cells if problem.groups[cell[0]].sense == "=="]
        self.bound_cells = [cell for cell in kept.cells if problem.groups[cell[0]].sense != "=="]
        self.least_rows = np.flatnonzero(kept.minimums & (problem.minimums > 0))
        # A maximum of all challenges or more bounds nothing.
        self.most_rows = np.flatnonzero(kept.maximums & (problem.maximums < self.challenges))
        counts = [problem.groups[number].count for number, _ in self.equal_cells]
        self.equal_right = np.concatenate([problem.demands[self.demand_rows], np.array(counts, np.int64)])
        signed = [
            problem.groups[number].count * (1 if problem.groups[number].sense == "<=" else -1)
            for number, _ in self.bound_cells
        ]
        self.upper_right = np.concatenate(
            [problem.maximums[self.most_rows], -problem.minimums[self.least_rows], np.array(signed, np.int64)]
        )

    def relax(self, deadline: Deadline) -> Relaxation:
        """The best fractional assignment; if it is integral, it is the best assignment."""
        columns = self._first_columns()
        found = self._grow(columns, deadline, feasibility=True)
        if found.outcome != "optimal":
            return found
        best = self._grow(found.columns, deadline, feasibility=False)
        if best.outcome == "unknown":
            # An assignment that was not improved yet is still one; nothing is proven of it.
            return replace(found, outcome="feasible", bound=float("inf"), gains=np.zeros(0))
        return best

    def possible(self, deadline: Deadline) -> bool | None:
        """Whether an assignment exists; None where the time did not suffice."""
        found = self._grow(self._first_columns(), deadline, feasibility=True)
        if found.outcome == "infeasible":
            return False
        if found.values is None or found.outcome != "optimal":
            return None
        if np.all(np.abs(found.values - np.rint(found.values)) < NO_LACK):
            return True
        for columns in (found.columns, np.flatnonzero(self.free)):
            solution = self.solve_integral(columns, deadline)
            if solution.values is not None:
                return True
            if solution.outcome != "infeasible":
                return None
        return False

    def solve_integral(self, columns: Integers, deadline: Deadline) -> Solution:
        """The best assignment that uses no pairs but these."""
        program = MixedInteger()
        scores = self.problem.scores.ravel()[columns]
        program.add_columns(
            len(columns), lower=self._lower(columns), upper=self._upper(columns), objective=scores
        )
        for matrix, lower, upper in (
            (self._equal_matrix(columns), self.equal_right, self.equal_right),
            (self._upper_matrix(columns), np.full(len(self.upper_right), -np.inf), self.upper_right),
        ):
            entries = matrix.tocoo()
            program.add_rows(
                np.asarray(entries.row, np.int64),
                np.asarray(entries.col, np.int64),
                np.asarray(entries.data, np.float64),
                lower=lower.astype(np.float64),
                upper=upper.astype(np.float64),
            )
        return program.solve(deadline, relative_gap=RELATIVE_GAP)

    def _grow(self, columns: Integers, deadline: Deadline, *, feasibility: bool) -> Relaxation:
        bound = float("inf")
        best: Relaxation | None = None
        while True:
            found = None if deadline.passed else self._solve(columns, deadline, feasibility)
            if found is None:
                # The last solution is not the best there is, but it is one, and its bound is proven.
                if best is None or feasibility:
                    return Relaxation("unknown", bound, columns, None, np.zeros(0), None)
                return best
            values, lack, prices = found
            if feasibility and lack <= NO_LACK:
                return Relaxation("optimal", bound, columns, values, np.zeros(0), prices)
            gains = self._gains(prices, feasibility)
            if not feasibility:
                bound = min(bound, self._bound(prices, gains))
                best = Relaxation("feasible", self._bound(prices, gains), columns, values, gains, prices)
                total = float(values @ self.problem.scores.ravel()[columns])
                if bound - total <= LEAST_GAIN:
                    return Relaxation("optimal", best.bound, columns, values, gains, prices)
            added = self._promising(gains, columns)
            if not len(added):
                if best is not None:
                    return replace(best, outcome="optimal")
                return Relaxation("infeasible", bound, columns, values, gains, prices)
            columns = np.union1d(columns, added)

    def _solve(
        self, columns: Integers, deadline: Deadline, feasibility: bool
    ) -> tuple[Floats, float, Prices] | None:
        equal, upper = self._equal_matrix(columns), self._upper_matrix(columns)
        cost = -self.problem.scores.ravel()[columns]
        limits = np.column_stack([self._lower(columns), self._upper(columns)])
        lacks = 2 * len(self.equal_right) + len(self.upper_right)
        if feasibility:
            cost = np.concatenate([np.zeros(len(columns)), np.ones(lacks)])
            limits = np.vstack([limits, np.column_stack([np.zeros(lacks), np.full(lacks, np.inf)])])
            equal, upper = _with_lacks(equal, upper)
        options: dict[str, Any] = {}
        if deadline.remaining_s is not None:
            options["time_limit"] = max(deadline.remaining_s, MIN_TIME_LIMIT_S)
        found: Any = linprog(
            cost,
            A_eq=equal,
            b_eq=self.equal_right,
            A_ub=upper,
            b_ub=self.upper_right,
            bounds=limits,
            method="highs",
            options=options,
        )
        if int(found.status) != 0:
            return None
        values = np.asarray(found.x, np.float64)
        # SciPy minimises: a price is what the minimum changes by.
        prices = self._prices(
            -np.asarray(found.eqlin.marginals, np.float64),
            # A negative price of a ≤ row is rounding, and would spoil the bound.
            np.maximum(-np.asarray(found.ineqlin.marginals, np.float64), 0.0),
        )
        return values[: len(columns)], float(values[len(columns) :].sum()), prices

    def _prices(self, equal: Floats, upper: Floats) -> Prices:
        demands = np.zeros(self.challenges)
        demands[self.demand_rows] = equal[: len(self.demand_rows)]
        maximums = np.zeros(self.solvers)
        maximums[self.most_rows] = upper[: len(self.most_rows)]
        minimums = np.zeros(self.solvers)
        first_cell = len(self.most_rows) + len(self.least_rows)
        minimums[self.least_rows] = upper[len(self.most_rows) : first_cell]
        cells = np.zeros((len(self.members), self.challenges))
        for (number, challenge), price in zip(self.equal_cells, equal[len(self.demand_rows) :], strict=True):
            cells[number, challenge] += price
        for (number, challenge), price in zip(self.bound_cells, upper[first_cell:], strict=True):
            cells[number, challenge] += price * (1 if self.problem.groups[number].sense == "<=" else -1)
        return Prices(demands, minimums, maximums, cells)

    def _gains(self, prices: Prices, feasibility: bool) -> Floats:
        """float64 (all pairs): score minus the price of what the pair takes up."""
        scores = np.zeros_like(self.problem.scores) if feasibility else self.problem.scores
        loads = prices.maximums - prices.minimums
        taken = prices.demands[:, None] + loads[None, :] + prices.cells.T @ self.members
        return (scores - taken).ravel()

    def _bound(self, prices: Prices, gains: Floats) -> float:
        """No assignment is larger, whatever the prices (of ≤ rows, at least 0): Σ price · right side + Σ gains > 0."""
        problem = self.problem
        rows = float(prices.demands[self.demand_rows] @ problem.demands[self.demand_rows])
        rows += float(prices.maximums[self.most_rows] @ problem.maximums[self.most_rows])
        rows -= float(prices.minimums[self.least_rows] @ problem.minimums[self.least_rows])
        for number, challenge in {*self.equal_cells, *self.bound_cells}:
            rows += float(prices.cells[number, challenge]) * problem.groups[number].count
        free: npt.NDArray[np.bool_] = self.free.ravel() & ~self.kept.forced.ravel()
        return rows + float(gains[free & (gains > 0)].sum()) + float(gains[self.forced].sum())

    def _promising(self, gains: Floats, columns: Integers) -> Integers:
        open_gains = np.where(self.free.ravel(), gains, -np.inf)
        open_gains[columns] = -np.inf
        table = open_gains.reshape(self.challenges, self.solvers)
        width = min(ADDED_PER_CHALLENGE, self.solvers)
        best = np.argpartition(-table, width - 1, axis=1)[:, :width]
        chosen = (np.arange(self.challenges)[:, None] * self.solvers + best).ravel()
        # And for every solver its best, or those who only matter for a minimum would wait for long.
        rows = np.argmax(table, axis=0)
        chosen: Integers = np.union1d(chosen, rows * self.solvers + np.arange(self.solvers))
        return chosen[open_gains[chosen] > LEAST_GAIN]

    def _first_columns(self) -> Integers:
        table = np.where(self.free, self.problem.scores, -np.inf)
        challenges = np.arange(self.challenges)[:, None]
        width = min(self.solvers, FIRST_PER_CHALLENGE + 2 * int(self.problem.demands.max(initial=0)))
        best = np.argpartition(-table, width - 1, axis=1)[:, :width]
        chosen: list[Integers] = [(challenges * self.solvers + best).ravel(), self.forced]
        depth = min(self.challenges, FIRST_PER_SOLVER)
        best = np.argpartition(-table, depth - 1, axis=0)[:depth, :]
        chosen.append((best * self.solvers + np.arange(self.solvers)).ravel())
        for number, group in enumerate(self.problem.groups):
            inside = self.members[number] if group.sense != "<=" else ~self.members[number]
            solvers = np.flatnonzero(inside)
            width = min(len(solvers), FIRST_PER_CHALLENGE)
            if width:
                best = solvers[np.argpartition(-table[:, solvers], width - 1, axis=1)[:, :width]]
                chosen.append((challenges * self.solvers + best).ravel())
        columns = np.unique(np.concatenate(chosen))
        able = columns[self.free.ravel()[columns]]
        # A program needs a column; where every pair is forbidden, one that stays at 0.
        return able if len(able) else np.zeros(1, np.int64)

    def _upper(self, columns: Integers) -> Floats:
        return self.free.ravel()[columns].astype(np.float64)

    def _lower(self, columns: Integers) -> Floats:
        return self.kept.forced.ravel()[columns].astype(np.float64)

    def _equal_matrix(self, columns: Integers) -> Any:
        challenges = columns // self.solvers
        row_of = np.full(self.challenges, -1)
        row_of[self.demand_rows] = np.arange(len(self.demand_rows))
        entries = [_entries(row_of[challenges], 1.0)]
        entries += self._cell_entries(columns, self.equal_cells, len(self.demand_rows))
        return _matrix(entries, len(self.equal_right), len(columns))

    def _upper_matrix(self, columns: Integers) -> Any:
        solvers = columns % self.solvers
        most = np.full(self.solvers, -1)
        most[self.most_rows] = np.arange(len(self.most_rows))
        least = np.full(self.solvers, -1)
        least[self.least_rows] = len(self.most_rows) + np.arange(len(self.least_rows))
        entries = [_entries(most[solvers], 1.0), _entries(least[solvers], -1.0)]
        entries += self._cell_entries(columns, self.bound_cells, len(self.most_rows) + len(self.least_rows))
        return _matrix(entries, len(self.upper_right), len(columns))

    def _cell_entries(
        self, columns: Integers, cells: list[tuple[int, int]], first_row: int
    ) -> list[tuple[Integers, Integers, Floats]]:
        # `columns` is sorted, so those of one challenge stand together.
        ends = np.searchsorted(columns, np.arange(self.challenges + 1) * self.solvers)
        found: list[tuple[Integers, Integers, Floats]] = []
        for row, (number, challenge) in enumerate(cells):
            where: Integers = np.arange(int(ends[challenge]), int(ends[challenge + 1]), dtype=np.int64)
            inside: Integers = where[self.members[number, columns[where] % self.solvers]]
            sign = -1.0 if self.problem.groups[number].sense == ">=" else 1.0
            found.append((np.full(len(inside), first_row + row), inside, np.full(len(inside), sign)))
        return found


def _entries(rows: Integers, value: float) -> tuple[Integers, Integers, Floats]:
    where = np.flatnonzero(rows >= 0)
    return rows[where], where, np.full(len(where), value)


def _matrix(entries: list[tuple[Integers, Integers, Floats]], rows: int, columns: int) -> Any:
    row = np.concatenate([entry[0] for entry in entries])
    column = np.concatenate([entry[1] for entry in entries])
    value = np.concatenate([entry[2] for entry in entries])
    return csr_array((value, (row, column)), shape=(rows, columns))  # pyright: ignore


def _with_lacks(equal: Any, upper: Any) -> tuple[Any, Any]:
    """Artificial columns that fill or empty any row: with them everything is feasible."""
    equals, uppers = int(equal.shape[0]), int(upper.shape[0])
    of_equal = np.eye(equals, 2 * equals + uppers) - np.eye(equals, 2 * equals + uppers, equals)
    of_upper = -np.eye(uppers, 2 * equals + uppers, 2 * equals)
    wide: list[Any] = [
        hstack([matrix, csr_array(lacks)], format="csr")  # pyright: ignore
        for matrix, lacks in ((equal, of_equal), (upper, of_upper))
    ]
    return wide[0], wide[1]
