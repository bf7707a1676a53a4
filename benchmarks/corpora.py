"""Seeded corpora of term numbers whose lengths and frequencies are those of Chinese technical abstracts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

# A text of 250 characters has about 110 words, and a query of 320 about 140.
DOCUMENT_LENGTH = 110
QUERY_LENGTH = 140
VOCABULARY = 200_000
# Frequency ∝ 1 / (rank + 2.7): Mandelbrot's form of Zipf's law with his constants for ordinary prose.
MANDELBROT_OFFSET = 2.7
# Half of a text's words come from the few hundred of its subject, as those of real abstracts do.
TOPIC_SHARE = 0.5
TOPICS = 2_000
TOPIC_WORDS = 300
# Drawn so many at a time, a corpus of any size needs little more memory than it takes itself.
PIECE = 1_000_000


@dataclass(frozen=True, slots=True)
class Corpus:
    """Text t holds the terms `terms[starts[t]:starts[t + 1]]`, repeated as often as they occur."""

    starts: npt.NDArray[np.int64]
    terms: npt.NDArray[np.int32]

    def text(self, number: int) -> npt.NDArray[np.int32]:
        return self.terms[self.starts[number] : self.starts[number + 1]]

    def __len__(self) -> int:
        return len(self.starts) - 1


class Source:
    """Draws texts; the same seed draws the same."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        chances = 1.0 / (np.arange(VOCABULARY) + MANDELBROT_OFFSET)
        self.sums = np.cumsum(chances / chances.sum())
        self.topics = self.random.integers(200, VOCABULARY, size=(TOPICS, TOPIC_WORDS), dtype=np.int32)

    def texts(self, count: int, length: int) -> Corpus:
        lengths = np.maximum(5, self.random.normal(length, length / 4, size=count).astype(np.int64))
        starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        total = int(starts[-1])
        topic = np.repeat(self.random.integers(0, TOPICS, size=count, dtype=np.int32), lengths)
        terms = np.empty(total, dtype=np.int32)
        for start in range(0, total, PIECE):
            terms[start : start + PIECE] = self._terms(topic[start : start + PIECE])
        # Every library is to meet the same texts, so nobody may alter them.
        terms.flags.writeable = False
        return Corpus(starts, terms)

    def _terms(self, topic: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
        terms = np.searchsorted(self.sums, self.random.random(len(topic))).astype(np.int32)
        # Within a subject some words are frequent too.
        word = np.minimum(self.random.pareto(1.0, size=len(topic)) * 5, TOPIC_WORDS - 1).astype(np.int32)
        of_topic = self.random.random(len(topic)) < TOPIC_SHARE
        terms[of_topic] = self.topics[topic[of_topic], word[of_topic]]
        return np.minimum(terms, VOCABULARY - 1)
