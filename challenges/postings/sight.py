"""Which challenges a person who was told of them may read now."""

import uuid
from collections.abc import Iterable, Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.postings import queries
from core.actor import Actor
from core.database import database_today
from core.notifications.models import Notification
from solvers.organizations.acting import actors_of


async def challenge_is_readable(
    session: AsyncSession, person_id: uuid.UUID, told: Sequence[Notification]
) -> set[uuid.UUID]:
    """The check of kinds whose subject is a challenge that its readers may know of."""
    readable = await readable_of(session, person_id, [item.subject_id for item in told])
    return {item.id for item in told if item.subject_id in readable}


async def readable_of(
    session: AsyncSession, person_id: uuid.UUID, challenge_ids: Iterable[uuid.UUID]
) -> set[uuid.UUID]:
    """Which of these challenges a person may read now, as any of those they act for."""
    wanted = list(challenge_ids)
    readable: set[uuid.UUID] = set()
    for actor in await actors_of(session, person_id):
        readable |= await queries.readable_ids(session, actor, await _certificates(session, actor), wanted)
    return readable


async def challenge_is_ours(
    session: AsyncSession, person_id: uuid.UUID, told: Sequence[Notification]
) -> set[uuid.UUID]:
    """The check of kinds for the poster and the program's officers: what they are told of a public challenge, such as
    an officer's comments, is not public."""
    wanted = [item.subject_id for item in told]
    ours: set[uuid.UUID] = set()
    for actor in await actors_of(session, person_id):
        ours |= await queries.own_ids(session, actor, wanted)
    return {item.id for item in told if item.subject_id in ours}


async def _certificates(session: AsyncSession, actor: Actor) -> frozenset[str]:
    if actor.organization_id is None:
        return frozenset()
    return await queries.certificates_on(session, actor.organization_id, await database_today(session))


async def may_know_of(session: AsyncSession, person_id: uuid.UUID, challenge_id: uuid.UUID) -> bool:
    """Whether a person, by any of their organizations, may read a challenge."""
    for actor in await actors_of(session, person_id):
        if await queries.readable_ids(session, actor, await _certificates(session, actor), [challenge_id]):
            return True
    return False
