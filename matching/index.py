"""An immutable index of documents at two levels: the whole of each, and each of its evidence items.

Weights are those of scikit-learn's `TfidfVectorizer(sublinear_tf=True, smooth_idf=True, norm="l2")` on the same tokens.
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

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Columns = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class DocumentTokens:
    """The tokens of a document, which an application may store instead of splitting the text again."""

    whole: tuple[str, ...]
    items: tuple[tuple[str, ...], ...]


def tokens_of(document: Document, tokenizer: Tokenizer | None = None) -> DocumentTokens:
    """Tokens of a document's text with its evidence, and of each evidence item.

    A text that already quotes an item in full is not given that item a second time.  A document without evidence is
    its own only item, so that having one text instead of many parts costs it nothing.
    """
    split = (tokenizer or default_tokenizer()).tokenize
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

    def row_numbers(self) -> Ints:
        """The row of every value."""
        return np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))

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
    """Texts × terms with their weights.

    w(t, d) = (1 + ln tf) · idf(t) / ‖·‖₂,  idf(t) = ln((1 + n) / (1 + df(t))) + 1   (float64, rows of unit length)
    """

    def __init__(self, counts: Rows, terms: int) -> None:
        """`counts`: the frequencies of `terms` terms in every text."""
        texts = len(counts.starts) - 1
        self.texts = texts
        self.document_frequency: Ints = np.bincount(counts.columns, minlength=terms).astype(np.int64)
        self.idf: Floats = np.log((1.0 + texts) / (1.0 + self.document_frequency)) + 1.0
        weights: Floats = (1.0 + np.log(counts.values)) * self.idf[counts.columns]
        of_text = counts.row_numbers()
        lengths = np.sqrt(np.bincount(of_text, weights=weights * weights, minlength=texts))
        self.weights = Rows(counts.starts, counts.columns, weights / lengths[of_text]).frozen()
        self._by_term = self.weights.transposed(terms).frozen()
        self.document_frequency.flags.writeable = False
        self.idf.flags.writeable = False

    def text_weights(self, counts: Mapping[int, int]) -> dict[int, float]:
        """The same weights for a text from outside, from the frequencies of its known terms."""
        raw = {
            term: (1.0 + math.log(count)) * float(self.idf[term]) for term, count in sorted(counts.items())
        }
        length = math.sqrt(math.fsum(weight * weight for weight in raw.values()))
        return {term: weight / length for term, weight in raw.items()}

    def cosines(self, query: Mapping[int, float]) -> Floats:
        """Cosine of a weighted query with every text, shape (texts,), in [0, 1]."""
        found: Floats = np.zeros(self.texts)
        by_term = self._by_term
        for term, weight in query.items():
            place = slice(int(by_term.starts[term]), int(by_term.starts[term + 1]))
            found[by_term.columns[place]] += weight * by_term.values[place]
        return found


class Index:
    """Documents, ready to be ranked.  Never changed after it is built; safe to share between threads."""

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
        self.whole = Level(whole, len(self.vocabulary))
        self.items = Level(items, len(self.vocabulary))
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
        return self.count_known(self.tokenizer.tokenize(text))

    def count_known(self, tokens: Iterable[str]) -> dict[int, int]:
        """Frequencies of those tokens that occur in the index, by the number of the term."""
        counts = Counter(tokens)
        return {self.vocabulary[token]: count for token, count in counts.items() if token in self.vocabulary}

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
