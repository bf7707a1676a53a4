"""Measure the ranking on tasks with known answers, part by part, beside BM25.

Each variant leaves out or exchanges one part of the formula, so the table shows what every part earns.

    python benchmarks/ranking_quality.py TASK_DIR [TASK_DIR …]
"""

from __future__ import annotations

import argparse
import json
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import bm25s  # pyright: ignore[reportMissingImports] -- a dependency of the benchmarks alone
import numpy as np

from benchmarks.machine import describe_machine
from matching.documents import Document, Query, QueryPart
from matching.evaluation import DEPTH, Measures, Task, measure, read_task
from matching.index import DocumentTokens, Floats, Index
from matching.ranking import BEST_ITEMS, order, score_all
from matching.tokenizer import Tokenizer, default_tokenizer

RESULTS = Path(__file__).parent / "results"
PRODUCT = "the product"
Ranker = Callable[[str], list[str]]
# Full stops, question and exclamation marks and semicolons end what could be a requirement of its own.
SENTENCE_END = re.compile(r"[。！？；!?;]")


class Texts:
    """The tokens of a task by a way of splitting, computed once for all variants that share it."""

    def __init__(self, task: Task, split: Callable[[str], list[str]]) -> None:
        self.task = task
        self.split = split
        self.profile = [split(document.text) for document in task.documents]
        self.items = [[split(item.whole) for item in document.evidence] for document in task.documents]
        quoted = [[item.text in document.text for item in document.evidence] for document in task.documents]
        self.whole = [
            [
                *profile,
                *(
                    token
                    for item, is_quoted in zip(items, has, strict=True)
                    if not is_quoted
                    for token in item
                ),
            ]
            for profile, items, has in zip(self.profile, self.items, quoted, strict=True)
        ]
        self.queries = {text: split(text) for text in task.queries.values()}

    def index(self, wholes: Sequence[list[str]] | None = None) -> Index:
        tokens = [
            DocumentTokens(tuple(whole), tuple(map(tuple, items)) or (tuple(whole),))
            for whole, items in zip(wholes or self.whole, self.items, strict=True)
        ]
        return Index.build(self.task.documents, tokens)

    def item_index(self) -> Index:
        """Every evidence item as a document of its own: what an inverse document frequency over items would be."""
        items = [
            tuple(item)
            for whole, items in zip(self.whole, self.items, strict=True)
            for item in items or [whole]
        ]
        return Index.build(
            [Document(id=str(place)) for place in range(len(items))],
            [DocumentTokens(item, (item,)) for item in items],
        )


def best_items_mean(index: Index, cosines: Floats, best: int) -> Floats:
    """⅟best · Σ of the best cosines of each document, written plainly: the measure of the product's own code too."""
    found = np.zeros(len(index.documents))
    for place in range(len(index.documents)):
        mine = cosines[index.item_starts[place] : index.item_starts[place + 1]]
        found[place] = np.sort(mine)[::-1][:best].sum() / best
    return found


def names(index: Index, scores: Floats) -> list[str]:
    return [index.documents[position].id for position in order(scores, index, DEPTH)]


def bm25_ranker(task: Task, documents: Sequence[list[str]], queries: dict[str, list[str]]) -> Ranker:
    """BM25 as bm25s computes it, with its defaults (k1 = 1.5, b = 0.75)."""
    retriever = bm25s.BM25()
    retriever.index([list(tokens) or [""] for tokens in documents], show_progress=False)

    def ranker(text: str) -> list[str]:
        scores = np.asarray(retriever.get_scores(queries[text]))
        best = np.argsort(-scores, kind="stable")[:DEPTH]
        return [task.documents[place].id for place in best if scores[place] > 0]

    return ranker


def formula_ranker(
    texts: Texts,
    *,
    whole_share: float = 0.5,
    best: int = BEST_ITEMS,
    idf_power: int = 2,
    profile_only: bool = False,
    cosine_whole: bool = False,
    idf_of_items: bool = False,
) -> Ranker:
    index = texts.index(texts.profile if profile_only else None)
    separate = texts.item_index() if idf_of_items else None
    whole_as_item = (
        Index.build(
            [Document(id=str(place)) for place in range(len(texts.whole))],
            [DocumentTokens(tuple(whole), (tuple(whole),)) for whole in texts.whole],
        )
        if cosine_whole
        else None
    )

    def ranker(text: str) -> list[str]:
        counts = index.count_known(texts.queries[text])
        powers = {term: float(index.idf[term]) ** idf_power for term in counts}
        total = sum(powers.values())
        whole = index.whole.products({term: power / total for term, power in powers.items()})
        if whole_as_item is not None:
            whole = whole_as_item.items.products(
                whole_as_item.tfidf(whole_as_item.count_known(texts.queries[text]))
            )
        if separate is not None:
            cosines = separate.items.products(separate.tfidf(separate.count_known(texts.queries[text])))
        else:
            cosines = index.items.products(index.tfidf(counts))
        return names(index, whole_share * whole + (1 - whole_share) * best_items_mean(index, cosines, best))

    return ranker


def product_ranker(index: Index) -> Ranker:
    return lambda text: names(index, score_all(index, Query(text)).total)


def sentences_ranker(index: Index, *, whole: bool) -> Ranker:
    """The sentences of a query as its requirements: the whole and its parts, or its parts alone."""

    def ranker(text: str) -> list[str]:
        sentences = [sentence for sentence in SENTENCE_END.split(text) if sentence.strip()]
        parts = tuple(QueryPart(str(number), sentence) for number, sentence in enumerate(sentences))
        return names(index, score_all(index, Query(text if whole else "", parts)).total)

    return ranker


def pairs_only(tokenizer: Tokenizer) -> Callable[[str], list[str]]:
    """Terms less the words of Chinese characters; names stay, as they have no pairs."""

    def split(text: str) -> list[str]:
        words = tokenizer.tokenize(text)
        terms = tokenizer.terms(text)
        for word in words:
            if not word.isascii() and word.isalpha():
                terms.remove(word)
        return terms

    return split


def variants(task: Task) -> dict[str, Ranker]:
    tokenizer = default_tokenizer()
    words = Texts(task, tokenizer.tokenize)
    pairs = Texts(task, pairs_only(tokenizer))
    terms = Texts(task, tokenizer.terms)
    index = terms.index()
    return {
        "BM25 (bm25s), words, profile text": bm25_ranker(task, words.profile, words.queries),
        "BM25 (bm25s), words and pairs, profile text": bm25_ranker(task, terms.profile, terms.queries),
        "BM25 (bm25s), words, profile text and evidence": bm25_ranker(task, words.whole, words.queries),
        "BM25 (bm25s), words and pairs, profile text and evidence": bm25_ranker(
            task, terms.whole, terms.queries
        ),
        "TF-IDF cosine, words, profile text and evidence": formula_ranker(
            words, whole_share=1, cosine_whole=True
        ),
        PRODUCT: product_ranker(index),
        "– words only": formula_ranker(words),
        "– pairs of characters only": formula_ranker(pairs),
        "– whole level only": formula_ranker(terms, whole_share=1),
        "– item level only": formula_ranker(terms, whole_share=0),
        "– whole level without the evidence": formula_ranker(terms, profile_only=True),
        "– whole level by cosine": formula_ranker(terms, cosine_whole=True),
        "– whole level with idf instead of idf²": formula_ranker(terms, idf_power=1),
        "– idf of items at the item level": formula_ranker(terms, idf_of_items=True),
        "– best 1 item": formula_ranker(terms, best=1),
        "– best 5 items": formula_ranker(terms, best=5),
        "– best 10 items": formula_ranker(terms, best=10),
        "with the sentences of the query as its requirements": sentences_ranker(index, whole=True),
        "with the sentences alone": sentences_ranker(index, whole=False),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("tasks", nargs="+", type=Path, metavar="TASK_DIR")
    arguments = parser.parse_args()
    measured: dict[str, dict[str, Measures]] = {}
    for directory in arguments.tasks:
        task = read_task(directory)
        for name, ranker in variants(task).items():
            start = time.perf_counter()
            measured.setdefault(name, {})[task.name] = measure(task, ranker)
            found = measured[name][task.name]
            print(
                f"{task.name}: {name}: {found.ndcg_at_10:.4f} ({time.perf_counter() - start:.1f} s)",
                flush=True,
            )
    write_report(measured)


def write_report(measured: dict[str, dict[str, Measures]]) -> None:
    tasks = list(next(iter(measured.values())))
    machine = describe_machine()
    lines = [
        "# Ranking quality",
        "",
        f"{machine['date']}, {machine['processor']}, Python {machine['python']}.  `–` marks the product with one part",
        "of its formula exchanged or left out.",
        "",
        "| variant | " + " | ".join(f"{task} nDCG@10 | MRR@10 | recall@100" for task in tasks) + " |",
        "|---|" + "---:|" * (3 * len(tasks)),
    ]
    for name, by_task in measured.items():
        cells = [
            f"{found.ndcg_at_10:.4f} | {found.mrr_at_10:.4f} | {found.recall_at_100:.4f}"
            for found in (by_task[task] for task in tasks)
        ]
        lines.append(f"| {f'**{name}**' if name == PRODUCT else name} | " + " | ".join(cells) + " |")
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "ranking_quality.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    document = {
        "machine": machine,
        "variants": {
            name: {
                task: {
                    "ndcg_at_10": found.ndcg_at_10,
                    "mrr_at_10": found.mrr_at_10,
                    "recall_at_100": found.recall_at_100,
                    "queries": found.queries,
                }
                for task, found in by_task.items()
            }
            for name, by_task in measured.items()
        },
    }
    (RESULTS / "ranking_quality.json").write_text(
        json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
    )


if __name__ == "__main__":
    main()
