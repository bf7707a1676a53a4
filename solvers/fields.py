"""Technology fields: the eight 国家重点支持的高新技术领域 with their subfields."""

from dataclasses import dataclass

from core.table_files import split_cell
from solvers.tables import in_current_language, read_table


@dataclass(frozen=True)
class Subfield:
    """`code` has four digits, of which the first two are the field's."""

    code: str
    zh: str
    en: str

    @property
    def name(self) -> str:
        return in_current_language(self.zh, self.en)


@dataclass(frozen=True)
class Field:
    code: str
    zh: str
    en: str
    subfields: tuple[Subfield, ...]

    @property
    def name(self) -> str:
        return in_current_language(self.zh, self.en)


FIELDS: tuple[Field, ...] = tuple(
    Field(row["code"], row["zh"], row["en"], tuple(Subfield(**subfield) for subfield in row["subfields"]))
    for row in read_table("technology_fields.json")["fields"]
)
_FIELDS = {field.code: field for field in FIELDS}
SUBFIELDS: dict[str, Subfield] = {subfield.code: subfield for field in FIELDS for subfield in field.subfields}


def is_subfield(code: str) -> bool:
    return code in SUBFIELDS


def find_subfields(cell: str) -> tuple[list[str], list[str]]:
    """Codes of the subfields that a cell of an imported file names, sorted, and the words that name none.

    Codes may lack their first zero, which spreadsheets drop; names are those of either language.
    """
    by_name = {name: item.code for item in SUBFIELDS.values() for name in (item.zh, item.en)}
    codes: set[str] = set()
    unknown: list[str] = []
    # Not split at 、, which is part of some Chinese names, nor inside the English ones that hold a comma.
    for part in split_cell(cell, separators=r"[;；\n]"):
        for text in [part] if part in by_name else split_cell(part, separators="[,，]"):
            code = text.zfill(4) if text.isdigit() else by_name.get(text)
            if code in SUBFIELDS:
                codes.add(code)
            else:
                unknown.append(text)
    return sorted(codes), unknown


def field_of(code: str) -> Field | None:
    """The field of a field's or subfield's code."""
    return _FIELDS.get(code[:2])


def field_name(code: str | None) -> str:
    """Name of a field in the current language; the code itself when it is unknown, a dash when there is none."""
    if not code:
        return "–"
    field = _FIELDS.get(code)
    return field.name if field else code


def subfield_name(code: str | None) -> str:
    if not code:
        return "–"
    subfield = SUBFIELDS.get(code)
    return subfield.name if subfield else code


def subfield_choices() -> list[tuple[str, list[tuple[str, str]]]]:
    """Field name and its (code, name) pairs: the groups of a select field."""
    return [(field.name, [(item.code, item.name) for item in field.subfields]) for field in FIELDS]
