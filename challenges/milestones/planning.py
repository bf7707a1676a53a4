"""Milestones follow the contract: made when it is signed, changed by amendments, cancelled when it ends."""

from datetime import datetime, time, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.contracts.content import Stage, TaskBook
from challenges.contracts.models import Contract
from challenges.milestones import queries
from challenges.milestones.models import Milestone, MilestoneState
from challenges.milestones.states import MILESTONE
from challenges.programs.calendar import period
from challenges.programs.models import Program
from core.actor import SYSTEM
from core.clock import SHANGHAI
from core.states import move

# What a report or its acceptance has not settled yet.
OPEN = frozenset({MilestoneState.PLANNED, MilestoneState.REPORTED, MilestoneState.REWORK})


def due_at(program: Program | None, contract: Contract, book: TaskBook, stage: Stage) -> datetime:
    """The last minute of the document's day; in a rehearsal so many of the program's days after the beginning."""
    if program is None or program.clock_factor == 1:
        return datetime.combine(book.starts_on + timedelta(days=stage.days + 1), time(), tzinfo=SHANGHAI)
    begin = contract.begins_at or contract.sign_by
    return begin + period(program, stage.days)


async def follow_contract(session: AsyncSession, contract: Contract, book: TaskBook) -> None:
    """Make the milestones of the version that has come into force, change the open ones, cancel those it drops."""
    present = {item.key: item for item in await queries.milestones_of(session, contract.id)}
    for position, stage in enumerate(book.stages, start=1):
        milestone = present.pop(stage.key, None)
        if milestone is not None and milestone.state not in OPEN:
            milestone.position = position
            continue
        if milestone is None:
            milestone = Milestone(contract_id=contract.id, key=stage.key)
            session.add(milestone)
        end = due_at(contract.challenge.program, contract, book, stage)
        if milestone.due_at != end:
            milestone.soon_told_at = milestone.overdue_told_at = None
        milestone.position, milestone.due_at = position, end
        milestone.title, milestone.deliverables = stage.title, stage.deliverables
        milestone.payment_wan, milestone.is_stage = stage.payment_wan, stage.is_stage
    await session.flush()
    for milestone in present.values():
        if milestone.state in OPEN:
            await move(session, MILESTONE, SYSTEM, milestone, MilestoneState.CANCELLED)


async def cancel_open(session: AsyncSession, contract: Contract) -> None:
    """The contract has ended: nothing of it is due any more."""
    for milestone in await queries.milestones_of(session, contract.id):
        if milestone.state in OPEN:
            await move(
                session, MILESTONE, SYSTEM, milestone, MilestoneState.CANCELLED, note=contract.state_note
            )


async def settled_change(session: AsyncSession, contract: Contract, book: TaskBook) -> Milestone | None:
    """An accepted milestone that an amendment changes or drops: the sum of what is paid would not be the team's money."""
    stages = {item.key: item for item in book.stages}
    for milestone in await queries.milestones_of(session, contract.id):
        if milestone.state is not MilestoneState.ACCEPTED:
            continue
        stage = stages.get(milestone.key)
        if stage is None or (stage.title, stage.deliverables, stage.payment_wan) != (
            milestone.title,
            milestone.deliverables,
            milestone.payment_wan,
        ):
            return milestone
    return None
