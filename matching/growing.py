"""Documents that came after an index was built: added, edited, removed.

The index stays as it is.  New and edited documents are kept beside it under its statistics (idf, mean length), so that
scores of both can be compared; who was edited or removed is struck out of it.  Once the additions are many, or the
statistics have drifted, an index is built afresh.

`GrowingIndex` takes what changes; `matching.grown.GrownIndex` is what it held at one moment, and answers.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from threading import Lock

import numpy as np
import numpy.typing as npt

from matching.attributes import DEAD, Filters
from matching.documents import Challenge, Document, Query
from matching.grown import BaseStatistics, GrownIndex
from matching.index import DocumentTokens, Index, tokens_of
from matching.level import Ints, Rows
from matching.ranking import Candidate
from matching.turned import TurnedDocuments, TurnedRows

# Additions are read one by one until they are this many; then all are turned into postings, which takes some 0.05 s at
# 10,000 documents: beside the time that so many took to be added, it is a tenth.
TURNED_EVERY = 1024
# Room for this many values at first; doubled whenever it is full, so adding costs the same on average.
FIRST_ROOM = 4096


class _GrowingRows:
    """Rows of a sparse matrix to which rows are added at the end."""

    def __init__(self) -> None:
        self.count = 0
        self.starts: Ints = np.zeros(FIRST_ROOM, dtype=np.int64)
        self.columns: npt.NDArray[np.int32] = np.zeros(FIRST_ROOM, dtype=np.int32)
        self.values: npt.NDArray[np.float32] = np.zeros(FIRST_ROOM, dtype=np.float32)

    def add(self, row: Mapping[int, float]) -> None:
        end = int(self.starts[self.count]) + len(row)
        if self.count + 2 > len(self.starts):
            self.starts = np.concatenate([self.starts, np.zeros_like(self.starts)])
        while end > len(self.columns):
            self.columns = np.concatenate([self.columns, np.zeros_like(self.columns)])
            self.values = np.concatenate([self.values, np.zeros_like(self.values)])
        ordered = sorted(row)
        self.columns[end - len(row) : end] = ordered
        self.values[end - len(row) : end] = [row[term] for term in ordered]
        self.count += 1
        self.starts[self.count] = end

    def row(self, number: int) -> dict[int, float]:
        place = slice(int(self.starts[number]), int(self.starts[number + 1]))
        columns: list[int] = self.columns[place].tolist()
        values: list[float] = self.values[place].tolist()
        return dict(zip(columns, values, strict=True))

    def frozen(self) -> Rows:
        """The rows that are there now: rows that are added later are written behind them, or into other arrays."""
        return Rows(self.starts[: self.count + 1], self.columns, self.values)


@dataclass(frozen=True, slots=True)
class Drift:
    """How far an index's statistics are from those of the documents that are there now.

    `idf` is the mean of |idf now − idf then| over all occurrences of terms in documents now; `length` is
    |mean length now / mean length then − 1|, documents that were struck out taken to have been of mean length.
    """

    idf: float
    length: float


class GrowingIndex(BaseStatistics):
    """An index with documents added, edited and removed since; every call sees all that were complete before it."""

    def __init__(self, base: Index) -> None:
        self._new_terms: dict[str, int] = {}
        super().__init__(base, self._new_terms)
        self._extra_names: list[str] = []
        self._documents: list[Document] = []
        self._position: dict[str, int] = {}
        self._whole = _GrowingRows()
        self._items = _GrowingRows()
        self._item_starts: Ints = np.zeros(FIRST_ROOM, dtype=np.int64)
        self._group: npt.NDArray[np.uint8] | None = None
        self._struck = 0
        self._frequency_change: Counter[int] = Counter()
        self._lengths: dict[str, int] = {}
        self._added_length = 0
        self._turned: TurnedDocuments | None = None
        self._lock = Lock()
        self._grown: GrownIndex | None = None

    @property
    def added(self) -> int:
        """How many documents are beside the base: when they are many, it is time to build afresh."""
        return len(self._documents)

    @property
    def changed(self) -> int:
        """How many documents were put beside the base or struck out of it, whichever are more."""
        return max(len(self._documents), self._struck)

    def put(self, document: Document, tokens: DocumentTokens | None = None) -> None:
        """Add a document, or exchange the one that has its id."""
        tokens = tokens or tokens_of(document, self.base.tokenizer)
        with self._lock:
            self._grown = None
            self._strike_out(document.id)
            for term in dict.fromkeys(chain(tokens.whole, *tokens.items)):
                if term not in self._new_terms and term not in self.base.vocabulary:
                    self._extra_names.append(term)
                    self._new_terms[term] = len(self.base.terms) + len(self._new_terms)
            place = len(self._documents)
            row = self.base.saturation(self.count_known(tokens.whole), len(tokens.whole))
            self._whole.add(row)
            self._frequency_change.update(row.keys())
            for item in tokens.items:
                self._items.add(self.tfidf(self.count_known(item)))
            if place + 2 > len(self._item_starts):
                self._item_starts = np.concatenate([self._item_starts, np.zeros_like(self._item_starts)])
            self._item_starts[place + 1] = self._items.count
            self._documents.append(document)
            self._position[document.id] = place
            self._lengths[document.id] = len(tokens.whole)
            self._added_length += len(tokens.whole)

    def remove(self, document_id: str) -> None:
        """Strike a document out; KeyError where there is none."""
        if not self.discard(document_id):
            raise KeyError(document_id)

    def discard(self, document_id: str) -> bool:
        """Strike a document out; whether there was one."""
        with self._lock:
            self._grown = None
            return self._strike_out(document_id)

    def grown(self) -> GrownIndex:
        """What is there now, as an index that never changes; costs something after each change only."""
        with self._lock:
            if self._grown is None:
                whole, items = self._whole.frozen(), self._items.frozen()
                turned = 0 if self._turned is None else self._turned.count
                if len(self._documents) - turned >= TURNED_EVERY:
                    terms = self.known_terms
                    self._turned = TurnedDocuments(TurnedRows.of(whole, terms), TurnedRows.of(items, terms))
                self._grown = GrownIndex(
                    base=self.base,
                    extra_terms=self._new_terms,
                    names=self._extra_names,
                    documents=self._documents,
                    position=dict(self._position),
                    whole=whole,
                    items=items,
                    item_starts=self._item_starts,
                    turned=self._turned,
                    group=None if self._group is None else self._group.copy(),
                    struck=self._struck,
                    frequency_change=dict(self._frequency_change),
                )
            return self._grown

    def rank(
        self, query: Challenge | Query, top_k: int = 10, filters: Filters | None = None
    ) -> list[Candidate]:
        """As matching.ranking.rank, over the base and what was added."""
        return self.grown().rank(query, top_k, filters)

    def drift(self) -> Drift:
        with self._lock:
            base = self.base
            before = len(base.documents)
            kept = before - self._struck
            now = kept + len(self._position)
            terms = np.fromiter(self._frequency_change.keys(), dtype=np.int64)
            change = np.fromiter(self._frequency_change.values(), dtype=np.float64)
            in_base = terms < len(base.terms)
            then = np.zeros(len(terms))
            then[in_base] = base.document_frequency[terms[in_base]]
            present = then + change
            everywhere = math.log((1.0 + now) / (1.0 + before))
            shifts = np.abs(everywhere - np.log((1.0 + present) / (1.0 + then)))
            occurrences = len(base.whole.weights.columns) + float(change.sum())
            rest = max(occurrences - float(present.sum()), 0.0)
            moved = float(np.sum(present * shifts)) + rest * abs(everywhere)
            length = kept * base.mean_length + self._added_length
            return Drift(
                idf=moved / max(occurrences, 1.0),
                length=abs((length / max(now, 1) or 1.0) / base.mean_length - 1.0),
            )

    def _strike_out(self, document_id: str) -> bool:
        place = self._position.pop(document_id, None)
        if place is not None:
            self._frequency_change.subtract(self._whole.row(place).keys())
            self._added_length -= self._lengths.pop(document_id)
            return True
        struck = self.base.position.get(document_id)
        if struck is None:
            return False
        if self._group is None:
            self._group = self.base.attributes.group.copy()
        is_there = bool(self._group[struck] != DEAD)
        if is_there:
            self._group[struck] = DEAD
            self._struck += 1
            self._frequency_change.subtract(self.base.whole.weights.row(struck).keys())
        return is_there
