"""Marked texts join to the text again; missing terms are missing and their gain is real."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matching.documents import Document, Evidence, Query
from matching.explanation import mark, missing_terms
from matching.index import Index


@settings(max_examples=100, deadline=None)
@given(
    st.text(alphabet="高温合金叶片的涂层5nm ℃ＡＢ，", max_size=40),
    st.sets(st.sampled_from(["涂层", "合金", "5nm", "ab"])),
)
def test_pieces_join_to_the_text_and_neighbours_differ(text: str, terms: set[str]) -> None:
    pieces = mark(text, terms)
    assert "".join(piece.text for piece in pieces) == text
    assert all(piece.text for piece in pieces)
    assert all(one.marked != other.marked for one, other in itertools.pairwise(pieces))


def test_a_term_is_marked_in_every_spelling_and_another_is_not() -> None:
    pieces = mark("ＰＭ2.5与PM2.5、PM10", {"pm2.5"})
    assert [piece.text for piece in pieces if piece.marked] == ["ＰＭ2.5", "PM2.5"]


def test_overlapping_terms_make_one_piece() -> None:
    assert [piece.text for piece in mark("高温合金叶片", {"高温", "温合", "合金"}) if piece.marked] == [
        "高温合金"
    ]


def test_missing_terms_are_those_that_the_profile_lacks_with_what_they_would_add() -> None:
    query = Query("热障涂层的等离子喷涂")
    lacking = Document(id="a", text="热障涂层", evidence=(Evidence("热障涂层寿命"),))
    others = [Document(id="b", text="等离子喷涂设备"), Document(id="c", text="电子商务")]
    index = Index.build([lacking, *others])
    missing = missing_terms(index, query, "a")
    assert "等离子" in {each.term for each in missing}
    assert not {each.term for each in missing} & {"热障", "涂层", "电子商务"}
    assert [each.gain for each in missing] == sorted((each.gain for each in missing), reverse=True)
    assert all(each.gain > 0 for each in missing)


def test_a_profile_that_says_everything_lacks_nothing() -> None:
    index = Index.build([Document(id="a", text="热障涂层"), Document(id="b", text="其他")])
    assert missing_terms(index, Query("热障涂层"), "a") == []


def test_a_document_that_is_not_there_cannot_be_explained() -> None:
    with pytest.raises(KeyError):
        missing_terms(Index.build([]), Query("涂层"), "nobody")
