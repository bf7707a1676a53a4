"""Tables as files to take away: CSV and XLSX with the same rows."""

import csv
import io
from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from litestar import Response

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# A cell that begins with one of these is a formula to a spreadsheet, whoever typed it.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
# Wide enough for a title, narrow enough to leave the numbers on the screen.
WIDEST_COLUMN = 48

Cell = str | int | float | Decimal | None


def csv_response(name: str, rows: Sequence[Sequence[Cell]]) -> Response[bytes]:
    """UTF-8 with a byte order mark, without which spreadsheets misread Chinese."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([_plain(cell) for cell in row] for row in rows)
    return _file(f"{name}.csv", text.getvalue().encode("utf-8-sig"), "text/csv; charset=utf-8")


def xlsx_response(name: str, sheets: Sequence[tuple[str, Sequence[Sequence[Cell]]]]) -> Response[bytes]:
    """One workbook; each sheet is a title and its rows, the first of them the heads. Takes long for long tables."""
    from openpyxl import Workbook
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    book = Workbook()
    for title, rows in sheets:
        sheet: Any = book.create_sheet(title)
        for number, row in enumerate(rows, start=1):
            for place, value in enumerate(row, start=1):
                cell = sheet.cell(number, place, value)
                if isinstance(value, str):
                    # What begins with "=" would be stored as a formula.
                    cell.data_type = "s"
                if number == 1:
                    cell.font = Font(bold=True)
        for place, column in enumerate(zip(*rows, strict=False), start=1):
            width = max(sum(2 if ord(sign) > 255 else 1 for sign in str(value or "")) for value in column)
            sheet.column_dimensions[get_column_letter(place)].width = min(WIDEST_COLUMN, width + 2)
        sheet.freeze_panes = "A2"
    del book["Sheet"]
    content = io.BytesIO()
    book.save(content)
    return _file(f"{name}.xlsx", content.getvalue(), XLSX)


def _plain(cell: Cell) -> Cell:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA_STARTS) else cell


def _file(name: str, content: bytes, media_type: str) -> Response[bytes]:
    return Response(
        content=content,
        media_type=media_type,
        headers={
            "content-disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
            "cache-control": "no-store",
        },
    )
