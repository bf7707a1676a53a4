"""`jiebang-messages update|check`: extracts the messages into the catalogues, and says what lacks a translation."""

import re
import sys
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from core.i18n import DEFAULT_LOCALE, LOCALE_DIR

ROOT = Path(__file__).parent.parent
KEYWORDS = {"_": None, "gettext": None, "lazy_gettext": None, "ngettext": (1, 2)}
FOLDERS = ("core", "solvers", "challenges", "web", "templates")
# As in web.templating, and loud: a template that the extractor cannot parse would lose its messages silently.
HTML_OPTIONS = {
    "trimmed": "true",
    "newstyle_gettext": "true",
    "extensions": "jinja2.ext.do,jinja2.ext.loopcontrols",
    "silent": "false",
}
PLACEHOLDER = re.compile(r"%\((\w+)\)s")


def extract() -> Catalog:
    """Every message of the code and the templates, with where it stands."""
    catalogue = Catalog(project="jiebang", charset="utf-8")
    for folder in FOLDERS:
        method = [("**.html", "jinja2")] if folder == "templates" else [("**.py", "python")]
        options = {"**.html": HTML_OPTIONS}
        found = extract_from_dir(
            ROOT / folder,
            method,
            options,
            keywords=KEYWORDS,
            # By itself it passes over folders whose names begin with an underscore, as those of our fragments do.
            directory_filter=lambda _folder: True,
        )
        for name, _line, message, comments, context in found:
            catalogue.add(message, None, [(f"{folder}/{name}", 0)], auto_comments=comments, context=context)
    return catalogue


def path_of(locale: str) -> Path:
    return LOCALE_DIR / locale / "LC_MESSAGES" / "messages.po"


def load(locale: str) -> Catalog:
    path = path_of(locale)
    if not path.exists():
        return Catalog(locale=locale, project="jiebang", charset="utf-8")
    with path.open("rb") as source:
        return read_po(source, locale=locale)


def update() -> None:
    """Write the catalogue of the default language anew; English needs none, its messages are the msgids."""
    catalogue = load(DEFAULT_LOCALE)
    catalogue.update(extract(), no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    path = path_of(DEFAULT_LOCALE)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as target:
        write_po(target, catalogue, width=110, sort_output=True, omit_header=False, include_lineno=False)


def complaints() -> list[str]:
    """What is wrong with the translations: missing, outdated, or with other placeholders than the message."""
    translated: dict[Any, Any] = {message.id: message for message in load(DEFAULT_LOCALE) if message.id}
    found = []
    messages: list[Any] = [message.id for message in extract() if message.id]
    wanted = set(messages)
    for message_id in sorted(wanted, key=str):
        message = translated.get(message_id)
        strings = (
            message.string if message and isinstance(message.string, tuple) else (message and message.string,)
        )
        if not message or not all(strings):
            found.append(f"not translated: {message_id!r}")
            continue
        singular = message_id[0] if isinstance(message_id, tuple) else message_id
        for string in strings:
            missing = set(PLACEHOLDER.findall(str(string))) - set(PLACEHOLDER.findall(str(message_id)))
            if missing:
                found.append(f"unknown placeholder {missing} in the translation of {singular!r}")
    found.extend(
        f"not used any more: {message_id!r}" for message_id in sorted(translated.keys() - wanted, key=str)
    )
    return found


def main() -> int:
    if sys.argv[1:] == ["update"]:
        update()
        return 0
    if sys.argv[1:] == ["check"]:
        found = complaints()
        print("\n".join(found) if found else "All messages are translated.")
        return 1 if found else 0
    print("usage: jiebang-messages update|check", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
