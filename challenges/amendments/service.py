"""Use cases of changing a published challenge: the poster proposes, an officer confirms, bidders are told.

Screening has decided the text that is on the list, so nothing of it changes without an officer.
"""

import uuid
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import set_committed_value

from challenges.amendments import events, policies, queries
from challenges.amendments.content import (
    Content,
    candidate,
    changed_names,
    content_of,
    deadline_of,
    is_substantial,
    rows_of,
    values_of,
)
from challenges.amendments.models import Amendment, AmendmentState
from challenges.amendments.states import AMENDMENT
from challenges.followers import bidder_ids, readers_among, saver_ids
from challenges.matches.service import queue_match
from challenges.postings.completeness import incomplete
from challenges.postings.models import Challenge
from challenges.postings.policies import is_open_for_bids, is_poster_editor
from challenges.postings.queries import officers_in_charge
from challenges.postings.service import read_challenge, write_requirements, write_tokens
from core import audit
from core.actor import SYSTEM, Actor
from core.database import database_time
from core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from core.i18n import lazy_gettext as _
from core.notifications.kinds import Kind
from core.notifications.service import notify
from core.revisions import next_revision
from core.states import move
from solvers.organizations.queries import editor_ids, organization_ids_of


async def changeable_challenge(
    session: AsyncSession, actor: Actor, challenge_id: uuid.UUID, *, lock: bool = False
) -> Challenge:
    """A challenge for which the actor may propose a change now; ForbiddenError or ConflictError say why not."""
    challenge = await read_challenge(session, actor, challenge_id, lock=lock)
    if not is_poster_editor(actor, challenge):
        raise ForbiddenError(_("Only editors of the posting organization may change a challenge."))
    if not policies.may_propose(actor, challenge, await database_time(session)):
        raise ConflictError(_("A challenge is changed this way while it is open for bids."))
    if await queries.waiting_of(session, challenge.id) is not None:
        raise ConflictError(
            _("A change waits for the officer already: take it back before you propose another.")
        )
    return challenge


async def propose(
    session: AsyncSession,
    actor: Actor,
    challenge_id: uuid.UUID,
    after: Content,
    *,
    explanation: str,
    revision: int,
) -> Amendment:
    """Hand a change in for confirmation. Raises InvalidError with messages at the form's fields."""
    challenge = await changeable_challenge(session, actor, challenge_id, lock=True)
    assert actor.person_id is not None
    if challenge.revision != revision:
        raise InvalidError(
            {
                "": _(
                    "The challenge has changed since you opened this form. Look at its changes, then enter yours again."
                )
            }
        )
    before = content_of(challenge)
    explanation = explanation.replace("\r\n", "\n").strip()
    now = await database_time(session)
    if messages := _problems(challenge, before, after, explanation, now):
        raise InvalidError(messages)
    amendment = Amendment(
        id=uuid.uuid4(),
        challenge_id=challenge.id,
        state=AmendmentState.PROPOSED,
        explanation=explanation,
        before=before,
        after=after,
        deadline_before=deadline_of(before),
        deadline_after=deadline_of(after),
        is_substantial=is_substantial(before, after),
        base_revision=challenge.revision,
        proposed_by_id=actor.person_id,
        proposed_at=now,
    )
    session.add(amendment)
    await session.flush()
    await audit.record(
        session,
        actor,
        "amendment.proposed",
        "challenge",
        challenge.id,
        {"amendment": str(amendment.id), "changed": changed_names(before, after), "reason": explanation},
    )
    assert challenge.program_id is not None
    officers = await officers_in_charge(session, challenge.program_id)
    await _tell(
        session,
        events.PROPOSED,
        amendment,
        challenge,
        {officer.id for officer in officers},
        organization=challenge.organization.name,
        explanation=explanation,
    )
    return amendment


def _problems(
    challenge: Challenge, before: Content, after: Content, explanation: str, now: Any
) -> dict[str, Any]:
    messages = incomplete(candidate(challenge, after))
    if not explanation:
        messages["explanation"] = _("Please fill this in.")
    if after["deadline_at"] is not None:
        assert challenge.program is not None
        if (problem := policies.deadline_problem(before, after, challenge.program, now)) is not None:
            messages["deadline_at"] = problem
    if not messages and not changed_names(before, after):
        messages[""] = _("Nothing is different from the challenge as it stands.")
    return messages


async def confirm(session: AsyncSession, actor: Actor, amendment_id: uuid.UUID) -> Amendment:
    """Put a proposed change in force: the challenge, its index, its ranking; whoever bids has to answer.

    Raises InvalidError on `deadline_at` where too little time is left by now.
    """
    challenge, amendment = await _held(session, actor, amendment_id)
    if not policies.may_decide(actor, challenge):
        raise ForbiddenError(_("Only officers of the program decide this."))
    if amendment.state is not AmendmentState.PROPOSED:
        raise ConflictError(_("This change does not wait for an officer any more."))
    if challenge.organization_id in await organization_ids_of(session, actor.person_id):
        raise ForbiddenError(_("You belong to the posting organization: another officer decides this."))
    now = await database_time(session)
    # Before the deadline is extended: what is over is not opened again.
    if not is_open_for_bids(challenge, now):
        raise ConflictError(_("The deadline for bids has passed: the challenge is not changed any more."))
    assert challenge.program is not None
    # What has been confirmed meanwhile would have ended this proposal's ground; the database lets one wait at a time.
    if challenge.revision != amendment.base_revision:
        raise ConflictError(_("The challenge has changed meanwhile: this proposal has to be made anew."))
    problem = policies.deadline_problem(amendment.before, amendment.after, challenge.program, now)
    if problem is not None:
        raise InvalidError({"deadline_at": problem})
    amendment.version = await queries.newest_version(session, challenge.id) + 1
    amendment.decided_by_id = actor.person_id
    for name, value in values_of(amendment.after).items():
        setattr(challenge, name, value)
    await write_requirements(session, challenge, rows_of(amendment.after))
    challenge.revision += 1
    await write_tokens(challenge)
    challenge.index_revision = await next_revision(session, "challenges")
    await move(
        session,
        AMENDMENT,
        actor,
        amendment,
        AmendmentState.CONFIRMED,
        now=now,
        details={
            "amendment": str(amendment.id),
            "version": amendment.version,
            "changed": changed_names(amendment.before, amendment.after),
        },
    )
    await queue_match(session, challenge.id)
    await _tell_everybody(session, actor, amendment, challenge)
    return amendment


async def refuse(session: AsyncSession, actor: Actor, amendment_id: uuid.UUID, *, note: str) -> Amendment:
    """Leave the challenge as it is, with a reason (InvalidError on `note` where there is none)."""
    challenge, amendment = await _held(session, actor, amendment_id)
    await _settle(session, actor, amendment, AmendmentState.REFUSED, note=note)
    people = await editor_ids(session, challenge.organization_id)
    await _tell(session, events.REFUSED, amendment, challenge, people, note=amendment.note)
    return amendment


async def take_back(session: AsyncSession, actor: Actor, amendment_id: uuid.UUID) -> Amendment:
    _challenge, amendment = await _held(session, actor, amendment_id)
    return await _settle(session, actor, amendment, AmendmentState.TAKEN_BACK)


async def lapse(session: AsyncSession, amendment: Amendment, now: Any) -> None:
    """What time does to a proposal that nobody has looked at before bidding ended."""
    await move(
        session,
        AMENDMENT,
        SYSTEM,
        amendment,
        AmendmentState.LAPSED,
        now=now,
        details={"amendment": str(amendment.id)},
    )
    challenge = amendment.challenge
    people = await editor_ids(session, challenge.organization_id)
    await _tell(session, events.LAPSED, amendment, challenge, people)


async def _settle(
    session: AsyncSession, actor: Actor, amendment: Amendment, to: AmendmentState, *, note: str = ""
) -> Amendment:
    # Before anything is written: the database keeps what is decided.
    if amendment.state is not AmendmentState.PROPOSED:
        raise ConflictError(_("This change does not wait for an officer any more."))
    amendment.decided_by_id = actor.person_id
    return await move(
        session, AMENDMENT, actor, amendment, to, note=note, details={"amendment": str(amendment.id)}
    )


async def _held(session: AsyncSession, actor: Actor, amendment_id: uuid.UUID) -> tuple[Challenge, Amendment]:
    """An amendment that the actor may read, with its challenge locked before it."""
    challenge_id = await queries.challenge_of_amendment(session, amendment_id)
    if challenge_id is None:
        raise NotFoundError(_("There is no such change."))
    challenge = await read_challenge(session, actor, challenge_id, lock=True)
    amendment = await queries.amendment_by_id(session, amendment_id)
    if amendment is None or not policies.may_read(actor, challenge, amendment):
        raise NotFoundError(_("There is no such change."))
    set_committed_value(amendment, "challenge", challenge)
    return challenge, amendment


async def _tell_everybody(
    session: AsyncSession, actor: Actor, amendment: Amendment, challenge: Challenge
) -> None:
    """The poster; the bidders, each for the bid that has to be confirmed; and whoever else follows the challenge."""
    texts = {
        "explanation": amendment.explanation,
        "deadline_at": amendment.deadline_after.isoformat(),
    }
    poster = await editor_ids(session, challenge.organization_id)
    await _tell(session, events.CONFIRMED, amendment, challenge, poster - {actor.person_id}, **texts)
    asked: set[uuid.UUID] = set()
    if amendment.is_substantial:
        for bid in await queries.live_bids_of(session, challenge.id):
            people = await editor_ids(session, bid.organization_id)
            asked |= people
            await notify(
                session,
                f"{events.BID_TO_CONFIRM.name}:{bid.id}:{amendment.version}",
                events.BID_TO_CONFIRM,
                people,
                bid,
                {"title": challenge.title, **texts},
            )
    others = await bidder_ids(session, challenge.id) | await saver_ids(session, challenge.id)
    readers = await readers_among(session, others - asked - poster, challenge)
    await _tell(session, events.CHANGED, amendment, challenge, readers - {actor.person_id}, **texts)


async def _tell(
    session: AsyncSession,
    kind: Kind,
    amendment: Amendment,
    challenge: Challenge,
    people: set[uuid.UUID],
    **texts: str,
) -> None:
    await notify(
        session,
        f"{kind.name}:{amendment.id}",
        kind,
        people,
        challenge,
        {"title": challenge.title, **texts},
    )
