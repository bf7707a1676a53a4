"""A waiver of the quota: one officer asks for it with a reason, a second one confirms or refuses, everybody sees it."""

import uuid

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from challenges.consortia import events, policies, queries
from challenges.consortia.decisions import as_conflict, check_may_decide, lock_for_officer
from challenges.consortia.models import Waiver, WaiverAnswer
from challenges.consortia.standing import standing_of
from challenges.consortia.workbench import CHANGED_MEANWHILE
from core import audit
from core.actor import Actor
from core.database import recorded_time
from core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from core.i18n import gettext
from core.i18n import lazy_gettext as _
from core.notifications.service import notify


async def request_waiver(
    session: AsyncSession,
    actor: Actor,
    consortium_id: uuid.UUID,
    reason: str,
    revision: int,
) -> Waiver:
    """Ask a second officer to excuse the parts of the quota that the consortium breaks at this moment.

    Raises InvalidError on `reason` where there is none, ConflictError where nothing but structure stands in the way.
    """
    challenge, consortium = await lock_for_officer(session, actor, consortium_id)
    await check_may_decide(session, actor, challenge, consortium)
    if consortium.revision != revision:
        raise ConflictError(CHANGED_MEANWHILE)
    if policies.waiver_of(consortium) is not None:
        raise ConflictError(_("A waiver was asked for this consortium already."))
    if not reason.strip():
        raise InvalidError({"reason": _("Please give a reason.")})
    await queries.lock_organizations(session, [member.organization_id for member in consortium.members])
    standing = await standing_of(session, challenge, consortium)
    if standing.structural:
        raise ConflictError(
            gettext("No waiver helps against this: %(reasons)s", reasons=" ".join(standing.structural))
        )
    if not standing.broken:
        raise ConflictError(_("The consortium keeps the quota: it needs no waiver."))
    waiver = Waiver(
        consortium_id=consortium.id,
        consortium_revision=consortium.revision,
        parts=[part.name for part in standing.broken],
        reason=reason.strip(),
        requested_by_id=actor.person_id,
        requested_at=await recorded_time(session),
    )
    await _add(session, waiver)
    await audit.record(
        session,
        actor,
        "consortium.waiver_requested",
        "consortium",
        consortium.id,
        {"waiver": str(waiver.id), "parts": waiver.parts, "reason": waiver.reason},
    )
    others = [person.id for person in await queries.officers_of(session, challenge.program_id)]
    await notify(
        session,
        f"{events.WAIVER_REQUESTED.name}:{waiver.id}",
        events.WAIVER_REQUESTED,
        [person_id for person_id in others if person_id != actor.person_id],
        consortium,
        {"title": challenge.title, "officer": actor.name, "reason": waiver.reason},
    )
    return waiver


async def answer_waiver(
    session: AsyncSession,
    actor: Actor,
    waiver_id: uuid.UUID,
    *,
    is_confirmed: bool,
    reason: str,
) -> WaiverAnswer:
    """Confirm or refuse, as the second officer. Of two at once the later finds it answered."""
    consortium_id = await queries.consortium_id_of_waiver(session, waiver_id)
    if consortium_id is None:
        raise NotFoundError(_("There is no such waiver."))
    challenge, consortium = await lock_for_officer(session, actor, consortium_id)
    await check_may_decide(session, actor, challenge, consortium)
    waiver = next(item for item in consortium.waivers if item.id == waiver_id)
    if waiver.requested_by_id == actor.person_id:
        raise ForbiddenError(_("A waiver is confirmed by a second officer."))
    if waiver.answer is not None:
        raise ConflictError(_("This waiver has been answered already."))
    if waiver is not policies.waiver_of(consortium):
        raise ConflictError(_("The consortium has changed since the waiver was asked for."))
    if not is_confirmed and not reason.strip():
        raise InvalidError({"reason": _("Please give a reason.")})
    assert actor.person_id is not None
    answer = WaiverAnswer(
        waiver_id=waiver.id,
        is_confirmed=is_confirmed,
        reason=reason.strip(),
        officer_id=actor.person_id,
        answered_at=await recorded_time(session),
    )
    await _add(session, answer)
    await audit.record(
        session,
        actor,
        "consortium.waiver_confirmed" if is_confirmed else "consortium.waiver_refused",
        "consortium",
        consortium.id,
        {"waiver": str(waiver.id), "parts": waiver.parts, "reason": answer.reason},
    )
    kind = events.WAIVER_CONFIRMED if is_confirmed else events.WAIVER_REFUSED
    await notify(
        session,
        f"{kind.name}:{waiver.id}",
        kind,
        [waiver.requested_by_id],
        consortium,
        {"title": challenge.title, "officer": actor.name, "reason": answer.reason},
    )
    return answer


async def _add(session: AsyncSession, row: Waiver | WaiverAnswer) -> None:
    try:
        async with session.begin_nested():
            session.add(row)
            await session.flush()
    except IntegrityError as error:
        raise as_conflict(error) from None
