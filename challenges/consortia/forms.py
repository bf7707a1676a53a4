"""The officer's decision, and the question what would be if."""

import uuid
from collections.abc import Collection, Mapping
from decimal import Decimal, InvalidOperation

from wtforms import RadioField, TextAreaField

from challenges.consortia.models import Outcome, Settlement
from challenges.consortia.what_if import Changes
from core.forms import BaseForm, MaxLength, Required
from core.i18n import gettext
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


# Far above every program's money, and far below where integers of 0.01 万元 would overflow.
MOST_BUDGET_WAN = Decimal(10**9)


def read_changes(
    data: Mapping[str, str], budgets: Mapping[str, Decimal | None], members: Collection[uuid.UUID]
) -> tuple[Changes, dict[str, str]]:
    """The changes that the what-if form asks for, and messages by field.

    `budgets`: the requirements' present ones; a field that repeats one changes nothing. Fields: `member-ID` ("force"
    or "exclude"), `leaves` and `joins`, `budget-ID`.
    """
    errors: dict[str, str] = {}
    force, exclude = set[uuid.UUID](), set[uuid.UUID]()
    for key in members:
        match data.get(f"member-{key}"):
            case "force":
                force.add(key)
            case "exclude":
                exclude.add(key)
            case _:
                pass
    for name, found in (("leaves", exclude), ("joins", force)):
        if text := data.get(name):
            try:
                found.add(uuid.UUID(text))
            except ValueError:
                errors[name] = gettext("That organization does not exist.")
    changed: dict[str, Decimal] = {}
    for requirement, present in budgets.items():
        name = f"budget-{requirement}"
        if not (text := data.get(name, "").strip()):
            continue
        budget = _budget(text)
        if budget is None:
            errors[name] = gettext("A budget is a number from 0 on with at most two decimals.")
        elif budget != (present or Decimal(0)):
            changed[requirement] = budget
    return Changes(frozenset(force), frozenset(exclude), changed), errors


def _budget(text: str) -> Decimal | None:
    try:
        budget = Decimal(text)
    except InvalidOperation:
        return None
    if not (budget.is_finite() and 0 <= budget <= MOST_BUDGET_WAN and budget == round(budget, 2)):
        return None
    return budget


class WaiverForm(BaseForm):
    reason = TextAreaField(_("Reason for the waiver"), validators=[Required(), MaxLength(4000)])


class WaiverAnswerForm(BaseForm):
    """A refusal needs its reason; that is checked where the answer is given."""

    answer = RadioField(
        _("Your answer"),
        validators=[Required()],
        choices=[("confirm", _("Confirm the waiver")), ("refuse", _("Refuse the waiver"))],
    )
    reason = TextAreaField(_("Reason"), validators=[MaxLength(4000)])


class LeaveForm(BaseForm):
    reason = TextAreaField(_("Why your organization leaves"), validators=[Required(), MaxLength(4000)])


class SettlementForm(BaseForm):
    settlement = RadioField(
        _("How it goes on"),
        validators=[Required()],
        choices=[
            (Settlement.KEPT.value, _("The quota is kept: the consortium goes on")),
            (Settlement.SUPERSEDED.value, _("The poster has another consortium proposed")),
            (Settlement.ENDED.value, _("The award is ended")),
        ],
    )
    reason = TextAreaField(_("Reason"), validators=[Required(), MaxLength(4000)])
