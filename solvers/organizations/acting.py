"""A person as the actors they may be: whoever is told something is judged by every organization they belong to."""

import uuid
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from core.accounts.queries import person_by_id
from core.actor import Actor
from core.notifications.models import Notification
from solvers.organizations.queries import memberships_of


async def actors_of(session: AsyncSession, person_id: uuid.UUID) -> list[Actor]:
    """One actor per membership, or one without an organization; none where the account is gone or disabled."""
    person = await person_by_id(session, person_id)
    if person is None or person.is_disabled:
        return []
    roles = frozenset(item.role for item in person.roles)
    alone = Actor(person_id=person.id, name=person.name, email=person.email, roles=roles)
    return [
        Actor(
            person_id=person.id,
            name=person.name,
            email=person.email,
            roles=roles,
            organization_id=item.organization_id,
            organization_name=item.organization.name,
            organization_role=item.role.value,
            organization_verified=item.organization.is_verified,
        )
        for item in await memberships_of(session, person_id)
    ] or [alone]


async def is_of_organization(
    session: AsyncSession, person_id: uuid.UUID, told: Sequence[Notification]
) -> set[uuid.UUID]:
    """The check of kinds that concern an organization, named by the parameter `organization_id`, as such."""
    own = {str(item.organization_id) for item in await memberships_of(session, person_id)}
    return {item.id for item in told if item.parameters.get("organization_id") in own}
