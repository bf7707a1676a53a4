"""Use cases of challenges."""

import uuid

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.postings import policies, queries
from challenges.postings.models import Challenge
from core.actor import Actor
from core.clock import shanghai_today
from core.errors import NotFoundError
from core.i18n import lazy_gettext as _


async def read_challenge(
    session: AsyncSession, actor: Actor, challenge_id: uuid.UUID, *, lock: bool = False
) -> Challenge:
    """A challenge that the actor may read, whole; for everybody else it does not exist (NotFoundError)."""
    challenge = await queries.challenge_by_id(session, challenge_id, lock=lock)
    if challenge is None or not policies.may_read_challenge(
        actor, challenge, await certificates_of(session, actor)
    ):
        raise NotFoundError(_("There is no such challenge."))
    return challenge


async def certificates_of(session: AsyncSession, actor: Actor) -> frozenset[str]:
    """Kinds of certificate that the actor's organization holds today."""
    if actor.organization_id is None:
        return frozenset()
    return await queries.certificates_on(session, actor.organization_id, shanghai_today())
