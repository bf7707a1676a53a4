"""The public directory of solvers and the pages of organizations."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, TypeVar

from litestar import Controller, get
from litestar.response import Template

from challenges.acceptances.queries import record_of
from challenges.directory import (
    DirectoryQuery,
    DirectorySort,
    MarkedProfile,
    mark_profile,
    search_directory,
    suggestions_for,
)
from core.actor import Actor
from core.database import database_today
from core.errors import InvalidError, NotFoundError
from core.i18n import gettext
from core.i18n import lazy_gettext as _
from solvers import fields, regions
from solvers.industries import industry_name
from solvers.models import (
    Certificate,
    CertificateKind,
    EvidenceKind,
    Organization,
    OrganizationKind,
    SizeClass,
)
from solvers.profiles import policies, queries
from solvers.profiles.queries import DirectoryFilters
from solvers.size import Indicator, SizeDecision, SizeGroup, classify
from web.dependencies import Acting, DbSession, FromPath, FromQuery, WebRequest
from web.guards import Access
from web.labels import choices, label
from web.paging import Page, page_number
from web.templating import is_htmx, query_string, render, show_wan

LONGEST_QUERY = 200
# The statutory notion: every size but large.
SME = "sme"
SIZES_OF_SME = frozenset({SizeClass.MEDIUM, SizeClass.SMALL, SizeClass.MICRO})
SORTS = {
    DirectorySort.RELEVANCE: _("Best match"),
    DirectorySort.NAME: _("Name"),
    DirectorySort.NEWEST: _("Verified last"),
}
INDICATORS = {
    Indicator.EMPLOYEES: _("Employees"),
    Indicator.REVENUE: _("Revenue"),
    Indicator.ASSETS: _("Assets"),
}

E = TypeVar("E", bound=StrEnum)


class SolverController(Controller):
    path = "/solvers"

    @get("/", opt={"access": Access.PUBLIC})
    async def directory(self, request: WebRequest, session: DbSession, actor: Acting) -> Template:
        given = request.query_params
        text = " ".join(given.get("q", "").split())[:LONGEST_QUERY]
        kind = _member(OrganizationKind, given.get("kind"))
        size = given.get("size") if given.get("size") == SME else _member(SizeClass, given.get("size"))
        certificate = _member(CertificateKind, given.get("certificate"))
        region_code = given.get("region", "") if regions.is_region(given.get("region", "")) else ""
        field_code = given.get("field", "") if _is_field(given.get("field", "")) else ""
        sort = _member(DirectorySort, given.get("sort")) or (
            DirectorySort.RELEVANCE if text else DirectorySort.NAME
        )
        if sort is DirectorySort.RELEVANCE and not text:
            sort = DirectorySort.NAME
        filters = DirectoryFilters(
            kinds=frozenset({kind} if kind else ()),
            sizes=SIZES_OF_SME if size == SME else frozenset({SizeClass(size)} if size else ()),
            certificates=frozenset({certificate} if certificate else ()),
            region_code=region_code,
            field_code=field_code,
        )
        number = page_number(given.get("page"))
        page = Page(number, 0)
        query = DirectoryQuery(text=text, filters=filters, sort=sort)
        entries, total = await search_directory(
            session, actor, query, limit=page.per_page, offset=page.offset
        )
        parameters = {
            "q": text,
            "kind": kind.value if kind else "",
            "size": str(size or ""),
            "region": region_code,
            "certificate": certificate.value if certificate else "",
            "field": field_code,
            "sort": given.get("sort", ""),
        }
        address = f"/solvers{query_string(parameters, page=number if number > 1 else None)}".rstrip("?")
        fragment = is_htmx(request) and request.headers.get("hx-target") == "results"
        return render(
            request,
            "solvers/_results.html" if fragment else "solvers/directory.html",
            # The form would push every empty field too.
            headers={"HX-Push-Url": address} if fragment else None,
            entries=entries,
            suggestions=await suggestions_for(session, actor, text),
            page=Page(number, total),
            parameters=parameters,
            text=text,
            sort=sort,
            sorts=[
                (member.value, str(name)) for member, name in SORTS.items() if text or member != "relevance"
            ],
            chosen=_chosen_filters(parameters),
            kinds=choices(OrganizationKind),
            sizes=[(SME, gettext("All SMEs")), *choices(SizeClass)],
            certificate_kinds=choices(CertificateKind),
            provinces=regions.PROVINCES,
            fields=fields.FIELDS,
            field_name=_field_name,
            region_name=regions.region_name,
        )

    @get("/{organization_id:uuid}", opt={"access": Access.PUBLIC})
    async def organization(
        self,
        request: WebRequest,
        session: DbSession,
        actor: Acting,
        organization_id: FromPath[uuid.UUID],
        q: FromQuery[str] = "",
    ) -> Template:
        organization = await queries.organization_with_profile(session, organization_id)
        if organization is None or not policies.may_see_organization(actor, organization):
            raise NotFoundError(gettext("There is no such organization."))
        text = " ".join(q.split())[:LONGEST_QUERY]
        page = await organization_page(organization, actor, text, await database_today(session))
        return render(
            request,
            "solvers/organization.html",
            page=page,
            text=text,
            record=await record_of(session, organization.id),
        )


@dataclass(frozen=True, kw_only=True)
class OrganizationPage:
    """What `solvers/_organization.html` shows of an organization to one reader."""

    organization: Organization
    shows_profile: bool
    shows_figures: bool
    may_edit: bool
    is_own: bool
    marked: MarkedProfile
    size: SizeDecision | None
    valid: Sequence[Certificate]
    expired: Sequence[Certificate]
    evidence: Sequence[tuple[EvidenceKind, Sequence[Any]]]

    def field_name(self, code: str) -> str:
        return fields.subfield_name(code)

    def region_name(self, code: str) -> str:
        return regions.region_name(code)

    @property
    def industry(self) -> str:
        return industry_name(self.organization.industry_code) if self.organization.industry_code else ""

    @property
    def size_rule(self) -> str:
        """The bounds that the organization's class is reached by: no figure of its own is in it."""
        if self.size is None or self.size.group is None or self.size.size is None:
            return ""
        if self.size.size is SizeClass.MICRO:
            bounds = _bounds(self.size.group, SizeClass.SMALL)
            return gettext("Below the bounds of a small enterprise: %(bounds)s", bounds=bounds)
        return _bounds(self.size.group, self.size.size)


def _bounds(group: SizeGroup, size: SizeClass) -> str:
    return gettext(", ").join(
        f"{INDICATORS[indicator]} ≥ {bound if indicator is Indicator.EMPLOYEES else show_wan(bound)}"
        for indicator, bound in group.bounds[size].items()
    )


async def organization_page(
    organization: Organization, actor: Actor, text: str, today: date
) -> OrganizationPage:
    """The page of an organization as this reader may see it."""
    profile = organization.profile
    shows_profile = profile is not None and policies.may_read_profile(
        actor, organization.id, profile.visibility
    )
    evidence = profile.evidence if profile is not None and shows_profile else []
    return OrganizationPage(
        organization=organization,
        shows_profile=shows_profile,
        shows_figures=policies.may_see_figures(actor, organization.id),
        may_edit=policies.may_edit_profile(actor, organization.id),
        is_own=actor.acts_for(organization.id),
        marked=await mark_profile(organization, text if shows_profile else ""),
        size=_size_of(organization),
        valid=[item for item in organization.certificates if item.valid_until >= today],
        expired=[item for item in organization.certificates if item.valid_until < today],
        evidence=[
            (kind, items)
            for kind in EvidenceKind
            if (items := [item for item in evidence if item.kind is kind])
        ],
    )


def _size_of(organization: Organization) -> SizeDecision | None:
    """None for who has no size, and for an enterprise whose size was set without figures."""
    if organization.industry_code is None or organization.size_class is None:
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


def _member(kind: type[E], value: str | None) -> E | None:
    """The member with this value; anything else in an address filters nothing."""
    return next((member for member in kind if member.value == value), None)


def _is_field(code: str) -> bool:
    return fields.is_subfield(code) or any(field.code == code for field in fields.FIELDS)


def _field_name(code: str) -> str:
    return fields.subfield_name(code) if fields.is_subfield(code) else fields.field_name(code)


def _chosen_filters(parameters: dict[str, str]) -> list[tuple[str, str]]:
    """What is filtered by, each with the address of the list without it."""
    names = {
        "kind": lambda value: label(OrganizationKind(value)),
        "size": lambda value: gettext("All SMEs") if value == SME else label(SizeClass(value)),
        "region": regions.region_name,
        "certificate": lambda value: label(CertificateKind(value)),
        "field": _field_name,
    }
    return [
        (show(parameters[name]), query_string(parameters, **{name: None}))
        for name, show in names.items()
        if parameters[name]
    ]
