"""What differs between two versions of a challenge, word by word. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from enum import StrEnum
from typing import Any

import rjieba

from challenges.postings.forms import AMOUNTS, ROW_AMOUNTS, ROW_TEXTS, TEXTS

# Names, numbers and measured values are words of their own; Chinese goes to the dictionary, the rest by characters.
_PIECES = re.compile(r"[A-Za-z0-9]+(?:[.\-/][A-Za-z0-9]+)*|[\u4e00-\u9fff]+|\s+|.", re.DOTALL)
_SENTENCES = re.compile(r"[^。！？；;\n]*[。！？；;\n]?")
# Beyond so many pairs of words a passage is shown as replaced: nobody would follow it word by word.
MOST_PAIRS = 1_000_000


class Mark(StrEnum):
    KEPT = "kept"
    REMOVED = "removed"
    ADDED = "added"


@dataclass(frozen=True)
class Part:
    mark: Mark
    text: str


@dataclass(frozen=True)
class Change:
    """One field that differs. Texts have parts; other values stand as they were and as they are."""

    name: str
    before: Any
    after: Any
    parts: tuple[Part, ...] = ()


class RowChange(StrEnum):
    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    MOVED = "moved"


@dataclass(frozen=True)
class ChangedRow:
    """A requirement that differs; numbers count from 1 as readers see them, None where it is not there."""

    kind: RowChange
    number_before: int | None
    number_after: int | None
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class Comparison:
    changes: tuple[Change, ...]
    rows: tuple[ChangedRow, ...] = field(default_factory=tuple)

    def without(self, names: Sequence[str]) -> "Comparison":
        return Comparison(tuple(item for item in self.changes if item.name not in names), self.rows)


def compare(before: Mapping[str, Any], after: Mapping[str, Any]) -> Comparison:
    """Fields in the order of the form, then requirements in their order after the change."""
    changes = [
        *_changed_texts(TEXTS, before, after),
        *_changed_values((*AMOUNTS, "time_limit_months", "deadline_at"), before, after),
    ]
    return Comparison(tuple(changes), tuple(_changed_rows(before["requirements"], after["requirements"])))


def _changed_texts(names: Sequence[str], before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    changes: list[Change] = []
    for name in names:
        old, new = before.get(name, ""), after.get(name, "")
        if old != new:
            changes.append(Change(name, old, new, compare_texts(old, new)))
    return changes


def _changed_values(
    names: Sequence[str], before: Mapping[str, Any], after: Mapping[str, Any]
) -> list[Change]:
    return [
        Change(name, before.get(name), after.get(name))
        for name in names
        if before.get(name) != after.get(name)
    ]


def _changed_rows(
    before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]
) -> list[ChangedRow]:
    old = {row["id"]: (number, row) for number, row in enumerate(before, start=1)}
    new = {row["id"] for row in after}
    # Those that stay, in the order before and after: a row moved only where its place among them differs.
    order = {key: place for place, key in enumerate(key for key in old if key in new)}
    places = {key: place for place, key in enumerate(row["id"] for row in after if row["id"] in old)}
    rows: list[ChangedRow] = []
    for number, row in enumerate(after, start=1):
        key = row["id"]
        if key not in old:
            rows.append(ChangedRow(RowChange.ADDED, None, number, tuple(_row_changes({}, row))))
            continue
        number_before, row_before = old[key]
        changes = tuple(_row_changes(row_before, row))
        if changes:
            rows.append(ChangedRow(RowChange.CHANGED, number_before, number, changes))
        elif order[key] != places[key]:
            rows.append(ChangedRow(RowChange.MOVED, number_before, number, ()))
    rows.extend(
        ChangedRow(RowChange.REMOVED, number, None, tuple(_row_changes(row, {})))
        for key, (number, row) in old.items()
        if key not in new
    )
    return rows


def _row_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    return [*_changed_texts(ROW_TEXTS, before, after), *_changed_values(ROW_AMOUNTS, before, after)]


def compare_texts(before: str, after: str) -> tuple[Part, ...]:
    """Parts that join to `before` without what was added, and to `after` without what was removed."""
    parts: list[tuple[Mark, str]] = []
    old, new = _sentences(before), _sentences(after)
    for kind, start, end, new_start, new_end in _opcodes(old, new):
        removed, added = "".join(old[start:end]), "".join(new[new_start:new_end])
        if kind == "equal":
            parts.append((Mark.KEPT, removed))
        else:
            parts.extend(_compare_words(removed, added))
    return _joined(parts)


def _compare_words(before: str, after: str) -> list[tuple[Mark, str]]:
    old, new = words(before), words(after)
    if len(old) * len(new) > MOST_PAIRS:
        return [(Mark.REMOVED, before), (Mark.ADDED, after)]
    parts: list[tuple[Mark, str]] = []
    for kind, start, end, new_start, new_end in _opcodes(old, new):
        if kind == "equal":
            parts.append((Mark.KEPT, "".join(old[start:end])))
        else:
            parts.append((Mark.REMOVED, "".join(old[start:end])))
            parts.append((Mark.ADDED, "".join(new[new_start:new_end])))
    return parts


def words(text: str) -> list[str]:
    """The text cut into words that join to it again."""
    cut: list[str] = []
    for piece in _PIECES.findall(text):
        cut.extend(rjieba.cut(piece) if "\u4e00" <= piece[0] <= "\u9fff" else [piece])
    return cut


def _sentences(text: str) -> list[str]:
    return [item for item in _SENTENCES.findall(text) if item]


def _opcodes(old: list[str], new: list[str]) -> Sequence[tuple[str, int, int, int, int]]:
    return SequenceMatcher(None, old, new, autojunk=False).get_opcodes()


def _joined(parts: list[tuple[Mark, str]]) -> tuple[Part, ...]:
    """Neighbours of one mark as one part; within a change what is removed stands before what is added."""
    joined: list[Part] = []
    removed = added = ""

    def settle() -> None:
        nonlocal removed, added
        if removed:
            joined.append(Part(Mark.REMOVED, removed))
        if added:
            joined.append(Part(Mark.ADDED, added))
        removed = added = ""

    for mark, text in parts:
        if not text:
            continue
        if mark is Mark.REMOVED:
            removed += text
        elif mark is Mark.ADDED:
            added += text
        elif joined and joined[-1].mark is Mark.KEPT and not (removed or added):
            joined[-1] = Part(Mark.KEPT, joined[-1].text + text)
        else:
            settle()
            joined.append(Part(Mark.KEPT, text))
    settle()
    return tuple(joined)
