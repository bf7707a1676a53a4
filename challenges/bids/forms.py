"""The bid form (揭榜申请书)."""

from wtforms import (
    DecimalField,
    FieldList,
    FormField,
    HiddenField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.validators import NumberRange, Optional

from core.forms import BaseForm, MaxLength
from core.i18n import lazy_gettext as _

LONG_TEXT = 8000
# A hundred billion CNY: above any bid, below what the column holds.
MAX_BUDGET_WAN = 10_000_000


class PartForm(BaseForm):
    """One member's part: what it does, for which requirements, with how much money."""

    class Meta(BaseForm.Meta):
        # Field names stand inside the bid's own form.
        csrf = False

    organization_id = HiddenField()
    role_text = TextAreaField(_("Work of this member"), [MaxLength(2000)])
    requirement_ids = SelectMultipleField(_("Requirements it answers for"), validate_choice=False)
    budget_wan = DecimalField(
        _("Budget"),
        [
            Optional(),
            NumberRange(min=0, max=MAX_BUDGET_WAN, message=_("An amount between 0 and 10,000,000 万元.")),
        ],
        places=2,
    )


class BidForm(BaseForm):
    """Everything but the members' identity; a draft may leave any of it empty."""

    technical_plan = TextAreaField(_("Technical plan"), [MaxLength(LONG_TEXT)])
    ability = TextAreaField(_("Evidence of R&D ability"), [MaxLength(LONG_TEXT)])
    team = TextAreaField(_("Team"), [MaxLength(LONG_TEXT)])
    timeline = TextAreaField(_("Time line"), [MaxLength(LONG_TEXT)])
    contact_name = StringField(_("Contact person"), [MaxLength(100)])
    contact_phone = StringField(_("Telephone"), [MaxLength(40)])
    parts = FieldList(FormField(PartForm))
