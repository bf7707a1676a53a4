"""Check a consortium against its problem from first principles.

This shares no computation with the solver nor with `matching.quota`: whatever either gets wrong, an answer that
breaks a constraint is not returned. Everything is computed in integers and fractions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from matching.consortium_problem import Candidate, ConsortiumProblem
from matching.quota import exact_number


@dataclass(frozen=True, slots=True)
class Violation:
    """One constraint that a consortium breaks; `constraint` is the field of the problem or of its rule."""

    constraint: str
    detail: str


def check_consortium(
    problem: ConsortiumProblem, lead: str | None, assignment: Mapping[str, str]
) -> tuple[Violation, ...]:
    """Everything that is wrong with assigning each requirement (key) to a candidate (value) under `lead`."""
    broken: list[Violation] = []
    pool = {candidate.id: candidate for candidate in problem.candidates}
    wanted = {requirement.id for requirement in problem.requirements}
    if set(assignment) != wanted:
        odd = sorted(set(assignment) ^ wanted)
        return (Violation("requirements", f"each needs exactly one member: {', '.join(odd)}"),)
    strangers = sorted(set(assignment.values()) - set(pool))
    if strangers:
        return (Violation("candidates", f"not among the candidates: {', '.join(strangers)}"),)

    members = set(assignment.values())
    least_score = problem.rule.min_score
    for requirement, holder in assignment.items():
        score = pool[holder].scores.get(requirement)
        if score is None:
            broken.append(Violation("scores", f"{holder} has no score for {requirement}"))
        elif least_score is not None and exact_number(score, "score") < least_score:
            broken.append(Violation("min_score", f"{holder} scores too little for {requirement}"))

    most = problem.rule.max_members
    if most is not None and len(members) > most:
        broken.append(Violation("max_members", f"{len(members)} members, at most {most}"))
    broken += [Violation("force", f"{absent} is absent") for absent in sorted(problem.force - members)]
    broken += [Violation("exclude", f"{present} is present") for present in sorted(problem.exclude & members)]
    for first, second in sorted(problem.forbid):
        if first in members and second in members:
            broken.append(Violation("forbid", f"{first} and {second} are both members"))

    if lead not in members:
        broken.append(Violation("lead", f"{lead} is not a member"))
        return tuple(broken)
    assert lead is not None
    if problem.lead is not None and lead != problem.lead:
        broken.append(Violation("lead", f"{problem.lead} was asked to lead, not {lead}"))
    if problem.lead is None:
        better = _outranking(problem, pool, assignment, lead)
        if better is not None:
            broken.append(Violation("lead", f"{better} comes before {lead}"))

    leader = pool[lead]
    large_lead = leader.kind == "enterprise" and leader.size == "large"
    if problem.rule.applies_to == "all" or large_lead:
        broken += _broken_quota(problem, pool, assignment, members)
    return tuple(broken)


def objective_of(problem: ConsortiumProblem, assignment: Mapping[str, str]) -> Fraction:
    """Σ_r weight_r · score_{member(r), r}, exactly."""
    pool = {candidate.id: candidate for candidate in problem.candidates}
    return sum(
        (
            requirement.weight
            * exact_number(pool[assignment[requirement.id]].scores[requirement.id], "score")
            for requirement in problem.requirements
        ),
        Fraction(0),
    )


def _outranking(
    problem: ConsortiumProblem, pool: Mapping[str, Candidate], assignment: Mapping[str, str], lead: str
) -> str | None:
    def standing(member: str) -> tuple[int, Fraction]:
        held = [requirement for requirement in problem.requirements if assignment[requirement.id] == member]
        # A requirement without a score is reported on its own and adds nothing here.
        part = sum(
            (item.weight * exact_number(pool[member].scores.get(item.id, 0), "score") for item in held),
            Fraction(0),
        )
        return sum(item.budget_hundred_yuan for item in held), part

    own = standing(lead)
    for member in sorted(set(assignment.values()) - {lead}):
        other = standing(member)
        if other > own or (other == own and member < lead):
            return member
    return None


def _broken_quota(
    problem: ConsortiumProblem,
    pool: Mapping[str, Candidate],
    assignment: Mapping[str, str],
    members: set[str],
) -> list[Violation]:
    def counts(member: str) -> bool:
        candidate = pool[member]
        if candidate.kind != "enterprise" or candidate.size not in ("medium", "small", "micro"):
            return False
        for relation in candidate.controllers:
            if relation.id == member:
                continue
            known = pool.get(relation.id)
            if relation.size == "large" or (
                known is not None and known.kind == "enterprise" and known.size == "large"
            ):
                return False
            if relation.kind == "control" and relation.id in members:
                return False
        return True

    smes = {member for member in members if counts(member)}
    money = {requirement.id: requirement.budget_hundred_yuan for requirement in problem.requirements}
    total = sum(money.values())
    sme = sum(money[requirement] for requirement, holder in assignment.items() if holder in smes)
    small = sum(
        money[requirement]
        for requirement, holder in assignment.items()
        if holder in smes and pool[holder].size in ("small", "micro")
    )
    rule = problem.rule
    broken: list[Violation] = []
    if rule.min_sme_budget_share is not None and sme < rule.min_sme_budget_share * total:
        broken.append(Violation("min_sme_budget_share", f"{sme} of {total} (0.01 万元)"))
    if rule.min_small_micro_share_of_sme is not None and small < rule.min_small_micro_share_of_sme * sme:
        broken.append(Violation("min_small_micro_share_of_sme", f"{small} of {sme} (0.01 万元)"))
    if rule.min_sme_members is not None and len(smes) < rule.min_sme_members:
        broken.append(Violation("min_sme_members", f"{len(smes)} SMEs"))
    if rule.min_sme_member_share is not None and len(smes) < rule.min_sme_member_share * len(members):
        broken.append(Violation("min_sme_member_share", f"{len(smes)} of {len(members)} members"))
    return broken
