"""What somebody may have meant whose words occur nowhere: the nearest words that do occur."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from matching.tokenizer import Tokenizer, default_tokenizer

# A typing error changes one character in three at most; words further apart are other words.
CHARACTERS_PER_ERROR = 3
LONGEST = 30
SUGGESTIONS = 3


@dataclass(frozen=True, slots=True)
class Suggestion:
    """`word` as it was typed (normalized) is nowhere; `instead` do occur, the nearest first. `text`: the whole query
    with the nearest put in its place."""

    word: str
    instead: tuple[str, ...]
    text: str


def suggest(
    text: str,
    vocabulary: Mapping[str, int],
    frequencies: Sequence[int],
    *,
    known: Collection[str] = (),
    tokenizer: Tokenizer | None = None,
) -> list[Suggestion]:
    """For every word of `text` that is neither in `vocabulary` nor in `known`: the nearest words of the vocabulary.

    Near is an edit distance (exchange of neighbours counts once) of at most a third of the word; of equally near words
    one of the same length comes first, then the one that shares more characters, then the one in more documents
    (`frequencies[vocabulary[word]]`), then by code point. A typing error often falls apart into single characters: those are joined with the word before.
    Words with nothing near are left out.

    >>> [found.instead for found in suggest("碳化鬼", {"碳化硅": 0, "碳化": 1, "氮化硅": 2}, [5, 9, 3])]
    [('碳化硅', '碳化')]
    """
    tokenizer = tokenizer or default_tokenizer()
    found: list[Suggestion] = []
    for start, end, word in _unknown(text, vocabulary, known, tokenizer):
        instead = tuple(nearest(word, vocabulary, frequencies, tokenizer))
        if instead:
            found.append(Suggestion(word, instead, text[:start] + instead[0] + text[end:]))
    return found


def nearest(
    word: str, vocabulary: Mapping[str, int], frequencies: Sequence[int], tokenizer: Tokenizer
) -> Iterator[str]:
    """Up to `SUGGESTIONS` words of the vocabulary, the nearest first; pairs of characters that are no words are none."""
    allowed = len(word) // CHARACTERS_PER_ERROR or (1 if len(word) == 2 else 0)
    if not allowed or len(word) > LONGEST:
        return
    characters = set(word)
    ranked: list[tuple[int, int, int, int, str]] = []
    for term, number in vocabulary.items():
        if abs(len(term) - len(word)) > allowed or len(term) < 2 or term == word:
            continue
        shared = len(characters.intersection(term))
        # Each error replaces one character at most.
        if not shared or len(characters) - shared > allowed:
            continue
        distance = edit_distance(word, term, allowed)
        if distance <= allowed:
            longer = abs(len(term) - len(word))
            ranked.append((distance, longer, -shared, -int(frequencies[number]), term))
    given = 0
    for *_order, term in sorted(ranked):
        if tokenizer.tokenize(term) == [term]:
            yield term
            given += 1
            if given == SUGGESTIONS:
                return


def _unknown(
    text: str, vocabulary: Mapping[str, int], known: Collection[str], tokenizer: Tokenizer
) -> Iterator[tuple[int, int, str]]:
    """Words that occur nowhere, with their places in the text."""
    spans = tokenizer.spans(text)
    for number, span in enumerate(spans):
        if span.token in vocabulary or span.token in known:
            continue
        start, word = span.start, span.token
        before = spans[number - 1] if number else None
        if len(word) == 1:
            if before is None or before.end != span.start:
                continue
            start, word = before.start, before.token + word
            if word in vocabulary or word in known:
                continue
        yield start, span.end, word


def edit_distance(left: str, right: str, most: int) -> int:
    """Characters to insert, delete, replace or exchange with their neighbour; `most` + 1 stands for all that is more.

    >>> edit_distance("涂层", "层涂", 2), edit_distance("kitten", "sitting", 3), edit_distance("ab", "xyz", 1)
    (1, 3, 2)
    """
    if abs(len(left) - len(right)) > most:
        return most + 1
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, sign in enumerate(left, start=1):
        earlier, before, row = before, row, [i]
        for j, other in enumerate(right, start=1):
            value = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (sign != other))
            if i > 1 and j > 1 and sign == right[j - 2] and left[i - 2] == other:
                value = min(value, earlier[j - 2] + 1)
            row.append(value)
        if min(row) > most and (not before or min(before) > most):
            return most + 1
    return min(row[-1], most + 1)
