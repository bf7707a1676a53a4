"""The sheets of a round's workbook. A room adds its own to SHEETS; it reads only what an officer in charge may."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.bids import policies as bid_policies
from challenges.bids import queries as bid_queries
from challenges.consortia.wording import part_name
from challenges.exports import contract_sheets, queries, question_sheets, review_sheets
from challenges.exports.scope import Cell, MakeSheet, Scope, Sheet, local
from core.i18n import gettext


async def _challenges(session: AsyncSession, scope: Scope) -> Sheet:
    heads: list[Cell] = [
        gettext("Challenge"),
        gettext("Posted by"),
        gettext("State"),
        gettext("Restricted"),
        gettext("Investment (万元)"),
        gettext("Reward (万元)"),
        gettext("Submitted"),
        gettext("Published"),
        gettext("Deadline"),
        gettext("Bids opened"),
        gettext("Reason or comments"),
        "ID",
    ]
    return Sheet(
        gettext("Challenges"),
        [
            heads,
            *(
                [
                    item.title,
                    item.organization.name,
                    scope.label(item.state),
                    gettext("No") if item.is_public else gettext("Yes"),
                    item.investment_wan,
                    item.reward_wan,
                    local(item.submitted_at),
                    local(item.published_at),
                    local(item.deadline_at),
                    local(item.bids_opened_at),
                    item.state_note,
                    str(item.id),
                ]
                for item in scope.challenges
            ),
        ],
    )


async def _bids(session: AsyncSession, scope: Scope) -> Sheet:
    """Opened bids alone: of sealed ones not even the number is told."""
    rows: list[list[Cell]] = [
        [gettext("Challenge"), gettext("Lead"), gettext("Handed in"), gettext("Budget (万元)"), "ID"]
    ]
    for challenge in scope.challenges:
        if not bid_policies.are_bids_opened(challenge):
            continue
        for bid in await bid_queries.bids_of_challenge(session, challenge.id):
            budget = sum((member.budget_wan for member in bid.members), Decimal(0))
            rows.append(
                [challenge.title, bid.organization.name, local(bid.submitted_at), budget, str(bid.id)]
            )
    return Sheet(gettext("Opened bids"), rows)


async def _bid_members(session: AsyncSession, scope: Scope) -> Sheet:
    rows: list[list[Cell]] = [
        [
            gettext("Challenge"),
            gettext("Lead"),
            gettext("Member"),
            gettext("Kind"),
            gettext("Size"),
            gettext("Answer"),
            gettext("Part"),
            gettext("Requirements"),
            gettext("Budget (万元)"),
        ]
    ]
    for challenge in scope.challenges:
        if not bid_policies.are_bids_opened(challenge):
            continue
        places = {str(item.id): item.position + 1 for item in challenge.requirements}
        for bid in await bid_queries.bids_of_challenge(session, challenge.id):
            rows += [
                [
                    challenge.title,
                    bid.organization.name,
                    member.organization.name,
                    scope.label(member.organization.kind),
                    scope.label(member.organization.size_class),
                    scope.label(member.state),
                    member.role_text,
                    ", ".join(
                        str(place)
                        for place in sorted(places[key] for key in member.requirement_ids if key in places)
                    ),
                    member.budget_wan,
                ]
                for member in bid.members
            ]
    return Sheet(gettext("Members of bids"), rows)


async def _consortium_members(session: AsyncSession, scope: Scope) -> Sheet:
    rows: list[list[Cell]] = [
        [
            gettext("Challenge"),
            gettext("State"),
            gettext("Member"),
            gettext("Lead"),
            gettext("Kind"),
            gettext("Size"),
            gettext("counted SME"),
            gettext("Budget (万元)"),
        ]
    ]
    for item in await queries.consortia_of_round(session, scope.round.id):
        rows += [
            [
                item.challenge.title,
                scope.label(item.state),
                member.organization.name,
                gettext("Yes") if member.organization_id == item.lead_id else gettext("No"),
                scope.label(member.kind),
                scope.label(member.size_class),
                gettext("Yes") if member.counted_sme else gettext("No"),
                member.budget_wan,
            ]
            for member in item.members
        ]
    return Sheet(gettext("Members of consortia"), rows)


async def _decisions(session: AsyncSession, scope: Scope) -> Sheet:
    rows: list[list[Cell]] = [
        [
            gettext("Challenge"),
            gettext("Lead"),
            gettext("Decision"),
            gettext("Reason or comments"),
            gettext("Officer"),
            gettext("Decided"),
            gettext("Version of the rule"),
            "ID",
        ]
    ]
    for item in await queries.consortia_of_round(session, scope.round.id):
        rows += [
            [
                item.challenge.title,
                item.lead.name if item.lead else "",
                scope.label(decision.outcome),
                decision.reason,
                decision.officer.name,
                local(decision.decided_at),
                decision.rule.version if decision.rule else None,
                str(decision.id),
            ]
            for decision in reversed(item.decisions)
        ]
    return Sheet(gettext("Decisions"), rows)


async def _quota_lines(session: AsyncSession, scope: Scope) -> Sheet:
    """How the quota was computed at each decision, frozen with it."""
    rows: list[list[Cell]] = [
        [
            gettext("Challenge"),
            gettext("Decided"),
            gettext("Part of the rule"),
            gettext("Reached"),
            gettext("Required"),
            gettext("Kept"),
        ]
    ]
    for item in await queries.consortia_of_round(session, scope.round.id):
        for decision in reversed(item.decisions):
            rows += [
                [
                    item.challenge.title,
                    local(decision.decided_at),
                    part_name(name),
                    part["value"],
                    part["threshold"],
                    _kept(part),
                ]
                for name, part in decision.quota.get("parts", {}).items()
            ]
    return Sheet(gettext("Quota line by line"), rows)


def _kept(part: Mapping[str, Any]) -> str:
    if not part["applies"]:
        return gettext("does not apply")
    return gettext("Yes") if part["holds"] else gettext("No")


# Bids follow their challenges; the rest is in the order of the way of a challenge.
SHEETS: tuple[MakeSheet, ...] = (
    _challenges,
    _bids,
    _bid_members,
    question_sheets.questions,
    question_sheets.amendments,
    question_sheets.checks,
    review_sheets.criteria,
    review_sheets.ranking,
    review_sheets.scores,
    review_sheets.winners,
    _consortium_members,
    _decisions,
    _quota_lines,
    contract_sheets.notices,
    contract_sheets.objections,
    contract_sheets.contracts,
    contract_sheets.milestones,
    contract_sheets.acceptances,
)
