"""The order of changes that in-process indexes follow.

Each collection has one counter. Taking the next number locks it until the transaction ends, so numbers become
visible in order: a reader that has seen number n has missed nothing below n, and a lost notification costs nothing.
"""

from sqlalchemy import BigInteger, Select, String, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base


class CollectionRevision(Base):
    __tablename__ = "collection_revision"

    collection: Mapped[str] = mapped_column(String(40), primary_key=True)
    revision: Mapped[int] = mapped_column(BigInteger)


async def next_revision(session: AsyncSession, collection: str) -> int:
    """Take the collection's next number; to be written on the changed row in the same transaction."""
    statement = (
        insert(CollectionRevision)
        .values(collection=collection, revision=1)
        .on_conflict_do_update(
            index_elements=[CollectionRevision.collection], set_={"revision": CollectionRevision.revision + 1}
        )
        .returning(CollectionRevision.revision)
    )
    return (await session.execute(statement)).scalar_one()


async def latest_revision(session: AsyncSession, collection: str) -> int:
    return (await session.execute(latest_revision_statement(collection))).scalar_one()


def latest_revision_statement(collection: str) -> Select[int]:
    return select(func.coalesce(func.max(CollectionRevision.revision), 0)).where(
        CollectionRevision.collection == collection
    )


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
