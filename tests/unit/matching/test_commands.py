"""`match` and `evaluate` on files, as people call them."""

import argparse
import json
import math
from pathlib import Path
from typing import Any

import pytest

from matching.columns import in_columns, width_in_columns
from matching.commands import add_commands

SOLVERS: list[dict[str, Any]] = [
    {
        "id": "big",
        "name": "沈阳重机集团",
        "kind": "enterprise",
        "size": "large",
        "region": "辽宁省",
        "controlled_by": [],
        "text": "单晶叶片定向凝固与热障涂层",
    },
    {
        "id": "small",
        "name": "精铸科技",
        "kind": "enterprise",
        "size": "small",
        "region": "辽宁省",
        "controlled_by": [],
        "text": "热障涂层喷涂",
        "evidence": [{"title": "喷涂", "text": "等离子喷涂热障涂层"}],
    },
    {
        "id": "uni",
        "name": "江南大学",
        "kind": "university",
        "size": None,
        "region": "江苏省",
        "controlled_by": [],
        "text": "高温合金疲劳",
    },
    {
        "id": "shop",
        "name": "蓝海软件",
        "kind": "enterprise",
        "size": "micro",
        "region": "浙江省",
        "controlled_by": [],
        "text": "电子商务平台",
    },
]
CHALLENGE: dict[str, Any] = {
    "id": "c1",
    "title": "单晶叶片",
    "text": "需要单晶叶片定向凝固与热障涂层",
    "requirements": [
        {"id": "r1", "text": "单晶叶片定向凝固", "weight": 0.6, "budget_wan": 600},
        {"id": "r2", "text": "热障涂层喷涂", "weight": 0.4, "budget_wan": 400},
    ],
    "quota": {"min_sme_budget_share": 0.3, "min_small_micro_share_of_sme": 0.6, "max_members": 5},
}


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    add_commands(parser.add_subparsers(required=True))
    parsed = parser.parse_args(arguments)
    status: int = parsed.run(parsed)
    return status


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    solvers = tmp_path / "solvers.jsonl"
    solvers.write_text("\n".join(json.dumps(each, ensure_ascii=False) for each in SOLVERS), encoding="utf-8")
    challenge = tmp_path / "challenge.json"
    challenge.write_text(json.dumps(CHALLENGE, ensure_ascii=False), encoding="utf-8")
    return str(solvers), str(challenge)


def test_match_prints_ranking_shortlist_and_consortium(
    files: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("match", "--solvers", files[0], "--challenge", files[1], "--json") == 0
    printed = json.loads(capsys.readouterr().out)
    ranking = printed["ranking"]
    assert ranking[0]["id"] == "big"
    assert "shop" not in [candidate["id"] for candidate in ranking]
    for candidate in ranking:
        assert math.fsum(part for _, part in candidate["terms"]) == pytest.approx(
            candidate["score"], abs=1e-9
        )
        assert set(candidate["requirements"]) == {"r1", "r2"}
    assert printed["shortlist"] == [candidate["id"] for candidate in ranking]
    consortium = printed["consortium"]
    assert consortium["lead"] in {member["id"] for member in consortium["members"]}
    assigned = [part for member in consortium["members"] for part in member["requirements"]]
    assert sorted(assigned) == ["r1", "r2"]
    assert sum(member["budget_wan"] for member in consortium["members"]) == 1000
    assert consortium["quota"]["min_sme_budget_share"]["holds"] is True


def test_match_lists_no_more_than_it_was_asked_for(
    files: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("match", "--solvers", files[0], "--challenge", files[1], "--top", "1", "--json") == 0
    assert len(json.loads(capsys.readouterr().out)["ranking"]) == 1


def test_match_is_readable_without_json(files: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run("match", "--solvers", files[0], "--challenge", files[1]) == 0
    printed = capsys.readouterr().out
    assert "沈阳重机集团" in printed
    assert "min_sme_budget_share" in printed


def test_a_share_of_sme_members_is_kept_by_every_first_part_of_the_shortlist(
    files: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ruled = tmp_path / "ruled.json"
    ruled.write_text(
        json.dumps(CHALLENGE | {"quota": {"min_sme_member_share": 1}}, ensure_ascii=False), encoding="utf-8"
    )
    assert run("match", "--solvers", files[0], "--challenge", str(ruled), "--json") == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["ranking"][0]["id"] == "big"
    assert printed["shortlist"][0] == "small"
    assert set(printed["shortlist"]) == {candidate["id"] for candidate in printed["ranking"]}


def test_an_impossible_quota_is_said_to_be_one(
    files: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    impossible = tmp_path / "impossible.json"
    rule = {"min_sme_members": 9, "applies_to": "all"}
    impossible.write_text(json.dumps(CHALLENGE | {"quota": rule}, ensure_ascii=False), encoding="utf-8")
    assert run("match", "--solvers", files[0], "--challenge", str(impossible), "--json") == 0
    consortium = json.loads(capsys.readouterr().out)["consortium"]
    assert consortium["status"] == "infeasible"
    assert consortium["lead"] is None
    assert consortium["conflict"]
    assert run("match", "--solvers", files[0], "--challenge", str(impossible)) == 0
    assert "No consortium" in capsys.readouterr().out


def test_malformed_input_has_status_2_and_names_file_line_and_field(
    files: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken.jsonl"
    broken.write_text(
        json.dumps(SOLVERS[0]) + "\n" + json.dumps(SOLVERS[1] | {"size": "huge"}), encoding="utf-8"
    )
    assert run("match", "--solvers", str(broken), "--challenge", files[1]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert f"{broken}:2: size" in printed.err


def test_a_file_that_is_not_there_has_status_2(
    files: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("match", "--solvers", "nowhere.jsonl", "--challenge", files[1]) == 2
    assert "nowhere.jsonl" in capsys.readouterr().err


def test_evaluate_prints_the_measures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "corpus.jsonl").write_text(
        '{"id":"d1","text":"热障涂层"}\n{"id":"d2","text":"电子商务"}', encoding="utf-8"
    )
    (tmp_path / "queries.jsonl").write_text('{"id":"q1","text":"涂层"}', encoding="utf-8")
    (tmp_path / "qrels.tsv").write_text("query_id\tdoc_id\trelevance\nq1\td1\t1\n", encoding="utf-8")
    assert run("evaluate", str(tmp_path), "--json") == 0
    printed = json.loads(capsys.readouterr().out)
    assert (printed["ndcg_at_10"], printed["mrr_at_10"], printed["recall_at_100"]) == (1.0, 1.0, 1.0)
    assert run("evaluate", str(tmp_path)) == 0
    assert "nDCG@10     1.0000" in capsys.readouterr().out
    assert run("evaluate", str(tmp_path / "nowhere")) == 2


def test_columns_line_up_though_chinese_is_wide() -> None:
    lines = in_columns([["沈阳", "1"], ["abc", "20"]], right=frozenset({1})).split("\n")
    assert lines == ["沈阳   1", "abc   20"]
    assert len({width_in_columns(line) for line in lines}) == 1
