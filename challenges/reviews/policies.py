"""Who sees and does what about a review."""

import uuid

from challenges.bids.models import Bid
from challenges.bids.policies import bids_in
from challenges.postings.models import Challenge, ChallengeState
from challenges.postings.policies import AWARDED_OR_LATER, is_officer_in_charge, is_poster
from challenges.reviews.models import PanelSeat, Review, ReviewState, SeatState
from core.actor import Actor

REVIEWING = (ReviewState.SCORING, ReviewState.DISCUSSING)
# From here on bidders read what was said of their own bid.
RESULT_KNOWN = frozenset({*AWARDED_OR_LATER, ChallengeState.NO_AWARD})


def may_manage(actor: Actor, challenge: Challenge) -> bool:
    return is_officer_in_charge(actor, challenge)


def may_read_result(actor: Actor, challenge: Challenge, review: Review | None) -> bool:
    """Officers at any time; the poster the ranking, without names, once the review is finished."""
    return may_manage(actor, challenge) or (
        is_poster(actor, challenge) and review is not None and review.state is ReviewState.FINISHED
    )


def holds_seat(actor: Actor, seat: PanelSeat) -> bool:
    """The reviewer's own, from the moment they are asked."""
    return actor.is_reviewer and seat.expert.person_id == actor.person_id and seat.asked_at is not None


def may_read_bids(actor: Actor, seat: PanelSeat) -> bool:
    """Contents are for who has declared to be free of conflicts, while the panel is at work."""
    return (
        holds_seat(actor, seat)
        and seat.state in (SeatState.DECLARED, SeatState.HANDED_IN)
        and seat.review.state in REVIEWING
        and seat.review.challenge.state is ChallengeState.IN_REVIEW
    )


def may_read_bid(actor: Actor, seat: PanelSeat, bid_id: uuid.UUID) -> bool:
    return may_read_bids(actor, seat) and str(bid_id) in seat.review.bid_ids


def sees_everybodys_scores(actor: Actor, seat: PanelSeat) -> bool:
    """Once all have scored, who has scored sees the others' scores."""
    return (
        may_read_bids(actor, seat)
        and seat.state is SeatState.HANDED_IN
        and seat.review.state is ReviewState.DISCUSSING
    )


def may_read_feedback(actor: Actor, bid: Bid, review: Review) -> bool:
    """Bidders read their own means and the comments, without names, after the award."""
    return (
        bids_in(actor, bid)
        and review.state is ReviewState.FINISHED
        and str(bid.id) in review.bid_ids
        and bid.challenge.state in RESULT_KNOWN
    )


def is_waiting_for_reviewer(seat: PanelSeat) -> bool:
    """Whether its expert has to declare, to score or to discuss."""
    if seat.review.challenge.state is not ChallengeState.IN_REVIEW:
        return False
    if seat.review.state is ReviewState.SCORING:
        return seat.state in (SeatState.ASKED, SeatState.DECLARED)
    return seat.review.state is ReviewState.DISCUSSING and seat.state is SeatState.HANDED_IN
