"""Malformed input is refused with its file, line and field; well-formed input is read as it stands."""

import gzip
import json
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from matching.reading import InputError, read_challenge, read_solvers

SOLVER: dict[str, Any] = {
    "id": "s1",
    "name": "沈阳精铸",
    "kind": "enterprise",
    "size": "small",
    "region": "辽宁省",
    "controlled_by": ["big"],
    "text": "精密铸造",
    "evidence": [{"title": "单晶", "text": "定向凝固"}],
}
CHALLENGE: dict[str, Any] = {
    "id": "c1",
    "title": "单晶叶片",
    "text": "需要定向凝固",
    "requirements": [
        {"id": "r1", "text": "型壳温度", "weight": 0.5, "budget_wan": 300.25},
        {"id": "r2", "text": "涂层", "weight": 0.25, "budget_wan": 100},
    ],
    "quota": {"min_sme_budget_share": 0.3, "min_small_micro_share_of_sme": 0.6, "max_members": 5},
}


def solvers_file(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "solvers.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def challenge_file(tmp_path: Path, challenge: object) -> Path:
    path = tmp_path / "challenge.json"
    path.write_text(json.dumps(challenge, ensure_ascii=False, indent=1), encoding="utf-8")
    return path


def changed(record: dict[str, Any], **changes: Any) -> str:
    return json.dumps(record | changes, ensure_ascii=False)


def without(record: dict[str, Any], name: str) -> str:
    return json.dumps({key: value for key, value in record.items() if key != name}, ensure_ascii=False)


def test_a_solver_is_read_with_everything_it_says(tmp_path: Path) -> None:
    (solver,) = read_solvers(solvers_file(tmp_path, changed(SOLVER)))
    assert (solver.id, solver.name, solver.kind, solver.size) == ("s1", "沈阳精铸", "enterprise", "small")
    assert solver.controlled_by == ("big",)
    assert solver.evidence[0].title == "单晶"


@pytest.mark.parametrize("name", ["text", "evidence", "controlled_by", "region", "size"])
def test_what_may_be_missing_may_be_missing_or_null(tmp_path: Path, name: str) -> None:
    assert len(read_solvers(solvers_file(tmp_path, without(SOLVER, name)))) == 1
    assert len(read_solvers(solvers_file(tmp_path, changed(SOLVER, **{name: None})))) == 1


@pytest.mark.parametrize("name", ["id", "name", "kind"])
def test_what_must_be_there_is_missed_by_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError) as refused:
        read_solvers(solvers_file(tmp_path, changed(SOLVER, id="other"), without(SOLVER, name)))
    assert (refused.value.line, refused.value.field) == (2, name)
    assert refused.value.file.endswith("solvers.jsonl")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"id": 7}, "id"),
        ({"id": " "}, "id"),
        ({"kind": "person"}, "kind"),
        ({"size": "huge"}, "size"),
        ({"text": ["a"]}, "text"),
        ({"evidence": {"title": "x"}}, "evidence"),
        ({"evidence": ["x"]}, "evidence[0]"),
        ({"evidence": [{"title": "x"}, {"text": 1}]}, "evidence[1].text"),
        ({"controlled_by": "big"}, "controlled_by"),
        ({"controlled_by": [1]}, "controlled_by[0]"),
    ],
)
def test_a_wrong_value_is_refused_by_its_field(tmp_path: Path, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InputError) as refused:
        read_solvers(solvers_file(tmp_path, changed(SOLVER, **changes)))
    assert (refused.value.line, refused.value.field) == (1, field)


def test_a_university_has_no_size_whatever_the_file_says(tmp_path: Path) -> None:
    (solver,) = read_solvers(solvers_file(tmp_path, changed(SOLVER, kind="university", size="small")))
    assert solver.size is None


def test_an_id_used_twice_is_refused_on_the_second_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="already used on line 1") as refused:
        read_solvers(solvers_file(tmp_path, changed(SOLVER), "", changed(SOLVER)))
    assert refused.value.line == 3


@pytest.mark.parametrize(
    "line",
    ["{", "[]", "null", '"x"', '{"id": NaN}', '{"id":"a","id":"b"}', '{"id": "\\ud800"}', "[" * 100_000],
)
def test_what_is_no_object_is_refused(tmp_path: Path, line: str) -> None:
    with pytest.raises(InputError) as refused:
        read_solvers(solvers_file(tmp_path, line))
    assert refused.value.line == 1


def test_bytes_that_are_not_utf_8_are_refused_on_their_line(tmp_path: Path) -> None:
    path = tmp_path / "solvers.jsonl"
    path.write_bytes(changed(SOLVER).encode() + b"\n" + '{"id":"沈"}'.encode("gbk"))
    with pytest.raises(InputError, match="UTF-8") as refused:
        read_solvers(path)
    assert refused.value.line == 2


def test_a_line_separator_inside_a_string_does_not_end_the_line(tmp_path: Path) -> None:
    (solver,) = read_solvers(solvers_file(tmp_path, changed(SOLVER, text="铸造\u2028焊接")))
    assert solver.text == "铸造\u2028焊接"


def test_a_byte_order_mark_and_gzip_are_read(tmp_path: Path) -> None:
    path = tmp_path / "solvers.jsonl.gz"
    path.write_bytes(gzip.compress(b"\xef\xbb\xbf" + changed(SOLVER).encode()))
    assert read_solvers(path)[0].id == "s1"


def test_a_challenge_is_read_with_exact_money_and_rule(tmp_path: Path) -> None:
    challenge = read_challenge(challenge_file(tmp_path, CHALLENGE))
    assert [part.budget_wan for part in challenge.requirements] == [Decimal("300.25"), Decimal(100)]
    assert challenge.quota.min_sme_budget_share == Fraction(3, 10)
    assert challenge.quota.max_members == 5


def test_weights_that_are_not_given_are_equal(tmp_path: Path) -> None:
    parts = [{"id": "r1", "text": "a"}, {"id": "r2", "text": "b"}]
    challenge = read_challenge(challenge_file(tmp_path, CHALLENGE | {"requirements": parts}))
    assert {part.weight for part in challenge.requirements} == {Decimal(1)}


def requirement(**changes: Any) -> dict[str, Any]:
    return CHALLENGE | {
        "requirements": [CHALLENGE["requirements"][0], CHALLENGE["requirements"][1] | changes]
    }


@pytest.mark.parametrize(
    ("challenge", "field"),
    [
        (requirement(weight=-1), "requirements[1].weight"),
        (requirement(weight="1"), "requirements[1].weight"),
        (requirement(weight=True), "requirements[1].weight"),
        (requirement(budget_wan=-0.01), "requirements[1].budget_wan"),
        (requirement(budget_wan=0.001), "requirements[1].budget_wan"),
        (requirement(budget_wan=1e300), "requirements[1].budget_wan"),
        (requirement(id="r1"), "requirements[1].id"),
        (requirement(text=None), "requirements[1].text"),
        (CHALLENGE | {"requirements": {}}, "requirements"),
        (CHALLENGE | {"requirements": [{"id": "r", "text": "a", "weight": 0}]}, "requirements"),
        (CHALLENGE | {"quota": {"min_sme_budget_share": 1.5}}, "quota.min_sme_budget_share"),
        (CHALLENGE | {"quota": {"max_members": 0}}, "quota.max_members"),
        (CHALLENGE | {"quota": {"min_sme_share": 0.3}}, "quota.min_sme_share"),
        (CHALLENGE | {"id": ""}, "id"),
    ],
)
def test_a_wrong_challenge_is_refused_by_field_and_line(tmp_path: Path, challenge: Any, field: str) -> None:
    path = challenge_file(tmp_path, challenge)
    with pytest.raises(InputError) as refused:
        read_challenge(path)
    assert refused.value.field == field
    last = field.rsplit(".", 1)[-1].split("[")[0]
    assert f'"{last}"' in path.read_text(encoding="utf-8").split("\n")[refused.value.line - 1]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999999999"])
def test_a_weight_that_is_no_finite_number_is_refused(tmp_path: Path, number: str) -> None:
    path = tmp_path / "challenge.json"
    path.write_text(
        '{"id":"c","requirements":[{"id":"r","text":"t","weight":NUMBER}]}'.replace("NUMBER", number),
        encoding="utf-8",
    )
    with pytest.raises(InputError):
        read_challenge(path)
