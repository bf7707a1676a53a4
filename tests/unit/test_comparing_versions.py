"""Two versions of a challenge compared: nothing is lost, nothing is shown that has not changed."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from challenges.amendments.comparison import Mark, RowChange, compare, compare_texts, words
from challenges.amendments.content import Content, is_substantial

PIECES = st.lists(
    st.sampled_from(
        [
            "合格率",
            "不低于",
            "85%",
            "90%",
            "，",
            "。",
            "\n",
            " ",
            "Ti-6Al-4V",
            "单晶叶片",
            "与",
            "5",
            "nm",
            "𠮷",
        ]
    ),
    max_size=30,
).map("".join)


def shown(text_before: str, text_after: str) -> list[tuple[str, str]]:
    return [(part.mark.value, part.text) for part in compare_texts(text_before, text_after)]


@given(st.text(max_size=60) | PIECES)
def test_words_join_to_the_text_again(text: str) -> None:
    assert "".join(words(text)) == text


@settings(max_examples=300)
@given(PIECES, PIECES)
def test_the_parts_hold_both_versions(before: str, after: str) -> None:
    parts = compare_texts(before, after)
    assert "".join(part.text for part in parts if part.mark is not Mark.ADDED) == before
    assert "".join(part.text for part in parts if part.mark is not Mark.REMOVED) == after
    assert all(part.text for part in parts)
    assert all(one.mark is not two.mark for one, two in itertools.pairwise(parts))


@given(PIECES)
def test_the_same_text_has_nothing_marked(text: str) -> None:
    assert all(part.mark is Mark.KEPT for part in compare_texts(text, text))


def test_single_words_are_marked_and_measured_values_stay_whole() -> None:
    assert shown("合格率不低于85%，检出率高。", "合格率不低于90.5%，检出率高。") == [
        ("kept", "合格率不低于"),
        ("removed", "85"),
        ("added", "90.5"),
        ("kept", "%，检出率高。"),
    ]


def test_a_sentence_put_in_leaves_the_others_alone() -> None:
    assert shown("研究铸造工艺。研究检测。", "研究铸造工艺。研究涂层。研究检测。") == [
        ("kept", "研究铸造工艺。"),
        ("added", "研究涂层。"),
        ("kept", "研究检测。"),
    ]


def test_a_passage_that_is_new_from_end_to_end_is_shown_as_replaced_without_delay() -> None:
    before, after = "".join(f"甲{n}乙" for n in range(2000)), "".join(f"丙{n}丁" for n in range(2000))
    assert shown(before, after) == [("removed", before), ("added", after)]


def row(key: str, text: str, budget: str = "100") -> dict[str, object]:
    return {"id": key, "text": text, "target": "", "weight": "50", "budget_wan": budget}


def content(*rows: dict[str, object], **values: object) -> Content:
    blank = dict.fromkeys(
        [
            "title",
            "difficulty",
            "indicators",
            "content",
            "conditions",
            "ip_terms",
            "benefit_terms",
            "contact_name",
            "contact_phone",
            "contact_email",
        ],
        "",
    )
    return {
        **blank,
        "investment_wan": "600",
        "reward_wan": "600",
        "time_limit_months": 18,
        "deadline_at": "2026-12-31T00:00:00+00:00",
        "requirements": list(rows),
        **values,
    }


def test_rows_are_told_apart_by_their_ids_not_by_their_places() -> None:
    before = content(row("a", "铸造"), row("b", "涂层"), row("c", "检测"))
    after = content(row("c", "检测"), row("d", "装配"), row("a", "精密铸造"))
    rows = compare(before, after).rows
    assert [(item.kind, item.number_before, item.number_after) for item in rows] == [
        (RowChange.MOVED, 3, 1),
        (RowChange.ADDED, None, 2),
        (RowChange.CHANGED, 1, 3),
        (RowChange.REMOVED, 2, None),
    ]


def test_a_row_that_only_moves_up_because_one_before_it_is_dropped_has_not_changed() -> None:
    before, after = content(row("a", "铸造"), row("b", "涂层")), content(row("b", "涂层"))
    assert [item.kind for item in compare(before, after).rows] == [RowChange.REMOVED]


def test_money_and_time_are_shown_as_they_were_and_are() -> None:
    (change,) = compare(content(), content(reward_wan="500")).changes
    assert (change.name, change.before, change.after, change.parts) == ("reward_wan", "600", "500", ())


def test_a_later_deadline_or_another_contact_is_no_change_of_substance_and_everything_else_is() -> None:
    before = content(row("a", "铸造"))
    assert not is_substantial(before, content(row("a", "铸造"), deadline_at="2027-01-31T00:00:00+00:00"))
    assert not is_substantial(before, content(row("a", "铸造"), contact_phone="0571-1"))
    for values in ({"title": "新"}, {"reward_wan": "1"}, {"ip_terms": "共有"}, {"time_limit_months": 12}):
        assert is_substantial(before, content(row("a", "铸造"), **values)), values
    assert is_substantial(before, content(row("a", "铸造", budget="99")))
