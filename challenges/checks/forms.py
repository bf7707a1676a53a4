"""Forms of the formal check."""

from wtforms import RadioField, StringField, TextAreaField, validators

from core.forms import BaseForm, MaxLength
from core.i18n import lazy_gettext as _

MET, NOT_MET, UNSEEN = "met", "not_met", ""
LONG = 5000


class PointForm(BaseForm):
    class Meta(BaseForm.Meta):
        csrf = False

    met = RadioField(
        "",
        [validators.Optional()],
        choices=[(MET, _("Met")), (NOT_MET, _("Not met")), (UNSEEN, _("Not looked at yet"))],
        default=UNSEEN,
    )
    remark = StringField(_("Remark"), [MaxLength(1000)])


class SettlementForm(BaseForm):
    """What an officer decides; the points have forms of their own."""

    note = TextAreaField(_("Reason, or what the bidder has to complete"), [MaxLength(LONG)])


class ReopeningForm(BaseForm):
    note = TextAreaField(_("Reason for looking at it again"), [MaxLength(LONG)])


class CompletionForm(BaseForm):
    text = TextAreaField(_("What we complete or explain"), [MaxLength(LONG)])
