"""Reading tables that people have filled in: CSV or XLSX into rows of named texts.

What the columns are called stands with who imports them: a header by column, the first of its Chinese names being the
one that documentation and templates use. Reading blocks: within a request, call it in a thread.
"""

import csv
import io
import re
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from itertools import islice
from typing import Any

from core.i18n import current_locale, gettext

Columns = Mapping[str, tuple[str, ...]]

# What an XLSX file may unpack to: a file of a few kilobytes can be written to fill the memory.
MOST_UNPACKED_BYTES = 2**30


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


class Outcome(StrEnum):
    """What an import has made of a line."""

    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    KEPT = "kept"  # it is there with other facts, and somebody else looks after them
    FAILED = "failed"


@dataclass(frozen=True)
class Failure:
    """What is wrong with a line, at a column ("" where it is the whole line)."""

    line: int
    column: str
    reason: str


@dataclass
class Report:
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)


def read_table(
    content: bytes,
    columns: Columns,
    required: Sequence[str],
    *,
    most_rows: int | None = None,
    most_unpacked_bytes: int = MOST_UNPACKED_BYTES,
) -> Table:
    """Rows of a CSV file (UTF-8 with or without byte order mark, or GB18030) or of an XLSX file's first sheet.

    Raises UnreadableFileError, also for more than `most_rows` lines behind the header.
    """
    if content.startswith(b"PK\x03\x04"):
        lines = _xlsx_lines(content, most_unpacked_bytes)
    else:
        lines = _csv_lines(content)
    if most_rows is not None:
        # One more is read, which tells that there are too many; empty ones count, or reading them would not end.
        lines = islice(lines, most_rows + 2)
    try:
        _number, header = next(lines)
    except StopIteration:
        raise UnreadableFileError(gettext("the file is empty")) from None
    named = [_column(title, columns) for title in header]
    missing = [f"{name} ({columns[name][0]})" for name in required if name not in named]
    if missing:
        raise UnreadableFileError(gettext("the first line lacks: %(columns)s", columns=", ".join(missing)))
    twice = sorted(column for column, times in Counter(named).items() if column is not None and times > 1)
    if twice:
        raise UnreadableFileError(
            gettext("the first line names a column twice: %(columns)s", columns=", ".join(twice))
        )
    numbered = list(lines)
    if most_rows is not None and len(numbered) > most_rows:
        raise UnreadableFileError(gettext("it has more than %(limit)s lines", limit=most_rows))
    rows = [
        Row(number, {column: cell for column, cell in zip(named, cells, strict=False) if column is not None})
        for number, cells in numbered
        if any(cells)
    ]
    ignored = [title for title, column in zip(header, named, strict=True) if column is None and title]
    return Table(rows, ignored)


def column_title(columns: Columns, name: str) -> str:
    """What a column is called in the reader's language."""
    return columns[name][0] if current_locale() == "zh_CN" and name in columns else name


def split_cell(cell: str, separators: str = r"[;；,，、\n]") -> list[str]:
    """The words of a cell that holds several, each once."""
    words = (" ".join(word.split()) for word in re.split(separators, cell))
    return list(dict.fromkeys(word for word in words if word))


def _column(title: str, columns: Columns) -> str | None:
    plain = _plain(title)
    for name, others in columns.items():
        if plain in {_plain(name), *map(_plain, others)}:
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


def _xlsx_lines(content: bytes, most_unpacked_bytes: int) -> Iterator[tuple[int, list[str]]]:
    from openpyxl import load_workbook

    workbook = None
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            # No part yields more than it declares: the reader stops there.
            unpacked = sum(part.file_size for part in archive.infolist())
        if unpacked > most_unpacked_bytes:
            raise UnreadableFileError(gettext("it is too large"))
        workbook = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        sheet: Any = workbook.worksheets[0]
        # Some writers declare a size that is not the sheet's.
        sheet.reset_dimensions()
        for number, cells in enumerate(sheet.iter_rows(values_only=True), start=1):
            yield number, [_cell_text(cell) for cell in cells]
    except UnreadableFileError:
        raise
    except Exception as error:
        # Whatever a damaged or hostile file makes the library raise, it is the file that is wrong.
        raise UnreadableFileError(gettext("it is no XLSX file")) from error
    finally:
        if workbook is not None:
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
    return str(cell).replace("\x00", "").strip()
