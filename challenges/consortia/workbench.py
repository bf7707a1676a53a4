"""The one consortium that a poster prepares, held while it is changed."""

import uuid

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.consortia import policies, queries
from challenges.consortia.models import Consortium, ConsortiumState
from challenges.postings import policies as posting_policies
from challenges.postings import service as postings
from challenges.postings.models import Challenge
from core.actor import Actor
from core.errors import ConflictError, ForbiddenError, NotFoundError
from core.i18n import lazy_gettext as _

CHANGED_MEANWHILE = _(
    "Somebody else has changed this consortium meanwhile. Reload the page and change it again."
)


async def lock_for_poster(session: AsyncSession, actor: Actor, challenge_id: uuid.UUID) -> Challenge:
    """The challenge, locked, for an editor of its poster while a consortium may be prepared."""
    challenge = await postings.read_challenge(session, actor, challenge_id, lock=True)
    if not posting_policies.is_poster_editor(actor, challenge):
        raise ForbiddenError(_("A consortium is put together by the poster's owners and editors."))
    if not policies.may_prepare(actor, challenge):
        raise ConflictError(_("A consortium is prepared from publication until it is submitted."))
    return challenge


async def has_several_teams(session: AsyncSession, challenge_id: uuid.UUID) -> bool:
    """Whether winners are named and mended together, and not on the workbench."""
    return len(await queries.live_states(session, challenge_id)) > 1


async def on_the_workbench(session: AsyncSession, challenge_id: uuid.UUID) -> Consortium | None:
    """The open consortium, locked, where it is the only one."""
    teams = await queries.live_teams(session, challenge_id, lock=True)
    if len(teams) > 1 or any(item.state is ConsortiumState.APPROVED for item in teams):
        raise ConflictError(_("Several winners are named for this challenge: go on on the page “Winners”."))
    return teams[0] if teams else None


async def lock_open(session: AsyncSession, challenge_id: uuid.UUID, revision: int) -> Consortium:
    consortium = await on_the_workbench(session, challenge_id)
    if consortium is None:
        raise NotFoundError(_("There is no consortium yet."))
    if consortium.revision != revision:
        raise ConflictError(CHANGED_MEANWHILE)
    return consortium
