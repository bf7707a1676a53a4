"""Texts × terms with a weight for each term in each text, arranged for scoring."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass

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
        self,
        weights: Rows,
        common: int,
        posting_starts: Ints,
        posting_texts: Numbers,
        posting_weights: Weights,
        common_norms: Weights,
    ) -> None:
        self.weights = weights
        self.common = common
        self.posting_starts = posting_starts
        self.posting_texts = posting_texts
        self.posting_weights = posting_weights
        self.common_norms = common_norms
        for array in (
            weights.starts,
            weights.columns,
            weights.values,
            posting_starts,
            posting_texts,
            posting_weights,
        ):
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
        starts, texts, values = kernels.postings_of(
            weights.starts, weights.columns, weights.values, common, terms
        )
        norms = kernels.norms_of_common(weights.starts, weights.columns, weights.values, common)
        return cls(weights, common, starts, texts, values, norms)

    @property
    def texts(self) -> int:
        return self.weights.height

    def query(self, weights: Mapping[int, float]) -> LevelQuery:
        """A query from its weights by term; terms that came after this level was built are not in it."""
        known = len(self.posting_starts) - 1
        terms = np.array(sorted(term for term in weights if term < known), dtype=np.int64)
        values = np.array([weights[term] for term in terms.tolist()], dtype=np.float64)
        is_common = terms < self.common
        common = np.zeros(self.common)
        common[terms[is_common]] = values[is_common]
        return LevelQuery(
            terms,
            values,
            terms[~is_common],
            values[~is_common],
            common,
            float(np.sqrt(np.sum(common * common))),
        )

    def products(self, query: Mapping[int, float]) -> Floats:
        """Σ_t query[t] · weight(t, d) for every text d, shape (texts,)."""
        asked = self.query(query)
        found: Floats = np.zeros(self.texts)
        if asked.common_norm:
            kernels.add_common(
                self.weights.starts,
                self.weights.columns,
                self.weights.values,
                self.common,
                asked.common,
                found,
            )
        kernels.add_postings(
            self.posting_starts,
            self.posting_texts,
            self.posting_weights,
            asked.rare_terms,
            asked.rare_weights,
            found,
        )
        return found

    def product(self, query: LevelQuery, text: int) -> float:
        """The same of one text, to the last bit."""
        found: float = kernels.dot(
            self.weights.starts, self.weights.columns, self.weights.values, text, query.terms, query.weights
        )
        return found

    def rare_products(self, query: LevelQuery) -> Weights:
        """Σ over the rare terms for every text, float32, in a buffer of this thread that the next call uses again."""
        buffer: Weights | None = getattr(self._scratch, "buffer", None)
        if buffer is None:
            buffer = np.zeros(self.texts, dtype=np.float32)
            self._scratch.buffer = buffer
        buffer.fill(0.0)
        kernels.add_postings(
            self.posting_starts,
            self.posting_texts,
            self.posting_weights,
            query.rare_terms,
            query.rare_weights.astype(np.float32),
            buffer,
        )
        return buffer
