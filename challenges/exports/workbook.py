"""A workbook of several sheets, written row by row."""

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, cast

from challenges.exports.scope import Cell, Sheet

# Wide enough for a title, narrow enough to leave the numbers on the screen.
WIDEST_COLUMN = 48
# What the format itself allows.
LONGEST_TITLE, LONGEST_TEXT = 31, 32_767


def write_workbook(path: Path, sheets: Sequence[Sheet]) -> None:
    """Blocks: call it in a thread. Texts stay texts, whatever they begin with."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    book = Workbook(write_only=True)
    for sheet in sheets:
        page: Any = book.create_sheet(sheet.title[:LONGEST_TITLE])
        for number, width in enumerate(_widths(sheet.rows), start=1):
            page.column_dimensions[get_column_letter(number)].width = width
        page.freeze_panes = "A2"
        for place, row in enumerate(sheet.rows):
            cells = []
            for value in row:
                cell: Any = WriteOnlyCell(page, value=cast("Any", _plain(value)))
                if isinstance(value, str):
                    # What begins with "=" would be stored as a formula.
                    cell.data_type = "s"
                elif isinstance(value, datetime):
                    cell.number_format = "yyyy-mm-dd hh:mm"
                if place == 0:
                    cell.font = Font(bold=True)
                cells.append(cell)
            page.append(cells)
    book.save(path)


def _plain(value: Cell) -> Cell:
    """Texts without signs that a workbook cannot hold, and not longer than a cell."""
    if not isinstance(value, str):
        return value
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    return ILLEGAL_CHARACTERS_RE.sub(" ", value)[:LONGEST_TEXT]


def _widths(rows: Sequence[Sequence[Cell]]) -> list[int]:
    return [
        min(WIDEST_COLUMN, 2 + max(_width(value) for value in column)) for column in zip(*rows, strict=False)
    ]


def _width(value: Cell) -> int:
    if isinstance(value, datetime | date):
        return 16
    return sum(2 if ord(sign) > 255 else 1 for sign in str("" if value is None else value)[:WIDEST_COLUMN])
