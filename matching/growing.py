"""Documents that came after an index was built, searched together with it.

The index stays as it is.  New and edited documents are kept beside it under its statistics (idf, mean length), so that
scores of both can be compared; who was edited or removed is struck out of it.  Once the additions are many, or the
statistics have drifted, an index is built afresh.

`GrowingIndex` takes what changes; `GrownIndex` is what it held at one moment, never changes, and answers.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from matching import kernels
from matching.attributes import DEAD, Filters, passes
from matching.documents import Challenge, Document, Query
from matching.index import DocumentTokens, Index, tokens_of
from matching.level import Floats, Ints, Rows
from matching.ranking import (
    SCORE_DECIMALS,
    Candidate,
    TextQuery,
    Weighed,
    candidate_of,
    prepare,
    weighed,
)
from matching.stored_names import StoredNames
from matching.tokenizer import Tokenizer
from matching.turned import TurnedDocuments, TurnedRows
from matching.two_levels import BEST_ITEMS, WHOLE_SHARE

# Additions are read one by one until they are this many; then all are turned into postings, which takes some 0.05 s at
# 10,000 documents: beside the time that so many took to be added, it is a tenth.
TURNED_EVERY = 1024
# So few documents are read sooner than all products are made.
FEW_PLACES = 64
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


@dataclass(frozen=True, slots=True)
class _Found:
    """A document that may be among the best: its place in the base, or among the additions."""

    id: str
    score: float
    place: int
    parts: Mapping[str, float]
    is_new: bool


class _Statistics:
    """Weighs terms as the base does; terms that came since are numbered after its own, up to `terms` of all."""

    def __init__(self, base: Index, extra_terms: Mapping[str, int]) -> None:
        self.base = base
        self.extra_terms = extra_terms

    @property
    def known_terms(self) -> int:
        """How many terms there are; those with higher numbers came later."""
        return len(self.base.terms) + len(self.extra_terms)

    def term_counts(self, text: str) -> dict[int, int]:
        return self.count_known(self.base.tokenizer.terms(text))

    def count_known(self, tokens: Iterable[str]) -> dict[int, int]:
        """As Index.count_known, with the terms that came since."""
        tokens = list(tokens)
        counts = self.base.count_known(tokens)
        if self.extra_terms:
            known = self.known_terms
            extra = Counter(self.extra_terms.get(token, known) for token in tokens)
            counts |= {number: count for number, count in extra.items() if number < known}
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


class GrowingIndex(_Statistics):
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


class GrownIndex(_Statistics):
    """A base and what had been added to it, edited and removed by one moment; safe to share between threads.

    What the growing index appends later lies behind the places that are named here.
    """

    def __init__(
        self,
        *,
        base: Index,
        extra_terms: Mapping[str, int],
        names: Sequence[str],
        documents: Sequence[Document],
        position: Mapping[str, int],
        whole: Rows,
        items: Rows,
        item_starts: Ints,
        turned: TurnedDocuments | None,
        group: npt.NDArray[np.uint8] | None,
        struck: int,
        frequency_change: Mapping[int, int],
    ) -> None:
        """Use `GrowingIndex.grown`."""
        super().__init__(base, extra_terms)
        self._known_terms = len(base.terms) + len(extra_terms)
        self._documents = documents
        self._position = position
        self._places = np.array(sorted(position.values()), dtype=np.int32)
        self._whole = whole
        self._items = items
        self._item_starts = item_starts
        self._turned = turned
        self._group = group
        self._struck = struck
        self._frequency_change = frequency_change
        self.terms = _Names(base.terms, names)

    @property
    def known_terms(self) -> int:
        return self._known_terms

    @property
    def tokenizer(self) -> Tokenizer:
        return self.base.tokenizer

    def __len__(self) -> int:
        return len(self.base.documents) - self._struck + len(self._position)

    def __contains__(self, document_id: object) -> bool:
        return isinstance(document_id, str) and (
            document_id in self._position or self._base_place(document_id) is not None
        )

    def document(self, document_id: str) -> Document:
        """Of a document of a saved base id, name, attributes and titles are known, not its texts; KeyError for none."""
        place = self._position.get(document_id)
        if place is not None:
            return self._documents[place]
        struck = self._base_place(document_id)
        if struck is None:
            raise KeyError(document_id)
        return self.base.documents[struck]

    @cached_property
    def document_frequency(self) -> Ints:
        """In how many of the documents that are there now each term occurs, by the term's number."""
        frequency = np.zeros(self.known_terms, dtype=np.int64)
        frequency[: len(self.base.terms)] = self.base.document_frequency
        for term, change in self._frequency_change.items():
            frequency[term] += change
        return frequency

    @cached_property
    def vocabulary(self) -> Mapping[str, int]:
        """The numbers of the terms that occur in documents that are there now."""
        present: list[int] = np.flatnonzero(self.document_frequency > 0).tolist()
        return {self.terms[number]: number for number in present}

    def knows_term(self, term: str) -> bool:
        """Whether a term occurs in a document that is there now."""
        (number,) = self.count_known([term]) or (self.known_terms,)
        return number < self.known_terms and bool(self.document_frequency[number] > 0)

    def rank(
        self, query: Challenge | Query, top_k: int = 10, filters: Filters | None = None
    ) -> list[Candidate]:
        """As matching.ranking.rank, over the base and what was added."""
        filters = filters or Filters()
        prepared = prepare(self, query)
        places = self._places
        if filters != Filters():
            places = np.array(
                [place for place in _listed(places) if passes(self._documents[place], filters)],
                dtype=np.int32,
            )
        merged = [*self._old(prepared, top_k, filters), *self._new(prepared, places, top_k)]
        best = sorted(
            (each for each in merged if round(each.score, SCORE_DECIMALS) > 0.0),
            key=lambda each: (-round(each.score, SCORE_DECIMALS), each.id),
        )[:top_k]
        return [self._candidate(prepared, each) for each in best]

    def search(
        self, query: Challenge | Query, among: Collection[str] | None = None, limit: int | None = None
    ) -> list[tuple[str, float]]:
        """Ids and scores of all documents that match, best first, equal ones by id; `among` names who may be found."""
        prepared = prepare(self, query)
        total: Floats = np.zeros(len(self.base.documents))
        added: Floats = np.zeros(len(self._places))
        for text in prepared:
            total += text.share * self.base.levels.scores(text.whole, text.items)
            added += text.share * self._added_scores(text, self._places)
        if self._group is not None:
            total[self._group == DEAD] = 0.0
        if among is not None:
            allowed = np.zeros(len(total), dtype=np.bool_)
            allowed[self._base_places(among)] = True
            total[~allowed] = 0.0
            mine = {self._position[name] for name in among if name in self._position}
            added[[place not in mine for place in _listed(self._places)]] = 0.0
        scores = np.round(np.concatenate([total, added]), SCORE_DECIMALS)
        positions = np.flatnonzero(scores > 0.0)
        if limit is not None and limit < len(positions):
            if limit <= 0:
                return []
            least = np.partition(scores[positions], len(positions) - limit)[len(positions) - limit]
            positions = positions[scores[positions] >= least]
        base = len(total)
        numbers: list[int] = positions.tolist()
        found = [
            (
                self.base.documents[number].id
                if number < base
                else self._documents[int(self._places[number - base])].id,
                float(scores[number]),
            )
            for number in numbers
        ]
        return sorted(found, key=lambda each: (-each[1], each[0]))[:limit]

    def candidate(self, query: Challenge | Query, document_id: str) -> Candidate:
        """One document with its score, zero too, and what that is made of; KeyError where there is none."""
        prepared = prepare(self, query)
        place = self._position.get(document_id)
        if place is not None:
            (found,) = self._new(prepared, np.array([place], dtype=np.int32), 1)
            return self._candidate(prepared, found)
        struck = self._base_place(document_id)
        if struck is None:
            raise KeyError(document_id)
        levels = self.base.levels
        scores = [
            levels.score(levels.whole.query(text.whole), levels.items.query(text.items), struck)
            for text in prepared
        ]
        parts = {text.id: score for text, score in zip(prepared, scores, strict=True) if text.id is not None}
        total = 0.0
        for text, score in zip(prepared, scores, strict=True):
            total += text.share * score
        return self._candidate(prepared, _Found(document_id, total, struck, parts, is_new=False))

    def _candidate(self, prepared: Sequence[TextQuery], found: _Found) -> Candidate:
        return candidate_of(
            self.terms,
            prepared,
            self._added(found.place) if found.is_new else weighed(self.base, found.place),
            found.score,
            found.parts,
        )

    def _base_place(self, document_id: str) -> int | None:
        place = self.base.position.get(document_id)
        return None if place is None or (self._group is not None and self._group[place] == DEAD) else place

    def _base_places(self, names: Collection[str]) -> list[int]:
        position = self.base.position
        if isinstance(position, StoredNames):
            return [number for number in position.numbers(list(names)) if number >= 0]
        return [position[name] for name in names if name in position]

    def _new(self, prepared: Sequence[TextQuery], places: npt.NDArray[np.int32], top_k: int) -> list[_Found]:
        """Of the documents beside the base at some places those that may be among the `top_k`."""
        scores = [self._added_scores(text, places) for text in prepared]
        total = np.zeros(len(places))
        for text, of_text in zip(prepared, scores, strict=True):
            total += text.share * of_text
        rows = np.arange(len(places))
        if 0 < top_k < len(places):
            least = np.partition(total, len(places) - top_k)[len(places) - top_k]
            rows = np.flatnonzero(total >= least - 10.0**-SCORE_DECIMALS)
        numbers: list[int] = rows.tolist()
        return [
            _Found(
                self._documents[int(places[row])].id,
                float(total[row]),
                int(places[row]),
                {
                    text.id: float(of_text[row])
                    for text, of_text in zip(prepared, scores, strict=True)
                    if text.id is not None
                },
                is_new=True,
            )
            for row in numbers
        ]

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
        """Scores of additions at places that ascend."""
        if not len(places):
            return np.zeros(0)
        turned = self._turned
        if turned is None or len(places) < FEW_PLACES:
            return self._read_scores(text, places)
        early = int(np.searchsorted(places, turned.count))
        scores: Floats = kernels.pooled_documents(
            turned.whole.products(text.whole),
            self._item_starts,
            turned.items.products(text.items),
            WHOLE_SHARE,
            BEST_ITEMS,
            places[:early],
        )
        return np.concatenate([scores, self._read_scores(text, places[early:])])

    def _read_scores(self, text: TextQuery, places: npt.NDArray[np.int32]) -> Floats:
        """The same, row by row."""
        if not len(places):
            return np.zeros(0)
        terms = self.known_terms
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


def _listed(places: npt.NDArray[np.int32]) -> list[int]:
    return places.tolist()


def _dense(query: Mapping[int, float], terms: int) -> Floats:
    found = np.zeros(terms)
    found[list(query.keys())] = list(query.values())
    return found
