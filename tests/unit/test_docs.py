"""Documentation and templates cannot drift: what they name exists, and what exists they name."""

import argparse
import json
import re
from functools import cache
from pathlib import Path

import pytest
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler

from core.process import start_process
from core.settings import Settings
from web.app import create_app
from web.cli import _parser
from web.templating import TEMPLATES_DIR, make_environment

ROOT = Path(__file__).parents[2]
READMES = ("README.md", "README.zh-CN.md")
# Where people read how the product is used and worked on.
PAGES = [
    *(ROOT / name for name in (*READMES, "CONTRIBUTING.md", "CHANGELOG.md")),
    *(ROOT / "docs").rglob("*.md"),
]
TEXT_FILES = {".py", ".md", ".html", ".toml", ".txt", ".json", ".js", ".css", ".mako", ".po", ".jsonl", ""}


def tracked_files() -> list[Path]:
    """The files that belong to the project: everything but what the ignore file names."""
    ignored = {line.strip("/") for line in (ROOT / ".gitignore").read_text().split()} | {".git"}
    found = []
    for path in ROOT.rglob("*"):
        parts = path.relative_to(ROOT).parts
        if any(part in ignored or part.endswith(".egg-info") for part in parts):
            continue
        if "vendor" in parts or path.suffix not in TEXT_FILES or not path.is_file():
            continue
        found.append(path)
    return found


def subcommands() -> set[str]:
    for action in _parser()._actions:
        if isinstance(action, argparse._SubParsersAction):
            return set(action.choices)
    raise AssertionError("no subcommands")


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def documented_text() -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in PAGES if path.exists())


def code_of(text: str) -> str:
    """What stands in code blocks and between backticks: prose may use a command's word as a word."""
    return "\n".join(re.findall(r"```.*?```|`[^`\n]+`", text, re.DOTALL))


def test_every_target_of_the_makefile_is_documented() -> None:
    code = code_of(documented_text())
    assert {target for target in make_targets() if not re.search(rf"\bmake {target}\b", code)} == set()


@pytest.mark.parametrize("name", READMES)
def test_the_readme_says_how_to_start_and_how_to_test(name: str) -> None:
    code = code_of((ROOT / name).read_text(encoding="utf-8"))
    assert "make demo" in code
    assert "make test" in code


def test_every_command_is_documented() -> None:
    code = code_of(documented_text())
    assert {name for name in subcommands() if not re.search(rf"\bjiebang {name}\b", code)} == set()


@pytest.mark.parametrize("path", [path for path in PAGES if path.exists()], ids=lambda path: path.name)
def test_a_page_names_no_command_or_target_that_does_not_exist(path: Path) -> None:
    code = code_of(path.read_text(encoding="utf-8"))
    named = {
        word
        for word in re.findall(r"^\s*(?:\$ )?make ([a-z-]+)|`make ([a-z-]+)`", code, re.MULTILINE)
        for word in word
        if word
    }
    assert named <= make_targets()
    commands = {
        word
        for pair in re.findall(r"^\s*(?:\$ )?jiebang ([a-z-]+)|`jiebang ([a-z-]+)", code, re.MULTILINE)
        for word in pair
        if word
    }
    assert {word for word in commands if not word.startswith("-")} <= subcommands()


@pytest.mark.parametrize("path", [path for path in PAGES if path.exists()], ids=lambda path: path.name)
def test_links_between_the_pages_lead_somewhere(path: Path) -> None:
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#\s]+)", text):
        if not re.match(r"[a-z]+:", target):
            assert (path.parent / target).exists(), target


def test_no_file_names_a_path_of_one_machine() -> None:
    pattern = re.compile(r"(?<![\w./~-])/(?:home|root|Users|work|mnt)/\w")
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()[:120]}"
        for path in tracked_files()
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines()
        if pattern.search(line)
    ]
    assert found == []


def test_a_path_of_one_machine_would_be_noticed() -> None:
    pattern = re.compile(r"(?<![\w./~-])/(?:home|root|Users|work|mnt)/\w")
    assert pattern.search("see /" + "home/somebody/jiebang")
    assert not pattern.search("challenges/work/items")


REGISTRIES = (
    "pypi" + ".org",
    "pythonhosted" + ".org",
    "registry.npm" + "js.org",
    "registry.yarn" + "pkg.com",
)


def test_no_file_names_a_package_registry() -> None:
    found = [
        (str(path.relative_to(ROOT)), host)
        for path in tracked_files()
        for host in REGISTRIES
        if host in path.read_text(encoding="utf-8", errors="replace")
    ]
    assert found == []


def test_the_lock_of_the_front_end_names_no_download_address() -> None:
    lock = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: item for name, item in lock["packages"].items() if name}
    assert packages
    assert [name for name, item in packages.items() if "resolved" in item] == []
    assert [name for name, item in packages.items() if "integrity" not in item] == []


@pytest.mark.parametrize("path", sorted((ROOT / "requirements").glob("*.txt")), ids=lambda path: path.name)
def test_requirements_are_hashed_and_name_no_index(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(
        r"^\s*(?:-i|--index-url|--extra-index-url|--find-links|--trusted-host)\b", text, re.MULTILINE
    )
    assert "://" not in re.sub(r"#.*", "", text)
    requirements = re.findall(r"^[a-z0-9][\w.-]*==.*?(?=^\S|\Z)", text, re.MULTILINE | re.DOTALL)
    assert requirements
    assert [item.split()[0] for item in requirements if "--hash=sha256:" not in item] == []


@cache
def app() -> Litestar:
    """The application without a database: made, never asked anything."""
    settings = Settings(data_dir=ROOT, secret_key="0" * 64, database_url="postgresql://nowhere/jiebang")
    return create_app(start_process(settings))


@cache
def routes() -> list[tuple[re.Pattern[str], set[str]]]:
    """A pattern for each registered address, with the methods it takes; the last resort of `not_found` is none."""
    found = []
    for route in app().routes:
        methods = {
            str(method)
            for handler in getattr(route, "route_handlers", [])
            if isinstance(handler, HTTPRouteHandler)
            for method in handler.http_methods
        }
        if route.path == "/{rest:path}":
            continue
        pattern = re.sub(r"\{\w+:path\}", ".+", route.path)
        pattern = re.sub(r"\{\w+:\w+\}", "[^/]+", pattern)
        found.append((re.compile(pattern), methods))
    return found


def leads_somewhere(address: str, method: str) -> bool:
    """An expression stands for a parameter, or for the word of a route: "/challenges/X/X" for "…/withdraw"."""
    wanted = re.compile(re.escape(address).replace("X", "[^/]+"))
    return any(
        method in methods
        and (pattern.fullmatch(address) or wanted.fullmatch(pattern.pattern.replace("[^/]+", "X")))
        for pattern, methods in routes()
    )


def templates() -> list[str]:
    return sorted(str(path.relative_to(TEMPLATES_DIR)) for path in TEMPLATES_DIR.rglob("*.*"))


@pytest.mark.parametrize("name", templates())
def test_a_template_can_be_read(name: str) -> None:
    make_environment().get_template(name)


def addresses(source: str) -> list[tuple[str, str]]:
    """Method and address of what a template links to, with X for each expression.

    Expressions are replaced first: they hold quotes of their own.
    """
    source = re.sub(r"\{#.*?#\}", "", source, flags=re.DOTALL)
    # A macro's address that is put together, "/bids/" ~ bid.id ~ "/answer", is one address with an X.
    source = re.sub(r'"\s*~\s*[^"~,)]+?\s*~\s*"', "X", source)
    source = re.sub(r'"\s*~\s*[^"~,)]+?(?=[,)\s])', 'X"', source)
    calls = re.findall(r'post_button\(\s*"(/[^"]*)"', source)
    source = re.sub(r"\{\{.*?\}\}|\{%.*?%\}", "X", source, flags=re.DOTALL)
    found = [("POST", address) for address in calls]
    found += [("GET", address) for address in re.findall(r'(?:href|hx-get|src)="(/[^"]*)"', source)]
    found += [("POST", address) for address in re.findall(r'(?:hx-post|formaction)="(/[^"]*)"', source)]
    for form in re.findall(r"<form\b[^>]*>", source):
        action = re.search(r'action="(/[^"]*)"', form)
        method = "POST" if re.search(r'method="post"', form, re.IGNORECASE) else "GET"
        if action:
            found.append((method, action.group(1)))
    return [(method, re.sub(r"[?#].*", "", address)) for method, address in found]


def is_known(method: str, address: str) -> bool:
    # An expression right behind an address is its query: "/challenges{{ query_string(…) }}".
    return leads_somewhere(address, method) or (
        address.endswith("X") and not address.endswith("/X") and leads_somewhere(address[:-1], method)
    )


@pytest.mark.parametrize("name", templates())
def test_every_address_in_a_template_leads_somewhere(name: str) -> None:
    source = (TEMPLATES_DIR / name).read_text(encoding="utf-8")
    assert [item for item in addresses(source) if not is_known(*item)] == []


def test_an_address_that_leads_nowhere_would_be_noticed() -> None:
    source = """
      <a href="/challenges/{{ challenge.id }}/candidates">x</a> <a href="/no/such/page">x</a>
      {{ forms.post_button("/attachments/" ~ attachment.id ~ "/remove", _("Delete")) }}
      {{ forms.post_button("/attachments/" ~ attachment.id ~ "/delete", _("Delete")) }}
      <form method="post" action="/bids/{{ bid.id }}"></form> <form method="post" action="/challenges"></form>
      <a href="/challenges{{ query_string(parameters) }}">x</a>
    """
    assert [item for item in addresses(source) if not is_known(*item)] == [
        ("POST", "/attachments/X/delete"),
        ("GET", "/no/such/page"),
        ("POST", "/challenges"),
    ]
