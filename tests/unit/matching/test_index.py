"""The weights are scikit-learn's, and an index never changes."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from matching.documents import Document, Evidence
from matching.index import DocumentTokens, Index, Level, tokens_of

WORDS = st.lists(st.sampled_from([f"t{number}" for number in range(12)]), max_size=15)


def index_of(texts: list[list[str]]) -> Index:
    documents = [Document(id=str(place)) for place in range(len(texts))]
    return Index.build(documents, [DocumentTokens(tuple(text), (tuple(text),)) for text in texts])


def dense(level: Level, index: Index) -> np.ndarray:
    matrix = np.zeros((level.texts, len(index.vocabulary)))
    for row in range(level.texts):
        for column, value in level.weights.row(row).items():
            matrix[row, column] = value
    return matrix


def as_vector(weights: dict[int, float], index: Index) -> np.ndarray:
    vector = np.zeros(len(index.vocabulary))
    for term, weight in weights.items():
        vector[term] = weight
    return vector


@settings(max_examples=150, deadline=None)
@given(st.lists(WORDS, min_size=1, max_size=8).filter(any), WORDS)
def test_the_items_weigh_as_tfidf_vectorizer_weighs_them(texts: list[list[str]], query: list[str]) -> None:
    index = index_of(texts)
    # Any callable will do as an analyzer, though the stubs know of strings only.
    analyzer: Any = list
    theirs: Any = TfidfVectorizer(analyzer=analyzer, sublinear_tf=True, smooth_idf=True, norm="l2")
    expected = theirs.fit_transform(texts).toarray()
    columns = [theirs.vocabulary_[term] for term in index.terms]
    np.testing.assert_allclose(dense(index.items, index), expected[:, columns], atol=1e-6)
    np.testing.assert_allclose(index.idf, theirs.idf_[columns], atol=1e-6)
    weights = index.tfidf(index.count_known(query))
    theirs_of_query = theirs.transform([query]).toarray()[0]
    np.testing.assert_allclose(as_vector(weights, index), theirs_of_query[columns], atol=1e-6)
    np.testing.assert_allclose(index.items.products(weights), expected @ theirs_of_query, atol=1e-6)


@settings(max_examples=100, deadline=None)
@given(st.lists(WORDS, min_size=1, max_size=6).filter(any), st.lists(WORDS, min_size=6, max_size=6))
def test_items_are_weighed_by_the_idf_of_whole_documents(
    wholes: list[list[str]], items: list[list[str]]
) -> None:
    documents = [Document(id=str(place)) for place in range(len(wholes))]
    tokens = [
        DocumentTokens(tuple(whole), (tuple(item),)) for whole, item in zip(wholes, items, strict=False)
    ]
    index = Index.build(documents, tokens)
    analyzer: Any = list
    theirs: Any = TfidfVectorizer(analyzer=analyzer, sublinear_tf=True, smooth_idf=True, norm="l2")
    vocabulary = {term: place for place, term in enumerate(index.terms)}
    theirs.set_params(vocabulary=vocabulary).fit(wholes)
    expected = theirs.transform([each.items[0] for each in tokens]).toarray()
    np.testing.assert_allclose(dense(index.items, index), expected, atol=1e-6)


@settings(max_examples=100, deadline=None)
@given(st.lists(WORDS, min_size=1, max_size=8).filter(any), WORDS)
def test_the_whole_level_is_bm25_over_its_upper_bound(texts: list[list[str]], query: list[str]) -> None:
    index = index_of(texts)
    mean = np.mean([len(text) for text in texts])
    known = {term for term in query if term in index.vocabulary}
    bound = sum(index.idf[index.vocabulary[term]] ** 2 * 2.5 for term in known)
    scores = index.whole.products(index.coverage(index.count_known(query)))
    for text, score in zip(texts, scores, strict=True):
        bm25 = 0.0
        for term in known:
            tf = text.count(term)
            bm25 += (
                index.idf[index.vocabulary[term]] ** 2
                * tf
                * 2.5
                / (tf + 1.5 * (0.25 + 0.75 * len(text) / mean))
            )
        assert score == pytest.approx(bm25 / bound if bound else 0.0, abs=1e-6)


def test_an_index_from_stored_tokens_equals_one_from_the_text() -> None:
    documents = [
        Document(id="a", text="高温合金", evidence=(Evidence("定向凝固", title="单晶"),)),
        Document(id="b", text="热障涂层"),
    ]
    stored = Index.build(documents, [tokens_of(document) for document in documents])
    direct = Index.build(documents)
    assert stored.vocabulary == direct.vocabulary
    np.testing.assert_array_equal(stored.whole.weights.values, direct.whole.weights.values)
    np.testing.assert_array_equal(stored.item_starts, direct.item_starts)


def test_an_item_that_the_text_quotes_in_full_counts_once_and_another_is_added() -> None:
    quoted = tokens_of(Document(id="a", text="定向凝固", evidence=(Evidence("定向凝固"),)))
    added = tokens_of(Document(id="a", text="定向凝固", evidence=(Evidence("热障涂层"),)))
    assert quoted.whole == quoted.items[0]
    assert added.whole[-len(added.items[0]) :] == added.items[0]


def test_a_document_without_evidence_is_its_own_item_and_one_without_text_has_none() -> None:
    assert tokens_of(Document(id="a", text="热障涂层")).items == (
        tokens_of(Document(id="a", text="热障涂层")).whole,
    )
    assert tokens_of(Document(id="a")).items == ()


def test_the_same_id_twice_and_tokens_too_few_are_refused() -> None:
    with pytest.raises(ValueError, match="same id"):
        Index.build([Document(id="a"), Document(id="a")])
    with pytest.raises(ValueError, match="tokens of 0"):
        Index.build([Document(id="a")], [])


def test_the_weights_cannot_be_written() -> None:
    index = index_of([["a"]])
    with pytest.raises(ValueError, match="read-only"):
        index.whole.weights.values[0] = 2.0


def test_an_empty_index_can_be_asked() -> None:
    assert Index.build([]).whole.products({}).shape == (0,)
