"""`jiebang index` and DICTIONARY, as a person runs them beside a database in use."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from core.settings import Settings
from matching.saved import MANIFEST, versions_of
from tests.demo_process import ROOT, environment, free_port
from tests.factories import Factory
from tests.integration.matchmaking import publish_profile


class Commands:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.root = settings.data_dir / "index"

    def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "web.cli", *arguments],
            cwd=ROOT,
            env={
                **environment(self.settings.data_dir, free_port()),
                "DATABASE_URL": str(self.settings.database_url),
                "SECRET_KEY": "0" * 64,
                **variables,
            },
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def json(self, *arguments: str, **variables: str) -> Any:
        answer = self.run(*arguments, "--json", **variables)
        assert answer.returncode == 0, answer.stderr
        return json.loads(answer.stdout)

    def statuses(self, **variables: str) -> dict[str, Any]:
        return {item["name"]: item for item in self.json("index", "status", **variables)["indexes"]}


@pytest.fixture
def commands(settings: Settings) -> Commands:
    return Commands(settings)


async def test_nothing_is_published_at_first_and_after_a_rebuild_everything_is(
    make: Factory, commands: Commands
) -> None:
    await publish_profile(make, await make.organization(), "叶片超声无损检测装备")
    before = commands.statuses()
    assert {item["fault"] for item in before.values()} == {"nothing is published"}
    published = commands.json("index", "rebuild")["published"]
    assert len(published) == len(before)
    after = commands.statuses()
    assert after.keys() == before.keys()
    assert {item["fault"] for item in after.values()} == {None}
    found = {name: item for name, item in after.items() if name.startswith("solvers")}
    assert {item["documents"] for item in found.values()} == {1}
    assert {item["changed"] for item in found.values()} == {0}


async def test_what_was_saved_since_is_counted(make: Factory, commands: Commands) -> None:
    await publish_profile(make, await make.organization(), "叶片超声无损检测装备")
    commands.json("index", "rebuild")
    await publish_profile(make, await make.organization(), "真空铸造工艺")
    changed = {item["changed"] for name, item in commands.statuses().items() if name.startswith("solvers")}
    assert changed == {1}
    text = commands.run("index", "status").stdout
    assert "1 changed since" in text


async def test_a_damaged_file_is_named_and_ends_with_a_failure(make: Factory, commands: Commands) -> None:
    await publish_profile(make, await make.organization(), "叶片超声无损检测装备")
    commands.json("index", "rebuild")
    assert {item["fault"] for item in commands.json("index", "verify")["versions"]} == {None}
    index = next(path for path in sorted(commands.root.glob("solvers*")))
    version = versions_of(index)[-1]
    victim = max(
        (path for path in version.iterdir() if path.name != MANIFEST), key=lambda p: p.stat().st_size
    )
    content = bytearray(victim.read_bytes())
    content[-1] ^= 1
    victim.chmod(0o600)
    victim.write_bytes(content)
    answer = commands.run("index", "verify")
    assert answer.returncode == 1
    broken = [line for line in answer.stdout.splitlines() if not line.endswith(": whole")]
    assert len(broken) == 1
    assert index.name in broken[0]
    assert victim.name in broken[0]


def test_verify_of_nothing_is_no_failure(commands: Commands) -> None:
    answer = commands.run("index", "verify")
    assert (answer.returncode, answer.stdout.strip()) == (0, "nothing is published")


async def test_terms_of_the_dictionary_file_make_another_tokenizer(
    make: Factory, commands: Commands, tmp_path: Path
) -> None:
    await publish_profile(make, await make.organization(), "碳化硅外延片生长设备")
    commands.json("index", "rebuild")
    terms = tmp_path / "terms.txt"
    terms.write_text("# 本领域术语\n碳化硅外延片 10 n\n\n", encoding="utf-8")
    with_terms = commands.json("index", "status", DICTIONARY=str(terms))
    assert with_terms["tokenizer"] != commands.json("index", "status")["tokenizer"]
    assert with_terms["rows_of_another_tokenizer"] == 1
    assert all("made by" in item["fault"] for item in with_terms["indexes"])
    rebuilt = commands.json("index", "rebuild", DICTIONARY=str(terms))
    assert rebuilt["retokenized"] == 1
    assert {item["fault"] for item in commands.statuses(DICTIONARY=str(terms)).values()} == {None}


def test_a_dictionary_that_is_no_file_is_told_by_its_name(commands: Commands, tmp_path: Path) -> None:
    answer = commands.run("index", "status", DICTIONARY=str(tmp_path / "none.txt"))
    assert answer.returncode == 2
    assert "DICTIONARY" in answer.stderr
