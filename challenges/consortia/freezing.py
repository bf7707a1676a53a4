"""What a decision keeps of everything it rests on, and the digest by which a later change of it is noticed."""

import hashlib
from collections.abc import Mapping
from datetime import UTC
from typing import Any

from challenges.consortia.composition import quota_of, quota_rule
from challenges.consortia.models import Decision, Waiver
from challenges.consortia.policies import confirmed_waiver
from challenges.consortia.standing import Standing
from challenges.consortia.wording import rule_lines
from challenges.matches.models import MatchRun
from challenges.programs.models import QuotaRule
from core.audit import canonical_json
from core.i18n import DEFAULT_LOCALE, use_locale
from matching.quota import QuotaResult


def frozen_inputs(standing: Standing, run: MatchRun | None) -> dict[str, Any]:
    """Everything that the decision rests on, as it was: rule, members with sizes and relations, scores, computation.

    `computation.problem` holds the candidates with the scores that the solver saw, `index` what they were ranked with.
    """
    consortium, challenge = standing.consortium, standing.challenge
    assert consortium is not None
    controls = consortium.computation.get("controls", {})
    because_of = {item.id: item.because_of for item in quota_of(consortium).members}
    names = {item["id"]: item["name"] for items in controls.values() for item in items}
    return {
        "challenge": {"id": str(challenge.id), "title": challenge.title, "revision": challenge.revision},
        "requirements": [
            {
                "id": str(item.id),
                "position": item.position,
                "text": item.text,
                "target": item.target,
                "weight": _text(item.weight),
                "budget_wan": _text(item.budget_wan),
            }
            for item in challenge.requirements
        ],
        "rule": None if consortium.rule is None else frozen_rule(consortium.rule),
        "lead": _text(consortium.lead_id),
        "members": [
            {
                "id": str(member.organization_id),
                "name": member.organization.name,
                "credit_code": member.organization.credit_code,
                "kind": member.kind.value,
                "size": member.size_class.value if member.size_class else None,
                "controls": controls.get(str(member.organization_id), []),
                "counted_sme": member.counted_sme,
                "not_counted_reason": member.not_counted_reason,
                "not_counted_because_of": names.get(because_of[str(member.organization_id)] or "", ""),
                "budget_wan": str(member.budget_wan),
                "requirements": list(member.requirement_ids),
                "scores": dict(member.requirement_scores),
            }
            for member in consortium.members
        ],
        "objective": consortium.objective,
        "run": _text(consortium.run_id),
        "index": None if run is None else dict(run.index_info),
        "bid": _text(consortium.bid_id),
        "waiver": frozen_waiver(confirmed_waiver(consortium)),
        "computation": consortium.computation,
    }


def frozen_waiver(waiver: Waiver | None) -> dict[str, Any] | None:
    if waiver is None or waiver.answer is None:
        return None
    return {
        "id": str(waiver.id),
        "parts": list(waiver.parts),
        "reason": waiver.reason,
        "requested_by": waiver.requested_by.name,
        "requested_at": waiver.requested_at.astimezone(UTC).isoformat(),
        "confirmed_by": waiver.answer.officer.name,
        "confirmed_at": waiver.answer.answered_at.astimezone(UTC).isoformat(),
        "confirmation": waiver.answer.reason,
    }


def frozen_rule(rule: QuotaRule) -> dict[str, Any]:
    with use_locale(DEFAULT_LOCALE):
        lines = rule_lines(quota_rule(rule))
    return {
        "id": str(rule.id),
        "version": rule.version,
        "effective_on": rule.effective_on.isoformat(),
        "applies_to": rule.applies_to.value,
        "min_sme_budget_share": _text(rule.min_sme_budget_share),
        "min_small_micro_share_of_sme": _text(rule.min_small_micro_share_of_sme),
        "min_sme_members": rule.min_sme_members,
        "min_sme_member_share": _text(rule.min_sme_member_share),
        "max_members": rule.max_members,
        "text": lines,
        "note": rule.note,
    }


def frozen_quota(quota: QuotaResult) -> dict[str, Any]:
    return {"applies": quota.applies, "holds": quota.holds, "parts": quota.as_json()}


def decision_digest(decision: Decision) -> str:
    """SHA-256 over everything that a decision says; the audit log keeps it, so the decision cannot change unnoticed."""
    return digest_of(
        {
            "id": str(decision.id),
            "consortium": str(decision.consortium_id),
            "outcome": decision.outcome.value,
            "reason": decision.reason,
            "officer": str(decision.officer_id),
            "rule": _text(decision.rule_id),
            "decided_at": decision.decided_at.astimezone(UTC).isoformat(timespec="microseconds"),
            "inputs": decision.inputs,
            "quota": decision.quota,
        }
    )


def digest_of(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical_json(content).encode()).hexdigest()


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
