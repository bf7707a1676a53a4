import argparse
import json
from typing import Any

import pytest

from matching.decisions_commands import add_commands
from matching.problem_file import ProblemError, parse_problem

PROBLEM: dict[str, Any] = {
    "requirements": [
        {"id": "a", "weight": 0.5, "budget_wan": 60},
        {"id": "b", "weight": 0.5, "budget_wan": 40},
    ],
    "candidates": [
        {
            "id": "large",
            "kind": "enterprise",
            "size": "large",
            "controlled_by": [],
            "scores": {"a": 0.9, "b": 0.8},
        },
        {"id": "sme", "kind": "enterprise", "size": "medium", "controlled_by": [], "scores": {"b": 0.7}},
        {
            "id": "child",
            "kind": "enterprise",
            "size": "small",
            "controlled_by": [{"id": "large", "size": "large"}],
            "scores": {"b": 0.75},
        },
    ],
    "rule": {"min_sme_budget_share": 0.4},
    "lead": None,
    "force": [],
    "exclude": [],
    "forbid": [],
}
PROGRAM: dict[str, Any] = {
    "scores": [[0.9, 0.5], [0.8, 0.1]],
    "demands": [1, 1],
    "minimums": [0, 0],
    "maximums": [1, 1],
    "constraints": [[0, 0], [0, 0]],
    "groups": [],
}


@pytest.fixture
def command(tmp_path, capsys):
    def run(name: str, problem: Any, *options: str):
        path = tmp_path / "problem.json"
        path.write_text(problem if isinstance(problem, str) else json.dumps(problem), "utf-8")
        parser = argparse.ArgumentParser()
        add_commands(parser.add_subparsers())
        args = parser.parse_args([name, str(path), *options])
        status = args.run(args)
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


def test_a_consortium_is_printed_as_json_with_its_quota_and_price(command):
    status, out, _ = command("consortium", PROBLEM, "--json")
    answer = json.loads(out)
    assert status == 0
    assert (answer["status"], answer["objective"], answer["lead"]) == ("optimal", 0.8, "large")
    assert abs(answer["bound"] - answer["objective"]) < 1e-7
    assert [
        (item["id"], item["requirements"], item["budget_wan"], item["counted_sme"])
        for item in answer["members"]
    ] == [
        ("large", ["a"], 60.0, False),
        ("sme", ["b"], 40.0, True),
    ]
    part = answer["quota"]["min_sme_budget_share"]
    assert (part["value"], part["threshold"], part["holds"]) == (0.4, 0.4, True)
    assert answer["price_of_quota"] == 0.05
    assert answer["alternatives"] == []
    assert (answer["conflict"], answer["nearest"]) == ([], {})


def test_an_impossible_consortium_is_explained_and_exits_with_success(command):
    status, out, _ = command("consortium", PROBLEM | {"rule": {"min_sme_budget_share": 0.5}}, "--json")
    answer = json.loads(out)
    assert status == 0
    assert answer["status"] == "infeasible"
    assert [item["constraint"] for item in answer["conflict"]] == ["min_sme_budget_share"]
    assert answer["nearest"] == {"min_sme_budget_share": 0.4}
    assert answer["objective"] is None


def test_as_many_alternatives_are_printed_as_were_asked_for(command):
    problem = PROBLEM | {"rule": {}}
    for asked in (0, 1, 2):
        status, out, _ = command("consortium", problem, "--json", "--alternatives", str(asked))
        assert status == 0
        assert len(json.loads(out)["alternatives"]) == asked


def test_people_read_the_certificate_the_members_and_the_reasons(command):
    _, out, _ = command("consortium", PROBLEM)
    assert "no consortium within the constraints scores higher; proven" in out
    assert "lead    large  60.00 万元  not counted (large)  a" in out
    assert "min_sme_budget_share: 0.4 against 0.4: holds" in out
    assert "up to 40.00%: 0.800000" in out
    _, out, _ = command("consortium", PROBLEM | {"rule": {"min_sme_budget_share": 0.5}})
    assert "SMEs hold at least 50% of the budget" in out
    assert "min_sme_budget_share: possible at 0.4" in out


def test_a_time_limit_that_does_not_suffice_claims_nothing(command):
    status, out, _ = command("consortium", PROBLEM, "--json", "--time-limit", "1e-9")
    assert status == 0
    assert json.loads(out)["status"] == "unknown"
    _, out, _ = command("consortium", PROBLEM, "--time-limit", "1e-9")
    assert "is not proven" in out


def changed(place: str, value: Any) -> Any:
    document = json.loads(json.dumps(PROBLEM))
    spot = document
    *parents, last = [int(step) if step.isdigit() else step for step in place.split(".")]
    for step in parents:
        spot = spot[step]
    if value is KeyError:
        del spot[last]
    else:
        spot[last] = value
    return document


@pytest.mark.parametrize(
    ("place", "value", "field"),
    [
        ("requirements", KeyError, "requirements"),
        ("requirements", [], "requirements"),
        ("requirements.0.weight", 0.9, "requirements"),
        ("requirements.0.weight", "0.5", "requirements[0].weight"),
        ("requirements.1.budget_wan", -1, "requirements[1].budget_wan"),
        ("requirements.1.budget_wan", 0.001, "requirements[1].budget_wan"),
        ("requirements.1.budget_wan", KeyError, "requirements[1].budget_wan"),
        ("requirements.1.id", "a", "requirements[1].id"),
        ("candidates.0.kind", "company", "candidates[0].kind"),
        ("candidates.0.size", "huge", "candidates[0].size"),
        ("candidates.1.id", "large", "candidates[1].id"),
        ("candidates.0.scores.a", 1.5, "candidates[0].scores.a"),
        ("candidates.0.scores.z", 0.5, "candidates[0].scores.z"),
        ("candidates.0.scores.a", True, "candidates[0].scores.a"),
        ("candidates.2.controlled_by.0.id", KeyError, "candidates[2].controlled_by[0].id"),
        ("candidates.2.controlled_by", ["large"], "candidates[2].controlled_by[0]"),
        ("rule.min_sme_budget_share", 1.2, "rule.min_sme_budget_share"),
        ("rule.min_sme_share", 0.2, "rule.min_sme_share"),
        ("rule.max_members", 0, "rule.max_members"),
        ("rule.applies_to", "most", "rule.applies_to"),
        ("lead", "nobody", "lead"),
        ("force", ["nobody"], "force"),
        ("exclude", "sme", "exclude"),
        ("forbid", [["sme"]], "forbid[0]"),
        ("forbid", [["sme", "sme"]], "forbid[0]"),
        ("forbidden", [], "forbidden"),
        # 0 and false are not nothing.
        ("force", False, "force"),
        ("exclude", 0, "exclude"),
        ("forbid", False, "forbid"),
        ("candidates.0.scores", 0, "candidates[0].scores"),
        ("candidates.0.controlled_by", False, "candidates[0].controlled_by"),
        ("candidates.0.scores.a", float("nan"), "candidates[0].scores.a"),
        ("requirements.1.budget_wan", float("inf"), "requirements[1].budget_wan"),
    ],
)
def test_a_malformed_consortium_exits_with_2_and_names_file_and_field(command, place, value, field):
    status, out, err = command("consortium", changed(place, value))
    assert status == 2
    assert not out
    assert f"problem.json: {field}: " in err


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"requirements": NaN}', '{"lead": null, "lead": null}', "[" * 100_000]
)
def test_what_is_no_problem_at_all_exits_with_2(command, text):
    for name in ("consortium", "allocate"):
        status, out, err = command(name, text)
        assert status == 2
        assert not out
        assert "problem.json: " in err


def test_a_missing_file_exits_with_2(capsys):
    parser = argparse.ArgumentParser()
    add_commands(parser.add_subparsers())
    args = parser.parse_args(["consortium", "nowhere/problem.json"])
    assert args.run(args) == 2
    assert "problem.json: cannot be read" in capsys.readouterr().err


def test_a_program_is_allocated_and_printed(command):
    status, out, _ = command("allocate", PROGRAM, "--json")
    answer = json.loads(out)
    assert status == 0
    assert (answer["status"], answer["objective"], answer["assignment"]) == ("optimal", 1.3, [[1], [0]])
    assert abs(answer["bound"] - 1.3) < 1e-6
    _, out, _ = command("allocate", PROGRAM)
    assert "challenge 0: 1" in out


def test_an_impossible_program_names_what_conflicts(command):
    status, out, _ = command("allocate", PROGRAM | {"constraints": [[-1, -1], [0, 0]]}, "--json")
    answer = json.loads(out)
    assert status == 0
    assert answer["status"] == "infeasible"
    assert {item["constraint"] for item in answer["conflict"]} == {"demand", "forbidden"}
    _, out, _ = command("allocate", PROGRAM | {"constraints": [[-1, -1], [0, 0]]})
    assert "challenge 0 needs exactly 1 solvers" in out


def test_a_malformed_program_exits_with_2_and_names_file_and_field(command):
    status, _, err = command("allocate", PROGRAM | {"demands": [1]})
    assert status == 2
    assert "problem.json: demands: " in err


@pytest.mark.parametrize("name", ["NaN", "Infinity", "-Infinity"])
def test_no_number_in_a_program_is_named_by_its_place(command, name):
    status, _, err = command("allocate", json.dumps(PROGRAM).replace("0.", f"{name}, 0.", 1))
    assert status == 2
    assert f"problem.json: scores[0][0]: holds {name}" in err


@pytest.mark.parametrize("number", ["1e99999999999999999999", "-1e-99999999999999999999", "9" * 5000])
def test_a_number_beyond_everything_is_named_by_its_place(number):
    with pytest.raises(ProblemError, match=r"^scores\[0\]\[1\]: holds .* beyond any"):
        parse_problem(f'{{"scores": [[0.5, {number}]]}}')


def test_options_that_cannot_be_are_refused(command):
    for options in (
        ["--alternatives", "-1"],
        ["--alternatives", "51"],
        ["--time-limit", "0"],
        ["--time-limit", "nan"],
    ):
        with pytest.raises(SystemExit) as caught:
            command("consortium", PROBLEM, *options)
        assert caught.value.code == 2
