"""What a consortium is made of, and everything that follows: money, who counts, the quota, what stands in the way.

The same functions serve the solver's answer, a change by hand and the officer's decision.
"""

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

from challenges.consortia.models import Consortium, ConsortiumMember
from challenges.matches.queries import Control
from challenges.matches.service import may_take_part, quota_controllers
from challenges.postings.models import Challenge, Requirement
from challenges.programs import models as programs
from core.i18n import gettext as _
from matching.consortium import Candidate, ConsortiumProblem, ConsortiumRequirement
from matching.quota import QuotaMember, QuotaPart, QuotaResult, QuotaRule, evaluate_quota, exact_number
from solvers.organizations.models import (
    CertificateKind,
    ControlKind,
    Organization,
    SizeClass,
)


@dataclass(frozen=True)
class Prospect:
    """An organization that is or may become a member, as it stands now. `rank` is None where the ranking lacks it."""

    organization: Organization
    certificates: frozenset[CertificateKind]
    controls: tuple[Control, ...]
    scores: Mapping[str, float] = field(default_factory=dict)
    rank: int | None = None


Prospects = Mapping[uuid.UUID, Prospect]


def quota_rule(rule: programs.QuotaRule | None) -> QuotaRule:
    """A program's rule as matching.quota computes with it; without one nothing is asked for."""
    if rule is None:
        return QuotaRule()
    return QuotaRule(
        min_sme_budget_share=rule.min_sme_budget_share,
        min_small_micro_share_of_sme=rule.min_small_micro_share_of_sme,
        min_sme_members=rule.min_sme_members,
        min_sme_member_share=rule.min_sme_member_share,
        max_members=rule.max_members,
        applies_to=rule.applies_to.value,
    )


def weights_of(requirements: Sequence[Requirement]) -> dict[str, Fraction]:
    """Weights that sum to 1; where none is given all requirements weigh alike."""
    given = {str(item.id): exact_number(item.weight or 0, "weight") for item in requirements}
    total = sum(given.values(), Fraction(0))
    if not total:
        return {key: Fraction(1, len(given)) for key in given}
    return {key: weight / total for key, weight in given.items()}


def consortium_problem(
    challenge: Challenge, rule: programs.QuotaRule | None, prospects: Prospects
) -> ConsortiumProblem:
    """The question to the solver. Who is not admitted or scores nothing for a requirement is no candidate for it."""
    weights = weights_of(challenge.requirements)
    return ConsortiumProblem(
        requirements=tuple(
            ConsortiumRequirement.of(str(item.id), weights[str(item.id)], item.budget_wan or Decimal(0))
            for item in challenge.requirements
        ),
        candidates=tuple(
            Candidate(
                id=str(key),
                kind=prospect.organization.kind.value,
                size=_value(prospect.organization.size_class),
                scores={name: min(score, 1.0) for name, score in prospect.scores.items() if score > 0},
                controllers=quota_controllers(prospect.controls),
            )
            for key, prospect in prospects.items()
            if may_take_part(challenge, prospect.organization, prospect.certificates)
        ),
        rule=quota_rule(rule),
    )


def compose(
    consortium: Consortium,
    challenge: Challenge,
    rule: programs.QuotaRule | None,
    prospects: Prospects,
    *,
    members: Sequence[uuid.UUID],
    holders: Mapping[str, uuid.UUID],
    lead_id: uuid.UUID | None,
    money: Mapping[uuid.UUID, Decimal] | None = None,
) -> None:
    """Write members, requirements, money, lead and what the quota looks at into a consortium.

    `holders` names the member that answers for each requirement. A member's money is the budget of its requirements
    unless `money` says what was bid.
    """
    known = {str(item.id): item for item in challenge.requirements}
    present = {member.organization_id: member for member in consortium.members}
    kept: list[ConsortiumMember] = []
    for key in dict.fromkeys(members):
        prospect = prospects[key]
        organization = prospect.organization
        held = [name for name in known if holders.get(name) == key]
        member = present.get(key)
        if member is None:
            member = ConsortiumMember(organization_id=key)
        member.organization = organization
        member.kind, member.size_class = organization.kind, organization.size_class
        member.requirement_ids = held
        member.requirement_scores = dict(prospect.scores) or dict(member.requirement_scores or {})
        planned = sum((known[name].budget_wan or Decimal(0) for name in held), Decimal(0))
        member.budget_wan = planned if money is None else money[key]
        kept.append(member)
    kept.sort(key=lambda item: (item.organization_id != lead_id, -item.budget_wan, str(item.organization_id)))
    for position, member in enumerate(kept):
        member.position = position
    consortium.members = kept
    consortium.lead_id = lead_id if any(item.organization_id == lead_id for item in kept) else None
    consortium.rule_id = rule.id if rule is not None else None
    consortium.rule = rule
    consortium.objective = float(objective_of(challenge, kept))
    consortium.computation = {
        **(consortium.computation or {}),
        "controls": {
            str(item.organization_id): [
                _control_json(each) for each in prospects[item.organization_id].controls
            ]
            for item in kept
        },
    }
    counted = {item.id: item for item in quota_of(consortium).members}
    for member in kept:
        result = counted[str(member.organization_id)]
        member.counted_sme, member.not_counted_reason = result.counted, result.code or ""


def quota_of(consortium: Consortium) -> QuotaResult:
    """The computation from what was frozen with the consortium: sizes, control relations, money, rule."""
    controls: Mapping[str, list[dict[str, Any]]] = consortium.computation.get("controls", {})
    return evaluate_quota(
        quota_rule(consortium.rule),
        None if consortium.lead_id is None else str(consortium.lead_id),
        [
            QuotaMember.of(
                str(member.organization_id),
                member.kind.value,
                _value(member.size_class),
                member.budget_wan,
                quota_controllers(
                    [control_from(item) for item in controls.get(str(member.organization_id), [])]
                ),
            )
            for member in consortium.members
        ],
    )


def objective_of(challenge: Challenge, members: Iterable[ConsortiumMember]) -> Fraction:
    """Σ weight · score over the requirements that have a member; a score that is not known counts as 0."""
    weights = weights_of(challenge.requirements)
    return sum(
        (
            weights[name] * exact_number(float(member.requirement_scores.get(name, 0.0)), "score")
            for member in members
            for name in member.requirement_ids
            if name in weights
        ),
        Fraction(0),
    )


def changes_since(consortium: Consortium, prospects: Prospects) -> list[str]:
    """In which way members differ from what the computation was made with; the reader's language."""
    found: list[str] = []
    for member in consortium.members:
        now = prospects.get(member.organization_id)
        if now is None:
            found.append(_("%(name)s no longer exists.", name=member.organization.name))
            continue
        organization = now.organization
        if (organization.kind, organization.size_class) != (member.kind, member.size_class):
            found.append(_("Kind or size of %(name)s has changed since.", name=organization.name))
        if essence(controls_of_member(consortium, member)) != essence(now.controls):
            found.append(_("Control relations of %(name)s have changed since.", name=organization.name))
    return found


def structural_shortcomings(
    consortium: Consortium,
    challenge: Challenge,
    rule_now: programs.QuotaRule | None,
    prospects: Prospects,
) -> list[str]:
    """What keeps a consortium from being submitted or approved and no waiver excuses, in the reader's language."""
    found: list[str] = []
    if rule_now is None:
        found.append(_("The program has no quota rule in force."))
    elif consortium.rule_id != rule_now.id:
        found.append(
            _(
                "Version %(version)s of the quota rule has come into force since; compute again.",
                version=rule_now.version,
            )
        )
    found += changes_since(consortium, prospects)
    if not consortium.members:
        found.append(_("There are no members yet."))
    elif consortium.lead_id is None:
        found.append(_("Choose the lead."))
    assigned = [name for member in consortium.members for name in member.requirement_ids]
    for requirement in challenge.requirements:
        if assigned.count(str(requirement.id)) == 0:
            found.append(_("Nobody answers for requirement %(number)s.", number=requirement.position + 1))
    for member in consortium.members:
        if not member.requirement_ids:
            found.append(_("%(name)s answers for no requirement.", name=member.organization.name))
        prospect = prospects.get(member.organization_id)
        if prospect is not None and not may_take_part(
            challenge, prospect.organization, prospect.certificates
        ):
            found.append(
                _(
                    "%(name)s is not admitted to this challenge or not verified.",
                    name=member.organization.name,
                )
            )
    return found


def broken_parts(consortium: Consortium, rule_now: programs.QuotaRule | None) -> tuple[QuotaPart, ...]:
    """The parts of the quota that it breaks: they keep it from being approved, unless a waiver names them."""
    return quota_of(consortium).failing if consortium.members and rule_now is not None else ()


def controls_of_member(consortium: Consortium, member: ConsortiumMember) -> frozenset[Control]:
    """The control relations that the quota was computed with."""
    controls: Mapping[str, list[dict[str, Any]]] = consortium.computation.get("controls", {})
    return frozenset(control_from(item) for item in controls.get(str(member.organization_id), []))


def essence(controls: Collection[Control]) -> set[tuple[str, SizeClass | None, ControlKind]]:
    """Control relations without the names, which may change without meaning anything."""
    return {(item.id, item.size, item.kind) for item in controls}


def _control_json(control: Control) -> dict[str, Any]:
    return {
        "id": control.id,
        "name": control.name,
        "size": _value(control.size),
        "kind": control.kind.value,
    }


def control_from(data: Mapping[str, Any]) -> Control:
    size = data.get("size")
    return Control(
        data["id"], data.get("name", ""), None if size is None else SizeClass(size), ControlKind(data["kind"])
    )


def _value(size: SizeClass | None) -> Any:
    return None if size is None else size.value
