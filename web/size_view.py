"""The statutory size as forms and pages show it."""

from typing import Any

from core.errors import InvalidError
from solvers.industries import typed_industry
from solvers.models import Organization
from solvers.organizations.forms import (
    OrganizationForm,
)
from solvers.size import SizeDecision, classify


def decision_of(organization: Organization) -> SizeDecision | None:
    """The size with its rule as the figures stand; None where there is nothing to decide."""
    if organization.industry_code is None:
        return None
    try:
        return classify(
            organization.industry_code,
            organization.employees,
            organization.revenue_wan,
            organization.assets_wan,
        )
    except InvalidError:
        return None


def size_of_form(form: OrganizationForm) -> tuple[SizeDecision | None, list[str]]:
    """The size of what a form holds now, or what is missing for it; the form's own messages stay as they are."""
    figures = (form.employees, form.revenue_wan, form.assets_wan)
    wrong = [
        f"{field.label.text}: {message}"
        for field in figures
        # An empty field is a process error too, which `Optional` would forgive when the form is validated.
        if field.raw_data and str(field.raw_data[0]).strip()
        for message in field.process_errors
    ]
    if wrong:
        return None, wrong
    code = typed_industry(form.industry_code.data)
    if not code:
        return None, []
    try:
        return classify(code, form.employees.data, form.revenue_wan.data, form.assets_wan.data), []
    except InvalidError as error:
        labels = {field.name: f"{field.label.text}: " for field in figures}
        return None, [f"{labels.get(name, '')}{message}" for name, message in error.errors.items()]


def size_context(form: OrganizationForm) -> dict[str, Any]:
    decision, messages = size_of_form(form)
    return {"form": form, "decision": decision, "messages": messages}
