"""One index as one process has it: the last published version, shared with other processes, and what came after it.

A version is mapped from files. What was saved after it is read by the order of changes and kept beside it. Where
nothing is published that can be used, the process builds an index of its own until there is.
"""

import logging
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from challenges.indexing.entries import NOTHING, Collection, Entries, Scope, State
from challenges.indexing.queries import today_of
from core.revisions import Head, head_of
from matching.documents import Query
from matching.growing import GrowingIndex
from matching.grown import GrownIndex
from matching.index import Index
from matching.ranking import Filters
from matching.saved import SavedIndexError, open_index, remove_old, versions_of

logger = logging.getLogger(__name__)

# A query goes through everything beside the base, so that is bounded by number and as a share of the whole. Below the
# least a rebuild saves nobody anything.
MOST_CHANGED, CHANGED_SHARE, LEAST_CHANGED = 10_000, 0.1, 100
# Of what a term or a length counts in a score. An idf is at least 1, so this is a tenth of the commonest term's.
MOST_DRIFT = 0.1
# An index of so few documents is built in less time than a page takes: while it is that small, and so while each
# document moves the statistics, every process builds it anew whenever these have drifted.
SMALL = 500
WARMING_TERMS = 8


class Lack(StrEnum):
    """Why an index should be built and published."""

    NONE_PUBLISHED = "none that can be used is published"
    MANY_CHANGES = "many changes since"
    DRIFT = "its statistics have drifted"


@dataclass(frozen=True)
class Held:
    """What a shelf has at one moment; `index` never changes."""

    state: State
    index: GrownIndex


class Reading:
    """The database at one moment. What is asked twice is read once."""

    def __init__(self, connection: Connection, collection: Collection) -> None:
        self.head: Head = head_of(connection, collection.name)
        self.today: date = today_of(connection)
        self._changes = cache(lambda known: collection.read(connection, known, self.today))

    @property
    def state(self) -> State:
        return State(self.head.revision, self.today)

    def changes(self, known: State) -> Entries:
        return self._changes(known)


def root_of(data_dir: Path, collection: Collection, scope: Scope) -> Path:
    return data_dir / "index" / "-".join([collection.name, *sorted(scope)])


def build_index(entries: Entries, scope: Scope) -> Index:
    chosen = [entry for entry in entries.values() if entry is not None and entry.label in scope]
    return Index.build([entry.document for entry in chosen], tokens=[entry.tokens for entry in chosen])


def facts_of(state: State, head: Head) -> dict[str, Any]:
    """What is saved with an index, to be read by `state_in`."""
    assert state.day is not None
    return {"revision": state.revision, "day": state.day.isoformat(), "lineage": str(head.lineage)}


def state_in(facts: Mapping[str, Any], head: Head) -> State:
    """Up to where a saved index goes; raises SavedIndexError where it is not of this database or ahead of it."""
    try:
        state = State(int(facts["revision"]), date.fromisoformat(facts["day"]))
        lineage = uuid.UUID(facts["lineage"])
    except (KeyError, ValueError) as error:
        raise SavedIndexError("it does not say what it was built from") from error
    if lineage != head.lineage:
        raise SavedIndexError("it was built from another database")
    if state.revision > head.revision:
        raise SavedIndexError("it was built from a later state of the database than there is now")
    return state


class Shelf:
    """Not safe to share between threads; what it gives out is."""

    def __init__(self, data_dir: Path, collection: Collection, scope: Scope) -> None:
        self.root = root_of(data_dir, collection, scope)
        self.scope = scope
        self.held: Held | None = None
        self._growing: GrowingIndex | None = None
        self._known = State()
        self._lineage: uuid.UUID | None = None
        # The last version that was looked at, and whether the index in use began with it.
        self._looked_at: str | None = None
        self._has_version = False
        self._is_published = False
        self._is_warm = False

    @property
    def version(self) -> str | None:
        """The version that is the base of what is in use."""
        return self._looked_at if self._is_published else None

    def refresh(self, reading: Reading) -> Held:
        """Take the newest version if there is one, and what has changed since."""
        self._take_newest(reading.head)
        if (
            self._growing is None
            or self._lineage != reading.head.lineage
            or self._known.revision > reading.head.revision
        ):
            self._build(reading)
        elif self._known != reading.state:
            self._catch_up(self._growing, reading)
            if self._is_worth_building:
                self._build(reading)
        assert self._growing is not None
        index = self._growing.grown()
        if self.held is None or self.held.index is not index or self.held.state != self._known:
            self.held = Held(self._known, index)
        return self.held

    def lack(self) -> Lack | None:
        """Why a new version should be published, None where there is no reason. After a refresh."""
        assert self._growing is not None
        if not self._has_version or not (self._is_published or self._is_small):
            return Lack.NONE_PUBLISHED
        documents = len(self._growing.base.documents)
        if self._growing.changed > min(MOST_CHANGED, max(LEAST_CHANGED, CHANGED_SHARE * documents)):
            return Lack.MANY_CHANGES
        return Lack.DRIFT if self._has_drifted and not self._is_small else None

    def warm(self) -> None:
        """Let the loops compile and the files come into memory, before somebody waits for it."""
        if self._is_warm or self.held is None:
            return
        index = self.held.index
        words = "。".join(index.terms[number] for number in range(min(WARMING_TERMS, len(index.terms))))
        index.rank(Query(words), filters=Filters(kinds=frozenset({"enterprise"})))
        index.rank(Query(words))
        index.search(Query(words))
        self._is_warm = True

    def sweep(self) -> None:
        """Remove the versions that nobody reads any more."""
        try:
            remove_old(self.root)
        except OSError:
            # Another process's files, perhaps of another user: that one sweeps them.
            logger.warning("old versions below %s could not be removed", self.root, exc_info=True)

    @property
    def _is_small(self) -> bool:
        assert self._growing is not None
        return len(self._growing.grown()) < SMALL

    @property
    def _is_worth_building(self) -> bool:
        """Whether not to wait for a version: it takes no time, or more has come than was there (so each is built of
        a few times at most, on average)."""
        assert self._growing is not None
        if self._growing.changed > len(self._growing.base.documents):
            return True
        return self._is_small and self._has_drifted

    @property
    def _has_drifted(self) -> bool:
        assert self._growing is not None
        drift = self._growing.drift()
        return max(drift.idf, drift.length) > MOST_DRIFT

    def _take_newest(self, head: Head) -> None:
        versions = versions_of(self.root)
        if not versions or versions[-1].name == self._looked_at:
            return
        try:
            opened = open_index(versions[-1])
            self._use(GrowingIndex(opened), state_in(opened.facts, head), head)
            self._has_version = self._is_published = True
        except SavedIndexError as error:
            logger.warning("%s is not used: %s", versions[-1], error)
            self._has_version = False
        self._looked_at = versions[-1].name

    def _build(self, reading: Reading) -> None:
        index = build_index(reading.changes(State(NOTHING, reading.today)), self.scope)
        self._use(GrowingIndex(index), reading.state, reading.head)
        self._is_published = False

    def _use(self, growing: GrowingIndex, state: State, head: Head) -> None:
        self._growing, self._known, self._lineage = growing, state, head.lineage
        self._is_warm = False

    def _catch_up(self, growing: GrowingIndex, reading: Reading) -> None:
        for key, entry in reading.changes(self._known).items():
            if entry is not None and entry.label in self.scope:
                growing.put(entry.document, entry.tokens)
            else:
                growing.discard(str(key))
        self._known = reading.state
