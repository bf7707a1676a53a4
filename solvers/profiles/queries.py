"""Every SELECT about capability profiles and the public pages of organizations."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from solvers.organizations.models import (
    Certificate,
    CertificateKind,
    ControlRelation,
    Organization,
    OrganizationKind,
    SizeClass,
    Verification,
)
from solvers.profiles.models import CapabilityProfile, EvidenceItem, Visibility


async def profile_of(session: AsyncSession, organization_id: uuid.UUID) -> CapabilityProfile | None:
    """An organization's profile with its evidence."""
    return await session.scalar(
        select(CapabilityProfile)
        .where(CapabilityProfile.organization_id == organization_id)
        .options(selectinload(CapabilityProfile.evidence))
    )


async def profile_to_change(session: AsyncSession, organization_id: uuid.UUID) -> CapabilityProfile:
    """The profile with its evidence, locked for this transaction; begun empty where there is none."""
    await session.execute(
        insert(CapabilityProfile)
        .values(organization_id=organization_id)
        .on_conflict_do_nothing(index_elements=[CapabilityProfile.organization_id])
    )
    statement = (
        select(CapabilityProfile)
        .where(CapabilityProfile.organization_id == organization_id)
        .options(selectinload(CapabilityProfile.evidence))
        .with_for_update(of=CapabilityProfile)
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(statement)).one()


async def evidence_item(
    session: AsyncSession, organization_id: uuid.UUID, evidence_id: uuid.UUID
) -> EvidenceItem | None:
    """An evidence item, if it is this organization's."""
    return await session.scalar(
        select(EvidenceItem)
        .join(EvidenceItem.profile)
        .where(EvidenceItem.id == evidence_id, CapabilityProfile.organization_id == organization_id)
    )


async def organization_with_profile(session: AsyncSession, organization_id: uuid.UUID) -> Organization | None:
    """An organization with certificates, control relations, profile and evidence."""
    return await session.scalar(
        select(Organization)
        .where(Organization.id == organization_id)
        .options(
            selectinload(Organization.certificates),
            selectinload(Organization.controllers).selectinload(ControlRelation.controller),
            selectinload(Organization.profile).selectinload(CapabilityProfile.evidence),
        )
    )


@dataclass(frozen=True, kw_only=True)
class DirectoryFilters:
    """What listed organizations must be; an empty field asks for nothing.

    `region_code` and `field_code` take in everything below them; an organization must hold all `certificates`.
    """

    kinds: frozenset[OrganizationKind] = frozenset()
    sizes: frozenset[SizeClass] = frozenset()
    certificates: frozenset[CertificateKind] = frozenset()
    region_code: str = ""
    field_code: str = ""


@dataclass(frozen=True, kw_only=True)
class DirectoryReader:
    """Who reads the directory, as far as profiles are concerned, and on which day."""

    readable: frozenset[Visibility]
    organization_id: uuid.UUID | None
    today: date

    def may_read(self) -> ColumnElement[bool]:
        """`policies.may_read_profile` as a condition on CapabilityProfile."""
        own = (
            CapabilityProfile.organization_id == self.organization_id
            if self.organization_id is not None
            else false()
        )
        return or_(CapabilityProfile.visibility.in_(self.readable), own)


def _listed(filters: DirectoryFilters, reader: DirectoryReader) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [Organization.verification == Verification.VERIFIED]
    if filters.kinds:
        conditions.append(Organization.kind.in_(filters.kinds))
    if filters.sizes:
        conditions.append(Organization.size_class.in_(filters.sizes))
    if filters.region_code:
        conditions.append(Organization.region_code.startswith(filters.region_code, autoescape=True))
    for kind in sorted(filters.certificates):
        held = select(Certificate.organization_id).where(
            Certificate.kind == kind,
            Certificate.valid_from <= reader.today,
            Certificate.valid_until >= reader.today,
        )
        conditions.append(Organization.id.in_(held))
    if filters.field_code:
        # A subfield's code has four digits and begins with its field's two.
        codes = func.unnest(CapabilityProfile.subfield_codes).column_valued("code")
        named = (
            select(codes)
            .where(codes.startswith(filters.field_code, autoescape=True))
            .correlate(CapabilityProfile)
            .exists()
        )
        working_there = select(CapabilityProfile.organization_id).where(and_(reader.may_read(), named))
        conditions.append(Organization.id.in_(working_there))
    return conditions


async def listed_ids(
    session: AsyncSession, filters: DirectoryFilters, reader: DirectoryReader
) -> set[uuid.UUID]:
    """Every verified organization that passes the filters."""
    statement: Select[uuid.UUID] = select(Organization.id).where(*_listed(filters, reader))
    return set(await session.scalars(statement))


async def ids_by_name(session: AsyncSession, text: str) -> set[uuid.UUID]:
    """Verified organizations whose name contains the text: names are public whatever the profile's visibility."""
    statement = select(Organization.id).where(
        Organization.verification == Verification.VERIFIED, Organization.name.icontains(text, autoescape=True)
    )
    return set(await session.scalars(statement))


async def listed_page(
    session: AsyncSession,
    filters: DirectoryFilters,
    reader: DirectoryReader,
    *,
    newest_first: bool,
    limit: int,
    offset: int,
) -> tuple[list[uuid.UUID], int]:
    """Ids of one page, by name or with those verified last first, and how many there are in all."""
    conditions = _listed(filters, reader)
    total = (
        await session.execute(select(func.count()).select_from(Organization).where(*conditions))
    ).scalar_one()
    statement = (
        select(Organization.id).where(*conditions).order_by(*_order(newest_first)).limit(limit).offset(offset)
    )
    return list(await session.scalars(statement)), total


async def sorted_ids(
    session: AsyncSession, ids: Collection[uuid.UUID], *, newest_first: bool
) -> list[uuid.UUID]:
    """The same organizations in the order of `listed_page`."""
    statement = select(Organization.id).where(Organization.id.in_(ids)).order_by(*_order(newest_first))
    return list(await session.scalars(statement))


def _order(newest_first: bool) -> tuple[ColumnElement[Any], ...]:
    by_name: tuple[ColumnElement[Any], ...] = (Organization.name.asc(), Organization.id.asc())
    return (Organization.verified_at.desc().nulls_last(), *by_name) if newest_first else by_name


async def organizations_with_profiles(session: AsyncSession, ids: Sequence[uuid.UUID]) -> list[Organization]:
    """Organizations with certificates, profiles and evidence, in the order of the ids."""
    statement = (
        select(Organization)
        .where(Organization.id.in_(ids))
        .options(
            selectinload(Organization.certificates),
            selectinload(Organization.profile).selectinload(CapabilityProfile.evidence),
        )
    )
    found = {item.id: item for item in await session.scalars(statement)}
    return [found[key] for key in ids if key in found]
