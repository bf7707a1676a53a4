"""Who may see rankings. Other solvers' ranks, and even their number, are for the poster and the officers alone."""

from challenges.postings.models import Challenge, ChallengeState
from challenges.postings.policies import is_listed, is_officer_in_charge, is_poster, is_poster_editor
from core.actor import Actor

# A ranking is computed as long as it may still lead to a consortium.
MATCHED = frozenset({ChallengeState.PUBLISHED, ChallengeState.CLOSED})


def may_ask_for_match(actor: Actor, challenge: Challenge) -> bool:
    return challenge.state in MATCHED and (
        is_poster_editor(actor, challenge) or is_officer_in_charge(actor, challenge)
    )


def may_see_own_fit(actor: Actor, challenge: Challenge) -> bool:
    """Of a challenge that the actor may read: any organization but the poster's."""
    return actor.organization_id is not None and is_listed(challenge) and not is_poster(actor, challenge)
