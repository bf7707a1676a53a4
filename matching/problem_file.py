"""Read the JSON file of a consortium or allocation problem, naming the field that is wrong."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, cast


class ProblemError(ValueError):
    """Malformed input: which field ("" for the file as a whole), and why."""

    def __init__(self, field: str, reason: str) -> None:
        self.field = field
        self.reason = reason
        super().__init__(f"{field}: {reason}" if field else reason)


def read_problem_file(path: Path) -> Any:
    """The JSON value in `path`, with every number that has a decimal point as an exact Decimal."""
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise ProblemError("", f"cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ProblemError("", f"is not UTF-8 at byte {error.start}") from error
    return parse_problem(text)


def parse_problem(text: str) -> Any:
    try:
        read = json.loads(
            text,
            parse_float=_as_decimal,
            parse_int=_as_whole,
            parse_constant=lambda name: _NoNumber(f"holds {name}, which is no JSON number"),
            object_pairs_hook=_refuse_repeated_names,
        )
        _refuse_unreadable(read, "")
        return read
    except json.JSONDecodeError as error:
        raise ProblemError(
            "", f"is not JSON: {error.msg} at line {error.lineno} column {error.colno}"
        ) from error
    except RecursionError as error:
        raise ProblemError("", "is nested too deeply") from error


def as_object(value: Any, field: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ProblemError(field, "must be an object")
    return cast("dict[str, Any]", value)


def as_list(value: Any, field: str) -> list[Any]:
    if not isinstance(value, list):
        raise ProblemError(field, "must be a list")
    return cast("list[Any]", value)


def as_identifier(value: Any, field: str) -> str:
    if not isinstance(value, str) or not value:
        raise ProblemError(field, "must be a string that is not empty")
    return value


def as_choice(value: Any, choices: tuple[str, ...], field: str) -> str:
    if not isinstance(value, str) or value not in choices:
        raise ProblemError(field, f"must be one of {', '.join(choices)}")
    return value


def as_integer(value: Any, field: str, *, least: int, most: int) -> int:
    if isinstance(value, Decimal) and value.is_finite() and value == value.to_integral_value():
        value = int(value) if value.adjusted() < 18 else most + 1
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ProblemError(field, f"must be a whole number from {least} to {most}")
    return value


def required(data: Mapping[str, Any], name: str, parent: str) -> Any:
    if name not in data:
        raise ProblemError(f"{parent}.{name}" if parent else name, "is missing")
    return data[name]


def refuse_unknown(data: Mapping[str, Any], known: tuple[str, ...], parent: str) -> None:
    """A misspelt name must not silently drop what it stands for."""
    for name in data:
        if name not in known:
            field = f"{parent}.{name}" if parent else name
            raise ProblemError(field, f"is not known here; known are {', '.join(known)}")


@dataclass(frozen=True)
class _NoNumber:
    """Stands where a number cannot be read: which field that is, is known only when all has been read."""

    reason: str


def _as_decimal(text: str) -> Decimal | _NoNumber:
    try:
        return Decimal(text)
    except InvalidOperation:
        # An exponent beyond what a Decimal can hold.
        return _NoNumber(f"holds {text[:40]}, which is beyond any number that can be read")


def _as_whole(text: str) -> int | _NoNumber:
    try:
        return int(text)
    except ValueError:
        # Thousands of digits, which Python refuses to convert.
        return _NoNumber(f"holds a number of {len(text)} digits, which is beyond any that can be read")


def _refuse_unreadable(value: Any, place: str) -> None:
    if isinstance(value, _NoNumber):
        raise ProblemError(place, value.reason)
    if isinstance(value, dict):
        for name, item in cast("dict[str, Any]", value).items():
            _refuse_unreadable(item, f"{place}.{name}" if place else name)
    elif isinstance(value, list):
        for number, item in enumerate(cast("list[Any]", value)):
            _refuse_unreadable(item, f"{place}[{number}]")


def _refuse_repeated_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ProblemError(
            next(name for name in names if names.count(name) > 1), "is given twice in one object"
        )
    return found
