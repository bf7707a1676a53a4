"""Who may read a challenge and what they may do with it.

Pure: challenges come as `queries.challenge_by_id` loads them (program with officers, invited organizations).
`certificates` are the kinds that the actor's organization holds today, see `queries.certificates_on`.
"""

from collections.abc import Collection, Iterable
from datetime import datetime

from challenges.postings.models import Challenge, ChallengeState
from challenges.programs.models import Program
from challenges.programs.policies import accepts_bidder, accepts_poster, is_officer_of
from core.actor import Actor
from solvers.organizations.models import Organization

EDITABLE = frozenset({ChallengeState.DRAFT, ChallengeState.RETURNED})
AWARDED_OR_LATER = (
    ChallengeState.AWARDED,
    ChallengeState.IN_NOTICE,
    ChallengeState.CONTRACTED,
    ChallengeState.IN_PROGRESS,
    ChallengeState.ACCEPTED,
    ChallengeState.FAILED,
)
# States in which the deadline is past and the field of bids is settled.
UNSEALED = frozenset(
    {
        ChallengeState.CLOSED,
        ChallengeState.IN_REVIEW,
        ChallengeState.MATCH_PROPOSED,
        *AWARDED_OR_LATER,
        ChallengeState.NO_AWARD,
    }
)


def is_listed(challenge: Challenge) -> bool:
    """Once published it stays on the list, whatever becomes of it."""
    return challenge.published_at is not None


def is_poster(actor: Actor, challenge: Challenge) -> bool:
    return actor.organization_id is not None and actor.acts_for(challenge.organization_id)


def is_poster_editor(actor: Actor, challenge: Challenge) -> bool:
    return is_poster(actor, challenge) and actor.may_edit_for_organization


def is_officer_in_charge(actor: Actor, challenge: Challenge) -> bool:
    return is_officer_of(actor, challenge.program)


def may_read_challenge(actor: Actor, challenge: Challenge, certificates: Collection[str] = ()) -> bool:
    """Certificates count once the organization is verified: until then they are only claimed."""
    if is_poster(actor, challenge):
        return True
    if is_officer_in_charge(actor, challenge):
        return challenge.submitted_at is not None or is_listed(challenge)
    if not is_listed(challenge):
        return False
    if challenge.is_public:
        return True
    return actor.organization_id is not None and (
        any(item.organization_id == actor.organization_id for item in challenge.invited)
        or (actor.organization_verified and bool(set(certificates) & set(challenge.allowed_certificates)))
    )


def may_post(actor: Actor, organization: Organization, programs: Iterable[Program]) -> bool:
    """Whether this organization may begin a draft: some open program takes enterprises of its size.

    The chosen program's own terms are checked at submission.
    """
    return (
        actor.may_edit_for_organization
        and actor.acts_for(organization.id)
        and organization.is_verified
        and any(item.is_open and accepts_poster(item, organization) for item in programs)
    )


def may_edit_challenge(actor: Actor, challenge: Challenge) -> bool:
    return is_poster_editor(actor, challenge) and challenge.state in EDITABLE


def may_screen(actor: Actor, challenge: Challenge) -> bool:
    """Publish or return: officers of the program, while it waits for screening."""
    return is_officer_in_charge(actor, challenge) and challenge.state is ChallengeState.SUBMITTED


def may_see_candidates(actor: Actor, challenge: Challenge) -> bool:
    """Ranked solvers are for the poster and the program's officers, never for other solvers."""
    return is_listed(challenge) and (is_poster(actor, challenge) or is_officer_in_charge(actor, challenge))


def may_see_history(actor: Actor, challenge: Challenge) -> bool:
    return is_poster(actor, challenge) or is_officer_in_charge(actor, challenge)


def is_open_for_bids(challenge: Challenge, now: datetime) -> bool:
    """The deadline itself decides: the state follows it by a job, some seconds later."""
    return (
        challenge.state is ChallengeState.PUBLISHED
        and challenge.deadline_at is not None
        and now < challenge.deadline_at
    )


def is_bidding_over(challenge: Challenge, now: datetime) -> bool:
    return challenge.state in UNSEALED or (
        challenge.state is ChallengeState.PUBLISHED
        and challenge.deadline_at is not None
        and now >= challenge.deadline_at
    )


def may_bid(actor: Actor, challenge: Challenge, organization: Organization, now: datetime) -> bool:
    """Whether an organization that may read the challenge may bid on it now."""
    return (
        is_open_for_bids(challenge, now)
        and actor.may_edit_for_organization
        and actor.acts_for(organization.id)
        and organization.is_verified
        and not actor.acts_for(challenge.organization_id)
        and (challenge.program is None or accepts_bidder(challenge.program, organization.kind))
    )
