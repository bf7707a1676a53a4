"""One line of an import file as facts, profile, certificate and evidence."""

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, TypeVar

from core.errors import InvalidError
from core.i18n import lazy_gettext as _
from core.table_files import Row, split_cell
from solvers.fields import find_subfields
from solvers.import_file import COLUMNS
from solvers.industries import typed_industry
from solvers.models import CertificateKind, EvidenceKind, OrganizationKind, Visibility
from solvers.organizations.facts import CertificateFacts, OrganizationFacts, normalize_credit_code
from solvers.profiles.service import EvidenceData, ProfileData
from solvers.regions import find_region

KINDS = {
    OrganizationKind.ENTERPRISE: ("企业", "公司"),
    OrganizationKind.RESEARCH_INSTITUTE: ("科研院所", "研究院所", "研究院", "研究所"),
    OrganizationKind.UNIVERSITY: ("高等院校", "高校", "大学"),
}
CERTIFICATES = {
    CertificateKind.HIGH_TECH: ("高新技术企业",),
    CertificateKind.TECH_SME: ("科技型中小企业",),
    CertificateKind.INNOVATIVE_SME: ("创新型中小企业",),
    CertificateKind.SPECIALIZED: ("专精特新中小企业", "专精特新"),
    CertificateKind.LITTLE_GIANT: ("专精特新“小巨人”企业", "专精特新小巨人企业", "小巨人", "小巨人企业"),
    CertificateKind.CHAMPION: ("单项冠军", "制造业单项冠军", "制造业单项冠军企业", "单项冠军企业"),
}
EVIDENCE = {
    EvidenceKind.CAPABILITY: ("技术能力", "能力"),
    EvidenceKind.PATENT: ("专利",),
    EvidenceKind.PAPER: ("论文",),
    EvidenceKind.PROJECT: ("项目",),
    EvidenceKind.PRODUCT: ("产品",),
    EvidenceKind.EQUIPMENT: ("设备",),
    EvidenceKind.STANDARD: ("标准",),
}
VISIBILITIES = {
    Visibility.PUBLIC: ("公开", "所有人"),
    Visibility.VERIFIED: ("认证单位", "已认证单位"),
    Visibility.MATCHER: ("仅匹配", "仅供匹配"),
}
FACT_COLUMNS = tuple(list(COLUMNS)[: list(COLUMNS).index("summary")])
PROFILE_COLUMNS = ("summary", "team", "keywords", "subfields", "visibility")
CERTIFICATE_COLUMNS = ("certificate", "certificate_number", "valid_from", "valid_until")
EVIDENCE_COLUMNS = ("evidence", "evidence_title", "evidence_text", "evidence_year", "evidence_keywords")

Member = TypeVar("Member", bound=StrEnum)


@dataclass(frozen=True)
class ParsedRow:
    """What a line says; None where all cells of a part are empty."""

    credit_code: str
    facts: OrganizationFacts | None
    profile: ProfileData | None
    certificate: CertificateFacts | None
    evidence: EvidenceData | None


def parse_row(row: Row) -> ParsedRow:
    """Raises InvalidError naming the columns that cannot be understood."""
    errors: dict[str, Any] = {}
    try:
        credit_code = normalize_credit_code(row["credit_code"])
    except InvalidError as error:
        errors |= error.errors
        credit_code = ""
    others = [column for column in FACT_COLUMNS if column not in {"credit_code", "name"}]
    has_facts = any(row[column] for column in others)
    parsed = ParsedRow(
        credit_code=credit_code,
        facts=_facts(row, errors) if has_facts else None,
        profile=_profile(row, errors) if _any(row, PROFILE_COLUMNS) else None,
        certificate=_certificate(row, errors) if _any(row, CERTIFICATE_COLUMNS) else None,
        evidence=_evidence(row, errors) if _any(row, EVIDENCE_COLUMNS) else None,
    )
    if errors:
        raise InvalidError(errors)
    return parsed


def _any(row: Row, columns: tuple[str, ...]) -> bool:
    return any(row[column] for column in columns)


def _facts(row: Row, errors: dict[str, Any]) -> OrganizationFacts:
    kind = _member(row, "kind", KINDS, errors) if row["kind"] else OrganizationKind.ENTERPRISE
    region = find_region(row["region"])
    if region is None:
        errors["region"] = _("“%(text)s” is no region.", text=row["region"])
    return OrganizationFacts(
        name=row["name"],
        credit_code=row["credit_code"],
        kind=kind or OrganizationKind.ENTERPRISE,
        region_code=region or "",
        address=row["address"],
        website=row["website"],
        legal_representative=row["legal_representative"],
        industry_code=typed_industry(row["industry"]) or None,
        employees=_whole_number(row, "employees", errors),
        revenue_wan=_amount(row, "revenue_wan", errors),
        assets_wan=_amount(row, "assets_wan", errors),
    )


def _profile(row: Row, errors: dict[str, Any]) -> ProfileData:
    codes, unknown = find_subfields(row["subfields"])
    if unknown:
        errors["subfields"] = _("“%(text)s” is no technology field.", text=unknown[0])
    visibility = _member(row, "visibility", VISIBILITIES, errors) if row["visibility"] else Visibility.PUBLIC
    return ProfileData(
        summary=_text(row["summary"]),
        team=_text(row["team"]),
        keywords=split_cell(row["keywords"]),
        subfield_codes=codes,
        visibility=visibility or Visibility.PUBLIC,
    )


def _certificate(row: Row, errors: dict[str, Any]) -> CertificateFacts | None:
    kind = _member(row, "certificate", CERTIFICATES, errors)
    valid_from, valid_until = _day(row, "valid_from", errors), _day(row, "valid_until", errors)
    if not row["certificate_number"]:
        errors["certificate_number"] = _("Please fill this in.")
    if kind is None or valid_from is None or valid_until is None:
        return None
    return CertificateFacts(
        kind=kind,
        number=" ".join(row["certificate_number"].split()).upper(),
        valid_from=valid_from,
        valid_until=valid_until,
    )


def _evidence(row: Row, errors: dict[str, Any]) -> EvidenceData | None:
    kind = _member(row, "evidence", EVIDENCE, errors)
    if not row["evidence_title"]:
        errors["evidence_title"] = _("Please fill this in.")
    year = _whole_number(row, "evidence_year", errors)
    if kind is None:
        return None
    return EvidenceData(
        kind=kind,
        title=" ".join(row["evidence_title"].split()),
        text=_text(row["evidence_text"]),
        year=year,
        keywords=split_cell(row["evidence_keywords"]),
    )


def _text(cell: str) -> str:
    return cell.replace("\r\n", "\n").strip()


def _member(
    row: Row, column: str, names: dict[Member, tuple[str, ...]], errors: dict[str, Any]
) -> Member | None:
    text = row[column].strip().lower().replace('"', "").replace("'", "")
    for member, chinese in names.items():
        if text in {member.value, *(name.replace("“", "").replace("”", "") for name in chinese), *chinese}:
            return member
    known = ", ".join(chinese[0] for chinese in names.values())
    errors[column] = _("“%(text)s” is none of: %(known)s.", text=row[column], known=known)
    return None


def _whole_number(row: Row, column: str, errors: dict[str, Any]) -> int | None:
    text = re.sub(r"[,，\s]|人$", "", row[column])
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 12):
        errors[column] = _("“%(text)s” is not a whole number.", text=row[column])
        return None
    return int(text)


def _amount(row: Row, column: str, errors: dict[str, Any]) -> Decimal | None:
    text = re.sub(r"[,，\s]|万元$", "", row[column])
    if not text:
        return None
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite():
        errors[column] = _("“%(text)s” is not a number.", text=row[column])
        return None
    return amount


def _day(row: Row, column: str, errors: dict[str, Any]) -> date | None:
    match = re.fullmatch(r"(\d{4})\D?(\d{1,2})\D?(\d{1,2})日?", row[column].strip())
    try:
        if match is None:
            raise ValueError
        return date(*map(int, match.groups()))
    except ValueError:
        errors[column] = _("“%(text)s” is not a date such as 2026-01-31.", text=row[column])
        return None
