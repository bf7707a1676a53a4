"""Why there is no allocation: constraints that conflict, named."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from matching.allocation_problem import AllocationProblem
from matching.allocation_program import AllocationProgram, Kept, Relaxation
from matching.minimal_subset import minimal_subset
from matching.mixed_integer import Deadline

ConstraintName = Literal[
    "demand",
    "minimum",
    "maximum",
    "forced",
    "forbidden",
    "group",
    "demands",
    "minimums",
    "maximums",
    "all_forced",
    "all_forbidden",
]

# Looking for single constraints takes a program for each; a conflict of more than this many nobody reads, and is
# better named by its kinds, as it is where the search for single ones takes longer.
MAX_NAMED = 60
MAX_SEARCH_S = 15.0
# Prices of the proof that are smaller than this are rounding.
LEAST_PRICE = 1e-7


@dataclass(frozen=True, slots=True)
class AllocationConstraint:
    """One constraint. `forbidden` are all forbidden pairs of one challenge; the plurals and `all_…` are all of their
    kind, and `group` without a challenge is that rule for all its challenges."""

    name: ConstraintName
    challenge: int | None = None
    solver: int | None = None
    group: int | None = None
    count: int | None = None

    @property
    def text(self) -> str:
        return {
            "demand": f"challenge {self.challenge} needs exactly {self.count} solvers",
            "minimum": f"solver {self.solver} takes at least {self.count} challenges",
            "maximum": f"solver {self.solver} takes at most {self.count} challenges",
            "forced": f"solver {self.solver} is forced into challenge {self.challenge}",
            "forbidden": f"the {self.count} forbidden pairs of challenge {self.challenge}",
            "group": f"group rule {self.group}"
            + ("" if self.challenge is None else f" for challenge {self.challenge}"),
            "all_forced": f"all {self.count} forced pairs",
            "all_forbidden": f"all {self.count} forbidden pairs",
            "demands": f"all challenges together need {self.count} solvers",
            "minimums": f"all solvers together take at least {self.count} challenges",
            "maximums": f"all solvers together take at most {self.count} challenges",
        }[self.name]

    def as_json(self) -> dict[str, Any]:
        return {
            "constraint": self.name,
            "challenge": self.challenge,
            "solver": self.solver,
            "group": self.group,
            "count": self.count,
            "text": self.text,
        }


class _OutOfTime(Exception):  # noqa: N818 - a signal between two functions of this file
    pass


def minimal_conflict(
    problem: AllocationProblem, relaxed: Relaxation | None, deadline: Deadline
) -> tuple[tuple[AllocationConstraint, ...], bool]:
    """Constraints that conflict, and whether any one of them can be dropped to make the rest compatible.

    `relaxed`: the proof that already the fractional problem is impossible, where that is so.
    """
    totals = _totals(problem)
    if totals:
        return totals, True

    def possible(kept: Sequence[AllocationConstraint]) -> bool:
        found = _possible(problem, kept, deadline)
        if found is None:
            raise _OutOfTime
        return found

    kinds = list(_kinds(problem))
    try:
        coarse = minimal_subset(possible, kinds)
    except _OutOfTime:
        return tuple(kinds), False

    remaining_s = deadline.remaining_s
    deadline = Deadline(MAX_SEARCH_S if remaining_s is None else min(MAX_SEARCH_S, remaining_s))
    units = [unit for unit in _units(problem) if any(_is_of(unit, kind) for kind in coarse)]
    try:
        if relaxed is not None:
            suspects = _priced(problem, relaxed, units)
            # The proof is in floats; it is believed where the constraints that it names do conflict.
            if suspects and not possible(suspects):
                units = suspects
        fine = minimal_subset(possible, units)
    except _OutOfTime:
        return tuple(coarse), True
    return tuple(fine if len(fine) <= MAX_NAMED else coarse), True


def keep_only(problem: AllocationProblem, constraints: Sequence[AllocationConstraint]) -> Kept:
    """Nothing of `problem` but these constraints."""
    everything = Kept.everything(problem)
    kept = replace(
        everything,
        demands=np.zeros_like(everything.demands),
        minimums=np.zeros_like(everything.minimums),
        maximums=np.zeros_like(everything.maximums),
        forced=np.zeros_like(everything.forced),
        forbidden=np.zeros_like(everything.forbidden),
    )
    cells: list[tuple[int, int]] = []
    for item in constraints:
        if item.name == "demands":
            kept.demands[:] = True
        elif item.name == "minimums":
            kept.minimums[:] = True
        elif item.name == "maximums":
            kept.maximums[:] = True
        elif item.name == "minimum":
            kept.minimums[item.solver] = True
        elif item.name == "maximum":
            kept.maximums[item.solver] = True
        elif item.name == "demand":
            kept.demands[item.challenge] = True
        elif item.name == "forced":
            kept.forced[item.challenge, item.solver] = True
        elif item.name == "forbidden":
            kept.forbidden[item.challenge] = everything.forbidden[item.challenge]
        elif item.name == "all_forced":
            kept.forced[:] = everything.forced
        elif item.name == "all_forbidden":
            kept.forbidden[:] = everything.forbidden
        else:
            cells += [
                cell
                for cell in everything.cells
                if cell[0] == item.group and item.challenge in (None, cell[1])
            ]
    return replace(kept, cells=tuple(cells))


def _possible(
    problem: AllocationProblem, constraints: Sequence[AllocationConstraint], deadline: Deadline
) -> bool | None:
    return AllocationProgram(problem, keep_only(problem, constraints)).possible(deadline)


def _totals(problem: AllocationProblem) -> tuple[AllocationConstraint, ...]:
    """The conflict of sums, which would otherwise be named as hundreds of constraints."""
    demands, least, most = (int(part.sum()) for part in (problem.demands, problem.minimums, problem.maximums))
    challenges, solvers = problem.scores.shape
    named = AllocationConstraint("demands", count=demands)
    # Only where each sum for itself can be met: more than there are is another conflict.
    if int(problem.demands.max(initial=0)) > solvers or int(problem.minimums.max(initial=0)) > challenges:
        return ()
    if demands < least:
        return named, AllocationConstraint("minimums", count=least)
    if demands > most:
        return named, AllocationConstraint("maximums", count=most)
    return ()


def _kinds(problem: AllocationProblem) -> Iterator[AllocationConstraint]:
    for number, group in enumerate(problem.groups):
        yield AllocationConstraint("group", group=number, count=group.count)
    pairs: tuple[tuple[ConstraintName, int], ...] = (
        ("all_forced", int((problem.constraints == 1).sum())),
        ("all_forbidden", int((problem.constraints == -1).sum())),
        ("minimums", int(problem.minimums.sum())),
    )
    for name, count in pairs:
        if count:
            yield AllocationConstraint(name, count=count)
    yield AllocationConstraint("demands", count=int(problem.demands.sum()))
    yield AllocationConstraint("maximums", count=int(problem.maximums.sum()))


def _is_of(unit: AllocationConstraint, kind: AllocationConstraint) -> bool:
    if unit.name == "group":
        return kind.name == "group" and kind.group == unit.group
    return kind.name in (f"{unit.name}s", f"all_{unit.name}")


def _units(problem: AllocationProblem) -> Iterator[AllocationConstraint]:
    forbidden = (problem.constraints == -1).sum(axis=1)
    for number, challenge in problem.group_cells:
        yield AllocationConstraint(
            "group", group=number, challenge=challenge, count=problem.groups[number].count
        )
    rows, columns = np.nonzero(problem.constraints == 1)
    for challenge, solver in zip(rows.tolist(), columns.tolist(), strict=True):
        yield AllocationConstraint("forced", challenge=challenge, solver=solver)
    for challenge in np.flatnonzero(forbidden).tolist():
        yield AllocationConstraint("forbidden", challenge=challenge, count=int(forbidden[challenge]))
    for solver in np.flatnonzero(problem.minimums).tolist():
        yield AllocationConstraint("minimum", solver=solver, count=int(problem.minimums[solver]))
    for challenge, demand in enumerate(problem.demands.tolist()):
        yield AllocationConstraint("demand", challenge=challenge, count=demand)
    for solver in np.flatnonzero(problem.maximums < len(problem.demands)).tolist():
        yield AllocationConstraint("maximum", solver=solver, count=int(problem.maximums[solver]))


def _priced(
    problem: AllocationProblem, relaxed: Relaxation, units: list[AllocationConstraint]
) -> list[AllocationConstraint]:
    prices = relaxed.prices
    if prices is None:
        return []
    gains = relaxed.gains.reshape(problem.scores.shape)
    signs = problem.constraints

    def takes_part(item: AllocationConstraint) -> bool:
        challenge, solver, group = item.challenge or 0, item.solver or 0, item.group or 0
        if item.name == "group":
            price = float(prices.cells[group, challenge])
        elif item.name == "forced":
            price = min(0.0, float(gains[challenge, solver]))
        elif item.name == "forbidden":
            price = float(gains[challenge].max(where=signs[challenge] == -1, initial=0.0))
        elif item.name == "demand":
            price = float(prices.demands[challenge])
        else:
            price = float((prices.minimums if item.name == "minimum" else prices.maximums)[solver])
        return abs(price) > LEAST_PRICE

    return [item for item in units if takes_part(item)]
