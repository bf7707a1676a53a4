"""The first text of a contract, made from challenge, bid and the approved consortium; what lacks in a text."""

import uuid
from collections.abc import Collection, Sequence
from datetime import date, timedelta
from decimal import ROUND_DOWN, Decimal
from typing import Any

from challenges.bids.content import Step, steps_from_json
from challenges.bids.models import Bid, BidMember
from challenges.consortia.models import Consortium, ConsortiumMember
from challenges.contracts.content import Party, Share, Stage, Task, TaskBook
from challenges.contracts.models import PartyRole
from challenges.postings.models import Challenge
from core.i18n import gettext, use_locale
from core.i18n import lazy_gettext as _
from solvers.organizations.models import Organization

# Contracts are written in Chinese, whoever asks for them.
LANGUAGE = "zh_CN"
MOST_STAGES = 20
# A sum of a hundred million 万元 is a slip of the keyboard.
MOST_PAYMENT_WAN = Decimal(10_000_000)


def first_text(
    challenge: Challenge,
    consortium: Consortium,
    bid: Bid | None,
    team_number: int,
    members: Collection[uuid.UUID],
    *,
    teams: int,
    today: date,
) -> TaskBook:
    """What the poster goes on to write in. `members` have not left; `teams` is how many there are in all."""
    shares = _shares(consortium, bid, members)
    starts_on = today + timedelta(days=30 if _is_at_usual_pace(challenge) else 0)
    months = challenge.time_limit_months or 12
    total = sum((item.total_wan for item in shares), Decimal(0))
    with use_locale(LANGUAGE):
        stages = _stages(steps_from_json(bid.steps) if bid else (), months, total, is_race=teams > 1)
        order_clause = gettext(
            "The lead and all members pledge that every target is met in time. Where a"
            " milestone is missed they mend it within the period that the poster sets. Where it is missed again, or"
            " the final acceptance is refused, the work ends: nothing more is paid, money not yet spent is given back,"
            " and the failure is recorded under the rules of the program. Nobody answers for force majeure, nor for a"
            " technical path that experts have found impassable in spite of diligent work."
        )
    return TaskBook(
        title=challenge.title,
        program=challenge.program.name if challenge.program else "",
        authority=challenge.program.authority if challenge.program else "",
        team_number=team_number,
        parties=_parties(challenge, consortium, bid, members),
        indicators=challenge.indicators,
        content=challenge.content,
        tasks=_tasks(challenge, consortium, members),
        shares=shares,
        starts_on=starts_on,
        months=months,
        stages=stages,
        plan="\n\n".join(text for text in (bid.technical_plan, bid.timeline) if text) if bid else "",
        ip_terms=challenge.ip_terms,
        benefit_terms=challenge.benefit_terms,
        order_clause=order_clause,
    )


def _stages(steps: Sequence[Step], months: int, total: Decimal, *, is_race: bool) -> tuple[Stage, ...]:
    """A milestone at the end of each step of the bid, else one half-way and one at the end; payments alike.

    A little within the time limit, whenever the work begins: months count 30 days here.
    """
    by_month = {
        min(step.to_month, months): step
        for step in steps
        if step.to_month and (step.name or step.deliverable)
    }
    rows = [
        (month, step.name or step.deliverable, step.deliverable or step.name)
        for month, step in sorted(by_month.items())
    ][:MOST_STAGES]
    if not rows:
        interim = gettext("Interim report, and samples or data of half of the targets")
        results = gettext("Results that meet all targets, report of the work, report of the money spent")
        rows = [(months, gettext("Delivery"), results)]
        if months > 1:
            rows.insert(0, (months // 2, gettext("Interim check"), interim))
    payment = (total / len(rows)).quantize(Decimal("0.01"), ROUND_DOWN)
    last = len(rows) - 1
    return tuple(
        Stage(
            uuid.uuid4(),
            title[:200],
            deliverables,
            month * 30,
            payment if place < last else total - payment * last,
            is_stage=is_race and place == 0 and last > 0,
        )
        for place, (month, title, deliverables) in enumerate(rows)
    )


def _is_at_usual_pace(challenge: Challenge) -> bool:
    return challenge.program is None or challenge.program.clock_factor == 1


def _parties(
    challenge: Challenge, consortium: Consortium, bid: Bid | None, members: Collection[uuid.UUID]
) -> tuple[Party, ...]:
    poster = _party(
        challenge.organization,
        PartyRole.POSTER,
        " ".join(item for item in (challenge.contact_name, challenge.contact_phone) if item),
    )
    team = [
        _party(
            member.organization,
            PartyRole.LEAD if member.organization_id == consortium.lead_id else PartyRole.MEMBER,
            " ".join(item for item in (bid.contact_name, bid.contact_phone) if item)
            if bid and member.organization_id == consortium.lead_id
            else "",
        )
        for member in consortium.members
        if member.organization_id in members
    ]
    return (poster, *sorted(team, key=lambda item: item.role is not PartyRole.LEAD))


def _party(organization: Organization, role: PartyRole, contact: str) -> Party:
    return Party(
        organization.id,
        role,
        organization.name,
        organization.credit_code or "",
        organization.legal_representative or "",
        contact,
    )


def _tasks(challenge: Challenge, consortium: Consortium, members: Collection[uuid.UUID]) -> tuple[Task, ...]:
    answers = {
        requirement: member.organization_id
        for member in consortium.members
        if member.organization_id in members
        for requirement in member.requirement_ids
    }
    return tuple(
        Task(item.id, item.text, item.target, item.budget_wan, answers[str(item.id)])
        for item in challenge.requirements
        if str(item.id) in answers
    )


def _shares(consortium: Consortium, bid: Bid | None, members: Collection[uuid.UUID]) -> tuple[Share, ...]:
    by_year = {member.organization_id: _years(member) for member in bid.members} if bid else {}
    return tuple(
        Share(item.organization_id, item.budget_wan, _fitting(by_year, item))
        for item in consortium.members
        if item.organization_id in members
    )


def _years(member: BidMember) -> tuple[tuple[int, Decimal], ...]:
    """A member's money by year of the project, where the bid names it."""
    return tuple((year, Decimal(wan)) for year, wan in enumerate(member.years, start=1))


def _fitting(
    by_year: dict[uuid.UUID, tuple[tuple[int, Decimal], ...]], item: ConsortiumMember
) -> tuple[tuple[int, Decimal], ...]:
    """Years that add up to what was approved; others would contradict it."""
    years = by_year.get(item.organization_id, ())
    return years if sum((wan for _year, wan in years), Decimal(0)) == item.budget_wan else ()


def lacking(book: TaskBook) -> dict[str, Any]:
    """Messages by field for what must be mended before the parties can be asked to sign."""
    errors: dict[str, Any] = {}
    if not book.stages:
        errors["stages"] = _("A contract has at least one milestone.")
    elif book.payments_wan != book.total_wan:
        errors["stages"] = _(
            "The payments add up to %(payments)s 万元, the team's money is %(total)s 万元.",
            payments=f"{book.payments_wan:,.2f}",
            total=f"{book.total_wan:,.2f}",
        )
    days = [item.days for item in book.stages]
    if days != sorted(set(days)):
        errors.setdefault(
            "stages", _("Milestones follow one another: each is due later than the one before.")
        )
    for number, stage in enumerate(book.stages):
        if not stage.title.strip():
            errors[f"stages-{number}-title"] = _("Please fill this in.")
        if not stage.deliverables.strip():
            errors[f"stages-{number}-deliverables"] = _("Please fill this in.")
        if not 0 <= stage.payment_wan <= MOST_PAYMENT_WAN:
            errors[f"stages-{number}-payment_wan"] = _("An amount between 0 and 10,000,000 万元.")
        if stage.days > book.most_days:
            errors[f"stages-{number}-days"] = _(
                "The time limit ends %(days)s days after the beginning.", days=book.most_days
            )
    for name in ("ip_terms", "benefit_terms", "order_clause"):
        if not getattr(book, name).strip():
            errors[name] = _("Please fill this in.")
    return errors


def contradictions(book: TaskBook, fresh: TaskBook) -> dict[str, Any]:
    """What is not any more as challenge and consortium have it, by field: a contract cannot be offered on it."""
    if (book.parties, book.shares, book.tasks) != (fresh.parties, fresh.shares, fresh.tasks):
        return {"parties": _("Parties, requirements or money have changed: save, and look at them again.")}
    return {}
