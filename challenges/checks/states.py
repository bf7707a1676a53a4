"""The life of a formal check. The database's clock decides whether a completion is in time."""

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.checks.models import CheckState, FormalCheck
from challenges.postings.models import ChallengeState
from challenges.programs import queries as program_queries
from core.actor import SYSTEM, Actor
from core.i18n import lazy_gettext as _
from core.states import Machine, Role, Transition

OFFICER = frozenset({Role.OFFICER})
BEGUN, REQUESTED, COMPLETED = CheckState.BEGUN, CheckState.COMPLETION_REQUESTED, CheckState.COMPLETED
LAPSED, PASSED, FAILED, REOPENED = (
    CheckState.LAPSED,
    CheckState.PASSED,
    CheckState.FAILED,
    CheckState.REOPENED,
)


def _is_before_the_review(check: FormalCheck, now: datetime) -> Any:
    """Bidding is closed, and neither a review nor an award has begun."""
    if check.challenge.state is not ChallengeState.CLOSED:
        return _("Bids are checked after the deadline and before the review begins.")
    return None


def _completion_is_in_time(check: FormalCheck, now: datetime) -> Any:
    """The time for completing the bid has not passed."""
    if check.completion_due_at is None or check.completion_due_at <= now:
        return _("The time for completing the bid has passed.")
    return None


def _completion_is_overdue(check: FormalCheck, now: datetime) -> Any:
    """The time for completing the bid has passed."""
    if check.completion_due_at is None or check.completion_due_at > now:
        return _("The bid may still be completed.")
    return None


def _stamp_completion(check: FormalCheck, now: datetime) -> None:
    check.completed_at = now


def _stamp_settlement(check: FormalCheck, now: datetime) -> None:
    check.settled_at = now


def _settled(source: CheckState) -> tuple[Transition[CheckState], Transition[CheckState]]:
    return (
        Transition(
            source,
            PASSED,
            OFFICER,
            "check.passed",
            guard=_is_before_the_review,
            effect=_stamp_settlement,
        ),
        Transition(
            source,
            FAILED,
            OFFICER,
            "check.failed",
            needs_note=True,
            guard=_is_before_the_review,
            effect=_stamp_settlement,
        ),
    )


async def _roles_in_check(session: AsyncSession, actor: Actor, check: FormalCheck) -> frozenset[Role]:
    roles = set[Role]()
    if actor == SYSTEM:
        roles.add(Role.SYSTEM)
    if actor.may_edit_for_organization and actor.acts_for(check.bid.organization_id):
        roles.add(Role.LEAD)
    program_id = check.challenge.program_id
    if (
        actor.is_officer
        and program_id is not None
        and actor.person_id in await program_queries.officer_ids(session, program_id)
    ):
        roles.add(Role.OFFICER)
    return frozenset(roles)


CHECK = Machine[FormalCheck, CheckState](
    noun="check",
    states=CheckState,
    initial=BEGUN,
    transitions=(
        *_settled(BEGUN),
        # Once: from no other state.
        Transition(
            BEGUN,
            REQUESTED,
            OFFICER,
            "check.completion_requested",
            needs_note=True,
            guard=_is_before_the_review,
        ),
        Transition(
            REQUESTED,
            COMPLETED,
            frozenset({Role.LEAD}),
            "check.completed",
            guard=_completion_is_in_time,
            effect=_stamp_completion,
        ),
        Transition(
            REQUESTED,
            LAPSED,
            frozenset({Role.SYSTEM}),
            "check.lapsed",
            guard=_completion_is_overdue,
        ),
        *_settled(COMPLETED),
        *_settled(LAPSED),
        Transition(
            PASSED,
            REOPENED,
            OFFICER,
            "check.reopened",
            needs_note=True,
            guard=_is_before_the_review,
        ),
        Transition(
            FAILED,
            REOPENED,
            OFFICER,
            "check.reopened",
            needs_note=True,
            guard=_is_before_the_review,
        ),
        *_settled(REOPENED),
    ),
    roles_of=_roles_in_check,
    locked=("state", "completion_due_at", "completed_at"),
    audit_noun="challenge",
    audit_id=lambda check: check.challenge_id,
)
