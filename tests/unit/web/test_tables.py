import csv
import json
from decimal import Decimal
from fractions import Fraction
from io import BytesIO, StringIO

import pytest
from openpyxl import load_workbook

from core.i18n import use_locale
from web.charts import bar_chart, lorenz_chart
from web.tables import WITHHELD, Cell, Column, Kind, Row, Table, csv_file, show_cell, xlsx_file

COLUMNS = [Column("单位", Kind.TEXT), Column("家数"), Column("金额", Kind.WAN), Column("占比", Kind.SHARE)]


def table(*rows: list[Cell], title: str = "表") -> Table:
    return Table("t", title, COLUMNS, [Row(row) for row in rows])


def read_csv(content: bytes) -> list[list[str]]:
    assert content.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(StringIO(content[3:].decode("utf-8"), newline="")))


def test_a_csv_file_has_numbers_that_can_be_computed_with() -> None:
    rows = read_csv(
        csv_file(table(["甲公司", 3, Decimal("1234.50"), Fraction(1, 3)], ["乙", None, 2, WITHHELD]))
    )
    assert rows[0] == ["单位", "家数", "金额（万元）", "占比"]
    assert rows[1] == ["甲公司", "3", "1234.50", "0.3333"]
    assert rows[2] == ["乙", "", "2", "不予公布"]


@pytest.mark.parametrize(
    "text", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", " =1", "＝1", "\r=1"]
)
def test_no_cell_of_a_csv_file_begins_a_formula(text: str) -> None:
    assert read_csv(csv_file(table([text, 1, 1, None])))[1][0].startswith("'")


def test_a_negative_number_stays_a_number() -> None:
    assert read_csv(csv_file(table(["甲", -3, Decimal("-1.5"), None])))[1][1:3] == ["-3", "-1.50"]


def test_a_workbook_has_one_sheet_per_table_and_no_formula() -> None:
    evil = '=HYPERLINK("http://example.com")\x07'
    first = table([evil, 3, Decimal("1234.50"), Fraction(1, 3)], title="很长[的]:表名" * 10)
    workbook = load_workbook(BytesIO(xlsx_file([first, first, table(title="空")])))
    assert len(workbook.sheetnames) == 3
    assert all(len(name) <= 31 for name in workbook.sheetnames)
    sheet = workbook.worksheets[0]
    assert [cell.value for cell in sheet[1]] == ["单位", "家数", "金额（万元）", "占比"]
    assert sheet["A2"].data_type == "s"
    assert sheet["A2"].value == evil.removesuffix("\x07")
    assert [cell.value for cell in sheet[2]][1:] == [3, 1234.5, 0.3333]
    assert sheet["D2"].number_format == "0.0%"


def test_cells_are_shown_in_the_reader_s_language_and_shares_are_cut() -> None:
    assert show_cell(Fraction(29996, 100000), Kind.SHARE) == "29.99%"
    assert show_cell(Fraction(1, 4), "share") == "25%"
    assert show_cell(Decimal("12345.60"), Kind.WAN) == "12,345.6"
    assert show_cell(0.0512, Kind.POINTS) == "5.1"
    assert show_cell(None, Kind.COUNT) == "–"
    with use_locale("en"):
        assert show_cell(WITHHELD, Kind.SHARE) == "withheld"


def test_a_chart_draws_the_numbers_of_its_table() -> None:
    option = json.loads(
        bar_chart(table(["甲", 3, Decimal(10), Fraction(1, 4)], ["乙", 1, 5, WITHHELD]), [2], lines=[3])
    )
    assert option["xAxis"]["data"] == ["甲", "乙"]
    assert [series["data"] for series in option["series"]] == [[10.0, 5.0], [25.0, None]]
    assert option["series"][1]["yAxisIndex"] == 1
    assert option["tooltip"]["renderMode"] == "richText"


def test_without_numbers_there_is_no_chart() -> None:
    assert bar_chart(table(), [1]) == ""
    assert bar_chart(table(["甲", None, WITHHELD, WITHHELD]), [2], lines=[3]) == ""
    assert lorenz_chart([(Fraction(0), Fraction(0))]) == ""
