"""Words for members of enumerations. They are the web's: it hands them in when it starts, as the worker does."""

from collections.abc import Callable
from enum import StrEnum

Label = Callable[[StrEnum | None], str]


def _plain(member: StrEnum | None) -> str:
    return "" if member is None else member.value


_label: Label = _plain


def use_labels(words: Label) -> None:
    global _label
    _label = words


def label(member: StrEnum | None) -> str:
    return _label(member)
