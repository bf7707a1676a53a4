"""Options of ECharts drawn from tables, as JSON that a page carries in an attribute; web/static/js/charts.js draws them.

JSON holds no functions, so a series names its `unit` instead, which the script shows behind its numbers.
"""

import json
from collections.abc import Sequence
from fractions import Fraction
from typing import Any
from unicodedata import east_asian_width

from core.i18n import gettext as _
from web.tables import Cell, Kind, Table, plain_number

# Distinct also in grey and for the colour-blind, the project's blue first.
COLOURS = ["#1d4f91", "#e08a1e", "#5b9f6a", "#9a5ba5", "#7f8c9a"]
# More bars than these cannot be told apart on a phone; the table behind the chart has all rows.
MOST_BARS = 20
# In half-width characters; longer names would leave no room for the bars.
WIDEST_NAME = 28


def bar_chart(
    table: Table,
    bars: Sequence[int],
    *,
    lines: Sequence[int] = (),
    is_stacked: bool = False,
    is_horizontal: bool = False,
) -> str:
    """Columns of a table as bars and lines over its first column; "" where there is nothing to draw.

    Shares have an axis of their own from 0 to 100%.
    """
    rows = table.rows[:MOST_BARS]
    if not rows or all(
        plain_number(row.cells[column], table.columns[column].kind) is None
        for row in rows
        for column in (*bars, *lines)
    ):
        return ""
    kinds = [table.columns[column].kind for column in (*bars, *lines)]
    value_axes = [_value_axis(is_share) for is_share in (False, True) if is_share in map(_is_share, kinds)]
    # On a lying chart the first row stands on top.
    names = {"type": "category", "data": [short(row.cells[0]) for row in rows], "inverse": is_horizontal}
    across = "xAxisIndex" if is_horizontal else "yAxisIndex"
    series = []
    for column in (*bars, *lines):
        kind = table.columns[column].kind
        series.append(
            {
                "name": table.columns[column].title,
                "type": "line" if column in lines else "bar",
                "data": [plain_number(row.cells[column], kind) for row in rows],
                "unit": _unit(kind),
                across: len(value_axes) - 1 if _is_share(kind) else 0,
                **({"stack": "sum"} if is_stacked and column in bars else {}),
                **({"connectNulls": True, "symbolSize": 7} if column in lines else {"barMaxWidth": 36}),
            }
        )
    axes = {"xAxis": value_axes, "yAxis": names} if is_horizontal else {"xAxis": names, "yAxis": value_axes}
    return _option({**axes, "series": series}, has_legend=len(series) > 1, is_by_category=True)


def lorenz_chart(points: Sequence[tuple[Fraction, Fraction]]) -> str:
    """The Lorenz curve under the line of equal parts."""
    if len(points) < 2:
        return ""

    def line(name: str, data: list[list[float]], kind: str) -> dict[str, Any]:
        return {
            "name": name,
            "type": "line",
            "data": data,
            "unit": "%",
            "symbolSize": 6 if kind == "solid" else 0,
            "lineStyle": {"type": kind},
            **({"areaStyle": {"opacity": 0.12}} if kind == "solid" else {}),
        }

    curve = [[round(float(x) * 100, 2), round(float(y) * 100, 2)] for x, y in points]
    axis = {
        "min": 0,
        "max": 100,
        "type": "value",
        "axisLabel": {"formatter": "{value}%", "hideOverlap": True},
    }
    option = {
        "xAxis": axis
        | {"name": _("share of organizations, the smallest first"), "nameLocation": "middle", "nameGap": 28},
        "yAxis": axis,
        "series": [
            line(_("Share of money"), curve, "solid"),
            line(_("Equal parts"), [[0, 0], [100, 100]], "dashed"),
        ],
    }
    return _option(option, has_legend=True, is_by_category=False)


def short(name: Cell) -> str:
    """A name that fits beside a bar."""
    text, width = str(name), 0
    for position, character in enumerate(text):
        width += 2 if east_asian_width(character) in "WF" else 1
        if width > WIDEST_NAME:
            return f"{text[: position - 1]}…"
    return text


def _option(option: dict[str, Any], *, has_legend: bool, is_by_category: bool) -> str:
    base: dict[str, Any] = {
        "color": COLOURS,
        # Not moving: whoever prints or takes a picture sees the whole chart at once.
        "animation": False,
        # Drawn on the canvas: a tooltip of HTML brings inline styles, which the security policy refuses.
        "tooltip": {
            "trigger": "axis" if is_by_category else "item",
            "renderMode": "richText",
            "confine": True,
        },
        "grid": {"left": 8, "right": 12, "top": 40 if has_legend else 16, "bottom": 8, "containLabel": True},
    }
    if has_legend:
        base["legend"] = {"top": 0, "type": "scroll"}
    if not is_by_category:
        base["grid"]["bottom"] = 28
    return json.dumps({**base, **option}, ensure_ascii=False, separators=(",", ":"))


def _value_axis(is_share: bool) -> dict[str, Any]:
    if is_share:
        return {
            "type": "value",
            "min": 0,
            "max": 100,
            "axisLabel": {"formatter": "{value}%", "hideOverlap": True},
        }
    return {"type": "value", "minInterval": 1}


def _is_share(kind: Kind) -> bool:
    return kind is Kind.SHARE


def _unit(kind: Kind) -> str:
    if kind is Kind.WAN:
        return _(" 万元")
    return "%" if kind is Kind.SHARE else ""
