"""Use cases of handing a consortium to the officers, and of taking it back before they decide."""

import uuid

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.bids import queries as bid_queries
from challenges.consortia import events, policies, queries
from challenges.consortia.models import Consortium, ConsortiumState
from challenges.consortia.standing import Standing, standing_of
from challenges.consortia.states import MACHINE
from challenges.consortia.workbench import lock_for_poster, lock_open
from challenges.postings import policies as posting_policies
from challenges.postings import service as postings
from challenges.postings.models import Challenge, ChallengeState
from challenges.postings.states import move
from core import states
from core.actor import SYSTEM, Actor
from core.database import database_time
from core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from core.i18n import lazy_gettext as _
from core.notifications.service import notify


async def submit_consortium(
    session: AsyncSession,
    actor: Actor,
    challenge_id: uuid.UUID,
    revision: int,
    note: str = "",
    *,
    asks_waiver: bool = False,
) -> Consortium:
    """Hand the consortium to the officer. Refused while anything is broken, by what is true at this moment.

    With `asks_waiver` it may break parts of the quota, and `note` says why it should be approved all the same.
    """
    challenge = await lock_for_poster(session, actor, challenge_id)
    consortium = await lock_open(session, challenge_id, revision)
    if not policies.may_submit(actor, challenge, consortium, await database_time(session)):
        raise ConflictError(_("A consortium is submitted after the deadline for bids, once."))
    if (
        challenge.program is not None
        and challenge.program.needs_review
        and await bid_queries.bids_of_challenge(session, challenge_id)
    ):
        raise ConflictError(_("The bids of this program are reviewed: name the winners after the review."))
    standing = await checked_standing(session, challenge, consortium, note, asks_waiver=asks_waiver)
    if challenge.state is ChallengeState.PUBLISHED:
        # The deadline has passed; the job that says so is a few seconds behind.
        await move(session, SYSTEM, challenge, ChallengeState.CLOSED)
    await move(
        session,
        actor,
        challenge,
        ChallengeState.MATCH_PROPOSED,
        details={"consortium": str(consortium.id), "rule": str(consortium.rule_id)},
    )
    await hand_over(session, actor, consortium, standing, note)
    officers = await queries.officers_of(session, challenge.program_id)
    await notify(
        session,
        f"{events.SUBMITTED.name}:{consortium.id}:{consortium.revision}",
        events.SUBMITTED,
        [officer.id for officer in officers],
        consortium,
        {"title": challenge.title, "poster": challenge.organization.name},
    )
    return consortium


async def checked_standing(
    session: AsyncSession, challenge: Challenge, consortium: Consortium, note: str, *, asks_waiver: bool
) -> Standing:
    """What is to be submitted, held as it is now. Raises InvalidError with what stands in the way."""
    await queries.lock_organizations(session, [member.organization_id for member in consortium.members])
    standing = await standing_of(session, challenge, consortium)
    if consortium.computation.get("status") == "solving":
        raise ConflictError(_("The proposal is still being computed."))
    if standing.structural or (standing.broken and not asks_waiver):
        raise InvalidError({"": " ".join(standing.shortcomings)})
    if standing.broken and not note.strip():
        raise InvalidError({"note": _("Say why the quota should be waived.")})
    return standing


async def hand_over(
    session: AsyncSession, actor: Actor, consortium: Consortium, standing: Standing, note: str
) -> None:
    """Write a consortium down as submitted; its challenge has been moved before."""
    consortium.submitted_by_id = actor.person_id
    consortium.note = note.strip()
    consortium.revision += 1
    await states.move(
        session,
        MACHINE,
        actor,
        consortium,
        ConsortiumState.SUBMITTED,
        details={"asks_waiver_of": [part.name for part in standing.broken]} if standing.broken else None,
    )


async def take_back_consortium(session: AsyncSession, actor: Actor, challenge_id: uuid.UUID) -> Consortium:
    """The poster wants to change what waits for the officer: of several teams all that are not decided on."""
    challenge = await postings.read_challenge(session, actor, challenge_id, lock=True)
    teams = [
        item
        for item in await queries.live_teams(session, challenge_id, lock=True)
        if item.state in queries.OPEN and policies.may_see_consortium(actor, challenge, item)
    ]
    if not teams:
        raise NotFoundError(_("There is no such consortium."))
    if not posting_policies.is_poster_editor(actor, challenge):
        raise ForbiddenError(_("You may not take this step."))
    waiting = [item for item in teams if policies.may_take_back(actor, challenge, item)]
    if not waiting:
        raise ConflictError(_("The consortium is not waiting for a decision any more."))
    await move(session, actor, challenge, ChallengeState.CLOSED)
    for consortium in waiting:
        consortium.revision += 1
        await states.move(session, MACHINE, actor, consortium, ConsortiumState.PROPOSED)
    return waiting[0]
