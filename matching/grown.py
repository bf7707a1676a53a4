"""An index and what had been added to it, edited and removed by one moment, searched together."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from matching import kernels
from matching.attributes import DEAD, Filters, passes
from matching.documents import Challenge, Document, Query
from matching.index import Index
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
from matching.turned import TurnedDocuments
from matching.two_levels import BEST_ITEMS, WHOLE_SHARE

# So few documents are read sooner than all products are made.
FEW_PLACES = 64


@dataclass(frozen=True, slots=True)
class _Found:
    """A document that may be among the best: its place in the base, or among the additions."""

    id: str
    score: float
    place: int
    parts: Mapping[str, float]
    is_new: bool


class BaseStatistics:
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


class GrownIndex(BaseStatistics):
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
