"""The life of a consortium: prepared by the poster, decided by an officer."""

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.consortia.models import Consortium, ConsortiumState
from challenges.postings.models import Challenge
from challenges.postings.states import present_roles
from core.actor import SYSTEM, Actor
from core.i18n import lazy_gettext as _
from core.states import Machine, Role, Transition

PROPOSED, SUBMITTED, RETURNED = ConsortiumState.PROPOSED, ConsortiumState.SUBMITTED, ConsortiumState.RETURNED
APPROVED, REJECTED = ConsortiumState.APPROVED, ConsortiumState.REJECTED
SUPERSEDED, WITHDRAWN = ConsortiumState.SUPERSEDED, ConsortiumState.WITHDRAWN
DROPPED = ConsortiumState.DROPPED
POSTER = frozenset({Role.POSTER})
OFFICER = frozenset({Role.OFFICER})
SYSTEM_ALONE = frozenset({Role.SYSTEM})


def _has_a_lead(consortium: Consortium, now: datetime) -> Any:
    """It has a lead."""
    return _("Choose a lead first.") if consortium.lead_id is None else None


def _is_under_a_rule(consortium: Consortium, now: datetime) -> Any:
    """It was computed under a quota rule; the database itself refuses where that rule is broken."""
    return _("There is no quota rule in force.") if consortium.rule_id is None else None


def _stamp_submission(consortium: Consortium, now: datetime) -> None:
    consortium.submitted_at = now


async def _present_roles(session: AsyncSession, actor: Actor, consortium: Consortium) -> frozenset[Role]:
    if actor == SYSTEM:
        return SYSTEM_ALONE
    challenge = await session.get_one(Challenge, consortium.challenge_id)
    return await present_roles(session, actor, challenge)


MACHINE = Machine[Consortium, ConsortiumState](
    noun="consortium",
    states=ConsortiumState,
    initial=PROPOSED,
    transitions=(
        Transition(
            PROPOSED,
            SUBMITTED,
            POSTER,
            "consortium.submitted",
            guard=_has_a_lead,
            effect=_stamp_submission,
        ),
        Transition(
            RETURNED,
            SUBMITTED,
            POSTER,
            "consortium.submitted",
            guard=_has_a_lead,
            effect=_stamp_submission,
        ),
        Transition(SUBMITTED, PROPOSED, POSTER, "consortium.taken_back"),
        Transition(SUBMITTED, APPROVED, OFFICER, "consortium.approved", guard=_is_under_a_rule),
        Transition(SUBMITTED, RETURNED, OFFICER, "consortium.returned", needs_note=True),
        Transition(SUBMITTED, REJECTED, OFFICER, "consortium.rejected", needs_note=True),
        # Its challenge was withdrawn.
        Transition(PROPOSED, DROPPED, SYSTEM_ALONE, "consortium.dropped", needs_note=True),
        Transition(SUBMITTED, DROPPED, SYSTEM_ALONE, "consortium.dropped", needs_note=True),
        Transition(RETURNED, DROPPED, SYSTEM_ALONE, "consortium.dropped", needs_note=True),
        # Another winner is named in its place.
        Transition(PROPOSED, WITHDRAWN, POSTER, "consortium.withdrawn"),
        Transition(RETURNED, WITHDRAWN, POSTER, "consortium.withdrawn"),
        # Members have changed since the approval, or an objection was upheld: another one is to take its place.
        Transition(APPROVED, SUPERSEDED, OFFICER, "consortium.superseded", needs_note=True),
    ),
    roles_of=_present_roles,
    locked=("state", "challenge_id", "lead_id", "rule_id"),
)
