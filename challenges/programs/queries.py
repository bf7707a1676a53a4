"""Every SELECT about programs, rounds and quota rules."""

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from challenges.postings.models import Challenge
from challenges.programs.models import Program, ProgramOfficer, QuotaRule, Round
from core.accounts.models import Person, PersonRole, PlatformRole

_WHOLE = (
    selectinload(Program.rules),
    selectinload(Program.rounds),
    selectinload(Program.officers).selectinload(ProgramOfficer.person),
)


def days_before(moment: Any, days: int) -> ColumnElement[datetime]:
    """So many days of the program before a column's moment: `calendar.period` in a query that joins the program."""
    return moment - func.make_interval(0, 0, 0, days) / Program.clock_factor


async def program_by_id(session: AsyncSession, program_id: uuid.UUID) -> Program | None:
    """A program with its rules, rounds and officers."""
    return await session.scalar(select(Program).where(Program.id == program_id).options(*_WHOLE))


async def program_by_code(session: AsyncSession, code: str) -> Program | None:
    return await session.scalar(select(Program).where(Program.code == code).options(*_WHOLE))


async def programs(session: AsyncSession) -> list[Program]:
    """Every program with its rules, rounds and officers: open ones first, then by name."""
    statement = select(Program).options(*_WHOLE).order_by(Program.is_open.desc(), Program.name)
    return list(await session.scalars(statement))


async def lock_program(session: AsyncSession, program_id: uuid.UUID) -> None:
    """Whoever adds a rule version or changes the officers waits for who does so already."""
    await session.execute(select(Program.id).where(Program.id == program_id).with_for_update())


async def has_published(session: AsyncSession, program_id: uuid.UUID) -> bool:
    """Whether a challenge of the program has ever been on the list, or is planned to be."""
    published = exists().where(
        Challenge.program_id == program_id,
        or_(Challenge.published_at.is_not(None), Challenge.publish_at.is_not(None)),
    )
    return bool(await session.scalar(select(published)))


async def officer_ids(session: AsyncSession, program_id: uuid.UUID) -> frozenset[uuid.UUID]:
    statement = select(ProgramOfficer.person_id).where(ProgramOfficer.program_id == program_id)
    return frozenset(await session.scalars(statement))


async def rule_in_force(session: AsyncSession, program_id: uuid.UUID, on_day: date) -> QuotaRule | None:
    """The rule of a day: of those effective by then the one effective last; of one day's the newest version."""
    statement = (
        select(QuotaRule)
        .where(QuotaRule.program_id == program_id, QuotaRule.effective_on <= on_day)
        .order_by(QuotaRule.effective_on.desc(), QuotaRule.version.desc())
        .limit(1)
    )
    return await session.scalar(statement)


async def latest_version(session: AsyncSession, program_id: uuid.UUID) -> int:
    statement = select(func.coalesce(func.max(QuotaRule.version), 0)).where(
        QuotaRule.program_id == program_id
    )
    return (await session.execute(statement)).scalar_one()


async def rounds_open_on(session: AsyncSession, day: date) -> list[Round]:
    """Rounds of open programs to which needs may be submitted on a day, by program and name."""
    statement = (
        select(Round)
        .join(Round.program)
        .where(Program.is_open, Round.opens_on <= day, Round.closes_on >= day)
        .options(selectinload(Round.program))
        .order_by(Program.name, Round.opens_on, Round.name)
    )
    return list(await session.scalars(statement))


async def round_by_id(session: AsyncSession, round_id: uuid.UUID) -> Round | None:
    return await session.scalar(
        select(Round).where(Round.id == round_id).options(selectinload(Round.program))
    )


async def officers(session: AsyncSession) -> list[Person]:
    """Everybody with the role of an officer: who may be put in charge of a program."""
    statement = (
        select(Person)
        .join(PersonRole)
        .where(PersonRole.role == PlatformRole.OFFICER, Person.is_disabled.is_(False))
        .order_by(Person.name, Person.id)
    )
    return list(await session.scalars(statement))
