"""Every SELECT about notices, and whether an award has come through its notice."""

import uuid
from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, ScalarSelect, Select, and_, case, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from challenges.notices.models import Notice, NoticeState
from challenges.objections.models import Objection, ObjectionState
from challenges.postings.models import Challenge, ChallengeState, InvitedSolver
from challenges.postings.queries import LINE, readable_by
from challenges.programs.models import Program
from core.actor import Actor
from core.audit import latest_entry
from core.database import held

# Where a notice that stands belongs; in any other state the award that it tells of is gone.
STANDS_IN = (
    ChallengeState.IN_NOTICE,
    ChallengeState.CONTRACTED,
    ChallengeState.IN_PROGRESS,
    ChallengeState.ACCEPTED,
    ChallengeState.FAILED,
)


def _whole() -> Select[Notice]:
    return select(Notice).options(
        selectinload(Notice.published_by),
        selectinload(Notice.challenge).options(
            *LINE,
            selectinload(Challenge.program).selectinload(Program.officers),
            selectinload(Challenge.invited).selectinload(InvitedSolver.organization),
        ),
    )


async def notice_by_id(session: AsyncSession, notice_id: uuid.UUID, *, lock: bool = False) -> Notice | None:
    """A notice with its challenge. Whoever locks it to change the award has locked the challenge before."""
    statement = _whole().where(Notice.id == notice_id)
    return await session.scalar(held(statement, Notice, lock=lock))


async def notices_by_ids(session: AsyncSession, ids: Collection[uuid.UUID]) -> list[Notice]:
    return list(await session.scalars(_whole().where(Notice.id.in_(ids))))


async def standing_notice(
    session: AsyncSession, challenge_id: uuid.UUID, *, lock: bool = False
) -> Notice | None:
    """The notice of a challenge that is not withdrawn."""
    statement = _whole().where(Notice.challenge_id == challenge_id, Notice.state != NoticeState.WITHDRAWN)
    return await session.scalar(held(statement, Notice, lock=lock))


async def notices_of(session: AsyncSession, challenge_id: uuid.UUID) -> list[Notice]:
    """All notices of a challenge, newest first."""
    statement = _whole().where(Notice.challenge_id == challenge_id).order_by(Notice.begun_at.desc())
    return list(await session.scalars(statement))


async def is_over(session: AsyncSession, challenge_id: uuid.UUID, now: datetime) -> bool:
    """Whether the award has come through: its notice has ended, and no objection waits for an answer."""
    ended = exists().where(
        Notice.challenge_id == challenge_id, Notice.state != NoticeState.WITHDRAWN, Notice.ends_at <= now
    )
    waits = exists().where(Objection.challenge_id == challenge_id, Objection.state == ObjectionState.RAISED)
    return bool(await session.scalar(select(and_(ended, ~waits))))


def over_at(now: datetime) -> ScalarSelect[datetime]:
    """Since when the award of a `Challenge` row has come through, None where it has not: `is_over` as a column.

    The later one of the end of its notice and the moment when the last objection was answered or withdrawn.
    """
    objections = select(Objection.id).where(Objection.notice_id == Notice.id).correlate(Notice)
    waits = exists().where(Objection.challenge_id == Challenge.id, Objection.state == ObjectionState.RAISED)
    settled_at = latest_entry("objection", objections, "objection.dismissed", "objection.withdrawn")
    return (
        # GREATEST takes no notice of a null.
        select(func.greatest(Notice.ends_at, settled_at))
        .where(
            Notice.challenge_id == Challenge.id,
            Notice.state != NoticeState.WITHDRAWN,
            Notice.ends_at <= now,
            ~waits,
        )
        .correlate(Challenge)
        .scalar_subquery()
    )


async def next_to_end(session: AsyncSession, now: datetime, besides: Collection[uuid.UUID]) -> Notice | None:
    """An open notice whose period has passed, locked; one that another worker holds is left to it."""
    statement = (
        _whole()
        .where(Notice.state == NoticeState.OPEN, Notice.ends_at <= now, Notice.id.not_in(besides))
        .order_by(Notice.ends_at, Notice.id)
        .limit(1)
        .with_for_update(of=Notice, skip_locked=True)
    )
    return await session.scalar(statement)


async def next_left(session: AsyncSession, now: datetime, besides: Collection[uuid.UUID]) -> Notice | None:
    """A notice that still stands though its award is gone, locked: whatever took the award away need not know of it."""
    statement = (
        _whole()
        .join(Challenge, Challenge.id == Notice.challenge_id)
        .where(
            Notice.state != NoticeState.WITHDRAWN,
            Challenge.state.not_in(STANDS_IN),
            Notice.id.not_in(besides),
        )
        .order_by(Notice.id)
        .limit(1)
        .with_for_update(of=Notice, skip_locked=True)
    )
    return await session.scalar(statement)


def _is_shown(
    actor: Actor, certificates: Collection[str], program_id: uuid.UUID | None
) -> ColumnElement[bool]:
    shown = readable_by(actor, certificates)
    return shown if program_id is None else and_(shown, Challenge.program_id == program_id)


async def count_notices(
    session: AsyncSession,
    actor: Actor,
    certificates: Collection[str],
    state: NoticeState | None = None,
    program_id: uuid.UUID | None = None,
) -> int:
    statement = (
        select(func.count())
        .select_from(Notice)
        .join(Challenge, Challenge.id == Notice.challenge_id)
        .where(_is_shown(actor, certificates, program_id))
    )
    if state is not None:
        statement = statement.where(Notice.state == state)
    return await session.scalar(statement) or 0


async def list_notices(
    session: AsyncSession,
    actor: Actor,
    certificates: Collection[str],
    *,
    state: NoticeState | None = None,
    program_id: uuid.UUID | None = None,
    offset: int = 0,
    limit: int = 20,
) -> list[Notice]:
    """Notices that the actor may read: running ones first, those that end soonest on top; then the newest."""
    statement = (
        _whole()
        .join(Challenge, Challenge.id == Notice.challenge_id)
        .where(_is_shown(actor, certificates, program_id))
        .order_by(
            Notice.state != NoticeState.OPEN,
            case((Notice.state == NoticeState.OPEN, Notice.ends_at)),
            Notice.begun_at.desc(),
            Notice.id,
        )
        .offset(offset)
        .limit(limit)
    )
    if state is not None:
        statement = statement.where(Notice.state == state)
    return list(await session.scalars(statement))


async def public_feed(session: AsyncSession, *, limit: int) -> list[Notice]:
    """Notices of public challenges, newest first."""
    statement = (
        _whole()
        .join(Challenge, Challenge.id == Notice.challenge_id)
        .where(Challenge.published_at.is_not(None), Challenge.is_public)
        .order_by(Notice.begun_at.desc(), Notice.id)
        .limit(limit)
    )
    return list(await session.scalars(statement))


async def awarded_without_notice(
    session: AsyncSession, charge: ColumnElement[bool]
) -> list[tuple[Challenge, datetime]]:
    """Awarded challenges whose notice has not begun, under a condition, each with the moment of its award.

    An award may rest on no decision of its own (the last team was rejected, the others had been approved), and a
    challenge may be awarded twice: only the audit log knows when it was awarded last.
    """
    # One that never came by a step has waited since it is there.
    awarded_at = func.coalesce(
        latest_entry("challenge", [Challenge.id], "challenge.awarded"), Challenge.created_at
    ).label("awarded_at")
    statement = (
        select(Challenge, awarded_at)
        .where(Challenge.state == ChallengeState.AWARDED, charge)
        .options(*LINE)
        .order_by(awarded_at, Challenge.id)
        .limit(100)
    )
    return [(row[0], row[1]) for row in await session.execute(statement)]


def _is_result(
    actor: Actor, certificates: Collection[str], program_id: uuid.UUID | None
) -> ColumnElement[bool]:
    return and_(
        _is_shown(actor, certificates, program_id),
        Notice.state != NoticeState.WITHDRAWN,
        Challenge.state.in_(STANDS_IN),
    )


async def count_results(
    session: AsyncSession,
    actor: Actor,
    certificates: Collection[str],
    program_id: uuid.UUID | None = None,
) -> int:
    statement = (
        select(func.count())
        .select_from(Notice)
        .join(Challenge, Challenge.id == Notice.challenge_id)
        .where(_is_result(actor, certificates, program_id))
    )
    return await session.scalar(statement) or 0


async def list_results(
    session: AsyncSession,
    actor: Actor,
    certificates: Collection[str],
    program_id: uuid.UUID | None = None,
    *,
    offset: int = 0,
    limit: int = 20,
) -> list[Notice]:
    """Standing notices of awarded challenges that the actor may read, newest first."""
    statement = (
        _whole()
        .join(Challenge, Challenge.id == Notice.challenge_id)
        .where(_is_result(actor, certificates, program_id))
        .order_by(Notice.begun_at.desc(), Notice.id)
        .offset(offset)
        .limit(limit)
    )
    return list(await session.scalars(statement))
