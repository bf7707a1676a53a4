"""Every SELECT about milestones, reports and eliminations."""

import uuid
from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import Select, exists, extract, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from challenges.consortia.models import Consortium, ConsortiumMember
from challenges.contracts.models import Contract, ContractState
from challenges.milestones.models import Elimination, Milestone, MilestoneReport, MilestoneState
from challenges.postings.models import Challenge
from challenges.postings.queries import LINE, in_charge_of
from challenges.programs.models import Program
from core.actor import Actor
from core.database import database_time as database_time

WAITING = (MilestoneState.PLANNED, MilestoneState.REWORK)
QUEUE_LIMIT = 100
# Told so many days of the program before a milestone is due.
SOON_DAYS = 14


def _whole() -> Select[Milestone]:
    return select(Milestone).options(selectinload(Milestone.reports).selectinload(MilestoneReport.person))


async def milestones_of(session: AsyncSession, contract_id: uuid.UUID) -> list[Milestone]:
    statement = (
        _whole().where(Milestone.contract_id == contract_id).order_by(Milestone.position, Milestone.due_at)
    )
    return list(await session.scalars(statement))


async def contract_id_of(session: AsyncSession, milestone_id: uuid.UUID) -> uuid.UUID | None:
    return await session.scalar(select(Milestone.contract_id).where(Milestone.id == milestone_id))


async def milestone_by_id(session: AsyncSession, milestone_id: uuid.UUID) -> Milestone | None:
    """Locked, with its reports; whoever asks holds its contract."""
    statement = (
        _whole()
        .where(Milestone.id == milestone_id)
        .with_for_update(of=Milestone)
        .execution_options(populate_existing=True)
    )
    return await session.scalar(statement)


async def contract_id_of_report(session: AsyncSession, report_id: uuid.UUID) -> uuid.UUID | None:
    statement = (
        select(Milestone.contract_id)
        .join(MilestoneReport, MilestoneReport.milestone_id == Milestone.id)
        .where(MilestoneReport.id == report_id)
    )
    return await session.scalar(statement)


def _running() -> Select[Milestone]:
    return (
        select(Milestone)
        .join(Contract, Contract.id == Milestone.contract_id)
        .join(Challenge, Challenge.id == Contract.challenge_id)
        .join(Program, Program.id == Challenge.program_id)
        .where(Contract.state == ContractState.SIGNED, Milestone.state.in_(WAITING))
    )


async def next_due_soon(
    session: AsyncSession, now: datetime, besides: Collection[uuid.UUID]
) -> Milestone | None:
    """A milestone that is due within SOON_DAYS of its program and of which nobody was told yet, locked."""
    seconds_left = extract("epoch", Milestone.due_at - now)
    statement = (
        _running()
        .where(
            Milestone.soon_told_at.is_(None),
            Milestone.due_at > now,
            seconds_left * Program.clock_factor <= timedelta(days=SOON_DAYS).total_seconds(),
            Milestone.id.not_in(besides),
        )
        .order_by(Milestone.due_at, Milestone.id)
        .limit(1)
        .with_for_update(of=Milestone, skip_locked=True)
    )
    return await session.scalar(statement)


async def next_overdue(
    session: AsyncSession, now: datetime, besides: Collection[uuid.UUID]
) -> Milestone | None:
    """A milestone whose day has passed without a report and of which nobody was told yet, locked."""
    statement = (
        _running()
        .where(Milestone.overdue_told_at.is_(None), Milestone.due_at <= now, Milestone.id.not_in(besides))
        .order_by(Milestone.due_at, Milestone.id)
        .limit(1)
        .with_for_update(of=Milestone, skip_locked=True)
    )
    return await session.scalar(statement)


async def overdue_milestones(session: AsyncSession, actor: Actor, now: datetime) -> list[Milestone]:
    """Of the officer's programs, those overdue longest first."""
    statement = (
        _running()
        .where(Milestone.due_at <= now, in_charge_of(actor))
        .options(selectinload(Milestone.contract).selectinload(Contract.challenge).options(*LINE))
        .order_by(Milestone.due_at, Milestone.id)
        .limit(QUEUE_LIMIT)
    )
    return list(await session.scalars(statement))


async def eliminations_of(session: AsyncSession, contract_id: uuid.UUID) -> list[Elimination]:
    statement = (
        select(Elimination)
        .where(Elimination.contract_id == contract_id)
        .options(selectinload(Elimination.milestone))
        .order_by(Elimination.proposed_at.desc())
    )
    return list(await session.scalars(statement))


async def outcomes_of(
    session: AsyncSession, challenge_id: uuid.UUID
) -> list[tuple[Contract, Elimination | None]]:
    """What became of each team's contract, with the confirmed elimination and its milestone where there is one."""
    statement = (
        select(Contract, Elimination)
        .outerjoin(Elimination, (Elimination.contract_id == Contract.id) & Elimination.is_confirmed)
        .where(Contract.challenge_id == challenge_id)
        .options(selectinload(Elimination.milestone))
        .order_by(Contract.team_number)
    )
    return [(contract, elimination) for contract, elimination in await session.execute(statement)]


async def elimination_by_id(session: AsyncSession, elimination_id: uuid.UUID) -> Elimination | None:
    return await session.get(Elimination, elimination_id, populate_existing=True)


async def eliminations_waiting(session: AsyncSession, actor: Actor) -> list[Elimination]:
    """Proposals of the officer's programs that nobody has answered, oldest first."""
    statement = (
        select(Elimination)
        .join(Contract, Contract.id == Elimination.contract_id)
        .join(Challenge, Challenge.id == Contract.challenge_id)
        .where(
            Elimination.answered_at.is_(None),
            Contract.state == ContractState.SIGNED,
            in_charge_of(actor),
        )
        .options(selectinload(Elimination.contract).selectinload(Contract.challenge).options(*LINE))
        .order_by(Elimination.proposed_at, Elimination.id)
        .limit(QUEUE_LIMIT)
    )
    return list(await session.scalars(statement))


async def others_stay(session: AsyncSession, contract: Contract) -> bool:
    """Whether another team of the challenge is still at work, or has completed its contract."""
    statement = select(func.count()).where(
        Contract.challenge_id == contract.challenge_id,
        Contract.id != contract.id,
        Contract.state.in_([ContractState.SIGNED, ContractState.COMPLETED]),
    )
    return bool(await session.scalar(statement))


async def milestones_for(session: AsyncSession, actor: Actor, since: datetime) -> list[Milestone]:
    """Open milestones for a calendar: of the actor's organization as poster or team, or in the officer's charge."""
    own = (
        select(Contract.id)
        .join(Consortium, Consortium.id == Contract.consortium_id)
        .join(Challenge, Challenge.id == Contract.challenge_id)
        .where(
            (Challenge.organization_id == actor.organization_id)
            | exists().where(
                ConsortiumMember.consortium_id == Consortium.id,
                ConsortiumMember.organization_id == actor.organization_id,
            )
            | (in_charge_of(actor) if actor.is_officer else False)
        )
    )
    statement = (
        select(Milestone)
        .join(Contract, Contract.id == Milestone.contract_id)
        .where(
            Milestone.contract_id.in_(own),
            Contract.state == ContractState.SIGNED,
            Milestone.state != MilestoneState.CANCELLED,
            Milestone.due_at >= since,
        )
        .options(selectinload(Milestone.contract).selectinload(Contract.challenge))
        .order_by(Milestone.due_at, Milestone.id)
    )
    return list(await session.scalars(statement))
