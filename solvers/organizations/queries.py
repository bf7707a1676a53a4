"""Every SELECT about organizations, their people and profiles."""

import uuid

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from solvers.organizations.models import Membership, Organization


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
