"""The life of an amendment."""

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.amendments.models import Amendment, AmendmentState
from challenges.postings.policies import is_open_for_bids
from challenges.postings.states import present_roles
from core.actor import Actor
from core.i18n import lazy_gettext as _
from core.states import Machine, Role, Transition

PROPOSED = AmendmentState.PROPOSED


def _is_in_time(amendment: Amendment, now: datetime) -> Any:
    """The challenge is open for bids, and the deadline as it was before the change has not passed."""
    # An extension does not reopen what is over.
    if not is_open_for_bids(amendment.challenge, now) or now >= amendment.deadline_before:
        return _("The deadline for bids has passed: the challenge is not changed any more.")
    return None


def _is_too_late(amendment: Amendment, now: datetime) -> Any:
    """The challenge is not open for bids any more."""
    if is_open_for_bids(amendment.challenge, now):
        return _("Bids are still open.")
    return None


def _stamp(amendment: Amendment, now: datetime) -> None:
    amendment.decided_at = now


async def _roles(session: AsyncSession, actor: Actor, amendment: Amendment) -> frozenset[Role]:
    return await present_roles(session, actor, amendment.challenge)


def _challenge_id(amendment: Amendment) -> Any:
    return amendment.challenge_id


AMENDMENT = Machine[Amendment, AmendmentState](
    noun="amendment",
    states=AmendmentState,
    initial=PROPOSED,
    transitions=(
        Transition(
            PROPOSED,
            AmendmentState.CONFIRMED,
            frozenset({Role.OFFICER}),
            "amendment.confirmed",
            guard=_is_in_time,
            effect=_stamp,
        ),
        Transition(
            PROPOSED,
            AmendmentState.REFUSED,
            frozenset({Role.OFFICER}),
            "amendment.refused",
            needs_note=True,
            effect=_stamp,
        ),
        Transition(
            PROPOSED,
            AmendmentState.TAKEN_BACK,
            frozenset({Role.POSTER}),
            "amendment.taken_back",
            effect=_stamp,
        ),
        Transition(
            PROPOSED,
            AmendmentState.LAPSED,
            frozenset({Role.SYSTEM}),
            "amendment.lapsed",
            guard=_is_too_late,
            effect=_stamp,
        ),
    ),
    roles_of=_roles,
    note_column="note",
    # Told of in the history of the challenge.
    audit_noun="challenge",
    audit_id=_challenge_id,
)
