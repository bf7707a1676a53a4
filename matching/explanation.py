"""Say in the words of the texts themselves why a document ranks where it does."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from matching.documents import Challenge, Query
from matching.index import DocumentTokens, Index, tokens_of
from matching.ranking import Statistics, prepare, score_tokens
from matching.tokenizer import Tokenizer, default_tokenizer

# A gain below this is no reason to write anything into a profile: it is less than the last digit that pages show.
LEAST_GAIN = 0.0005


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a text, and whether it is one of the marked terms."""

    text: str
    marked: bool


@dataclass(frozen=True, slots=True)
class MissingTerm:
    """A term of a query that a document lacks; `gain` is what one mention would add to the score.

    This is a fact about the text alone.  Whoever writes a term into a profile is asked for the evidence of it.
    """

    term: str
    gain: float


def mark(text: str, terms: Collection[str], tokenizer: Tokenizer | None = None) -> list[Piece]:
    """`text` in pieces, those that are one of `terms` marked; the pieces join to `text` again.

    Neighbouring terms make one piece.

    >>> mark("高温合金叶片的涂层", {"涂层"})
    [Piece(text='高温合金叶片的', marked=False), Piece(text='涂层', marked=True)]
    """
    pieces: list[Piece] = []
    place = 0
    for start, end in _stretches(text, terms, tokenizer or default_tokenizer()):
        if start > place:
            pieces.append(Piece(text[place:start], marked=False))
        pieces.append(Piece(text[start:end], marked=True))
        place = end
    if place < len(text):
        pieces.append(Piece(text[place:], marked=False))
    return pieces


class Explaining(Statistics, Protocol):
    """Statistics that know their terms by number."""

    @property
    def terms(self) -> Sequence[str]: ...


def missing_terms(
    index: Index, query: Challenge | Query, document_id: str, limit: int = 10
) -> list[MissingTerm]:
    """As `missing_from`, of a document of an index that holds texts."""
    document = index.documents[index.position[document_id]]
    return missing_from(index, query, tokens_of(document, index.tokenizer), limit)


def missing_from(
    index: Explaining, query: Challenge | Query, tokens: DocumentTokens, limit: int = 10
) -> list[MissingTerm]:
    """The terms of a query that a document lacks, those that would add most first.

    The gain is computed, not estimated: the score of the document with the term written once into its best item (or
    its text, if it has no items), less its score now, under the statistics of the index.
    """
    now = score_tokens(index, query, tokens)
    present = set(tokens.whole)
    known = {term for text in prepare(index, query) for term in text.whole}
    best = _best_item(index, query, tokens)
    missing: list[MissingTerm] = []
    for term in sorted(index.terms[number] for number in known):
        if term not in present:
            gain = score_tokens(index, query, _with_term(tokens, term, best)) - now
            if gain >= LEAST_GAIN:
                missing.append(MissingTerm(term, gain))
    return sorted(missing, key=lambda each: (-each.gain, each.term))[:limit]


def _best_item(index: Explaining, query: Challenge | Query, tokens: DocumentTokens) -> int:
    alone = [score_tokens(index, query, DocumentTokens(whole=(), items=(item,))) for item in tokens.items]
    return alone.index(max(alone)) if alone else 0


def _with_term(tokens: DocumentTokens, term: str, item: int) -> DocumentTokens:
    items = list(tokens.items) or [()]
    items[item] = (*items[item], term)
    return DocumentTokens(whole=(*tokens.whole, term), items=tuple(items))


def _stretches(text: str, terms: Collection[str], tokenizer: Tokenizer) -> list[tuple[int, int]]:
    """Where the terms stand in `text`, those that touch or overlap joined."""
    stretches: list[tuple[int, int]] = []
    for start, end, token in sorted(tokenizer.term_spans(text)):
        if token not in terms:
            continue
        if stretches and start <= stretches[-1][1]:
            stretches[-1] = (stretches[-1][0], max(end, stretches[-1][1]))
        else:
            stretches.append((start, end))
    return stretches
