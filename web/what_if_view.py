"""The answer to a what-if question beside the present consortium: what is gained, what is lost, what is proven."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from challenges.consortia.composition import quota_of
from challenges.consortia.standing import Standing
from challenges.consortia.what_if import Answer
from challenges.consortia.wording import constraint_text, nearest_text, part_name
from core.i18n import gettext as _
from matching.consortium import Consortium, Proposal
from web.consortium_view import names_of
from web.quota_view import QuotaLine, quota_line
from web.solver_view import points, proof_text


@dataclass(frozen=True)
class HolderLine:
    """One requirement: who answers for it now and with the changes, each with its score."""

    number: int
    text: str
    present: str
    present_score: float | None
    proposed: str
    proposed_score: float
    difference: str
    is_changed: bool


@dataclass(frozen=True)
class PartLine:
    present: QuotaLine
    proposed: QuotaLine


@dataclass(frozen=True)
class Comparison:
    """`holders` and `lead_id` are what "take over" stores."""

    objective: float
    difference: str
    is_gain: bool
    is_loss: bool
    proof: str
    lead: str
    present_lead: str
    joins: list[str]
    leaves: list[str]
    is_same: bool
    requirements: list[HolderLine]
    parts: list[PartLine]
    holders: Mapping[str, str]
    lead_id: str


@dataclass(frozen=True)
class WhatIfView:
    comparison: Comparison | None
    status: str
    conflict: list[str]
    is_minimal: bool
    nearest: list[tuple[str, str]]
    may_be_taken: bool


def what_if_view(standing: Standing, answer: Answer) -> WhatIfView:
    names = names_of(standing)
    proposal, conflict = answer.proposal, answer.conflict
    return WhatIfView(
        comparison=_comparison(standing, proposal, names) if proposal.consortium is not None else None,
        status=proposal.status,
        conflict=[]
        if conflict is None
        else [constraint_text(item.as_json(), names) for item in conflict.constraints],
        is_minimal=conflict is not None and conflict.minimal,
        nearest=[]
        if conflict is None
        else [
            (part_name(name), nearest_text(name, value)) for name, value in conflict.nearest_json().items()
        ],
        # Budgets are the published challenge's; a consortium cannot change them.
        may_be_taken=not answer.changes.budgets,
    )


def _comparison(standing: Standing, proposal: Proposal, names: Mapping[str, str]) -> Comparison:
    consortium, found = standing.consortium, proposal.consortium
    assert consortium is not None
    assert found is not None
    members = {str(member.organization_id): member for member in consortium.members}
    joined = [member.id for member in found.members if member.id not in members]
    left = [key for key in members if key not in {member.id for member in found.members}]
    objective = float(found.objective)
    difference = objective - (consortium.objective or 0.0)
    holders = found.assignment
    present_holders = {
        name: str(member.organization_id) for member in consortium.members for name in member.requirement_ids
    }
    return Comparison(
        objective=objective,
        difference=points(difference),
        is_gain=round(difference * 100, 1) > 0,
        is_loss=round(difference * 100, 1) < 0,
        proof=proof_text(proposal.status, proposal.gap),
        lead=names.get(found.lead, found.lead),
        present_lead="–" if consortium.lead_id is None else names.get(str(consortium.lead_id), "–"),
        joins=[names.get(key, key) for key in joined],
        leaves=[names.get(key, key) for key in left],
        is_same=holders == present_holders and found.lead == str(consortium.lead_id),
        requirements=_holder_lines(standing, found, names),
        parts=[
            PartLine(quota_line(before), quota_line(after))
            for before, after in zip(quota_of(consortium).parts, found.quota.parts, strict=True)
            if after.threshold is not None
        ],
        holders=holders,
        lead_id=found.lead,
    )


def _holder_lines(standing: Standing, found: Consortium, names: Mapping[str, str]) -> list[HolderLine]:
    assert standing.consortium is not None
    present = {name: member for member in standing.consortium.members for name in member.requirement_ids}
    lines: list[HolderLine] = []
    for requirement in standing.challenge.requirements:
        name = str(requirement.id)
        holder = found.assignment[name]
        prospect = standing.prospects.get(uuid.UUID(holder))
        score = min(1.0, prospect.scores.get(name, 0.0)) if prospect is not None else 0.0
        member = present.get(name)
        before = None if member is None else float(member.requirement_scores.get(name, 0.0))
        lines.append(
            HolderLine(
                number=requirement.position + 1,
                text=requirement.text,
                present=_("nobody") if member is None else member.organization.name,
                present_score=before,
                proposed=names.get(holder, holder),
                proposed_score=score,
                difference=points(score - (before or 0.0)),
                is_changed=member is None or str(member.organization_id) != holder,
            )
        )
    return lines
