import contextlib
import io
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from openpyxl import Workbook

from core.errors import InvalidError
from core.table_files import Row, UnreadableFileError, read_table
from solvers.import_file import COLUMNS, REQUIRED, read_file
from solvers.import_row import parse_row
from solvers.models import CertificateKind, EvidenceKind, OrganizationKind, Visibility
from tests.factories import credit_code

CSV = "单位名称,统一社会信用代码,从业人员\n杭州一号有限公司,X1,12\n"


def write(tmp_path: Path, content: bytes, name: str = "solvers.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_csv_is_read_in_the_encodings_that_spreadsheets_write(tmp_path: Path, encoding: str) -> None:
    table = read_file(write(tmp_path, CSV.encode(encoding)))
    assert table.rows == [Row(2, {"name": "杭州一号有限公司", "credit_code": "X1", "employees": "12"})]


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_other_delimiters_are_found(tmp_path: Path, delimiter: str) -> None:
    table = read_file(write(tmp_path, CSV.replace(",", delimiter).encode()))
    assert table.rows[0]["credit_code"] == "X1"


def test_english_and_chinese_titles_name_the_same_columns(tmp_path: Path) -> None:
    table = read_file(write(tmp_path, "NAME,Credit Code,营业收入(万元),unknown\nA,B,3,4\n".encode()))
    assert table.ignored_columns == ["unknown"]
    table = read_file(write(tmp_path, "name,credit_code,营业收入(万元),备注\nA,B,3,4\n".encode()))
    assert table.rows[0]["revenue_wan"] == "3"
    assert table.ignored_columns == ["备注"]
    titles = [name for column, chinese in COLUMNS.items() for name in (column, *chinese)]
    assert len(titles) == len(set(titles))


def test_lines_are_counted_over_cells_with_line_breaks_and_empty_lines_skipped(tmp_path: Path) -> None:
    text = 'name,credit_code,summary\nA,1,"第一行\n第二行"\n,,\nB,2,\n'
    rows = read_file(write(tmp_path, text.encode())).rows
    assert [(row.line, row["name"]) for row in rows] == [(2, "A"), (5, "B")]
    assert rows[0]["summary"] == "第一行\n第二行"


def test_xlsx_is_read_with_numbers_and_dates_as_people_see_them(tmp_path: Path) -> None:
    workbook = Workbook()
    sheet = workbook.active
    assert sheet is not None
    sheet.append(["单位名称", "统一社会信用代码", "从业人员", "营业收入（万元）", "有效期起"])
    sheet.append(["杭州一号有限公司", "X1", 12.0, 1900.5, datetime(2026, 1, 31)])
    content = io.BytesIO()
    workbook.save(content)
    row = read_file(write(tmp_path, content.getvalue(), "solvers.xlsx")).rows[0]
    assert row.line == 2
    assert (row["employees"], row["revenue_wan"], row["valid_from"]) == ("12", "1900.5", "2026-01-31")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"name,summary\nA,B\n",
        b"name,credit_code,name\nA,B,C\n",
        b"PK\x03\x04 not a workbook",
        b"\xff\xfe\x00\x00\x80\x80",
        b'name,credit_code\n"A,B\n',
    ],
)
def test_a_file_that_cannot_be_used_says_why(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(UnreadableFileError) as refusal:
        read_file(write(tmp_path, content))
    assert str(refusal.value)


def test_a_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError):
        read_file(tmp_path / "absent.csv")


def row(**cells: str) -> Row:
    return Row(2, {"name": "杭州一号有限公司", "credit_code": credit_code(1), **cells})


def test_a_whole_line_is_understood() -> None:
    parsed = parse_row(
        row(
            kind="企业",
            region="浙江省杭州市",
            industry="4011",
            employees="1,086 人",
            revenue_wan="2,300.50万元",
            keywords="压力传感器；封装、压力传感器",
            subfields="803;软件",
            visibility="仅匹配",
            certificate="小巨人",
            certificate_number="xjr 1",
            valid_from="2024年1月31日",
            valid_until="2027/01/30",
            evidence="专利",
            evidence_title="一种芯片",
            evidence_year="2024",
        )
    )
    assert parsed.facts is not None
    assert parsed.facts.kind is OrganizationKind.ENTERPRISE
    assert (parsed.facts.region_code, parsed.facts.employees) == ("3301", 1086)
    assert parsed.facts.revenue_wan == Decimal("2300.50")
    assert parsed.profile is not None
    assert parsed.profile.keywords == ["压力传感器", "封装"]
    assert parsed.profile.subfield_codes == ["0101", "0803"]
    assert parsed.profile.visibility is Visibility.MATCHER
    assert parsed.certificate is not None
    assert parsed.certificate.kind is CertificateKind.LITTLE_GIANT
    assert parsed.certificate.valid_from == date(2024, 1, 31)
    assert parsed.evidence is not None
    assert parsed.evidence.kind is EvidenceKind.PATENT
    assert parsed.evidence.year == 2024


def test_a_line_with_evidence_alone_has_no_facts() -> None:
    parsed = parse_row(row(evidence="product", evidence_title="HT-3"))
    assert parsed.facts is None
    assert parsed.profile is None
    assert parsed.certificate is None


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("credit_code", "91330100MA00000010"),
        ("region", "亚特兰蒂斯"),
        ("kind", "合伙人"),
        ("employees", "许多"),
        ("revenue_wan", "NaN"),
        ("subfields", "炼金术"),
        ("visibility", "秘密"),
        ("certificate", "没有这种证书"),
        ("valid_from", "2024-02-30"),
        ("evidence", "奖状"),
    ],
)
def test_a_cell_that_cannot_be_understood_is_named(column: str, text: str) -> None:
    complete = {
        "region": "杭州",
        "certificate": "高新技术企业",
        "certificate_number": "GR1",
        "valid_from": "2024-01-31",
        "valid_until": "2027-01-30",
        "evidence": "专利",
        "evidence_title": "一种芯片",
    }
    parse_row(row(**complete))
    with pytest.raises(InvalidError) as refusal:
        parse_row(row(**{**complete, column: text}))
    assert set(refusal.value.errors) == {column}


def workbook_of(*rows: list[str]) -> bytes:
    workbook = Workbook()
    sheet = workbook.active
    assert sheet is not None
    for cells in rows:
        sheet.append(cells)
    content = io.BytesIO()
    workbook.save(content)
    return content.getvalue()


def refused(content: bytes, **limits: int) -> str:
    with pytest.raises(UnreadableFileError) as refusal:
        read_table(content, COLUMNS, REQUIRED, **limits)
    return str(refusal.value)


def test_limits_hold_for_csv_and_xlsx_and_what_keeps_them_is_read() -> None:
    rows = [["name", "credit_code"], ["A", "1"], ["B", "2"]]
    for content in (workbook_of(*rows), "\n".join(map(",".join, rows)).encode()):
        assert len(read_table(content, COLUMNS, REQUIRED, most_rows=2).rows) == 2
        assert refused(content, most_rows=1)
    assert refused(workbook_of(*rows), most_unpacked_bytes=100)


def test_a_damaged_workbook_is_refused_wherever_the_damage_is() -> None:
    whole = workbook_of(["name", "credit_code"], ["A", "1"])
    for place in range(4, len(whole), 97):
        damaged = (
            whole[:place] + bytes(byte ^ 0x55 for byte in whole[place : place + 40]) + whole[place + 40 :]
        )
        with contextlib.suppress(UnreadableFileError):
            read_table(damaged, COLUMNS, REQUIRED, most_rows=100)
