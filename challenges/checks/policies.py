"""Who may see and do what about formal checks."""

from datetime import datetime

from challenges.bids.policies import are_bids_opened, bids_in, leads_bid
from challenges.checks.models import CheckState, FormalCheck
from challenges.postings.models import Challenge
from challenges.postings.policies import is_officer_in_charge, is_poster
from core.actor import Actor


def may_list_checks(actor: Actor, challenge: Challenge) -> bool:
    """Officers see everything; the poster sees which bids are admitted."""
    return are_bids_opened(challenge) and (
        is_officer_in_charge(actor, challenge) or is_poster(actor, challenge)
    )


def may_check(actor: Actor, check: FormalCheck) -> bool:
    return is_officer_in_charge(actor, check.challenge)


def may_read_own(actor: Actor, check: FormalCheck) -> bool:
    """The bidders see the check of their own bid."""
    return bids_in(actor, check.bid)


def may_complete(actor: Actor, check: FormalCheck, now: datetime) -> bool:
    return (
        leads_bid(actor, check.bid)
        and actor.may_edit_for_organization
        and check.state is CheckState.COMPLETION_REQUESTED
        and check.completion_due_at is not None
        and now < check.completion_due_at
    )


def waiting_since(check: FormalCheck) -> datetime:
    """From when on an unsettled check has waited for an officer."""
    if check.state is CheckState.COMPLETED and check.completed_at is not None:
        return check.completed_at
    if check.state is CheckState.LAPSED and check.completion_due_at is not None:
        return check.completion_due_at
    return check.created_at


def may_read_completion(actor: Actor, check: FormalCheck) -> bool:
    """Files of a completion: the bidders', and the officers' once it is handed in."""
    return may_read_own(actor, check) or (may_check(actor, check) and check.completed_at is not None)
