"""Who may change a published challenge, and what the deadline may become. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from challenges.amendments.content import Content, deadline_of, is_substantial
from challenges.amendments.models import Amendment, AmendmentState
from challenges.postings.models import Challenge
from challenges.postings.policies import is_officer_in_charge, is_open_for_bids, is_poster, is_poster_editor
from challenges.programs.calendar import earliest_end, period
from challenges.programs.models import Program
from core.actor import Actor
from core.clock import to_shanghai
from core.i18n import lazy_gettext as _


def may_propose(actor: Actor, challenge: Challenge, now: datetime) -> bool:
    return is_poster_editor(actor, challenge) and is_open_for_bids(challenge, now)


def may_decide(actor: Actor, challenge: Challenge) -> bool:
    return is_officer_in_charge(actor, challenge)


def may_read(actor: Actor, challenge: Challenge, amendment: Amendment) -> bool:
    """Of somebody who may read the challenge: what is in force is for all of them, the rest for those who act on it."""
    return (
        amendment.state is AmendmentState.CONFIRMED
        or is_poster(actor, challenge)
        or is_officer_in_charge(actor, challenge)
    )


def deadline_problem(before: Mapping[str, Any], after: Content, program: Program, now: datetime) -> Any:
    """Why the deadline cannot be what the amendment makes it, or None.

    It is never moved earlier; after a change of substance bidders have the days that the program grants them.
    """
    deadline = deadline_of(after)
    if deadline < deadline_of(before):
        return _("The deadline can be extended, never moved earlier.")
    if not is_substantial(before, after):
        return None
    earliest = earliest_end(program, program.min_bid_days, now)
    if deadline >= earliest:
        return None
    return _(
        "After a change like this bidders have at least %(days)s days: the deadline may be %(day)s or later.",
        days=program.min_bid_days,
        day=to_shanghai(earliest).strftime("%Y-%m-%d" if program.clock_factor == 1 else "%Y-%m-%d %H:%M"),
    )


def decision_due(amendment: Amendment, program: Program) -> datetime:
    """Until when an officer can confirm it at all: bids are open, and bidders keep their days."""
    if not amendment.is_substantial:
        return amendment.deadline_before
    return min(amendment.deadline_before, amendment.deadline_after - period(program, program.min_bid_days))
