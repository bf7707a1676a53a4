from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from matching.allocation import (
    OBJECTIVE_TOLERANCE,
    AllocationProblem,
    GroupRule,
    allocate,
    check_allocation,
    total_score,
)
from matching.allocation_conflict import AllocationConstraint
from matching.problem_file import ProblemError
from tests.unit.quota.allocation_examples import allocation_problems, every_total

EVERYONE = settings(
    max_examples=300,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
    database=None,
)


def problem(
    scores: Any, demands: Any, *, minimums: Any = None, maximums: Any = None, signs: Any = None, groups=()
):
    table = np.array(scores, np.float64)
    challenges, solvers = table.shape
    return AllocationProblem(
        scores=table,
        demands=np.array(demands, np.int64),
        minimums=np.array(minimums if minimums is not None else [0] * solvers, np.int64),
        maximums=np.array(maximums if maximums is not None else [challenges] * solvers, np.int64),
        constraints=np.zeros(table.shape, np.int8) if signs is None else np.array(signs, np.int8),
        groups=tuple(groups),
    )


@EVERYONE
@given(allocation_problems())
def test_an_allocation_is_the_best_of_all_or_names_constraints_that_conflict_and_are_all_needed(example):
    best = max(every_total(example), default=None)
    allocation = allocate(example)
    if best is None:
        assert allocation.status == "infeasible"
        assert allocation.assignment is None
        assert allocation.conflict_minimal
        assert not possible(only(example, allocation.conflict))
        for dropped in allocation.conflict:
            assert possible(only(example, [item for item in allocation.conflict if item != dropped]))
        return
    assert allocation.status == "optimal"
    assert allocation.assignment is not None
    assert not check_allocation(example, allocation.assignment)
    assert abs(total_score(example, allocation.assignment) - best) <= OBJECTIVE_TOLERANCE


def possible(example: AllocationProblem) -> bool:
    return next(every_total(example), None) is not None


def only(example: AllocationProblem, kept: Any) -> AllocationProblem:
    """`example` with nothing but these constraints; a demand that is dropped is marked −1."""
    challenges, solvers = example.scores.shape
    names = {item.name for item in kept}
    demands = np.full(challenges, -1)
    minimums, maximums = np.zeros(solvers, np.int64), np.full(solvers, challenges)
    signs = np.zeros_like(example.constraints)
    groups: list[GroupRule] = []
    for item in kept:
        if item.name == "demand":
            demands[item.challenge] = example.demands[item.challenge]
        elif item.name == "minimum":
            minimums[item.solver] = example.minimums[item.solver]
        elif item.name == "maximum":
            maximums[item.solver] = example.maximums[item.solver]
        elif item.name == "forced":
            signs[item.challenge, item.solver] = 1
        elif item.name == "forbidden":
            signs[item.challenge][example.constraints[item.challenge] == -1] = -1
        elif item.name == "group" and item.challenge is not None:
            rule = example.groups[item.group]
            groups.append(GroupRule(rule.members, rule.sense, rule.count, frozenset({item.challenge})))
    if "demands" in names:
        demands = example.demands
    if "minimums" in names:
        minimums = example.minimums
    if "maximums" in names:
        maximums = example.maximums
    made = problem(example.scores, np.maximum(demands, 0), minimums=minimums, maximums=maximums, signs=signs)
    object.__setattr__(made, "groups", tuple(groups))
    object.__setattr__(made, "demands", np.array(demands))
    return made


def test_a_demand_that_cannot_be_met_is_named_with_the_forbidden_pairs_that_prevent_it():
    example = problem([[1, 1], [1, 1]], [2, 1], maximums=[2, 2], signs=[[-1, 0], [0, 0]])
    conflict = allocate(example).conflict
    assert {(item.name, item.challenge) for item in conflict} == {("demand", 0), ("forbidden", 0)}


def test_a_group_rule_is_kept_for_the_challenges_that_it_names_and_not_for_others():
    rule = GroupRule(frozenset({1}), ">=", 1, frozenset({0}))
    assert allocate(problem([[9, 1], [9, 1]], [1, 1], groups=[rule])).assignment == ((1,), (0,))


def test_forced_pairs_are_in_and_forbidden_pairs_are_out():
    assert allocate(problem([[9, 5, 1]], [2], signs=[[-1, 0, 1]])).assignment == ((1, 2),)


def test_more_minimums_than_demands_are_named_as_two_sums():
    conflict = allocate(problem([[1, 1, 1]], [1], minimums=[1, 1, 0])).conflict
    assert [(item.name, item.count) for item in conflict] == [("demands", 1), ("minimums", 2)]


def test_a_fractional_relaxation_is_branched_to_the_proven_best():
    # Three group rules in a triangle: the relaxation takes a half of each.
    pairs = [frozenset({0, 1}), frozenset({1, 2}), frozenset({0, 2})]
    groups = [GroupRule(pair, "<=", 1) for pair in pairs]
    scores = [[4, 4, 4, 0, 0, 0]]
    allocation = allocate(problem(scores, [3], groups=groups))
    assert allocation.status == "optimal"
    assert allocation.objective == 4


def test_without_time_nothing_is_claimed():
    allocation = allocate(problem(np.ones((30, 40)), [3] * 30), time_limit_s=1e-9)
    assert allocation.status == "unknown"
    assert allocation.assignment is None


def test_a_check_finds_every_kind_of_broken_constraint():
    example = problem(
        [[1, 1, 1]],
        [1],
        minimums=[1, 0, 0],
        maximums=[1, 1, 0],
        signs=[[0, 1, -1]],
        groups=[GroupRule(frozenset({0}), "==", 1)],
    )
    assert set(check_allocation(example, [[2, 2]])) == {
        "demand of challenge 0",
        "forbidden pair (0, 2)",
        "load of solver 0",
        "load of solver 2",
        "forced pair (0, 1)",
        "group rule 0 for challenge 0",
    }


def test_constraints_print_in_words():
    assert AllocationConstraint("demand", challenge=2, count=3).text == "challenge 2 needs exactly 3 solvers"


GOOD = {"scores": [[1, 2], [3, 4]], "demands": [1, 1], "minimums": [0, 0], "maximums": [2, 2]}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"scores": [[1, 2], [3]]}, "scores[1]"),
        ({"scores": [[1, "2"]]}, "scores[0][1]"),
        ({"scores": []}, "scores"),
        ({"demands": [1]}, "demands"),
        ({"demands": [1, -1]}, "demands[1]"),
        ({"maximums": [1.5, 1]}, "maximums[0]"),
        ({"constraints": [[0, 0], [0, 2]]}, "constraints[1][1]"),
        ({"constraints": [[0, 0]]}, "constraints"),
        ({"groups": [{"members": [2], "sense": ">=", "count": 1}]}, "groups[0].members[0]"),
        ({"groups": [{"members": [0], "sense": ">", "count": 1}]}, "groups[0].sense"),
        ({"groups": [{"members": [0], "sense": ">="}]}, "groups[0].count"),
        ({"groups": {}}, "groups"),
        ({"groups": 0}, "groups"),
        ({"demand": [1, 1]}, "demand"),
    ],
)
def test_malformed_problems_are_refused_by_the_name_of_their_field(change, field):
    assert AllocationProblem.from_json(GOOD).scores.shape == (2, 2)
    with pytest.raises(ProblemError) as caught:
        AllocationProblem.from_json(GOOD | change)
    assert caught.value.field == field
