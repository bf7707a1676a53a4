"""An objection, and its answer."""

from wtforms import RadioField, SelectField, SelectMultipleField, TextAreaField

from challenges.objections.models import Effect
from core.forms import BaseForm, MaxLength, Required
from core.i18n import lazy_gettext as _


class ObjectionForm(BaseForm):
    consortium = SelectField(_("What the objection is about"), validate_choice=False, choices=[])
    text = TextAreaField(_("Reasons and facts"), validators=[Required(), MaxLength(10000)])


class AnswerForm(BaseForm):
    """Which teams give way is asked where the award is returned."""

    effect = RadioField(
        _("Effect on the decision"),
        validators=[Required()],
        choices=[
            (Effect.STANDS.value, _("Not upheld: the decision stands, the notice goes on")),
            (Effect.RETURNED.value, _("Upheld: the award is returned, and winners are chosen anew")),
            (Effect.ANNULLED.value, _("Upheld: the award is annulled, the challenge ends without one")),
        ],
    )
    teams = SelectMultipleField(_("Teams that lose the award"), validate_choice=False, choices=[])
    answer = TextAreaField(
        _("Answer to the objector, the poster and the winners"), validators=[Required(), MaxLength(10000)]
    )
    summary = TextAreaField(
        _("Public summary of objection and answer"), validators=[Required(), MaxLength(2000)]
    )
