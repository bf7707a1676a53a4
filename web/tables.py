"""Tables of numbers that a page shows, a chart draws and a file takes away: all from the same rows."""

import csv
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from io import BytesIO, StringIO
from typing import Any, cast

from babel.numbers import format_decimal

from challenges.consortia.wording import percent
from core.i18n import current_locale
from core.i18n import gettext as _

# A number in its own unit, a text, nothing, or something that must not be told.
Value = str | int | float | Decimal | Fraction | None
# What makes a spreadsheet take a text for a formula, in half and full width.
FORMULA = re.compile(r"^\s*[=+\-@＝＋－＠\t\r\n]")
# XML 1.0 has no place for them, so neither has a workbook.
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
FORBIDDEN_IN_SHEET_NAME = re.compile(r"[\[\]:*?/\\']")
SHEET_NAME_LENGTH = 31


class Withheld:
    """Stands where a number would tell of a single organization."""


WITHHELD = Withheld()
Cell = Value | Withheld


class Kind(StrEnum):
    TEXT = "text"
    COUNT = "count"
    WAN = "wan"
    SHARE = "share"
    # A score in [0, 1], shown as points of 100.
    POINTS = "points"


@dataclass(frozen=True)
class Column:
    title: str
    kind: Kind = Kind.COUNT


@dataclass(frozen=True)
class Row:
    cells: Sequence[Cell]
    # Address of what the first cell names.
    href: str | None = None


@dataclass(frozen=True)
class Table:
    """`name` stands in addresses; `note` says what the numbers mean."""

    name: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    note: str = ""
    totals: Sequence[Cell] = field(default=())

    @property
    def has_gaps(self) -> bool:
        return any(isinstance(cell, Withheld) for row in self.rows for cell in row.cells)


def show_cell(cell: Cell, kind: Kind | str) -> str:
    """As a page shows it, in the reader's language; templates name the kind by its value."""
    kind = Kind(kind)
    if isinstance(cell, Withheld):
        return _("withheld")
    if cell is None:
        return "–"
    if isinstance(cell, str):
        return cell
    if kind is Kind.SHARE:
        return percent(Fraction(_decimal(cell)))
    pattern = {Kind.WAN: "#,##0.##", Kind.POINTS: "0.0"}.get(kind, "#,##0")
    scaled = 100 if kind is Kind.POINTS else 1
    return format_decimal(_decimal(cell) * scaled, pattern, locale=current_locale())


def plain_number(cell: Cell, kind: Kind) -> float | int | None:
    """For a chart: shares in percent, scores in points; None where there is no number."""
    if cell is None or isinstance(cell, str | Withheld):
        return None
    if kind is Kind.COUNT:
        return int(cell)
    scaled = 100 if kind in (Kind.SHARE, Kind.POINTS) else 1
    return round(float(cell) * scaled, 2)


def csv_file(table: Table) -> bytes:
    """UTF-8 with a byte order mark, by which spreadsheets know the encoding; CRLF as RFC 4180 asks for.

    Shares and scores are numbers in [0, 1]. A text that a spreadsheet would run as a formula begins with an apostrophe.
    """
    target = StringIO(newline="")
    writer = csv.writer(target, lineterminator="\r\n")
    writer.writerow([_safe_text(_heading(column)) for column in table.columns])
    for cells in _all_cells(table):
        writer.writerow(
            [
                "" if value is None else _safe_text(value) if isinstance(value, str) else value
                for value in cells
            ]
        )
    return b"\xef\xbb\xbf" + target.getvalue().encode()


def xlsx_file(tables: Sequence[Table]) -> bytes:
    """A workbook with one sheet per table; texts are stored as texts, so that none is ever a formula."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    formats = {Kind.WAN: "#,##0.00", Kind.SHARE: "0.0%", Kind.POINTS: "0.0000", Kind.COUNT: "#,##0"}
    workbook = Workbook(write_only=True)
    for table, sheet_name in zip(tables, _sheet_names(tables), strict=True):
        sheet = workbook.create_sheet(sheet_name)
        sheet.freeze_panes = "A2"
        for number in range(1, len(table.columns) + 1):
            sheet.column_dimensions[get_column_letter(number)].width = 40 if number == 1 else 18

        def cell_of(value: Value, column: Column, *, bold: bool = False, sheet: Any = sheet) -> Any:
            text = CONTROL.sub("", value) if isinstance(value, str) else value
            cell = WriteOnlyCell(sheet, value=cast("Any", text))
            if isinstance(text, str):
                cell.data_type = "s"
            elif column.kind in formats:
                cell.number_format = formats[column.kind]
            if bold:
                cell.font = Font(bold=True)
            return cell

        sheet.append([cell_of(_heading(column), column, bold=True) for column in table.columns])
        for cells in _all_cells(table):
            sheet.append([cell_of(value, column) for value, column in zip(cells, table.columns, strict=True)])
    target = BytesIO()
    workbook.save(target)
    return target.getvalue()


def _heading(column: Column) -> str:
    return _("%(title)s (万元)", title=column.title) if column.kind is Kind.WAN else column.title


def _all_cells(table: Table) -> Iterable[list[Value]]:
    for cells in (*(row.cells for row in table.rows), *([table.totals] if table.totals else [])):
        yield [_exact(cell, column.kind) for cell, column in zip(cells, table.columns, strict=True)]


def _exact(cell: Cell, kind: Kind) -> Value:
    """What a file holds: money to 0.01, shares and scores to 0.0001."""
    if isinstance(cell, Withheld):
        return _("withheld")
    if cell is None or isinstance(cell, str | int):
        return cell
    return round(_decimal(cell), 2 if kind is Kind.WAN else 4)


def _decimal(number: float | Decimal | Fraction) -> Decimal:
    if isinstance(number, Fraction):
        return Decimal(number.numerator) / Decimal(number.denominator)
    return number if isinstance(number, Decimal) else Decimal(str(number))


def _safe_text(text: str) -> str:
    return f"'{text}" if FORMULA.match(text) else text


def _sheet_names(tables: Sequence[Table]) -> list[str]:
    """Titles cut to what a workbook allows; of equal ones the later get a number."""
    names: list[str] = []
    for table in tables:
        name = FORBIDDEN_IN_SHEET_NAME.sub(" ", table.title)[:SHEET_NAME_LENGTH].strip() or table.name
        number = 2
        while name.lower() in {item.lower() for item in names}:
            suffix = f" {number}"
            name = name[: SHEET_NAME_LENGTH - len(suffix)] + suffix
            number += 1
        names.append(name)
    return names
