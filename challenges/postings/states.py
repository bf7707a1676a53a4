"""The life of a challenge: which step leads where, who takes it, and `move`, the only place that changes the state."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.postings.models import Challenge, ChallengeState
from challenges.postings.policies import is_officer_in_charge, is_poster_editor
from challenges.programs import queries as program_queries
from core import audit
from core.actor import SYSTEM, Actor
from core.clock import utc_now
from core.errors import ConflictError, ForbiddenError, InvalidError
from core.i18n import lazy_gettext as _
from core.revisions import next_revision

DRAFT, SUBMITTED, RETURNED = ChallengeState.DRAFT, ChallengeState.SUBMITTED, ChallengeState.RETURNED
PUBLISHED, CLOSED = ChallengeState.PUBLISHED, ChallengeState.CLOSED
MATCH_PROPOSED, AWARDED = ChallengeState.MATCH_PROPOSED, ChallengeState.AWARDED
WITHDRAWN, NO_AWARD = ChallengeState.WITHDRAWN, ChallengeState.NO_AWARD


class Role(StrEnum):
    """Who takes a step: an editor of the poster, an officer of the program, or time alone."""

    POSTER = "poster"
    OFFICER = "officer"
    SYSTEM = "system"


Guard = Callable[[Challenge, datetime], Any]
Effect = Callable[[Challenge, datetime], None]


@dataclass(frozen=True, slots=True)
class Transition:
    """One allowed step.

    `guard` answers with the message that forbids the step, or None. `effect` writes what goes with the new state.
    `action` is the step's name in the audit log.
    """

    source: ChallengeState
    target: ChallengeState
    who: frozenset[Role]
    action: str
    needs_note: bool = False
    guard: Guard | None = None
    effect: Effect | None = None


def _is_assigned(challenge: Challenge, now: datetime) -> Any:
    if challenge.program_id is None or challenge.round_id is None:
        return _("Choose a program and a round first.")
    return None


def _deadline_is_ahead(challenge: Challenge, now: datetime) -> Any:
    if challenge.deadline_at is None or challenge.deadline_at <= now:
        return _("The deadline for bids must lie in the future.")
    return _is_assigned(challenge, now)


def _deadline_is_past(challenge: Challenge, now: datetime) -> Any:
    if challenge.deadline_at is None or challenge.deadline_at > now:
        return _("Bids are still open.")
    return None


def _stamp_submission(challenge: Challenge, now: datetime) -> None:
    challenge.submitted_at = now


def _stamp_publication(challenge: Challenge, now: datetime) -> None:
    challenge.published_at = now


POSTER = frozenset({Role.POSTER})
OFFICER = frozenset({Role.OFFICER})
POSTER_OR_OFFICER = frozenset({Role.POSTER, Role.OFFICER})

TRANSITIONS = (
    Transition(DRAFT, SUBMITTED, POSTER, "challenge.submitted", guard=_is_assigned, effect=_stamp_submission),
    Transition(
        RETURNED, SUBMITTED, POSTER, "challenge.submitted", guard=_is_assigned, effect=_stamp_submission
    ),
    Transition(SUBMITTED, RETURNED, OFFICER, "challenge.returned", needs_note=True),
    Transition(
        SUBMITTED,
        PUBLISHED,
        OFFICER,
        "challenge.published",
        guard=_deadline_is_ahead,
        effect=_stamp_publication,
    ),
    Transition(PUBLISHED, CLOSED, frozenset({Role.SYSTEM}), "challenge.closed", guard=_deadline_is_past),
    Transition(CLOSED, MATCH_PROPOSED, POSTER, "challenge.match_proposed"),
    # The officer sends the consortium back or rejects it, or the poster takes it back to change it.
    Transition(MATCH_PROPOSED, CLOSED, POSTER_OR_OFFICER, "challenge.match_returned"),
    Transition(MATCH_PROPOSED, AWARDED, OFFICER, "challenge.awarded"),
    Transition(CLOSED, NO_AWARD, OFFICER, "challenge.no_award", needs_note=True),
    Transition(DRAFT, WITHDRAWN, POSTER, "challenge.withdrawn", needs_note=True),
    Transition(SUBMITTED, WITHDRAWN, POSTER_OR_OFFICER, "challenge.withdrawn", needs_note=True),
    Transition(RETURNED, WITHDRAWN, POSTER_OR_OFFICER, "challenge.withdrawn", needs_note=True),
    Transition(PUBLISHED, WITHDRAWN, POSTER_OR_OFFICER, "challenge.withdrawn", needs_note=True),
    Transition(CLOSED, WITHDRAWN, POSTER_OR_OFFICER, "challenge.withdrawn", needs_note=True),
)
_BY_STEP = {(item.source, item.target): item for item in TRANSITIONS}


def transition(source: ChallengeState, target: ChallengeState) -> Transition | None:
    return _BY_STEP.get((source, target))


def roles_of(actor: Actor, challenge: Challenge) -> frozenset[Role]:
    """The parts this actor plays in a challenge whose program is loaded with its officers."""
    roles = set[Role]()
    if actor == SYSTEM:
        roles.add(Role.SYSTEM)
    if is_poster_editor(actor, challenge):
        roles.add(Role.POSTER)
    if is_officer_in_charge(actor, challenge):
        roles.add(Role.OFFICER)
    return frozenset(roles)


def possible_moves(actor: Actor, challenge: Challenge) -> frozenset[ChallengeState]:
    """Where this actor may take the challenge from here, guards aside: for the buttons of a page."""
    roles = roles_of(actor, challenge)
    return frozenset(
        item.target for item in TRANSITIONS if item.source is challenge.state and item.who & roles
    )


async def move(
    session: AsyncSession,
    actor: Actor,
    challenge: Challenge,
    to: ChallengeState,
    *,
    note: str = "",
    details: dict[str, Any] | None = None,
    now: datetime | None = None,
) -> Challenge:
    """Take a challenge to another state, with its entry in the audit log.

    The row is locked until the transaction ends, and everything is checked on what it holds then. Raises
    ConflictError for a step that the table does not know or that a guard forbids, ForbiddenError for who may not
    take it, InvalidError on field `note` where a reason is missing. `details` go into the audit entry.
    """
    now = now or utc_now()
    note = note.strip()
    await session.flush()
    await session.refresh(
        challenge,
        attribute_names=["state", "organization_id", "program_id", "round_id", "deadline_at", "published_at"],
        with_for_update=True,
    )
    step = transition(challenge.state, to)
    if step is None:
        raise ConflictError(_("This is not possible in the challenge's present state."))
    if not step.who & await _present_roles(session, actor, challenge):
        raise ForbiddenError(_("You may not take this step."))
    if step.needs_note and not note:
        raise InvalidError({"note": _("Please give a reason.")})
    if step.guard is not None and (message := step.guard(challenge, now)) is not None:
        raise ConflictError(message)
    challenge.state = to
    challenge.state_note = note
    if step.effect is not None:
        step.effect(challenge, now)
    # Lists and the search index follow the order of changes.
    challenge.index_revision = await next_revision(session, "challenges")
    await audit.record(
        session,
        actor,
        step.action,
        "challenge",
        challenge.id,
        {"state": [step.source.value, to.value], **({"note": note} if note else {}), **(details or {})},
    )
    return challenge


async def _present_roles(session: AsyncSession, actor: Actor, challenge: Challenge) -> frozenset[Role]:
    """As `roles_of`, with the officers read now: a challenge handed in need not have its program loaded."""
    roles = set[Role]()
    if actor == SYSTEM:
        roles.add(Role.SYSTEM)
    if is_poster_editor(actor, challenge):
        roles.add(Role.POSTER)
    if (
        actor.is_officer
        and challenge.program_id is not None
        and actor.person_id in await program_queries.officer_ids(session, challenge.program_id)
    ):
        roles.add(Role.OFFICER)
    return frozenset(roles)
