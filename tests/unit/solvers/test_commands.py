import argparse
from pathlib import Path

import pytest

from solvers.commands import add_commands


class Words:
    fingerprint = "words"

    def __call__(self, text: str, /) -> list[str]:
        return text.split()


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    add_commands(parser.add_subparsers(required=True), load_tokenizer=Words)
    options = parser.parse_args(arguments)
    return int(options.run(options))


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C.UTF-8")


def test_size_prints_the_class_first_and_then_the_rule(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("size", "--industry", "C3562", "--employees", "280", "--revenue", "1900") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "small"
    assert "industry: C3562 半导体器件专用设备制造" in lines
    assert "  medium: employees 280 < 300: not reached" in lines
    assert "  small: revenue (万元) 1900 ≥ 300: reached" in lines


def test_the_letter_may_be_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("size", "--industry", "7211", "--employees", "300", "--assets", "120000") == 0
    assert capsys.readouterr().out.startswith("large\n")


def test_an_industry_outside_the_table_is_an_answer_and_no_mistake(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run("size", "--industry", "J6621") == 0
    assert "no class" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--industry", "X1"], "--industry"),
        (["--industry", "K70", "--revenue", "1"], "--industry"),
        (["--industry", "C3562", "--employees", "280"], "--revenue"),
        (["--industry", "E4710", "--revenue", "1"], "--assets"),
    ],
)
def test_bad_input_has_status_2_and_names_the_option(
    capsys: pytest.CaptureFixture[str], arguments: list[str], named: str
) -> None:
    assert run("size", *arguments) == 2
    printed = capsys.readouterr()
    assert named in printed.err
    assert printed.out == ""


@pytest.mark.parametrize("value", ["-1", "NaN", "inf", "viel", "1e30", "12.5"])
def test_figures_that_are_none_are_refused_with_status_2(
    capsys: pytest.CaptureFixture[str], value: str
) -> None:
    with pytest.raises(SystemExit) as end:
        run("size", "--industry", "C3562", "--revenue", "1", f"--employees={value}")
    assert end.value.code == 2
    assert "--employees" in capsys.readouterr().err


def test_a_chinese_terminal_reads_chinese(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    run("size", "--industry", "C3562", "--employees", "280", "--revenue", "1900")
    assert "从业人员" in capsys.readouterr().out


def test_importing_a_file_that_cannot_be_read_has_status_2(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run("import-solvers", str(tmp_path / "absent.csv")) == 2
    assert "absent.csv" in capsys.readouterr().err
