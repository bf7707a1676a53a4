"""The quota line by line, as every page shows it."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from challenges.consortia.wording import (
    part_fraction,
    part_name,
    part_threshold,
    part_value,
)
from matching.quota import QuotaPart


@dataclass(frozen=True)
class QuotaLine:
    name: str
    value: str
    fraction: str
    threshold: str
    applies: bool
    holds: bool
    is_limited: bool


def quota_line(part: QuotaPart) -> QuotaLine:
    return QuotaLine(
        name=part_name(part.name),
        value=part_value(part),
        fraction=part_fraction(part),
        threshold=part_threshold(part),
        applies=part.applies and part.threshold is not None,
        holds=part.holds,
        is_limited=part.threshold is not None,
    )


def quota_parts(parts: Mapping[str, Mapping[str, Any]]) -> list[QuotaPart]:
    """The computation of a quota from its JSON."""
    return [
        QuotaPart(
            name=name,  # type: ignore[arg-type]
            numerator=part["numerator"],
            denominator=part["denominator"],
            threshold=None if part["threshold"] is None else Fraction(str(part["threshold"])),
            holds=part["holds"],
            applies=part["applies"],
        )
        for name, part in parts.items()
    ]


@dataclass(frozen=True)
class Gauge:
    """A share of money against its threshold, both in [0, 1]."""

    name: str
    value: float
    value_text: str
    threshold: float
    threshold_text: str
    holds: bool
    applies: bool


def gauge(part: QuotaPart) -> Gauge:
    assert part.threshold is not None
    return Gauge(
        name=part_name(part.name),
        value=float(part.value or 0),
        value_text=part_value(part),
        threshold=float(part.threshold),
        threshold_text=part_threshold(part),
        holds=part.holds,
        applies=part.applies,
    )
