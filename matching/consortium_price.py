"""What the quota costs: the best objective as a function of the SMEs' share of the budget that is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import gcd
from typing import Any

from matching.consortium_arrays import ConsortiumArrays
from matching.consortium_model import exact_objective, solve_regime
from matching.consortium_problem import ConsortiumProblem
from matching.consortium_proposal import regimes_of
from matching.consortium_reduction import Regime
from matching.mixed_integer import Deadline


@dataclass(frozen=True, slots=True)
class PriceStep:
    """For every `min_sme_budget_share` above `above` (for the first step: from it on) up to and including `up_to`,
    the best objective is `objective`; None where no consortium exists."""

    above: Fraction
    up_to: Fraction
    objective: Fraction | None

    def as_json(self) -> dict[str, Any]:
        objective = None if self.objective is None else float(self.objective)
        return {"from": float(self.above), "to": float(self.up_to), "objective": objective}


@dataclass(frozen=True, slots=True)
class PriceCurve:
    """A step function over [0, 1] that never rises; its breakpoints are the ends of the steps.

    `complete`: every step is proven; else the time limit ended the curve at the last `up_to`.
    """

    steps: tuple[PriceStep, ...]
    complete: bool

    @property
    def breakpoints(self) -> tuple[Fraction, ...]:
        """The shares right above which the objective falls."""
        return tuple(step.up_to for step in self.steps[:-1])

    def objective_at(self, share: Fraction) -> Fraction | None:
        for step in self.steps:
            if share <= step.up_to:
                return step.objective
        raise ValueError("the curve was not computed so far")

    def as_json(self) -> dict[str, Any]:
        return {"steps": [step.as_json() for step in self.steps], "complete": self.complete}


def price_curve(problem: ConsortiumProblem, *, time_limit_s: float | None = None) -> PriceCurve:
    """The best objective for every `min_sme_budget_share` from 0 to 100%, all else of the problem unchanged.

    A best consortium with a share s is best for every share from where it was found up to s, so the next step starts
    right above s: one program for each step.
    """
    deadline = Deadline(time_limit_s)
    # Any number makes the rule bind at all; 1 stands for the share that varies.
    arrays = ConsortiumArrays.of(problem.changed(rule=problem.rule.replaced(min_sme_budget_share=1)))
    regimes = regimes_of(arrays)
    total = int(arrays.budgets.sum())
    unbound: Fraction | None = None
    if "kept" in regimes:
        # Where another leads, the rule and so its share do not matter.
        others: list[Regime] = [regime for regime in regimes if regime != "kept"]
        bound = ConsortiumArrays.of(
            problem.changed(rule=problem.rule.replaced(min_sme_budget_share=None)), arrays
        )
    else:
        others, bound = list(regimes), arrays
    for regime in others:
        found = solve_regime(bound, regime, deadline)
        if found.outcome not in ("optimal", "infeasible"):
            return PriceCurve((), False)
        unbound = None if found.assignment is None else exact_objective(bound, found.assignment)
    if "kept" not in regimes or total == 0:
        if total == 0 and "kept" in regimes:
            return _flat_without_money(bound, deadline, unbound)
        return PriceCurve((PriceStep(Fraction(0), Fraction(1), unbound),), True)

    # Budgets are multiples of their greatest common divisor, and so is every sum of them.
    unit = gcd(*(int(budget) for budget in arrays.budgets))
    steps: list[PriceStep] = []
    least = 0
    while least <= total:
        found = solve_regime(bound, "kept", deadline, least_sme_hundred_yuan=least)
        if found.outcome not in ("optimal", "infeasible"):
            return PriceCurve(tuple(steps), False)
        objective = None if found.assignment is None else exact_objective(bound, found.assignment)
        if objective is None or found.assignment is None or (unbound is not None and objective <= unbound):
            _append(steps, Fraction(1), unbound)
            break
        reached = bound.money_of(found.assignment, bound.counted(found.assignment))
        _append(steps, Fraction(reached, total), objective)
        least = reached + unit
    return PriceCurve(tuple(steps), True)


def _append(steps: list[PriceStep], up_to: Fraction, objective: Fraction | None) -> None:
    above = steps[-1].up_to if steps else Fraction(0)
    if steps and steps[-1].objective == objective:
        above = steps.pop().above
    steps.append(PriceStep(above, up_to, objective))


def _flat_without_money(bound: ConsortiumArrays, deadline: Deadline, unbound: Fraction | None) -> PriceCurve:
    found = solve_regime(bound, "kept", deadline)
    if found.outcome not in ("optimal", "infeasible"):
        return PriceCurve((), False)
    kept = None if found.assignment is None else exact_objective(bound, found.assignment)
    known = [objective for objective in (kept, unbound) if objective is not None]
    return PriceCurve((PriceStep(Fraction(0), Fraction(1), max(known, default=None)),), True)
