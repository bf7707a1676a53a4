"""The life of a milestone: reported by the lead, accepted or sent back by the poster."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.contracts.models import Contract
from challenges.contracts.states import roles_in
from challenges.milestones.models import Milestone, MilestoneState
from core.actor import Actor
from core.states import Machine, Role, Transition

PLANNED, REPORTED, ACCEPTED = MilestoneState.PLANNED, MilestoneState.REPORTED, MilestoneState.ACCEPTED
REWORK, CANCELLED = MilestoneState.REWORK, MilestoneState.CANCELLED
TEAM = frozenset({Role.TEAM})
POSTER = frozenset({Role.POSTER})
SYSTEM_ALONE = frozenset({Role.SYSTEM})


def _stamp_report(milestone: Milestone, now: datetime) -> None:
    milestone.reported_at = now


def _stamp_acceptance(milestone: Milestone, now: datetime) -> None:
    milestone.accepted_at = now


async def _present_roles(session: AsyncSession, actor: Actor, milestone: Milestone) -> frozenset[Role]:
    return await roles_in(session, actor, await session.get_one(Contract, milestone.contract_id))


MILESTONE = Machine[Milestone, MilestoneState](
    noun="milestone",
    states=MilestoneState,
    initial=PLANNED,
    transitions=(
        Transition(PLANNED, REPORTED, TEAM, "milestone.reported", effect=_stamp_report),
        Transition(REWORK, REPORTED, TEAM, "milestone.reported", effect=_stamp_report),
        Transition(REPORTED, ACCEPTED, POSTER, "milestone.accepted", effect=_stamp_acceptance),
        Transition(REPORTED, REWORK, POSTER, "milestone.rework_asked", needs_note=True),
        # With the end of its contract, or by an amendment.
        Transition(PLANNED, CANCELLED, SYSTEM_ALONE, "milestone.cancelled"),
        Transition(REPORTED, CANCELLED, SYSTEM_ALONE, "milestone.cancelled"),
        Transition(REWORK, CANCELLED, SYSTEM_ALONE, "milestone.cancelled"),
    ),
    roles_of=_present_roles,
    locked=("state", "contract_id"),
    note_column="state_note",
)
