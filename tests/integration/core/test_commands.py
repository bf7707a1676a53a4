"""The console commands as a person runs them."""

import argparse
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from core.postgres import database_server
from core.settings import Settings
from tests.conftest import BrowserOf, data_directory
from tests.demo_process import ROOT, environment, free_port, traces
from tests.factories import Factory
from web.cli import _parser, main


def subcommands() -> list[str]:
    for action in _parser()._actions:
        if isinstance(action, argparse._SubParsersAction):
            return sorted(action.choices)
    raise AssertionError("no subcommands")


@pytest.fixture
def directory() -> Iterator[Path]:
    with data_directory() as directory:
        yield directory


def run(
    directory: Path, *arguments: str, text: str = "", **variables: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "web.cli", *arguments],
        cwd=ROOT,
        env={**environment(directory, free_port()), **variables},
        input=text,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_every_command_of_the_issue_exists() -> None:
    wanted = {
        "demo",
        "serve",
        "worker",
        "migrate",
        "create-admin",
        "import-solvers",
        "match",
        "size",
        "evaluate",
    }
    assert wanted <= set(subcommands())


@pytest.mark.parametrize("command", subcommands())
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    help_text = capsys.readouterr().out
    assert help_text.startswith(f"usage: jiebang {command}")
    # Beside the list of arguments a sentence on what it is for.
    assert help_text.split("\n\n")[1].strip().endswith(".")


def test_the_list_of_commands_says_what_each_is_for(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    listed = capsys.readouterr().out
    for command in subcommands():
        assert f"    {command}" in listed


def test_no_command_and_an_unknown_one_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ([], ["no-such-command"]):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_an_administrator_is_made_once_and_gets_the_role(directory: Path) -> None:
    made = run(directory, "create-admin", "Admin@Example.org", "--name", "薛允之", text="a long password\n")
    assert made.returncode == 0, made.stderr
    again = run(directory, "create-admin", "admin@example.org", text="a long password\n")
    assert again.returncode == 2
    assert "email" in again.stderr
    with (
        database_server(Settings(data_dir=directory)) as settings,
        psycopg.connect(str(settings.database_url)) as connection,
    ):
        rows = connection.execute(
            "SELECT p.email, p.name, array_agg(r.role ORDER BY r.role) FROM person p"
            " JOIN person_role r ON r.person_id = p.id GROUP BY p.id"
        ).fetchall()
    assert rows == [("admin@example.org", "薛允之", ["administrator", "officer"])]
    assert traces(directory) == []


async def test_an_administrator_may_administer(
    make: Factory, browser_of: BrowserOf, settings: Settings, tmp_path: Path
) -> None:
    made = run(
        tmp_path,
        "create-admin",
        "admin@example.org",
        text="a long password\n",
        DATABASE_URL=str(settings.database_url),
        SECRET_KEY="0" * 64,
    )
    assert made.returncode == 0, made.stderr
    browser = await browser_of()
    await browser.submit("/login", {"email": "admin@example.org", "password": "a long password"})
    assert (await browser.get("/administration")).status_code == 200


@pytest.mark.parametrize(
    ("email", "password", "named"),
    [
        ("admin@example.org", "short", "password"),
        ("admin@example.org", "", "password"),
        ("admin", "a long password", "email"),
        ("a@example.org, b@example.org", "a long password", "email"),
        ("admin@example.org\nBcc: b@example.org", "a long password", "email"),
    ],
)
def test_an_administrator_without_a_proper_address_or_password_is_refused(
    email: str, password: str, named: str, directory: Path
) -> None:
    refused = run(directory, "create-admin", email, text=f"{password}\n")
    assert refused.returncode == 2
    assert f"jiebang: {named}:" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_migrating_makes_a_database_and_again_changes_nothing(directory: Path) -> None:
    for _ in range(2):
        done = run(directory, "migrate")
        assert done.returncode == 0, done.stderr
        assert "up to date" in done.stdout
    assert traces(directory) == []


def test_a_setting_that_cannot_be_used_is_named(directory: Path) -> None:
    for variables in (
        {"PORT": "http"},
        {"TRUSTED_PROXIES": "proxy"},
        {"DATABASE_URL": "postgresql://localhost/jiebang"},
        {"DATABASE_URL": "mysql://localhost/jiebang", "SECRET_KEY": "0" * 64},
        {"BROKER_URL": "kafka://localhost"},
        {"SMTP_URL": "http://localhost"},
        {"BASE_URL": "jiebang.example.org"},
    ):
        refused = run(directory, "worker", **variables)
        assert refused.returncode == 2, variables
        assert refused.stderr.startswith("jiebang: ")
        assert next(iter(variables)) in refused.stderr or "SECRET_KEY" in refused.stderr
        assert "Traceback" not in refused.stderr


def test_a_server_that_is_not_there_is_told_in_one_line(directory: Path) -> None:
    refused = run(directory, "migrate", DATABASE_URL="postgresql://127.0.0.1:1/jiebang", SECRET_KEY="0" * 64)
    assert refused.returncode == 2
    assert "DATABASE_URL" in refused.stderr
    assert "Traceback" not in refused.stderr
