"""Rows turned into postings, so that a query reads its own terms' entries and no others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from matching import kernels
from matching.kernels import Floats, Ints, Numbers, Weights
from matching.level import Rows


@dataclass(frozen=True, slots=True)
class TurnedRows:
    """Term t stands in the rows `rows[starts[t]:starts[t + 1]]`, ascending, with the weights of the same places."""

    height: int
    starts: Ints
    rows: Numbers
    weights: Weights

    @classmethod
    def of(cls, rows: Rows, terms: int) -> TurnedRows:
        """Turn rows whose columns are below `terms`."""
        end = int(rows.starts[-1])
        turned = kernels.postings_of(rows.starts, rows.columns[:end], rows.values[:end], 0, terms)
        return cls(rows.height, *turned)

    def products(self, query: Mapping[int, float]) -> Floats:
        """Each row's product with the query, to the last bit that of `kernels.row_dot`."""
        # Ascending terms, as every product is summed; terms that came later are in none of these rows.
        known = sorted(term for term in query if term < len(self.starts) - 1)
        found = np.zeros(self.height)
        kernels.add_postings(
            self.starts,
            self.rows,
            self.weights,
            np.array(known, dtype=np.int64),
            np.array([query[term] for term in known]),
            found,
        )
        return found


@dataclass(frozen=True, slots=True)
class TurnedDocuments:
    """The first documents of some, at both levels."""

    whole: TurnedRows
    items: TurnedRows

    @property
    def count(self) -> int:
        return self.whole.height
