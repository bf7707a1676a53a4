"""Read solvers and challenges from JSON, saying exactly where malformed input is malformed."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar, cast

from matching.documents import Challenge, Evidence, Requirement, Solver
from matching.quota import KINDS, MAX_BUDGET_WAN, SIZES, QuotaError, QuotaRule, hundred_yuan

TRead = TypeVar("TRead")
TChoice = TypeVar("TChoice", bound=str)


class InputError(ValueError):
    """Malformed input: which file, which line (from 1), which field, and why."""

    def __init__(self, file: str, line: int, field: str, reason: str) -> None:
        self.file = file
        self.line = line
        self.field = field
        self.reason = reason
        super().__init__(f"{file}:{line}: {field}: {reason}" if field else f"{file}:{line}: {reason}")


class _FieldError(Exception):
    """A wrong value, before it is known on which line it stands."""

    def __init__(self, path: tuple[str | int, ...], reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(reason)

    @property
    def field(self) -> str:
        return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.path).lstrip(".")


def read_solvers(path: Path) -> list[Solver]:
    """Solvers from a JSON Lines file, one object a line; empty lines are passed over."""
    solvers: list[Solver] = []
    first_line: dict[str, int] = {}
    for line, text in read_lines(path):
        solver = _at(path, line, None, lambda text=text: solver_from(_parse(text)))
        if solver.id in first_line:
            raise InputError(
                str(path), line, "id", f"{solver.id!r} was already used on line {first_line[solver.id]}"
            )
        first_line[solver.id] = line
        solvers.append(solver)
    return solvers


def read_challenge(path: Path) -> Challenge:
    """A challenge from a JSON file."""
    text = _read_text(path)
    return _at(path, 1, text, lambda: challenge_from(_parse(text)))


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines that are not empty, with their numbers from 1."""
    # Not `splitlines`, which also breaks at U+2028 and form feeds, legal inside a JSON string.
    for number, line in enumerate(_read_text(path).split("\n"), start=1):
        if line.strip():
            yield number, line


def parse_object(path: Path, line: int, text: str) -> Mapping[str, Any]:
    """A JSON object on one line of `path`."""
    return _at(path, line, None, lambda: _object(_parse(text), ()))


def text_of(path: Path, line: int, record: Mapping[str, Any], name: str, default: str | None = None) -> str:
    """A string of a record on one line of `path`; `default` where it is missing or null."""
    if default is not None and record.get(name) is None:
        return default
    return _at(path, line, None, lambda: _text(record, name, ()))


def evidence_of(path: Path, line: int, record: Mapping[str, Any]) -> tuple[Evidence, ...]:
    """The evidence items of a record on one line of `path`."""
    return _at(path, line, None, lambda: _evidence_from(record))


def solver_from(value: Any) -> Solver:
    data = _object(value, ())
    kind = _choice(data, "kind", KINDS)
    size = _choice(data, "size", SIZES) if data.get("size") is not None else None
    return Solver(
        id=_identifier(data, "id", ()),
        name=_text(data, "name", ()),
        kind=kind,
        # Research institutes and universities have no size, whatever a file says of them.
        size=size if kind == "enterprise" else None,
        region=_text(data, "region", ()) if data.get("region") is not None else None,
        certificates=frozenset(_texts(data, "certificates")),
        controlled_by=tuple(_texts(data, "controlled_by")),
        text=_text(data, "text", ()) if data.get("text") is not None else "",
        evidence=_evidence_from(data),
    )


def _evidence_from(data: Mapping[str, Any]) -> tuple[Evidence, ...]:
    items: list[Evidence] = []
    for number, value in enumerate(_list(data, "evidence", ())):
        place = ("evidence", number)
        item = _object(value, place)
        texts = {
            key: _text(item, key, place) if item.get(key) is not None else "" for key in ("title", "text")
        }
        items.append(Evidence(**texts))
    return tuple(items)


def challenge_from(value: Any) -> Challenge:
    data = _object(value, ())
    requirements: list[Requirement] = []
    seen: set[str] = set()
    for number, item in enumerate(_list(data, "requirements", ())):
        place = ("requirements", number)
        part = _object(item, place)
        identifier = _identifier(part, "id", place)
        if identifier in seen:
            raise _FieldError((*place, "id"), f"{identifier!r} is used by another requirement")
        seen.add(identifier)
        requirements.append(
            Requirement(
                id=identifier,
                text=_text(part, "text", place),
                weight=_number(part, "weight", place, default=Decimal(1)),
                budget_wan=_budget(part, "budget_wan", place),
            )
        )
    if requirements and not any(part.weight for part in requirements):
        raise _FieldError(("requirements",), "all weights are zero")
    return Challenge(
        id=_identifier(data, "id", ()),
        title=_text(data, "title", ()) if data.get("title") is not None else "",
        text=_text(data, "text", ()) if data.get("text") is not None else "",
        requirements=tuple(requirements),
        quota=_quota_from(data),
    )


def _quota_from(data: Mapping[str, Any]) -> QuotaRule:
    if data.get("quota") is None:
        return QuotaRule()
    try:
        return QuotaRule.from_json(_object(data["quota"], ("quota",)))
    except QuotaError as error:
        raise _FieldError(("quota", error.field), error.reason) from error


def _at(path: Path, line: int, text: str | None, read: Callable[[], TRead]) -> TRead:
    """Run `read`, turning what is wrong into an InputError; `text` is the whole file where it spans lines."""
    try:
        return read()
    except json.JSONDecodeError as error:
        raise InputError(str(path), line + error.lineno - 1, "", f"not JSON: {error.msg}") from error
    except _FieldError as error:
        offset = _place_of(text, error.path) if text is not None else 0
        where = line + (text.count("\n", 0, offset) if text is not None else 0)
        raise InputError(str(path), where, error.field, error.reason) from error
    except RecursionError as error:
        raise InputError(str(path), line, "", "not JSON of ours: nested too deeply") from error


def _read_text(path: Path) -> str:
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise InputError(str(path), line, "", f"not UTF-8: byte {error.start} of the file") from error


def _parse(text: str) -> Any:
    try:
        return json.loads(
            text,
            parse_float=Decimal,
            parse_int=Decimal,
            parse_constant=_refuse_constant,
            object_pairs_hook=_refuse_repeated,
        )
    except json.JSONDecodeError:
        raise
    except ValueError as error:
        raise _FieldError((), str(error)) from error


def _refuse_constant(name: str) -> Any:
    raise _FieldError((), f"{name} is no JSON number")


def _refuse_repeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        raise _FieldError((repeated,), "is given twice in one object")
    return found


def _place_of(text: str, path: tuple[str | int, ...]) -> int:
    """Where in `text`, which is known to be JSON, the value at `path` starts; where it ends there, its nearest holder."""
    decoder = json.JSONDecoder()
    space = " \t\r\n"

    def skip(at: int, also: str = "") -> int:
        while at < len(text) and text[at] in space + also:
            at += 1
        return at

    at = skip(0)
    for step in path:
        inside = skip(at + 1)
        number = 0
        while text[inside] not in "]}":
            name: str | int = number
            if text[at] == "{":
                name, inside = decoder.raw_decode(text, inside)
                inside = skip(inside, ":")
            if name == step:
                at = inside
                break
            _, inside = decoder.raw_decode(text, inside)
            inside = skip(inside, ",")
            number += 1
        else:
            return at
    return at


def _object(value: Any, path: tuple[str | int, ...]) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _FieldError(path, "must be an object")
    return cast("dict[str, Any]", value)


def _list(data: Mapping[str, Any], name: str, path: tuple[str | int, ...]) -> list[Any]:
    value = data.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise _FieldError((*path, name), "must be a list")
    return cast("list[Any]", value)


def _text(data: Mapping[str, Any], name: str, path: tuple[str | int, ...]) -> str:
    if name not in data:
        raise _FieldError((*path, name), "is missing")
    return _checked_text(data[name], (*path, name))


def _checked_text(value: Any, path: tuple[str | int, ...]) -> str:
    if not isinstance(value, str):
        raise _FieldError(path, "must be a string")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise _FieldError(path, "holds half of a surrogate pair")
    return value


def _texts(data: Mapping[str, Any], name: str) -> list[str]:
    return [_checked_text(value, (name, number)) for number, value in enumerate(_list(data, name, ()))]


def _identifier(data: Mapping[str, Any], name: str, path: tuple[str | int, ...]) -> str:
    value = _text(data, name, path)
    if not value.strip():
        raise _FieldError((*path, name), "must not be empty")
    return value


def _choice(data: Mapping[str, Any], name: str, choices: tuple[TChoice, ...]) -> TChoice:
    value = _text(data, name, ())
    if value not in choices:
        raise _FieldError((name,), f"must be one of {', '.join(choices)}, not {value!r}")
    return cast("TChoice", value)


def _number(data: Mapping[str, Any], name: str, path: tuple[str | int, ...], default: Decimal) -> Decimal:
    value = data.get(name)
    if value is None:
        return default
    if not isinstance(value, Decimal):
        raise _FieldError((*path, name), "must be a number")
    if not 0 <= value <= MAX_BUDGET_WAN:
        raise _FieldError((*path, name), f"must lie between 0 and {MAX_BUDGET_WAN}")
    return value


def _budget(data: Mapping[str, Any], name: str, path: tuple[str | int, ...]) -> Decimal:
    value = _number(data, name, path, default=Decimal(0))
    try:
        hundred_yuan(value)
    except QuotaError as error:
        raise _FieldError((*path, name), error.reason) from error
    return value
