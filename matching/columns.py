"""Line up text in a terminal, where a Chinese character takes two columns."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence


def width_in_columns(text: str) -> int:
    """How many columns a terminal gives to `text`.

    >>> width_in_columns("5nm 制程")
    8
    """
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )


def in_columns(rows: Sequence[Sequence[str]], right: frozenset[int] = frozenset()) -> str:
    """Rows of cells as lines, cells under one another; those in the columns `right` end together."""
    widths = (
        [max(width_in_columns(row[column]) for row in rows) for column in range(len(rows[0]))] if rows else []
    )
    lines: list[str] = []
    for row in rows:
        cells: list[str] = []
        for column, cell in enumerate(row):
            space = " " * (widths[column] - width_in_columns(cell))
            cells.append(space + cell if column in right else cell + space)
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
