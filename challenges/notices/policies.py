"""Who publishes a notice, and which."""

from challenges.notices.models import Notice, NoticeState
from challenges.postings.models import Challenge, ChallengeState
from challenges.postings.policies import is_officer_in_charge
from core.actor import Actor


def may_publish_notice(actor: Actor, challenge: Challenge) -> bool:
    """Without an interest of the officer's own; that is asked where the notice is published."""
    return is_officer_in_charge(actor, challenge) and challenge.state is ChallengeState.AWARDED


def is_running(notice: Notice) -> bool:
    """As the page shows it: also until the job that ends it has run, objections are refused by the clock alone."""
    return notice.state is NoticeState.OPEN and notice.challenge.state is ChallengeState.IN_NOTICE
