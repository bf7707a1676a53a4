"""Small random allocation problems, and the best of all their assignments."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, product
from typing import Any

import numpy as np
from hypothesis import strategies as st

from matching.allocation_problem import AllocationProblem, GroupRule


@st.composite
def allocation_problems(draw: Any) -> AllocationProblem:
    challenges = draw(st.integers(1, 3))
    solvers = draw(st.integers(1, 5))
    scores = draw(st.lists(st.integers(-2, 8), min_size=challenges * solvers, max_size=challenges * solvers))
    signs = draw(
        st.lists(
            st.sampled_from([0] * 7 + [-1, -1, 1]),
            min_size=challenges * solvers,
            max_size=challenges * solvers,
        )
    )
    minimums = draw(st.lists(st.sampled_from([0, 0, 0, 1]), min_size=solvers, max_size=solvers))
    maximums = draw(st.lists(st.integers(0, 3), min_size=solvers, max_size=solvers))
    demands = draw(st.lists(st.integers(0, 3), min_size=challenges, max_size=challenges))
    groups = draw(st.lists(group_rules(challenges, solvers), max_size=3))
    shape = (challenges, solvers)
    return AllocationProblem(
        scores=np.array(scores, np.float64).reshape(shape) / 8,
        demands=np.array(demands, np.int64),
        minimums=np.array(minimums, np.int64),
        maximums=np.array(maximums, np.int64),
        constraints=np.array(signs, np.int8).reshape(shape),
        groups=tuple(groups),
    )


@st.composite
def group_rules(draw: Any, challenges: int, solvers: int) -> GroupRule:
    about = draw(st.one_of(st.none(), st.frozensets(st.integers(0, challenges - 1), min_size=1)))
    return GroupRule(
        members=draw(st.frozensets(st.integers(0, solvers - 1), max_size=solvers)),
        sense=draw(st.sampled_from([">=", "<=", "=="])),
        count=draw(st.integers(0, 2)),
        challenges=about,
    )


def every_total(problem: AllocationProblem) -> Iterator[float]:
    """The total of every assignment, read from the definition. A demand of −1 stands for any number of solvers."""
    challenges, solvers = problem.scores.shape
    rows = [list(_rows(problem, challenge)) for challenge in range(challenges)]
    for choice in product(*rows):
        loads = [sum(solver in row for row in choice) for solver in range(solvers)]
        if all(
            low <= load <= high
            for low, load, high in zip(problem.minimums, loads, problem.maximums, strict=True)
        ):
            yield float(
                sum(problem.scores[challenge, list(row)].sum() for challenge, row in enumerate(choice))
            )


def _rows(problem: AllocationProblem, challenge: int) -> Iterator[tuple[int, ...]]:
    solvers = range(problem.scores.shape[1])
    demand = int(problem.demands[challenge])
    signs = problem.constraints[challenge]
    for size in [demand] if demand >= 0 else range(len(solvers) + 1):
        for row in combinations(solvers, size):
            chosen = set(row)
            if any((signs[s] == -1 and s in chosen) or (signs[s] == 1 and s not in chosen) for s in solvers):
                continue
            if all(
                {">=": n >= g.count, "<=": n <= g.count, "==": n == g.count}[g.sense]
                for g in problem.groups
                if g.challenges is None or challenge in g.challenges
                for n in [len(chosen & g.members)]
            ):
                yield row
