"""Rank documents for a query: solvers for a challenge, challenges for a solver.

Of one text q, a document d with evidence items E(d) gets

    s(q, d) = ½ · W(q, d) + ½ · ⅓ · Σ of the 3 best cos(q, e), e ∈ E(d)                                  ∈ [0, 1]
    W(q, d) = Σ_{t ∈ q} idf(t)² · sat(t, d) / Σ_{t ∈ q} idf(t)²

W is BM25 over the whole of d, its query weighted by idf as the cosine is too, over the most that BM25 could give for
q: the share of q that d covers.  The cosines tell what single works are about.  So both the breadth of a profile and
its strong works count.  A query with weighted parts (a challenge, whose whole text holds its requirements) gets

    score = ½ · s(whole text) + ½ · Σ_r w_r · s(text of r),   Σ_r w_r = 1.

Everything is a sum over terms, so every score splits into parts of terms without remainder.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from matching.attributes import Filters
from matching.documents import Challenge, Document, Query
from matching.index import DocumentTokens, Index
from matching.level import Floats
from matching.two_levels import BEST_ITEMS, ITEM_SHARE, WHOLE_SHARE

# A challenge's whole text finds best who can do any of it, its requirements bring in the poster's weights: both count alike.
PARTS_SHARE = 0.5
# Raised whenever the same index and challenge can give other scores than before: stored rankings record it.
RANKER_VERSION = 2
# Scores are compared to this many decimals, so that sums that differ by rounding alone are ties, settled by id.
SCORE_DECIMALS = 12

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ItemMatch:
    """An evidence item that carried a score; `item` counts from 0 in the document's evidence."""

    item: int
    title: str
    score: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """A document that fits a query; `score` and all scores in it lie in [0, 1] and mean the same for every query.

    `terms` are (term, part), largest part first; the parts sum to `score`.  `requirements` are the scores of the parts
    of the query by their ids.  `evidence` are the items that carried the score, best first.
    """

    id: str
    score: float
    requirements: Mapping[str, float] = field(default_factory=dict[str, float])
    terms: tuple[tuple[str, float], ...] = ()
    evidence: tuple[ItemMatch, ...] = ()


class Statistics(Protocol):
    """What weighs a query: an index, or one that grows."""

    def term_counts(self, text: str) -> dict[int, int]: ...
    def count_known(self, tokens: Sequence[str]) -> dict[int, int]: ...
    def saturation(self, counts: Mapping[int, int], length: int) -> dict[int, float]: ...
    def coverage(self, counts: Mapping[int, int]) -> dict[int, float]: ...
    def tfidf(self, counts: Mapping[int, int]) -> dict[int, float]: ...


@dataclass(frozen=True, slots=True)
class TextQuery:
    """One text of a query, weighted against an index.  `share` is its part of the whole score, `id` None for the whole."""

    id: str | None
    share: float
    whole: Mapping[int, float]
    items: Mapping[int, float]


def prepare(index: Statistics, query: Challenge | Query) -> tuple[TextQuery, ...]:
    """The texts of a query with their shares, which sum to 1."""
    if isinstance(query, Challenge):
        query = query.as_query()
    total = sum(part.weight for part in query.parts)
    has_parts = total > 0
    texts = [(None, 1.0 - PARTS_SHARE if has_parts else 1.0, query.text)]
    texts += [
        (part.id, PARTS_SHARE * part.weight / total if has_parts else 0.0, part.text) for part in query.parts
    ]
    prepared: list[TextQuery] = []
    for identifier, share, text in texts:
        counts = index.term_counts(text)
        prepared.append(TextQuery(identifier, share, index.coverage(counts), index.tfidf(counts)))
    return tuple(prepared)


def text_scores(index: Index, query: TextQuery) -> Floats:
    """s(q, d) of every document, shape (documents,), in [0, 1]."""
    return index.levels.scores(query.whole, query.items)


def best_documents(
    index: Index, query: TextQuery, top_k: int, filters: Filters | None = None
) -> list[tuple[int, float]]:
    """The `top_k` documents for one text with s(q, d): the same as by `text_scores`, without scoring all of them.

    See docs/matching.md for how documents are passed over that provably cannot be among the best.
    """
    filters = filters or Filters()
    found = index.levels.candidates(
        index.whole.query(query.whole),
        index.items.query(query.items),
        # Documents excluded by name are few: they are ranked along and left out afterwards.
        top_k + len(filters.excluded_ids),
        index.attributes.conditions(filters) if filters != Filters() else None,
    )
    excluded = {index.position[name] for name in filters.excluded_ids if name in index.position}
    ranked = sorted(
        (-round(score, SCORE_DECIMALS), int(index.id_order[place]), place, score)
        for place, score in found
        if place not in excluded and round(score, SCORE_DECIMALS) > 0.0
    )
    return [(place, score) for _, _, place, score in ranked[:top_k]]


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores of all documents: `total` and each of `parts` have shape (documents,)."""

    total: Floats
    parts: Mapping[str, Floats]


def score_all(index: Index, query: Challenge | Query) -> Scores:
    """The score of every document and that of each part of the query."""
    return _score_prepared(index, prepare(index, query))


def order(scores: Floats, index: Index, top_k: int, mask: Mask | None = None) -> list[int]:
    """Positions of the `top_k` documents with the highest positive scores, equal ones by id."""
    rounded = np.round(scores, SCORE_DECIMALS)
    if mask is not None:
        rounded = np.where(mask, rounded, 0.0)
    positions = np.flatnonzero(rounded > 0.0)
    if top_k < len(positions):
        least = (
            np.partition(rounded[positions], len(positions) - top_k)[len(positions) - top_k]
            if top_k
            else np.inf
        )
        positions = positions[rounded[positions] >= least]
    ranks = np.lexsort((index.id_order[positions], -rounded[positions]))
    chosen: list[int] = positions[ranks][:top_k].tolist()
    return chosen


def rank(
    index: Index, query: Challenge | Query, top_k: int = 10, filters: Filters | None = None
) -> list[Candidate]:
    """The `top_k` best documents for a challenge or any other query, with what their scores are made of."""
    prepared = prepare(index, query)
    if len(prepared) == 1:
        best = best_documents(index, prepared[0], top_k, filters)
        return [
            candidate_of(index.terms, prepared, weighed(index, position), score, {})
            for position, score in best
        ]
    scores = _score_prepared(index, prepared)
    return [
        candidate_of(
            index.terms,
            prepared,
            weighed(index, position),
            float(scores.total[position]),
            {identifier: float(values[position]) for identifier, values in scores.parts.items()},
        )
        for position in order(scores.total, index, top_k, mask_of(index, filters))
    ]


def mask_of(index: Index, filters: Filters | None) -> Mask | None:
    """Which documents pass, shape (documents,); None when all do."""
    if filters is None or filters == Filters():
        return None
    mask = index.attributes.mask(filters)
    mask[[index.position[name] for name in filters.excluded_ids if name in index.position]] = False
    return mask


def candidates_by_requirement(
    index: Index, challenge: Challenge, per_requirement: int, filters: Filters | None = None
) -> dict[str, list[tuple[str, float]]]:
    """For each requirement the ids and scores of the best `per_requirement` documents with a positive score for it."""
    scores = score_all(index, challenge)
    mask = mask_of(index, filters)
    return {
        identifier: [
            (index.documents[position].id, float(values[position]))
            for position in order(values, index, per_requirement, mask)
        ]
        for identifier, values in scores.parts.items()
    }


def score_tokens(index: Statistics, query: Challenge | Query, tokens: DocumentTokens) -> float:
    """The score that a document with these tokens would have under the statistics of the index, in [0, 1]."""
    whole = index.saturation(index.count_known(tokens.whole), len(tokens.whole))
    items = [index.tfidf(index.count_known(item)) for item in tokens.items]
    score = 0.0
    for text in prepare(index, query):
        cosines = sorted((_dot(text.items, item) for item in items), reverse=True)[:BEST_ITEMS]
        level = WHOLE_SHARE * _dot(text.whole, whole) + ITEM_SHARE * math.fsum(cosines)
        score += text.share * level
    return score


@dataclass(frozen=True, slots=True)
class Weighed:
    """One document with the weights of its terms at both levels, from wherever it is kept."""

    document: Document
    whole: Mapping[int, float]
    items: Sequence[Mapping[int, float]]


def weighed(index: Index, position: int) -> Weighed:
    items = range(int(index.item_starts[position]), int(index.item_starts[position + 1]))
    return Weighed(
        index.documents[position],
        index.whole.weights.row(position),
        [index.items.weights.row(item) for item in items],
    )


def term_parts(query: TextQuery, found: Weighed) -> dict[int, float]:
    """What each term adds to s(q, d) of one document; the values sum to it."""
    parts: defaultdict[int, float] = defaultdict(float)
    for term, weight in query.whole.items():
        if term in found.whole:
            parts[term] += WHOLE_SHARE * weight * found.whole[term]
    for item, _ in best_items(query, found):
        row = found.items[item]
        for term, weight in query.items.items():
            if term in row:
                parts[term] += ITEM_SHARE * weight * row[term]
    return dict(parts)


def best_items(query: TextQuery, found: Weighed) -> list[tuple[int, float]]:
    """The evidence items that count for one document, as (item from 0, cosine), best first."""
    cosines = enumerate(_dot(query.items, row) for row in found.items)
    positive = [(item, round(cosine, SCORE_DECIMALS)) for item, cosine in cosines if cosine > 0.0]
    return sorted(positive, key=lambda each: (-each[1], each[0]))[:BEST_ITEMS]


def _dot(one: Mapping[int, float], other: Mapping[int, float]) -> float:
    return math.fsum(weight * other[term] for term, weight in one.items() if term in other)


def _score_prepared(index: Index, prepared: Sequence[TextQuery]) -> Scores:
    total: Floats = np.zeros(len(index.documents))
    parts: dict[str, Floats] = {}
    for query in prepared:
        scores = text_scores(index, query)
        total += query.share * scores
        if query.id is not None:
            parts[query.id] = scores
    return Scores(total, parts)


def candidate_of(
    terms: Sequence[str],
    prepared: Sequence[TextQuery],
    found: Weighed,
    score: float,
    requirements: Mapping[str, float],
) -> Candidate:
    """A ranked document with what its score is made of; `terms` is the vocabulary."""
    parts: defaultdict[int, float] = defaultdict(float)
    carried: defaultdict[int, float] = defaultdict(float)
    for query in prepared:
        for term, part in term_parts(query, found).items():
            parts[term] += query.share * part
        for item, cosine in best_items(query, found):
            carried[item] += query.share * cosine
    evidence = found.document.evidence
    return Candidate(
        id=found.document.id,
        score=score,
        requirements=requirements,
        terms=tuple(
            sorted(
                ((terms[term], part) for term, part in parts.items()), key=lambda each: (-each[1], each[0])
            )
        ),
        evidence=tuple(
            ItemMatch(item, evidence[item].title, carry)
            for item, carry in sorted(carried.items(), key=lambda each: (-each[1], each[0]))
            if evidence
        ),
    )
