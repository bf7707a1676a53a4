"""What an organization declares about itself, as use cases take it: checked and brought into one spelling here."""

import unicodedata
import uuid
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_DOWN, Decimal
from typing import Any

from stdnum.cn import uscc
from stdnum.exceptions import InvalidChecksum, InvalidLength, ValidationError

from core.errors import InvalidError
from core.i18n import lazy_gettext as _
from solvers.industries import normalize_code
from solvers.organizations.models import (
    CertificateKind,
    ControlKind,
    MembershipRole,
    OrganizationKind,
    SizeClass,
)
from solvers.regions import is_region
from solvers.size import SizeDecision, classify

# PostgreSQL's integer ends a little above; no enterprise has a hundred million employees.
MOST_EMPLOYEES = 100_000_000
# Numeric(14, 2).
MOST_WAN = Decimal(10) ** 12
CENT = Decimal("0.01")


@dataclass(frozen=True, kw_only=True)
class OrganizationFacts:
    """Money in 万元. Industry, revenue and assets belong to enterprises alone."""

    name: str
    credit_code: str
    kind: OrganizationKind
    region_code: str
    address: str = ""
    website: str = ""
    legal_representative: str = ""
    industry_code: str | None = None
    employees: int | None = None
    revenue_wan: Decimal | None = None
    assets_wan: Decimal | None = None


@dataclass(frozen=True, kw_only=True)
class CertificateFacts:
    kind: CertificateKind
    number: str
    valid_from: date
    valid_until: date


@dataclass(frozen=True, kw_only=True)
class RelationFacts:
    """Another organization that controls this one or shares its legal representative.

    Either registered (`controller_id`) or named, with the size class that it is said to have.
    """

    kind: ControlKind
    controller_id: uuid.UUID | None = None
    controller_name: str = ""
    controller_size: SizeClass | None = None


@dataclass(frozen=True, kw_only=True)
class InvitationFacts:
    email: str
    role: MembershipRole


# What an administrator has compared with the evidence: a change of any of it needs another look.
VERIFIED_FACTS = (
    "name",
    "credit_code",
    "kind",
    "legal_representative",
    "industry_code",
    "employees",
    "revenue_wan",
    "assets_wan",
)


def normalize_credit_code(raw: str) -> str:
    """18 upper-case characters with a right check character (GB 32100-2015).

    Raises InvalidError on `credit_code`, saying what is wrong.
    """
    text = unicodedata.normalize("NFKC", raw)
    try:
        return uscc.validate(text)
    except InvalidLength:
        message: Any = _("A unified social credit code has 18 characters.")
    except InvalidChecksum:
        message = _("The check character does not fit: please compare the code with the licence.")
    except ValidationError:
        message = _("This is not a unified social credit code.")
    raise InvalidError({"credit_code": message})


def normalize_name(raw: str) -> str:
    """One spelling of a name: Chinese typing mixes full-width and ASCII brackets and spaces."""
    return (
        " ".join(raw.replace("(", "（").replace(")", "）").split())
        if _is_chinese(raw)
        else " ".join(raw.split())
    )


def _is_chinese(text: str) -> bool:
    return any("\u4e00" <= character <= "\u9fff" for character in text)


def check_facts(facts: OrganizationFacts) -> tuple[OrganizationFacts, SizeDecision | None]:
    """The facts in one spelling and, for an enterprise, its size with the rule that decides it.

    Raises InvalidError naming every field that is wrong.
    """
    errors: dict[str, Any] = {}
    name = normalize_name(facts.name)
    if not name:
        errors["name"] = _("Please fill this in.")
    elif len(name) > 200:
        errors["name"] = _("At most %(longest)s characters.", longest=200)
    if not is_region(facts.region_code):
        errors["region_code"] = _("Choose a region.")
    website = facts.website.strip()
    if website and not website.lower().startswith(("http://", "https://")):
        website = f"https://{website}"
    facts = replace(
        facts,
        name=name,
        address=" ".join(facts.address.split())[:300],
        website=website[:300],
        legal_representative=" ".join(facts.legal_representative.split())[:100],
    )
    try:
        facts = replace(facts, credit_code=normalize_credit_code(facts.credit_code))
    except InvalidError as error:
        errors |= error.errors
    if facts.employees is not None and not 0 <= facts.employees <= MOST_EMPLOYEES:
        errors["employees"] = _("This number is not plausible.")
    if facts.kind is not OrganizationKind.ENTERPRISE:
        if errors:
            raise InvalidError(errors)
        return replace(facts, industry_code=None, revenue_wan=None, assets_wan=None), None
    for field in ("revenue_wan", "assets_wan"):
        amount: Decimal | None = getattr(facts, field)
        if amount is None:
            continue
        if not (amount.is_finite() and 0 <= amount < MOST_WAN):
            errors[field] = _("This number is not plausible.")
        else:
            # Rounded before the size is decided, so that size and stored figures never disagree. Down, since a
            # bound that was not reached is not reached by rounding.
            facts = replace(facts, **{field: amount.quantize(CENT, rounding=ROUND_DOWN)})
    decision = None
    if not facts.industry_code:
        errors["industry_code"] = _("Choose the industry.")
    elif "revenue_wan" not in errors and "assets_wan" not in errors:
        try:
            code = normalize_code(facts.industry_code)
            decision = classify(code, facts.employees, facts.revenue_wan, facts.assets_wan)
            facts = replace(facts, industry_code=code)
        except InvalidError as error:
            errors = error.errors | errors
    if errors:
        raise InvalidError(errors)
    return facts, decision
