"""The indexes that each process holds of solvers and of challenges, built from the tokens that were stored when saved.

Before each use the collection's revision is read, which is one row. When it has risen, the rows that changed are read
and a new index is built beside the present one, in a thread; readers keep the index they were given, which never
changes. So a profile saved anywhere is found by the next search of any process.
"""

import asyncio
import uuid
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from threading import Lock
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, NullPool, create_engine
from sqlalchemy.ext.asyncio import AsyncSession

from challenges import index_queries
from core.clock import shanghai_today
from core.revisions import latest_revision, latest_revision_statement
from matching.documents import Document, Evidence, Query, Solver
from matching.index import DocumentTokens, Index, tokens_of
from matching.ranking import order, score_all
from solvers.organizations.models import Verification
from solvers.profiles.models import Visibility
from solvers.profiles.texts import evidence_body, profile_text

SOLVERS = "solvers"
CHALLENGES = "challenges"


def terms_of_text(text: str) -> list[str]:
    """The terms of a text as the indexes hold them: what is stored as the tokens of whatever is saved.

    Takes long for long texts: call it in a thread.
    """
    return list(tokens_of(Document(id="", text=text)).whole)


EVERYTHING = frozenset(Visibility)


@dataclass(frozen=True)
class Snapshot:
    """An index as of a revision. `index.documents` have the ids of the rows as texts; see `matching.ranking.rank`."""

    revision: int
    day: date
    index: Index

    def __contains__(self, key: uuid.UUID) -> bool:
        return str(key) in self.index.position

    def document(self, key: uuid.UUID) -> Document:
        return self.index.documents[self.index.position[str(key)]]

    async def search(
        self, text: str, *, among: Collection[uuid.UUID] | None = None, limit: int | None = None
    ) -> list[tuple[uuid.UUID, float]]:
        """Ids and scores in (0, 1] of what matches a text, best first; `among` names those that may be found."""
        return await asyncio.to_thread(self._search, text, among, limit)

    def _search(
        self, text: str, among: Collection[uuid.UUID] | None, limit: int | None
    ) -> list[tuple[uuid.UUID, float]]:
        scores = score_all(self.index, Query(text)).total
        allowed = None if among is None else {str(key) for key in among}
        found = [
            (uuid.UUID(self.index.documents[place].id), float(scores[place]))
            for place in order(scores, self.index, len(scores))
            if allowed is None or self.index.documents[place].id in allowed
        ]
        return found if limit is None else found[:limit]


@dataclass(frozen=True)
class SolverIndex(Snapshot):
    """Verified organizations. Documents are `matching.documents.Solver` with kind, size, region code and certificates.

    `evidence_ids[document id][n]` is the id of the document's n-th evidence item.
    """

    evidence_ids: Mapping[str, tuple[uuid.UUID, ...]]


@dataclass(frozen=True)
class ChallengeIndex(Snapshot):
    """Challenges that were published; a document's region is the poster's."""


async def solver_index(session: AsyncSession, readable: frozenset[Visibility] = EVERYTHING) -> SolverIndex:
    """The index of solvers as of now: all of them for matching, for a person's search what that person may read.

    What may not be read has no part in an index, not even in its statistics.
    """
    return await _SOLVERS.snapshot(session, readable)


async def challenge_index(session: AsyncSession, *, public_only: bool = False) -> ChallengeIndex:
    """The index of published challenges as of now; `public_only` leaves out restricted ones (定向揭榜)."""
    return await _CHALLENGES.snapshot(session, public_only)


@dataclass(frozen=True)
class SolverEntry:
    document: Solver
    tokens: DocumentTokens
    evidence_ids: tuple[uuid.UUID, ...]
    visibility: Visibility
    # (kind, valid from, valid until): which of them hold depends on the day.
    certificates: tuple[tuple[str, date, date], ...]


@dataclass(frozen=True)
class ChallengeEntry:
    document: Document
    tokens: DocumentTokens
    is_public: bool


EntryT = TypeVar("EntryT", SolverEntry, ChallengeEntry)
SnapshotT = TypeVar("SnapshotT", SolverIndex, ChallengeIndex)
# Which part of a collection an index holds: readable visibilities of solvers, of challenges whether public ones alone.
ScopeT = TypeVar("ScopeT", frozenset[Visibility], bool)


@dataclass
class Reading(Generic[EntryT, SnapshotT, ScopeT]):
    """What one process knows of a collection. Only the collection's thread writes to it."""

    revision: int = -1  # rows that no use case has saved have revision 0
    entries: dict[uuid.UUID, EntryT] = field(default_factory=dict)
    snapshots: dict[ScopeT, SnapshotT] = field(default_factory=dict)


class IndexedCollection(Generic[EntryT, SnapshotT, ScopeT]):
    """One collection's indexes, by database: a process has one database, a test run many."""

    name: str

    def __init__(self) -> None:
        self._readings: WeakKeyDictionary[Engine, Reading[EntryT, SnapshotT, ScopeT]] = WeakKeyDictionary()
        self._registering = Lock()
        # A single thread: one refresh at a time whatever asks for it, and none takes the place of other work.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"index-{self.name}")

    async def snapshot(self, session: AsyncSession, scope: ScopeT) -> SnapshotT:
        engine = session.get_bind().engine
        with self._registering:
            reading = self._readings.setdefault(engine, Reading())
        revision = await latest_revision(session, self.name)
        present = reading.snapshots.get(scope)
        if present is not None and present.revision >= revision and present.day == shanghai_today():
            return present
        refreshing = self._thread.submit(self._refresh, engine, reading, scope, revision)
        return await asyncio.wrap_future(refreshing)

    def _refresh(
        self, engine: Engine, reading: Reading[EntryT, SnapshotT, ScopeT], scope: ScopeT, revision: int
    ) -> SnapshotT:
        """Read what changed and build. Reads what is committed alone, never what the caller's transaction holds."""
        today = shanghai_today()
        present = reading.snapshots.get(scope)
        if present is not None and present.revision >= revision and present.day == today:
            return present
        if reading.revision < revision:
            # A connection beside the pool: requests that wait here hold all of the pool's, perhaps.
            reader = create_engine(engine.url, poolclass=NullPool, isolation_level="REPEATABLE READ")
            with reader.connect() as connection:
                latest = connection.execute(latest_revision_statement(self.name)).scalar_one()
                if latest > reading.revision:
                    for key, entry in self.read(connection, reading.revision).items():
                        if entry is None:
                            reading.entries.pop(key, None)
                        else:
                            reading.entries[key] = entry
                    reading.revision = latest
        if present is None or present.revision < reading.revision or present.day != today:
            present = self.build(reading.revision, today, reading.entries, scope)
            reading.snapshots[scope] = present
        return present

    def read(self, connection: Connection, after_revision: int) -> dict[uuid.UUID, EntryT | None]:
        """Changed rows as entries; None for what has no place in the index any more."""
        raise NotImplementedError

    def build(
        self, revision: int, day: date, entries: Mapping[uuid.UUID, EntryT], scope: ScopeT
    ) -> SnapshotT:
        raise NotImplementedError


class SolverCollection(IndexedCollection[SolverEntry, SolverIndex, frozenset[Visibility]]):
    name = SOLVERS

    def read(self, connection: Connection, after_revision: int) -> dict[uuid.UUID, SolverEntry | None]:
        rows = index_queries.changed_profiles(connection, after_revision)
        candidates = [row for row in rows if row.verification is Verification.VERIFIED]
        evidence = index_queries.evidence_of(connection, [row.id for row in candidates])
        organization_ids = [row.organization_id for row in candidates]
        certificates = index_queries.certificates_of(connection, organization_ids)
        controllers = index_queries.controllers_of(connection, organization_ids)
        read: dict[uuid.UUID, SolverEntry | None] = {row.organization_id: None for row in rows}
        for row in candidates:
            key = row.organization_id
            read[key] = _solver_entry(
                row, evidence.get(row.id, []), certificates.get(key, []), controllers.get(key, [])
            )
        return read

    def build(
        self, revision: int, day: date, entries: Mapping[uuid.UUID, SolverEntry], scope: frozenset[Visibility]
    ) -> SolverIndex:
        chosen = [entry for entry in entries.values() if entry.visibility in scope]
        return SolverIndex(
            revision=revision,
            day=day,
            index=Index.build(
                [_on_day(entry, day) for entry in chosen], tokens=[entry.tokens for entry in chosen]
            ),
            evidence_ids={entry.document.id: entry.evidence_ids for entry in chosen},
        )


class ChallengeCollection(IndexedCollection[ChallengeEntry, ChallengeIndex, bool]):
    name = CHALLENGES

    def read(self, connection: Connection, after_revision: int) -> dict[uuid.UUID, ChallengeEntry | None]:
        rows = index_queries.changed_challenges(connection, after_revision)
        requirements = index_queries.requirements_of(connection, [row.id for row in rows if row.published_at])
        return {
            row.id: _challenge_entry(row, requirements.get(row.id, [])) if row.published_at else None
            for row in rows
        }

    def build(
        self, revision: int, day: date, entries: Mapping[uuid.UUID, ChallengeEntry], scope: bool
    ) -> ChallengeIndex:
        chosen = [entry for entry in entries.values() if entry.is_public or not scope]
        index = Index.build([entry.document for entry in chosen], tokens=[entry.tokens for entry in chosen])
        return ChallengeIndex(revision=revision, day=day, index=index)


def _solver_entry(
    row: Any, evidence: Collection[Any], certificates: Collection[Any], controllers: Collection[Any]
) -> SolverEntry:
    document = Solver(
        id=str(row.organization_id),
        name=row.name,
        text=profile_text(row.summary, row.team, row.keywords),
        evidence=tuple(
            Evidence(title=item.title, text=evidence_body(item.text, item.keywords)) for item in evidence
        ),
        kind=row.kind.value,
        size=row.size_class.value if row.size_class else None,
        region=row.region_code,
        controlled_by=tuple(str(item.controller_id) for item in controllers),
    )
    whole = list(row.tokens)
    for item in evidence:
        # As in matching.index.tokens_of: what a summary already quotes in full does not count twice.
        if not (item.text.strip() and item.text in row.summary):
            whole.extend(item.tokens)
    items = tuple(tuple(item.tokens) for item in evidence)
    return SolverEntry(
        document=document,
        tokens=DocumentTokens(whole=tuple(whole), items=items or ((tuple(whole),) if whole else ())),
        evidence_ids=tuple(item.id for item in evidence),
        visibility=row.visibility,
        certificates=tuple((item.kind.value, item.valid_from, item.valid_until) for item in certificates),
    )


def _on_day(entry: SolverEntry, day: date) -> Solver:
    """The entry's document with the certificates that are valid on a day."""
    held = frozenset(kind for kind, start, end in entry.certificates if start <= day <= end)
    document = entry.document
    return Solver(
        id=document.id,
        text=document.text,
        evidence=document.evidence,
        name=document.name,
        kind=document.kind,
        size=document.size,
        region=document.region,
        certificates=held,
        controlled_by=document.controlled_by,
    )


def _challenge_entry(row: Any, requirements: Collection[Any]) -> ChallengeEntry:
    tokens = tuple(row.tokens)
    return ChallengeEntry(
        document=Document(
            id=str(row.id),
            name=row.title,
            text=challenge_text(
                row.title,
                row.difficulty,
                row.indicators,
                row.content,
                [(item.text, item.target) for item in requirements],
            ),
            region=row.region_code,
        ),
        tokens=DocumentTokens(whole=tokens, items=(tokens,) if tokens else ()),
        is_public=row.is_public,
    )


def challenge_text(
    title: str, difficulty: str, indicators: str, content: str, requirements: Collection[tuple[str, str]]
) -> str:
    """The text of a challenge that is searched: what its tokens are made of. Requirements are (text, target)."""
    parts = [title, difficulty, indicators, content, *(part for pair in requirements for part in pair)]
    return "\n".join(part for part in parts if part)


_SOLVERS = SolverCollection()
_CHALLENGES = ChallengeCollection()
