"""Base of all models, column aliases, engine and session factory.

Relationships are `lazy="raise"`: a query says what it loads. Constraint names follow one convention,
so that migrations and error handling can name them.
"""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, TypeVar

from sqlalchemy import (
    DateTime,
    Enum,
    ForeignKey,
    MetaData,
    Numeric,
    Select,
    String,
    Text,
    Uuid,
    func,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from core.clock import to_shanghai, told
from core.settings import Settings

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

Key = Annotated[uuid.UUID, mapped_column(Uuid, primary_key=True, default=uuid.uuid4)]
Moment = Annotated[datetime, mapped_column(DateTime(timezone=True))]
CreatedAt = Annotated[datetime, mapped_column(DateTime(timezone=True), server_default=func.now())]
ShortText = Annotated[str, mapped_column(String(200))]
LongText = Annotated[str, mapped_column(Text, server_default="")]
# 万元 with two decimals: exact to 100 CNY, the smallest unit the forms accept.
Wan = Annotated[Decimal, mapped_column(Numeric(14, 2))]
Flag = Annotated[bool, mapped_column(server_default=text("false"), default=False)]
JsonObject = Annotated[dict[str, Any], mapped_column(JSONB, server_default=text("'{}'::jsonb"), default=dict)]
JsonArray = Annotated[list[Any], mapped_column(JSONB, server_default=text("'[]'::jsonb"), default=list)]


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING_CONVENTION)


class Created:
    created_at: Mapped[CreatedAt]


class Updated(Created):
    updated_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now(), onupdate=func.now()
    )


def enum_column(kind: type[StrEnum], **options: Any) -> Any:
    """A text column holding the values of `kind`, checked by the database."""
    return mapped_column(
        Enum(
            kind,
            native_enum=False,
            create_constraint=True,
            length=40,
            values_callable=lambda members: [member.value for member in members],
            name=kind.__name__.lower(),
        ),
        **options,
    )


def tokenizer_column() -> Any:
    """The fingerprint of the tokenizer that made a row's tokens.

    The server's default is what the version before this column wrote them with.
    """
    return mapped_column(String(60), default="", server_default=text("'jieba-3-a25ab1b610c5af8f'"))


def reference(target: str, *, ondelete: str = "CASCADE", **options: Any) -> Any:
    """An indexed foreign key."""
    return mapped_column(ForeignKey(target, ondelete=ondelete), index=True, **options)


Rows = TypeVar("Rows", bound=Select[Any])


def held(statement: Rows, of: type[Any] | None = None, *, lock: bool = True) -> Rows:
    """The statement, with `lock` reading its rows (`of` one table) anew and holding off other changes."""
    if not lock:
        return statement
    return statement.with_for_update(of=of).execution_options(populate_existing=True)


async def database_time(session: AsyncSession) -> datetime:
    """The database's clock now, not at the transaction's start: it alone decides what was in time.

    Only where the past is told (`core.clock.at`) it is the moment that is told of.
    """
    return told() or (await session.execute(select(func.clock_timestamp()))).scalar_one()


async def database_today(session: AsyncSession) -> date:
    """The day in Asia/Shanghai by the database's clock: it decides which rules, rounds and certificates hold."""
    return to_shanghai(await database_time(session)).date()


async def recorded_time(session: AsyncSession) -> datetime:
    """What is written down as the moment of an act: the database's clock, whatever the host's says; in the past that
    the demonstration tells, that one."""
    return told() or await database_time(session)


def sqlalchemy_url(database_url: str) -> str:
    """The address with the psycopg driver named, whatever dialect spelling was given."""
    scheme, _, rest = database_url.partition("://")
    if scheme.split("+")[0] not in {"postgresql", "postgres"}:
        raise ValueError("DATABASE_URL must name a PostgreSQL server")
    return f"postgresql+psycopg://{rest}"


def libpq_url(database_url: str) -> str:
    """The address as psycopg itself takes it."""
    return "postgresql://" + sqlalchemy_url(database_url).partition("://")[2]


def create_engine(settings: Settings, **options: Any) -> AsyncEngine:
    if settings.database_url is None:
        raise ValueError("no database address: start the embedded server first")
    return create_async_engine(sqlalchemy_url(settings.database_url), pool_pre_ping=True, **options)


def session_maker(engine: AsyncEngine) -> async_sessionmaker[AsyncSession]:
    return async_sessionmaker(engine, expire_on_commit=False)


@asynccontextmanager
async def transaction(maker: async_sessionmaker[AsyncSession]) -> AsyncIterator[AsyncSession]:
    """The one transaction of a request or job: committed when the block ends well, rolled back otherwise."""
    async with maker() as session, session.begin():
        yield session
