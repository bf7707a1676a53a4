"""A consortium as its pages show it: who does what, money by size, the quota, who else may join."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from challenges.consortia.composition import quota_of
from challenges.consortia.models import Consortium, ConsortiumMember
from challenges.consortia.standing import Standing
from challenges.consortia.wording import (
    constraint_text,
    nearest_text,
    not_counted_text,
    part_name,
    rounded_percent,
)
from challenges.matches.service import may_take_part, not_counted_code
from core.i18n import gettext as _
from matching.quota import QuotaResult
from solvers.models import OrganizationKind, SizeClass
from web.consortium_charts import BudgetBar, PriceChart, budget_bar, price_chart
from web.labels import label
from web.quota_view import Gauge, QuotaLine, gauge, quota_line
from web.solver_view import Alternative, PriceLine, alternatives_of, certificate_text, is_by_hand, price_lines

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
    by_hand = is_by_hand(consortium, answer)
    return ConsortiumView(
        members=_member_lines(standing, quota, names),
        holders={
            name: member.organization_id for member in consortium.members for name in member.requirement_ids
        },
        money=_money_lines(consortium.members),
        total_budget_wan=sum((member.budget_wan for member in consortium.members), Decimal(0)),
        bar=budget_bar(quota),
        gauges=[
            gauge(part) for part in quota.parts if part.name in SHARE_PARTS and part.threshold is not None
        ],
        quota=quota,
        lines=[quota_line(part) for part in quota.parts],
        certificate=certificate_text(standing, answer, by_hand),
        is_by_hand=by_hand,
        price=answer.get("price_of_quota"),
        price_lines=price_lines(answer),
        price_chart=price_chart(
            answer.get("price_curve") or {},
            quota.part("min_sme_budget_share").threshold,
            (quota.part("min_sme_budget_share").value, consortium.objective),
        ),
        alternatives=alternatives_of(consortium, answer, names),
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
