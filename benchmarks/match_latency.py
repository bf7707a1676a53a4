"""Time the search beside other libraries on the same texts, all in one run.

Every query goes to every library in turn, so what else the machine does meets all of them alike; the report gives
medians and, above all, ratios.

    python -m benchmarks.match_latency [--sizes 10000 100000 1000000] [--queries 200]
"""

from __future__ import annotations

import argparse
import gc
import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bm25s  # pyright: ignore[reportMissingImports] -- a dependency of the benchmarks alone
import numpy as np
import numpy.typing as npt
import tantivy  # pyright: ignore[reportMissingImports]
from scipy import sparse
from sklearn.metrics.pairwise import cosine_similarity

from benchmarks.corpora import DOCUMENT_LENGTH, QUERY_LENGTH, VOCABULARY, Corpus, Source
from benchmarks.machine import describe_machine
from matching import kernels
from matching.index import LENGTH_B, SATURATION_K1
from matching.level import Level, LevelQuery, Rows
from matching.two_levels import TwoLevels

RESULTS = Path(__file__).parent / "results"
SEED = 20260101
TOP_K = 10
ITEMS_EACH = 5
OURS = "jiebang"
# The slow libraries are asked a part of the queries: their medians are known well enough.
SLOW_SHARE = 0.1


@dataclass
class Times:
    """Seconds of each query by library."""

    by_name: dict[str, list[float]] = field(default_factory=dict[str, list[float]])

    def add(self, name: str, seconds: float) -> None:
        self.by_name.setdefault(name, []).append(seconds)

    def percentile(self, name: str, percent: float) -> float:
        return float(np.percentile(self.by_name[name], percent))


class Counted:
    """A corpus as term counts, its terms numbered by falling document frequency."""

    def __init__(self, corpus: Corpus) -> None:
        # Not by scipy: it would sum duplicates within the corpus itself, which the others are still to index.
        starts, terms, counts = kernels.counted_rows(corpus.starts, corpus.terms)
        frequency = np.bincount(terms, minlength=VOCABULARY)
        order = np.argsort(-frequency, kind="stable")
        self.number: npt.NDArray[np.int32] = np.empty(VOCABULARY, dtype=np.int32)
        self.number[order] = np.arange(VOCABULARY, dtype=np.int32)
        self.starts = starts
        self.columns, self.counts = kernels.sorted_rows(starts, self.number[terms], counts)
        self.idf = np.log((1.0 + len(corpus)) / (1.0 + frequency[order])) + 1.0

    def tfidf(self, idf: npt.NDArray[np.float64]) -> Level:
        return Level.of(
            Rows(self.starts, self.columns, kernels.tfidf_rows(self.starts, self.columns, self.counts, idf)),
            VOCABULARY,
        )

    def saturated(self) -> Level:
        mean = float(self.counts.sum(dtype=np.float64)) / (len(self.starts) - 1)
        values = kernels.saturate(self.starts, self.counts, SATURATION_K1, LENGTH_B, mean)
        return Level.of(Rows(self.starts, self.columns, values), VOCABULARY)

    def query(self, terms: npt.NDArray[np.int32]) -> dict[int, float]:
        numbers, counts = np.unique(self.number[terms], return_counts=True)
        weights = (1.0 + np.log(counts)) * self.idf[numbers]
        return dict(zip(numbers.tolist(), (weights / np.linalg.norm(weights)).tolist(), strict=True))

    def coverage(self, terms: npt.NDArray[np.int32]) -> dict[int, float]:
        numbers = np.unique(self.number[terms])
        squares = self.idf[numbers] ** 2
        return dict(zip(numbers.tolist(), (squares / squares.sum()).tolist(), strict=True))


def bm25s_of(corpus: Corpus) -> tuple[Any, float]:
    # One object for each number instead of one for each occurrence: at a million texts that saves gigabytes.
    numbers = list(range(VOCABULARY))
    ids = [[numbers[term] for term in corpus.text(text).tolist()] for text in range(len(corpus))]
    tokenized = bm25s.tokenization.Tokenized(ids=ids, vocab={str(term): term for term in range(VOCABULARY)})
    start = time.perf_counter()
    retriever = bm25s.BM25(backend="numba")
    retriever.index(tokenized, show_progress=False)
    seconds = time.perf_counter() - start
    return retriever, seconds


def ask_bm25s(retriever: Any, tokens: list[str]) -> Any:
    return retriever.retrieve([tokens], k=TOP_K, show_progress=False, n_threads=1)


def tantivy_of(corpus: Corpus) -> Any:
    builder = tantivy.SchemaBuilder()
    builder.add_unsigned_field("number", stored=True)
    builder.add_text_field("text", tokenizer_name="whitespace", index_option="freq")
    index = tantivy.Index(builder.build())
    writer = index.writer(200_000_000, 1)
    for number in range(len(corpus)):
        document = tantivy.Document()
        document.add_unsigned("number", number)
        document.add_text("text", " ".join(map(str, corpus.text(number).tolist())))
        writer.add_document(document)
    writer.commit()
    writer.wait_merging_threads()
    index.reload()
    return index


def ask_tantivy(index: Any, searcher: Any, tokens: list[str]) -> Any:
    terms = [
        (tantivy.Occur.Should, tantivy.Query.term_query(index.schema, "text", token, index_option="freq"))
        for token in dict.fromkeys(tokens)
    ]
    return searcher.search(tantivy.Query.boolean_query(terms), TOP_K)


def brute_force(level: Level, query: Mapping[int, float]) -> list[tuple[int, float]]:
    products = level.products(query)
    best = np.lexsort((np.arange(len(products)), -products))[:TOP_K]
    return [(int(text), float(products[text])) for text in best if products[text] > 0]


def measure_flat(size: int, queries: int, with_peers: bool) -> dict[str, Any]:
    source = Source(SEED + size)
    corpus = source.texts(size, DOCUMENT_LENGTH)
    asked = source.texts(queries, QUERY_LENGTH)
    start = time.perf_counter()
    counted = Counted(corpus)
    level = counted.tfidf(counted.idf)
    seconds = {OURS: time.perf_counter() - start}
    matrix = sparse.csr_matrix(
        (level.weights.values, level.weights.columns, level.weights.starts), (size, VOCABULARY)
    )
    transposed = sparse.csr_matrix(matrix.T)
    retriever, seconds["bm25s-numba"] = bm25s_of(corpus)
    engine = tantivy_of(corpus) if with_peers else None
    searcher = engine.searcher() if engine is not None else None
    times = Times()
    exact = 0

    def timed(name: str, call: Callable[[], Any]) -> Any:
        begun = time.perf_counter()
        answer = call()
        times.add(name, time.perf_counter() - begun)
        return answer

    allowed = np.zeros(size, dtype=np.uint8)
    allowed[source.random.random(size) < 0.01] = 1
    conditions = list(level.no_conditions)
    conditions[0], conditions[3] = allowed, np.array([0, 1], dtype=np.uint8)
    gc.disable()
    for number in range(-5, queries):
        terms = asked.text(number % queries)
        tokens = [str(term) for term in terms.tolist()]
        weights = counted.query(terms)
        query = level.query(weights)
        row: Any = sparse.csr_matrix(
            (list(weights.values()), ([0] * len(weights), list(weights))),
            shape=(1, VOCABULARY),
            dtype=np.float32,
        )
        slow = number % round(1 / SLOW_SHARE) == 0
        if number == 0:
            # The first five queries warm caches and compilers.
            times.by_name.clear()
        found = timed(OURS, lambda query=query: level.best(query, TOP_K))
        timed(f"{OURS}, 1% allowed", lambda query=query: level.best(query, TOP_K, tuple(conditions)))
        timed(
            f"{OURS}, plain accumulation",
            lambda weights=weights: np.argpartition(-level.products(weights), TOP_K),
        )
        timed("bm25s-numba", lambda tokens=tokens: ask_bm25s(retriever, tokens))
        timed("scipy CSR", lambda row=row: np.argpartition(-(row @ transposed).toarray()[0], TOP_K))
        if searcher is not None:
            timed("tantivy", lambda tokens=tokens: ask_tantivy(engine, searcher, tokens))
        if slow and with_peers:
            timed(
                "scikit-learn cosine_similarity",
                lambda row=row: np.argpartition(-cosine_similarity(row, matrix)[0], TOP_K),
            )
        exact += number >= 0 and found == brute_force(level, weights)
    # The worst case for passing over: a query of nothing but the most common terms.
    common = level.query({term: 1.0 / np.sqrt(level.common_terms) for term in range(level.common_terms)})
    everywhere = {term: 1.0 / np.sqrt(level.common_terms) for term in range(level.common_terms)}
    for _ in range(10):
        timed("worst case", lambda: level.best(common, TOP_K))
        timed("worst case, plain accumulation", lambda: np.argpartition(-level.products(everywhere), TOP_K))
    gc.enable()
    return {
        "size": size,
        "queries": queries,
        "exact": exact,
        "build_s": seconds,
        "threads": two_threads(level, [level.query(counted.query(asked.text(n))) for n in range(queries)]),
        "p50_ms": {name: times.percentile(name, 50) * 1e3 for name in times.by_name},
        "p95_ms": {name: times.percentile(name, 95) * 1e3 for name in times.by_name},
    }


def two_threads(level: Level, queries: list[LevelQuery]) -> float:
    """How many times as many queries two threads answer as one."""

    def work() -> None:
        for query in queries:
            level.best(query, TOP_K)

    def elapsed(count: int) -> float:
        threads = [threading.Thread(target=work) for _ in range(count)]
        start = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return time.perf_counter() - start

    ratios = [2 * elapsed(1) / elapsed(2) for _ in range(5)]
    return float(np.median(ratios))


def measure_two_levels(organizations: int, queries: int) -> dict[str, Any]:
    source = Source(SEED)
    items = source.texts(organizations * ITEMS_EACH, DOCUMENT_LENGTH)
    asked = source.texts(queries, QUERY_LENGTH)
    wholes = Counted(Corpus(items.starts[::ITEMS_EACH], items.terms))
    whole = wholes.saturated()
    counted = Counted(items)
    # One numbering and one idf for both levels: that of the organizations.
    renumbered = np.empty(VOCABULARY, dtype=np.int32)
    renumbered[counted.number] = wholes.number
    counted.columns, counted.counts = kernels.sorted_rows(
        counted.starts, renumbered[counted.columns], counted.counts
    )
    level = counted.tfidf(wholes.idf)
    engine = TwoLevels.of(whole, level, np.arange(organizations + 1, dtype=np.int64) * ITEMS_EACH)
    retriever, _ = bm25s_of(items)
    times = Times()
    exact = 0
    gc.disable()
    for number in range(-5, queries):
        terms = asked.text(number % queries)
        tokens = [str(term) for term in terms.tolist()]
        coverage, weights = wholes.coverage(terms), wholes.query(terms)
        if number == 0:
            times.by_name.clear()
        start = time.perf_counter()
        found = engine.best(whole.query(coverage), level.query(weights), TOP_K)
        times.add(OURS, time.perf_counter() - start)
        start = time.perf_counter()
        ask_bm25s(retriever, tokens)
        times.add("bm25s-numba, items alone", time.perf_counter() - start)
        scores = engine.scores(coverage, weights)
        best = np.lexsort((np.arange(organizations), -scores))[:TOP_K]
        exact += number >= 0 and found == [
            (int(place), float(scores[place])) for place in best if scores[place] > 0
        ]
    gc.enable()
    return {
        "size": organizations,
        "queries": queries,
        "exact": exact,
        "p50_ms": {name: times.percentile(name, 50) * 1e3 for name in times.by_name},
        "p95_ms": {name: times.percentile(name, 95) * 1e3 for name in times.by_name},
    }


def table(title: str, found: dict[str, Any]) -> list[str]:
    reference = found["p50_ms"][OURS]
    lines = [f"### {title}", "", "| | p50 ms | p95 ms | of ours |", "|---|---:|---:|---:|"]
    for name, median in found["p50_ms"].items():
        lines.append(f"| {name} | {median:.3f} | {found['p95_ms'][name]:.3f} | {median / reference:.1f} |")
    lines += ["", f"Exact in {found['exact']} of {found['queries']} queries."]
    if "threads" in found:
        builds = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in found["build_s"].items())
        lines.append(f"Two threads answer {found['threads']:.2f} times as much as one.  Building: {builds}.")
    return [*lines, ""]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", nargs="*", type=int, default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--organizations", type=int, default=100_000)
    parser.add_argument("--queries", type=int, default=200)
    arguments = parser.parse_args()
    machine = describe_machine()
    flat = []
    for size in arguments.sizes:
        # scikit-learn and tantivy are not asked about a million texts: they would take most of an hour to say what
        # the smaller sizes already do.
        flat.append(measure_flat(size, arguments.queries, with_peers=size <= 100_000))
        print("\n".join(table(f"{size:,} texts", flat[-1])), flush=True)
    two = measure_two_levels(arguments.organizations, arguments.queries) if arguments.organizations else None
    lines = [
        "# Latency of matching",
        "",
        f"{machine['date']}, {machine['processor']}, {machine['cores']} cores,",
    ]
    lines += [f"Python {machine['python']}.  The best {TOP_K} for a query of about {QUERY_LENGTH} terms.", ""]
    for found in flat:
        lines += table(f"Flat search of {found['size']:,} texts", found)
    if two is not None:
        lines += table(
            f"{two['size']:,} organizations with {ITEMS_EACH} evidence items each, both levels", two
        )
        print("\n".join(lines[-8:]))
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "match_latency.md").write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
    document = {"machine": machine, "flat": flat, "two_levels": two}
    (RESULTS / "match_latency.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
