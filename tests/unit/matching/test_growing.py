"""What was added since is found with what was there, by the same scores."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matching.attributes import Filters
from matching.documents import Document, Evidence, Query, QueryPart
from matching.growing import GrowingIndex
from matching.index import Index, tokens_of
from matching.ranking import rank, score_tokens

WORDS = [f"w{number}x" for number in range(12)]
TEXT = st.lists(st.sampled_from(WORDS), max_size=8).map(" ".join)
DOCUMENT = st.builds(
    Document,
    id=st.sampled_from([f"d{number}" for number in range(6)]),
    text=TEXT,
    evidence=st.lists(st.builds(Evidence, text=TEXT, title=st.just("")), max_size=4).map(tuple),
    kind=st.sampled_from(["enterprise", "university"]),
)
QUERY = st.builds(
    lambda text, parts: Query(text, tuple(QueryPart(f"r{n}", part, 1.0 + n) for n, part in enumerate(parts))),
    TEXT,
    st.lists(TEXT, max_size=2),
)
BASE = st.lists(DOCUMENT, max_size=5, unique_by=lambda document: document.id)


@settings(max_examples=150, deadline=None)
@given(
    BASE,
    st.lists(DOCUMENT, max_size=5),
    QUERY,
    st.sampled_from([None, Filters(kinds=frozenset({"enterprise"}))]),
)
def test_base_and_additions_answer_by_the_formula_under_the_statistics_of_the_base(
    base: list[Document], added: list[Document], query: Query, filters: Filters | None
) -> None:
    index = Index.build(base)
    growing = GrowingIndex(index)
    present = {document.id: document for document in base}
    for document in added:
        growing.put(document)
        present[document.id] = document
    expected = {
        document.id: score_tokens(growing, query, tokens_of(document))
        for document in present.values()
        if filters is None or document.kind == "enterprise"
    }
    found = growing.rank(query, 20, filters)
    assert {candidate.id for candidate in found} == {name for name, score in expected.items() if score > 1e-7}
    for candidate in found:
        assert candidate.score == pytest.approx(expected[candidate.id], abs=1e-6)
        assert sum(part for _, part in candidate.terms) == pytest.approx(candidate.score, abs=1e-9)
    assert [candidate.id for candidate in found] == [
        candidate.id for candidate in sorted(found, key=lambda each: (-round(each.score, 12), each.id))
    ]


@settings(max_examples=100, deadline=None)
@given(BASE, QUERY)
def test_an_index_that_did_not_grow_answers_as_it_is(base: list[Document], query: Query) -> None:
    index = Index.build(base)
    assert GrowingIndex(index).rank(query, 3) == rank(index, query, 3)


@settings(max_examples=100, deadline=None)
@given(BASE.filter(bool), QUERY)
def test_a_document_put_again_as_it_is_keeps_its_score_to_the_last_bit(
    base: list[Document], query: Query
) -> None:
    growing = GrowingIndex(Index.build(base))
    before = growing.rank(query, 20)
    for document in base:
        growing.put(document)
    assert growing.rank(query, 20) == before


def test_a_removed_document_is_not_found_and_cannot_be_removed_again() -> None:
    growing = GrowingIndex(Index.build([Document("a", "热障涂层"), Document("b", "涂层")]))
    growing.put(Document("c", "涂层"))
    growing.remove("a")
    growing.remove("c")
    assert [candidate.id for candidate in growing.rank(Query("涂层"))] == ["b"]
    for name in ("a", "c", "nobody"):
        with pytest.raises(KeyError):
            growing.remove(name)


def test_an_edited_document_is_found_by_its_new_text_only() -> None:
    growing = GrowingIndex(Index.build([Document("a", "热障涂层"), Document("b", "平台")]))
    growing.put(Document("a", "定向凝固"))
    assert growing.rank(Query("热障涂层")) == []
    assert [candidate.id for candidate in growing.rank(Query("定向凝固"))] == ["a"]
    assert growing.rank(Query("定向凝固"))[0].terms[0][0] in {"定向", "凝固", "向凝"}


def test_many_additions_are_all_found() -> None:
    growing = GrowingIndex(Index.build([Document("a", "热障涂层")]))
    for number in range(3000):
        growing.put(Document(f"n{number:04}", "涂层寿命", (Evidence("寿命预测"), Evidence("检测"))))
    assert growing.added == 3000
    assert len(growing.rank(Query("寿命"), 5000)) == 3000


def test_growing_does_not_change_the_base() -> None:
    base = Index.build([Document("a", "热障涂层"), Document("b", "涂层")])
    before = rank(base, Query("涂层"))
    growing = GrowingIndex(base)
    growing.remove("a")
    growing.put(Document("b", "平台"))
    assert rank(base, Query("涂层")) == before
