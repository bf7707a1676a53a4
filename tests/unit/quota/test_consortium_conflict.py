from fractions import Fraction
from itertools import pairwise

from hypothesis import HealthCheck, given, settings

from matching.consortium import (
    Candidate,
    ConsortiumProblem,
    ConsortiumRequirement,
    explain_conflict,
    price_curve,
    propose,
)
from matching.consortium_conflict import with_constraints
from matching.quota import QuotaRule
from tests.unit.quota.consortium_examples import SAME, every_consortium, problems

EVERYONE = settings(
    max_examples=300,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
    database=None,
)
# Right above a value that is proven to be the nearest one.
MORE = Fraction(1, 10**9)


@EVERYONE
@given(problems())
def test_a_conflict_conflicts_all_of_it_is_needed_and_nearest_values_are_the_nearest(problem):
    every = every_consortium(problem)
    conflict = explain_conflict(problem)
    if every:
        assert conflict is None
        return
    assert conflict is not None
    assert conflict.minimal
    if conflict.constraints[0].name == "requirement":
        assert all(conflict.constraints[0].ids[0] not in candidate.scores for candidate in problem.candidates)
    else:
        assert not every_consortium(with_constraints(problem, conflict.constraints))
        for dropped in conflict.constraints:
            kept = [item for item in conflict.constraints if item != dropped]
            assert every_consortium(with_constraints(problem, kept))
    for name, nearest in conflict.nearest.items():
        asked = getattr(problem.rule, name)
        if nearest is None:
            assert not possible_at(problem, name, None)
        elif name == "max_members":
            assert nearest > asked
            assert possible_at(problem, name, nearest)
            assert not possible_at(problem, name, nearest - 1)
        else:
            assert nearest < asked
            assert possible_at(problem, name, nearest)
            above = nearest + 1 if name == "min_sme_members" else min(nearest + MORE, Fraction(1))
            assert not possible_at(problem, name, above)
            printed = conflict.nearest_json()[name]
            assert printed is not None
            assert possible_at(problem, name, printed)


def possible_at(problem, name, value):
    return bool(every_consortium(problem.changed(rule=problem.rule.replaced(**{name: value}))))


@settings(
    max_examples=120,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
    database=None,
)
@given(problems(max_candidates=4, max_requirements=4))
def test_the_price_curve_is_the_best_objective_at_every_share(problem):
    curve = price_curve(problem)
    assert curve.complete
    assert curve.steps[-1].up_to == 1
    shares = {Fraction(number, 10) for number in range(11)} | set(curve.breakpoints)
    shares |= {share + Fraction(1, 10**6) for share in curve.breakpoints}
    for share in shares:
        if share > 1:
            continue
        at_share = every_consortium(problem.changed(rule=problem.rule.replaced(min_sme_budget_share=share)))
        best = max((item[0] for item in at_share), default=None)
        found = curve.objective_at(share)
        assert (best is None) == (found is None)
        assert best is None or found is None or abs(best - found) <= SAME
    falls = [step.objective for step in curve.steps]
    assert all(later is None or (first is not None and first > later) for first, later in pairwise(falls))


def sample(**changes):
    base = ConsortiumProblem(
        requirements=(ConsortiumRequirement.of("a", "0.5", 60), ConsortiumRequirement.of("b", "0.5", 40)),
        candidates=(
            Candidate("large", "enterprise", "large", {"a": 0.9, "b": 0.8}),
            Candidate("sme", "enterprise", "medium", {"b": 0.7}),
        ),
        rule=QuotaRule(min_sme_budget_share="0.3"),
    )
    return base.changed(**changes)


def test_a_share_that_is_out_of_reach_is_named_with_the_share_that_is_in_reach():
    conflict = explain_conflict(sample(rule=QuotaRule(min_sme_budget_share="0.5")))
    assert conflict is not None
    assert [item.name for item in conflict.constraints] == ["min_sme_budget_share"]
    assert conflict.constraints[0].text == "SMEs hold at least 50% of the budget"
    assert conflict.nearest == {"min_sme_budget_share": Fraction(2, 5)}


def test_a_request_that_contradicts_another_is_named_with_it():
    conflict = explain_conflict(sample(force={"sme"}, exclude={"sme"}, rule=QuotaRule(max_members=2)))
    assert conflict is not None
    assert [(item.name, item.ids) for item in conflict.constraints] == [
        ("force", ("sme",)),
        ("exclude", ("sme",)),
    ]
    assert conflict.nearest == {"max_members": None}


def test_a_requirement_that_nobody_can_take_is_the_whole_conflict():
    problem = ConsortiumProblem(
        requirements=(ConsortiumRequirement.of("a", 1, 60),),
        candidates=(Candidate("x", "university", None, {}),),
    )
    conflict = explain_conflict(problem)
    assert conflict is not None
    assert [(item.name, item.ids) for item in conflict.constraints] == [("requirement", ("a",))]


def test_without_time_a_conflict_is_not_called_minimal():
    conflict = explain_conflict(sample(rule=QuotaRule(min_sme_budget_share="0.5")), time_limit_s=1e-9)
    assert conflict is not None
    assert not conflict.minimal


def test_the_curve_names_the_share_at_which_the_objective_falls():
    curve = price_curve(sample())
    assert [(step.up_to, step.objective) for step in curve.steps] == [
        (Fraction(0), Fraction(85, 100)),
        (Fraction(2, 5), Fraction(8, 10)),
        (Fraction(1), None),
    ]
    assert propose(sample()).price_of_quota == Fraction(5, 100)
