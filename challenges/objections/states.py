"""The life of an objection: answered by an officer, withdrawn by the objector, or lapsed with the award."""

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.objections.models import Effect, Objection, ObjectionState
from challenges.postings.models import Challenge
from challenges.postings.states import present_roles
from core.actor import Actor
from core.i18n import lazy_gettext as _
from core.states import Machine, Role, Transition

RAISED, UPHELD, DISMISSED = ObjectionState.RAISED, ObjectionState.UPHELD, ObjectionState.DISMISSED
WITHDRAWN, LAPSED = ObjectionState.WITHDRAWN, ObjectionState.LAPSED
OFFICER = frozenset({Role.OFFICER})


def _is_answered(objection: Objection, now: datetime) -> Any:
    """Answer and public summary are written."""
    if not objection.answer.strip() or not objection.summary.strip():
        return _("Write an answer and a public summary first.")
    return None


def _has_an_effect(objection: Objection, now: datetime) -> Any:
    """Answer and public summary are written, and what becomes of the award is said."""
    if objection.effect not in (Effect.RETURNED, Effect.ANNULLED):
        return _("Say what becomes of the award.")
    return _is_answered(objection, now)


def _stamp_answer(objection: Objection, now: datetime) -> None:
    objection.answered_at = now


def _leave_as_it_is(objection: Objection, now: datetime) -> None:
    objection.answered_at, objection.effect = now, Effect.STANDS


async def _present_roles(session: AsyncSession, actor: Actor, objection: Objection) -> frozenset[Role]:
    challenge = await session.get_one(Challenge, objection.challenge_id)
    roles = set(await present_roles(session, actor, challenge))
    if actor.may_edit_for_organization and actor.acts_for(objection.organization_id):
        roles.add(Role.OBJECTOR)
    return frozenset(roles)


MACHINE = Machine[Objection, ObjectionState](
    noun="objection",
    states=ObjectionState,
    initial=RAISED,
    transitions=(
        Transition(RAISED, UPHELD, OFFICER, "objection.upheld", guard=_has_an_effect, effect=_stamp_answer),
        Transition(
            RAISED, DISMISSED, OFFICER, "objection.dismissed", guard=_is_answered, effect=_leave_as_it_is
        ),
        Transition(RAISED, WITHDRAWN, frozenset({Role.OBJECTOR}), "objection.withdrawn"),
        # The award that it was raised against is taken back.
        Transition(RAISED, LAPSED, frozenset({Role.SYSTEM}), "objection.lapsed"),
    ),
    roles_of=_present_roles,
    locked=("state", "challenge_id", "organization_id", "notice_id"),
)
