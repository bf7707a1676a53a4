"""Small random problems, and every consortium that they allow, found by trying all assignments."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

from hypothesis import strategies as st

from matching.consortium_problem import Candidate, ConsortiumProblem, ConsortiumRequirement
from matching.quota import Controller, QuotaRule

# Objectives nearer than this are the same: a hundred times finer than what HiGHS promises.
SAME = 1e-9
KINDS = ["enterprise"] * 5 + ["research_institute", "university"]
SIZES = ["large", "medium", "small", "micro"]
# Few values, so that ties of budgets, scores and parts are common, and shares are met to the unit.
BUDGETS = [0, 0, 1, 1, 2, 3, 10, 33, 100]
SCORES = [Fraction(0), Fraction(1, 4), Fraction(1, 2), Fraction(3, 4), Fraction(1)]
SHARES = [Fraction(0), Fraction(1, 3), Fraction(3, 10), Fraction(1, 2), Fraction(3, 5), Fraction(1)]


@st.composite
def problems(draw, max_candidates=5, max_requirements=4):
    """A problem of at most 5^4 assignments, feasible or not."""
    width = draw(st.integers(1, max_requirements))
    count = draw(st.integers(1, max_candidates))
    names = [f"c{number}" for number in range(count)]
    raw = draw(st.lists(st.integers(0, 4), min_size=width, max_size=width).filter(any))
    requirements = tuple(
        ConsortiumRequirement(f"r{number}", Fraction(weight, sum(raw)), draw(st.sampled_from(BUDGETS)))
        for number, weight in enumerate(raw)
    )
    coarse = draw(st.booleans())
    score = (
        st.sampled_from(SCORES) if coarse else st.integers(0, 10**6).map(lambda value: Fraction(value, 10**6))
    )
    candidates = []
    for name in names:
        kind = draw(st.sampled_from(KINDS))
        size = (
            draw(st.sampled_from(SIZES))
            if kind == "enterprise"
            else draw(st.sampled_from([None, None, "small"]))
        )
        controllers = []
        if draw(st.integers(0, 3)) == 0:
            other = draw(st.sampled_from([*names, "outsider"]))
            size_of_other = draw(st.sampled_from([None, "large", "small"])) if other == "outsider" else None
            relation = draw(st.sampled_from(["control", "control", "same_legal_representative"]))
            controllers.append(Controller(other, size_of_other, relation))
        # A missing score means that it may not.
        given_scores = {item.id: draw(score) for item in requirements if draw(st.integers(0, 4))}
        candidates.append(Candidate(name, kind, size, given_scores, tuple(controllers)))
    return ConsortiumProblem(
        requirements=requirements,
        candidates=tuple(candidates),
        rule=draw(rules()),
        lead=draw(st.sampled_from([None, None, None, *names])),
        force=frozenset(draw(rarely(st.sampled_from(names)))),
        exclude=frozenset(draw(rarely(st.sampled_from(names)))),
        forbid=frozenset(
            (names[0], other) for other in draw(rarely(st.sampled_from(names))) if other != names[0]
        ),
    )


@st.composite
def related_problems(draw):
    """Problems in which who controls whom decides: many small relations, mediums that dilute, a rule that binds."""
    width = draw(st.integers(2, 3))
    names = [f"c{number}" for number in range(draw(st.integers(3, 7)))]
    score = st.integers(0, 20).map(lambda value: Fraction(value, 20))
    candidates = []
    for name in names:
        others = [other for other in names if other != name]
        controllers = draw(st.lists(st.sampled_from(others), max_size=2, unique=True))
        candidates.append(
            Candidate(
                name,
                "enterprise",
                draw(st.sampled_from(["medium", "medium", "small"])),
                {f"r{column}": draw(score) for column in range(width)},
                tuple(Controller(other, None) for other in controllers),
            )
        )
    share = st.sampled_from([None, Fraction(1, 4), Fraction(1, 2), Fraction(3, 4), Fraction(1)])
    return ConsortiumProblem(
        requirements=tuple(
            ConsortiumRequirement(f"r{column}", Fraction(1, width), draw(st.sampled_from([1, 1, 2, 3])))
            for column in range(width)
        ),
        candidates=tuple(candidates),
        rule=QuotaRule(
            min_sme_budget_share=draw(share),
            min_small_micro_share_of_sme=draw(share),
            min_sme_members=draw(st.sampled_from([None, None, 1, 2])),
            max_members=draw(st.sampled_from([None, 2])),
            applies_to="all",
        ),
        force=frozenset(draw(rarely(st.sampled_from(names)))),
    )


def rarely(items):
    return st.one_of(st.just([]), st.just([]), st.lists(items, max_size=2))


@st.composite
def rules(draw):
    share = st.one_of(st.none(), st.sampled_from(SHARES))
    return QuotaRule(
        min_sme_budget_share=draw(share),
        min_small_micro_share_of_sme=draw(share),
        min_sme_members=draw(st.sampled_from([None, None, 0, 1, 2])),
        min_sme_member_share=draw(share),
        max_members=draw(st.sampled_from([None, None, 1, 2, 3])),
        min_score=draw(st.sampled_from([None, None, None, Fraction(1, 4), Fraction(1, 2)])),
        applies_to=draw(st.sampled_from(["large_lead", "large_lead", "all"])),
    )


def every_consortium(problem):
    """(objective, members, lead, assignment) of every assignment that the problem allows, read from its definition."""
    pool = {candidate.id: candidate for candidate in problem.candidates}
    able = [
        [
            candidate.id
            for candidate in problem.candidates
            if requirement.id in candidate.scores
            and (problem.rule.min_score is None or candidate.scores[requirement.id] >= problem.rule.min_score)
        ]
        for requirement in problem.requirements
    ]
    found = []
    for holders in product(*able):
        members = set(holders)
        if problem.rule.max_members is not None and len(members) > problem.rule.max_members:
            continue
        if not problem.force <= members or problem.exclude & members:
            continue
        if any({first, second} <= members for first, second in problem.forbid):
            continue
        money = dict.fromkeys(members, 0)
        part = dict.fromkeys(members, Fraction(0))
        for requirement, holder in zip(problem.requirements, holders, strict=True):
            money[holder] += requirement.budget_hundred_yuan
            part[holder] += requirement.weight * pool[holder].scores[requirement.id]
        lead = problem.lead
        if lead is None:
            lead = min(members, key=lambda name: (-money[name], -part[name], name))
        if lead not in members:
            continue
        if (problem.rule.applies_to == "all" or is_large(pool[lead])) and not quota_kept(
            problem, pool, money
        ):
            continue
        assignment = {item.id: holder for item, holder in zip(problem.requirements, holders, strict=True)}
        found.append((sum(part.values()), frozenset(members), lead, assignment))
    return found


def is_large(candidate):
    return candidate.kind == "enterprise" and candidate.size == "large"


def counted_smes(pool, members):
    smes = set()
    for name in members:
        candidate = pool[name]
        others = [relation for relation in candidate.controllers if relation.id != name]
        large = any(
            relation.size == "large" or (relation.id in pool and is_large(pool[relation.id]))
            for relation in others
        )
        inside = any(relation.kind == "control" and relation.id in members for relation in others)
        if candidate.kind == "enterprise" and candidate.size != "large" and not large and not inside:
            smes.add(name)
    return smes


def quota_kept(problem, pool, money):
    rule = problem.rule
    smes = counted_smes(pool, set(money))
    sme = sum(money[name] for name in smes)
    small = sum(money[name] for name in smes if pool[name].size != "medium")
    return (
        sme >= (rule.min_sme_budget_share or 0) * sum(money.values())
        and small >= (rule.min_small_micro_share_of_sme or 0) * sme
        and len(smes) >= (rule.min_sme_members or 0)
        and len(smes) >= (rule.min_sme_member_share or 0) * len(money)
    )
