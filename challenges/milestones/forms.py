"""Forms of milestones and of the end of a contract."""

from wtforms import RadioField, TextAreaField

from core.forms import BaseForm, MaxLength, Required
from core.i18n import lazy_gettext as _


class ReportForm(BaseForm):
    """Files come as `file` beside it."""

    text = TextAreaField(_("What was done, and how each deliverable is met"), [Required(), MaxLength(20000)])


class AnswerForm(BaseForm):
    """A refusal needs its reason; that is checked where the answer is given."""

    answer = RadioField(
        _("Your answer"), [Required()], choices=[("accept", _("Accept it")), ("refuse", _("Send it back"))]
    )
    note = TextAreaField(_("Reason"), [MaxLength(4000)])


class VerdictForm(AnswerForm):
    """An officer's: on an elimination, or on an acceptance that the poster has given."""

    answer = RadioField(
        _("Officer's decision"),
        [Required()],
        choices=[("accept", _("Confirm it")), ("refuse", _("Refuse it"))],
    )


class RatingForm(BaseForm):
    stars = RadioField(
        _("Stars"), [Required()], choices=[(str(number), "★" * number) for number in range(5, 0, -1)]
    )
    comment = TextAreaField(_("Comment"), [Required(), MaxLength(4000)])
