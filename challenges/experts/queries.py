"""Every SELECT about experts."""

import uuid
from collections.abc import Collection

from sqlalchemy import Select, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from challenges.experts.models import Expert
from core.accounts.models import Person
from core.database import held
from solvers.organizations.models import Organization, Verification


def _whole() -> Select[Expert]:
    return select(Expert).options(
        selectinload(Expert.person).selectinload(Person.roles),
        selectinload(Expert.organization),
        selectinload(Expert.past_employers),
    )


async def expert_by_id(session: AsyncSession, expert_id: uuid.UUID, *, lock: bool = False) -> Expert | None:
    """An expert with person, employer and past employers."""
    statement = _whole().where(Expert.id == expert_id)
    return await session.scalar(held(statement, Expert, lock=lock))


async def expert_of_person(session: AsyncSession, person_id: uuid.UUID | None) -> Expert | None:
    return await session.scalar(_whole().where(Expert.person_id == person_id))


async def experts_of_people(
    session: AsyncSession, person_ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, Expert]:
    """Experts by person, with employer and past employers."""
    found = await session.scalars(_whole().where(Expert.person_id.in_(person_ids)))
    return {expert.person_id: expert for expert in found}


async def experts_named(session: AsyncSession, names: Collection[str]) -> list[Expert]:
    """Everybody in the base who bears one of these names."""
    statement = _whole().join(Person, Person.id == Expert.person_id).where(Person.name.in_(names))
    return list(await session.scalars(statement))


async def active_experts(session: AsyncSession) -> list[Expert]:
    """Everybody who may be appointed, by name."""
    statement = (
        _whole()
        .join(Person, Person.id == Expert.person_id)
        .where(Expert.is_active, Person.is_disabled.is_(False))
        .order_by(Person.name, Expert.id)
    )
    return list(await session.scalars(statement))


async def search_experts(
    session: AsyncSession,
    *,
    search: str = "",
    subfield: str = "",
    enterprise: bool | None = None,
    active: bool | None = True,
    limit: int,
    offset: int,
) -> tuple[list[Expert], int]:
    """Experts whose name, address, employer or strengths hold the words, by name, and how many there are."""
    statement = (
        _whole()
        .join(Person, Person.id == Expert.person_id)
        .outerjoin(Organization, Organization.id == Expert.organization_id)
    )
    if search:
        statement = statement.where(
            or_(
                *(
                    column.icontains(search, autoescape=True)
                    for column in (
                        Person.name,
                        Person.email,
                        Expert.organization_name,
                        Organization.name,
                        Expert.strengths,
                        Expert.title,
                    )
                )
            )
        )
    if subfield:
        statement = statement.where(Expert.fields.contains([subfield]))
    if enterprise is not None:
        statement = statement.where(Expert.is_enterprise.is_(enterprise))
    if active is not None:
        statement = statement.where(Expert.is_active.is_(active))
    total = (
        await session.execute(
            select(func.count()).select_from(statement.with_only_columns(Expert.id).order_by(None).subquery())
        )
    ).scalar_one()
    page = statement.order_by(Person.name, Expert.id).limit(limit).offset(offset)
    return list(await session.scalars(page)), total


async def organization_named(session: AsyncSession, text: str) -> Organization | None:
    """A registered, verified organization with exactly this name or credit code."""
    statement = (
        select(Organization)
        .where(
            or_(Organization.name == text, Organization.credit_code == text.upper()),
            Organization.verification == Verification.VERIFIED,
        )
        .order_by(Organization.created_at)
        .limit(1)
    )
    return await session.scalar(statement)
