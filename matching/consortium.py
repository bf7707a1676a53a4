"""Consortia that provably keep the SME quota: the public names, and one answer in the form of the command line.

problem = ConsortiumProblem.from_json(document)
proposal = propose(problem, alternatives=3, time_limit_s=10)
what_if = propose(problem.with_exchange("a", "b"))
"""

from __future__ import annotations

from typing import Any

from matching.consortium_check import Violation, check_consortium, objective_of
from matching.consortium_conflict import Conflict, Constraint, explain_conflict
from matching.consortium_model import SolverDefect
from matching.consortium_price import PriceCurve, PriceStep, price_curve
from matching.consortium_problem import Candidate, ConsortiumProblem, ConsortiumRequirement, lead_of
from matching.consortium_proposal import (
    Consortium,
    ConsortiumMember,
    Proposal,
    RankedConsortium,
    consortium_of,
    describe_consortium,
    propose,
)
from matching.mixed_integer import Deadline

__all__ = [
    "Candidate",
    "Conflict",
    "Consortium",
    "ConsortiumMember",
    "ConsortiumProblem",
    "ConsortiumRequirement",
    "Constraint",
    "PriceCurve",
    "PriceStep",
    "Proposal",
    "RankedConsortium",
    "SolverDefect",
    "Violation",
    "check_consortium",
    "consortium_of",
    "describe_consortium",
    "explain_conflict",
    "explain_document",
    "lead_of",
    "objective_of",
    "price_curve",
    "propose",
    "solve_document",
]


def solve_document(
    problem: ConsortiumProblem, *, alternatives: int = 3, time_limit_s: float | None = None
) -> dict[str, Any]:
    """Everything about a problem as JSON values: the best consortium or why there is none, alternatives, prices."""
    deadline = Deadline(time_limit_s)
    proposal = propose(problem, alternatives=alternatives, time_limit_s=time_limit_s)
    return explain_document(proposal, time_limit_s=deadline.remaining_s)


def explain_document(proposal: Proposal, *, time_limit_s: float | None = None) -> dict[str, Any]:
    """A proposal as JSON values, with what follows from it: the price curve, or the conflict where there is none.

    Keys: status, objective, bound, gap, lead, members, quota, quota_applies, price_of_quota, price_curve,
    alternatives, alternatives_complete, conflict, conflict_minimal, nearest. Absent things are null or empty.
    """
    best = proposal.consortium
    price = proposal.price_of_quota
    document: dict[str, Any] = {
        "status": proposal.status,
        "objective": None if best is None else float(best.objective),
        "bound": proposal.bound,
        "gap": proposal.gap,
        "lead": None if best is None else best.lead,
        "members": [] if best is None else [member.as_json() for member in best.members],
        "quota": {} if best is None else best.quota.as_json(),
        "quota_applies": None if best is None else best.quota.applies,
        "price_of_quota": None if price is None else float(price),
        "price_curve": None,
        "alternatives": [
            item.consortium.as_json() | {"status": item.status, "bound": item.bound, "gap": item.gap}
            for item in proposal.alternatives
        ],
        "alternatives_complete": proposal.alternatives_complete,
        "conflict": [],
        "conflict_minimal": None,
        "nearest": {},
    }
    remaining_s = None if time_limit_s is None else max(0.0, time_limit_s)
    if best is not None:
        document["price_curve"] = price_curve(proposal.problem, time_limit_s=remaining_s).as_json()
    elif proposal.status == "infeasible":
        conflict = explain_conflict(proposal.problem, time_limit_s=remaining_s)
        if conflict is not None:
            document["conflict"] = [constraint.as_json() for constraint in conflict.constraints]
            document["conflict_minimal"] = conflict.minimal
            document["nearest"] = conflict.nearest_json()
    return document
