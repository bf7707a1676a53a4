"""Forms of criteria, panels, declarations and scores."""

from decimal import Decimal
from typing import Any

from wtforms import (
    BooleanField,
    DateTimeLocalField,
    DecimalField,
    FieldList,
    FormField,
    HiddenField,
    IntegerField,
    RadioField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    validators,
)

from challenges.reviews.criteria import MOST, Line
from challenges.reviews.scoring import Given
from core.forms import BaseForm, MaxLength
from core.i18n import lazy_gettext as _

LONG = 5000
NONE, SOME = "none", "some"


class _BesideAName:
    """Needed on a line that has a name. It stands before `Optional`, which ends the checks of an empty field."""

    def __call__(self, form: Any, field: Any) -> None:
        if (form.name.data or "").strip() and not any(text.strip() for text in field.raw_data or []):
            raise validators.StopValidation(_("Please fill this in."))


class CriterionForm(BaseForm):
    class Meta(BaseForm.Meta):
        csrf = False

    name = StringField(_("Criterion"), [MaxLength(100)])
    description = StringField(_("What is looked at"), [MaxLength(500)])
    weight = DecimalField(
        _("Weight"),
        [
            _BesideAName(),
            validators.Optional(),
            validators.NumberRange(
                min=Decimal("0.01"), max=1000, message=_("A weight above 0, at most 1000.")
            ),
        ],
        places=None,
    )
    max_points = IntegerField(
        _("Highest points"),
        [
            validators.Optional(),
            validators.NumberRange(
                min=1, max=100, message=_("A whole number from %(min)s to %(max)s.", min=1, max=100)
            ),
        ],
    )


class CriteriaForm(BaseForm):
    """Lines without a name are left out."""

    # One more than there may be: what is beyond is dropped without a word, and this one is refused with one.
    lines = FieldList(FormField(CriterionForm), max_entries=MOST + 1)
    criteria = HiddenField()

    def typed(self) -> list[Line]:
        found = []
        for entry in self.lines:
            form: Any = entry.form
            if (form.name.data or "").strip():
                found.append(
                    Line(
                        form.name.data.strip(),
                        (form.description.data or "").strip(),
                        form.weight.data,
                        form.max_points.data or 10,
                    )
                )
        return found


class BeginForm(BaseForm):
    drops_extremes = BooleanField(_("Leave out the highest and the lowest total of each bid"))


class ReasonForm(BaseForm):
    note = TextAreaField(_("Reason"), [MaxLength(LONG)])


class ExtensionForm(BaseForm):
    until = DateTimeLocalField(_("New deadline"), [validators.Optional()])


class RemarkForm(BaseForm):
    text = TextAreaField(_("Remark to the panel"), [MaxLength(LONG)])


class DeclarationForm(BaseForm):
    conflict = RadioField(
        _("Conflict of interest"),
        [validators.InputRequired(message=_("Say whether you have a conflict of interest."))],
        choices=[
            (NONE, _("I have no conflict of interest with the poster or any bidder.")),
            (SOME, _("I have a conflict of interest.")),
        ],
    )
    bids = SelectMultipleField(_("With these bids"), validate_choice=False)
    reason = TextAreaField(_("What it consists in"), [MaxLength(LONG)])


class PointsForm(BaseForm):
    class Meta(BaseForm.Meta):
        csrf = False

    points = DecimalField(_("Points"), [validators.Optional()], places=None)
    comment = TextAreaField(_("Comment"), [MaxLength(LONG)])

    def given(self) -> Given:
        return Given(self.points.data, self.comment.data or "")
