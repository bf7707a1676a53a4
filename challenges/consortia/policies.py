"""Who may prepare, see and decide a consortium."""

import uuid
from collections.abc import Collection
from datetime import datetime

from challenges.consortia.models import Consortium, ConsortiumState, QuotaRecheck, Waiver
from challenges.postings.models import Challenge, ChallengeState
from challenges.postings.policies import (
    is_bidding_over,
    is_officer_in_charge,
    is_poster,
    is_poster_editor,
)
from core.actor import Actor

# What the poster may still change.
EDITABLE = frozenset({ConsortiumState.PROPOSED, ConsortiumState.RETURNED})
DECIDED = frozenset(
    {
        ConsortiumState.APPROVED,
        ConsortiumState.REJECTED,
        ConsortiumState.SUPERSEDED,
        ConsortiumState.WITHDRAWN,
    }
)
PREPARED_IN = frozenset({ChallengeState.PUBLISHED, ChallengeState.CLOSED})


def may_prepare(actor: Actor, challenge: Challenge) -> bool:
    return is_poster_editor(actor, challenge) and challenge.state in PREPARED_IN


def may_edit_consortium(actor: Actor, challenge: Challenge, consortium: Consortium) -> bool:
    return may_prepare(actor, challenge) and consortium.state in EDITABLE


def may_submit(actor: Actor, challenge: Challenge, consortium: Consortium, now: datetime) -> bool:
    """Not while bids are open: a consortium handed in before would make them pointless."""
    return may_edit_consortium(actor, challenge, consortium) and is_bidding_over(challenge, now)


def may_take_back(actor: Actor, challenge: Challenge, consortium: Consortium) -> bool:
    return (
        is_poster_editor(actor, challenge)
        and challenge.state is ChallengeState.MATCH_PROPOSED
        and consortium.state is ConsortiumState.SUBMITTED
    )


def may_see_consortium(actor: Actor, challenge: Challenge, consortium: Consortium) -> bool:
    """The whole of it: the poster, and officers of the program; a poster's first sketch is the poster's own."""
    return is_poster(actor, challenge) or (
        is_officer_in_charge(actor, challenge)
        and (consortium.state is not ConsortiumState.PROPOSED or consortium.submitted_at is not None)
    )


def may_see_own_part(actor: Actor, consortium: Consortium) -> bool:
    """A member sees its own part once the consortium is approved, and nothing of the others' scores."""
    return consortium.state is ConsortiumState.APPROVED and any(
        actor.acts_for(member.organization_id) for member in consortium.members
    )


def has_interest(
    organization_ids: Collection[uuid.UUID], challenge: Challenge, consortium: Consortium
) -> bool:
    """Whether somebody of these organizations belongs to a member or to the poster."""
    own = set(organization_ids)
    return challenge.organization_id in own or any(
        member.organization_id in own for member in consortium.members
    )


def may_decide(
    actor: Actor,
    challenge: Challenge,
    consortium: Consortium,
    own_organization_ids: Collection[uuid.UUID],
) -> bool:
    """`own_organization_ids`: all organizations that the officer belongs to, not only the one acted for."""
    return (
        is_officer_in_charge(actor, challenge)
        and consortium.state is ConsortiumState.SUBMITTED
        and challenge.state is ChallengeState.MATCH_PROPOSED
        and not has_interest(own_organization_ids, challenge, consortium)
    )


def waiver_of(consortium: Consortium) -> Waiver | None:
    """The waiver that was asked for the consortium as it is now, whatever was answered."""
    return next(
        (item for item in consortium.waivers if item.consortium_revision == consortium.revision), None
    )


def confirmed_waiver(consortium: Consortium) -> Waiver | None:
    """The waiver under which the consortium may be approved as it is now."""
    waiver = waiver_of(consortium)
    return waiver if waiver is not None and waiver.answer is not None and waiver.answer.is_confirmed else None


def waived_parts(consortium: Consortium) -> frozenset[str]:
    waiver = confirmed_waiver(consortium)
    return frozenset() if waiver is None else frozenset(waiver.parts)


def may_answer_waiver(
    actor: Actor,
    challenge: Challenge,
    consortium: Consortium,
    waiver: Waiver,
    own_organization_ids: Collection[uuid.UUID],
) -> bool:
    """A second officer of the program, never who asked for it, never somebody of a member or of the poster."""
    return (
        may_decide(actor, challenge, consortium, own_organization_ids)
        and waiver.answer is None
        and waiver.requested_by_id != actor.person_id
        and waiver is waiver_of(consortium)
    )


def may_replay(actor: Actor, challenge: Challenge) -> bool:
    return is_officer_in_charge(actor, challenge)


def may_leave(actor: Actor, challenge: Challenge, consortium: Consortium) -> bool:
    """An owner declares that the own organization leaves an approved consortium, until there is a contract."""
    return (
        actor.is_owner
        and may_see_own_part(actor, consortium)
        and challenge.state in {ChallengeState.AWARDED, ChallengeState.IN_NOTICE}
    )


def may_settle(
    actor: Actor, challenge: Challenge, consortium: Consortium, own_organization_ids: Collection[uuid.UUID]
) -> bool:
    return (
        is_officer_in_charge(actor, challenge)
        and consortium.state is ConsortiumState.APPROVED
        and not has_interest(own_organization_ids, challenge, consortium)
    )


def may_go_to_contract(consortium: Consortium, unsettled: QuotaRecheck | None) -> bool:
    """A trigger on the challenge holds the same."""
    return consortium.state is ConsortiumState.APPROVED and unsettled is None
