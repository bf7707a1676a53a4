"""The audit log of organizations and people in words: what was done, and what it changed."""

from collections.abc import Callable
from typing import Any

from core.accounts.models import PlatformRole
from core.audit import AuditEntry
from core.i18n import gettext
from core.i18n import lazy_gettext as _
from solvers.industries import show_industry
from solvers.models import CertificateKind, ControlKind, MembershipRole, OrganizationKind, SizeClass
from solvers.regions import region_name
from web.labels import label

ACTIONS: dict[str, Any] = {
    "organization.registered": _("Registered the organization"),
    "organization.changed": _("Changed the facts"),
    "organization.reopened": _("Verification is needed again"),
    "organization.submitted": _("Handed in for verification"),
    "organization.verified": _("Verified the organization"),
    "organization.sent_back": _("Sent the verification back"),
    "organization.certificate_added": _("Added a certificate"),
    "organization.certificate_removed": _("Removed a certificate"),
    "organization.relation_added": _("Declared a control relation"),
    "organization.relation_removed": _("Removed a control relation"),
    "organization.document_added": _("Uploaded a document"),
    "organization.document_removed": _("Removed a document"),
    "organization.person_invited": _("Invited a person"),
    "organization.invitation_revoked": _("Revoked an invitation"),
    "organization.person_joined": _("Joined the organization"),
    "organization.person_left": _("Left the organization"),
    "organization.person_removed": _("Removed a person"),
    "organization.role_changed": _("Changed a role"),
    "profile.saved": _("Changed the capability profile"),
    "evidence.added": _("Added evidence to the profile"),
    "evidence.saved": _("Changed evidence of the profile"),
    "evidence.deleted": _("Removed evidence from the profile"),
    "person.roles_changed": _("Changed roles or access"),
    "person.password_changed": _("Changed the password"),
    "person.password_reset": _("Reset the password"),
}

FACTS: dict[str, Any] = {
    "name": _("Full name"),
    "credit_code": _("Unified social credit code"),
    "kind": _("Kind"),
    "region_code": _("Region"),
    "address": _("Address"),
    "website": _("Website"),
    "legal_representative": _("Legal representative"),
    "industry_code": _("Industry"),
    "employees": _("Employees"),
    "revenue_wan": _("Revenue (万元)"),
    "assets_wan": _("Assets (万元)"),
    "size_class": _("Size"),
    "size": _("Size"),
    "number": _("Number"),
    "valid_from": _("Valid from"),
    "valid_until": _("Valid until"),
    "controller": _("Organization"),
    "email": _("E-mail"),
    "person": _("Person"),
    "role": _("Role"),
    "roles": _("Roles"),
    "is_disabled": _("Disabled"),
    "reason": _("Reason"),
    "title": _("Title"),
    "certificate": _("Certificate"),
    "relation": _("Relation"),
    "file": _("Document"),
}

PROFILE_ACTIONS = ("profile.", "evidence.")


def action_text(entry: AuditEntry) -> str:
    """What was done; an action without words of its own is named by its code."""
    return str(ACTIONS.get(entry.action, entry.action))


def change_lines(entry: AuditEntry) -> list[tuple[str, str]]:
    """Name and text of each change: "old → new" where both are known, else the value."""
    lines = []
    for name, value in entry.changes.items():
        # A profile's texts are read in the profile; the log names what they belong to.
        if value is None or (entry.action.startswith(PROFILE_ACTIONS) and name != "title"):
            continue
        show = _display(name)
        is_change = isinstance(value, list) and len(value) == 2
        text = f"{show(value[0])} → {show(value[1])}" if is_change else show(value)
        lines.append((str(FACTS.get(name, name)), text))
    return lines


def _display(name: str) -> Callable[[Any], str]:
    known: Callable[[Any], str] = {
        "kind": lambda value: label(OrganizationKind(value)),
        "certificate": lambda value: label(CertificateKind(value)),
        "relation": lambda value: label(ControlKind(value)),
        "size_class": _size,
        "size": _size,
        "role": lambda value: label(MembershipRole(value)),
        "roles": lambda value: "、".join(label(PlatformRole(role)) for role in value) or "–",
        "industry_code": show_industry,
        "region_code": region_name,
        "is_disabled": lambda value: gettext("yes") if value else gettext("no"),
    }.get(name, _plain)

    def show(value: Any) -> str:
        # The log is for ever, the vocabulary is not: what an older version wrote is shown as it stands.
        try:
            return known(value)
        except ValueError:
            return _plain(value)

    return show


def _plain(value: Any) -> str:
    return "–" if value in (None, "") else str(value)


def _size(value: Any) -> str:
    return label(SizeClass(value)) if value else "–"
