"""Objections: raised while the notice runs, withdrawn by the objector, answered with an effect on the decision."""

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from challenges.awards.queries import approved_teams
from challenges.consortia.models import ConsortiumState
from challenges.consortia.queries import officers_of
from challenges.consortia.states import MACHINE as CONSORTIUM
from challenges.notices import queries as notice_queries
from challenges.notices.models import Notice
from challenges.notices.service import read_notice, withdraw_notice
from challenges.objections import events, policies, queries
from challenges.objections.models import Effect, Objection, ObjectionState
from challenges.objections.states import MACHINE
from challenges.postings import policies as posting_policies
from challenges.postings import service as postings
from challenges.postings.models import ChallengeState
from challenges.postings.states import move
from challenges.programs.calendar import end_of_full_days
from core import audit, states
from core.actor import Actor
from core.attachments import Content, FileRules, store_attachment
from core.database import database_time
from core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from core.i18n import lazy_gettext as _
from core.notifications.kinds import Kind
from core.notifications.service import notify
from core.settings import Settings
from solvers.organizations import queries as organization_queries

SUBJECT = "objection"
MAX_FILES = 5
TOO_LATE = _("The notice has ended: objections are not taken any more.")


async def may_object(session: AsyncSession, actor: Actor, notice: Notice) -> bool:
    return policies.takes_objections(notice, await database_time(session)) and policies.has_standing(
        actor, notice.challenge
    )


async def _open_notice(session: AsyncSession, actor: Actor, notice_id: uuid.UUID) -> tuple[Notice, datetime]:
    """The notice, locked, for who may object to its award now, and that moment."""
    await read_notice(session, actor, notice_id)
    notice = await notice_queries.notice_by_id(session, notice_id, lock=True)
    assert notice is not None
    if not policies.has_standing(actor, notice.challenge):
        raise ForbiddenError(
            _("Objections are raised by owners and editors of verified organizations, the poster excepted.")
        )
    now = await database_time(session)
    if not policies.takes_objections(notice, now):
        raise ConflictError(TOO_LATE)
    return notice, now


async def evidence_rules(session: AsyncSession, actor: Actor, notice_id: uuid.UUID) -> FileRules:
    """What holds for a file that is about to be sent with an objection; raises like `raise_objection`."""
    await _open_notice(session, actor, notice_id)
    return FileRules()


async def raise_objection(
    session: AsyncSession,
    actor: Actor,
    settings: Settings,
    notice_id: uuid.UUID,
    text: str,
    consortium_id: uuid.UUID | None,
    files: Sequence[tuple[str, Content]] = (),
) -> Objection:
    """Object for the actor's organization. The deadline is asked in this transaction, of the database's clock.

    Raises InvalidError on `text` or `file`, ConflictError after the end or beside an unanswered one of its own.
    """
    notice, now = await _open_notice(session, actor, notice_id)
    challenge = notice.challenge
    if not text.strip():
        raise InvalidError({"text": _("Please give a reason.")})
    if len(files) > MAX_FILES:
        raise InvalidError({"file": _("At most five files.")})
    if consortium_id is not None and str(consortium_id) not in {
        team["consortium"] for team in notice.content["teams"]
    }:
        raise InvalidError({"consortium": _("There is no such team.")})
    assert actor.person_id is not None
    assert actor.organization_id is not None
    assert challenge.program is not None
    objection = Objection(
        id=uuid.uuid4(),
        notice_id=notice.id,
        challenge_id=challenge.id,
        organization_id=actor.organization_id,
        person_id=actor.person_id,
        consortium_id=consortium_id,
        text=text.strip(),
        raised_at=now,
        due_at=end_of_full_days(challenge.program, challenge.program.answer_days, now),
    )
    try:
        async with session.begin_nested():
            session.add(objection)
            await session.flush()
    except IntegrityError as error:
        raise _as_conflict(error) from None
    for name, content in files:
        await store_attachment(
            session,
            settings,
            actor,
            subject_type=SUBJECT,
            subject_id=objection.id,
            name=name,
            content=content,
        )
    await audit.record(
        session,
        actor,
        "objection.raised",
        SUBJECT,
        objection.id,
        {"notice": str(notice.id), "challenge": str(challenge.id), "files": len(files)},
    )
    officers = [person.id for person in await officers_of(session, challenge.program_id)]
    about = {"title": challenge.title}
    await notify(
        session,
        f"{events.RAISED.name}:{objection.id}",
        events.RAISED,
        officers,
        objection,
        {**about, "organization": actor.organization_name, "due_at": objection.due_at.isoformat()},
    )
    concerned = {challenge.organization_id, *policies.winner_ids(notice)} - {actor.organization_id}
    people = await organization_queries.editor_ids(session, *concerned)
    await notify(session, f"{events.TOLD.name}:{objection.id}", events.TOLD, people, objection, about)
    return objection


async def read_objection(session: AsyncSession, actor: Actor, objection_id: uuid.UUID) -> Objection:
    """For the objector, officers, poster and winners; for everybody else it does not exist."""
    objection = await queries.objection_by_id(session, objection_id)
    if objection is None or not policies.may_read_objection(actor, objection):
        raise NotFoundError(_("There is no such objection."))
    return objection


async def may_read_file(session: AsyncSession, actor: Actor, objection_id: uuid.UUID) -> bool:
    """Files may tell who raised it: they are for officers and the objector."""
    objection = await queries.objection_by_id(session, objection_id)
    return objection is not None and policies.may_see_objector(actor, objection)


async def withdraw_objection(session: AsyncSession, actor: Actor, objection_id: uuid.UUID) -> Objection:
    objection = await _locked(session, actor, objection_id)
    if not policies.is_objector(actor, objection):
        raise ForbiddenError(_("Only the objector withdraws an objection."))
    if not policies.may_withdraw(actor, objection):
        raise ConflictError(_("This objection has been answered, or was withdrawn."))
    await states.move(session, MACHINE, actor, objection, ObjectionState.WITHDRAWN)
    officers = [person.id for person in await officers_of(session, objection.challenge.program_id)]
    await notify(
        session,
        f"{events.TAKEN_BACK.name}:{objection.id}",
        events.TAKEN_BACK,
        officers,
        objection,
        {"title": objection.challenge.title, "organization": objection.organization.name},
    )
    return objection


async def why_not_answer(session: AsyncSession, actor: Actor, objection: Objection) -> str:
    """Why this actor may not answer; "" where they may. The database holds the same."""
    if not posting_policies.is_officer_in_charge(actor, objection.challenge):
        return str(_("Objections are answered by officers of the program."))
    own = await organization_queries.organization_ids_of(session, actor.person_id)
    if policies.is_concerned(own, objection):
        return str(_("You belong to somebody concerned: another officer must answer."))
    deciders = await queries.decider_ids(session, objection.challenge_id)
    if actor.person_id in deciders:
        for officer in await officers_of(session, objection.challenge.program_id):
            theirs = await organization_queries.organization_ids_of(session, officer.id)
            if officer.id not in deciders and not policies.is_concerned(theirs, objection):
                return str(_("You decided on this award: another officer must answer."))
    return ""


async def answer_objection(
    session: AsyncSession,
    actor: Actor,
    objection_id: uuid.UUID,
    effect: Effect,
    answer: str,
    summary: str,
    teams: Collection[uuid.UUID] = (),
) -> Objection:
    """Answer once, by an officer without an interest who has not decided on the award, where there is another.

    Where the award is returned, `teams` give way (all where none is named) and the poster chooses anew; where it is
    annulled the challenge ends without an award. Raises InvalidError on `answer`, `summary` or `teams`.
    """
    objection = await _locked(session, actor, objection_id)
    if reason := await why_not_answer(session, actor, objection):
        raise ForbiddenError(reason)
    if objection.state is not ObjectionState.RAISED:
        raise ConflictError(_("This objection has been answered, or was withdrawn."))
    missing = {
        name: _("Please fill this in.")
        for name, text in (("answer", answer), ("summary", summary))
        if not text.strip()
    }
    if missing:
        raise InvalidError(missing)
    challenge = await postings.read_challenge(session, actor, objection.challenge_id, lock=True)
    approved = await approved_teams(session, challenge.id, lock=True)
    leaving = [item for item in approved if effect is not Effect.RETURNED or not teams or item.id in teams]
    if effect is Effect.RETURNED and not leaving:
        raise InvalidError({"teams": _("There is no such team.")})
    note = summary.strip()
    if effect is Effect.RETURNED:
        await move(session, actor, challenge, ChallengeState.CLOSED, note=note)
    elif effect is Effect.ANNULLED:
        await move(session, actor, challenge, ChallengeState.NO_AWARD, note=note)
    objection.effect, objection.answer, objection.summary = effect, answer.strip(), note
    objection.answered_by_id = actor.person_id
    objection.gave_way = [] if effect is Effect.STANDS else [str(item.id) for item in leaving]
    try:
        async with session.begin_nested():
            await states.move(
                session,
                MACHINE,
                actor,
                objection,
                ObjectionState.DISMISSED if effect is Effect.STANDS else ObjectionState.UPHELD,
                details={"effect": effect.value},
            )
            await session.flush()
    except IntegrityError as error:
        raise _as_conflict(error) from None
    await _tell_of_answer(session, actor, objection, events.UPHELD.get(effect, events.DISMISSED))
    if effect is not Effect.STANDS:
        for team in leaving:
            await states.move(session, CONSORTIUM, actor, team, ConsortiumState.SUPERSEDED, note=note)
        notice = await notice_queries.notice_by_id(session, objection.notice_id, lock=True)
        assert notice is not None
        await withdraw_notice(session, actor, notice, note)
    return objection


async def _tell_of_answer(session: AsyncSession, actor: Actor, objection: Objection, kind: Kind) -> None:
    concerned = {
        objection.challenge.organization_id,
        objection.organization_id,
        *policies.winner_ids(objection.notice),
    }
    people = await organization_queries.editor_ids(session, *concerned)
    people |= {person.id for person in await officers_of(session, objection.challenge.program_id)}
    await notify(
        session,
        f"{kind.name}:{objection.id}",
        kind,
        people - {actor.person_id},
        objection,
        {"title": objection.challenge.title},
    )


async def _locked(session: AsyncSession, actor: Actor, objection_id: uuid.UUID) -> Objection:
    """Challenge, notice and objection, locked in this order, for who may read the objection."""
    challenge_id = await queries.challenge_id_of(session, objection_id)
    if challenge_id is None:
        raise NotFoundError(_("There is no such objection."))
    await postings.read_challenge(session, actor, challenge_id, lock=True)
    objection = await read_objection(session, actor, objection_id)
    await notice_queries.notice_by_id(session, objection.notice_id, lock=True)
    locked = await queries.objection_by_id(session, objection_id, lock=True)
    assert locked is not None
    return locked


def _as_conflict(error: IntegrityError) -> Exception:
    name = getattr(getattr(error.orig, "diag", None), "constraint_name", None)
    messages = {
        "uq_objection_raised": _("Your organization has an objection here that waits for its answer."),
        "ck_objection_in_time": TOO_LATE,
        "ck_objection_officer": _("The database refuses: the officer may not act in this matter."),
        "ck_objection_second_officer": _("You decided on this award: another officer must answer."),
    }
    return ConflictError(messages[name]) if name in messages else error
