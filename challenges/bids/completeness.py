"""What a bid still lacks before it can be handed in, everything at once, by the form's fields."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from challenges.bids.content import BidContent, Part, Step, TeamMember
from challenges.bids.forms import bid_form, field_values, years_of
from challenges.bids.models import Bid, BidMemberState
from challenges.bids.sealing import content_of
from core.i18n import lazy_gettext as _

# Team and time line are lists now; their texts are remarks.
REQUIRED_TEXTS = ("technical_plan", "ability", "contact_name", "contact_phone")
FILL_IN = _("Please fill this in before you submit.")


def shortcomings(bid: Bid) -> dict[str, Any]:
    """Messages by form field, in the order of the page; empty when the bid may be handed in."""
    content = content_of(bid)
    form = bid_form(bid.challenge, field_values(content, [member.organization_id for member in bid.members]))
    found = dict(form.messages())
    for name, message in _missing(bid, content):
        found.setdefault(name, message)
    return found


def _missing(bid: Bid, content: BidContent) -> Iterator[tuple[str, Any]]:
    for name in REQUIRED_TEXTS:
        if not getattr(content, name):
            yield name, FILL_IN
    yield from _of_members(bid)
    yield from _of_budget(bid, content)
    limit = bid.challenge.time_limit_months
    yield from _of_steps(content.steps, limit)
    yield from _of_people(content.people, limit)
    accepted = {item.text for item in content.statements}
    texts = bid.challenge.program.statements if bid.challenge.program else []
    if any(text not in accepted for text in texts):
        yield "statements", _("All statements have to be accepted.")


def _of_members(bid: Bid) -> Iterator[tuple[str, Any]]:
    for index, member in enumerate(bid.members):
        if member.state is BidMemberState.INVITED:
            yield f"parts-{index}-organization_id", _("This member has not confirmed its part yet.")
        elif member.state is BidMemberState.DECLINED:
            yield f"parts-{index}-organization_id", _("This member has declined: remove it.")
        if not member.requirement_ids:
            yield (
                f"parts-{index}-requirement_ids",
                _("Every member answers for at least one requirement."),
            )
    for requirement in bid.challenge.requirements:
        holders = [member for member in bid.members if str(requirement.id) in member.requirement_ids]
        if len(holders) != 1:
            yield (
                f"requirement-{requirement.id}",
                _("Exactly one member answers for requirement %(number)s.", number=requirement.position + 1),
            )


def _of_budget(bid: Bid, content: BidContent) -> Iterator[tuple[str, Any]]:
    limit = years_of(bid.challenge)
    for index, member in enumerate(bid.members):
        part = content.part(member.organization_id)
        for year, amount in enumerate(part.years[limit:], start=limit):
            if amount:
                yield (
                    f"parts-{index}-years-{year}",
                    _("The time limit of the challenge ends before this year."),
                )
        if sum(part.years, Decimal(0)) != part.budget_wan:
            yield (
                f"parts-{index}-budget_wan",
                _("The years add up to %(sum)s, not to this total.", sum=f"{sum(part.years, Decimal(0)):,f}"),
            )
    if sum((member.budget_wan for member in bid.members), Decimal(0)) <= 0:
        yield "budget", _("State the budget of each member.")


def is_blank(row: Step | TeamMember) -> bool:
    """A row that was opened and not filled in: left out when the bid is handed in."""
    return row in (Step(), TeamMember())


def _of_steps(steps: tuple[Step, ...], limit: int | None) -> Iterator[tuple[str, Any]]:
    if all(is_blank(step) for step in steps):
        yield "steps-0-name", _("Name at least one step.")
    for number, step in enumerate(steps):
        if is_blank(step):
            continue
        for name in ("name", "from_month", "to_month", "deliverable"):
            if not getattr(step, name):
                yield f"steps-{number}-{name}", FILL_IN
        if step.from_month and step.to_month and step.from_month > step.to_month:
            yield f"steps-{number}-to_month", _("The step ends before it begins.")
        if step.to_month and limit and step.to_month > limit:
            yield (
                f"steps-{number}-to_month",
                _("The time limit of the challenge is %(months)s months.", months=limit),
            )


def _of_people(people: tuple[TeamMember, ...], limit: int | None) -> Iterator[tuple[str, Any]]:
    if all(is_blank(person) for person in people):
        yield "people-0-name", _("Name at least one person.")
    for number, person in enumerate(people):
        if is_blank(person):
            continue
        for name in ("name", "role", "person_months"):
            if not getattr(person, name):
                yield f"people-{number}-{name}", FILL_IN
        if person.person_months and limit and person.person_months > limit:
            yield (
                f"people-{number}-person_months",
                _("The time limit of the challenge is %(months)s months.", months=limit),
            )


@dataclass(frozen=True)
class BudgetTable:
    """Amounts in 万元: a row for each member, a column for each year; both ways of adding up end in `total`."""

    rows: tuple[tuple[Part, tuple[Decimal, ...]], ...]
    by_year: tuple[Decimal, ...]
    total: Decimal

    @property
    def has_years(self) -> bool:
        """Bids of the first version state totals alone."""
        return any(self.by_year)


def budget_table(bid: Bid) -> BudgetTable:
    content = content_of(bid)
    parts = [content.part(member.organization_id) for member in bid.members]
    width = max([years_of(bid.challenge), *(len(part.years) for part in parts)])
    rows = tuple((part, (*part.years, *[Decimal(0)] * (width - len(part.years)))) for part in parts)
    return BudgetTable(
        rows=rows,
        by_year=tuple(sum((amounts[year] for _part, amounts in rows), Decimal(0)) for year in range(width)),
        total=sum((part.budget_wan for part in parts), Decimal(0)),
    )
