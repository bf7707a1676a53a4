"""The consortium problem: requirements, candidates, their scores, a rule, and what was asked for by hand.

Choose members S and assign every requirement to exactly one member so that Σ_r weight_r · score_{member(r), r} is
largest, within the rule. `docs/consortium.md` has the whole model.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any, cast

from matching.problem_file import (
    ProblemError,
    as_choice,
    as_identifier,
    as_list,
    as_object,
    refuse_unknown,
    required,
)
from matching.quota import (
    KINDS,
    SIZES,
    Controller,
    Kind,
    Number,
    QuotaError,
    QuotaRule,
    Size,
    as_wan,
    exact_number,
    hundred_yuan,
    is_large,
)

# Weights sum to 1, but people write 0.33 three times.
WEIGHT_SUM_TOLERANCE = Fraction(2, 100)


@dataclass(frozen=True, slots=True)
class ConsortiumRequirement:
    """One part of the challenge: its share of the objective and its money."""

    id: str
    weight: Fraction
    budget_hundred_yuan: int

    @classmethod
    def of(cls, id: str, weight: Number, budget_wan: Number) -> ConsortiumRequirement:  # noqa: A002 - the field's name
        return cls(id, exact_number(weight, "weight"), hundred_yuan(budget_wan))

    @property
    def budget_wan(self) -> Decimal:
        return as_wan(self.budget_hundred_yuan)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An organization that may become a member; it may take a requirement only where it has a score for it."""

    id: str
    kind: Kind
    size: Size | None
    scores: Mapping[str, Number]
    controllers: tuple[Controller, ...] = ()

    @property
    def is_large(self) -> bool:
        return is_large(self.kind, self.size)


@dataclass(frozen=True)
class ConsortiumProblem:
    """Everything that decides a consortium. Changing a field and solving again answers "what if".

    A relation to a controller that is itself a candidate takes over that candidate's size where it is large.
    """

    requirements: tuple[ConsortiumRequirement, ...]
    candidates: tuple[Candidate, ...]
    rule: QuotaRule = field(default_factory=QuotaRule)
    lead: str | None = None
    force: frozenset[str] = frozenset()
    exclude: frozenset[str] = frozenset()
    forbid: frozenset[tuple[str, str]] = frozenset()

    def __post_init__(self) -> None:
        _check_requirements(self.requirements)
        _check_candidates(self.candidates, {requirement.id for requirement in self.requirements})
        known = {candidate.id for candidate in self.candidates}
        object.__setattr__(self, "force", frozenset(self.force))
        object.__setattr__(self, "exclude", frozenset(self.exclude))
        object.__setattr__(self, "forbid", frozenset(_ordered(pair) for pair in self.forbid))
        asked = [("lead", self.lead)] if self.lead is not None else []
        asked += [("force", identifier) for identifier in sorted(self.force)]
        asked += [("exclude", identifier) for identifier in sorted(self.exclude)]
        asked += [("forbid", identifier) for pair in sorted(self.forbid) for identifier in pair]
        for name, identifier in asked:
            if identifier not in known:
                raise ProblemError(name, f"{identifier!r} is no candidate")
        large = {candidate.id for candidate in self.candidates if candidate.is_large}
        relations = (relation for candidate in self.candidates for relation in candidate.controllers)
        if any(relation.id in large and relation.size != "large" for relation in relations):
            object.__setattr__(
                self, "candidates", tuple(_with_sizes(item, large) for item in self.candidates)
            )

    @property
    def total_budget_hundred_yuan(self) -> int:
        return sum(requirement.budget_hundred_yuan for requirement in self.requirements)

    def candidate(self, identifier: str) -> Candidate:
        for candidate in self.candidates:
            if candidate.id == identifier:
                return candidate
        raise KeyError(identifier)

    def changed(self, **fields: Any) -> ConsortiumProblem:
        """The same problem with some fields replaced."""
        return replace(self, **fields)

    def with_member(self, identifier: str) -> ConsortiumProblem:
        """What if this organization takes part?"""
        return replace(self, force=self.force | {identifier}, exclude=self.exclude - {identifier})

    def without_member(self, identifier: str) -> ConsortiumProblem:
        """What if this organization does not?"""
        lead = None if self.lead == identifier else self.lead
        return replace(self, lead=lead, force=self.force - {identifier}, exclude=self.exclude | {identifier})

    def with_exchange(self, leaves: str, joins: str) -> ConsortiumProblem:
        """What if one organization takes another's place (and the lead, where that one had it by request)?"""
        lead = joins if self.lead == leaves else self.lead
        return replace(self.without_member(leaves).with_member(joins), lead=lead)

    def with_budget(self, requirement_id: str, budget_wan: Number) -> ConsortiumProblem:
        """What if one requirement has another budget?"""
        if requirement_id not in {requirement.id for requirement in self.requirements}:
            raise ProblemError("requirements", f"{requirement_id!r} is no requirement")
        return replace(
            self,
            requirements=tuple(
                replace(requirement, budget_hundred_yuan=hundred_yuan(budget_wan))
                if requirement.id == requirement_id
                else requirement
                for requirement in self.requirements
            ),
        )

    @classmethod
    def from_json(cls, value: Any) -> ConsortiumProblem:
        """The problem of a JSON document as `read_problem_file` returns it (or any with plain numbers)."""
        data = as_object(value, "")
        refuse_unknown(
            data,
            ("requirements", "candidates", "rule", "lead", "force", "exclude", "forbid", "id", "title"),
            "",
        )
        rule_data = data.get("rule")
        try:
            rule = QuotaRule() if rule_data is None else QuotaRule.from_json(as_object(rule_data, "rule"))
        except QuotaError as error:
            raise ProblemError(f"rule.{error.field}", error.reason) from error
        lead = data.get("lead")
        return cls(
            requirements=tuple(
                _requirement_from(item, f"requirements[{number}]")
                for number, item in enumerate(as_list(required(data, "requirements", ""), "requirements"))
            ),
            candidates=tuple(
                _candidate_from(item, f"candidates[{number}]")
                for number, item in enumerate(as_list(required(data, "candidates", ""), "candidates"))
            ),
            rule=rule,
            lead=None if lead is None else as_identifier(lead, "lead"),
            force=frozenset(_identifiers(data, "force")),
            exclude=frozenset(_identifiers(data, "exclude")),
            forbid=frozenset(_pairs(data)),
        )

    def as_json(self) -> dict[str, Any]:
        """The problem in the form that `from_json` reads; what a decision freezes."""
        return {
            "requirements": [
                {"id": item.id, "weight": float(item.weight), "budget_wan": float(item.budget_wan)}
                for item in self.requirements
            ],
            "candidates": [
                {
                    "id": item.id,
                    "kind": item.kind,
                    "size": item.size,
                    "controlled_by": [
                        {"id": relation.id, "size": relation.size}
                        | ({} if relation.kind == "control" else {"kind": relation.kind})
                        for relation in item.controllers
                    ],
                    "scores": {name: float(score) for name, score in item.scores.items()},
                }
                for item in self.candidates
            ],
            "rule": self.rule.as_json(),
            "lead": self.lead,
            "force": sorted(self.force),
            "exclude": sorted(self.exclude),
            "forbid": [list(pair) for pair in sorted(self.forbid)],
        }


def lead_of(problem: ConsortiumProblem, assignment: Mapping[str, str]) -> str | None:
    """The lead of the consortium in which each requirement (key) is assigned to a candidate (value).

    The one that was asked for; else the member with the largest budget, of those the one with the largest own part
    of the objective, of those the first by id. None for no members.
    """
    if problem.lead is not None:
        return problem.lead
    money: dict[str, int] = {}
    part: dict[str, Fraction] = {}
    scores = {candidate.id: candidate.scores for candidate in problem.candidates}
    for requirement in problem.requirements:
        holder = assignment[requirement.id]
        money[holder] = money.get(holder, 0) + requirement.budget_hundred_yuan
        score = exact_number(scores[holder][requirement.id], "score")
        part[holder] = part.get(holder, Fraction(0)) + requirement.weight * score
    return min(money, key=lambda holder: (-money[holder], -part[holder], holder), default=None)


def _ordered(pair: Iterable[str]) -> tuple[str, str]:
    both = sorted(set(pair))
    if len(both) != 2:
        raise ProblemError("forbid", "each entry must be a pair of two different candidates")
    return both[0], both[1]


def _with_sizes(candidate: Candidate, large: set[str]) -> Candidate:
    return replace(
        candidate,
        controllers=tuple(
            replace(relation, size="large") if relation.id in large else relation
            for relation in candidate.controllers
        ),
    )


def _check_requirements(requirements: tuple[ConsortiumRequirement, ...]) -> None:
    if not requirements:
        raise ProblemError("requirements", "at least one is needed")
    seen: set[str] = set()
    for number, requirement in enumerate(requirements):
        place = f"requirements[{number}]"
        if requirement.id in seen:
            raise ProblemError(f"{place}.id", f"{requirement.id!r} is used by another requirement")
        seen.add(requirement.id)
        if not 0 <= requirement.weight <= 1:
            raise ProblemError(f"{place}.weight", "must be between 0 and 1")
        if requirement.budget_hundred_yuan < 0:
            raise ProblemError(f"{place}.budget_wan", "must not be negative")
    total = sum(requirement.weight for requirement in requirements)
    if abs(total - 1) > WEIGHT_SUM_TOLERANCE:
        raise ProblemError("requirements", f"the weights must sum to 1, not {float(total):g}")


def _check_candidates(candidates: tuple[Candidate, ...], requirements: set[str]) -> None:
    seen: set[str] = set()
    for number, candidate in enumerate(candidates):
        place = f"candidates[{number}]"
        if candidate.id in seen:
            raise ProblemError(f"{place}.id", f"{candidate.id!r} is used by another candidate")
        seen.add(candidate.id)
        for name, score in candidate.scores.items():
            if name not in requirements:
                raise ProblemError(f"{place}.scores.{name}", "is no requirement")
            if isinstance(score, (bool, str)) or not 0 <= score <= 1:
                raise ProblemError(f"{place}.scores.{name}", "must be a number between 0 and 1")


def _requirement_from(value: Any, place: str) -> ConsortiumRequirement:
    data = as_object(value, place)
    identifier = as_identifier(required(data, "id", place), f"{place}.id")
    weight = _number(required(data, "weight", place), f"{place}.weight")
    try:
        money = hundred_yuan(
            _number(required(data, "budget_wan", place), f"{place}.budget_wan"), f"{place}.budget_wan"
        )
    except QuotaError as error:
        raise ProblemError(error.field, error.reason) from error
    return ConsortiumRequirement(identifier, weight, money)


def _candidate_from(value: Any, place: str) -> Candidate:
    data = as_object(value, place)
    size = data.get("size")
    scores = as_object(_given(data, "scores", {}), f"{place}.scores")
    for name, score in scores.items():
        if isinstance(score, bool) or not isinstance(score, (int, float, Decimal)):
            raise ProblemError(f"{place}.scores.{name}", "must be a number between 0 and 1")
    return Candidate(
        id=as_identifier(required(data, "id", place), f"{place}.id"),
        kind=cast("Kind", as_choice(required(data, "kind", place), KINDS, f"{place}.kind")),
        size=None if size is None else cast("Size", as_choice(size, SIZES, f"{place}.size")),
        scores=scores,
        controllers=tuple(
            _controller_from(item, f"{place}.controlled_by[{number}]")
            for number, item in enumerate(
                as_list(_given(data, "controlled_by", []), f"{place}.controlled_by")
            )
        ),
    )


def _controller_from(value: Any, place: str) -> Controller:
    data = as_object(value, place)
    size = data.get("size")
    kind = as_choice(data.get("kind", "control"), ("control", "same_legal_representative"), f"{place}.kind")
    return Controller(
        id=as_identifier(required(data, "id", place), f"{place}.id"),
        size=None if size is None else cast("Size", as_choice(size, SIZES, f"{place}.size")),
        kind="control" if kind == "control" else "same_legal_representative",
    )


def _given(data: Mapping[str, Any], name: str, missing: Any) -> Any:
    """What stands there, or `missing` where nothing or null does: 0 and false are not nothing."""
    value = data.get(name)
    return missing if value is None else value


def _identifiers(data: Mapping[str, Any], name: str) -> list[str]:
    values = as_list(_given(data, name, []), name)
    return [as_identifier(value, f"{name}[{number}]") for number, value in enumerate(values)]


def _pairs(data: Mapping[str, Any]) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for number, value in enumerate(as_list(_given(data, "forbid", []), "forbid")):
        place = f"forbid[{number}]"
        pair = as_list(value, place)
        if len(pair) != 2:
            raise ProblemError(place, "must be a pair of two candidates")
        first, second = (as_identifier(item, f"{place}[{index}]") for index, item in enumerate(pair))
        if first == second:
            raise ProblemError(place, "must be a pair of two different candidates")
        pairs.append((first, second))
    return pairs


def _number(value: Any, field_name: str) -> Fraction:
    if isinstance(value, str):
        raise ProblemError(field_name, "must be a number")
    try:
        return exact_number(value, field_name)
    except QuotaError as error:
        raise ProblemError(error.field, error.reason) from error
