"""The quota in words: parts of the computation, reasons why a member does not count, conflicts of the solver."""

from collections.abc import Iterable, Mapping
from decimal import ROUND_DOWN, Decimal
from fractions import Fraction
from typing import Any

from babel.numbers import format_decimal

from core.i18n import current_locale
from core.i18n import gettext as _
from matching.quota import RULE_COUNTS, RULE_SHARES, QuotaPart, QuotaRule, as_wan

# Cut, never rounded: 29.996% must not read as the 30% that it misses.
SHARE_DIGITS = Decimal("0.0001")


def percent(share: Fraction | float | None) -> str:
    """A share as a percentage with up to two decimals, cut."""
    if share is None:
        return "–"
    exact = Fraction(share) if isinstance(share, Fraction) else Fraction(str(share))
    number = (Decimal(exact.numerator) / Decimal(exact.denominator)).quantize(
        SHARE_DIGITS, rounding=ROUND_DOWN
    )
    return format_decimal(number * 100, "0.##", locale=current_locale()) + "%"


def rounded_percent(share: Fraction) -> str:
    """A share that nothing depends on, for reading."""
    number = Decimal(share.numerator) / Decimal(share.denominator) * 100
    return format_decimal(round(number, 1), "0.#", locale=current_locale()) + "%"


def wan(budget_hundred_yuan: int) -> str:
    number = format_decimal(as_wan(budget_hundred_yuan), "#,##0.##", locale=current_locale())
    return _("%(number)s 万元", number=number)


def part_name(name: str) -> str:
    return {
        "min_sme_budget_share": _("SMEs' share of the budget"),
        "min_small_micro_share_of_sme": _("Small and micro enterprises' share of the SMEs' budget"),
        "min_sme_members": _("Members that are SMEs"),
        "min_sme_member_share": _("SMEs' share of the members"),
        "max_members": _("Number of members"),
        "min_score": _("Least score of a member for its requirements"),
    }[name]


def part_names(names: Iterable[str]) -> str:
    return "、".join(part_name(name) for name in names)


def part_value(part: QuotaPart) -> str:
    return str(part.numerator) if part.is_count else percent(part.value)


def part_threshold(part: QuotaPart) -> str:
    if part.threshold is None:
        return _("not limited")
    if part.name == "max_members":
        return f"≤ {int(part.threshold)}"
    if part.is_count:
        return f"≥ {int(part.threshold)}"
    return f"≥ {percent(part.threshold)}"


def part_fraction(part: QuotaPart) -> str:
    """Numerator and denominator with their units; empty for plain counts."""
    if part.name in ("min_sme_budget_share", "min_small_micro_share_of_sme"):
        return f"{wan(part.numerator)} / {wan(part.denominator)}"
    if part.name == "min_sme_member_share":
        return f"{part.numerator} / {part.denominator}"
    return ""


def part_text(part: QuotaPart) -> str:
    """One line of the computation as a sentence."""
    return _(
        "%(name)s: %(value)s, required %(threshold)s.",
        name=part_name(part.name),
        value=part_value(part),
        threshold=part_threshold(part),
    )


def not_counted_text(code: str, because_of: str = "") -> str:
    """Why a member does not count as an SME; `because_of` is the other organization's name."""
    return {
        "": _("Counted as an SME"),
        "not_an_enterprise": _("Not counted: not an enterprise"),
        "size_unknown": _("Not counted: its size is not known"),
        "large": _("Not counted: a large enterprise"),
        "large_controller": _("Not counted: controlled by the large enterprise %(name)s", name=because_of),
        "same_legal_representative": _(
            "Not counted: same legal representative as the large enterprise %(name)s", name=because_of
        ),
        "controlled_by_member": _("Not counted: controlled by the member %(name)s", name=because_of),
    }[code]


def constraint_text(constraint: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """One of the constraints that conflict; `names` are those of organizations and requirements by id."""
    name, value = constraint["constraint"], constraint["value"]
    who = "、".join(names.get(item, item) for item in constraint["ids"])
    share = percent(value) if value is not None else ""
    number = "" if value is None else f"{float(value):g}"
    return {
        "min_sme_budget_share": _("SMEs hold at least %(share)s of the budget", share=share),
        "min_small_micro_share_of_sme": _(
            "small and micro enterprises hold at least %(share)s of the SMEs' budget", share=share
        ),
        "min_sme_members": _("at least %(number)s members are SMEs", number=number),
        "min_sme_member_share": _("at least %(share)s of the members are SMEs", share=share),
        "max_members": _("at most %(number)s members", number=number),
        "min_score": _("a member scores at least %(number)s for each of its requirements", number=number),
        "lead": _("%(name)s leads", name=who),
        "force": _("%(name)s is a member", name=who),
        "exclude": _("%(name)s is not a member", name=who),
        "forbid": _("%(name)s are not members together", name=who),
        "requirement": _("none of the ranked solvers scores for the requirement: %(name)s", name=who),
    }[name]


def rule_lines(rule: QuotaRule) -> list[str]:
    """A rule in sentences, one for each number that it has."""
    numbers = [
        (name, getattr(rule, name))
        for name in (*RULE_SHARES, *RULE_COUNTS)
        if getattr(rule, name) is not None
    ]
    lines = [constraint_text({"constraint": name, "value": value, "ids": []}, {}) for name, value in numbers]
    if rule.applies_to == "large_lead":
        lines.append(_("it binds projects led by a large enterprise"))
    return lines


def nearest_text(name: str, value: float | None) -> str:
    """The value of one number of the rule at which a consortium exists."""
    if value is None:
        return _("no value of this number alone helps")
    if name == "max_members":
        return _("possible with %(number)s members", number=int(value))
    if name == "min_sme_members":
        return _("possible with at least %(number)s SMEs", number=int(value))
    if name == "min_score":
        return _("possible from a score of %(number)s", number=f"{value:g}")
    return _("possible with at least %(share)s", share=percent(value))
