"""Texts × terms with a weight for each term in each text, arranged for scoring."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from matching import kernels

Floats = npt.NDArray[np.float64]
Weights = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.int32]

# A term in more than a tenth of the texts costs more through its postings than in the rows of the few texts that can
# still win: with postings of 10% of the texts a query touches each text about as often as one pass over all does.
COMMON_SHARE = 0.1
# Common terms are numbered in 16 bits.
MOST_COMMON = 2**16
# Where a filter leaves no more texts than this, these are looked at alone.
FEW_SHARE = 0.05
# A sum of n float32 products below 1 is off by less than n times half the distance of two float32 numbers there.
ROUNDING = 2.0**-23


@dataclass(frozen=True, slots=True)
class Rows:
    """A sparse matrix: row r has the values `values[starts[r]:starts[r + 1]]` in the columns of the same places."""

    starts: Ints
    columns: Numbers
    values: npt.NDArray[np.float32]

    @property
    def height(self) -> int:
        return len(self.starts) - 1

    def row_numbers(self) -> Ints:
        """The row of every value."""
        return np.repeat(np.arange(self.height), np.diff(self.starts))

    def row(self, number: int) -> dict[int, float]:
        """The values of one row by column."""
        place = slice(int(self.starts[number]), int(self.starts[number + 1]))
        columns: list[int] = self.columns[place].tolist()
        values: list[float] = self.values[place].tolist()
        return dict(zip(columns, values, strict=True))


@dataclass(frozen=True, slots=True)
class CommonRows:
    """The common terms of every text, apart from the others and close together, and their norm in each text."""

    starts: Ints
    terms: npt.NDArray[np.uint16]
    weights: Weights
    norms: Weights


@dataclass(frozen=True, slots=True)
class LevelQuery:
    """A weighted query: its terms ascending, and apart from them the common ones, dense, with their norm."""

    terms: Ints
    weights: Floats
    rare_terms: Ints
    rare_weights: Floats
    common: Floats
    common_norm: float

    @property
    def margin(self) -> float:
        """More than float32 can be off in a product with this query."""
        return ROUNDING * (len(self.terms) + 8)


class Level:
    """The weights of all texts, float32, by text for all terms and by term for those that are not common.

    `weights.columns` ascend in every row, and terms are numbered by falling frequency in this level or another: the
    `common` terms are those below the first that is in at most COMMON_SHARE of the texts.
    """

    def __init__(
        self, weights: Rows, postings: Rows, common: CommonRows, common_terms: int, block_norms: Weights
    ) -> None:
        """`block_norms`: the greatest norm of the common terms in each block of texts."""
        self.weights = weights
        self.postings = postings
        self.common = common
        self.common_terms = common_terms
        self.block_norms = block_norms
        for array in (weights.values, postings.values, common.weights):
            array.flags.writeable = False
        self._scratch = threading.local()

    @classmethod
    def of(cls, weights: Rows, terms: int) -> Level:
        """The level of `weights`, whose `terms` terms are numbered by about falling frequency."""
        frequency = np.bincount(weights.columns, minlength=terms)
        is_common = np.flatnonzero(frequency > COMMON_SHARE * weights.height)
        common = int(is_common[-1]) + 1 if len(is_common) else 0
        # Where frequencies of another level order the terms, a straggler may drag many rare ones along: these cost time
        # where texts are finished, so the line is drawn where at least half of those below it are common.
        while common and np.count_nonzero(is_common < common) * 2 < common:
            common //= 2
        common = min(common, MOST_COMMON)
        common_rows = CommonRows(
            *kernels.common_rows(weights.starts, weights.columns, weights.values, common)
        )
        return cls(
            weights,
            Rows(*kernels.postings_of(weights.starts, weights.columns, weights.values, common, terms)),
            common_rows,
            common,
            kernels.block_maxima(common_rows.norms, kernels.BLOCK),
        )

    @property
    def texts(self) -> int:
        return self.weights.height

    def query(self, weights: Mapping[int, float]) -> LevelQuery:
        """A query from its weights by term; terms that came after this level was built are not in it."""
        terms = np.fromiter(weights.keys(), dtype=np.int64, count=len(weights))
        values = np.fromiter(weights.values(), dtype=np.float64, count=len(weights))
        order = np.argsort(terms)[: np.count_nonzero(terms < self.postings.height)]
        terms, values = terms[order], values[order]
        first_rare = int(np.searchsorted(terms, self.common_terms))
        common = np.zeros(self.common_terms)
        common[terms[:first_rare]] = values[:first_rare]
        return LevelQuery(
            terms,
            values,
            terms[first_rare:],
            values[first_rare:],
            common,
            float(np.sqrt(np.sum(common * common))),
        )

    def products(self, query: Mapping[int, float]) -> Floats:
        """Σ_t query[t] · weight(t, d) for every text d, shape (texts,)."""
        asked = self.query(query)
        found: Floats = np.zeros(self.texts)
        if asked.common_norm:
            kernels.add_common(
                self.common.starts, self.common.terms, self.common.weights, asked.common, found
            )
        postings = self.postings
        kernels.add_postings(
            postings.starts, postings.columns, postings.values, asked.rare_terms, asked.rare_weights, found
        )
        return found

    def products_of(self, query: LevelQuery, texts: Numbers) -> Floats:
        """The same of some texts, to the last bit."""
        rows = self.weights
        found: Floats = kernels.row_dots(rows.starts, rows.columns, rows.values, self.dense(query), texts)
        return found

    def best(
        self, query: LevelQuery, top_k: int, conditions: tuple[Any, ...] | None = None
    ) -> list[tuple[int, float]]:
        """The `top_k` texts with the highest positive products, equal ones by number; see Attributes.conditions."""
        allowed = self.few(conditions)
        if allowed is not None:
            candidates = self._best_of_few(query, allowed, top_k)
        else:
            candidates = kernels.flat_candidates(
                self.common.starts,
                self.common.terms,
                self.common.weights,
                self.common.norms,
                self.block_norms,
                self.rare_products(query),
                query.common,
                query.common_norm,
                min(top_k, self.texts),
                query.margin,
                *(conditions or self.no_conditions),
            )
        return best_of(candidates, self.products_of(query, candidates), top_k)

    def _best_of_few(self, query: LevelQuery, texts: Numbers, top_k: int) -> Numbers:
        """Of some texts those that may be among the `top_k`."""
        rare = self.rare_products(query)[texts].astype(np.float64)
        if top_k < len(texts):
            # Finished, the best by rare terms make a high threshold; by Cauchy–Schwarz few others can reach it.
            seeds = np.argpartition(rare, len(texts) - top_k)[len(texts) - top_k :]
            least = float((rare[seeds] + self._common_products(query, texts[seeds])).min())
            possible = rare + query.common_norm * self.common.norms[texts] >= least - query.margin
            texts, rare = texts[possible], rare[possible]
        return worth_finishing(texts, rare + self._common_products(query, texts), top_k, query.margin)

    def _common_products(self, query: LevelQuery, texts: Numbers) -> Floats:
        common = self.common
        found: Floats = kernels.row_dots(common.starts, common.terms, common.weights, query.common, texts)
        return found

    def few(self, conditions: tuple[Any, ...] | None) -> Numbers | None:
        """The texts that pass, where they are few."""
        if conditions is None:
            return None
        are_few, allowed = kernels.allowed_numbers(int(FEW_SHARE * self.texts), *conditions)
        return allowed if are_few else None

    @cached_property
    def no_conditions(self) -> tuple[Any, ...]:
        """What every text fulfils."""
        return (
            np.zeros(self.texts, dtype=np.uint8),
            np.zeros(self.texts, dtype=np.int32),
            np.zeros(self.texts, dtype=np.uint64),
            np.ones(1, dtype=np.uint8),
            np.ones(1, dtype=np.uint8),
            np.uint64(0),
        )

    def dense(self, query: LevelQuery) -> Floats:
        """The query by term, in a buffer of this thread that the next call uses again."""
        buffer: Floats | None = getattr(self._scratch, "dense", None)
        if buffer is None:
            buffer = np.zeros(self.postings.height)
            self._scratch.dense = buffer
        else:
            buffer[self._scratch.terms] = 0.0
        buffer[query.terms] = query.weights
        self._scratch.terms = query.terms
        return buffer

    def rare_products(self, query: LevelQuery) -> Weights:
        """Σ over the rare terms for every text, float32, in a buffer of this thread that the next call uses again."""
        buffer: Weights | None = getattr(self._scratch, "rare", None)
        if buffer is None:
            buffer = np.zeros(self.texts, dtype=np.float32)
            self._scratch.rare = buffer
        buffer.fill(0.0)
        kernels.add_postings(
            self.postings.starts,
            self.postings.columns,
            self.postings.values,
            query.rare_terms,
            query.rare_weights.astype(np.float32),
            buffer,
        )
        return buffer


def worth_finishing(texts: Numbers, values: Floats, top_k: int, margin: float) -> Numbers:
    """Those of some texts whose values are among the `top_k` highest or within `margin` below."""
    if top_k >= len(values):
        return texts
    least = np.partition(values, len(values) - top_k)[len(values) - top_k]
    return texts[values >= least - margin]


def best_of(texts: Numbers, values: Floats, top_k: int) -> list[tuple[int, float]]:
    """The `top_k` texts with the highest positive values, equal ones by number."""
    found = [each for each in zip(texts.tolist(), values.tolist(), strict=True) if each[1] > 0.0]
    return sorted(found, key=lambda each: (-each[1], each[0]))[:top_k]
