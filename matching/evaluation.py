"""Measure a ranking against known answers.

A task is a directory with `corpus.jsonl[.gz]` (`id`, `text`, `evidence`), `queries.jsonl[.gz]` (`id`, `text`) and
`qrels.tsv` (`query_id doc_id relevance`, with a header line).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matching.documents import Document, Query
from matching.index import Index
from matching.ranking import order, score_all
from matching.reading import InputError, evidence_of, parse_object, read_lines, text_of

# The deepest of the measures looks this far.
DEPTH = 100


@dataclass(frozen=True, slots=True)
class Task:
    """Documents, questions, and which documents answer them: `relevance[query][document]`."""

    name: str
    documents: tuple[Document, ...]
    queries: Mapping[str, str]
    relevance: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Measures:
    """Means over the queries that have a relevant document; all in [0, 1]."""

    ndcg_at_10: float
    mrr_at_10: float
    recall_at_100: float
    queries: int


def ndcg(ranking: Sequence[str], relevance: Mapping[str, int], depth: int = 10) -> float:
    """Normalised discounted cumulative gain: Σ (2^rel − 1) / log₂(rank + 1), over the same sum of the ideal ranking.

    Järvelin & Kekäläinen 2002 in the form of Burges et al. 2005.

    >>> round(ndcg(["a", "b"], {"b": 1}), 4)
    0.6309
    """

    def gain(relevances: Sequence[int]) -> float:
        return math.fsum(
            (2.0**rel - 1.0) / math.log2(place + 2) for place, rel in enumerate(relevances[:depth])
        )

    ideal = gain(sorted(relevance.values(), reverse=True))
    return gain([relevance.get(document, 0) for document in ranking]) / ideal if ideal else 0.0


def reciprocal_rank(ranking: Sequence[str], relevance: Mapping[str, int], depth: int = 10) -> float:
    """1 / rank of the first relevant document, 0 when none is among the first `depth`."""
    for place, document in enumerate(ranking[:depth], start=1):
        if relevance.get(document, 0) > 0:
            return 1.0 / place
    return 0.0


def recall(ranking: Sequence[str], relevance: Mapping[str, int], depth: int = 100) -> float:
    """The share of the relevant documents that is among the first `depth`."""
    relevant = {document for document, rel in relevance.items() if rel > 0}
    return len(relevant.intersection(ranking[:depth])) / len(relevant) if relevant else 0.0


def measure(task: Task, ranker: Callable[[str], Sequence[str]]) -> Measures:
    """The measures of any ranker: a function from the text of a query to ids of documents, best first."""
    found: list[tuple[float, float, float]] = []
    for identifier, text in task.queries.items():
        relevance = task.relevance.get(identifier, {})
        if not any(rel > 0 for rel in relevance.values()):
            continue
        ranking = ranker(text)
        found.append(
            (ndcg(ranking, relevance), reciprocal_rank(ranking, relevance), recall(ranking, relevance))
        )
    if not found:
        return Measures(0.0, 0.0, 0.0, 0)
    means = [math.fsum(column) / len(found) for column in zip(*found, strict=True)]
    return Measures(*means, queries=len(found))


def evaluate(task: Task) -> Measures:
    """The measures of the product's own ranker."""
    index = Index.build(task.documents)

    def ranker(text: str) -> list[str]:
        scores = score_all(index, Query(text=text))
        return [index.documents[position].id for position in order(scores.total, index, DEPTH)]

    return measure(task, ranker)


def read_task(directory: Path) -> Task:
    """A task from its directory; raises InputError where a file is malformed, FileNotFoundError where one is missing."""
    corpus = _present(directory, "corpus.jsonl")
    documents: dict[str, Document] = {}
    for line, text in read_lines(corpus):
        record = parse_object(corpus, line, text)
        document = _document(corpus, line, record)
        if document.id in documents:
            raise InputError(str(corpus), line, "id", f"{document.id!r} is used twice")
        documents[document.id] = document
    path = _present(directory, "queries.jsonl")
    queries: dict[str, str] = {}
    for line, text in read_lines(path):
        record = parse_object(path, line, text)
        identifier = text_of(path, line, record, "id")
        if identifier in queries:
            raise InputError(str(path), line, "id", f"{identifier!r} is used twice")
        queries[identifier] = text_of(path, line, record, "text")
    return Task(
        directory.name, tuple(documents.values()), queries, _read_relevance(directory / "qrels.tsv", queries)
    )


def _document(path: Path, line: int, record: Mapping[str, Any]) -> Document:
    return Document(
        id=text_of(path, line, record, "id"),
        text=text_of(path, line, record, "text", default=""),
        evidence=evidence_of(path, line, record),
        name=text_of(path, line, record, "name", default=""),
    )


def _read_relevance(path: Path, queries: Mapping[str, str]) -> dict[str, dict[str, int]]:
    relevance: dict[str, dict[str, int]] = {}
    for line, text in read_lines(path):
        fields = text.rstrip("\r").split("\t")
        if len(fields) != 3:
            raise InputError(
                str(path), line, "", f"{len(fields)} columns where 3 are wanted, separated by tabs"
            )
        if line == 1 and fields[2].strip() == "relevance":
            continue
        query, document, degree = fields
        if query not in queries:
            raise InputError(str(path), line, "query_id", f"there is no query {query!r}")
        try:
            relevance.setdefault(query, {})[document] = int(degree)
        except ValueError as error:
            raise InputError(
                str(path), line, "relevance", f"must be a whole number, not {degree!r}"
            ) from error
    return relevance


def _present(directory: Path, name: str) -> Path:
    packed = directory / f"{name}.gz"
    return packed if packed.exists() else directory / name
