"""Why there is no consortium: a minimal set of constraints that conflict, and how far each number is off."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal
from fractions import Fraction
from typing import Any, Literal, cast

from matching.consortium_arrays import ConsortiumArrays, Group
from matching.consortium_model import Aim, Found, solve_regime
from matching.consortium_problem import ConsortiumProblem
from matching.consortium_proposal import regimes_of
from matching.minimal_subset import minimal_subset
from matching.mixed_integer import Deadline
from matching.quota import QuotaRule, exact_number

ConstraintName = Literal[
    "min_sme_budget_share",
    "min_small_micro_share_of_sme",
    "min_sme_members",
    "min_sme_member_share",
    "max_members",
    "min_score",
    "lead",
    "force",
    "exclude",
    "forbid",
    "requirement",
]
RULE_NUMBERS: tuple[ConstraintName, ...] = (
    "min_sme_budget_share",
    "min_small_micro_share_of_sme",
    "min_sme_members",
    "min_sme_member_share",
    "max_members",
    "min_score",
)

# A nearest share is cut, never rounded up: the rule with the number as printed must have a consortium.
PRINTED_DIGITS = Decimal("1e-12")


@dataclass(frozen=True, slots=True)
class Constraint:
    """One thing that was asked for: a number of the rule, or a request that names candidates.

    `requirement` is the one constraint that cannot be dropped: nobody has any score for it.
    """

    name: ConstraintName
    value: Fraction | None = None
    ids: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """In words; `name`, `value` and `ids` are for a page that has its own."""
        share = "" if self.value is None else f"{float(self.value * 100):g}%"
        number = "" if self.value is None else f"{float(self.value):g}"
        who = " and ".join(self.ids)
        return {
            "min_sme_budget_share": f"SMEs hold at least {share} of the budget",
            "min_small_micro_share_of_sme": f"small and micro enterprises hold at least {share} of the SMEs' budget",
            "min_sme_members": f"at least {number} members are SMEs",
            "min_sme_member_share": f"at least {share} of the members are SMEs",
            "max_members": f"at most {number} members",
            "min_score": f"a member scores at least {number} for each of its requirements",
            "lead": f"{who} leads",
            "force": f"{who} is a member",
            "exclude": f"{who} is not a member",
            "forbid": f"{who} are not members together",
            "requirement": f"nobody has a score for requirement {who}",
        }[self.name]

    def as_json(self) -> dict[str, Any]:
        value = None if self.value is None else float(self.value)
        return {"constraint": self.name, "value": value, "ids": list(self.ids), "text": self.text}


@dataclass(frozen=True, slots=True)
class Conflict:
    """`constraints` cannot be kept together; where `minimal`, any one of them can be dropped to make them compatible.

    `nearest`: for each number of the rule, the value nearest to it at which a consortium exists while everything else
    stays; None where no value helps. Shares and `min_score` are the largest possible, `max_members` the least.
    """

    constraints: tuple[Constraint, ...]
    minimal: bool
    nearest: Mapping[ConstraintName, Fraction | None] = field(
        default_factory=dict[ConstraintName, Fraction | None]
    )

    def nearest_json(self) -> dict[str, float | int | None]:
        return {name: _printed(name, value) for name, value in self.nearest.items()}


class _OutOfTime(Exception):  # noqa: N818 - a signal between two functions of this file
    pass


def explain_conflict(problem: ConsortiumProblem, *, time_limit_s: float | None = None) -> Conflict | None:
    """A minimal conflict and the nearest values of an infeasible problem; None where a consortium exists.

    Minimal is meant of the set: kept alone its constraints conflict, and without any one of them they do not. Where
    the time limit ends the search, `minimal` is False and `nearest` holds what was found.
    """
    deadline = Deadline(time_limit_s)
    arrays = ConsortiumArrays.of(problem)
    scored = {requirement for candidate in problem.candidates for requirement in candidate.scores}
    uncovered = [requirement.id for requirement in problem.requirements if requirement.id not in scored]
    if uncovered:
        conflict = (Constraint("requirement", ids=(uncovered[0],)),)
        return Conflict(conflict, True, {name: None for name, _ in _numbers(problem.rule)})

    search = _Search(arrays, deadline)
    asked = tuple(_constraints(problem))
    try:
        if search.possible(asked):
            return None
        constraints, minimal = tuple(minimal_subset(search.possible, asked)), True
    except _OutOfTime:
        constraints, minimal = asked, False
    nearest: dict[ConstraintName, Fraction | None] = {}
    try:
        for name, _ in _numbers(problem.rule):
            nearest[name] = search.nearest(name)
    except _OutOfTime:
        minimal = False
    order = {constraint: place for place, constraint in enumerate(asked)}
    return Conflict(tuple(sorted(constraints, key=order.__getitem__)), minimal, nearest)


def with_constraints(problem: ConsortiumProblem, kept: Sequence[Constraint]) -> ConsortiumProblem:
    """`problem` with no constraints but these."""
    names = {constraint.name for constraint in kept}
    dropped = {name: None for name in RULE_NUMBERS if name not in names}
    return problem.changed(
        rule=problem.rule.replaced(**dropped),
        lead=problem.lead if "lead" in names else None,
        force=frozenset(item.ids[0] for item in kept if item.name == "force"),
        exclude=frozenset(item.ids[0] for item in kept if item.name == "exclude"),
        forbid=frozenset((item.ids[0], item.ids[1]) for item in kept if item.name == "forbid"),
    )


def _numbers(rule: QuotaRule) -> Iterator[tuple[ConstraintName, Fraction]]:
    for name in RULE_NUMBERS:
        value = cast("Fraction | int | None", getattr(rule, name))
        if value is not None:
            yield name, Fraction(value)


def _constraints(problem: ConsortiumProblem) -> Iterator[Constraint]:
    for name, value in _numbers(problem.rule):
        yield Constraint(name, value)
    if problem.lead is not None:
        yield Constraint("lead", ids=(problem.lead,))
    for identifier in sorted(problem.force):
        yield Constraint("force", ids=(identifier,))
    for identifier in sorted(problem.exclude):
        yield Constraint("exclude", ids=(identifier,))
    for pair in sorted(problem.forbid):
        yield Constraint("forbid", ids=pair)


class _Search:
    def __init__(self, arrays: ConsortiumArrays, deadline: Deadline) -> None:
        self.arrays = arrays
        self.deadline = deadline

    def possible(self, kept: Sequence[Constraint]) -> bool:
        return self._possible(with_constraints(self.arrays.problem, kept))

    def _possible(self, problem: ConsortiumProblem, least_sme_hundred_yuan: int | None = None) -> bool:
        arrays = ConsortiumArrays.of(problem, self.arrays)
        for regime in ("kept",) if least_sme_hundred_yuan is not None else regimes_of(arrays):
            found = solve_regime(
                arrays,
                regime,
                self.deadline,
                aim=Aim("anything"),
                least_sme_hundred_yuan=least_sme_hundred_yuan,
            )
            if found.assignment is not None:
                return True
            if found.outcome != "infeasible":
                raise _OutOfTime
        return False

    def nearest(self, name: ConstraintName) -> Fraction | None:
        problem = self.arrays.problem
        without = problem.changed(rule=problem.rule.replaced(**{name: None}))
        if not self._possible(without):
            return None
        if name == "min_score":
            return self._nearest_score()
        arrays = ConsortiumArrays.of(without, self.arrays)
        if name == "max_members":
            return self._fewest_members(arrays)
        if name == "min_sme_members":
            return Fraction(len(arrays.counted(self._best(arrays, Aim("sme_members")))))
        if name == "min_sme_budget_share":
            return self._most_sme_budget(arrays)
        return self._best_ratio(arrays, name)

    def _best(self, arrays: ConsortiumArrays, aim: Aim, least_sme: int | None = None) -> tuple[int, ...]:
        # The problem as it stands is infeasible however led, so dropping a number of the quota helps only those that
        # keep the others.
        found = solve_regime(arrays, "kept", self.deadline, aim=aim, least_sme_hundred_yuan=least_sme)
        return self._proven(found)

    def _proven(self, found: Found) -> tuple[int, ...]:
        if found.outcome != "optimal" or found.assignment is None:
            raise _OutOfTime
        return found.assignment

    def _fewest_members(self, arrays: ConsortiumArrays) -> Fraction:
        least: list[int] = []
        for regime in regimes_of(arrays):
            found = solve_regime(arrays, regime, self.deadline, aim=Aim("few_members"))
            if found.outcome != "infeasible":
                least.append(len(set(self._proven(found))))
        return Fraction(min(least))

    def _most_sme_budget(self, arrays: ConsortiumArrays) -> Fraction:
        total = int(arrays.budgets.sum())
        best = self._best(arrays, Aim("sme_budget"))
        most = arrays.money_of(best, arrays.counted(best))
        # HiGHS maximises within a tolerance; a unit more must be proven impossible.
        while self._possible(arrays.problem, most + 1):
            best = self._best(arrays, Aim("sme_budget"), most + 1)
            most = arrays.money_of(best, arrays.counted(best))
        return Fraction(most, total)

    def _best_ratio(self, arrays: ConsortiumArrays, name: ConstraintName) -> Fraction:
        """Dinkelbach: the largest ratio a/b is where the largest a − ratio · b is 0."""
        by_money = name == "min_small_micro_share_of_sme"
        ratio = Fraction(0)
        while True:
            assignment = self._best(arrays, Aim("small_micro" if by_money else "sme_heads", ratio))
            smes = arrays.counted(assignment)
            if by_money:
                small = {row for row in smes if arrays.group[row] == Group.SMALL}
                part, whole = (
                    arrays.money_of(assignment, small),
                    arrays.money_of(assignment, smes),
                )
            else:
                part, whole = len(smes), len(set(assignment))
            # Without SMEs' money the part holds at any value, and the problem would not be infeasible.
            reached = Fraction(part, whole)
            if reached <= ratio:
                return ratio
            ratio = reached

    def _nearest_score(self) -> Fraction | None:
        rule = self.arrays.problem.rule
        least = rule.min_score
        assert least is not None
        given = {
            exact_number(score, "score")
            for candidate in self.arrays.problem.candidates
            for score in candidate.scores.values()
        }
        lower = sorted(score for score in given if score < least)
        # Fewer may take part the higher the score: the last value at which a consortium exists is found by halving.
        first, last = 0, len(lower)
        while first < last:
            middle = (first + last) // 2
            if self._possible(self.arrays.problem.changed(rule=rule.replaced(min_score=lower[middle]))):
                first = middle + 1
            else:
                last = middle
        return lower[first - 1] if first else None


def _printed(name: ConstraintName, value: Fraction | None) -> float | int | None:
    if value is None:
        return None
    if name in ("max_members", "min_sme_members"):
        return int(value)
    exact = Decimal(value.numerator) / Decimal(value.denominator)
    return float(exact.quantize(PRINTED_DIGITS, rounding=ROUND_DOWN))
