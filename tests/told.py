"""What people were told, for tests of whatever tells them."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.accounts.models import Person
from core.notifications.models import Notification


async def told(session: AsyncSession, kind: str | None = None) -> list[tuple[str, str]]:
    """Address and kind of every notification of one kind, or of all, in the order of addresses."""
    statement = select(Person.email, Notification.kind).join(Person, Person.id == Notification.person_id)
    if kind is not None:
        statement = statement.where(Notification.kind == kind)
    return sorted((row[0], row[1]) for row in await session.execute(statement))
