"""Score documents by the whole of each and by its best items, and find the best without scoring all of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from matching import kernels
from matching.level import Floats, Ints, Level, LevelQuery, Numbers, Weights, worth_finishing

# The two levels weigh alike: nothing that is known beforehand favours one, and both have the scale [0, 1].
WHOLE_SHARE = 0.5
# Three works show a line of work where one may be chance.  The sum is divided by 3 also where there are fewer, so that
# an evidence item more never lowers this part of a score.
BEST_ITEMS = 3
ITEM_SHARE = (1.0 - WHOLE_SHARE) / BEST_ITEMS


class TwoLevels:
    """½ · product with the whole + ½ · ⅓ · Σ of the 3 best products with items, for each document."""

    def __init__(
        self,
        whole: Level,
        items: Level,
        item_starts: Ints,
        whole_block_norms: Weights,
        item_block_norms: Weights,
    ) -> None:
        """`item_starts[d] : item_starts[d + 1]` are the items of document d; the norms are the greatest of the common
        terms in each block of documents."""
        self.whole = whole
        self.items = items
        self.item_starts = item_starts
        self.whole_block_norms = whole_block_norms
        self.item_block_norms = item_block_norms

    @classmethod
    def of(cls, whole: Level, items: Level, item_starts: Ints) -> TwoLevels:
        return cls(
            whole,
            items,
            item_starts,
            kernels.block_maxima(whole.common.norms, kernels.DOCUMENT_BLOCK),
            kernels.document_block_maxima(item_starts, items.common.norms),
        )

    def scores(self, whole: Mapping[int, float], items: Mapping[int, float]) -> Floats:
        """The scores of all documents, shape (documents,), in [0, 1] for weights that make both products lie there."""
        pooled = np.empty(self.whole.texts)
        kernels.pool_items(self.item_starts, self.items.products(items), BEST_ITEMS, pooled)
        return np.clip(WHOLE_SHARE * self.whole.products(whole) + ITEM_SHARE * pooled, 0.0, 1.0)

    def score(self, whole: LevelQuery, items: LevelQuery, document: int) -> float:
        """The same of one document, to the last bit."""
        return float(self.scores_of(whole, items, np.array([document], dtype=np.int32))[0])

    def scores_of(self, whole: LevelQuery, items: LevelQuery, documents: Numbers) -> Floats:
        """The same of some documents, to the last bit."""
        rows, item_rows = self.whole.weights, self.items.weights
        found: Floats = kernels.few_documents(
            rows.starts,
            rows.columns,
            rows.values,
            self.whole.dense(whole),
            self.item_starts,
            item_rows.starts,
            item_rows.columns,
            item_rows.values,
            self.items.dense(items),
            WHOLE_SHARE,
            BEST_ITEMS,
            documents,
        )
        return found

    def candidates(
        self, whole: LevelQuery, items: LevelQuery, top_k: int, conditions: tuple[Any, ...] | None = None
    ) -> list[tuple[int, float]]:
        """All documents that may be among the `top_k`, with their scores, in no order; see Attributes.conditions."""
        margin = whole.margin + items.margin
        allowed = self.whole.few(conditions)
        if allowed is not None:
            values: Floats = kernels.listed_documents(
                self.whole.common.starts,
                self.whole.common.terms,
                self.whole.common.weights,
                self.whole.rare_products(whole),
                whole.common,
                self.item_starts,
                self.items.common.starts,
                self.items.common.terms,
                self.items.common.weights,
                self.items.rare_products(items),
                items.common,
                WHOLE_SHARE,
                BEST_ITEMS,
                allowed,
            )
            found = worth_finishing(allowed, values, top_k, margin)
        else:
            found = kernels.two_level_candidates(
                self.whole.common.starts,
                self.whole.common.terms,
                self.whole.common.weights,
                self.whole.common.norms,
                self.whole_block_norms,
                self.whole.rare_products(whole),
                whole.common,
                whole.common_norm,
                self.item_starts,
                self.items.common.starts,
                self.items.common.terms,
                self.items.common.weights,
                self.items.common.norms,
                self.item_block_norms,
                self.items.rare_products(items),
                items.common,
                items.common_norm,
                WHOLE_SHARE,
                BEST_ITEMS,
                min(top_k, self.whole.texts),
                margin,
                *(conditions or self.whole.no_conditions),
            )
        return list(zip(found.tolist(), self.scores_of(whole, items, found).tolist(), strict=True))

    def best(
        self, whole: LevelQuery, items: LevelQuery, top_k: int, conditions: tuple[Any, ...] | None = None
    ) -> list[tuple[int, float]]:
        """The `top_k` documents with the highest positive scores, equal ones by number."""
        found = [each for each in self.candidates(whole, items, top_k, conditions) if each[1] > 0.0]
        return sorted(found, key=lambda each: (-each[1], each[0]))[:top_k]
