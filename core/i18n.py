"""Translations: msgids in English, Chinese by default. The catalogues are read as .po files, nothing is compiled."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import LazyProxy, NullTranslations, Translations

LOCALES = {"zh_CN": "中文", "en": "English"}
DEFAULT_LOCALE = "zh_CN"
LOCALE_DIR = Path(__file__).parent.parent / "web" / "locale"

_current: ContextVar[str] = ContextVar("locale", default=DEFAULT_LOCALE)


def current_locale() -> str:
    return _current.get()


def set_locale(locale: str) -> None:
    """Set the language of the running request or job."""
    _current.set(locale if locale in LOCALES else DEFAULT_LOCALE)


@contextmanager
def use_locale(locale: str) -> Iterator[None]:
    token = _current.set(locale if locale in LOCALES else DEFAULT_LOCALE)
    try:
        yield
    finally:
        _current.reset(token)


@cache
def _translations(locale: str) -> NullTranslations:
    path = LOCALE_DIR / locale / "LC_MESSAGES" / "messages.po"
    if not path.exists():
        return NullTranslations()
    with path.open("rb") as source:
        catalogue = read_po(source, locale=locale)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Translations(compiled)


def gettext(message: str, **values: Any) -> str:
    """`message` in the current language, with `%(name)s` filled in."""
    translated = _translations(current_locale()).ugettext(message)
    return translated % values if values else translated


def plural_message(singular: str, plural: str, number: int) -> str:
    """The message for a number with its places still open: Jinja's `pluralize` fills them itself."""
    return _translations(current_locale()).ungettext(singular, plural, number)


def ngettext(singular: str, plural: str, number: int, **values: Any) -> str:
    return plural_message(singular, plural, number) % {"num": number, **values}


def lazy_gettext(message: str, **values: Any) -> Any:
    """As gettext, but translated when shown: for labels and messages made at import time."""
    return LazyProxy(gettext, message, enable_cache=False, **values)
