"""Every SELECT about allocations."""

import uuid
from collections.abc import Collection

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer, joinedload, selectinload

from challenges.allocations.models import AllocationRun
from challenges.allocations.policies import ALLOCATED_IN
from challenges.matches.models import Match, MatchRun, MatchRunState
from challenges.postings.models import Challenge
from solvers.organizations.models import Organization


async def run_by_id(session: AsyncSession, run_id: uuid.UUID, *, lock: bool = False) -> AllocationRun | None:
    statement = select(AllocationRun).where(AllocationRun.id == run_id)
    if lock:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    else:
        statement = statement.options(joinedload(AllocationRun.asked_by))
    return await session.scalar(statement)


async def runs_of(
    session: AsyncSession, program_id: uuid.UUID, *, limit: int, offset: int
) -> list[AllocationRun]:
    """Newest first, without what they were computed from, which is large."""
    statement = (
        select(AllocationRun)
        .where(AllocationRun.program_id == program_id)
        .options(joinedload(AllocationRun.asked_by), defer(AllocationRun.inputs, raiseload=True))
        .order_by(AllocationRun.created_at.desc(), AllocationRun.id)
        .limit(limit)
        .offset(offset)
    )
    return list(await session.scalars(statement))


async def count_runs(session: AsyncSession, program_id: uuid.UUID) -> int:
    statement = select(func.count(AllocationRun.id)).where(AllocationRun.program_id == program_id)
    return (await session.execute(statement)).scalar_one()


async def allocatable_challenges(session: AsyncSession, program_id: uuid.UUID) -> list[Challenge]:
    """A program's challenges that still look for solvers, by round and title, with what admission looks at."""
    statement = (
        select(Challenge)
        .where(Challenge.program_id == program_id, Challenge.state.in_(ALLOCATED_IN))
        .options(
            selectinload(Challenge.round),
            selectinload(Challenge.program),
            selectinload(Challenge.invited),
            selectinload(Challenge.organization),
        )
        .order_by(Challenge.round_id, Challenge.title, Challenge.id)
    )
    return list(await session.scalars(statement))


async def newest_done_runs(
    session: AsyncSession, challenge_ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, MatchRun]:
    """The newest finished ranking of each challenge that has one."""
    statement = (
        select(MatchRun)
        .where(MatchRun.challenge_id.in_(challenge_ids), MatchRun.state == MatchRunState.DONE)
        .ext(distinct_on(MatchRun.challenge_id))
        .order_by(MatchRun.challenge_id, MatchRun.created_at.desc(), MatchRun.id)
    )
    return {run.challenge_id: run for run in await session.scalars(statement)}


async def scores_of(
    session: AsyncSession, run_ids: Collection[uuid.UUID]
) -> list[tuple[uuid.UUID, uuid.UUID, float]]:
    """(challenge, organization, score) of rankings."""
    statement = (
        select(MatchRun.challenge_id, Match.organization_id, Match.score)
        .join(MatchRun, MatchRun.id == Match.run_id)
        .where(Match.run_id.in_(run_ids))
    )
    return [(row[0], row[1], row[2]) for row in await session.execute(statement)]


async def organizations_of(
    session: AsyncSession, organization_ids: Collection[uuid.UUID]
) -> list[Organization]:
    """With certificates, by name."""
    statement = (
        select(Organization)
        .where(Organization.id.in_(organization_ids))
        .options(selectinload(Organization.certificates))
        .order_by(Organization.name, Organization.id)
    )
    return list(await session.scalars(statement))
