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


@settings(max_examples=150, deadline=None)
@given(st.lists(WORDS, min_size=1, max_size=8).filter(any), WORDS)
def test_weights_equal_those_of_tfidf_vectorizer(texts: list[list[str]], query: list[str]) -> None:
    index = index_of(texts)
    theirs: Any = TfidfVectorizer(
        analyzer=list,  # pyright: ignore[reportArgumentType] - any callable will do
        sublinear_tf=True,
        smooth_idf=True,
        norm="l2",
    )
    expected = theirs.fit_transform(texts).toarray()
    columns = [theirs.vocabulary_[term] for term in index.terms]
    for level in (index.whole, index.items):
        np.testing.assert_allclose(dense(level, index), expected[:, columns], atol=1e-6)
        np.testing.assert_allclose(level.idf, theirs.idf_[columns], atol=1e-6)
    weights = index.whole.text_weights(index.count_known(query))
    theirs_of_query = theirs.transform([query]).toarray()[0]
    ours = np.zeros(len(columns))
    for term, weight in weights.items():
        ours[term] = weight
    np.testing.assert_allclose(ours, theirs_of_query[columns], atol=1e-6)
    np.testing.assert_allclose(index.whole.cosines(weights), expected @ theirs_of_query, atol=1e-6)


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
    assert Index.build([]).whole.cosines({}).shape == (0,)
