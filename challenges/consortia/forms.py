"""The officer's form."""

from wtforms import RadioField, TextAreaField

from challenges.consortia.models import Outcome
from core.forms import BaseForm, MaxLength, Required
from core.i18n import lazy_gettext as _


class DecisionForm(BaseForm):
    """A refusal needs its reason; that is checked where the decision is taken."""

    outcome = RadioField(
        _("Decision"),
        validators=[Required()],
        choices=[
            (Outcome.APPROVED.value, _("Approve")),
            (Outcome.RETURNED.value, _("Return for revision")),
            (Outcome.REJECTED.value, _("Reject")),
        ],
    )
    reason = TextAreaField(_("Reason"), validators=[MaxLength(4000)])
