"""A consortium as its pages show it: who does what, money by size, the quota line by line, what else was possible."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from challenges.consortia.composition import quota_of, quota_rule
from challenges.consortia.models import Consortium, ConsortiumMember, Decision
from challenges.consortia.service import Standing
from challenges.consortia.wording import (
    constraint_text,
    nearest_text,
    not_counted_text,
    part_fraction,
    part_name,
    part_text,
    part_threshold,
    part_value,
    percent,
    rounded_percent,
)
from challenges.matches.service import may_take_part, not_counted_code
from core.i18n import gettext as _
from matching.quota import QuotaPart, QuotaResult
from solvers.models import OrganizationKind, SizeClass
from web.consortium_charts import BudgetBar, PriceChart, budget_bar, price_chart
from web.labels import label

SHARE_PARTS = ("min_sme_budget_share", "min_small_micro_share_of_sme")


@dataclass(frozen=True)
class MemberLine:
    member: ConsortiumMember
    name: str
    is_lead: bool
    counted_text: str
    share: str
    requirement_numbers: list[int]


@dataclass(frozen=True)
class MoneyLine:
    """Money of one class of members; `share` of the whole in [0, 1]."""

    text: str
    budget_wan: Decimal
    share: float
    percent: str


@dataclass(frozen=True)
class Gauge:
    """A share of money against its threshold, both in [0, 1]."""

    name: str
    value: float
    value_text: str
    threshold: float
    threshold_text: str
    holds: bool
    applies: bool


@dataclass(frozen=True)
class QuotaLine:
    name: str
    value: str
    fraction: str
    threshold: str
    applies: bool
    holds: bool
    is_limited: bool


@dataclass(frozen=True)
class AlternativeMember:
    name: str
    counted: bool
    budget_wan: Decimal


@dataclass(frozen=True)
class Alternative:
    """One of the solver's consortia; `holders` names the member for each requirement. Number 0 is the best."""

    number: int
    objective: float
    difference_text: str
    proof: str
    members: list[AlternativeMember]
    holders: Mapping[str, str]
    lead: str
    lines: list[QuotaLine]
    is_present: bool


@dataclass(frozen=True)
class PriceLine:
    above: str
    up_to: str
    objective: float | None


@dataclass(frozen=True)
class ProspectOption:
    key: uuid.UUID
    text: str


@dataclass(frozen=True)
class ConsortiumView:
    members: list[MemberLine]
    holders: Mapping[str, uuid.UUID]
    money: list[MoneyLine]
    total_budget_wan: Decimal
    bar: BudgetBar | None
    gauges: list[Gauge]
    quota: QuotaResult
    lines: list[QuotaLine]
    certificate: str
    is_by_hand: bool
    price: float | None
    price_lines: list[PriceLine]
    price_chart: PriceChart | None
    alternatives: list[Alternative]
    conflict: list[str]
    is_minimal: bool
    nearest: list[tuple[str, str]]
    status: str
    failure: str
    options: list[tuple[str, list[ProspectOption]]]


def consortium_view(standing: Standing) -> ConsortiumView:
    consortium = standing.consortium
    assert consortium is not None
    quota = quota_of(consortium)
    names = names_of(standing)
    answer: dict[str, Any] = consortium.computation.get("answer") or {}
    by_hand = _is_by_hand(consortium, answer)
    return ConsortiumView(
        members=_member_lines(standing, quota, names),
        holders={
            name: member.organization_id for member in consortium.members for name in member.requirement_ids
        },
        money=_money_lines(consortium.members),
        total_budget_wan=sum((member.budget_wan for member in consortium.members), Decimal(0)),
        bar=budget_bar(quota),
        gauges=[
            _gauge(part) for part in quota.parts if part.name in SHARE_PARTS and part.threshold is not None
        ],
        quota=quota,
        lines=[quota_line(part) for part in quota.parts],
        certificate=_certificate(standing, answer, by_hand),
        is_by_hand=by_hand,
        price=answer.get("price_of_quota"),
        price_lines=_price_lines(answer),
        price_chart=price_chart(
            answer.get("price_curve") or {},
            quota.part("min_sme_budget_share").threshold,
            (quota.part("min_sme_budget_share").value, consortium.objective),
        ),
        alternatives=_alternatives(consortium, answer, names),
        conflict=[constraint_text(item, names) for item in answer.get("conflict", [])],
        is_minimal=answer.get("conflict_minimal") is not False,
        nearest=[
            (part_name(name), nearest_text(name, value)) for name, value in answer.get("nearest", {}).items()
        ],
        status=answer.get("status", consortium.computation.get("status", "")),
        failure=consortium.computation.get("failure", ""),
        options=_options(standing),
    )


def names_of(standing: Standing) -> dict[str, str]:
    """Names of all organizations and requirements that a text may mention, by id."""
    names = {str(key): prospect.organization.name for key, prospect in standing.prospects.items()}
    if (consortium := standing.consortium) is not None:
        names |= {str(member.organization_id): member.organization.name for member in consortium.members}
        names |= _controller_names(consortium)
    return names | {
        str(item.id): f"{item.position + 1}. {item.text}" for item in standing.challenge.requirements
    }


def points(difference: float) -> str:
    """A difference of objectives in points of 100, with its sign."""
    shown = round(difference * 100, 1)
    return "±0.0" if not shown else f"{shown:+.1f}".replace("-", "−")


def quota_line(part: QuotaPart) -> QuotaLine:
    return QuotaLine(
        name=part_name(part.name),
        value=part_value(part),
        fraction=part_fraction(part),
        threshold=part_threshold(part),
        applies=part.applies and part.threshold is not None,
        holds=part.holds,
        is_limited=part.threshold is not None,
    )


def _controller_names(consortium: Consortium) -> dict[str, str]:
    relations = [item for items in consortium.computation.get("controls", {}).values() for item in items]
    return {item["id"]: item["name"] for item in relations}


def _member_lines(standing: Standing, quota: QuotaResult, names: Mapping[str, str]) -> list[MemberLine]:
    consortium = standing.consortium
    assert consortium is not None
    numbers = {str(item.id): item.position + 1 for item in standing.challenge.requirements}
    counted = {item.id: item for item in quota.members}
    total = quota.budget_hundred_yuan
    lines: list[MemberLine] = []
    for member in consortium.members:
        result = counted[str(member.organization_id)]
        lines.append(
            MemberLine(
                member=member,
                name=member.organization.name,
                is_lead=member.organization_id == consortium.lead_id,
                counted_text=not_counted_text(
                    result.code or "", names.get(result.because_of or "", result.because_of or "")
                ),
                share=rounded_percent(Fraction(result.budget_hundred_yuan, total)) if total else "–",
                requirement_numbers=sorted(
                    numbers[name] for name in member.requirement_ids if name in numbers
                ),
            )
        )
    return lines


def _money_lines(members: list[ConsortiumMember]) -> list[MoneyLine]:
    """Every class that has a member: enterprises by size and whether they count, then institutes and universities."""
    total = sum((member.budget_wan for member in members), Decimal(0))
    groups: dict[str, Decimal] = {}
    order = [*SizeClass, None]
    for member in sorted(members, key=lambda item: (order.index(item.size_class), not item.counted_sme)):
        if member.kind is not OrganizationKind.ENTERPRISE:
            text = _("Institutes and universities")
        elif member.size_class is SizeClass.LARGE or member.size_class is None or member.counted_sme:
            text = label(member.size_class)
        else:
            text = _("%(size)s, not counted", size=label(member.size_class))
        groups[text] = groups.get(text, Decimal(0)) + member.budget_wan
    return [
        MoneyLine(
            text=text,
            budget_wan=budget,
            share=float(budget / total) if total else 0.0,
            percent=rounded_percent(Fraction(budget) / Fraction(total)) if total else "–",
        )
        for text, budget in groups.items()
    ]


def _gauge(part: QuotaPart) -> Gauge:
    assert part.threshold is not None
    return Gauge(
        name=part_name(part.name),
        value=float(part.value or 0),
        value_text=part_value(part),
        threshold=float(part.threshold),
        threshold_text=part_threshold(part),
        holds=part.holds,
        applies=part.applies,
    )


def _is_by_hand(consortium: Consortium, answer: Mapping[str, Any]) -> bool:
    """Whether what stands differs from the solver's best."""
    if consortium.bid_id is not None or not answer:
        return False
    return _essence(answer) != _present_essence(consortium)


def _essence(solution: Mapping[str, Any]) -> tuple[str | None, dict[str, str]]:
    holders = {name: member["id"] for member in solution["members"] for name in member["requirements"]}
    return solution["lead"], holders


def _present_essence(consortium: Consortium) -> tuple[str | None, dict[str, str]]:
    holders = {
        name: str(member.organization_id) for member in consortium.members for name in member.requirement_ids
    }
    if any(not member.requirement_ids for member in consortium.members):
        holders[""] = ""
    return None if consortium.lead_id is None else str(consortium.lead_id), holders


def _certificate(standing: Standing, answer: Mapping[str, Any], by_hand: bool) -> str:
    """What is proven about the consortium, in one sentence."""
    consortium = standing.consortium
    assert consortium is not None
    if consortium.bid_id is not None:
        return _("Taken over from a bid: members, requirements and money are those that were bid.")
    problem = consortium.computation.get("problem") or {}
    most = consortium.rule.max_members if consortium.rule is not None else None
    values = {
        "candidates": len(problem.get("candidates", [])),
        "version": consortium.rule.version if consortium.rule is not None else "–",
        "members": most,
    }
    present, best = consortium.objective or 0.0, answer.get("objective")
    if by_hand and best is not None:
        return _(
            "Changed by hand: %(difference)s points compared with the proposal of the solver.",
            difference=points(present - best),
        )
    if by_hand:
        return _("Put together by hand: the solver found no consortium that keeps the rule.")
    if answer.get("status") in ("optimal", "feasible") and _is_outdated(consortium, problem):
        return _(
            "The solver's best before rule, sizes or relations changed; whether it still is, only a new proposal proves."
        )
    if answer.get("status") == "optimal":
        if most is None:
            return _(
                "No consortium of the %(candidates)s ranked solvers that keeps version %(version)s of the rule scores"
                " higher; proven.",
                **values,
            )
        return _(
            "No consortium of up to %(members)s of the %(candidates)s ranked solvers that keeps version %(version)s of"
            " the rule scores higher; proven.",
            **values,
        )
    if answer.get("status") == "feasible":
        return _(
            "The best consortium found within the time limit. Not proven: at most %(gap)s points are missing to the"
            " best possible.",
            gap=f"{(answer.get('gap') or 0.0) * 100:.1f}",
        )
    return ""


def _is_outdated(consortium: Consortium, problem: Mapping[str, Any]) -> bool:
    """Whether what the quota looks at has been computed again since the solver was asked."""
    if problem.get("rule") != quota_rule(consortium.rule).as_json():
        return True
    asked = {item["id"]: item for item in problem.get("candidates", [])}
    controls: Mapping[str, list[dict[str, Any]]] = consortium.computation.get("controls", {})
    for member in consortium.members:
        key = str(member.organization_id)
        before = asked.get(key)
        if before is None:
            return True
        related = {item["id"] for item in before["controlled_by"]}
        now = {item["id"] for item in controls.get(key, [])}
        if (before["kind"], before["size"]) != (
            member.kind.value,
            member.size_class and member.size_class.value,
        ):
            return True
        if related != now:
            return True
    return False


def _price_lines(answer: Mapping[str, Any]) -> list[PriceLine]:
    curve = answer.get("price_curve") or {}
    return [
        PriceLine(percent(step["from"]), percent(step["to"]), step["objective"])
        for step in curve.get("steps", [])
    ]


def _alternatives(
    consortium: Consortium, answer: Mapping[str, Any], names: Mapping[str, str]
) -> list[Alternative]:
    """The solver's best (number 0) and the next best ones, to be compared and taken."""
    if not answer.get("members"):
        return []
    best = float(answer["objective"])
    present = _present_essence(consortium)
    return [
        Alternative(
            number=number,
            objective=float(solution["objective"]),
            difference_text=points(float(solution["objective"]) - best),
            proof=proof_text(solution["status"], solution.get("gap")),
            members=[
                AlternativeMember(
                    names.get(member["id"], member["id"]),
                    member["counted_sme"],
                    Decimal(str(member["budget_wan"])),
                )
                for member in solution["members"]
            ],
            holders={
                name: names.get(member["id"], member["id"])
                for member in solution["members"]
                for name in member["requirements"]
            },
            lead=names.get(solution["lead"], solution["lead"]),
            lines=[quota_line(part) for part in quota_parts(solution["quota"])],
            is_present=_essence(solution) == present,
        )
        for number, solution in enumerate([answer, *answer.get("alternatives", [])])
    ]


def proof_text(status: str, gap: float | None) -> str:
    """What is proven of one of the solver's consortia, in few words."""
    if status == "optimal":
        return _("proven")
    return _("not proven: at most %(gap)s points are missing", gap=f"{(gap or 0.0) * 100:.1f}")


def quota_parts(parts: Mapping[str, Mapping[str, Any]]) -> list[QuotaPart]:
    """The computation of a quota from its JSON."""
    return [
        QuotaPart(
            name=name,  # type: ignore[arg-type]
            numerator=part["numerator"],
            denominator=part["denominator"],
            threshold=None if part["threshold"] is None else Fraction(str(part["threshold"])),
            holds=part["holds"],
            applies=part["applies"],
        )
        for name, part in parts.items()
    ]


def _options(standing: Standing) -> list[tuple[str, list[ProspectOption]]]:
    """Who may join, as the groups of a select field: counted SMEs first, each in the order of the ranking."""
    consortium = standing.consortium
    assert consortium is not None
    members = {member.organization_id for member in consortium.members}
    groups: dict[bool, list[ProspectOption]] = {True: [], False: []}
    for key, prospect in standing.prospects.items():
        organization = prospect.organization
        if key in members or not may_take_part(standing.challenge, organization, prospect.certificates):
            continue
        facts = [organization.name, label(organization.size_class or organization.kind)]
        if prospect.rank is not None:
            facts.append(_("rank %(rank)s", rank=prospect.rank))
        groups[not_counted_code(organization, prospect.controls) is None].append(
            ProspectOption(key, " · ".join(facts))
        )
    texts = {True: _("Counted SMEs"), False: _("Others")}
    return [(texts[counted], options) for counted, options in groups.items() if options]


@dataclass(frozen=True)
class FrozenView:
    """A decision from what was stored with it, never from what holds today."""

    inputs: Mapping[str, Any]
    members: list[dict[str, Any]]
    lines: list[QuotaLine]
    applies: bool
    total_budget_wan: Decimal


def frozen_view(decision: Decision) -> FrozenView:
    inputs = decision.inputs
    numbers = {item["id"]: item["position"] + 1 for item in inputs["requirements"]}
    members = [
        {
            **member,
            "is_lead": member["id"] == inputs["lead"],
            "kind_text": label(OrganizationKind(member["kind"])),
            "size_text": label(SizeClass(member["size"])) if member["size"] else "–",
            "budget_wan": Decimal(member["budget_wan"]),
            "numbers": sorted(numbers[name] for name in member["requirements"] if name in numbers),
            "counted_text": not_counted_text(member["not_counted_reason"], member["not_counted_because_of"]),
        }
        for member in inputs["members"]
    ]
    return FrozenView(
        inputs=inputs,
        members=members,
        lines=[quota_line(part) for part in quota_parts(decision.quota["parts"])],
        applies=decision.quota["applies"],
        total_budget_wan=sum((member["budget_wan"] for member in members), Decimal(0)),
    )


@dataclass(frozen=True)
class WaiverView:
    """A waiver under which an award was made, as everybody may read it, from what was frozen with the decision."""

    parts: list[str]
    reason: str
    requested_by: str
    requested_at: datetime
    confirmed_by: str
    confirmed_at: datetime
    confirmation: str


def waiver_view(decision: Decision) -> WaiverView | None:
    frozen = decision.inputs.get("waiver")
    if frozen is None:
        return None
    return WaiverView(
        parts=[
            part_text(part) for part in quota_parts(decision.quota["parts"]) if part.name in frozen["parts"]
        ],
        reason=frozen["reason"],
        requested_by=frozen["requested_by"],
        requested_at=datetime.fromisoformat(frozen["requested_at"]),
        confirmed_by=frozen["confirmed_by"],
        confirmed_at=datetime.fromisoformat(frozen["confirmed_at"]),
        confirmation=frozen["confirmation"],
    )
