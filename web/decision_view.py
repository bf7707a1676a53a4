"""A decision as its pages show it: from what was stored with it, never from what holds today."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from challenges.consortia.models import Decision
from challenges.consortia.wording import (
    not_counted_text,
    part_text,
)
from solvers.models import OrganizationKind, SizeClass
from web.labels import label
from web.quota_view import QuotaLine, quota_line, quota_parts


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
