"""Forms of programs, rounds and quota rules. Choices that are enumerations are set by whoever shows the form."""

from datetime import date
from decimal import Decimal
from typing import Any

from wtforms import (
    BooleanField,
    DateField,
    DecimalField,
    IntegerField,
    RadioField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    validators,
)

from core.forms import BaseForm, MaxLength, Required
from core.i18n import lazy_gettext as _

# Longest period of a program's calendar, in days: longer ones are slips of the keyboard.
MAX_DAYS = 365
# A consortium of more heads than this has never been allowed by any program known to us.
MAX_HEADS = 50
# A day of the program in a second.
MAX_CLOCK_FACTOR = 86_400

# The limits of a panel and of the winners stand in the database as well.
MAX_PANEL = 25
MAX_WINNERS = 3
MAX_FILE_MB = 500
MAX_LINES = 30
MAX_LINE_LENGTH = 500


class LinesField(TextAreaField):
    """A list of texts, typed one a line."""

    data: Any

    def process_data(self, value: Any) -> None:
        self.data = list(value or [])

    def process_formdata(self, valuelist: list[Any]) -> None:
        lines = (valuelist[0] if valuelist else "").splitlines()
        self.data = [line.strip() for line in lines if line.strip()]

    def _value(self) -> str:
        return "\n".join(self.data or [])


class Lines:
    """A validator: not too many lines, none too long."""

    def __call__(self, form: Any, field: Any) -> None:
        if len(field.data or []) > MAX_LINES:
            raise validators.ValidationError(_("At most %(limit)s lines.", limit=MAX_LINES))
        if any(len(line) > MAX_LINE_LENGTH for line in field.data or []):
            raise validators.ValidationError(
                _("A line has at most %(limit)s characters.", limit=MAX_LINE_LENGTH)
            )


def _days(shortest: int) -> Any:
    return validators.NumberRange(
        min=shortest,
        max=MAX_DAYS,
        message=_("A whole number of days from %(min)s to %(max)s.", min=shortest, max=MAX_DAYS),
    )


def _whole(least: int, most: int) -> Any:
    return validators.NumberRange(
        min=least,
        max=most,
        message=_("A whole number from %(min)s to %(max)s.", min=least, max=most),
    )


def _within_100() -> Any:
    return validators.NumberRange(min=0, max=100, message=_("A percentage from 0 to 100."))


class ProgramForm(BaseForm):
    code = StringField(
        _("Code"),
        [
            Required(),
            MaxLength(40),
            validators.Regexp(
                r"^[a-z0-9][a-z0-9-]*$", message=_("Small letters, digits and hyphens, e.g. new-materials.")
            ),
        ],
    )
    name = StringField(_("Name of the program"), [Required(), MaxLength(200)])
    authority = StringField(_("Authority in charge"), [Required(), MaxLength(200)])
    description = TextAreaField(_("Description"), [MaxLength(5000)])
    poster_sizes = SelectMultipleField(_("Enterprises that may post"))
    bidder_kinds = SelectMultipleField(_("Who may bid"))
    field_codes = SelectMultipleField(_("Technology fields"))
    min_bid_days = IntegerField(
        _("Days that bids stay open at least"), [validators.InputRequired(), _days(1)]
    )
    notice_days = IntegerField(_("Days of the public notice"), [validators.InputRequired(), _days(0)])
    question_days = IntegerField(
        _("Questions end so many days before the deadline"), [validators.InputRequired(), _days(0)], default=5
    )
    statements = LinesField(_("Statements that a bidder has to make"), [Lines()])
    max_file_mb = IntegerField(
        _("Largest attachment of a bid, in MiB"),
        [
            validators.Optional(),
            _whole(1, MAX_FILE_MB),
        ],
    )
    checklist = LinesField(_("List for the formal check"), [Lines()])
    completion_days = IntegerField(
        _("Days for completing a bid"), [validators.InputRequired(), _days(1)], default=5
    )
    needs_review = BooleanField(_("Bids are reviewed by experts"))
    panel_size = IntegerField(
        _("Experts in a panel"),
        [
            validators.InputRequired(),
            _whole(1, MAX_PANEL),
        ],
        default=5,
    )
    min_panel_size = IntegerField(
        _("Experts in a panel, at least"), [validators.Optional(), _whole(1, MAX_PANEL)]
    )
    min_enterprise_expert_share = DecimalField(
        _("Enterprise experts in a panel, at least"),
        [
            validators.InputRequired(),
            _within_100(),
        ],
        places=None,
        default=Decimal(0),
    )
    review_days = IntegerField(_("Days for a review"), [validators.InputRequired(), _days(1)], default=15)
    max_winners = IntegerField(
        _("Winners of a challenge, at most"),
        [
            validators.InputRequired(),
            _whole(1, MAX_WINNERS),
        ],
        default=1,
    )
    answer_days = IntegerField(
        _("Days for answering an objection"), [validators.InputRequired(), _days(1)], default=10
    )
    contract_days = IntegerField(
        _("Days for signing the contract"), [validators.InputRequired(), _days(1)], default=30
    )
    clock_factor = IntegerField(
        _("Accelerated clock for rehearsals"),
        [
            validators.InputRequired(),
            _whole(1, MAX_CLOCK_FACTOR),
        ],
        default=1,
    )
    is_open = BooleanField(_("The program takes new challenges"))
    officers = SelectMultipleField(_("Officers in charge"))

    def validate_min_panel_size(self, field: IntegerField) -> None:
        if field.data is not None and self.panel_size.data is not None and field.data > self.panel_size.data:
            raise validators.ValidationError(_("At most as many as the panel has."))


class RoundForm(BaseForm):
    name = StringField(_("Name of the round"), [Required(), MaxLength(200)])
    opens_on = DateField(_("First day for submissions"), [Required()])
    closes_on = DateField(_("Last day for submissions"), [Required()])

    def validate_closes_on(self, field: DateField) -> None:
        if isinstance(self.opens_on.data, date) and field.data and field.data < self.opens_on.data:
            raise validators.ValidationError(_("The last day lies before the first."))


class QuotaRuleForm(BaseForm):
    """Shares are typed in percent; a condition left empty is not part of the rule."""

    effective_on = DateField(_("In force from"), [Required()])
    applies_to = RadioField(_("Applies to"), [validators.InputRequired()])
    min_sme_budget_share = DecimalField(
        _("SMEs' share of the budget, at least"), [validators.Optional(), _within_100()], places=None
    )
    min_small_micro_share_of_sme = DecimalField(
        _("Of that, small and micro enterprises' part, at least"),
        [validators.Optional(), _within_100()],
        places=None,
    )
    min_sme_members = IntegerField(
        _("SMEs among the members, at least"), [validators.Optional(), _whole(0, MAX_HEADS)]
    )
    min_sme_member_share = DecimalField(
        _("SMEs' share of the members, at least"), [validators.Optional(), _within_100()], places=None
    )
    max_members = IntegerField(
        _("Members of a consortium, at most"), [validators.Optional(), _whole(1, MAX_HEADS)]
    )
    note = TextAreaField(_("Basis and explanation"), [MaxLength(2000)])

    SHARES = ("min_sme_budget_share", "min_small_micro_share_of_sme", "min_sme_member_share")

    def conditions(self) -> dict[str, Any]:
        """The rule's columns as typed; shares as parts of one."""
        values = {
            name: self[name].data
            for name in (*self.SHARES, "min_sme_members", "max_members", "applies_to", "note")
        }
        for name in self.SHARES:
            if values[name] is not None:
                values[name] = (Decimal(values[name]) / 100).quantize(Decimal("0.0001"))
        values["note"] = (values["note"] or "").strip()
        return values
