"""The choice of winners, and its submission."""

import uuid
from collections.abc import Sequence

from wtforms import BooleanField, SelectMultipleField, TextAreaField
from wtforms.widgets import CheckboxInput

from core.forms import BaseForm, MaxLength
from core.i18n import lazy_gettext as _


class ChoiceForm(BaseForm):
    """How many, and whether a reason is needed, is checked where the winners are named."""

    bids = SelectMultipleField(_("Winners"), option_widget=CheckboxInput(), validate_choice=False, choices=[])
    reason = TextAreaField(_("Reason for departing from the review"), validators=[MaxLength(4000)])

    @property
    def bid_ids(self) -> list[uuid.UUID]:
        return as_keys(self.bids.data or [])


class SubmissionForm(BaseForm):
    note = TextAreaField(_("Note for the officer"), validators=[MaxLength(4000)])
    asks_waiver = BooleanField(_("Submit it all the same and ask for a waiver of the quota"))


def as_keys(texts: Sequence[str]) -> list[uuid.UUID]:
    """What the page itself wrote; anything else names no bid."""
    found: list[uuid.UUID] = []
    for text in texts:
        try:
            found.append(uuid.UUID(text))
        except ValueError:
            found.append(uuid.UUID(int=0))
    return found
