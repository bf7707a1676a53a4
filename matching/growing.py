"""Documents that came after an index was built, searched together with it.

The index stays as it is.  New and edited documents are kept beside it under its statistics (idf, mean length), so that
scores of both can be compared; who was edited or removed is struck out of it.  Once the additions are many, or the
statistics have drifted, an index is built afresh.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from matching import kernels
from matching.attributes import DEAD, Filters, passes
from matching.documents import Challenge, Document, Query
from matching.index import DocumentTokens, Index, tokens_of
from matching.level import Floats, Ints
from matching.ranking import (
    SCORE_DECIMALS,
    Candidate,
    TextQuery,
    Weighed,
    candidate_of,
    prepare,
    weighed,
)
from matching.two_levels import BEST_ITEMS, WHOLE_SHARE

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


@dataclass(frozen=True, slots=True)
class _Found:
    """A document that may be among the best: its place in the base, or among the additions."""

    id: str
    score: float
    place: int
    parts: Mapping[str, float]
    is_new: bool


class GrowingIndex:
    """An index with documents added, edited and removed since; every call sees all that were complete before it."""

    def __init__(self, base: Index) -> None:
        self.base = base
        self.extra_terms: dict[str, int] = {}
        self._extra_names: list[str] = []
        self._documents: list[Document] = []
        self._position: dict[str, int] = {}
        self._alive: set[int] = set()
        self._whole = _GrowingRows()
        self._items = _GrowingRows()
        self._item_starts: Ints = np.zeros(FIRST_ROOM, dtype=np.int64)
        self._group: npt.NDArray[np.uint8] | None = None
        self._lock = Lock()

    @property
    def added(self) -> int:
        """How many documents are beside the base: when they are many, it is time to build afresh."""
        return len(self._documents)

    def put(self, document: Document, tokens: DocumentTokens | None = None) -> None:
        """Add a document, or exchange the one that has its id."""
        tokens = tokens or tokens_of(document, self.base.tokenizer)
        with self._lock:
            self._strike_out(document.id)
            for term in dict.fromkeys(chain(tokens.whole, *tokens.items)):
                if term not in self.extra_terms and term not in self.base.vocabulary:
                    self.extra_terms[term] = len(self.base.terms) + len(self.extra_terms)
                    self._extra_names.append(term)
            place = len(self._documents)
            self._whole.add(self.base.saturation(self.count_known(tokens.whole), len(tokens.whole)))
            for item in tokens.items:
                self._items.add(self.tfidf(self.count_known(item)))
            if place + 2 > len(self._item_starts):
                self._item_starts = np.concatenate([self._item_starts, np.zeros_like(self._item_starts)])
            self._item_starts[place + 1] = self._items.count
            self._documents.append(document)
            self._position[document.id] = place
            self._alive.add(place)

    def remove(self, document_id: str) -> None:
        """Strike a document out; KeyError where there is none."""
        with self._lock:
            if not self._strike_out(document_id):
                raise KeyError(document_id)

    def rank(
        self, query: Challenge | Query, top_k: int = 10, filters: Filters | None = None
    ) -> list[Candidate]:
        """As matching.ranking.rank, over the base and what was added."""
        filters = filters or Filters()
        with self._lock:
            prepared = prepare(self, query)
            places = np.array(
                [place for place in sorted(self._alive) if passes(self._documents[place], filters)],
                dtype=np.int32,
            )
            added = [self._added_scores(text, places) for text in prepared]
            old = self._old(prepared, top_k, filters)
            total = np.zeros(len(places))
            for text, scores in zip(prepared, added, strict=True):
                total += text.share * scores
            merged = [*old, *self._new(prepared, places, added, total)]
            best = sorted(
                (each for each in merged if round(each.score, SCORE_DECIMALS) > 0.0),
                key=lambda each: (-round(each.score, SCORE_DECIMALS), each.id),
            )[:top_k]
            names = _Names(self.base.terms, self._extra_names)
            return [
                candidate_of(
                    names,
                    prepared,
                    self._added(each.place) if each.is_new else weighed(self.base, each.place),
                    each.score,
                    each.parts,
                )
                for each in best
            ]

    def _new(
        self,
        prepared: Sequence[TextQuery],
        places: npt.NDArray[np.int32],
        scores: Sequence[Floats],
        total: Floats,
    ) -> list[_Found]:
        numbers: list[int] = places.tolist()
        return [
            _Found(
                self._documents[place].id,
                float(total[row]),
                place,
                {
                    text.id: float(of_text[row])
                    for text, of_text in zip(prepared, scores, strict=True)
                    if text.id is not None
                },
                is_new=True,
            )
            for row, place in enumerate(numbers)
        ]

    def term_counts(self, text: str) -> dict[int, int]:
        return self.count_known(self.base.tokenizer.terms(text))

    def count_known(self, tokens: Sequence[str]) -> dict[int, int]:
        """As Index.count_known, with the terms that came since."""
        counts = self.base.count_known(tokens)
        if self.extra_terms:
            extra = Counter(token for token in tokens if token in self.extra_terms)
            counts |= {self.extra_terms[token]: count for token, count in extra.items()}
        return counts

    def tfidf(self, counts: Mapping[int, int]) -> dict[int, float]:
        raw = {term: (1.0 + math.log(count)) * self._idf(term) for term, count in sorted(counts.items())}
        length = math.sqrt(math.fsum(weight * weight for weight in raw.values()))
        return {term: weight / length for term, weight in raw.items()}

    def saturation(self, counts: Mapping[int, int], length: int) -> dict[int, float]:
        return self.base.saturation(counts, length)

    def coverage(self, counts: Mapping[int, int]) -> dict[int, float]:
        squares = {term: self._idf(term) ** 2 for term in sorted(counts)}
        total = math.fsum(squares.values())
        return {term: square / total for term, square in squares.items()}

    def _idf(self, term: int) -> float:
        # A term that the base does not know is in none of its documents.
        known = term < len(self.base.terms)
        return float(self.base.idf[term]) if known else math.log(1.0 + len(self.base.documents)) + 1.0

    def _strike_out(self, document_id: str) -> bool:
        place = self._position.pop(document_id, None)
        if place is not None:
            self._alive.discard(place)
            return True
        if document_id not in self.base.position:
            return False
        if self._group is None:
            self._group = self.base.attributes.group.copy()
        struck = self.base.position[document_id]
        is_there = self._group[struck] != DEAD
        self._group[struck] = DEAD
        return bool(is_there)

    def _conditions(self, filters: Filters) -> tuple[Any, ...] | None:
        if self._group is None and filters == Filters():
            return None
        conditions = self.base.attributes.conditions(filters)
        return conditions if self._group is None else (self._group, *conditions[1:])

    def _old(self, prepared: Sequence[TextQuery], top_k: int, filters: Filters) -> list[_Found]:
        """The documents of the base that may be among the `top_k`."""
        base = self.base
        conditions = self._conditions(filters)
        excluded = {base.position[name] for name in filters.excluded_ids if name in base.position}
        if len(prepared) == 1:
            queries = base.whole.query(prepared[0].whole), base.items.query(prepared[0].items)
            found = base.levels.candidates(*queries, top_k + len(excluded), conditions)
            return [
                _Found(base.documents[place].id, score, place, {}, is_new=False)
                for place, score in found
                if place not in excluded
            ]
        total: Floats = np.zeros(len(base.documents))
        parts: dict[str, Floats] = {}
        for text in prepared:
            scores = base.levels.scores(text.whole, text.items)
            total += text.share * scores
            if text.id is not None:
                parts[text.id] = scores
        if conditions is not None:
            allowed = np.empty(len(total), dtype=np.bool_)
            kernels.allowed_documents(*conditions, allowed)
            total[~allowed] = 0.0
        total[list(excluded)] = 0.0
        positions = np.flatnonzero(total > 0.0)
        if top_k < len(positions):
            least = np.partition(total[positions], len(positions) - top_k)[len(positions) - top_k]
            positions = positions[total[positions] >= least - 10.0**-SCORE_DECIMALS]
        numbers: list[int] = positions.tolist()
        return [
            _Found(
                base.documents[place].id,
                float(total[place]),
                place,
                {name: float(each[place]) for name, each in parts.items()},
                is_new=False,
            )
            for place in numbers
        ]

    def _added_scores(self, text: TextQuery, places: npt.NDArray[np.int32]) -> Floats:
        if not len(places):
            return np.zeros(0)
        terms = len(self.base.terms) + len(self.extra_terms)
        scores: Floats = kernels.few_documents(
            self._whole.starts,
            self._whole.columns,
            self._whole.values,
            _dense(text.whole, terms),
            self._item_starts,
            self._items.starts,
            self._items.columns,
            self._items.values,
            _dense(text.items, terms),
            WHOLE_SHARE,
            BEST_ITEMS,
            places,
        )
        return scores

    def _added(self, place: int) -> Weighed:
        items = range(int(self._item_starts[place]), int(self._item_starts[place + 1]))
        return Weighed(
            self._documents[place], self._whole.row(place), [self._items.row(item) for item in items]
        )


class _Names(Sequence[str]):
    """The vocabulary of the base and after it the terms that came since."""

    def __init__(self, base: Sequence[str], extra: Sequence[str]) -> None:
        self._base = base
        self._extra = extra

    def __len__(self) -> int:
        return len(self._base) + len(self._extra)

    def __getitem__(self, number: int) -> str:  # pyright: ignore[reportIncompatibleMethodOverride] - no slices are asked for
        base = len(self._base)
        return self._base[number] if number < base else self._extra[number - base]


def _dense(query: Mapping[int, float], terms: int) -> Floats:
    found = np.zeros(terms)
    found[list(query.keys())] = list(query.values())
    return found
