"""Assign solvers to all challenges of a program at once.

Every challenge gets as many solvers as it demands, every solver between its minimum and its maximum of challenges;
pairs can be forced or forbidden, and a group rule bounds how many of a group a challenge gets. The total score is
maximised; no constraint is ever softened. `docs/consortium.md` has the method and its proof.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from matching.allocation_conflict import AllocationConstraint, minimal_conflict
from matching.allocation_problem import AllocationProblem, GroupRule
from matching.allocation_program import AllocationProgram, Relaxation
from matching.mixed_integer import Deadline

Status = Literal["optimal", "feasible", "infeasible", "unknown"]
__all__ = ["Allocation", "AllocationDefect", "AllocationProblem", "GroupRule", "allocate", "check_allocation"]

# A total of hundreds of scores in floats; two totals nearer than this are not told apart.
OBJECTIVE_TOLERANCE = 1e-6
# A program with more pairs than this is not solved as a whole when only a part of the pairs gives no integer answer.
MAX_PAIRS_AT_ONCE = 2_000_000


@dataclass(frozen=True, slots=True)
class Allocation:
    """`assignment`: per challenge its solvers, ascending; None where none was found.

    `bound`: no assignment has a larger total. `conflict_minimal`: any one of the conflicting constraints can be
    dropped to make the rest of them compatible.
    """

    status: Status
    objective: float | None
    bound: float | None
    assignment: tuple[tuple[int, ...], ...] | None
    conflict: tuple[AllocationConstraint, ...] = ()
    conflict_minimal: bool | None = None

    def as_json(self) -> dict[str, Any]:
        assignment = self.assignment or ()
        return {
            "status": self.status,
            "objective": self.objective,
            "bound": self.bound,
            "assignment": [list(solvers) for solvers in assignment],
            "conflict": [constraint.as_json() for constraint in self.conflict],
            "conflict_minimal": self.conflict_minimal,
        }


class AllocationDefect(Exception):  # noqa: N818 - a defect of the solver, not an error of its user
    """The independent check refused what the solver found."""


def allocate(problem: AllocationProblem, *, time_limit_s: float | None = None) -> Allocation:
    """The assignment with the largest total score; or, where there is none, constraints that conflict."""
    deadline = Deadline(time_limit_s)
    program = AllocationProgram(problem)
    relaxed = program.relax(deadline)
    if relaxed.outcome == "infeasible":
        return _impossible(problem, relaxed, deadline)
    if relaxed.outcome == "unknown" or relaxed.values is None:
        return Allocation("unknown", None, min(relaxed.bound, _plain_bound(problem)), None)

    bound = min(relaxed.bound, _plain_bound(problem))
    if np.all(np.abs(relaxed.values - np.rint(relaxed.values)) < 1e-6):
        return _checked(problem, _assignment(problem, relaxed.columns, relaxed.values), bound)
    return _integral(problem, program, relaxed, bound, deadline)


def _integral(
    problem: AllocationProblem,
    program: AllocationProgram,
    relaxed: Relaxation,
    bound: float,
    deadline: Deadline,
) -> Allocation:
    """Branch: first over the pairs that the relaxation used, then over all that could still improve on that."""
    first = program.solve_integral(relaxed.columns, deadline)
    best: Allocation | None = None
    if first.values is not None:
        best = _checked(problem, _assignment(problem, relaxed.columns, first.values), bound)
        if best.status == "optimal" or not len(relaxed.gains):
            return best
        # A pair that costs more than the gap in the relaxation is in no better assignment.
        needed = np.flatnonzero(relaxed.bound + relaxed.gains > _objective(best))
        columns = np.union1d(needed, np.flatnonzero(problem.constraints.ravel() == 1))
    elif first.outcome == "unknown" or problem.scores.size > MAX_PAIRS_AT_ONCE:
        return Allocation("unknown", None, bound, None)
    else:
        columns = np.arange(problem.scores.size)
    columns = columns[problem.constraints.ravel()[columns] != -1]
    full = program.solve_integral(columns, deadline)
    if full.outcome == "infeasible" and best is None:
        return _impossible(problem, None, deadline)
    # Whatever uses another pair is at most as good as what is known.
    proven = max(full.bound, _objective(best)) if best is not None else full.bound
    bound = min(bound, proven)
    found = [] if best is None or best.assignment is None else [best.assignment]
    if full.values is not None:
        found.append(_assignment(problem, columns, full.values))
    if not found:
        return Allocation("unknown", None, bound, None)
    return _checked(problem, max(found, key=lambda assignment: total_score(problem, assignment)), bound)


def _objective(allocation: Allocation) -> float:
    assert allocation.objective is not None
    return allocation.objective


def _impossible(problem: AllocationProblem, relaxed: Relaxation | None, deadline: Deadline) -> Allocation:
    conflict, minimal = minimal_conflict(problem, relaxed, deadline)
    return Allocation("infeasible", None, None, None, conflict, minimal)


def total_score(problem: AllocationProblem, assignment: Sequence[Sequence[int]]) -> float:
    return math.fsum(
        float(problem.scores[challenge, solver])
        for challenge, solvers in enumerate(assignment)
        for solver in solvers
    )


def check_allocation(problem: AllocationProblem, assignment: Sequence[Sequence[int]]) -> tuple[str, ...]:
    """Everything that is wrong with an assignment, computed from the definition alone."""
    broken: list[str] = []
    loads = [0] * len(problem.minimums)
    for challenge, solvers in enumerate(assignment):
        if len(solvers) != int(problem.demands[challenge]) or len(set(solvers)) != len(solvers):
            broken.append(f"demand of challenge {challenge}")
        for solver in solvers:
            loads[solver] += 1
            if problem.constraints[challenge, solver] == -1:
                broken.append(f"forbidden pair ({challenge}, {solver})")
    for solver, load in enumerate(loads):
        if not int(problem.minimums[solver]) <= load <= int(problem.maximums[solver]):
            broken.append(f"load of solver {solver}")
    rows, columns = np.nonzero(problem.constraints == 1)
    for challenge, solver in zip(rows.tolist(), columns.tolist(), strict=True):
        if solver not in assignment[challenge]:
            broken.append(f"forced pair ({challenge}, {solver})")
    for number, challenge in problem.group_cells:
        group = problem.groups[number]
        members = len(group.members.intersection(assignment[challenge]))
        kept = {">=": members >= group.count, "<=": members <= group.count, "==": members == group.count}
        if not kept[group.sense]:
            broken.append(f"group rule {number} for challenge {challenge}")
    return tuple(broken)


def _checked(problem: AllocationProblem, assignment: tuple[tuple[int, ...], ...], bound: float) -> Allocation:
    broken = check_allocation(problem, assignment)
    if broken:
        raise AllocationDefect("; ".join(broken[:5]))
    objective = total_score(problem, assignment)
    proven = bound - objective <= OBJECTIVE_TOLERANCE
    return Allocation("optimal" if proven else "feasible", objective, max(bound, objective), assignment)


def _assignment(
    problem: AllocationProblem, columns: npt.NDArray[np.int64], values: npt.NDArray[np.float64]
) -> tuple[tuple[int, ...], ...]:
    solvers = len(problem.minimums)
    found: list[list[int]] = [[] for _ in problem.demands]
    chosen: list[int] = np.sort(columns[values > 0.5]).tolist()
    for column in chosen:
        found[column // solvers].append(column % solvers)
    return tuple(tuple(row) for row in found)


def _plain_bound(problem: AllocationProblem) -> float:
    """Every challenge with its best solvers, whatever their load."""
    total = 0.0
    for challenge, demand in enumerate(problem.demands.tolist()):
        row = problem.scores[challenge][problem.constraints[challenge] != -1]
        total += float(np.sort(row)[::-1][:demand].sum())
    return total + OBJECTIVE_TOLERANCE
