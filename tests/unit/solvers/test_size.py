import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidError
from solvers.industries import NAMES
from solvers.models import SizeClass
from solvers.size import BOUNDED_CLASSES, GROUPS, Indicator, SizeGroup, classify, group_of
from solvers.tables import read_table

# One class of each group, to be read beside the statutory table.
EXAMPLES = {
    "agriculture": "A0111",
    "industry": "C3562",
    "construction": "E4710",
    "wholesale": "F5111",
    "retail": "F5211",
    "transport": "G5437",
    "warehousing": "G5941",
    "post": "G6010",
    "accommodation": "H6110",
    "catering": "H6210",
    "information_transmission": "I6311",
    "software": "I6513",
    "real_estate_development": "K7010",
    "property_management": "K7020",
    "leasing_business_services": "L7211",
    "other": "M7320",
}
ABOVE = {
    SizeClass.MICRO: SizeClass.SMALL,
    SizeClass.SMALL: SizeClass.MEDIUM,
    SizeClass.MEDIUM: SizeClass.LARGE,
}
BELOW = {above: below for below, above in ABOVE.items()}


def decide(group: SizeGroup, figures: dict[Indicator, Decimal]) -> SizeClass | None:
    return classify(
        EXAMPLES[group.key],
        **{name.field_name: value for name, value in figures.items()},  # type: ignore[arg-type]
    ).size


def test_the_table_has_sixteen_groups_and_an_example_of_each() -> None:
    assert [group.key for group in GROUPS] == list(EXAMPLES)
    assert all(group_of(code) == group for group, code in zip(GROUPS, EXAMPLES.values(), strict=True))


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.key)
@pytest.mark.parametrize("size", BOUNDED_CLASSES)
def test_exactly_at_every_bound_the_class_is_reached(group: SizeGroup, size: SizeClass) -> None:
    assert decide(group, {name: Decimal(bound) for name, bound in group.bounds[size].items()}) is size


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.key)
@pytest.mark.parametrize("size", BOUNDED_CLASSES)
def test_just_below_any_one_bound_the_class_is_one_down(group: SizeGroup, size: SizeClass) -> None:
    for short in group.indicators:
        figures = {name: Decimal(bound) for name, bound in group.bounds[size].items()}
        # Whole persons, and the 100 CNY that forms accept as the smallest unit of money.
        figures[short] -= 1 if short is Indicator.EMPLOYEES else Decimal("0.01")
        assert decide(group, figures) is BELOW[size]


def test_industry_at_the_figures_of_the_statutory_table() -> None:
    assert classify("C3562", 1000, 40000).size is SizeClass.LARGE
    assert classify("C3562", 999, 40000).size is SizeClass.MEDIUM
    assert classify("C3562", 300, 2000).size is SizeClass.MEDIUM
    assert classify("C3562", 280, 1900).size is SizeClass.SMALL
    assert classify("C3562", 5000, 299).size is SizeClass.MICRO
    assert classify("C3562", 19, 100000).size is SizeClass.MICRO


def test_the_rule_names_what_kept_it_out_of_the_next_class() -> None:
    decision = classify("3562", 280, 2000)
    assert decision.industry_code == "C3562"
    assert [(line.indicator, line.threshold) for line in decision.missed_lines] == [
        (Indicator.EMPLOYEES, 300)
    ]
    assert [(line.indicator, line.value, line.reached) for line in decision.deciding_lines] == [
        (Indicator.EMPLOYEES, 280, True),
        (Indicator.REVENUE, 2000, True),
    ]
    assert [line.size for line in decision.lines] == [SizeClass.LARGE] * 2 + [SizeClass.MEDIUM] * 2 + [
        SizeClass.SMALL
    ] * 2


def test_micro_is_explained_by_the_missed_bounds_of_small() -> None:
    decision = classify("C3562", 10, 5000)
    assert [line.indicator for line in decision.deciding_lines] == [Indicator.EMPLOYEES]
    assert decision.missed_lines == decision.deciding_lines


@pytest.mark.parametrize("code", ["J6621", "G5310", "K7040", "P8321", "Q8411", "S9211", "S91", "T9700"])
def test_an_industry_outside_the_table_has_no_class_and_says_so(code: str) -> None:
    decision = classify(code, 5000, 100000, 100000)
    assert decision.size is None
    assert decision.uncovered is not None
    assert decision.uncovered.name


@pytest.mark.parametrize(
    ("code", "key"),
    [
        ("G591", "transport"),
        ("G5990", "warehousing"),
        ("K701", "real_estate_development"),
        ("K7030", "other"),
        ("K709", "other"),
        ("Q85", "other"),
        ("G58", "transport"),
        ("D46", "industry"),
        ("B06", "industry"),
        ("ｃ３５６２", "industry"),
        (" c3562 ", "industry"),
    ],
)
def test_codes_fall_into_their_group(code: str, key: str) -> None:
    part = group_of(code)
    assert isinstance(part, SizeGroup)
    assert part.key == key


@pytest.mark.parametrize(
    "code", ["", "C", "C3", "C35621", "X3562", "B3562", "C9999", "99", "C 35-62", "K7099"]
)
def test_what_is_no_code_is_refused(code: str) -> None:
    with pytest.raises(InvalidError) as refusal:
        classify(code, 100, 100, 100)
    assert set(refusal.value.errors) == {"industry_code"}


@pytest.mark.parametrize("code", ["59", "G59", "K70"])
def test_a_code_over_several_groups_asks_for_a_more_exact_one(code: str) -> None:
    with pytest.raises(InvalidError) as refusal:
        classify(code, 100, 100, 100)
    assert set(refusal.value.errors) == {"industry_code"}


def test_a_class_missing_from_the_code_table_is_decided_by_its_division() -> None:
    assert "C3599" not in NAMES or NAMES["C3599"]
    unlisted = next(f"C35{number:02}" for number in range(100) if f"C35{number:02}" not in NAMES)
    assert classify(unlisted, 280, 1900).size is SizeClass.SMALL


def test_missing_and_negative_figures_are_named() -> None:
    with pytest.raises(InvalidError) as refusal:
        classify("E4710", employees=20, revenue_wan=-1)
    assert set(refusal.value.errors) == {"revenue_wan", "assets_wan"}
    assert classify("A0111", revenue_wan=600).size is SizeClass.MEDIUM


def test_every_listed_code_of_four_digits_is_answered() -> None:
    for code in NAMES:
        if len(code) == 5:
            group_of(code)


def test_no_code_belongs_to_two_parts_of_the_table() -> None:
    table = read_table("enterprise_size_2017.json")
    parts = [
        *(row["gbt4754"] for row in table["groups"]),
        *([row["gbt4754"]] for row in table["not_covered"]),
    ]

    def holds(ranges: list[str], digits: str) -> bool:
        return any(
            first <= digits[: len(first)] <= (last or first)
            for first, last in (re.fullmatch(r"(\d+)(?:-(\d+))?", item).groups() for item in ranges)  # type: ignore[union-attr]
        )

    for code in NAMES:
        if len(code) == 5:
            assert sum(holds(ranges, code[1:]) for ranges in parts) == 1, code


ORDER = [SizeClass.MICRO, SizeClass.SMALL, SizeClass.MEDIUM, SizeClass.LARGE]
figure = st.decimals(min_value=0, max_value=500_000, places=2)


@given(
    group=st.sampled_from(GROUPS),
    employees=st.integers(0, 5000),
    revenue=figure,
    assets=figure,
    more=st.tuples(st.integers(0, 3000), figure, figure),
)
def test_growing_never_makes_an_enterprise_smaller(
    group: SizeGroup,
    employees: int,
    revenue: Decimal,
    assets: Decimal,
    more: tuple[int, Decimal, Decimal],
) -> None:
    code = EXAMPLES[group.key]
    before = classify(code, employees, revenue, assets).size
    after = classify(code, employees + more[0], revenue + more[1], assets + more[2]).size
    assert before is not None
    assert after is not None
    assert ORDER.index(after) >= ORDER.index(before)


@given(group=st.sampled_from(GROUPS), employees=st.integers(0, 5000), revenue=figure, assets=figure)
def test_the_class_is_the_highest_of_which_every_bound_is_reached(
    group: SizeGroup, employees: int, revenue: Decimal, assets: Decimal
) -> None:
    decision = classify(EXAMPLES[group.key], employees, revenue, assets)
    values = {Indicator.EMPLOYEES: employees, Indicator.REVENUE: revenue, Indicator.ASSETS: assets}
    reached = [
        size
        for size in BOUNDED_CLASSES
        if all(values[name] >= bound for name, bound in group.bounds[size].items())
    ]
    assert decision.size is (reached[0] if reached else SizeClass.MICRO)
    assert all(line.reached == (line.value >= line.threshold) for line in decision.lines)
    assert bool(decision.missed_lines) == (decision.size is not SizeClass.LARGE)
