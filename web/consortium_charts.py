"""Two drawings of a consortium as coordinates for SVG: money by size against the rule, and the price of the quota."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from babel.numbers import format_decimal

from challenges.consortia.wording import percent
from core.i18n import current_locale
from core.i18n import gettext as _
from matching.quota import PartName, QuotaResult

# Drawn in these units and scaled to the column.
WIDTH, BAR_HEIGHT = 600, 34
LEFT, RIGHT, TOP, BOTTOM = 48, 588, 14, 214


@dataclass(frozen=True)
class Segment:
    """`tone` is a class of the stylesheet."""

    x: float
    width: float
    tone: str
    text: str
    percent: str


@dataclass(frozen=True)
class Mark:
    """A threshold of the rule; `x` on the bar."""

    x: float
    text: str
    holds: bool


@dataclass(frozen=True)
class BudgetBar:
    """SMEs' money from the left, small and micro enterprises first: each threshold is a line that they must reach."""

    segments: list[Segment]
    marks: list[Mark]


def budget_bar(quota: QuotaResult) -> BudgetBar | None:
    """None where there is no money to draw."""
    total = quota.budget_hundred_yuan
    if not total:
        return None
    small, sme = quota.small_micro_budget_hundred_yuan, quota.sme_budget_hundred_yuan
    parts = (
        ("small", small, _("Small and micro enterprises, counted")),
        ("medium", sme - small, _("Medium enterprises, counted")),
        ("other", total - sme, _("Large enterprises, institutes, and who is not counted")),
    )
    segments: list[Segment] = []
    before = 0
    for tone, money, text in parts:
        if money:
            share = Fraction(money, total)
            segments.append(
                Segment(_on_bar(Fraction(before, total)), _on_bar(share), tone, text, percent(share))
            )
        before += money
    limits: tuple[tuple[PartName, int, str], ...] = (
        ("min_sme_budget_share", total, _("SMEs at least %(share)s")),
        ("min_small_micro_share_of_sme", sme, _("of that small and micro at least %(share)s")),
    )
    marks: list[Mark] = []
    for name, whole, text in limits:
        part = quota.part(name)
        if part.threshold and part.applies:
            reach = part.threshold * Fraction(whole, total)
            marks.append(Mark(_on_bar(reach), text % {"share": percent(part.threshold)}, part.holds))
    return BudgetBar(segments, marks)


def _on_bar(share: Fraction) -> float:
    return round(float(share) * WIDTH, 1)


@dataclass(frozen=True)
class Tick:
    at: float
    text: str


@dataclass(frozen=True)
class PriceChart:
    """The best objective over the share of the budget that SMEs must hold.

    `line` is a path; `breaks` are the shares right above which it falls. `impossible_x`: from there on there is no
    consortium. `rule_x`: the share that the rule asks for. `present`: where the consortium itself stands.
    """

    line: str
    breaks: list[tuple[float, float, str]]
    impossible_x: float | None
    rule_x: float | None
    rule_text: str
    present: tuple[float, float] | None
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    is_complete: bool


def price_chart(
    curve: Mapping[str, Any], share: Fraction | None, present: tuple[Fraction | None, float | None]
) -> PriceChart | None:
    """`share`: what the rule asks for; `present`: the SMEs' share and objective of the consortium. None where there
    is nothing to draw."""
    steps: Sequence[Mapping[str, Any]] = curve.get("steps", [])
    possible = [step for step in steps if step["objective"] is not None]
    if not possible:
        return None
    own_share, own = present
    known = [step["objective"] for step in possible] + ([own] if own is not None else [])
    low, high = min(known), max(known)
    # A flat curve stands in the middle; a falling one has some air above and below.
    margin = max((high - low) * 0.15, 0.005)
    low, high = max(0.0, low - margin), high + margin

    def y_of(objective: float) -> float:
        return round(BOTTOM - (objective - low) / (high - low) * (BOTTOM - TOP), 1)

    line = [f"M{_on_axis(0)} {y_of(possible[0]['objective'])}"]
    breaks: list[tuple[float, float, str]] = []
    for step in possible:
        x, y = _on_axis(step["to"]), y_of(step["objective"])
        line += [f"V{y}", f"H{x}"]
        if step["to"] < 1:
            text = _(
                "up to %(share)s: %(points)s points",
                share=percent(step["to"]),
                points=_points(step["objective"]),
            )
            breaks.append((x, y, text))
    end = float(possible[-1]["to"])
    return PriceChart(
        line=" ".join(line),
        breaks=breaks,
        impossible_x=_on_axis(end) if end < 1 and len(possible) < len(steps) else None,
        rule_x=None if share is None else _on_axis(float(share)),
        rule_text="" if share is None else _("rule: %(share)s", share=percent(share)),
        present=None if own_share is None or own is None else (_on_axis(float(own_share)), y_of(own)),
        x_ticks=[Tick(_on_axis(number / 5), f"{number * 20}%") for number in range(6)],
        y_ticks=[Tick(y_of(value), _points(value)) for value in (low, (low + high) / 2, high)],
        is_complete=bool(curve.get("complete")),
    )


def _on_axis(share: float) -> float:
    return round(LEFT + share * (RIGHT - LEFT), 1)


def _points(objective: float) -> str:
    return format_decimal(round(objective * 100, 1), "0.0", locale=current_locale())
