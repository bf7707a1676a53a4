"""The measures, on rankings whose values are known, and tasks read from files."""

import gzip
import json
import math
from pathlib import Path

import pytest

from matching.evaluation import evaluate, measure, ndcg, read_task, recall, reciprocal_rank
from matching.reading import InputError


def task_directory(
    tmp_path: Path, qrels: str = "query_id\tdoc_id\trelevance\nq1\td1\t1\n", packed: bool = True
) -> Path:
    corpus = [
        {"id": "d1", "text": "高温合金叶片", "evidence": [{"text": "定向凝固"}]},
        {"id": "d2", "text": "电子商务平台"},
    ]
    lines = "\n".join(json.dumps(record, ensure_ascii=False) for record in corpus).encode()
    if packed:
        (tmp_path / "corpus.jsonl.gz").write_bytes(gzip.compress(lines))
    else:
        (tmp_path / "corpus.jsonl").write_bytes(lines)
    (tmp_path / "queries.jsonl").write_text(
        '{"id":"q1","text":"叶片定向凝固"}\n{"id":"q2","text":"平台"}\n', encoding="utf-8"
    )
    (tmp_path / "qrels.tsv").write_text(qrels, encoding="utf-8")
    return tmp_path


def test_ndcg_of_known_rankings() -> None:
    assert ndcg(["a", "b"], {"a": 1}) == 1.0
    assert ndcg(["b", "a"], {"a": 1}) == pytest.approx(1 / math.log2(3))
    assert ndcg(["c", "a", "b"], {"a": 2, "b": 1}) == pytest.approx(
        (3 / math.log2(3) + 1 / math.log2(4)) / (3 + 1 / math.log2(3))
    )


def test_ndcg_looks_ten_deep_and_no_deeper() -> None:
    others = [f"x{number}" for number in range(10)]
    assert ndcg([*others[:9], "a"], {"a": 1}) > 0
    assert ndcg([*others, "a"], {"a": 1}) == 0


def test_the_ideal_of_more_than_ten_relevant_documents_is_ten_of_them() -> None:
    relevance = {f"r{number}": 1 for number in range(20)}
    assert ndcg(list(relevance), relevance) == 1.0


def test_reciprocal_rank_and_recall() -> None:
    assert reciprocal_rank(["x", "a", "b"], {"a": 1, "b": 1}) == 0.5
    assert reciprocal_rank([*("x" * 10), "a"], {"a": 1}) == 0
    assert recall(["a", "x"], {"a": 1, "b": 1, "c": 0}) == 0.5


def test_queries_without_a_relevant_document_are_not_averaged_in(tmp_path: Path) -> None:
    task = read_task(task_directory(tmp_path))
    assert measure(task, lambda _: ["d1"]).queries == 1
    assert measure(task, lambda _: ["d1"]).ndcg_at_10 == 1.0


@pytest.mark.parametrize("packed", [True, False])
def test_the_products_ranker_is_measured_on_a_task(tmp_path: Path, packed: bool) -> None:
    measures = evaluate(read_task(task_directory(tmp_path, packed=packed)))
    assert (measures.ndcg_at_10, measures.mrr_at_10, measures.recall_at_100) == (1.0, 1.0, 1.0)


@pytest.mark.parametrize(
    ("qrels", "line", "field"),
    [
        ("query_id\tdoc_id\trelevance\nq1\td1\n", 2, ""),
        ("query_id\tdoc_id\trelevance\nq9\td1\t1\n", 2, "query_id"),
        ("query_id\tdoc_id\trelevance\nq1\td1\t1\nq1\td2\thigh\n", 3, "relevance"),
    ],
)
def test_malformed_judgements_are_refused_with_line_and_field(
    tmp_path: Path, qrels: str, line: int, field: str
) -> None:
    with pytest.raises(InputError) as refused:
        read_task(task_directory(tmp_path, qrels))
    assert (refused.value.line, refused.value.field) == (line, field)


def test_a_task_without_its_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_task(tmp_path)
