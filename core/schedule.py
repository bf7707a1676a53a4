"""What time alone makes due, found in the database and done once, however many workers look.

There is no list of appointments: whether something is due is read from the row that it is about, so that an extended
deadline, a restart or a day without workers needs no repair (docs/decisions/0007). A domain package registers what
it does with `due`; `do_what_is_due` is asked for at every tick of the worker.
"""

import logging
import uuid
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from core.database import database_time
from core.jobs import actor
from core.process import current_process

logger = logging.getLogger(__name__)

Thing = TypeVar("Thing")
# The next thing that is due at a moment, locked with SKIP LOCKED and not one of the ids named; None when all are done.
Find = Callable[[AsyncSession, datetime, Collection[uuid.UUID]], Awaitable[Thing | None]]
Do = Callable[[AsyncSession, Thing, datetime], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Due:
    find: Find[Any]
    do: Do[Any]


REGISTRY: dict[str, Due] = {}


def due(kind: str, find: Find[Thing]) -> Callable[[Do[Thing]], Do[Thing]]:
    """Register a use case for what `find` finds. It must leave the thing no longer due, or it runs at each tick."""

    def register(do: Do[Thing]) -> Do[Thing]:
        if kind in REGISTRY:
            raise ValueError(f"{kind} is registered twice")
        REGISTRY[kind] = Due(find, do)
        return do

    return register


@actor()
async def do_what_is_due() -> None:
    await catch_up()


async def catch_up(*kinds: str) -> None:
    """Do everything that is due now, each thing in a transaction of its own; or what is due of these kinds alone.

    One that fails is left for the next tick and does not hold up the others.
    """
    for kind in kinds or tuple(REGISTRY):
        item, failed = REGISTRY[kind], set[uuid.UUID]()
        while await _do_next(kind, item, failed):
            pass


async def _do_next(kind: str, item: Due, failed: set[uuid.UUID]) -> bool:
    key: uuid.UUID | None = None
    try:
        async with current_process().transaction() as session:
            now = await database_time(session)
            thing = await item.find(session, now, failed)
            if thing is None:
                return False
            key = thing.id
            await item.do(session, thing, now)
    except Exception:
        if key is None:
            raise
        logger.exception("%s failed for %s; trying again at the next tick", kind, key)
        failed.add(key)
    return True
