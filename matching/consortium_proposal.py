"""Propose the best consortium of a problem, with its proof, the next best ones, and the price of the quota."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal

import numpy as np

from matching.consortium_arrays import ConsortiumArrays, Group
from matching.consortium_check import check_consortium, objective_of
from matching.consortium_model import Found, SolverDefect, exact_objective, solve_regime
from matching.consortium_problem import ConsortiumProblem, lead_of
from matching.consortium_reduction import Regime
from matching.mixed_integer import Deadline
from matching.quota import CountedMember, QuotaMember, QuotaResult, as_wan, evaluate_quota

Status = Literal["optimal", "feasible", "infeasible", "unknown"]

# HiGHS keeps rows and integrality to about this, so no finer bound is proven.
OBJECTIVE_TOLERANCE = 1e-7


@dataclass(frozen=True, slots=True)
class ConsortiumMember:
    id: str
    requirements: tuple[str, ...]
    budget_hundred_yuan: int
    counted: CountedMember

    @property
    def budget_wan(self) -> Decimal:
        return as_wan(self.budget_hundred_yuan)

    @property
    def counted_sme(self) -> bool:
        return self.counted.counted

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "requirements": list(self.requirements),
            "budget_wan": float(self.budget_wan),
            "counted_sme": self.counted_sme,
            "not_counted_because": self.counted.code,
        }


@dataclass(frozen=True, slots=True)
class Consortium:
    """A lead, its members (the lead first, then by money and id) and the computation of the quota."""

    lead: str
    members: tuple[ConsortiumMember, ...]
    objective: Fraction
    quota: QuotaResult

    @property
    def assignment(self) -> dict[str, str]:
        return {requirement: member.id for member in self.members for requirement in member.requirements}

    def as_json(self) -> dict[str, Any]:
        return {
            "objective": float(self.objective),
            "lead": self.lead,
            "members": [member.as_json() for member in self.members],
            "quota": self.quota.as_json(),
            "quota_applies": self.quota.applies,
        }


@dataclass(frozen=True, slots=True)
class RankedConsortium:
    """One consortium with what is proven of it: none that differs in its members from the ones before it exceeds
    `bound`."""

    consortium: Consortium
    status: Status
    bound: float

    @property
    def gap(self) -> float:
        return max(0.0, self.bound - float(self.consortium.objective))


@dataclass(frozen=True, slots=True)
class Proposal:
    """`status`: "optimal" (proven), "feasible" (the best found until the time limit), "infeasible" (proven that there
    is none), "unknown" (nothing found until the time limit, nothing proven).

    `bound`: no consortium has a larger objective; `gap` = bound − objective. `objective_without_rule`: the best
    objective were there no quota (with the same `max_members` and `min_score`), None where the time did not suffice.
    `alternatives_complete`: all that were asked for, or all that there are.
    """

    problem: ConsortiumProblem
    status: Status
    consortium: Consortium | None
    bound: float | None
    objective_without_rule: Fraction | None
    alternatives: tuple[RankedConsortium, ...] = ()
    alternatives_complete: bool = True

    @property
    def objective(self) -> Fraction | None:
        return None if self.consortium is None else self.consortium.objective

    @property
    def gap(self) -> float | None:
        if self.consortium is None or self.bound is None:
            return None
        return max(0.0, self.bound - float(self.consortium.objective))

    @property
    def price_of_quota(self) -> Fraction | None:
        """What the quota costs in the objective; None where that is not proven."""
        if self.objective_without_rule is None or self.consortium is None or self.status != "optimal":
            return None
        return max(Fraction(0), self.objective_without_rule - self.consortium.objective)


@dataclass(frozen=True, slots=True)
class _Best:
    status: Status
    assignment: tuple[int, ...] | None
    bound: float
    # The relaxation without the rule, where it was solved to its optimum.
    free: Fraction | None = field(default=None)


def propose(
    problem: ConsortiumProblem, *, alternatives: int = 0, time_limit_s: float | None = None
) -> Proposal:
    """The best consortium, the `alternatives` next best that differ in their members, and the price of the quota.

    `time_limit_s` is for all of it together. Every consortium has passed `check_consortium`.
    """
    deadline = Deadline(time_limit_s)
    arrays = ConsortiumArrays.of(problem)
    known: dict[Regime, Found] = {}
    best = _best(arrays, deadline, excluded=(), spare=alternatives, want_free=True, known=known)
    if best.assignment is None:
        status: Status = best.status
        return Proposal(problem, status, None, None if status == "infeasible" else best.bound, best.free)
    found = [frozenset(best.assignment)]
    ranked: list[RankedConsortium] = []
    complete = True
    # As long as the rule costs nothing, solving without it first answers with one program instead of two.
    cheap = best.free == exact_objective(arrays, best.assignment)
    while len(ranked) < alternatives:
        following = _best(
            arrays, deadline, excluded=tuple(found), spare=alternatives, want_free=cheap, known=known
        )
        if following.assignment is None:
            complete = following.status == "infeasible"
            break
        found.append(frozenset(following.assignment))
        consortium = consortium_of(problem, _named(arrays, following.assignment))
        ranked.append(RankedConsortium(consortium, following.status, _above(following.bound, consortium)))
        cheap = cheap and following.free == consortium.objective
    consortium = consortium_of(problem, _named(arrays, best.assignment))
    return Proposal(
        problem=problem,
        status=best.status,
        consortium=consortium,
        bound=_above(best.bound, consortium),
        objective_without_rule=best.free,
        alternatives=tuple(ranked),
        alternatives_complete=complete,
    )


def consortium_of(
    problem: ConsortiumProblem, assignment: Mapping[str, str], lead: str | None = None
) -> Consortium:
    """The consortium in which each requirement (key) is assigned to a candidate (value); refuses what breaks the
    problem."""
    lead = lead or lead_of(problem, assignment)
    broken = check_consortium(problem, lead, assignment)
    if broken or lead is None:
        raise SolverDefect("; ".join(f"{item.constraint}: {item.detail}" for item in broken))
    return describe_consortium(problem, assignment, lead)


def describe_consortium(problem: ConsortiumProblem, assignment: Mapping[str, str], lead: str) -> Consortium:
    """Any assignment as a consortium with its quota computed, also where it breaks the rule: for one made by hand."""
    pool = {candidate.id: candidate for candidate in problem.candidates}
    held: dict[str, list[str]] = {}
    money: dict[str, int] = {}
    for requirement in problem.requirements:
        holder = assignment[requirement.id]
        held.setdefault(holder, []).append(requirement.id)
        money[holder] = money.get(holder, 0) + requirement.budget_hundred_yuan
    order = sorted(held, key=lambda member: (member != lead, -money[member], member))
    quota = evaluate_quota(
        problem.rule,
        lead,
        [
            QuotaMember(member, pool[member].kind, pool[member].size, money[member], pool[member].controllers)
            for member in order
        ],
    )
    counted = {member.id: member for member in quota.members}
    return Consortium(
        lead=lead,
        members=tuple(
            ConsortiumMember(member, tuple(held[member]), money[member], counted[member]) for member in order
        ),
        objective=objective_of(problem, assignment),
        quota=quota,
    )


def regimes_of(arrays: ConsortiumArrays) -> tuple[Regime, ...]:
    """The kinds of consortia whose union is everything that the problem allows."""
    rule = arrays.problem.rule
    numbers = (
        rule.min_sme_budget_share,
        rule.min_small_micro_share_of_sme,
        rule.min_sme_members,
        rule.min_sme_member_share,
    )
    if not any(numbers):
        return ("free",)
    if rule.applies_to == "all":
        return ("kept",)
    if arrays.lead is not None:
        return ("kept",) if arrays.group[arrays.lead] == Group.LARGE else ("free",)
    able = arrays.allowed.any(axis=1)
    large = arrays.group == Group.LARGE
    if not np.any(able & large):
        return ("free",)
    return ("kept", "other_lead") if np.any(able & ~large) else ("kept",)


def _best(
    arrays: ConsortiumArrays,
    deadline: Deadline,
    *,
    excluded: tuple[frozenset[int], ...],
    spare: int,
    want_free: bool,
    known: dict[Regime, Found],
) -> _Best:
    """`known`: what each regime was solved to with fewer sets excluded; it stands until its own set is excluded."""
    regimes = regimes_of(arrays)
    above = arrays.plain_bound
    free: Fraction | None = None
    candidates: list[Found] = []
    if want_free or regimes == ("free",):
        relaxed = solve_regime(arrays, "free", deadline, excluded=excluded, spare=spare)
        if relaxed.outcome == "infeasible":
            return _Best("infeasible", None, float("-inf"))
        above = min(above, relaxed.bound)
        if relaxed.assignment is not None:
            if relaxed.outcome == "optimal":
                free = exact_objective(arrays, relaxed.assignment)
            named = _named(arrays, relaxed.assignment)
            if not check_consortium(arrays.problem, lead_of(arrays.problem, named), named):
                if relaxed.outcome == "optimal" or regimes == ("free",):
                    return _Best(_status(arrays, relaxed, above), relaxed.assignment, above, free)
                candidates.append(relaxed)
        if regimes == ("free",):
            # Structure is all that this regime has; the check can refuse nothing of it.
            if relaxed.assignment is not None:
                raise SolverDefect("the consortium without a rule breaks the problem")
            return _Best("unknown", None, above)

    bound = float("-inf")
    impossible = True
    for regime in regimes:
        best = _better_of(arrays, candidates)
        if best is not None and above - float(best[0]) <= OBJECTIVE_TOLERANCE:
            # What no rule allows to exceed, no other lead does either.
            bound = max(bound, above)
            break
        part = known.get(regime)
        if part is None or not _stands(part, excluded):
            part = known[regime] = solve_regime(arrays, regime, deadline, excluded=excluded, spare=spare)
        impossible = impossible and part.outcome == "infeasible"
        bound = max(bound, part.bound)
        candidates.append(part)
    bound = min(above, bound)
    best = _better_of(arrays, candidates)
    if best is None:
        return _Best("infeasible" if impossible else "unknown", None, bound, free)
    proven = bound - float(best[0]) <= OBJECTIVE_TOLERANCE
    return _Best("optimal" if proven else "feasible", best[1], bound, free)


def _stands(found: Found, excluded: tuple[frozenset[int], ...]) -> bool:
    if found.outcome == "optimal" and found.assignment is not None:
        return frozenset(found.assignment) not in excluded
    return found.outcome == "infeasible"


def _better_of(arrays: ConsortiumArrays, found: list[Found]) -> tuple[Fraction, tuple[int, ...]] | None:
    valued = [
        (exact_objective(arrays, part.assignment), part.assignment) for part in found if part.assignment
    ]
    return max(valued, key=lambda item: item[0], default=None)


def _status(arrays: ConsortiumArrays, found: Found, bound: float) -> Status:
    assert found.assignment is not None
    proven = bound - float(exact_objective(arrays, found.assignment)) <= OBJECTIVE_TOLERANCE
    return "optimal" if proven else "feasible"


def _named(arrays: ConsortiumArrays, assignment: tuple[int, ...]) -> dict[str, str]:
    problem = arrays.problem
    return {
        requirement.id: problem.candidates[row].id
        for requirement, row in zip(problem.requirements, assignment, strict=True)
    }


def _above(bound: float, consortium: Consortium) -> float:
    """A bound is never below what was found; HiGHS may round it there."""
    return max(bound, float(consortium.objective))
