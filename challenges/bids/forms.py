"""The bid form (揭榜申请书).

A draft keeps whatever was typed: what can be read becomes content, what cannot stays as text beside it (`unparsed`) and
is shown again with its message. The form checks how values are written; whether all of them are there, and agree with
each other, is `completeness`.
"""

import hashlib
import uuid
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from wtforms import (
    FieldList,
    FormField,
    HiddenField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.validators import NumberRange, Optional

from challenges.bids.content import TEXTS, BidContent, Part, Statement, Step, TeamMember
from challenges.postings.forms import (
    DECIMAL_KEYS,
    AmountField,
    Decimals,
    FieldValues,
    UntrimmedForm,
    WholeNumberField,
)
from challenges.postings.models import Challenge
from core.forms import MaxLength
from core.i18n import lazy_gettext as _

LONG_TEXT = 8000
# A hundred billion CNY: above any bid, below what the column holds.
MAX_BUDGET_WAN = 10_000_000
# What a challenge's time limit may be at most.
MAX_MONTHS = 120
MAX_STEPS, MAX_PEOPLE = 40, 200
MONTHS_OF_A_YEAR = 12
ROWS = {"steps": MAX_STEPS, "people": MAX_PEOPLE}

Typed = dict[str, list[str]]


def years_of(challenge: Challenge) -> int:
    """How many years of a project a challenge's time limit reaches into; the last may be a part of one."""
    return max(1, -(-(challenge.time_limit_months or 1) // MONTHS_OF_A_YEAR))


def statement_key(text: str) -> str:
    """What a check box sends for a statement: another wording is another statement."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _money() -> list[Any]:
    text = _("An amount between 0 and 10,000,000 万元.")
    return [Optional(), NumberRange(min=0, max=MAX_BUDGET_WAN, message=text), Decimals(2)]


def _month() -> list[Any]:
    text = _("A month from 1 to %(last)s.", last=MAX_MONTHS)
    return [Optional(), NumberRange(min=1, max=MAX_MONTHS, message=text)]


class PartForm(UntrimmedForm):
    """One member's part: what it does, for which requirements, with how much money in which year."""

    organization_id = HiddenField()
    role_text = TextAreaField(_("Work of this member"), [MaxLength(2000)])
    requirement_ids = SelectMultipleField(_("Requirements it answers for"), validate_choice=False)
    budget_wan = AmountField(_("Budget in all"), _money(), places=None, render_kw=DECIMAL_KEYS)
    years = FieldList(AmountField(_("Budget of the year"), _money(), places=None, render_kw=DECIMAL_KEYS))


class StepForm(UntrimmedForm):
    name = StringField(_("Name of the step"), [MaxLength(200)])
    from_month = WholeNumberField(_("From month"), _month(), render_kw=DECIMAL_KEYS)
    to_month = WholeNumberField(_("To month"), _month(), render_kw=DECIMAL_KEYS)
    deliverable = TextAreaField(_("What is delivered"), [MaxLength(1000)])


class PersonForm(UntrimmedForm):
    name = StringField(_("Name of the person"), [MaxLength(100)])
    title = StringField(_("Professional title"), [MaxLength(100)])
    role = StringField(_("Work in the project"), [MaxLength(300)])
    person_months = AmountField(
        _("Person-months"),
        [
            Optional(),
            NumberRange(min=0, max=MAX_MONTHS, message=_("A number from 0 to %(last)s.", last=MAX_MONTHS)),
            Decimals(1),
        ],
        places=None,
        render_kw=DECIMAL_KEYS,
    )


class BidForm(UntrimmedForm):
    """Everything but the members' identity; a draft may leave any of it empty."""

    technical_plan = TextAreaField(_("Technical plan"), [MaxLength(LONG_TEXT)])
    ability = TextAreaField(_("Evidence of R&D ability"), [MaxLength(LONG_TEXT)])
    team = TextAreaField(_("Remarks on the team"), [MaxLength(LONG_TEXT)])
    timeline = TextAreaField(_("Remarks on the time line"), [MaxLength(LONG_TEXT)])
    contact_name = StringField(_("Contact person"), [MaxLength(100)])
    contact_phone = StringField(_("Telephone"), [MaxLength(40)])
    parts = FieldList(FormField(PartForm))
    steps = FieldList(FormField(StepForm), max_entries=MAX_STEPS)
    people = FieldList(FormField(PersonForm), max_entries=MAX_PEOPLE)
    statements = SelectMultipleField(_("Statements"), validate_choice=False)

    def add_errors(self, errors: Mapping[str, Any]) -> None:
        """As in every form; `parts-0-years-1` names a field of a row."""
        for name, message in errors.items():
            target = self.named(name)
            if target is None or isinstance(target, FormField):
                self.form_errors.append(message)
            else:
                target.errors = [*target.errors, message]

    def named(self, name: str) -> Any:
        """The field of that name, also one of a row; None where there is none."""
        head, *rest = name.split("-")
        found = self._fields.get(head)
        for step in rest:
            if isinstance(found, FieldList):
                entries = found.entries
                found = entries[int(step)] if step.isdigit() and int(step) < len(entries) else None
            elif isinstance(found, FormField):
                found = found.form._fields.get(step)
            else:
                return None
        return found

    def messages(self) -> dict[str, Any]:
        """The first message of each field that has one, rows' included, by name, as the form shows them."""
        return {
            field.name: field.errors[0] for field in leaves(self) if field.errors and str(field.errors[0])
        }


def leaves(form: Any) -> Iterator[Any]:
    """Every field that holds a value, in the order of the page."""
    for field in form:
        yield from _leaves_of(field)


def _leaves_of(field: Any) -> Iterator[Any]:
    if isinstance(field, FormField):
        yield from leaves(field.form)
    elif isinstance(field, FieldList):
        for entry in field.entries:
            yield from _leaves_of(entry)
    else:
        yield field


def bid_form(challenge: Challenge, typed: Typed) -> BidForm:
    """The form over named texts, validated, with a column for each year of the challenge's time limit."""
    form = BidForm(FieldValues(_with_every_year(typed, years_of(challenge))))
    for part in form.parts:
        part.form.requirement_ids.choices = [(str(item.id), item.text) for item in challenge.requirements]
    statements = challenge.program.statements if challenge.program else []
    form.statements.choices = [(statement_key(text), text) for text in statements]
    form.validate()
    return form


def _with_every_year(typed: Typed, years: int) -> Typed:
    """A field for each year, and one beyond the time limit only where something was typed there."""
    parts = sorted({int(name.split("-")[1]) for name in typed if _is_of_row(name, "parts")})
    amounts: Typed = {}
    for number in parts:
        prefix = f"parts-{number}-years-"
        for name, values in typed.items():
            tail = name.removeprefix(prefix)
            if tail != name and tail.isdigit() and int(tail) >= years and not any(values):
                amounts[name] = []
        for year in range(years):
            amounts[f"{prefix}{year}"] = typed.get(f"{prefix}{year}") or [""]
    return {name: values for name, values in {**typed, **amounts}.items() if values}


def _is_of_row(name: str, rows: str) -> bool:
    head, _separator, rest = name.partition("-")
    return head == rows and rest.partition("-")[0].isdigit() and len(rest.partition("-")[0]) < 5


def arranged(typed: Typed, command: str) -> Typed:
    """What was typed after a row was added (`add:steps`) or taken out (`remove:people:2`)."""
    verb, _separator, rest = command.partition(":")
    rows, _separator, number = rest.partition(":")
    if rows not in ROWS:
        return typed
    present = sorted({int(name.split("-")[1]) for name in typed if _is_of_row(name, rows)})
    if verb == "remove" and number.isdigit():
        present = [index for index in present if index != int(number)]
    elif verb == "add" and len(present) < ROWS[rows]:
        present.append(max(present, default=-1) + 1)
    kept = {name: values for name, values in typed.items() if not _is_of_row(name, rows)}
    for new, old in enumerate(present):
        prefix = f"{rows}-{old}-"
        row = {name.removeprefix(prefix): values for name, values in typed.items() if name.startswith(prefix)}
        for name, values in (row or {"name": [""]}).items():
            kept[f"{rows}-{new}-{name}"] = values
    return kept


def typed_content(form: BidForm, challenge: Challenge) -> BidContent:
    """What a validated form holds; fields with messages give their text to `unparsed` instead of a value."""
    unparsed: dict[str, str] = {}

    def value(field: Any, name: str) -> Any:
        if not field.errors:
            return field.data
        raw = next((str(item) for item in field.raw_data or [] if item), "")
        if raw:
            unparsed[name] = raw
        return None

    parts = []
    for entry in form.parts.entries:
        part, organization_id = entry.form, _as_uuid(entry.form.organization_id.data)
        if organization_id is None:
            continue
        prefix = f"parts-{organization_id}-"
        years = [value(field, f"{prefix}years-{year}") for year, field in enumerate(part.years.entries)]
        parts.append(
            Part(
                organization_id=organization_id,
                role_text=part.role_text.data or "",
                requirement_ids=tuple(part.requirement_ids.data or ()),
                budget_wan=value(part.budget_wan, f"{prefix}budget_wan") or _sum_of(part, years),
                years=tuple(amount or Decimal(0) for amount in years),
            )
        )
    accepted = set(form.statements.data or [])
    texts = challenge.program.statements if challenge.program else []
    texts_typed: dict[str, Any] = {name: form[name].data or "" for name in TEXTS}
    return BidContent(
        **texts_typed,
        parts=tuple(parts),
        steps=tuple(
            Step(
                name=entry.form["name"].data or "",
                from_month=value(entry.form.from_month, f"steps-{number}-from_month"),
                to_month=value(entry.form.to_month, f"steps-{number}-to_month"),
                deliverable=entry.form.deliverable.data or "",
            )
            for number, entry in enumerate(form.steps.entries)
        ),
        people=tuple(
            TeamMember(
                name=entry.form["name"].data or "",
                title=entry.form.title.data or "",
                role=entry.form.role.data or "",
                person_months=value(entry.form.person_months, f"people-{number}-person_months"),
            )
            for number, entry in enumerate(form.people.entries)
        ),
        # When they were accepted is for the service to say.
        statements=tuple(Statement(text, "") for text in texts if statement_key(text) in accepted),
        unparsed=unparsed,
    )


def _sum_of(part: Any, years: Sequence[Decimal | None]) -> Decimal:
    """A total that was left empty is the sum of its years."""
    if part.budget_wan.errors:
        return Decimal(0)
    return sum((amount for amount in years if amount is not None), Decimal(0))


def field_values(content: BidContent, organization_ids: Sequence[uuid.UUID]) -> Typed:
    """A stored content as it was typed, what could not be read included, with a part for each member in this order."""
    typed: Typed = {name: [getattr(content, name)] for name in TEXTS}
    typed["statements"] = [statement_key(item.text) for item in content.statements]
    for number, organization_id in enumerate(organization_ids):
        part = content.part(organization_id)
        prefix, kept = f"parts-{number}-", f"parts-{organization_id}-"
        typed[f"{prefix}organization_id"] = [str(organization_id)]
        typed[f"{prefix}role_text"] = [part.role_text]
        typed[f"{prefix}requirement_ids"] = list(part.requirement_ids)
        typed[f"{prefix}budget_wan"] = [_amount(part.budget_wan)]
        for year, amount in enumerate(part.years):
            typed[f"{prefix}years-{year}"] = [_amount(amount)]
        for name, raw in content.unparsed.items():
            if name.startswith(kept):
                typed[prefix + name.removeprefix(kept)] = [raw]
    for number, step in enumerate(content.steps):
        for name in ("name", "from_month", "to_month", "deliverable"):
            typed[f"steps-{number}-{name}"] = [_as_text(getattr(step, name))]
    for number, person in enumerate(content.people):
        for name in ("name", "title", "role", "person_months"):
            typed[f"people-{number}-{name}"] = [_as_text(getattr(person, name))]
    for name, raw in content.unparsed.items():
        if not name.startswith("parts-"):
            typed[name] = [raw]
    return typed


def _amount(amount: Decimal) -> str:
    """Nothing for nothing: an empty field asks to be filled in."""
    return _as_text(amount) if amount else ""


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)


def _as_uuid(text: Any) -> uuid.UUID | None:
    try:
        return uuid.UUID(str(text))
    except ValueError:
        return None
