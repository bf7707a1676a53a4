"""Reading a file of solvers: CSV or XLSX into rows of named texts. docs/import.md describes the columns."""

import csv
import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from core.i18n import gettext

# Header by column: the first Chinese name is the one the documentation uses.
COLUMNS: dict[str, tuple[str, ...]] = {
    "name": ("单位名称", "企业名称", "单位全称", "名称"),
    "credit_code": ("统一社会信用代码", "信用代码"),
    "kind": ("单位类型", "类型"),
    "region": ("所在地区", "地区", "所在地"),
    "address": ("地址",),
    "website": ("网址", "网站"),
    "legal_representative": ("法定代表人",),
    "industry": ("行业代码", "所属行业"),
    "employees": ("从业人员", "从业人数", "职工人数"),
    "revenue_wan": ("营业收入（万元）", "营业收入"),
    "assets_wan": ("资产总额（万元）", "资产总额"),
    "summary": ("能力简介", "简介"),
    "team": ("团队",),
    "keywords": ("关键词",),
    "subfields": ("技术领域",),
    "visibility": ("公开范围",),
    "certificate": ("资质证书",),
    "certificate_number": ("证书编号",),
    "valid_from": ("有效期起",),
    "valid_until": ("有效期至",),
    "evidence": ("成果类型",),
    "evidence_title": ("成果名称",),
    "evidence_text": ("成果说明",),
    "evidence_year": ("年份", "成果年份"),
    "evidence_keywords": ("成果关键词",),
}
REQUIRED = ("name", "credit_code")


class UnreadableFileError(Exception):
    """The file as a whole cannot be used; the message says why."""


@dataclass(frozen=True)
class Row:
    """A line of the file (from 1, the header being the first) with its cells by column; absent ones are ""."""

    line: int
    cells: dict[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "")


@dataclass(frozen=True)
class Table:
    rows: list[Row]
    ignored_columns: list[str]


def read_file(path: Path) -> Table:
    """Rows of a CSV file (UTF-8 with or without byte order mark, or GB18030) or of an XLSX file's first sheet."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UnreadableFileError(error.strerror or str(error)) from error
    lines = _xlsx_lines(content) if content.startswith(b"PK\x03\x04") else _csv_lines(content)
    try:
        _number, header = next(lines)
    except StopIteration:
        raise UnreadableFileError(gettext("the file is empty")) from None
    columns = [_column(title) for title in header]
    missing = [f"{name} ({COLUMNS[name][0]})" for name in REQUIRED if name not in columns]
    if missing:
        raise UnreadableFileError(gettext("the first line lacks: %(columns)s", columns=", ".join(missing)))
    named = [column for column in columns if column is not None]
    twice = sorted({column for column in named if named.count(column) > 1})
    if twice:
        raise UnreadableFileError(
            gettext("the first line names a column twice: %(columns)s", columns=", ".join(twice))
        )
    rows = [
        Row(
            number,
            {column: cell for column, cell in zip(columns, cells, strict=False) if column is not None},
        )
        for number, cells in lines
        if any(cells)
    ]
    ignored = [title for title, column in zip(header, columns, strict=True) if column is None and title]
    return Table(rows, ignored)


def _column(title: str) -> str | None:
    plain = _plain(title)
    for name, chinese in COLUMNS.items():
        if plain in {_plain(name), *map(_plain, chinese)}:
            return name
    return None


def _plain(title: str) -> str:
    """Titles are compared without case, spaces, underscores and the width of their brackets."""
    return re.sub(r"[\s_-]", "", title.lower()).replace("(", "（").replace(")", "）")


def _csv_lines(content: bytes) -> Iterator[tuple[int, list[str]]]:
    text = _decoded(content)
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    number = 1
    try:
        for cells in reader:
            yield number, [cell.strip() for cell in cells]
            # A cell may hold line breaks: the next row begins where the reader stands now.
            number = reader.line_num + 1
    except csv.Error as error:
        raise UnreadableFileError(
            gettext("line %(line)s is no CSV: %(reason)s", line=reader.line_num, reason=error)
        ) from error


def _decoded(content: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        # GB18030 reads almost anything; what is no text shows by its control characters.
        if "\x00" not in text:
            return text
    raise UnreadableFileError(gettext("it is neither XLSX nor CSV in UTF-8 or GB18030"))


def _xlsx_lines(content: bytes) -> Iterator[tuple[int, list[str]]]:
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        workbook = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
        raise UnreadableFileError(gettext("it is no XLSX file")) from error
    try:
        for number, cells in enumerate(workbook.worksheets[0].iter_rows(values_only=True), start=1):
            yield number, [_cell_text(cell) for cell in cells]
    finally:
        workbook.close()


def _cell_text(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    return str(cell).strip()
