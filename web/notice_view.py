"""What stands frozen in a notice, as its pages show it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from challenges.consortia.wording import not_counted_text, part_text, rounded_percent
from challenges.contracts.models import Contract, ContractState
from challenges.milestones.models import Elimination
from core.i18n import gettext
from solvers.models import OrganizationKind, SizeClass
from web.decision_view import WaiverView
from web.labels import label
from web.quota_view import QuotaLine, quota_line, quota_parts


@dataclass(frozen=True)
class MemberView:
    name: str
    is_lead: bool
    kind: str
    size: str
    counted: str
    budget_wan: Decimal
    share: str


@dataclass(frozen=True)
class Outcome:
    """What became of a team's contract, as everybody may know it: nothing of its text, and no reasons."""

    state: ContractState
    at: datetime | None
    # The milestone at whose stage review the team left the race.
    stage: int | None


@dataclass(frozen=True)
class TeamView:
    number: int
    consortium: str
    lead: str
    members: list[MemberView]
    budget_wan: Decimal
    lines: list[QuotaLine]
    applies: bool
    rule: Mapping[str, Any] | None
    waiver: WaiverView | None
    review_rank: int | None
    decided_at: datetime
    outcome: Outcome | None


def team_views(content: Mapping[str, Any], outcomes: Mapping[str, Outcome] | None = None) -> list[TeamView]:
    """The teams of a notice, with what became of them where that is shown, by consortium."""
    return [_team(item, (outcomes or {}).get(item["consortium"])) for item in content["teams"]]


def outcomes_by_team(found: Iterable[tuple[Contract, Elimination | None]]) -> dict[str, Outcome]:
    return {
        str(contract.consortium_id): Outcome(
            contract.state,
            contract.ended_at or contract.signed_at,
            elimination.milestone.position if elimination is not None else None,
        )
        for contract, elimination in found
    }


def _team(team: Mapping[str, Any], outcome: Outcome | None) -> TeamView:
    total = Decimal(team["budget_wan"])
    parts = quota_parts(team["quota"]["parts"])
    waiver = team["waiver"]
    return TeamView(
        number=team["team"],
        consortium=team["consortium"],
        lead=team["lead"],
        members=[_member(item, total) for item in team["members"]],
        budget_wan=total,
        lines=[quota_line(part) for part in parts if part.threshold is not None],
        applies=team["quota"]["applies"],
        rule=team["rule"],
        waiver=None
        if waiver is None
        else WaiverView(
            parts=[part_text(part) for part in parts if part.name in waiver["parts"]],
            reason=waiver["reason"],
            requested_by=waiver["requested_by"],
            requested_at=datetime.fromisoformat(waiver["requested_at"]),
            confirmed_by=waiver["confirmed_by"],
            confirmed_at=datetime.fromisoformat(waiver["confirmed_at"]),
            confirmation=waiver["confirmation"],
        ),
        review_rank=team["review_rank"],
        decided_at=datetime.fromisoformat(team["decided_at"]),
        outcome=outcome,
    )


def _member(member: Mapping[str, Any], total: Decimal) -> MemberView:
    budget = Decimal(member["budget_wan"])
    return MemberView(
        name=member["name"],
        is_lead=member["is_lead"],
        kind=label(OrganizationKind(member["kind"])),
        size=label(SizeClass(member["size"])) if member["size"] else gettext("no size"),
        counted=not_counted_text(member["not_counted_reason"], member["not_counted_because_of"]),
        budget_wan=budget,
        share=rounded_percent(Fraction(budget) / Fraction(total)) if total else "–",
    )
