"""The life of a review, and of each expert's seat on its panel."""

import math
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.postings.models import ChallengeState
from challenges.programs import queries as program_queries
from challenges.reviews.models import PanelSeat, Review, ReviewState, SeatState
from core.actor import SYSTEM, Actor
from core.i18n import lazy_gettext as _
from core.states import Machine, Role, Transition

OFFICER, REVIEWER = frozenset({Role.OFFICER}), frozenset({Role.REVIEWER})
PREPARING, SCORING, DISCUSSING = ReviewState.PREPARING, ReviewState.SCORING, ReviewState.DISCUSSING
UNDER_WAY = (PREPARING, SCORING, DISCUSSING)
PROPOSED, ASKED, DECLARED = SeatState.PROPOSED, SeatState.ASKED, SeatState.DECLARED
HANDED_IN, EXCLUDED, EXCUSED = SeatState.HANDED_IN, SeatState.EXCLUDED, SeatState.EXCUSED


def panel_gap(review: Review) -> Any:
    """What the panel still lacks, or None."""
    seated = review.seated
    if len(seated) != review.panel_size:
        return _(
            "The panel has %(present)s of %(wanted)s experts.",
            present=len(seated),
            wanted=review.panel_size,
        )
    if sum(seat.is_enterprise for seat in seated) < review.min_enterprise:
        return _("At least %(count)s enterprise experts belong to the panel.", count=review.min_enterprise)
    return None


def enterprise_heads(share: Decimal, heads: int) -> int:
    """How many of so many experts have to be of enterprises.

    >>> enterprise_heads(Decimal("0.25"), 5)
    2
    """
    return math.ceil(share * heads)


def reduction_gap(review: Review) -> Any:
    """What keeps the review from going on with who is on the panel now, or None."""
    heads, enterprise = len(review.seated), sum(seat.is_enterprise for seat in review.seated)
    if review.state not in (SCORING, DISCUSSING):
        return _("This is not possible in the present state.")
    if heads >= review.panel_size:
        return panel_gap(review) or _("Nobody is missing on the panel.")
    least = review.min_panel_size or review.panel_size
    if heads < least:
        return _(
            "The program asks for at least %(least)s experts; %(heads)s are on the panel.",
            least=least,
            heads=heads,
        )
    wanted = enterprise_heads(review.min_enterprise_share, heads)
    if enterprise < wanted:
        return _(
            "Of %(heads)s experts at least %(wanted)s have to be enterprise experts; there are %(present)s.",
            heads=heads,
            wanted=wanted,
            present=enterprise,
        )
    return None


def _panel_is_complete(review: Review, now: datetime) -> Any:
    """The challenge is in review, and the panel has its size and its share of enterprise experts."""
    if review.challenge.state is not ChallengeState.IN_REVIEW:
        return _("The challenge is not in review any more.")
    return panel_gap(review)


def _all_have_scored(review: Review, now: datetime) -> Any:
    """The panel is complete, and everybody on it has handed in."""
    missing = _panel_is_complete(review, now)
    if missing is None and any(seat.state is not HANDED_IN for seat in review.seated):
        return _("Not all reviewers have handed in their scores.")
    return missing


def _stamp_end(review: Review, now: datetime) -> None:
    review.finished_at = now


def _review_is_under_way(seat: PanelSeat, now: datetime) -> Any:
    """The review is neither finished nor broken off."""
    if seat.review.state not in UNDER_WAY:
        return _("The review has ended.")
    return None


def _scores_are_taken(seat: PanelSeat, now: datetime) -> Any:
    """The panel is scoring."""
    if seat.review.state is not SCORING or seat.review.challenge.state is not ChallengeState.IN_REVIEW:
        return _("The panel is not scoring at present.")
    return None


def _handing_in_is_in_time(seat: PanelSeat, now: datetime) -> Any:
    """The panel is scoring, and the deadline has not passed."""
    if seat.review.due_at is None or seat.review.due_at <= now:
        return _("The deadline for scores has passed. The officer can extend it; nothing you saved is lost.")
    return _scores_are_taken(seat, now)


def _stamp_asking(seat: PanelSeat, now: datetime) -> None:
    seat.asked_at = now


def _stamp_declaration(seat: PanelSeat, now: datetime) -> None:
    seat.declared_at = now


def _stamp_scores(seat: PanelSeat, now: datetime) -> None:
    seat.handed_in_at = now


async def _is_officer(session: AsyncSession, actor: Actor, program_id: Any) -> bool:
    return (
        actor.is_officer
        and program_id is not None
        and actor.person_id in await program_queries.officer_ids(session, program_id)
    )


async def _roles_in_review(session: AsyncSession, actor: Actor, review: Review) -> frozenset[Role]:
    roles = {Role.SYSTEM} if actor == SYSTEM else set[Role]()
    if await _is_officer(session, actor, review.challenge.program_id):
        roles.add(Role.OFFICER)
    return frozenset(roles)


async def _roles_in_seat(session: AsyncSession, actor: Actor, seat: PanelSeat) -> frozenset[Role]:
    roles = set[Role]()
    if actor.is_reviewer and actor.person_id == seat.expert.person_id:
        roles.add(Role.REVIEWER)
    if await _is_officer(session, actor, seat.review.challenge.program_id):
        roles.add(Role.OFFICER)
    return frozenset(roles)


REVIEW = Machine[Review, ReviewState](
    noun="review",
    states=ReviewState,
    initial=PREPARING,
    transitions=(
        Transition(PREPARING, SCORING, OFFICER, "review.scoring_begun", guard=_panel_is_complete),
        Transition(
            SCORING,
            DISCUSSING,
            # By itself when the last one hands in.
            frozenset({Role.OFFICER, Role.SYSTEM}),
            "review.discussion_begun",
            guard=_all_have_scored,
        ),
        # Somebody has left the panel after all.
        Transition(DISCUSSING, SCORING, OFFICER, "review.scoring_reopened", needs_note=True),
        Transition(
            DISCUSSING,
            ReviewState.FINISHED,
            OFFICER,
            "review.finished",
            guard=_all_have_scored,
            effect=_stamp_end,
        ),
        *(
            Transition(source, ReviewState.BROKEN_OFF, OFFICER, "review.broken_off", needs_note=True)
            for source in UNDER_WAY
        ),
    ),
    roles_of=_roles_in_review,
    audit_noun="challenge",
    audit_id=lambda review: review.challenge_id,
)

# Its entries belong to the review, not to the challenge: whoever reads that one's history learns of no name.
SEAT = Machine[PanelSeat, SeatState](
    noun="seat",
    states=SeatState,
    initial=PROPOSED,
    transitions=(
        Transition(PROPOSED, ASKED, OFFICER, "seat.asked", guard=_review_is_under_way, effect=_stamp_asking),
        Transition(
            ASKED, DECLARED, REVIEWER, "seat.declared", guard=_scores_are_taken, effect=_stamp_declaration
        ),
        Transition(
            DECLARED,
            HANDED_IN,
            REVIEWER,
            "seat.handed_in",
            guard=_handing_in_is_in_time,
            effect=_stamp_scores,
        ),
        *(
            Transition(
                source,
                EXCLUDED,
                REVIEWER,
                "seat.conflict_declared",
                needs_note=True,
                guard=_review_is_under_way,
            )
            for source in (ASKED, DECLARED, HANDED_IN)
        ),
        *(
            Transition(source, EXCUSED, OFFICER, "seat.excused", needs_note=True, guard=_review_is_under_way)
            for source in (PROPOSED, ASKED, DECLARED, HANDED_IN)
        ),
    ),
    roles_of=_roles_in_seat,
    note_column="note",
    audit_noun="review",
    audit_id=lambda seat: seat.review_id,
)
