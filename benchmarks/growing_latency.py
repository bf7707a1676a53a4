"""Time what keeps an index fresh: one more document, a query over many of them, and how far old statistics drift.

    python -m benchmarks.growing_latency [--size 1000000] [--added 10000] [--queries 100]

The same texts are indexed by bm25s from the same tokens, so that its times stand beside ours.
"""

from __future__ import annotations

import argparse
import gc
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import bm25s  # pyright: ignore[reportMissingImports] -- a dependency of the benchmarks alone
import numpy as np

from benchmarks.corpora import DOCUMENT_LENGTH, QUERY_LENGTH, VOCABULARY, Corpus, Source
from benchmarks.machine import describe_machine
from benchmarks.match_latency import SEED, TOP_K, Counted, ask_bm25s, bm25s_of
from matching.attributes import Attributes
from matching.documents import Document, Query
from matching.growing import GrowingIndex
from matching.index import DocumentTokens, Index
from matching.ranking import Candidate
from matching.tokenizer import default_tokenizer
from matching.two_levels import TwoLevels

RESULTS = Path(__file__).parent / "results"
# Enough to see the rate; a million documents as lists of strings would not leave room for bm25s.
STRING_TEXTS = 20_000


class Numbered(Sequence[Document]):
    """Documents that are nothing but their numbers."""

    def __init__(self, size: int) -> None:
        self.size = size

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, place: int) -> Document:  # pyright: ignore[reportIncompatibleMethodOverride] - no slices are asked for
        return Document(id=name_of(place))


class Places(Mapping[str, int]):
    """The place of each of these by its id."""

    def __init__(self, size: int) -> None:
        self.size = size

    def __getitem__(self, name: str) -> int:
        if not int(name) < self.size:
            raise KeyError(name)
        return int(name)

    def __iter__(self) -> Iterator[str]:
        return map(name_of, range(self.size))

    def __len__(self) -> int:
        return self.size


def name_of(place: int) -> str:
    return f"{place:08}"


def first(corpus: Corpus, count: int) -> Corpus:
    return Corpus(corpus.starts[: count + 1], corpus.terms[: corpus.starts[count]])


def index_of(corpus: Corpus) -> Index:
    """An index of texts of numbers, each a document and its own only item."""
    counted = Counted(corpus)
    names = [""] * VOCABULARY
    for term, number in enumerate(counted.number.tolist()):
        names[number] = str(term)
    size = len(corpus)
    return Index(
        documents=Numbered(size),
        position=Places(size),
        terms=names,
        vocabulary={name: number for number, name in enumerate(names)},
        document_frequency=np.bincount(counted.columns, minlength=VOCABULARY).astype(np.int64),
        idf=counted.idf,
        mean_length=len(corpus.terms) / size,
        levels=TwoLevels.of(
            counted.saturated(), counted.tfidf(counted.idf), np.arange(size + 1, dtype=np.int64)
        ),
        attributes=Attributes(
            np.zeros(size, dtype=np.uint8),
            np.zeros(size, dtype=np.int32),
            np.zeros(size, dtype=np.uint64),
            ("",),
            (),
        ),
        id_order=np.arange(size, dtype=np.int64),
        tokenizer=default_tokenizer(),
    )


def tokens_of(corpus: Corpus, number: int) -> list[str]:
    return [str(term) for term in corpus.text(number).tolist()]


def seconds_of(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def measure(size: int, added: int, queries: int) -> dict[str, Any]:
    source = Source(SEED)
    corpus = source.texts(size + added, DOCUMENT_LENGTH)
    asked = source.texts(queries, QUERY_LENGTH)
    base = index_of(first(corpus, size))
    growing = GrowingIndex(base)
    empty = growing.grown()
    gc.disable()
    adding: list[float] = []
    for number in range(size, size + added):
        tokens = tuple(tokens_of(corpus, number))
        document = Document(id=name_of(number))
        both = DocumentTokens(tokens, (tokens,))
        adding.append(seconds_of(lambda document=document, both=both: growing.put(document, both)))
    snapshot = seconds_of(growing.grown)
    grown = growing.grown()
    retriever, _ = bm25s_of(first(corpus, size))
    questions = [Query(" ".join(tokens_of(asked, number))) for number in range(queries)]
    found: list[list[Candidate]] = []
    of_base: list[float] = []
    of_both: list[float] = []
    of_bm25s: list[float] = []
    for number in range(-3, queries):
        question = questions[number]
        tokens = tokens_of(asked, number % queries)
        before = seconds_of(lambda question=question: empty.rank(question, TOP_K))
        start = time.perf_counter()
        ranked = grown.rank(question, TOP_K)
        both_seconds = time.perf_counter() - start
        theirs = seconds_of(lambda tokens=tokens: ask_bm25s(retriever, tokens))
        if number >= 0:
            # The first three warm caches and compilers.
            found.append(ranked)
            of_base.append(before)
            of_both.append(both_seconds)
            of_bm25s.append(theirs)
    gc.enable()
    fresh = GrowingIndex(index_of(corpus)).grown()
    overlaps: list[float] = []
    differences: list[float] = []
    for question, ranked in zip(questions, found, strict=True):
        again = {each.id: each.score for each in fresh.rank(question, TOP_K)}
        overlaps.append(sum(each.id in again for each in ranked) / max(len(again), 1))
        differences += [abs(each.score - again[each.id]) for each in ranked if each.id in again]
    slower = float(np.median(np.array(of_both) - np.array(of_base)))
    return {
        "size": size,
        "added": added,
        "put_ms": {"p50": float(np.median(adding)) * 1e3, "p95": float(np.percentile(adding, 95)) * 1e3},
        "snapshot_ms": snapshot * 1e3,
        "query_ms": {
            "base": float(np.median(of_base)) * 1e3,
            "base and additions": float(np.median(of_both)) * 1e3,
            "bm25s-numba, base": float(np.median(of_bm25s)) * 1e3,
        },
        "slower_of_bm25s": slower / float(np.median(of_bm25s)),
        "drift": {
            "overlap": float(np.mean(overlaps)),
            "greatest_difference": max(differences, default=0.0),
            "mean_difference": float(np.mean(differences or [0.0])),
        },
        "building": building(first(corpus, min(STRING_TEXTS, size))),
    }


def building(corpus: Corpus) -> dict[str, float]:
    """Seconds to index texts that are lists of strings, as an application stores them."""
    texts = [tokens_of(corpus, number) for number in range(len(corpus))]
    documents = [Document(id=name_of(number)) for number in range(len(corpus))]
    tokens = [DocumentTokens(tuple(text), (tuple(text),)) for text in texts]
    Index.build(documents[:10], tokens[:10])
    retriever = bm25s.BM25(backend="numba")
    return {
        "texts": len(corpus),
        "jiebang, both levels": seconds_of(lambda: Index.build(documents, tokens)),
        "bm25s-numba": seconds_of(lambda: retriever.index(texts, show_progress=False)),
    }


def markdown(found: dict[str, Any], machine: dict[str, str]) -> str:
    drift, build, query = found["drift"], found["building"], found["query_ms"]
    lines = [
        "# Keeping an index fresh",
        "",
        f"{machine['date']}, {machine['processor']}, {machine['cores']} cores, Python {machine['python']}.  "
        f"{found['size']:,} documents, {found['added']:,} added beside them.",
        "",
        "| | |",
        "|---|---:|",
        f"| adding one document, p50 / p95 | {found['put_ms']['p50']:.3f} / {found['put_ms']['p95']:.3f} ms |",
        f"| the first view after an addition | {found['snapshot_ms']:.1f} ms |",
    ]
    lines += [f"| query with explanation, {name}, p50 | {each:.2f} ms |" for name, each in query.items()]
    lines += [
        f"| what the additions cost a query, of bm25s' query | {found['slower_of_bm25s']:.2f} |",
        f"| best {TOP_K} the same as with fresh statistics | {drift['overlap']:.1%} |",
        f"| difference of scores to fresh statistics, mean / greatest | "
        f"{drift['mean_difference']:.6f} / {drift['greatest_difference']:.6f} |",
        f"| building from {build['texts']:,} texts of stored strings, both levels | {build['jiebang, both levels']:.2f} s |",
        f"| bm25s-numba from the same strings | {build['bm25s-numba']:.2f} s |",
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", type=int, default=1_000_000)
    parser.add_argument("--added", type=int, default=10_000)
    parser.add_argument("--queries", type=int, default=100)
    arguments = parser.parse_args()
    machine = describe_machine()
    found = measure(arguments.size, arguments.added, arguments.queries)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "growing_latency.md").write_text(markdown(found, machine), encoding="utf-8")
    (RESULTS / "growing_latency.json").write_text(
        json.dumps({"machine": machine, **found}, indent=1) + "\n", encoding="utf-8"
    )
    print(markdown(found, machine))


if __name__ == "__main__":
    main()
