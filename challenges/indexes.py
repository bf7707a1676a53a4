"""The indexes of solvers and of challenges, for whoever searches or ranks. See challenges/indexing for how they are kept.

What may not be read has no part in an index, not even in its statistics: there is one for each set of what people may
read.
"""

import asyncio
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.indexing.entries import CHALLENGES, PUBLIC, RESTRICTED, SOLVERS, Scope, solver_scope
from challenges.indexing.shelves import SHELVES
from challenges.indexing.texts import challenge_text, profile_tokens, terms_in, terms_of_text
from matching.documents import Document, Query
from matching.grown import GrownIndex
from solvers.profiles.models import Visibility

__all__ = [
    "CHALLENGES",
    "EVERYTHING",
    "SOLVERS",
    "Snapshot",
    "challenge_index",
    "challenge_text",
    "profile_tokens",
    "solver_index",
    "terms_in",
    "terms_of_text",
]

EVERYTHING = frozenset(Visibility)


@dataclass(frozen=True)
class Snapshot:
    """An index as of a revision, which never changes. Its documents have the ids of the rows as texts."""

    revision: int
    day: date
    index: GrownIndex

    def __len__(self) -> int:
        return len(self.index)

    def __contains__(self, key: uuid.UUID) -> bool:
        return str(key) in self.index

    def document(self, key: uuid.UUID) -> Document:
        """Id, name, attributes, and the ids and titles of evidence; texts are in the database."""
        return self.index.document(str(key))

    async def search(
        self, text: str, *, among: Collection[uuid.UUID] | None = None, limit: int | None = None
    ) -> list[tuple[uuid.UUID, float]]:
        """Ids and scores in (0, 1] of what matches a text, best first; `among` names those that may be found."""
        names = None if among is None else [str(key) for key in among]
        found = await asyncio.to_thread(self.index.search, Query(text), names, limit)
        return [(uuid.UUID(name), score) for name, score in found]


async def solver_index(session: AsyncSession, readable: frozenset[Visibility] = EVERYTHING) -> Snapshot:
    """Verified organizations as of now: all of them for matching, for a person's search what that person may read."""
    return await _snapshot(session, SOLVERS, solver_scope(readable))


async def challenge_index(session: AsyncSession, *, public_only: bool = False) -> Snapshot:
    """Published challenges as of now; `public_only` leaves out restricted ones (定向揭榜)."""
    scope = frozenset({PUBLIC}) if public_only else frozenset({PUBLIC, RESTRICTED})
    return await _snapshot(session, CHALLENGES, scope)


async def _snapshot(session: AsyncSession, name: str, scope: Scope) -> Snapshot:
    held = await SHELVES[name].held(session, scope)
    assert held.state.day is not None
    return Snapshot(held.state.revision, held.state.day, held.index)
