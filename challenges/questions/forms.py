"""A question, an answer, and the reason for which a question is hidden."""

from wtforms import TextAreaField

from core.forms import BaseForm, MaxLength, Required
from core.i18n import lazy_gettext as _

LONGEST_QUESTION = 2000
LONGEST_ANSWER = 4000


class QuestionForm(BaseForm):
    text = TextAreaField(_("Your question"), [Required(), MaxLength(LONGEST_QUESTION)])


class AnswerForm(BaseForm):
    answer = TextAreaField(_("Answer"), [Required(), MaxLength(LONGEST_ANSWER)])
