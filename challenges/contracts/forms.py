"""What the poster writes in a contract, and what a party sends with its signature."""

import uuid
from decimal import Decimal
from typing import Any

from wtforms import (
    BooleanField,
    DateField,
    DecimalField,
    FieldList,
    FormField,
    HiddenField,
    IntegerField,
    StringField,
    TextAreaField,
)
from wtforms.validators import InputRequired, NumberRange

from challenges.contracts.content import TERMS, Stage, TaskBook
from challenges.contracts.drafting import MOST_PAYMENT_WAN
from core.forms import BaseForm, MaxLength, Required
from core.i18n import lazy_gettext as _

LONG_TEXT = 20000
MOST_DAYS = 120 * 31


class Filled(InputRequired):
    def __init__(self) -> None:
        super().__init__(_("Please fill this in."))


class StageForm(BaseForm):
    """One milestone. An empty title or text is refused when the contract is offered, not before."""

    key = HiddenField()
    title = StringField(_("Milestone"), [MaxLength(200)])
    deliverables = TextAreaField(_("Deliverables"), [MaxLength(4000)])
    days = IntegerField(
        _("Days from the beginning"),
        [Filled(), NumberRange(1, MOST_DAYS, _("A whole number of days, 1 or more."))],
    )
    payment_wan = DecimalField(
        _("Payment"),
        [Filled(), NumberRange(Decimal(0), MOST_PAYMENT_WAN, _("An amount between 0 and 10,000,000 万元."))],
        places=2,
    )
    is_stage = BooleanField(_("Stage review: teams may be eliminated here"))


class TermsForm(BaseForm):
    starts_on = DateField(_("Beginning of the work"), [Filled()])
    months = IntegerField(
        _("Time limit in months"), [Filled(), NumberRange(1, 120, _("Between 1 and 120 months."))]
    )
    plan = TextAreaField(_("Technical plan and work"), [MaxLength(LONG_TEXT)])
    stages = FieldList(FormField(StageForm))
    ip_terms = TextAreaField(_("Intellectual property"), [MaxLength(LONG_TEXT)])
    benefit_terms = TextAreaField(_("Sharing of benefits"), [MaxLength(LONG_TEXT)])
    order_clause = TextAreaField(
        _("Pledge: what follows where a promise is not kept"), [MaxLength(LONG_TEXT)]
    )
    other_terms = TextAreaField(_("Other terms"), [MaxLength(LONG_TEXT)])

    def add_errors(self, errors: Any) -> None:
        """Also of fields inside a milestone, named `stages-0-days`."""
        rest = dict(errors)
        for name in list(rest):
            prefix, _dash, inner = name.partition("-")
            number, _dash, field = inner.partition("-")
            if prefix == "stages" and number.isdigit() and int(number) < len(self.stages):
                part = self.stages[int(number)].form[field]
                part.errors = [*part.errors, rest.pop(name)]
        if "stages" in rest:
            # The list as a whole has no place of its own among its fields.
            self.form_errors.append(rest.pop("stages"))
        super().add_errors(rest)


def form_of(book: TaskBook) -> TermsForm:
    return TermsForm(
        data={
            **{name: getattr(book, name) for name in TERMS},
            "starts_on": book.starts_on,
            "months": book.months,
            "stages": [
                {
                    "key": str(item.key),
                    "title": item.title,
                    "deliverables": item.deliverables,
                    "days": item.days,
                    "payment_wan": item.payment_wan,
                    "is_stage": item.is_stage,
                }
                for item in book.stages
            ],
        }
    )


def terms_of(form: TermsForm, book: TaskBook) -> dict[str, Any]:
    """What was typed, as `replace` of a TaskBook takes it; milestones keep their keys, new ones get one."""
    known = {item.key for item in book.stages}
    stages: list[Stage] = []
    for entry in form.stages:
        part = entry.form
        key = _key(part.key.data)
        # A row that was added in this form, or whose milestone was removed in another window, is a new one.
        if key is None or key not in known or any(item.key == key for item in stages):
            key = uuid.uuid4()
        stages.append(
            Stage(
                key,
                part.title.data or "",
                (part.deliverables.data or "").replace("\r\n", "\n").strip(),
                part.days.data or 0,
                (part.payment_wan.data or Decimal(0)).quantize(Decimal("0.01")),
                bool(part.is_stage.data),
            )
        )
    return {
        **{name: (getattr(form, name).data or "").replace("\r\n", "\n").strip() for name in TERMS},
        "starts_on": form.starts_on.data,
        "months": form.months.data,
        "stages": tuple(stages),
    }


def _key(text: str | None) -> uuid.UUID | None:
    try:
        return uuid.UUID(text or "")
    except ValueError:
        return None


class SignForm(BaseForm):
    """The signed copy comes as `file` beside it."""

    sha256 = HiddenField()
    confirm = BooleanField(_("I confirm for my organization that we sign the document with this SHA-256"))


class ReasonForm(BaseForm):
    note = TextAreaField(_("Reason"), [Required(), MaxLength(4000)])


class AmendForm(BaseForm):
    reason = TextAreaField(_("Reason for the amendment"), [Required(), MaxLength(4000)])
