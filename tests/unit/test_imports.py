"""Imports run one way: web → challenges → solvers → core, challenges → matching; matching imports nobody."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ALLOWED = {
    "core": {"core"},
    "matching": {"matching"},
    "solvers": {"solvers", "core"},
    "challenges": {"challenges", "solvers", "core", "matching"},
    "web": {"web", "challenges", "solvers", "core", "matching"},
}
OURS = {*ALLOWED, "tests", "benchmarks"}
WEB_FREE = {"core", "matching", "solvers", "challenges"}


def imported_modules(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found.add(node.module or "")
    return found


def sources(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("package", sorted(ALLOWED))
def test_a_package_imports_only_what_lies_below_it(package: str) -> None:
    assert sources(package)
    for path in sources(package):
        tops = {name.partition(".")[0] for name in imported_modules(path)}
        assert (tops & OURS) <= ALLOWED[package], path


@pytest.mark.parametrize("package", sorted(WEB_FREE))
def test_no_domain_package_knows_the_web_framework(package: str) -> None:
    for path in sources(package):
        tops = {name.partition(".")[0] for name in imported_modules(path)}
        assert not tops & {"litestar", "litestar_htmx", "uvicorn"}, path


def test_matching_knows_no_database_and_no_queue() -> None:
    for path in sources("matching"):
        tops = {name.partition(".")[0] for name in imported_modules(path)}
        assert not tops & {"sqlalchemy", "psycopg", "dramatiq", "jinja2", "wtforms"}, path


def test_controllers_hold_no_sql() -> None:
    for path in sources("web/controllers"):
        names = {
            alias.name
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sqlalchemy")
            for alias in node.names
        }
        assert not names & {"select", "update", "delete", "insert", "text", "func"}, path


@pytest.mark.parametrize("package", sorted(WEB_FREE - {"matching"}))
def test_nobody_but_the_request_or_the_job_commits(package: str) -> None:
    for path in sources(package):
        calls = [
            node.func.attr
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        ]
        assert "commit" not in calls, path
