"""Who names the winners of a challenge, when, and in which order."""

import uuid
from collections.abc import Collection, Mapping
from datetime import datetime

from challenges.consortia.models import Consortium, ConsortiumState
from challenges.consortia.policies import EDITABLE
from challenges.postings.models import Challenge, ChallengeState
from challenges.postings.policies import (
    is_bidding_over,
    is_officer_in_charge,
    is_poster,
    is_poster_editor,
)
from core.actor import Actor

CHOSEN_IN = frozenset({ChallengeState.PUBLISHED, ChallengeState.CLOSED, ChallengeState.IN_REVIEW})


def may_see_award(actor: Actor, challenge: Challenge, now: datetime) -> bool:
    return is_bidding_over(challenge, now) and (
        is_poster(actor, challenge) or is_officer_in_charge(actor, challenge)
    )


def is_time_to_choose(challenge: Challenge, now: datetime, *, are_ready: bool) -> bool:
    """`are_ready`: the bids are opened, checked and, where the program has a review, reviewed."""
    return challenge.state in CHOSEN_IN and is_bidding_over(challenge, now) and are_ready


def may_choose(actor: Actor, challenge: Challenge, now: datetime, *, are_ready: bool) -> bool:
    return is_poster_editor(actor, challenge) and is_time_to_choose(challenge, now, are_ready=are_ready)


def needs_review(challenge: Challenge) -> bool:
    return challenge.program is not None and challenge.program.needs_review


def departs(
    named: Collection[uuid.UUID], ranks: Mapping[uuid.UUID, int], passed_over: Collection[uuid.UUID]
) -> bool:
    """Whether somebody better placed in the review is not named. Equal places are equally good.

    `passed_over`: bids that need not be named, whatever their place.
    """
    worst = max((ranks[key] for key in named if key in ranks), default=0)
    return any(rank < worst for key, rank in ranks.items() if key not in named and key not in passed_over)


def may_award_rest(actor: Actor, challenge: Challenge, teams: Collection[Consortium]) -> bool:
    """Nobody waits for a decision, and the poster wants no other team: an officer awards those approved before."""
    return (
        is_officer_in_charge(actor, challenge)
        and challenge.state is ChallengeState.MATCH_PROPOSED
        and bool(teams)
        and all(item.state is ConsortiumState.APPROVED for item in teams)
    )


def open_teams(teams: Collection[Consortium]) -> list[Consortium]:
    """What the poster may still change or hand in."""
    return [item for item in teams if item.state in EDITABLE]
