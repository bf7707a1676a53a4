from fractions import Fraction
from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings

from matching.consortium import (
    Candidate,
    ConsortiumProblem,
    ConsortiumRequirement,
    check_consortium,
    lead_of,
    objective_of,
)
from matching.quota import Controller, QuotaRule
from tests.unit.quota.consortium_examples import every_consortium, problems


@settings(
    max_examples=200,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
    database=None,
)
@given(problems(max_candidates=3, max_requirements=3))
def test_the_check_passes_exactly_the_consortia_of_the_definition(problem):
    allowed = {(item[2], tuple(sorted(item[3].items()))) for item in every_consortium(problem)}
    names = [candidate.id for candidate in problem.candidates]
    for holders in product(names, repeat=len(problem.requirements)):
        assignment = {item.id: holder for item, holder in zip(problem.requirements, holders, strict=True)}
        for lead in names:
            expected = (lead, tuple(sorted(assignment.items()))) in allowed
            assert (not check_consortium(problem, lead, assignment)) is expected


def problem(**changes):
    base = ConsortiumProblem(
        requirements=(ConsortiumRequirement.of("a", "0.5", 60), ConsortiumRequirement.of("b", "0.5", 40)),
        candidates=(
            Candidate("large", "enterprise", "large", {"a": 0.9, "b": 0.8}),
            Candidate("sme", "enterprise", "medium", {"a": 0.2, "b": 0.7}),
            Candidate("child", "enterprise", "small", {"b": 0.6}, (Controller("large", None),)),
        ),
    )
    return base.changed(**changes)


KEPT = {"a": "large", "b": "sme"}


@pytest.mark.parametrize(
    ("changes", "lead", "assignment", "constraint"),
    [
        ({}, "large", {"a": "large"}, "requirements"),
        ({}, "large", {"a": "large", "b": "nobody"}, "candidates"),
        ({}, "child", {"a": "child", "b": "child"}, "scores"),
        ({"rule": QuotaRule(min_score="0.8")}, "large", KEPT, "min_score"),
        ({"rule": QuotaRule(max_members=1)}, "large", KEPT, "max_members"),
        ({"force": {"child"}}, "large", KEPT, "force"),
        ({"exclude": {"sme"}}, "large", KEPT, "exclude"),
        ({"forbid": {("sme", "large")}}, "large", KEPT, "forbid"),
        ({"lead": "sme"}, "large", KEPT, "lead"),
        ({}, "sme", KEPT, "lead"),
        ({}, "child", KEPT, "lead"),
        ({"rule": QuotaRule(min_sme_budget_share="0.41")}, "large", KEPT, "min_sme_budget_share"),
        (
            {"rule": QuotaRule(min_small_micro_share_of_sme="0.1")},
            "large",
            KEPT,
            "min_small_micro_share_of_sme",
        ),
        ({"rule": QuotaRule(min_sme_members=2)}, "large", KEPT, "min_sme_members"),
        ({"rule": QuotaRule(min_sme_member_share="0.6")}, "large", KEPT, "min_sme_member_share"),
        ({"rule": QuotaRule(min_sme_members=1)}, "large", {"a": "large", "b": "child"}, "min_sme_members"),
    ],
)
def test_every_broken_constraint_is_named(changes, lead, assignment, constraint):
    assert not check_consortium(problem(), "large", KEPT)
    broken = check_consortium(problem(**changes), lead, assignment)
    assert constraint in {item.constraint for item in broken}


def test_the_lead_holds_the_most_money_and_the_objective_is_the_weighted_sum():
    assert lead_of(problem(), KEPT) == "large"
    assert objective_of(problem(), KEPT) == Fraction(8, 10)
