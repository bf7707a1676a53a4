"""Size of an enterprise by the statutory table 统计上大中小微型企业划分办法 (2017).

An industry belongs to one of 16 groups; each group lists one or two of three indicators with a lower bound for
large, medium and small. An enterprise has the highest class of which it reaches every listed bound, else it is
micro. Bounds are inclusive.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any

from core.errors import InvalidError
from core.i18n import lazy_gettext as _
from solvers.industries import NAMES, normalize_code
from solvers.organizations.models import SizeClass
from solvers.tables import in_current_language, read_table

# From the top: the first class whose bounds are all reached is the answer.
BOUNDED_CLASSES = (SizeClass.LARGE, SizeClass.MEDIUM, SizeClass.SMALL)


class Indicator(StrEnum):
    EMPLOYEES = "employees"
    REVENUE = "revenue"
    ASSETS = "assets"

    @property
    def field_name(self) -> str:
        """The attribute and form field that holds it."""
        return self.value if self is Indicator.EMPLOYEES else f"{self.value}_wan"


@dataclass(frozen=True)
class IndustryRange:
    """Digits of GB/T 4754 codes: `first`..`last` are prefixes of equal length, both included."""

    first: str
    last: str

    @classmethod
    def parse(cls, text: str) -> "IndustryRange":
        first, _dash, last = text.partition("-")
        return cls(first, last or first)

    def contains(self, digits: str) -> bool:
        return self.first <= digits[: len(self.first)] <= self.last


@dataclass(frozen=True)
class SizeGroup:
    key: str
    zh: str
    en: str
    ranges: tuple[IndustryRange, ...]
    bounds: dict[SizeClass, dict[Indicator, int]] = field(compare=False)

    @property
    def name(self) -> str:
        return in_current_language(self.zh, self.en)

    @property
    def indicators(self) -> tuple[Indicator, ...]:
        return tuple(self.bounds[SizeClass.LARGE])


@dataclass(frozen=True)
class Uncovered:
    """A part of the classification for which the table holds nothing."""

    zh: str
    en: str
    ranges: tuple[IndustryRange, ...]

    @property
    def name(self) -> str:
        return in_current_language(self.zh, self.en)


@dataclass(frozen=True)
class RuleLine:
    """One comparison: is `value` of `indicator` at or above the lower bound `threshold` of `size`?

    Employees are persons, revenue and assets 万元.
    """

    size: SizeClass
    indicator: Indicator
    value: Decimal
    threshold: int
    reached: bool


@dataclass(frozen=True)
class SizeDecision:
    """The class, or None where the table does not cover the industry (`uncovered` says which part).

    `lines` holds the comparisons made, from large downwards, up to the class that was decided.
    """

    industry_code: str
    size: SizeClass | None
    group: SizeGroup | None
    lines: tuple[RuleLine, ...] = ()
    uncovered: Uncovered | None = None

    @property
    def deciding_lines(self) -> tuple[RuleLine, ...]:
        """The bounds of the decided class; for micro the bounds of small that were missed."""
        if self.size is SizeClass.MICRO:
            return tuple(line for line in self.lines if line.size is SizeClass.SMALL and not line.reached)
        return tuple(line for line in self.lines if line.size is self.size)

    @property
    def missed_lines(self) -> tuple[RuleLine, ...]:
        """What kept the enterprise out of the next class up."""
        if self.size is None or self.size is SizeClass.LARGE:
            return ()
        is_micro = self.size is SizeClass.MICRO
        above = SizeClass.SMALL if is_micro else BOUNDED_CLASSES[BOUNDED_CLASSES.index(self.size) - 1]
        return tuple(line for line in self.lines if line.size is above and not line.reached)


def _ranges(items: list[str]) -> tuple[IndustryRange, ...]:
    return tuple(IndustryRange.parse(item) for item in items)


def _group(row: dict[str, Any]) -> SizeGroup:
    bounds = {
        size: {Indicator(name): bound for name, bound in row[size.value].items()} for size in BOUNDED_CLASSES
    }
    return SizeGroup(row["key"], row["zh"], row["en"], _ranges(row["gbt4754"]), bounds)


_TABLE = read_table("enterprise_size_2017.json")
TABLE_TITLE: str = _TABLE["title"]
GROUPS: tuple[SizeGroup, ...] = tuple(_group(row) for row in _TABLE["groups"])
NOT_COVERED: tuple[Uncovered, ...] = tuple(
    Uncovered(row["zh"], row["en"], _ranges([row["gbt4754"]])) for row in _TABLE["not_covered"]
)


def group_of(industry_code: str) -> SizeGroup | Uncovered:
    """The part of the table an industry belongs to.

    Raises InvalidError on `industry_code` for an unknown code, and for one that is too short to tell: 59 holds
    both transport (591) and warehousing (592 to 599).
    """
    digits = normalize_code(industry_code)[1:]
    # A short code stands for every listed code below it.
    below = {code[1:] for code in NAMES if code[1:].startswith(digits) and len(code) == 5} or {digits}
    parts: list[SizeGroup | Uncovered] = [
        part
        for part in (*GROUPS, *NOT_COVERED)
        if any(item.contains(code) for item in part.ranges for code in below)
    ]
    if len(parts) > 1:
        raise InvalidError(
            {
                "industry_code": _(
                    "Code %(digits)s holds industries with different bounds. Choose a more exact one.",
                    digits=digits,
                )
            }
        )
    if not parts:
        raise InvalidError({"industry_code": _("GB/T 4754-2017 lists no such class.")})
    return parts[0]


def classify(
    industry_code: str,
    employees: int | None = None,
    revenue_wan: Decimal | int | None = None,
    assets_wan: Decimal | int | None = None,
) -> SizeDecision:
    """Class of an enterprise; the indicators that its group does not list may be None.

    Raises InvalidError naming `industry_code`, `employees`, `revenue_wan` or `assets_wan`.

    >>> classify("C3562", employees=280, revenue_wan=1900).size.value
    'small'
    """
    code = normalize_code(industry_code)
    part = group_of(code)
    given = {
        Indicator.EMPLOYEES: employees,
        Indicator.REVENUE: revenue_wan,
        Indicator.ASSETS: assets_wan,
    }
    errors = {
        indicator.field_name: _("This cannot be negative.")
        for indicator, value in given.items()
        if value is not None and value < 0
    }
    if isinstance(part, Uncovered):
        if errors:
            raise InvalidError(errors)
        return SizeDecision(code, None, None, uncovered=part)
    errors |= {
        indicator.field_name: _("The size of this industry depends on it.")
        for indicator in part.indicators
        if given[indicator] is None
    }
    if errors:
        raise InvalidError(errors)
    lines: list[RuleLine] = []
    for size in BOUNDED_CLASSES:
        compared = [
            RuleLine(size, indicator, value, bound, reached=value >= bound)
            for indicator, bound in part.bounds[size].items()
            for value in (Decimal(given[indicator] or 0),)
        ]
        lines.extend(compared)
        if all(line.reached for line in compared):
            return SizeDecision(code, size, part, tuple(lines))
    return SizeDecision(code, SizeClass.MICRO, part, tuple(lines))
