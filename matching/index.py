"""An immutable index of documents at two levels: the whole of each, and each of its evidence items.

Both levels weigh a term by one inverse document frequency, that of `TfidfVectorizer(sublinear_tf=True,
smooth_idf=True, norm="l2")` fitted on the whole documents: what matters is how well a term tells the documents, which
are to be ranked, from one another.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, count
from typing import Any

import numpy as np

from matching import kernels
from matching.attributes import Attributes
from matching.documents import Document
from matching.level import Floats, Ints, Level, Numbers, Rows
from matching.stored_names import StoredNames
from matching.tokenizer import Tokenizer, default_tokenizer
from matching.two_levels import TwoLevels

# The usual constants of BM25, as in Robertson & Zaragoza 2009 (k1 between 1.2 and 2, b = 0.75) and in bm25s and rank_bm25.
SATURATION_K1 = 1.5
LENGTH_B = 0.75


@dataclass(frozen=True, slots=True)
class DocumentTokens:
    """The terms of a document, which an application may store instead of splitting the text again."""

    whole: tuple[str, ...]
    items: tuple[tuple[str, ...], ...]


def tokens_of(document: Document, tokenizer: Tokenizer | None = None) -> DocumentTokens:
    """Terms of a document's text with its evidence, and of each evidence item.

    A text that already quotes an item in full is not given that item a second time.  A document without evidence is
    its own only item.
    """
    split = (tokenizer or default_tokenizer()).terms
    items = tuple(tuple(split(item.whole)) for item in document.evidence)
    whole = split(document.text)
    for item, tokens in zip(document.evidence, items, strict=True):
        if not (item.text.strip() and item.text in document.text):
            whole.extend(tokens)
    return DocumentTokens(whole=tuple(whole), items=items or ((tuple(whole),) if whole else ()))


class Index:
    """Documents, ready to be ranked.  Never changed after it is built; safe to share between threads.

    idf(t) = ln((1 + n) / (1 + df(t))) + 1                                  over the n whole documents
    whole level: tf / (tf + k1 · (1 − b + b · length / mean length))        in [0, 1), the saturation of BM25
    item level:  (1 + ln tf) · idf(t) / ‖·‖₂                                 rows of unit length
    """

    def __init__(
        self,
        *,
        documents: Sequence[Document],
        position: Mapping[str, int],
        terms: Sequence[str],
        vocabulary: Mapping[str, int],
        document_frequency: Ints,
        idf: Floats,
        mean_length: float,
        levels: TwoLevels,
        attributes: Attributes,
        id_order: Ints,
        tokenizer: Tokenizer,
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        """Use `build`.  `id_order` has the place of each document among the sorted ids and decides between equal scores.

        `facts` are what an application had saved with the index.
        """
        self.documents = documents
        self.position = position
        self.terms = terms
        self.vocabulary = vocabulary
        self.document_frequency = document_frequency
        self.idf = idf
        self.mean_length = mean_length
        self.levels = levels
        self.whole = levels.whole
        self.items = levels.items
        self.item_starts = levels.item_starts
        self.attributes = attributes
        self.id_order = id_order
        self.tokenizer = tokenizer
        self.facts = facts or {}
        for array in (document_frequency, idf, levels.item_starts, id_order):
            array.flags.writeable = False

    @classmethod
    def build(
        cls,
        documents: Iterable[Document],
        tokens: Sequence[DocumentTokens] | None = None,
        tokenizer: Tokenizer | None = None,
    ) -> Index:
        """An index of `documents`, from their stored `tokens` when given, else from their texts."""
        tokenizer = tokenizer or default_tokenizer()
        documents = tuple(documents)
        if tokens is None:
            tokens = [tokens_of(document, tokenizer) for document in documents]
        if len(documents) != len(tokens):
            raise ValueError(f"{len(documents)} documents, but tokens of {len(tokens)}")
        position = {document.id: place for place, document in enumerate(documents)}
        if len(position) != len(documents):
            raise ValueError("two documents have the same id")
        # A term that was not met before is given the next number.
        numbers: defaultdict[str, int] = defaultdict(count().__next__)
        whole = _counts([each.whole for each in tokens], numbers)
        items = _counts([item for each in tokens for item in each.items], numbers)
        frequency = np.bincount(whole.columns, minlength=len(numbers)).astype(np.int64)
        # Terms are numbered by falling frequency, as the kernels want it.
        by_frequency = np.argsort(-frequency, kind="stable")
        renumbered = np.empty(len(numbers), dtype=np.int32)
        renumbered[by_frequency] = np.arange(len(numbers), dtype=np.int32)
        as_met = list(numbers)
        in_order: list[int] = by_frequency.tolist()
        terms = [as_met[old] for old in in_order]
        idf: Floats = np.log((1.0 + whole.height) / (1.0 + frequency[by_frequency])) + 1.0
        # An index without a single term has no mean length; 1 stands in where nothing can match anyway.
        mean_length = float(whole.values.sum(dtype=np.float64)) / max(whole.height, 1) or 1.0
        whole, items = _renumber(whole, renumbered), _renumber(items, renumbered)
        saturated = kernels.saturate(whole.starts, whole.values, SATURATION_K1, LENGTH_B, mean_length)
        weighed = kernels.tfidf_rows(items.starts, items.columns, items.values, idf)
        by_id = sorted(range(len(documents)), key=lambda place: documents[place].id)
        id_order: Ints = np.empty(len(documents), dtype=np.int64)
        id_order[by_id] = np.arange(len(documents))
        return cls(
            documents=documents,
            position=position,
            terms=terms,
            vocabulary={term: number for number, term in enumerate(terms)},
            document_frequency=frequency[by_frequency],
            idf=idf,
            mean_length=mean_length,
            levels=TwoLevels.of(
                Level.of(Rows(whole.starts, whole.columns, saturated), len(terms)),
                Level.of(Rows(items.starts, items.columns, weighed), len(terms)),
                np.cumsum([0, *(len(each.items) for each in tokens)], dtype=np.int64),
            ),
            attributes=Attributes.of(documents),
            id_order=id_order,
            tokenizer=tokenizer,
        )

    def term_counts(self, text: str) -> dict[int, int]:
        """Frequencies of those terms of a text that occur in the index."""
        return self.count_known(self.tokenizer.terms(text))

    def count_known(self, tokens: Iterable[str]) -> dict[int, int]:
        """Frequencies of those tokens that occur in the index, by the number of the term."""
        counts = Counter(tokens)
        if isinstance(self.vocabulary, StoredNames):
            numbers = self.vocabulary.numbers(list(counts))
        else:
            numbers = [self.vocabulary.get(token, -1) for token in counts]
        return {number: count for number, count in zip(numbers, counts.values(), strict=True) if number >= 0}

    def tfidf(self, counts: Mapping[int, int]) -> dict[int, float]:
        """The weights of any text at the item level: (1 + ln tf) · idf, of unit length."""
        raw = {
            term: (1.0 + math.log(count)) * float(self.idf[term]) for term, count in sorted(counts.items())
        }
        length = math.sqrt(math.fsum(weight * weight for weight in raw.values()))
        return {term: weight / length for term, weight in raw.items()}

    def saturation(self, counts: Mapping[int, int], length: int) -> dict[int, float]:
        """The weights at the whole level of any text of `length` terms."""
        damping = SATURATION_K1 * (1.0 - LENGTH_B + LENGTH_B * length / self.mean_length)
        return {term: count / (count + damping) for term, count in counts.items()}

    def coverage(self, counts: Mapping[int, int]) -> dict[int, float]:
        """What each term of a query counts at the whole level: idf² / Σ idf², summing to 1."""
        squares = {term: float(self.idf[term]) ** 2 for term in sorted(counts)}
        total = math.fsum(squares.values())
        return {term: square / total for term, square in squares.items()}


def _counts(texts: Sequence[Sequence[str]], numbers: Mapping[str, int]) -> Rows:
    """The term frequencies of texts, their terms ascending."""
    starts = np.cumsum([0, *map(len, texts)], dtype=np.int64)
    met = map(numbers.__getitem__, chain.from_iterable(texts))
    terms = np.fromiter(met, dtype=np.int32, count=int(starts[-1]))
    return Rows(*kernels.counted_rows(starts, terms))


def _renumber(counts: Rows, renumbered: Numbers) -> Rows:
    columns, values = kernels.sorted_rows(counts.starts, renumbered[counts.columns], counts.values)
    return Rows(counts.starts, columns, values)
