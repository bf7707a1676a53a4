"""What a notice says of an award, taken from the decisions as they were frozen."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from challenges.awards.models import BidChoice
from challenges.consortia.models import Consortium, Decision, Outcome
from challenges.postings.models import Challenge


def content_of(
    challenge: Challenge, teams: Sequence[Consortium], choices: Mapping[UUID, BidChoice]
) -> dict[str, Any]:
    """Winners with members, sizes and shares, the quota line by line, waivers with their reasons."""
    assert challenge.program is not None
    return {
        "challenge": {
            "title": challenge.title,
            "poster": challenge.organization.name,
            "reward_wan": _text(challenge.reward_wan),
            "round": challenge.round.name if challenge.round is not None else "",
        },
        "program": {"name": challenge.program.name, "authority": challenge.program.authority},
        "notice_days": challenge.program.notice_days,
        "answer_days": challenge.program.answer_days,
        "teams": [_team(item, choices.get(item.id)) for item in teams],
    }


def approval_of(consortium: Consortium) -> Decision:
    """The decision by which a consortium holds the award."""
    return next(item for item in consortium.decisions if item.outcome is Outcome.APPROVED)


def _team(consortium: Consortium, choice: BidChoice | None) -> dict[str, Any]:
    decision = approval_of(consortium)
    inputs = decision.inputs
    members = inputs["members"]
    return {
        "team": consortium.team,
        "consortium": str(consortium.id),
        "decision": str(decision.id),
        "lead": next((item["name"] for item in members if item["id"] == inputs["lead"]), ""),
        "members": [
            {
                **{name: item[name] for name in ("id", "name", "kind", "size", "counted_sme", "budget_wan")},
                "not_counted_reason": item["not_counted_reason"],
                "not_counted_because_of": item["not_counted_because_of"],
                "is_lead": item["id"] == inputs["lead"],
            }
            for item in members
        ],
        "budget_wan": str(sum((Decimal(item["budget_wan"]) for item in members), Decimal(0))),
        "quota": decision.quota,
        "rule": None
        if inputs["rule"] is None
        else {name: inputs["rule"][name] for name in ("version", "effective_on", "text")},
        "waiver": inputs.get("waiver"),
        "decided_at": decision.decided_at.isoformat(),
        "from_bid": consortium.bid_id is not None,
        "review_rank": None if choice is None else choice.rank,
    }


def _text(value: Decimal | None) -> str | None:
    return None if value is None else str(value)
