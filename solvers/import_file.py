"""The columns of a file of solvers, and reading it. docs/import.md describes them."""

from pathlib import Path

from core.table_files import Table, UnreadableFileError, read_table

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


def read_file(path: Path) -> Table:
    """Rows of a CSV or XLSX file of solvers; raises UnreadableFileError."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UnreadableFileError(error.strerror or str(error)) from error
    return read_table(content, COLUMNS, REQUIRED)
