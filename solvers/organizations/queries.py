"""Every SELECT about organizations and their people."""

import uuid
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from core.accounts.models import Person
from core.audit import AuditEntry
from solvers.organizations.models import (
    ControlKind,
    ControlRelation,
    Invitation,
    Membership,
    MembershipRole,
    Organization,
    Verification,
)
from solvers.profiles.models import CapabilityProfile


async def memberships_of(session: AsyncSession, person_id: uuid.UUID) -> list[Membership]:
    """A person's memberships with their organizations, by name."""
    statement = (
        select(Membership)
        .join(Membership.organization)
        .where(Membership.person_id == person_id)
        .options(selectinload(Membership.organization))
        .order_by(Organization.name)
    )
    return list(await session.scalars(statement))


async def organization_by_id(
    session: AsyncSession, organization_id: uuid.UUID, *, lock: bool = False
) -> Organization | None:
    """An organization with its certificates, controllers (and who they are) and its people."""
    statement = (
        select(Organization)
        .where(Organization.id == organization_id)
        .options(
            selectinload(Organization.certificates),
            selectinload(Organization.controllers).selectinload(ControlRelation.controller),
            selectinload(Organization.memberships).selectinload(Membership.person),
        )
        .execution_options(populate_existing=True)
    )
    return await session.scalar(statement.with_for_update(of=Organization) if lock else statement)


async def organization_by_credit_code(session: AsyncSession, credit_code: str) -> Organization | None:
    return await session.scalar(select(Organization).where(Organization.credit_code == credit_code))


async def search_organizations(
    session: AsyncSession, text: str, *, excluded: uuid.UUID | None = None, limit: int = 10
) -> list[Organization]:
    """Registered organizations whose name holds the text or whose credit code begins with it, verified first."""
    text = text.strip()
    if not text:
        return []
    statement = select(Organization).where(
        or_(
            Organization.name.contains(text, autoescape=True),
            Organization.credit_code.startswith(text.upper(), autoescape=True),
        ),
        Organization.verification != Verification.DRAFT,
    )
    if excluded is not None:
        statement = statement.where(Organization.id != excluded)
    order = (Organization.verification == Verification.VERIFIED).desc()
    return list(
        await session.scalars(
            statement.order_by(order, func.length(Organization.name), Organization.name).limit(limit)
        )
    )


async def relations_naming(session: AsyncSession, organization_id: uuid.UUID) -> list[ControlRelation]:
    """Relations in which others name this organization, with those others, by name."""
    statement = (
        select(ControlRelation)
        .join(ControlRelation.organization)
        .where(ControlRelation.controller_id == organization_id)
        .options(selectinload(ControlRelation.organization))
        .order_by(Organization.name)
    )
    return list(await session.scalars(statement))


async def organizations_seeing_size_of(session: AsyncSession, organization_id: uuid.UUID) -> list[uuid.UUID]:
    """Whose standing as SME depends on this organization's size: those it controls or shares its head with."""
    controlled = select(ControlRelation.organization_id).where(
        ControlRelation.controller_id == organization_id
    )
    mutual = select(ControlRelation.controller_id).where(
        ControlRelation.organization_id == organization_id,
        ControlRelation.controller_id.is_not(None),
        ControlRelation.kind == ControlKind.SAME_LEGAL_REPRESENTATIVE,
    )
    return [item for item in await session.scalars(controlled.union(mutual)) if item is not None]


async def profiles_of(session: AsyncSession, organization_ids: list[uuid.UUID]) -> list[CapabilityProfile]:
    """Locked in the order of their keys, so that two changes at once wait for each other instead of deadlocking."""
    statement = (
        select(CapabilityProfile)
        .where(CapabilityProfile.organization_id.in_(organization_ids))
        .order_by(CapabilityProfile.id)
        .with_for_update()
    )
    return list(await session.scalars(statement))


async def membership_of(
    session: AsyncSession, organization_id: uuid.UUID, person_id: uuid.UUID
) -> Membership | None:
    statement = (
        select(Membership)
        .where(Membership.organization_id == organization_id, Membership.person_id == person_id)
        .options(selectinload(Membership.person), selectinload(Membership.organization))
    )
    return await session.scalar(statement)


async def membership_by_id(session: AsyncSession, membership_id: uuid.UUID) -> Membership | None:
    statement = (
        select(Membership)
        .where(Membership.id == membership_id)
        .options(selectinload(Membership.person), selectinload(Membership.organization))
    )
    return await session.scalar(statement)


async def owners_locked(session: AsyncSession, organization_id: uuid.UUID) -> list[Membership]:
    """The owners' memberships, locked: of two owners who leave at once one has to stay."""
    statement = (
        select(Membership)
        .join(Membership.person)
        .where(
            Membership.organization_id == organization_id,
            Membership.role == MembershipRole.OWNER,
            Person.is_disabled.is_(False),
        )
        .order_by(Membership.id)
        .with_for_update(of=Membership)
    )
    return list(await session.scalars(statement))


async def editor_ids(session: AsyncSession, *organization_ids: uuid.UUID) -> set[uuid.UUID]:
    """People who act for these organizations as owner or editor: who is told of what concerns them."""
    statement = (
        select(Membership.person_id)
        .join(Person, Person.id == Membership.person_id)
        .where(
            Membership.organization_id.in_(organization_ids),
            Membership.role.in_([MembershipRole.OWNER, MembershipRole.EDITOR]),
            Person.is_disabled.is_(False),
        )
    )
    return set(await session.scalars(statement))


async def organization_ids_of(session: AsyncSession, person_id: uuid.UUID | None) -> set[uuid.UUID]:
    """All organizations that a person belongs to, whichever they act for now."""
    statement = select(Membership.organization_id).where(Membership.person_id == person_id)
    return set(await session.scalars(statement))


async def people_with_role(
    session: AsyncSession, organization_id: uuid.UUID, *roles: MembershipRole
) -> list[Person]:
    statement = (
        select(Person)
        .join(Membership, Membership.person_id == Person.id)
        .where(
            Membership.organization_id == organization_id,
            Membership.role.in_(roles),
            Person.is_disabled.is_(False),
        )
        .order_by(Person.name, Person.id)
    )
    return list(await session.scalars(statement))


async def open_invitations(
    session: AsyncSession, organization_id: uuid.UUID, now: datetime
) -> list[Invitation]:
    statement = (
        select(Invitation)
        .where(
            Invitation.organization_id == organization_id,
            Invitation.accepted_at.is_(None),
            Invitation.revoked_at.is_(None),
            Invitation.expires_at > now,
        )
        .order_by(Invitation.created_at)
    )
    return list(await session.scalars(statement))


async def invitation_by_id(session: AsyncSession, invitation_id: uuid.UUID) -> Invitation | None:
    return await session.get(Invitation, invitation_id)


async def usable_invitation(
    session: AsyncSession, token_hash: bytes, now: datetime, *, lock: bool = False
) -> Invitation | None:
    """An invitation that is neither used, revoked nor expired, with its organization."""
    statement = (
        select(Invitation)
        .where(
            Invitation.token_hash == token_hash,
            Invitation.accepted_at.is_(None),
            Invitation.revoked_at.is_(None),
            Invitation.expires_at > now,
        )
        .options(selectinload(Invitation.organization))
    )
    return await session.scalar(statement.with_for_update(of=Invitation) if lock else statement)


async def verification_queue(
    session: AsyncSession, *, states: list[Verification], search: str, limit: int, offset: int
) -> tuple[list[Organization], int]:
    """Organizations in these states, those that wait longest first, and how many there are."""
    condition = Organization.verification.in_(states)
    if search.strip():
        condition &= or_(
            Organization.name.contains(search.strip(), autoescape=True),
            Organization.credit_code.startswith(search.strip().upper(), autoescape=True),
        )
    total = (
        await session.execute(select(func.count()).select_from(Organization).where(condition))
    ).scalar_one()
    statement = (
        select(Organization)
        .where(condition)
        .order_by(Organization.submitted_at.asc().nulls_last(), Organization.created_at, Organization.id)
        .limit(limit)
        .offset(offset)
    )
    return list(await session.scalars(statement)), total


async def verification_counts(session: AsyncSession) -> dict[Verification, int]:
    statement = select(Organization.verification, func.count()).group_by(Organization.verification)
    counts = {row[0]: row[1] for row in await session.execute(statement)}
    return {state: counts.get(state, 0) for state in Verification}


async def memberships_of_people(
    session: AsyncSession, person_ids: list[uuid.UUID]
) -> dict[uuid.UUID, list[Membership]]:
    """Memberships with their organizations by person."""
    statement = (
        select(Membership)
        .join(Membership.organization)
        .where(Membership.person_id.in_(person_ids))
        .options(selectinload(Membership.organization))
        .order_by(Organization.name)
    )
    found: dict[uuid.UUID, list[Membership]] = {person_id: [] for person_id in person_ids}
    for membership in await session.scalars(statement):
        found[membership.person_id].append(membership)
    return found


async def last_change(session: AsyncSession, organization_id: uuid.UUID) -> int:
    """Number of the organization's newest audit entry, 0 when there is none."""
    statement = select(func.coalesce(func.max(AuditEntry.number), 0)).where(
        AuditEntry.subject_type == "organization", AuditEntry.subject_id == organization_id
    )
    return (await session.execute(statement)).scalar_one()


async def any_organization(session: AsyncSession) -> bool:
    return await session.scalar(select(Organization.id).limit(1)) is not None
