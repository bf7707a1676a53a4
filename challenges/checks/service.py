"""Use cases of the formal check. Locks: the challenge first, then the check."""

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.bids import queries as bid_queries
from challenges.bids.models import BidMemberState
from challenges.bids.opening import has_interest
from challenges.checks import events, policies, queries
from challenges.checks.models import CheckState, FormalCheck
from challenges.checks.states import CHECK
from challenges.postings.models import Challenge, ChallengeState
from challenges.postings.policies import is_officer_in_charge
from challenges.programs import queries as program_queries
from challenges.programs.calendar import earliest_end
from core import audit
from core.actor import SYSTEM, Actor
from core.attachments import Attachment, Content, FileRules, attachments_of, store_attachment
from core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from core.i18n import lazy_gettext as _
from core.notifications.kinds import Kind
from core.notifications.service import notify
from core.settings import Settings
from core.states import move
from solvers.organizations import queries as organization_queries

INTERESTED = _("You belong to the poster or to a bidder: other officers have to check the bids.")
# So many files with a completion.
SUBJECT = "completion"
MAX_FILES = 20


async def begin_checks(session: AsyncSession, actor: Actor, challenge: Challenge) -> list[FormalCheck]:
    """Take up every bid that has no check yet, with the program's list as it stands now."""
    await _require_officer(session, actor, challenge)
    await session.refresh(challenge, ["state", "bids_opened_at"], with_for_update=True)
    if challenge.bids_opened_at is None or challenge.state is not ChallengeState.CLOSED:
        raise ConflictError(_("Bids are checked once they are open and before the review begins."))
    assert challenge.program is not None
    assert actor.person_id is not None
    if not challenge.program.checklist:
        raise ConflictError(_("The program has no list to check bids against: every bid is admitted."))
    checked = {check.bid_id for check in await queries.checks_of(session, challenge.id)}
    begun = []
    for bid in await bid_queries.bids_of_challenge(session, challenge.id):
        if bid.id in checked:
            continue
        check = FormalCheck(
            id=uuid.uuid4(),
            bid_id=bid.id,
            challenge_id=challenge.id,
            points=[{"text": text, "met": None, "remark": ""} for text in challenge.program.checklist],
            begun_by_id=actor.person_id,
        )
        session.add(check)
        begun.append(check)
    await session.flush()
    if begun:
        await audit.record(
            session,
            actor,
            "checks.begun",
            "challenge",
            challenge.id,
            {"bids": [str(c.bid_id) for c in begun]},
        )
    return begun


async def read_check(session: AsyncSession, actor: Actor, check_id: uuid.UUID) -> FormalCheck:
    """Raises NotFoundError for whom the check does not concern."""
    check = await queries.check_by_id(session, check_id)
    if check is None or not (policies.may_check(actor, check) or policies.may_read_own(actor, check)):
        raise NotFoundError(_("There is no such check."))
    return check


async def save_points(
    session: AsyncSession,
    actor: Actor,
    check_id: uuid.UUID,
    findings: list[tuple[bool | None, str]],
    note: str,
    revision: int,
) -> FormalCheck:
    """Keep what the officer has found so far; one (met, remark) for each point of the list."""
    check = await _for_officer(session, actor, check_id)
    if check.is_settled:
        raise ConflictError(_("This check is settled."))
    if check.revision != revision:
        raise ConflictError(
            _(
                "Another officer has changed this check meanwhile. Reload the page and enter your change again."
            )
        )
    if len(findings) != len(check.points):
        raise InvalidError({"points": _("Say of every point whether it is met.")})
    check.points = [
        {"text": point["text"], "met": met, "remark": remark.strip()}
        for point, (met, remark) in zip(check.points, findings, strict=True)
    ]
    check.note = note.strip()
    check.revision += 1
    await session.flush()
    await audit.record(
        session, actor, "check.saved", "challenge", check.challenge_id, {"bid": str(check.bid_id)}
    )
    return check


async def settle(session: AsyncSession, actor: Actor, check_id: uuid.UUID, to: CheckState) -> FormalCheck:
    """Pass, fail or ask once for a completion, by what was saved; the bidders are told."""
    check = await _for_officer(session, actor, check_id)
    if CHECK.transition(check.state, to) is None:
        raise ConflictError(_("This is not possible in the present state."))
    if to is CheckState.PASSED:
        open_points = [point["text"] for point in check.points if point["met"] is not True]
        if open_points:
            raise InvalidError({"points": _("A bid passes when every point is met.")})
    elif not check.note:
        raise InvalidError({"note": _("Please give a reason.")})
    now = await queries.database_time(session)
    if to is CheckState.COMPLETION_REQUESTED:
        program = check.challenge.program
        assert program is not None
        check.completion_due_at = earliest_end(program, program.completion_days, now)
    reason = check.note
    await move(session, CHECK, actor, check, to, note=reason, details=_name(check), now=now)
    if to is CheckState.COMPLETION_REQUESTED:
        check.asked, check.note = reason, ""
    check.revision += 1
    kind = {
        CheckState.PASSED: events.PASSED,
        CheckState.FAILED: events.FAILED,
        CheckState.COMPLETION_REQUESTED: events.COMPLETION_REQUESTED,
    }[to]
    await _tell_bidders(session, kind, check, note=reason)
    return check


async def reopen(session: AsyncSession, actor: Actor, check_id: uuid.UUID, reason: str) -> FormalCheck:
    """Look at a settled check again, before the review begins."""
    check = await _for_officer(session, actor, check_id)
    await move(session, CHECK, actor, check, CheckState.REOPENED, note=reason, details=_name(check))
    check.settled_at, check.note = None, ""
    check.revision += 1
    await session.flush()
    await _tell_bidders(session, events.REOPENED, check, note=reason.strip())
    return check


async def save_completion(
    session: AsyncSession,
    actor: Actor,
    settings: Settings,
    check_id: uuid.UUID,
    text: str,
    files: Sequence[tuple[str, Content]] = (),
) -> FormalCheck:
    """Keep the bidder's text and files; nobody else reads them until they are handed in."""
    check = await _for_bidder(session, actor, check_id)
    check.completion_text = text.strip()
    await session.flush()
    for name, content in files:
        await _has_room(session, check)
        attachment = await store_attachment(
            session,
            settings,
            actor,
            subject_type=SUBJECT,
            subject_id=check.id,
            name=name,
            content=content,
        )
        await audit.record(
            session, actor, "check.file_added", "bid", check.bid_id, {"file": str(attachment.id)}
        )
    return check


async def _has_room(session: AsyncSession, check: FormalCheck) -> None:
    if len(await attachments_of(session, SUBJECT, check.id)) >= MAX_FILES:
        raise InvalidError({"file": _("At most %(limit)s files.", limit=MAX_FILES)})


async def completion_rules(session: AsyncSession, actor: Actor, check_id: uuid.UUID) -> FileRules:
    """What holds for a file of a completion that is about to be sent; raises like `save_completion`."""
    await _has_room(session, await _for_bidder(session, actor, check_id))
    return FileRules()


async def hand_in_completion(session: AsyncSession, actor: Actor, check_id: uuid.UUID) -> FormalCheck:
    """Once, before its deadline; the officers are told."""
    check = await _for_bidder(session, actor, check_id)
    if not check.completion_text:
        raise InvalidError({"text": _("Please fill this in.")})
    await move(session, CHECK, actor, check, CheckState.COMPLETED, details=_name(check))
    await _tell_officers(session, events.COMPLETED, check)
    return check


async def lapse(session: AsyncSession, check: FormalCheck) -> None:
    """The time for completing has passed: officers settle with what is there."""
    await move(session, CHECK, SYSTEM, check, CheckState.LAPSED, details=_name(check))
    await _tell_officers(session, events.LAPSED, check)
    await _tell_bidders(session, events.LAPSED_FOR_US, check)


async def remove_file(session: AsyncSession, actor: Actor, attachment: Attachment) -> None:
    check = await _for_bidder(session, actor, attachment.subject_id)
    await session.delete(attachment)
    await session.flush()
    await audit.record(
        session, actor, "check.file_removed", "bid", check.bid_id, {"file": str(attachment.id)}
    )


async def may_read_attachment(session: AsyncSession, actor: Actor, check_id: uuid.UUID) -> bool:
    check = await queries.check_by_id(session, check_id)
    return check is not None and policies.may_read_completion(actor, check)


async def completed_bid(session: AsyncSession, check_id: uuid.UUID) -> uuid.UUID | None:
    """The bid whose completion was handed in with this check."""
    check = await queries.check_by_id(session, check_id)
    return check.bid_id if check is not None and check.completed_at is not None else None


async def _require_officer(session: AsyncSession, actor: Actor, challenge: Challenge) -> None:
    if not is_officer_in_charge(actor, challenge):
        raise ForbiddenError(_("Only officers in charge of the program check bids."))
    if await has_interest(session, actor, challenge):
        raise ForbiddenError(INTERESTED)


async def _for_officer(session: AsyncSession, actor: Actor, check_id: uuid.UUID) -> FormalCheck:
    seen = await queries.check_by_id(session, check_id)
    if seen is None or not policies.may_check(actor, seen):
        raise NotFoundError(_("There is no such check."))
    await _require_officer(session, actor, seen.challenge)
    return await _locked(session, seen)


async def _for_bidder(session: AsyncSession, actor: Actor, check_id: uuid.UUID) -> FormalCheck:
    seen = await queries.check_by_id(session, check_id)
    if seen is None or not policies.may_read_own(actor, seen):
        raise NotFoundError(_("There is no such check."))
    check = await _locked(session, seen)
    if not policies.may_complete(actor, check, await queries.database_time(session)):
        if not (actor.may_edit_for_organization and actor.acts_for(check.bid.organization_id)):
            raise ForbiddenError(_("Editors of the bid's lead complete it."))
        raise ConflictError(
            _("Nothing is asked for at present, or the time for completing the bid has passed.")
        )
    return check


async def _locked(session: AsyncSession, seen: FormalCheck) -> FormalCheck:
    await bid_queries.hold_challenge(session, seen.challenge_id)
    check = await queries.check_by_id(session, seen.id, lock=True)
    assert check is not None
    return check


def _name(check: FormalCheck) -> dict[str, Any]:
    return {"bid": str(check.bid_id), "name": check.bid.organization.name}


async def _tell_officers(session: AsyncSession, kind: Kind, check: FormalCheck) -> None:
    assert check.challenge.program_id is not None
    people = await program_queries.officer_ids(session, check.challenge.program_id)
    await notify(session, f"{kind.name}:{check.id}", kind, people, check, _parameters(check))


async def _tell_bidders(session: AsyncSession, kind: Kind, check: FormalCheck, **texts: str) -> None:
    confirmed = {
        member.organization_id for member in check.bid.members if member.state is BidMemberState.CONFIRMED
    }
    people = await organization_queries.editor_ids(session, check.bid.organization_id, *confirmed)
    key = f"{kind.name}:{check.id}:{check.revision}"
    await notify(session, key, kind, people, check, {**_parameters(check), **texts})


def _parameters(check: FormalCheck) -> dict[str, str]:
    parameters = {
        "title": check.challenge.title,
        "lead": check.bid.organization.name,
        "note": check.note,
    }
    if check.completion_due_at is not None:
        parameters["due_at"] = check.completion_due_at.isoformat()
    return parameters
