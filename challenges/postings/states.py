"""The life of a challenge: which step leads where, and who takes it."""

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.postings.models import Challenge, ChallengeState
from challenges.postings.policies import is_officer_in_charge, is_poster_editor
from challenges.programs import queries as program_queries
from core import states
from core.actor import SYSTEM, Actor
from core.i18n import lazy_gettext as _
from core.revisions import next_revision
from core.states import Machine, Role, Transition

DRAFT, SUBMITTED, RETURNED = ChallengeState.DRAFT, ChallengeState.SUBMITTED, ChallengeState.RETURNED
PUBLISHED, CLOSED, IN_REVIEW = ChallengeState.PUBLISHED, ChallengeState.CLOSED, ChallengeState.IN_REVIEW
MATCH_PROPOSED, AWARDED = ChallengeState.MATCH_PROPOSED, ChallengeState.AWARDED
IN_NOTICE, CONTRACTED = ChallengeState.IN_NOTICE, ChallengeState.CONTRACTED
IN_PROGRESS, ACCEPTED, FAILED = ChallengeState.IN_PROGRESS, ChallengeState.ACCEPTED, ChallengeState.FAILED
WITHDRAWN, NO_AWARD = ChallengeState.WITHDRAWN, ChallengeState.NO_AWARD


def _is_assigned(challenge: Challenge, now: datetime) -> Any:
    """A program and a round are chosen."""
    if challenge.program_id is None or challenge.round_id is None:
        return _("Choose a program and a round first.")
    return None


def _deadline_is_ahead(challenge: Challenge, now: datetime) -> Any:
    """A program and a round are chosen, and the deadline for bids lies ahead."""
    if challenge.deadline_at is None or challenge.deadline_at <= now:
        return _("The deadline for bids must lie in the future.")
    return _is_assigned(challenge, now)


def _deadline_is_past(challenge: Challenge, now: datetime) -> Any:
    """The deadline for bids has passed."""
    if challenge.deadline_at is None or challenge.deadline_at > now:
        return _("Bids are still open.")
    return None


def _stamp_submission(challenge: Challenge, now: datetime) -> None:
    challenge.submitted_at = now


def _stamp_publication(challenge: Challenge, now: datetime) -> None:
    challenge.published_at, challenge.publish_at = now, None


def _drop_publication(challenge: Challenge, now: datetime) -> None:
    challenge.publish_at = None


POSTER = frozenset({Role.POSTER})
OFFICER = frozenset({Role.OFFICER})
SYSTEM_ALONE = frozenset({Role.SYSTEM})
POSTER_OR_OFFICER = frozenset({Role.POSTER, Role.OFFICER})
OFFICER_OR_SYSTEM = frozenset({Role.OFFICER, Role.SYSTEM})

TRANSITIONS = (
    Transition(DRAFT, SUBMITTED, POSTER, "challenge.submitted", guard=_is_assigned, effect=_stamp_submission),
    Transition(
        RETURNED, SUBMITTED, POSTER, "challenge.submitted", guard=_is_assigned, effect=_stamp_submission
    ),
    Transition(SUBMITTED, RETURNED, OFFICER, "challenge.returned", needs_note=True, effect=_drop_publication),
    Transition(
        SUBMITTED,
        PUBLISHED,
        # Time, on the day that an officer has chosen.
        OFFICER_OR_SYSTEM,
        "challenge.published",
        guard=_deadline_is_ahead,
        effect=_stamp_publication,
    ),
    Transition(PUBLISHED, CLOSED, SYSTEM_ALONE, "challenge.closed", guard=_deadline_is_past),
    Transition(CLOSED, IN_REVIEW, OFFICER, "challenge.review_begun"),
    Transition(IN_REVIEW, CLOSED, OFFICER, "challenge.review_broken_off", needs_note=True),
    # A program may do without a review: then the poster chooses among the bids.
    Transition(CLOSED, MATCH_PROPOSED, POSTER, "challenge.match_proposed"),
    Transition(IN_REVIEW, MATCH_PROPOSED, POSTER, "challenge.match_proposed"),
    # The officer sends the consortium back or rejects it, or the poster takes it back to change it.
    Transition(MATCH_PROPOSED, CLOSED, POSTER_OR_OFFICER, "challenge.match_returned"),
    Transition(MATCH_PROPOSED, AWARDED, OFFICER, "challenge.awarded"),
    Transition(AWARDED, IN_NOTICE, OFFICER_OR_SYSTEM, "challenge.notice_begun"),
    # The quota is not kept any more after a member has changed: another consortium is chosen.
    Transition(AWARDED, CLOSED, OFFICER, "challenge.award_returned", needs_note=True),
    # An objection was upheld: the award is chosen anew, or there is none.
    Transition(IN_NOTICE, CLOSED, OFFICER, "challenge.award_returned", needs_note=True),
    Transition(IN_NOTICE, NO_AWARD, OFFICER, "challenge.no_award", needs_note=True),
    Transition(IN_NOTICE, CONTRACTED, OFFICER_OR_SYSTEM, "challenge.contracted"),
    Transition(
        CONTRACTED,
        IN_PROGRESS,
        frozenset({Role.POSTER, Role.OFFICER, Role.SYSTEM}),
        "challenge.work_begun",
    ),
    # By whoever closes the last open contract, where one was completed.
    Transition(IN_PROGRESS, ACCEPTED, POSTER_OR_OFFICER, "challenge.accepted"),
    Transition(CONTRACTED, FAILED, POSTER_OR_OFFICER, "challenge.failed", needs_note=True),
    Transition(IN_PROGRESS, FAILED, POSTER_OR_OFFICER, "challenge.failed", needs_note=True),
    Transition(CLOSED, NO_AWARD, OFFICER, "challenge.no_award", needs_note=True),
    Transition(IN_REVIEW, NO_AWARD, OFFICER, "challenge.no_award", needs_note=True),
    Transition(DRAFT, WITHDRAWN, POSTER, "challenge.withdrawn", needs_note=True),
    Transition(
        SUBMITTED,
        WITHDRAWN,
        POSTER_OR_OFFICER,
        "challenge.withdrawn",
        needs_note=True,
        effect=_drop_publication,
    ),
    Transition(RETURNED, WITHDRAWN, POSTER_OR_OFFICER, "challenge.withdrawn", needs_note=True),
    Transition(PUBLISHED, WITHDRAWN, POSTER_OR_OFFICER, "challenge.withdrawn", needs_note=True),
    Transition(CLOSED, WITHDRAWN, POSTER_OR_OFFICER, "challenge.withdrawn", needs_note=True),
    Transition(IN_REVIEW, WITHDRAWN, POSTER_OR_OFFICER, "challenge.withdrawn", needs_note=True),
    # Once somebody holds the award, the poster alone cannot take it away.
    Transition(AWARDED, WITHDRAWN, OFFICER, "challenge.withdrawn", needs_note=True),
    Transition(IN_NOTICE, WITHDRAWN, OFFICER, "challenge.withdrawn", needs_note=True),
)


async def present_roles(session: AsyncSession, actor: Actor, challenge: Challenge) -> frozenset[Role]:
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


async def _take_place_in_order(session: AsyncSession, challenge: Challenge) -> None:
    """Lists and the search index follow the order of changes."""
    challenge.index_revision = await next_revision(session, "challenges")


MACHINE = Machine[Challenge, ChallengeState](
    noun="challenge",
    states=ChallengeState,
    initial=DRAFT,
    transitions=TRANSITIONS,
    roles_of=present_roles,
    locked=("state", "organization_id", "program_id", "round_id", "deadline_at", "published_at"),
    note_column="state_note",
    before_record=_take_place_in_order,
)


def transition(source: ChallengeState, target: ChallengeState) -> Transition[ChallengeState] | None:
    return MACHINE.transition(source, target)


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
    return MACHINE.targets(challenge.state, roles_of(actor, challenge))


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
    """`core.states.move` for a challenge."""
    return await states.move(session, MACHINE, actor, challenge, to, note=note, details=details, now=now)
