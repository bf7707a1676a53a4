"""What was added since is found with what was there, by the same scores."""

import math
from random import Random

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


@settings(max_examples=150, deadline=None)
@given(
    BASE,
    st.lists(st.one_of(DOCUMENT, st.sampled_from([f"d{number}" for number in range(6)])), max_size=8),
    QUERY,
    st.sets(st.sampled_from([f"d{number}" for number in range(6)])),
)
def test_searching_and_asking_for_one_give_the_scores_of_the_ranking(
    base: list[Document], changes: list[Document | str], query: Query, among: set[str]
) -> None:
    growing = GrowingIndex(Index.build(base))
    present = {document.id for document in base}
    for change in changes:
        if isinstance(change, str):
            assert growing.discard(change) == (change in present)
            present.discard(change)
        else:
            growing.put(change)
            present.add(change.id)
    grown = growing.grown()
    ranked = grown.rank(query, 20)
    assert len(grown) == len(present)
    assert {name for name in (f"d{number}" for number in range(6)) if name in grown} == present
    assert grown.search(query) == [(each.id, round(each.score, 12)) for each in ranked]
    assert grown.search(query, limit=2) == grown.search(query)[:2]
    assert grown.search(query, among=among) == [each for each in grown.search(query) if each[0] in among]
    for each in ranked:
        assert grown.candidate(query, each.id) == each
    for name in present - {each.id for each in ranked}:
        assert grown.candidate(query, name).score < 1e-12
    with pytest.raises(KeyError):
        grown.candidate(query, "nobody")


@settings(max_examples=100, deadline=None)
@given(BASE, st.lists(DOCUMENT, max_size=4), st.lists(DOCUMENT, max_size=4), QUERY)
def test_what_has_grown_once_never_changes(
    base: list[Document], first: list[Document], later: list[Document], query: Query
) -> None:
    growing = GrowingIndex(Index.build(base))
    for document in first:
        growing.put(document)
    grown = growing.grown()
    before = grown.rank(query, 20), grown.search(query), len(grown)
    for document in later:
        growing.put(document)
        growing.discard(document.id[:1] + "0")
    assert (grown.rank(query, 20), grown.search(query), len(grown)) == before


@settings(max_examples=100, deadline=None)
@given(BASE, st.lists(DOCUMENT, max_size=6))
def test_drift_is_how_far_the_frequencies_of_a_rebuild_are_away(
    base: list[Document], changes: list[Document]
) -> None:
    index = Index.build(base)
    growing = GrowingIndex(index)
    present = {document.id: document for document in base}
    for document in changes:
        growing.put(document)
        present[document.id] = document
    fresh = Index.build(list(present.values()))
    then = {term: float(index.idf[number]) for term, number in index.vocabulary.items()}
    unknown = math.log(1.0 + len(base)) + 1.0
    shifts = [
        frequency * abs(float(fresh.idf[number]) - then.get(term, unknown))
        for (term, number), frequency in zip(
            fresh.vocabulary.items(), fresh.document_frequency.tolist(), strict=True
        )
    ]
    occurrences = sum(fresh.document_frequency.tolist())
    assert growing.drift().idf == pytest.approx(sum(shifts) / max(occurrences, 1), abs=1e-9)
    grown = growing.grown()
    present_now = {
        term: int(fresh.document_frequency[number])
        for term, number in fresh.vocabulary.items()
        if fresh.document_frequency[number]
    }
    assert {
        term: int(grown.document_frequency[number]) for term, number in grown.vocabulary.items()
    } == present_now
    assert all(grown.knows_term(term) for term in present_now)


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


def test_additions_turned_into_postings_score_to_the_last_bit_as_those_read_one_by_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    random = Random(20261124)

    def text() -> str:
        return " ".join(random.choices([*WORDS, "新词甲", "新词乙"], k=9))

    documents = [
        Document(f"n{number:03}", text(), tuple(Evidence(text()) for _ in range(number % 5)))
        for number in range(300)
    ]
    read, turned = (GrowingIndex(Index.build([Document("a", " ".join(WORDS))])) for _ in range(2))
    for number, document in enumerate(documents):
        read.put(document)
        turned.put(document)
        if number == 250:
            # Most are turned, what follows is read; one of the turned is edited, one is removed.
            with monkeypatch.context() as context:
                context.setattr("matching.growing.TURNED_EVERY", 200)
                turned.grown()
            for index in (read, turned):
                index.put(Document("n003", "w1x 新词丙"))
                index.remove("n100")
    queries = [Query(text()), Query(text() + " 新词丙", (QueryPart("r", text(), 1.0),))]
    for query in queries:
        for filters in (None, Filters(excluded_ids=frozenset({"n050"}))):
            expected = [(each.id, each.score) for each in read.rank(query, 400, filters)]
            assert [(each.id, each.score) for each in turned.rank(query, 400, filters)] == expected
        assert turned.grown().search(query) == read.grown().search(query)


def test_growing_does_not_change_the_base() -> None:
    base = Index.build([Document("a", "热障涂层"), Document("b", "涂层")])
    before = rank(base, Query("涂层"))
    growing = GrowingIndex(base)
    growing.remove("a")
    growing.put(Document("b", "平台"))
    assert rank(base, Query("涂层")) == before
