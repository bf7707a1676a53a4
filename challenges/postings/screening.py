"""What officers decide about challenges, and early ends: publish, return, withdraw, no award."""

import uuid
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.matches.service import queue_match
from challenges.postings import completeness, events, policies, queries
from challenges.postings.models import Challenge, ChallengeState
from challenges.postings.service import read_challenge, write_tokens
from challenges.postings.states import move, transition
from core import audit
from core.actor import SYSTEM, Actor
from core.database import database_time
from core.errors import ConflictError, ForbiddenError, InvalidError
from core.i18n import lazy_gettext as _
from core.notifications.kinds import Kind
from core.notifications.service import notify
from solvers.organizations.queries import editor_ids


async def publish_challenge(session: AsyncSession, actor: Actor, challenge_id: uuid.UUID) -> Challenge:
    """Put a submitted challenge on the list and have solvers ranked for it.

    Raises InvalidError with the messages of `completeness.unpublishable`.
    """
    challenge = await _in_charge(session, actor, challenge_id)
    if transition(challenge.state, ChallengeState.PUBLISHED) is None:
        raise ConflictError(_("This challenge does not wait for screening."))
    if messages := completeness.unpublishable(challenge, await database_time(session)):
        raise InvalidError(messages)
    await _publish(session, actor, challenge, None)
    return challenge


async def _publish(session: AsyncSession, actor: Actor, challenge: Challenge, now: datetime | None) -> None:
    await write_tokens(challenge)
    await move(session, actor, challenge, ChallengeState.PUBLISHED, now=now)
    await queue_match(session, challenge.id)
    await _tell_editors(session, actor, events.PUBLISHED, challenge)


async def plan_publication(
    session: AsyncSession,
    actor: Actor,
    challenge_id: uuid.UUID,
    publish_at: datetime | None,
    *,
    cancel: bool = False,
) -> Challenge:
    """Choose when time is to publish a submitted challenge, or `cancel` what was chosen.

    Raises InvalidError on `publish_at`, or with the messages of `completeness.unpublishable` on that day.
    """
    challenge = await _in_charge(session, actor, challenge_id)
    if transition(challenge.state, ChallengeState.PUBLISHED) is None:
        raise ConflictError(_("This challenge does not wait for screening."))
    if cancel:
        publish_at = None
    else:
        if publish_at is None or publish_at <= await database_time(session):
            raise InvalidError({"publish_at": _("Choose a time in the future.")})
        if messages := completeness.unpublishable(challenge, publish_at):
            raise InvalidError(messages)
    challenge.publish_at = publish_at
    await audit.record(
        session,
        actor,
        "challenge.publication_planned" if publish_at else "challenge.publication_unplanned",
        "challenge",
        challenge.id,
        {"publish_at": publish_at},
    )
    return challenge


async def publish_as_planned(session: AsyncSession, challenge: Challenge, now: datetime) -> None:
    """What time does on the chosen day. Where publication has become impossible, the plan is dropped and told of."""
    messages = completeness.unpublishable(challenge, now)
    if not messages:
        await _publish(session, SYSTEM, challenge, now)
        return
    reasons = " ".join(str(message) for message in messages.values())
    planned_at, challenge.publish_at = challenge.publish_at, None
    await audit.record(
        session, SYSTEM, "challenge.publication_failed", "challenge", challenge.id, {"reason": reasons}
    )
    assert challenge.program_id is not None
    assert planned_at is not None
    officers = await queries.officers_in_charge(session, challenge.program_id)
    await notify(
        session,
        f"{events.PUBLICATION_FAILED.name}:{challenge.id}:{planned_at.isoformat()}",
        events.PUBLICATION_FAILED,
        [officer.id for officer in officers],
        challenge,
        {"title": challenge.title, "reasons": reasons},
    )


async def return_challenge(
    session: AsyncSession, actor: Actor, challenge_id: uuid.UUID, *, note: str
) -> Challenge:
    """Send a submitted challenge back with comments (InvalidError on `note` where there are none)."""
    challenge = await _in_charge(session, actor, challenge_id)
    await move(session, actor, challenge, ChallengeState.RETURNED, note=note)
    await _tell_editors(session, actor, events.RETURNED, challenge)
    return challenge


async def withdraw_challenge(
    session: AsyncSession, actor: Actor, challenge_id: uuid.UUID, *, note: str
) -> Challenge:
    """End a challenge early, by its poster or an officer, with a reason."""
    challenge = await read_challenge(session, actor, challenge_id, lock=True)
    await move(session, actor, challenge, ChallengeState.WITHDRAWN, note=note)
    await _tell_editors(session, actor, events.WITHDRAWN, challenge)
    return challenge


async def declare_no_award(
    session: AsyncSession, actor: Actor, challenge_id: uuid.UUID, *, note: str
) -> Challenge:
    """End a closed challenge without an award (流标), with a reason."""
    challenge = await _in_charge(session, actor, challenge_id)
    await move(session, actor, challenge, ChallengeState.NO_AWARD, note=note)
    await _tell_editors(session, actor, events.NO_AWARD, challenge)
    return challenge


async def _in_charge(session: AsyncSession, actor: Actor, challenge_id: uuid.UUID) -> Challenge:
    challenge = await read_challenge(session, actor, challenge_id, lock=True)
    if not policies.is_officer_in_charge(actor, challenge):
        raise ForbiddenError(_("Only officers of the program decide this."))
    return challenge


async def _tell_editors(session: AsyncSession, actor: Actor, kind: Kind, challenge: Challenge) -> None:
    """Tell the poster's owners and editors, except who has just done it."""
    people = await editor_ids(session, challenge.organization_id)
    await notify(
        session,
        f"{kind.name}:{challenge.id}:{challenge.index_revision}",
        kind,
        people - {actor.person_id},
        challenge,
        {"title": challenge.title, "note": challenge.state_note},
    )
