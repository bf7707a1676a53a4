"""Every SELECT about people and logins."""

import uuid
from collections.abc import Collection
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from core.accounts.models import Login, LoginAttempt, PasswordReset, Person


async def person_by_email(session: AsyncSession, email: str) -> Person | None:
    statement = (
        select(Person).where(Person.email == email.strip().lower()).options(selectinload(Person.roles))
    )
    return await session.scalar(statement)


async def people_by_email(session: AsyncSession, emails: Collection[str]) -> dict[str, Person]:
    """Accounts by address in lower case; who has none is absent."""
    found = await session.scalars(select(Person).where(Person.email.in_(emails)))
    return {person.email: person for person in found}


async def person_by_id(session: AsyncSession, person_id: uuid.UUID) -> Person | None:
    return await session.scalar(
        select(Person).where(Person.id == person_id).options(selectinload(Person.roles))
    )


async def login_by_token_hash(session: AsyncSession, token_hash: bytes, now: datetime) -> Login | None:
    statement = (
        select(Login)
        .where(Login.token_hash == token_hash, Login.expires_at > now)
        .options(selectinload(Login.person).selectinload(Person.roles))
    )
    return await session.scalar(statement)


async def is_login_in_force(session: AsyncSession, login_id: uuid.UUID, now: datetime) -> bool:
    statement = (
        select(Login.id)
        .join(Person, Person.id == Login.person_id)
        .where(Login.id == login_id, Login.expires_at > now, Person.is_disabled.is_(False))
    )
    return await session.scalar(statement) is not None


async def logins_of(session: AsyncSession, person_id: uuid.UUID, now: datetime) -> list[Login]:
    statement = (
        select(Login)
        .where(Login.person_id == person_id, Login.expires_at > now)
        .order_by(Login.last_seen_at.desc())
    )
    return list(await session.scalars(statement))


async def failed_attempts(
    session: AsyncSession, since: datetime, *, email: str | None = None, address: str | None = None
) -> int:
    statement = select(func.count()).select_from(LoginAttempt).where(LoginAttempt.at > since)
    if email is not None:
        statement = statement.where(LoginAttempt.email == email)
    if address is not None:
        statement = statement.where(LoginAttempt.address == address)
    return (await session.execute(statement)).scalar_one()


async def usable_reset(session: AsyncSession, token_hash: bytes, now: datetime) -> PasswordReset | None:
    statement = select(PasswordReset).where(
        PasswordReset.token_hash == token_hash,
        PasswordReset.used_at.is_(None),
        PasswordReset.expires_at > now,
    )
    return await session.scalar(statement.with_for_update())


async def resets_since(session: AsyncSession, person_id: uuid.UUID, since: datetime) -> int:
    statement = (
        select(func.count())
        .select_from(PasswordReset)
        .where(PasswordReset.person_id == person_id, PasswordReset.created_at > since)
    )
    return (await session.execute(statement)).scalar_one()


async def people(session: AsyncSession, *, search: str, limit: int, offset: int) -> tuple[list[Person], int]:
    """A page of people by name, and how many there are in all."""
    condition = Person.email.contains(search.lower(), autoescape=True) | Person.name.contains(
        search, autoescape=True
    )
    total = (await session.execute(select(func.count()).select_from(Person).where(condition))).scalar_one()
    statement = (
        select(Person)
        .where(condition)
        .options(selectinload(Person.roles))
        .order_by(Person.name, Person.id)
        .limit(limit)
        .offset(offset)
    )
    return list(await session.scalars(statement)), total
