"""The technical-needs form (大企业技术创新需求表).

A draft keeps whatever was typed: what can be read goes to its column, what cannot stays as text beside it (`unparsed`)
and is shown again with its message. So the form checks how values are written, never whether all of them are there;
that is `completeness`.
"""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from wtforms import (
    DateTimeLocalField,
    DecimalField,
    FieldList,
    FormField,
    HiddenField,
    IntegerField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    validators,
)
from wtforms.widgets import TextInput

from challenges.postings.models import Challenge, Cooperation, NeedSource
from core.clock import from_shanghai, to_shanghai
from core.forms import BaseForm, Email, MaxLength
from core.i18n import lazy_gettext as _
from solvers.organizations.models import CertificateKind

# 10 billion CNY: no single problem is worth more; larger figures were typed in yuan.
MAX_WAN = Decimal(1_000_000)
LONG_TEXT = 8000
MAX_REQUIREMENTS = 30
MOMENT_FORMATS = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"]

DECIMAL_KEYS = {"inputmode": "decimal", "autocomplete": "off"}

PUBLIC, RESTRICTED = "public", "restricted"


def stop_at_unreadable(field: Any) -> None:
    """What is no value at all gets one message, not those of its range too."""
    if field.process_errors and any(str(item).strip() for item in field.raw_data or []):
        raise validators.StopValidation


class AmountField(DecimalField):
    """A decimal number; group separators and spaces are how people write it, not a mistake.

    A text input: browsers send nothing at all for what they do not take for a number.
    """

    widget = TextInput()

    def process_formdata(self, valuelist: list[Any]) -> None:
        super().process_formdata(
            [str(value).translate({ord(mark): None for mark in ",，  \u3000"}) for value in valuelist]
        )

    def pre_validate(self, form: Any) -> None:
        stop_at_unreadable(self)
        # "NaN" and "Infinity" are decimals to Python, and nothing to anybody else.
        if self.data is not None and not self.data.is_finite():
            self.data = None
            raise validators.StopValidation(_("This is not a number."))


class Decimals:
    """At most so many digits behind the point: the column would round the rest away silently."""

    def __init__(self, places: int) -> None:
        self.places = places

    def __call__(self, form: Any, field: Any) -> None:
        if isinstance(field.data, Decimal) and field.data.is_finite():
            exponent = field.data.normalize().as_tuple().exponent
            if isinstance(exponent, int) and -exponent > self.places:
                raise validators.ValidationError(
                    _("At most %(places)s digits behind the point.", places=self.places)
                )


def _money() -> list[Any]:
    return [
        validators.Optional(),
        validators.NumberRange(
            min=0, max=MAX_WAN, message=_("An amount from 0 to %(max)s 万元.", max=f"{MAX_WAN:,}")
        ),
        Decimals(2),
    ]


class WholeNumberField(IntegerField):
    """A text input, for the same reason."""

    widget = TextInput()

    def pre_validate(self, form: Any) -> None:
        stop_at_unreadable(self)


class UntrimmedForm(BaseForm):
    """Without `maxlength` in the page: a browser would cut what is pasted, silently."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        for each in self:
            each.flags.maxlength = None


class RequirementForm(UntrimmedForm):
    id = HiddenField()
    text = TextAreaField(_("Research content"), [MaxLength(2000)])
    target = TextAreaField(_("Measurable target"), [MaxLength(1000)])
    weight = AmountField(
        _("Weight"),
        [
            validators.Optional(),
            validators.NumberRange(min=0, max=100, message=_("A percentage from 0 to 100.")),
            Decimals(4),
        ],
        places=None,
        render_kw=DECIMAL_KEYS,
    )
    budget_wan = AmountField(_("Budget"), _money(), places=None, render_kw=DECIMAL_KEYS)


class ChallengeForm(UntrimmedForm):
    """Choices of rounds, subfields and enumerations are set by whoever shows the form."""

    round_id = SelectField(_("Program and round"), [validators.Optional()])
    title = StringField(_("Title"), [MaxLength(200)])
    subfield_code = SelectField(_("Technology field"), [validators.Optional()])
    difficulty = TextAreaField(_("Main technical difficulty"), [MaxLength(LONG_TEXT)])
    indicators = TextAreaField(_("Main technical indicators"), [MaxLength(LONG_TEXT)])
    content = TextAreaField(_("Main research content"), [MaxLength(LONG_TEXT)])
    investment_wan = AmountField(_("Planned investment"), _money(), places=None, render_kw=DECIMAL_KEYS)
    reward_wan = AmountField(_("Reward for the solvers"), _money(), places=None, render_kw=DECIMAL_KEYS)
    time_limit_months = WholeNumberField(
        _("Time limit"),
        [
            validators.Optional(),
            validators.NumberRange(min=1, max=120, message=_("From 1 to 120 months.")),
        ],
    )
    need_source = SelectField(_("Source of the need"), [validators.Optional()])
    cooperation = SelectField(_("Cooperation wanted"), [validators.Optional()])
    conditions = TextAreaField(_("Conditions for solvers"), [MaxLength(LONG_TEXT)])
    ip_terms = TextAreaField(_("Intellectual property"), [MaxLength(LONG_TEXT)])
    benefit_terms = TextAreaField(_("Sharing of benefits"), [MaxLength(LONG_TEXT)])
    contact_name = StringField(_("Contact person"), [MaxLength(100)])
    contact_phone = StringField(_("Telephone"), [MaxLength(40)])
    contact_email = StringField(_("E-mail"), [validators.Optional(), Email(), MaxLength(254)])
    deadline_at = DateTimeLocalField(_("Deadline for bids"), [validators.Optional()], format=MOMENT_FORMATS)
    visibility = RadioField(
        _("Who may read it"),
        choices=[
            (PUBLIC, _("Everybody")),
            (RESTRICTED, _("Only invited or certified organizations (定向揭榜)")),
        ],
        default=PUBLIC,
    )
    allowed_certificates = SelectMultipleField(_("Organizations with one of these certificates"))
    invited = SelectMultipleField(_("Invited organizations"), validate_choice=False)
    requirements = FieldList(FormField(RequirementForm), max_entries=MAX_REQUIREMENTS)

    def validate_deadline_at(self, field: DateTimeLocalField) -> None:
        # Years outside have no wall clock in Shanghai that could be turned into UTC safely.
        if isinstance(field.data, datetime) and not 2000 <= field.data.year <= 2100:
            raise validators.ValidationError(_("Please check the year."))

    @property
    def weight_sum(self) -> Decimal:
        return self._sum("weight")

    @property
    def budget_sum(self) -> Decimal:
        return self._sum("budget_wan")

    def _sum(self, name: str) -> Decimal:
        """Of the rows' values that can be read."""
        typed = (entry.form[name] for entry in self.requirements.entries)
        return sum((field.data for field in typed if field.data is not None and not field.errors), Decimal(0))

    @staticmethod
    def shown(amount: Decimal | None) -> str:
        return "–" if amount is None else f"{amount.normalize():,f}"

    def add_errors(self, errors: Mapping[str, Any]) -> None:
        """As in every form; `requirements-2-weight` names a field of a row."""
        for name, message in errors.items():
            target = self._field(name)
            if target is None:
                super().add_errors({name: message})
            else:
                target.errors = [*target.errors, message]

    def has_message(self, name: str) -> bool:
        """Whether the field, also one of a row, has a message already."""
        target = self._field(name) or self._fields.get(name)
        return target is not None and bool(target.errors)

    def _field(self, name: str) -> Any:
        parts = name.split("-")
        if len(parts) == 3 and parts[0] == "requirements" and int(parts[1]) < len(self.requirements.entries):
            return self.requirements.entries[int(parts[1])].form[parts[2]]
        return None


@dataclass(frozen=True)
class TypedRequirement:
    """One row as typed. `id` is kept across saves, so that bids and matches may name it."""

    id: uuid.UUID
    values: dict[str, Any]
    unparsed: dict[str, str]


@dataclass(frozen=True)
class TypedDraft:
    """A form taken apart: values of columns, and what could not be read."""

    values: dict[str, Any]
    unparsed: dict[str, str]
    requirements: list[TypedRequirement] = field(default_factory=list)
    invited: list[uuid.UUID] = field(default_factory=list)


TEXTS = (
    "title",
    "difficulty",
    "indicators",
    "content",
    "conditions",
    "ip_terms",
    "benefit_terms",
    "contact_name",
    "contact_phone",
    "contact_email",
)
AMOUNTS = ("investment_wan", "reward_wan")
ROW_TEXTS = ("text", "target")
ROW_AMOUNTS = ("weight", "budget_wan")


def typed_draft(form: ChallengeForm) -> TypedDraft:
    """What a form that was validated holds; fields with messages give their text instead of a value."""
    values, unparsed = typed_values(form)
    for name, kind in (
        ("round_id", uuid.UUID),
        ("subfield_code", str),
        ("need_source", NeedSource),
        ("cooperation", Cooperation),
    ):
        _take(form[name], name, values, unparsed, None)
        values[name] = kind(values[name]) if values[name] else None
    values["is_public"] = form.visibility.data != RESTRICTED
    values["allowed_certificates"] = sorted(
        set(form.allowed_certificates.data or []) & {kind.value for kind in CertificateKind}
    )
    return TypedDraft(
        values=values,
        unparsed=unparsed,
        requirements=[typed_row(entry.form) for entry in form.requirements.entries],
        invited=[key for key in map(_as_uuid, form.invited.data or []) if key is not None],
    )


def typed_values(form: ChallengeForm) -> tuple[dict[str, Any], dict[str, str]]:
    """Texts, money, time limit and deadline, and what of them could not be read."""
    values: dict[str, Any] = {}
    unparsed: dict[str, str] = {}
    for name in (*TEXTS, *AMOUNTS, "time_limit_months"):
        _take(form[name], name, values, unparsed, "" if name in TEXTS else None)
    _take(form.deadline_at, "deadline_at", values, unparsed, None)
    if values["deadline_at"] is not None:
        values["deadline_at"] = from_shanghai(values["deadline_at"])
    return values, unparsed


def typed_row(form: Any) -> TypedRequirement:
    values: dict[str, Any] = {}
    unparsed: dict[str, str] = {}
    for name in (*ROW_TEXTS, *ROW_AMOUNTS):
        _take(form[name], name, values, unparsed, "" if name in ROW_TEXTS else None)
    return TypedRequirement(id=_as_uuid(form.id.data) or uuid.uuid4(), values=values, unparsed=unparsed)


def _take(field: Any, name: str, values: dict[str, Any], unparsed: dict[str, str], empty: Any) -> None:
    if field.errors:
        values[name] = empty
        raw = next((str(item) for item in field.raw_data or [] if item), "")
        if raw:
            unparsed[name] = raw
    else:
        values[name] = field.data.strip() if isinstance(field.data, str) else field.data
        if values[name] is None:
            values[name] = empty


def _as_uuid(text: Any) -> uuid.UUID | None:
    try:
        return uuid.UUID(str(text))
    except ValueError:
        return None


class FieldValues:
    """Named texts in the shape of form data: what WTForms reads a form from."""

    def __init__(self, values: Mapping[str, Sequence[str]]) -> None:
        self._values = values

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def getlist(self, name: str) -> list[str]:
        return list(self._values.get(name, []))


def field_values(challenge: Challenge) -> FieldValues:
    """A stored draft as it was typed, what could not be read included."""
    values: dict[str, list[str]] = {}
    for name in (
        *TEXTS,
        *AMOUNTS,
        "time_limit_months",
        "round_id",
        "subfield_code",
        "need_source",
        "cooperation",
    ):
        values[name] = [_as_text(getattr(challenge, name))]
    if challenge.deadline_at is not None:
        values["deadline_at"] = [to_shanghai(challenge.deadline_at).strftime(MOMENT_FORMATS[0])]
    values["visibility"] = [PUBLIC if challenge.is_public else RESTRICTED]
    values["allowed_certificates"] = list(challenge.allowed_certificates)
    values["invited"] = [str(item.organization_id) for item in challenge.invited]
    for name, raw in challenge.unparsed.items():
        values[name] = [raw]
    for number, row in enumerate(challenge.requirements):
        prefix = f"requirements-{number}-"
        values[prefix + "id"] = [str(row.id)]
        for name in (*ROW_TEXTS, *ROW_AMOUNTS):
            values[prefix + name] = [row.unparsed.get(name) or _as_text(getattr(row, name))]
    return FieldValues(values)


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return str(value)
