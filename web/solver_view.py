"""What the solver has proven of a consortium, what else was possible, and what the quota costs."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from challenges.consortia.composition import quota_rule
from challenges.consortia.models import Consortium
from challenges.consortia.standing import Standing
from challenges.consortia.wording import (
    percent,
)
from core.i18n import gettext as _
from web.quota_view import QuotaLine, quota_line, quota_parts


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


def is_by_hand(consortium: Consortium, answer: Mapping[str, Any]) -> bool:
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


def certificate_text(standing: Standing, answer: Mapping[str, Any], by_hand: bool) -> str:
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


def price_lines(answer: Mapping[str, Any]) -> list[PriceLine]:
    curve = answer.get("price_curve") or {}
    return [
        PriceLine(percent(step["from"]), percent(step["to"]), step["objective"])
        for step in curve.get("steps", [])
    ]


def alternatives_of(
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


def points(difference: float) -> str:
    """A difference of objectives in points of 100, with its sign."""
    shown = round(difference * 100, 1)
    return "±0.0" if not shown else f"{shown:+.1f}".replace("-", "−")
