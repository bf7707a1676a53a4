"""Industries by GB/T 4754-2017: a letter (section) and two to four digits (division, group, class)."""

import re
import unicodedata
from dataclasses import dataclass

from core.errors import InvalidError
from core.i18n import lazy_gettext as _
from solvers.tables import read_table

SHAPE = re.compile(r"([A-T]?)(\d{2,4})")
NAMES: dict[str, str] = {row["code"]: row["zh"] for row in read_table("gbt4754_2017.json")}
# The table lacks a few classes and the division 91, which it could not be told apart from a typing error without.
SECTION_OF_DIVISION: dict[str, str] = {code[1:]: code[0] for code in NAMES if len(code) == 3} | {"91": "S"}


@dataclass(frozen=True)
class Industry:
    code: str
    name: str


def normalize_code(raw: str) -> str:
    """Letter and digits of a code that may be typed without its letter, in lower case or full width.

    Raises InvalidError on `industry_code` for what is no code of the classification. A class that the table does
    not list is accepted where its division exists.
    """
    text = "".join(unicodedata.normalize("NFKC", raw).split()).upper()
    match = SHAPE.fullmatch(text)
    if match is None:
        raise InvalidError(
            {"industry_code": _("An industry code is a letter and two to four digits, e.g. C3562.")}
        )
    letter, digits = match.groups()
    section = SECTION_OF_DIVISION.get(digits[:2])
    if section is None:
        raise InvalidError(
            {"industry_code": _("GB/T 4754-2017 has no division %(digits)s.", digits=digits[:2])}
        )
    if letter and letter != section:
        raise InvalidError(
            {
                "industry_code": _(
                    "Division %(digits)s belongs to section %(section)s, not %(letter)s.",
                    digits=digits[:2],
                    section=section,
                    letter=letter,
                )
            }
        )
    return section + digits


def industry_name(code: str | None) -> str:
    """Name of the code, or of the nearest listed code above it; a dash when there is none."""
    if not code:
        return "–"
    for length in range(len(code), 0, -1):
        if code[:length] in NAMES:
            return NAMES[code[:length]]
    return code


def show_industry(code: str | None) -> str:
    return f"{code} {industry_name(code)}" if code else "–"


def search_industries(text: str, limit: int = 20) -> list[Industry]:
    """Industries whose code begins with the text or whose name contains all of its words.

    Order: exact code or name, then classes (four digits) before what stands above them, then by code.
    """
    words = unicodedata.normalize("NFKC", text).upper().split()
    if not words:
        return []
    found: list[tuple[bool, int, str]] = []
    for code, name in NAMES.items():
        if len(code) < 3:
            continue
        if all(code.startswith(word) or code[1:].startswith(word) or word in name.upper() for word in words):
            exact = text.strip().upper() in {code, code[1:], name.upper()}
            found.append((not exact, -len(code), code))
    found.sort()
    return [Industry(code, NAMES[code]) for _exact, _length, code in found[:limit]]


def typed_industry(text: str | None) -> str:
    """What a person means who types a code, picks "C3562 半导体…" from a list, or types a whole name.

    Returns the code where there is one, otherwise the text as it was typed.
    """
    text = unicodedata.normalize("NFKC", text or "").strip()
    first = text.split(maxsplit=1)[0].upper() if text else ""
    if SHAPE.fullmatch(first):
        return first
    exact = [industry for industry in search_industries(text) if industry.name == text]
    # A group and its only class often share one name; the class comes first.
    return exact[0].code if exact else text
