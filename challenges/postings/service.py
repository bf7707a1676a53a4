"""Use cases of whoever posts or reads challenges; what officers decide is in `screening`."""

import asyncio
import uuid
from collections.abc import Collection
from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.indexes import challenge_text, terms_of_text
from challenges.postings import completeness, events, policies, queries
from challenges.postings.forms import MAX_REQUIREMENTS, TypedDraft, TypedRequirement
from challenges.postings.models import Challenge, ChallengeState, InvitedSolver, Requirement
from challenges.postings.states import move
from challenges.programs import queries as program_queries
from core import attachments, audit
from core.accounts.queries import person_by_id
from core.actor import Actor
from core.attachments import Attachment
from core.database import database_time, database_today
from core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError, StaleError
from core.i18n import lazy_gettext as _
from core.notifications.service import notify
from core.settings import Settings
from solvers.organizations.models import Organization

SUBJECT = "challenge"
# Enough for drawings and a data sheet of each requirement; more belongs into one archive.
MAX_ATTACHMENTS = 20


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
    return await queries.certificates_on(session, actor.organization_id, await database_today(session))


async def own_organization(session: AsyncSession, actor: Actor) -> Organization | None:
    return await queries.organization_by_id(session, actor.organization_id) if actor.organization_id else None


async def create_draft(
    session: AsyncSession, actor: Actor, *, title: str, round_id: uuid.UUID | None
) -> Challenge:
    organization = await own_organization(session, actor)
    if organization is None or not policies.may_post(
        actor, organization, await program_queries.programs(session)
    ):
        raise ForbiddenError(
            _("Challenges are posted by verified enterprises of a size that an open program takes.")
        )
    person = await person_by_id(session, actor.person_id) if actor.person_id else None
    chosen = await program_queries.round_by_id(session, round_id) if round_id else None
    challenge = Challenge(
        organization_id=organization.id,
        round_id=chosen.id if chosen else None,
        program_id=chosen.program_id if chosen else None,
        title=title.strip()[:200],
        created_by_id=actor.person_id,
        contact_name=actor.name[:100],
        contact_email=actor.email,
        contact_phone=person.phone if person else "",
        requirements=[Requirement(position=0)],
    )
    session.add(challenge)
    await session.flush()
    await audit.record(session, actor, "challenge.created", SUBJECT, challenge.id)
    return challenge


async def editable_challenge(
    session: AsyncSession, actor: Actor, challenge_id: uuid.UUID, *, lock: bool = False
) -> Challenge:
    """A draft that the actor may write in; ForbiddenError or ConflictError say why not."""
    challenge = await read_challenge(session, actor, challenge_id, lock=lock)
    if not policies.is_poster_editor(actor, challenge):
        raise ForbiddenError(_("Only editors of the posting organization may change a challenge."))
    if not policies.may_edit_challenge(actor, challenge):
        raise ConflictError(_("The challenge has been submitted and cannot be changed now."))
    return challenge


async def save_draft(
    session: AsyncSession, actor: Actor, challenge_id: uuid.UUID, typed: TypedDraft, *, revision: int
) -> Challenge:
    """Write what was typed over the draft, if it still is the `revision` that the form was opened with.

    Raises StaleError otherwise, and nothing is written. Incomplete and unreadable input is kept as it is.
    """
    challenge = await editable_challenge(session, actor, challenge_id, lock=True)
    if challenge.revision != revision:
        raise StaleError(
            _("This draft was saved in another window meanwhile. Nothing of it was overwritten."),
            revision=challenge.revision,
        )
    for name, value in typed.values.items():
        setattr(challenge, name, value)
    chosen = await program_queries.round_by_id(session, challenge.round_id) if challenge.round_id else None
    challenge.round_id = chosen.id if chosen else None
    challenge.program_id = chosen.program_id if chosen else None
    challenge.unparsed = typed.unparsed
    await write_requirements(session, challenge, typed.requirements[:MAX_REQUIREMENTS])
    await _write_invited(session, challenge, typed.invited)
    challenge.revision += 1
    await session.flush()
    # The program and round that were loaded may be those before.
    session.expire(challenge)
    saved = await queries.challenge_by_id(session, challenge_id, lock=True)
    assert saved is not None
    return saved


async def write_requirements(
    session: AsyncSession, challenge: Challenge, rows: list[TypedRequirement]
) -> None:
    """Rows as typed; one that was there already keeps its id, so that bids and matches go on naming it."""
    present = {row.id: row for row in challenge.requirements}
    # An id that belongs to another challenge's row is not taken from it: the row gets one of its own.
    foreign = await queries.requirements_elsewhere(session, challenge.id, [row.id for row in rows])
    kept: list[Requirement] = []
    seen: set[uuid.UUID] = set()
    for position, row in enumerate(rows):
        key = row.id if row.id not in foreign and row.id not in seen else uuid.uuid4()
        seen.add(key)
        requirement = present.get(key) or Requirement(id=key)
        for name, value in row.values.items():
            setattr(requirement, name, value)
        requirement.unparsed = row.unparsed
        requirement.position = position
        kept.append(requirement)
    challenge.requirements = kept


async def _write_invited(session: AsyncSession, challenge: Challenge, wanted: Collection[uuid.UUID]) -> None:
    allowed = await queries.invitable(session, wanted, excluded=challenge.organization_id)
    kept = [item for item in challenge.invited if item.organization_id in allowed]
    present = {item.organization_id for item in kept}
    challenge.invited = kept + [InvitedSolver(organization_id=key) for key in sorted(allowed - present)]


def arrange(rows: list[TypedRequirement], command: str) -> list[TypedRequirement]:
    """Rows after a row's button: "add", "remove:2", "up:2" or "down:2" (counted from 0); others change nothing."""
    rows = list(rows)
    verb, _colon, number = command.partition(":")
    if verb == "add":
        if len(rows) < MAX_REQUIREMENTS:
            rows.append(TypedRequirement(id=uuid.uuid4(), values={}, unparsed={}))
        return rows
    place = int(number) if number.isascii() and number.isdigit() else -1
    if not 0 <= place < len(rows):
        return rows
    if verb == "remove":
        del rows[place]
    elif verb in {"up", "down"}:
        other = place + (1 if verb == "down" else -1)
        if 0 <= other < len(rows):
            rows[place], rows[other] = rows[other], rows[place]
    return rows


def arranged(typed: TypedDraft, command: str) -> TypedDraft:
    return replace(typed, requirements=arrange(typed.requirements, command))


async def submit_challenge(session: AsyncSession, actor: Actor, challenge_id: uuid.UUID) -> Challenge:
    """Hand a draft in for screening. Raises InvalidError with the messages of `completeness.lacking`."""
    challenge = await editable_challenge(session, actor, challenge_id, lock=True)
    if not challenge.organization.is_verified:
        raise ForbiddenError(
            _("Your organization is being verified; challenges can be submitted afterwards.")
        )
    if messages := completeness.lacking(challenge, await database_time(session)):
        raise InvalidError(messages)
    await write_tokens(challenge)
    await move(session, actor, challenge, ChallengeState.SUBMITTED, details={"revision": challenge.revision})
    assert challenge.program is not None
    officers = await queries.officers_in_charge(session, challenge.program.id)
    await notify(
        session,
        f"{events.SUBMITTED.name}:{challenge.id}:{challenge.index_revision}",
        events.SUBMITTED,
        [officer.id for officer in officers],
        challenge,
        {
            "title": challenge.title,
            "organization": challenge.organization.name,
            "program": challenge.program.name,
        },
    )
    return challenge


async def write_tokens(challenge: Challenge) -> None:
    """Split the challenge's text once, when it is handed in: search and matching read the tokens."""
    text = challenge_text(
        challenge.title,
        challenge.difficulty,
        challenge.indicators,
        challenge.content,
        [(row.text, row.target) for row in challenge.requirements],
    )
    challenge.tokens = await asyncio.to_thread(terms_of_text, text)
    challenge.tokenizer = terms_of_text.fingerprint


async def attach_file(
    session: AsyncSession,
    settings: Settings,
    actor: Actor,
    challenge_id: uuid.UUID,
    *,
    name: str,
    content: attachments.Content,
) -> Attachment:
    """Raises InvalidError on field `file`."""
    challenge = await editable_challenge(session, actor, challenge_id, lock=True)
    await _has_room(session, challenge)
    attachment = await attachments.store_attachment(
        session, settings, actor, subject_type=SUBJECT, subject_id=challenge.id, name=name, content=content
    )
    await audit.record(
        session, actor, "challenge.attachment_added", SUBJECT, challenge.id, {"name": attachment.name}
    )
    return attachment


async def file_rules(session: AsyncSession, actor: Actor, challenge_id: uuid.UUID) -> attachments.FileRules:
    """What holds for a file that is about to be sent; raises like `attach_file`."""
    await _has_room(session, await editable_challenge(session, actor, challenge_id))
    return attachments.FileRules()


async def _has_room(session: AsyncSession, challenge: Challenge) -> None:
    if len(await attachments.attachments_of(session, SUBJECT, challenge.id)) >= MAX_ATTACHMENTS:
        raise InvalidError(
            {"file": _("A challenge has at most %(number)s attachments.", number=MAX_ATTACHMENTS)}
        )


async def remove_file(session: AsyncSession, actor: Actor, attachment: Attachment) -> None:
    challenge = await editable_challenge(session, actor, attachment.subject_id, lock=True)
    await session.delete(attachment)
    await audit.record(
        session, actor, "challenge.attachment_removed", SUBJECT, challenge.id, {"name": attachment.name}
    )


async def may_read_attachment(session: AsyncSession, actor: Actor, challenge_id: uuid.UUID) -> bool:
    """Whoever may read a challenge may read its attachments."""
    try:
        await read_challenge(session, actor, challenge_id)
    except NotFoundError:
        return False
    return True


async def save_for_later(
    session: AsyncSession, actor: Actor, challenge_id: uuid.UUID, *, saved: bool
) -> None:
    """Put a challenge on the person's own list, or take it off; doing so twice changes nothing."""
    assert actor.person_id is not None
    if not saved:
        # Also what one may not read any more can be taken off.
        await queries.delete_saved(session, actor.person_id, challenge_id)
        return
    challenge = await read_challenge(session, actor, challenge_id)
    await queries.insert_saved(session, actor.person_id, challenge.id)
