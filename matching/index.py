"""An immutable index of documents at two levels: the whole of each, and each of its evidence items.

Both levels weigh a term by one inverse document frequency, that of `TfidfVectorizer(sublinear_tf=True,
smooth_idf=True, norm="l2")` fitted on the whole documents: what matters is how well a term tells the documents, which
are to be ranked, from one another.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from matching.documents import Document
from matching.tokenizer import Tokenizer, default_tokenizer

# The usual constants of BM25, as in Robertson & Zaragoza 2009 (k1 between 1.2 and 2, b = 0.75) and in bm25s and rank_bm25.
SATURATION_K1 = 1.5
LENGTH_B = 0.75

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Columns = npt.NDArray[np.int32]


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


@dataclass(frozen=True, slots=True)
class Rows:
    """A sparse matrix: row r has the values `values[starts[r]:starts[r + 1]]` in the columns of the same places."""

    starts: Ints
    columns: Columns
    values: Floats

    @property
    def height(self) -> int:
        return len(self.starts) - 1

    def row_numbers(self) -> Ints:
        """The row of every value."""
        return np.repeat(np.arange(self.height), np.diff(self.starts))

    def transposed(self, width: int) -> Rows:
        """The same by columns; within each the rows ascend."""
        by_column = np.argsort(self.columns, kind="stable")
        starts = np.concatenate([[0], np.cumsum(np.bincount(self.columns, minlength=width))]).astype(np.int64)
        return Rows(starts, self.row_numbers()[by_column].astype(np.int32), self.values[by_column])

    def row(self, number: int) -> dict[int, float]:
        """The values of one row by column."""
        place = slice(int(self.starts[number]), int(self.starts[number + 1]))
        columns: list[int] = self.columns[place].tolist()
        values: list[float] = self.values[place].tolist()
        return dict(zip(columns, values, strict=True))

    def frozen(self) -> Rows:
        for array in (self.starts, self.columns, self.values):
            array.flags.writeable = False
        return self


class Level:
    """Texts × terms with the weight of every term in every text, by text and by term."""

    def __init__(self, weights: Rows, terms: int) -> None:
        self.weights = weights.frozen()
        self._by_term = weights.transposed(terms).frozen()

    @property
    def texts(self) -> int:
        return self.weights.height

    def products(self, query: Mapping[int, float]) -> Floats:
        """Σ_t query[t] · weight(t, d) for every text d, shape (texts,)."""
        found: Floats = np.zeros(self.texts)
        by_term = self._by_term
        for term, weight in query.items():
            place = slice(int(by_term.starts[term]), int(by_term.starts[term + 1]))
            found[by_term.columns[place]] += weight * by_term.values[place]
        return found


class Index:
    """Documents, ready to be ranked.  Never changed after it is built; safe to share between threads.

    idf(t) = ln((1 + n) / (1 + df(t))) + 1                                  over the n whole documents
    whole level: tf / (tf + k1 · (1 − b + b · length / mean length))        in [0, 1), the saturation of BM25
    item level:  (1 + ln tf) · idf(t) / ‖·‖₂                                 rows of unit length
    """

    def __init__(
        self, documents: Iterable[Document], tokens: Sequence[DocumentTokens], tokenizer: Tokenizer
    ) -> None:
        self.documents: tuple[Document, ...] = tuple(documents)
        if len(self.documents) != len(tokens):
            raise ValueError(f"{len(self.documents)} documents, but tokens of {len(tokens)}")
        self.position: dict[str, int] = {document.id: place for place, document in enumerate(self.documents)}
        if len(self.position) != len(self.documents):
            raise ValueError("two documents have the same id")
        self.tokenizer = tokenizer
        self.vocabulary: dict[str, int] = {}
        whole = self._counts([each.whole for each in tokens])
        items = self._counts([item for each in tokens for item in each.items])
        terms = len(self.vocabulary)
        self.document_frequency: Ints = np.bincount(whole.columns, minlength=terms).astype(np.int64)
        self.idf: Floats = np.log((1.0 + whole.height) / (1.0 + self.document_frequency)) + 1.0
        self.document_frequency.flags.writeable = False
        self.idf.flags.writeable = False
        lengths = np.bincount(whole.row_numbers(), weights=whole.values, minlength=whole.height)
        # An index without a single term has no mean length; 1 stands in where nothing can match anyway.
        self.mean_length = float(lengths.mean()) if lengths.sum() > 0 else 1.0
        damping = SATURATION_K1 * (1.0 - LENGTH_B + LENGTH_B * lengths / self.mean_length)
        saturation = whole.values / (whole.values + damping[whole.row_numbers()])
        self.whole = Level(Rows(whole.starts, whole.columns, saturation), terms)
        weights: Floats = (1.0 + np.log(items.values)) * self.idf[items.columns]
        of_item = items.row_numbers()
        norms = np.sqrt(np.bincount(of_item, weights=weights * weights, minlength=items.height))
        self.items = Level(Rows(items.starts, items.columns, weights / norms[of_item]), terms)
        # item_starts[d] : item_starts[d + 1] are the items of document d
        self.item_starts: Ints = np.cumsum([0, *(len(each.items) for each in tokens)], dtype=np.int64)
        self.item_owner: Ints = np.repeat(np.arange(len(self.documents)), np.diff(self.item_starts))

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
        return cls(documents, tokens, tokenizer)

    @cached_property
    def id_order(self) -> Ints:
        """For each document its place among the sorted ids: decides between equal scores."""
        order = sorted(range(len(self.documents)), key=lambda place: self.documents[place].id)
        places: Ints = np.empty(len(order), dtype=np.int64)
        places[order] = np.arange(len(order))
        return places

    @cached_property
    def terms(self) -> list[str]:
        """The vocabulary by number."""
        return list(self.vocabulary)

    def term_counts(self, text: str) -> dict[int, int]:
        """Frequencies of those terms of a text that occur in the index."""
        return self.count_known(self.tokenizer.terms(text))

    def count_known(self, tokens: Iterable[str]) -> dict[int, int]:
        """Frequencies of those tokens that occur in the index, by the number of the term."""
        counts = Counter(tokens)
        return {self.vocabulary[token]: count for token, count in counts.items() if token in self.vocabulary}

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

    def _counts(self, texts: Sequence[Sequence[str]]) -> Rows:
        vocabulary = self.vocabulary
        starts = [0]
        terms: list[int] = []
        frequencies: list[int] = []
        for text in texts:
            counts = Counter(vocabulary.setdefault(token, len(vocabulary)) for token in text)
            terms.extend(counts.keys())
            frequencies.extend(counts.values())
            starts.append(len(terms))
        return Rows(
            np.array(starts, dtype=np.int64),
            np.array(terms, dtype=np.int32),
            np.array(frequencies, dtype=np.float64),
        )
