"""Reads the tables of codes that ship with the package (solvers/data/README.md names their sources)."""

import json
from pathlib import Path
from typing import Any

from core.i18n import current_locale

DATA_DIR = Path(__file__).parent / "data"


def read_table(name: str) -> Any:
    return json.loads((DATA_DIR / name).read_text(encoding="utf-8"))


def in_current_language(zh: str, en: str) -> str:
    return zh if current_locale() == "zh_CN" else en
