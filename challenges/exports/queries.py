"""Every SELECT about exports, and what goes into them."""

import uuid
from collections.abc import Collection
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from challenges.consortia.models import Consortium, ConsortiumMember, Decision
from challenges.exports.models import ExportRun, ExportState
from challenges.postings.models import Challenge
from challenges.programs.models import Program, ProgramOfficer, Round
from core.database import held


async def run_by_id(session: AsyncSession, run_id: uuid.UUID, *, lock: bool = False) -> ExportRun | None:
    statement = select(ExportRun).where(ExportRun.id == run_id).options(selectinload(ExportRun.asked_by))
    return await session.scalar(held(statement, ExportRun, lock=lock))


async def runs_of(session: AsyncSession, round_id: uuid.UUID, *, limit: int, offset: int) -> list[ExportRun]:
    """Newest first."""
    statement = (
        select(ExportRun)
        .where(ExportRun.round_id == round_id)
        .options(selectinload(ExportRun.asked_by))
        .order_by(ExportRun.created_at.desc(), ExportRun.id)
        .limit(limit)
        .offset(offset)
    )
    return list(await session.scalars(statement))


async def count_runs(session: AsyncSession, round_id: uuid.UUID) -> int:
    statement = select(func.count()).select_from(ExportRun).where(ExportRun.round_id == round_id)
    return (await session.execute(statement)).scalar_one()


async def running_of(session: AsyncSession, round_id: uuid.UUID, person_id: uuid.UUID) -> list[ExportRun]:
    """What a person waits for already."""
    statement = select(ExportRun).where(
        ExportRun.round_id == round_id,
        ExportRun.asked_by_id == person_id,
        ExportRun.state.in_([ExportState.QUEUED, ExportState.RUNNING]),
    )
    return list(await session.scalars(statement))


async def next_to_expire(
    session: AsyncSession, now: datetime, besides: Collection[uuid.UUID]
) -> ExportRun | None:
    statement = (
        select(ExportRun)
        .where(ExportRun.state == ExportState.DONE, ExportRun.expires_at <= now, ExportRun.id.not_in(besides))
        .order_by(ExportRun.expires_at, ExportRun.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    return await session.scalar(statement)


async def round_with_program(session: AsyncSession, round_id: uuid.UUID) -> Round | None:
    statement = (
        select(Round)
        .where(Round.id == round_id)
        .options(
            selectinload(Round.program).options(
                selectinload(Program.officers).selectinload(ProgramOfficer.person),
                selectinload(Program.rules),
                selectinload(Program.rounds),
            )
        )
    )
    return await session.scalar(statement)


async def lock_round(session: AsyncSession, round_id: uuid.UUID) -> None:
    """Two presses of a button order one after the other."""
    await session.execute(select(Round.id).where(Round.id == round_id).with_for_update(key_share=True))


async def challenges_of_round(session: AsyncSession, round_id: uuid.UUID) -> list[Challenge]:
    """What was handed in for a round: drafts are their posters' own."""
    statement = (
        select(Challenge)
        .where(
            Challenge.round_id == round_id,
            or_(Challenge.submitted_at.is_not(None), Challenge.published_at.is_not(None)),
        )
        .options(
            selectinload(Challenge.organization),
            selectinload(Challenge.program).selectinload(Program.officers),
            selectinload(Challenge.requirements),
        )
        .order_by(Challenge.published_at.asc().nulls_last(), Challenge.title, Challenge.id)
    )
    return list(await session.scalars(statement))


async def consortia_of_round(session: AsyncSession, round_id: uuid.UUID) -> list[Consortium]:
    """Consortia that were handed in once, with members and decisions; a poster's sketch is the poster's own."""
    statement = (
        select(Consortium)
        .join(Challenge, Challenge.id == Consortium.challenge_id)
        .where(Challenge.round_id == round_id, Consortium.submitted_at.is_not(None))
        .options(
            selectinload(Consortium.challenge).options(
                selectinload(Challenge.organization), selectinload(Challenge.program)
            ),
            selectinload(Consortium.lead),
            selectinload(Consortium.rule),
            selectinload(Consortium.members).selectinload(ConsortiumMember.organization),
            selectinload(Consortium.decisions).options(
                selectinload(Decision.officer), selectinload(Decision.rule)
            ),
        )
        .order_by(Challenge.title, Consortium.submitted_at, Consortium.id)
    )
    return list(await session.scalars(statement))
