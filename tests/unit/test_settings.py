import re
from dataclasses import fields
from pathlib import Path

import pytest

from core.settings import Settings, SettingsError

TABLE = Path(__file__).parents[2] / "docs" / "settings.md"


def test_the_documented_table_is_the_code() -> None:
    rows = re.findall(
        r"^\| `(\w+)` \| (.+?) \| (.+) \|$", TABLE.read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    documented = {name: (default.strip("`"), text) for name, default, text in rows}
    actual = {}
    for item in fields(Settings):
        default = item.default
        shown = (
            str(default).lower()
            if isinstance(default, bool)
            else "–"
            if default in (None, "")
            else str(default)
        )
        actual[item.metadata["variable"]] = (shown, item.metadata["description"])
    assert documented == actual


def test_a_secret_is_made_once_and_kept_readable_by_the_owner_alone(tmp_path: Path) -> None:
    first = Settings.from_environment({"DATA_DIR": str(tmp_path)})
    second = Settings.from_environment({"DATA_DIR": str(tmp_path)})
    assert first.secret_key == second.secret_key
    assert len(first.secret_key) == 64
    assert (tmp_path / "secret_key").stat().st_mode & 0o077 == 0


def test_a_server_without_a_secret_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="SECRET_KEY"):
        Settings.from_environment({"DATA_DIR": str(tmp_path), "DATABASE_URL": "postgresql://db/jiebang"})
    settings = Settings.from_environment(
        {"DATA_DIR": str(tmp_path), "DATABASE_URL": "postgresql://db/jiebang", "SECRET_KEY": "s" * 64}
    )
    assert settings.database_url == "postgresql://db/jiebang"


@pytest.mark.parametrize(("variable", "value"), [("PORT", "http"), ("PORT", "0"), ("DEMO", "perhaps")])
def test_what_cannot_be_read_names_its_variable(tmp_path: Path, variable: str, value: str) -> None:
    with pytest.raises(SettingsError, match=variable):
        Settings.from_environment({"DATA_DIR": str(tmp_path), variable: value})
