"""Warnings that time alone makes due, once each."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.contracts.queries import contract_by_id, member_ids
from challenges.contracts.standing import Standing, tell
from challenges.milestones import events, queries
from challenges.milestones.models import Milestone
from core.actor import SYSTEM
from core.notifications.kinds import Kind
from core.schedule import due


@due("milestone.due_soon", queries.next_due_soon)
async def tell_due_soon(session: AsyncSession, milestone: Milestone, now: datetime) -> None:
    milestone.soon_told_at = now
    await _tell(session, events.DUE_SOON, milestone, is_late=False)


@due("milestone.overdue", queries.next_overdue)
async def tell_overdue(session: AsyncSession, milestone: Milestone, now: datetime) -> None:
    milestone.overdue_told_at = now
    await _tell(session, events.OVERDUE, milestone, is_late=True)


async def _tell(session: AsyncSession, kind: Kind, milestone: Milestone, *, is_late: bool) -> None:
    await session.flush()
    contract = await contract_by_id(session, milestone.contract_id)
    assert contract is not None
    standing = Standing(contract, await member_ids(session, contract.consortium_id))
    await tell(
        session,
        SYSTEM,
        kind,
        standing,
        # Another day is another event: an amendment may have moved it.
        f"{milestone.id}:{milestone.due_at.isoformat()}",
        standing.party_ids if is_late else standing.members,
        officers=is_late,
        milestone=milestone.title,
        due_at=milestone.due_at.isoformat(),
    )
