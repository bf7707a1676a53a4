from solvers.models import CapabilityProfile, EvidenceItem, EvidenceKind
from solvers.profiles.completeness import GOOD_EVIDENCE, GOOD_SUMMARY, assess


def evidence(kind: EvidenceKind, length: int = GOOD_EVIDENCE) -> EvidenceItem:
    return EvidenceItem(kind=kind, title="标题", text="字" * length)


def profile(**values: object) -> CapabilityProfile:
    defaults = {"summary": "", "team": "", "keywords": [], "subfield_codes": [], "evidence": []}
    return CapabilityProfile(**{**defaults, **values})


def missing(judged: CapabilityProfile | None) -> set[str]:
    return {criterion.name for criterion in assess(judged).missing}


def test_nothing_is_complete_in_no_profile() -> None:
    assert assess(None).points == 0
    assert assess(profile()).points == 0


def test_everything_makes_a_hundred() -> None:
    whole = profile(
        summary="字" * GOOD_SUMMARY,
        team="字" * 30,
        keywords=["甲", "乙", "丙"],
        subfield_codes=["0401"],
        evidence=[
            evidence(EvidenceKind.PATENT),
            evidence(EvidenceKind.PROJECT),
            evidence(EvidenceKind.EQUIPMENT),
        ],
    )
    assert assess(whole).points == 100
    assert missing(whole) == set()


def test_the_points_of_all_criteria_sum_to_a_hundred() -> None:
    assert sum(criterion.points for criterion in assess(None).criteria) == 100


def test_a_summary_one_character_short_is_missing_and_its_present_length_is_said() -> None:
    short = assess(profile(summary="字" * (GOOD_SUMMARY - 1)))
    [criterion] = [each for each in short.missing if each.name == "summary"]
    assert str(GOOD_SUMMARY - 1) in str(criterion.missing)
    assert "summary" not in missing(profile(summary="字" * GOOD_SUMMARY))


def test_one_item_without_text_is_enough_to_ask_for_it() -> None:
    items = [evidence(EvidenceKind.PATENT), evidence(EvidenceKind.PAPER, GOOD_EVIDENCE - 1)]
    assert "described" in missing(profile(evidence=items))
    assert "described" not in missing(profile(evidence=items[:1]))


def test_capabilities_and_equipment_are_neither_examined_nor_applied_work() -> None:
    named = missing(profile(evidence=[evidence(EvidenceKind.CAPABILITY), evidence(EvidenceKind.EQUIPMENT)]))
    assert {"examined", "applied"} <= named


def test_what_counts_most_is_named_first() -> None:
    points = [criterion.points for criterion in assess(None).missing]
    assert points == sorted(points, reverse=True)
