from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from matching.quota import (
    Controller,
    QuotaError,
    QuotaMember,
    QuotaRule,
    as_wan,
    evaluate_quota,
    exact_number,
    hundred_yuan,
)

LARGE = QuotaMember.of("large", "enterprise", "large", 70)


def member(
    identifier: str = "sme",
    size: Any = "small",
    budget_wan: Any = 30,
    controllers: Any = (),
    kind: Any = "enterprise",
):
    return QuotaMember.of(identifier, kind, size, budget_wan, controllers)


def counted(*members):
    result = evaluate_quota(QuotaRule(), members[0].id, members)
    return {part.id: (part.counted, part.code, part.because_of) for part in result.members}


def test_a_share_that_is_met_to_the_unit_holds_and_one_unit_less_does_not():
    rule = QuotaRule(min_sme_budget_share=0.3)
    kept = evaluate_quota(rule, "large", [LARGE, member(budget_wan=30)])
    broken = evaluate_quota(
        rule, "large", [member("large", "large", Decimal("70.01")), member(budget_wan=Decimal("29.99"))]
    )
    assert kept.holds
    assert kept.part("min_sme_budget_share").value == Fraction(3, 10)
    assert not broken.holds
    assert [part.name for part in broken.failing] == ["min_sme_budget_share"]


def test_rounding_never_decides_a_share_of_large_money():
    # In floats 10**13 · 0.1 and its neighbour one unit below round to the same share of 10%.
    total = 10**11
    rule = QuotaRule(min_sme_budget_share="0.1")
    for short, holds in ((0, True), (1, False)):
        sme = hundred_yuan(total) // 10 - short
        lead = QuotaMember("large", "enterprise", "large", hundred_yuan(total) - sme)
        assert (
            evaluate_quota(rule, "large", [lead, QuotaMember("s", "enterprise", "micro", sme)]).holds is holds
        )


def test_an_sme_that_a_large_enterprise_controls_is_not_counted_and_one_under_a_small_one_is():
    assert counted(LARGE, member(controllers=[Controller("g", "large")]))["sme"] == (
        False,
        "large_controller",
        "g",
    )
    assert counted(LARGE, member(controllers=[Controller("g", "small")]))["sme"] == (True, None, None)


def test_an_sme_with_the_legal_representative_of_a_large_enterprise_is_not_counted():
    relation = Controller("g", "large", "same_legal_representative")
    assert counted(LARGE, member(controllers=[relation]))["sme"] == (False, "same_legal_representative", "g")


def test_sharing_a_legal_representative_with_a_small_member_is_no_control():
    other = member("other")
    relation = Controller("other", "small", "same_legal_representative")
    assert counted(other, member(controllers=[relation]))["sme"] == (True, None, None)


def test_an_sme_that_another_member_controls_is_not_counted_and_without_that_member_it_is():
    controlled = member(controllers=[Controller("other", "small")])
    assert counted(member("other"), controlled)["sme"] == (False, "controlled_by_member", "other")
    assert counted(LARGE, controlled)["sme"] == (True, None, None)


def test_an_institute_that_is_a_member_and_controls_an_sme_takes_its_count_away():
    institute = QuotaMember.of("cas", "research_institute", None, 10)
    assert (
        counted(institute, member(controllers=[Controller("cas", None)]))["sme"][1] == "controlled_by_member"
    )


def test_a_controller_known_to_be_large_as_a_member_counts_as_large():
    assert counted(LARGE, member(controllers=[Controller("large", None)]))["sme"][1] == "large_controller"


def test_an_organization_does_not_control_itself():
    assert counted(LARGE, member(controllers=[Controller("sme", "small")]))["sme"][0]


@pytest.mark.parametrize(
    ("kind", "size", "code"),
    [
        ("university", None, "not_an_enterprise"),
        ("research_institute", "small", "not_an_enterprise"),
        ("enterprise", None, "size_unknown"),
        ("enterprise", "large", "large"),
        ("enterprise", "medium", None),
        ("enterprise", "micro", None),
    ],
)
def test_only_a_medium_small_or_micro_enterprise_counts(kind, size, code):
    assert counted(LARGE, member(kind=kind, size=size))["sme"][1] == code


def test_the_rule_binds_under_a_large_lead_and_not_under_another():
    rule = QuotaRule(min_sme_budget_share="0.5")
    members = [LARGE, member()]
    assert not evaluate_quota(rule, "large", members).holds
    under_sme = evaluate_quota(rule, "sme", members)
    assert under_sme.holds
    assert not under_sme.applies
    assert not under_sme.part("min_sme_budget_share").holds


def test_a_rule_for_all_binds_under_any_lead():
    rule = QuotaRule(min_sme_budget_share="0.5", applies_to="all")
    assert not evaluate_quota(rule, "sme", [LARGE, member()]).holds


def test_a_rule_binds_while_no_lead_is_named():
    assert not evaluate_quota(QuotaRule(min_sme_budget_share="0.5"), None, [LARGE, member()]).holds


def test_the_maximum_of_members_binds_whoever_leads():
    members = [member("a"), member("b")]
    assert not evaluate_quota(QuotaRule(max_members=1), "a", members).holds
    assert evaluate_quota(QuotaRule(max_members=2), "a", members).holds


def test_small_and_micro_are_measured_within_the_counted_smes():
    members = [LARGE, member("m", "medium", 20), member("s", "small", 20), member("u", "micro", 10)]
    part = evaluate_quota(QuotaRule(min_small_micro_share_of_sme="0.6"), "large", members).part(
        "min_small_micro_share_of_sme"
    )
    assert (part.numerator, part.denominator, part.holds) == (3000, 5000, True)
    assert not evaluate_quota(QuotaRule(min_small_micro_share_of_sme="0.61"), "large", members).holds


def test_heads_are_counted_in_number_and_in_share():
    members = [LARGE, member("a"), member("u", None, 10, kind="university")]
    assert evaluate_quota(QuotaRule(min_sme_members=1), "large", members).holds
    assert not evaluate_quota(QuotaRule(min_sme_members=2), "large", members).holds
    assert evaluate_quota(QuotaRule(min_sme_member_share=Fraction(1, 3)), "large", members).holds
    assert not evaluate_quota(QuotaRule(min_sme_member_share="0.3334"), "large", members).holds


def test_a_share_of_no_money_holds_and_has_no_value():
    part = evaluate_quota(
        QuotaRule(min_sme_budget_share=1), "large", [member("large", "large", 0), member(budget_wan=0)]
    ).part("min_sme_budget_share")
    assert part.holds
    assert part.value is None
    assert part.as_json()["value"] is None


def test_a_number_that_the_rule_lacks_constrains_nothing():
    result = evaluate_quota(QuotaRule(), "large", [LARGE])
    assert result.holds
    assert all(part.threshold is None for part in result.parts)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("min_sme_budget_share", 1.01),
        ("min_sme_budget_share", -0.1),
        ("min_sme_member_share", float("nan")),
        ("min_small_micro_share_of_sme", "a third"),
        ("min_score", True),
        ("min_sme_members", 1.5),
        ("min_sme_members", -1),
        ("max_members", 0),
        ("applies_to", "some"),
    ],
)
def test_a_rule_that_cannot_be_is_refused_by_the_name_of_its_field(field, value):
    with pytest.raises(QuotaError) as caught:
        QuotaRule(**{field: value})
    assert caught.value.field == field


def test_a_misspelt_part_of_a_rule_is_refused():
    with pytest.raises(QuotaError) as caught:
        QuotaRule.from_json({"min_sme_budget_shares": 0.3})
    assert caught.value.field == "min_sme_budget_shares"


def test_a_rule_survives_its_way_through_json():
    rule = QuotaRule(min_sme_budget_share="0.3", min_sme_members=2, max_members=5, applies_to="all")
    assert QuotaRule.from_json(rule.as_json()) == rule


def test_a_changed_rule_keeps_its_other_numbers():
    rule = QuotaRule(min_sme_budget_share="0.3", max_members=5)
    assert rule.replaced(max_members=None) == QuotaRule(min_sme_budget_share="0.3")


def test_money_is_taken_to_the_hundredth_and_no_finer():
    assert hundred_yuan(Decimal("0.01")) == 1
    assert hundred_yuan(12.34) == 1234
    assert as_wan(1234) == Decimal("12.34")
    for wrong in (Decimal("0.001"), -1, Decimal("Infinity"), Decimal("1e30"), "1e999999999"):
        with pytest.raises(QuotaError):
            hundred_yuan(wrong)


def test_a_float_means_the_decimal_that_it_was_written_as():
    assert exact_number(0.1, "x") * 3 == exact_number(0.3, "x")
    assert exact_number(1e-300, "x") >= 0


def test_a_member_twice_and_a_lead_from_outside_are_refused():
    with pytest.raises(QuotaError, match="twice"):
        evaluate_quota(QuotaRule(), "sme", [member(), member()])
    with pytest.raises(QuotaError, match="lead"):
        evaluate_quota(QuotaRule(), "x", [member()])
