"""Every SELECT about objections."""

import uuid
from collections.abc import Collection

from sqlalchemy import Select, Text, cast, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from challenges.consortia.models import Consortium, ConsortiumState, Decision, Outcome
from challenges.objections.models import Objection, ObjectionState
from challenges.postings.models import Challenge, InvitedSolver
from challenges.postings.queries import LINE, in_charge_of
from challenges.programs.models import Program
from core.actor import Actor
from core.database import held

LIMIT = 100


def _whole() -> Select[Objection]:
    return select(Objection).options(
        selectinload(Objection.organization),
        selectinload(Objection.person),
        selectinload(Objection.answered_by),
        selectinload(Objection.notice),
        selectinload(Objection.consortium).selectinload(Consortium.lead),
        selectinload(Objection.challenge).options(
            *LINE,
            selectinload(Challenge.program).selectinload(Program.officers),
            selectinload(Challenge.invited).selectinload(InvitedSolver.organization),
        ),
    )


async def objection_by_id(
    session: AsyncSession, objection_id: uuid.UUID, *, lock: bool = False
) -> Objection | None:
    """An objection with notice, challenge and objector. Locked after challenge and notice."""
    statement = _whole().where(Objection.id == objection_id)
    return await session.scalar(held(statement, Objection, lock=lock))


async def objections_by_ids(session: AsyncSession, ids: Collection[uuid.UUID]) -> list[Objection]:
    return list(await session.scalars(_whole().where(Objection.id.in_(ids))))


async def challenge_id_of(session: AsyncSession, objection_id: uuid.UUID) -> uuid.UUID | None:
    return await session.scalar(select(Objection.challenge_id).where(Objection.id == objection_id))


async def objections_of(session: AsyncSession, notice_id: uuid.UUID) -> list[Objection]:
    """In the order in which they were raised."""
    statement = _whole().where(Objection.notice_id == notice_id).order_by(Objection.raised_at, Objection.id)
    return list(await session.scalars(statement))


async def raised_of(session: AsyncSession, notice_id: uuid.UUID, *, lock: bool = False) -> list[Objection]:
    """Those that wait for an answer."""
    statement = (
        select(Objection)
        .where(Objection.notice_id == notice_id, Objection.state == ObjectionState.RAISED)
        .order_by(Objection.id)
    )
    return list(await session.scalars(held(statement, lock=lock)))


async def count_raised(session: AsyncSession, challenge_id: uuid.UUID) -> int:
    statement = (
        select(func.count())
        .select_from(Objection)
        .where(Objection.challenge_id == challenge_id, Objection.state == ObjectionState.RAISED)
    )
    return await session.scalar(statement) or 0


async def waiting_objections(session: AsyncSession, actor: Actor) -> list[Objection]:
    """Objections of the officer's programs without an answer, those due first on top."""
    statement = (
        select(Objection)
        .join(Challenge, Challenge.id == Objection.challenge_id)
        .where(Objection.state == ObjectionState.RAISED, in_charge_of(actor))
        .options(selectinload(Objection.challenge).options(*LINE), selectinload(Objection.organization))
        .order_by(Objection.due_at, Objection.id)
        .limit(LIMIT)
    )
    return list(await session.scalars(statement))


async def own_objections(session: AsyncSession, organization_id: uuid.UUID) -> list[Objection]:
    """What an organization has raised, newest first."""
    statement = (
        _whole()
        .where(Objection.organization_id == organization_id)
        .order_by(Objection.raised_at.desc(), Objection.id)
        .limit(LIMIT)
    )
    return list(await session.scalars(statement))


async def upheld_at(session: AsyncSession, challenge_id: uuid.UUID) -> dict[uuid.UUID, Objection]:
    """By bid the newest objection by which its team lost the award."""
    statement = (
        select(Consortium.bid_id, Objection)
        .join(Objection, Objection.challenge_id == Consortium.challenge_id)
        .where(
            Consortium.challenge_id == challenge_id,
            Consortium.bid_id.is_not(None),
            Objection.state == ObjectionState.UPHELD,
            Objection.gave_way.has_key(cast(Consortium.id, Text)),
        )
        .order_by(Objection.answered_at)
    )
    rows = await session.execute(statement)
    return {bid_id: objection for bid_id, objection in rows if bid_id is not None}


async def decider_ids(session: AsyncSession, challenge_id: uuid.UUID) -> frozenset[uuid.UUID]:
    """Officers who approved the teams that hold the award."""
    statement = (
        select(Decision.officer_id)
        .join(Consortium, Consortium.id == Decision.consortium_id)
        .where(
            Consortium.challenge_id == challenge_id,
            Consortium.state == ConsortiumState.APPROVED,
            Decision.outcome == Outcome.APPROVED,
        )
    )
    return frozenset(await session.scalars(statement))
