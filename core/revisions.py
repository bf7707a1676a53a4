"""The order of changes that in-process indexes follow.

Each collection has one counter. Taking the next number locks it until the transaction ends, so numbers become
visible in order: a reader that has seen number n has missed nothing below n, and a lost notification costs nothing.
"""

import uuid
from dataclasses import dataclass
from datetime import date

from sqlalchemy import BigInteger, Connection, Select, String, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from core.clock import to_shanghai
from core.database import Base

# Carries the name of the collection that has changed, or of which an index was published.
CHANNEL = "jiebang_index"


class CollectionRevision(Base):
    __tablename__ = "collection_revision"

    collection: Mapped[str] = mapped_column(String(40), primary_key=True)
    revision: Mapped[int] = mapped_column(BigInteger)
    # Numbers count from 1 in every database: an index that was saved from another one is told apart by this.
    lineage: Mapped[uuid.UUID] = mapped_column(server_default=text("gen_random_uuid()"))


@dataclass(frozen=True)
class Head:
    """A collection's last number, and the order it belongs to; None where nothing has been numbered yet."""

    revision: int = 0
    lineage: uuid.UUID | None = None


async def next_revision(session: AsyncSession, collection: str) -> int:
    """Take the collection's next number; to be written on the changed row in the same transaction.

    Every process is notified when the transaction commits.
    """
    taken = (
        insert(CollectionRevision)
        .values(collection=collection, revision=1)
        .on_conflict_do_update(
            index_elements=[CollectionRevision.collection], set_={"revision": CollectionRevision.revision + 1}
        )
        .returning(CollectionRevision.revision)
        .cte("taken")
    )
    statement = select(taken.c.revision, func.pg_notify(CHANNEL, collection))
    return (await session.execute(statement)).one().revision


async def latest_revision_today(session: AsyncSession, collection: str) -> tuple[int, date]:
    """A collection's latest revision, and the day in Asia/Shanghai by the database's clock, in one look."""
    latest = latest_revision_statement(collection).scalar_subquery()
    row = (await session.execute(select(latest, func.clock_timestamp()))).one()
    return row[0], to_shanghai(row[1]).date()


def latest_revision_statement(collection: str) -> Select[int]:
    return select(func.coalesce(func.max(CollectionRevision.revision), 0)).where(
        CollectionRevision.collection == collection
    )


def head_of(connection: Connection, collection: str) -> Head:
    statement = select(CollectionRevision.revision, CollectionRevision.lineage).where(
        CollectionRevision.collection == collection
    )
    row = connection.execute(statement).one_or_none()
    return Head(row.revision, row.lineage) if row else Head()


def begin_order(connection: Connection, collection: str) -> None:
    """Give a collection its counter, where nothing has been numbered yet."""
    connection.execute(
        insert(CollectionRevision).values(collection=collection, revision=0).on_conflict_do_nothing()
    )


def announce(connection: Connection, collection: str) -> None:
    """Let every process look whether a new index was published."""
    connection.execute(select(func.pg_notify(CHANNEL, collection)))


async def hold_order(session: AsyncSession, collection: str) -> None:
    """Lock the collection's counter without taking a number.

    For a transaction that will take one after it has written the audit log: both lock until the end, and everybody
    else takes the number first.
    """
    await session.execute(
        insert(CollectionRevision).values(collection=collection, revision=0).on_conflict_do_nothing()
    )
    await session.execute(
        select(CollectionRevision.revision)
        .where(CollectionRevision.collection == collection)
        .with_for_update()
    )
