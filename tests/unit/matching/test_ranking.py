"""The ranking is what the formula says, its parts sum to it, and filters work inside it."""

import itertools
import math
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matching.attributes import Filters
from matching.documents import Challenge, Document, Evidence, Query, QueryPart, Requirement, Solver
from matching.index import DocumentTokens, Index
from matching.ranking import (
    best_documents,
    candidates_by_requirement,
    mask_of,
    order,
    prepare,
    rank,
    score_all,
    score_tokens,
)

WORDS = [f"w{number}x" for number in range(10)]
TEXT = st.lists(st.sampled_from(WORDS), max_size=8)


def spaced(words: list[str]) -> str:
    return " ".join(words)


@st.composite
def documents(draw: st.DrawFn) -> list[Document]:
    count = draw(st.integers(1, 7))
    return [
        Document(
            id=f"d{number}",
            text=spaced(draw(TEXT)),
            evidence=tuple(Evidence(spaced(text)) for text in draw(st.lists(TEXT, max_size=5))),
            kind=draw(st.sampled_from(["enterprise", "university"])),
            size=draw(st.sampled_from([None, "small", "large"])),
            region=draw(st.sampled_from([None, "浙江省", "浙江省杭州市", "江苏省"])),
            certificates=frozenset(draw(st.lists(st.sampled_from(["高新技术企业", "专精特新"]), max_size=2))),
        )
        for number in draw(st.permutations(range(count)))
    ]


QUERIES = st.builds(
    lambda text, parts: Query(
        spaced(text),
        tuple(QueryPart(f"r{n}", spaced(part), weight) for n, (part, weight) in enumerate(parts)),
    ),
    TEXT,
    st.lists(st.tuples(TEXT, st.sampled_from([0.5, 1.0, 3.0])), max_size=3),
)


def plain_score(index: Index, text: str, document: Document) -> float:
    """s(q, d) written out from the formula, with nothing shared with the engine but the tokenizer."""
    split = index.tokenizer.terms
    everything = [
        [
            *split(each.text),
            *(
                t
                for item in each.evidence
                if not (item.text.strip() and item.text in each.text)
                for t in split(item.whole)
            ),
        ]
        for each in index.documents
    ]
    n = len(everything)
    vocabulary = {term for whole in everything for term in whole}
    idf = {
        term: math.log((1 + n) / (1 + sum(term in whole for whole in everything))) + 1 for term in vocabulary
    }
    mean = sum(map(len, everything)) / n
    query = [term for term in split(text) if term in vocabulary]
    whole = everything[list(index.documents).index(document)]

    def unit(terms: list[str]) -> dict[str, float]:
        raw = {term: (1 + math.log(terms.count(term))) * idf[term] for term in set(terms)}
        length = math.sqrt(sum(weight**2 for weight in raw.values()))
        return {term: weight / length for term, weight in raw.items()}

    covered = sum(
        idf[term] ** 2 * whole.count(term) / (whole.count(term) + 1.5 * (0.25 + 0.75 * len(whole) / mean))
        for term in set(query)
    )
    asked = sum(idf[term] ** 2 for term in set(query))
    items = [split(item.whole) for item in document.evidence] or ([whole] if whole else [])
    of_query = unit(query)
    cosines = sorted(
        (sum(of_query.get(t, 0) * w for t, w in unit(item).items()) for item in items), reverse=True
    )
    return 0.5 * (covered / asked if asked else 0.0) + 0.5 * sum(cosines[:3]) / 3


def plain_total(index: Index, query: Query, document: Document) -> float:
    total = sum(part.weight for part in query.parts)
    whole = plain_score(index, query.text, document)
    if not total:
        return whole
    return 0.5 * whole + 0.5 * sum(
        part.weight / total * plain_score(index, part.text, document) for part in query.parts
    )


@settings(max_examples=150, deadline=None)
@given(documents(), QUERIES)
def test_scores_are_those_of_the_formula_for_the_whole_and_each_part(
    found: list[Document], query: Query
) -> None:
    index = Index.build(found)
    scores = score_all(index, query)
    for place, document in enumerate(index.documents):
        assert scores.total[place] == pytest.approx(plain_total(index, query, document), abs=1e-6)
        for part in query.parts:
            assert scores.parts[part.id][place] == pytest.approx(
                plain_score(index, part.text, document), abs=1e-6
            )


@settings(max_examples=150, deadline=None)
@given(documents(), QUERIES, st.integers(1, 8))
def test_the_best_come_first_equal_ones_by_id_and_nobody_without_a_score(
    found: list[Document], query: Query, top_k: int
) -> None:
    index = Index.build(found)
    expected = sorted(
        (-round(float(score), 12), document.id)
        for score, document in zip(score_all(index, query).total, index.documents, strict=True)
    )
    ranked = rank(index, query, top_k)
    assert [candidate.id for candidate in ranked] == [name for score, name in expected if score < 0][:top_k]


@settings(max_examples=150, deadline=None)
@given(documents(), QUERIES)
def test_the_parts_of_the_terms_sum_to_the_score_which_lies_between_0_and_1(
    found: list[Document], query: Query
) -> None:
    for candidate in rank(Index.build(found), query, top_k=10):
        assert 0 < candidate.score <= 1
        assert math.fsum(part for _, part in candidate.terms) == pytest.approx(candidate.score, abs=1e-9)
        assert all(part > 0 for _, part in candidate.terms)
        assert all(0 <= score <= 1 for score in candidate.requirements.values())


@settings(max_examples=100, deadline=None)
@given(
    documents(),
    QUERIES,
    st.builds(
        Filters,
        regions=st.frozensets(st.sampled_from(["浙江省", "江苏省"]), max_size=1),
        sizes=st.frozensets(st.sampled_from(["small", "large"]), max_size=1),
        kinds=st.frozensets(st.sampled_from(["enterprise", "university"]), max_size=1),
        certificates=st.frozensets(st.sampled_from(["高新技术企业", "专精特新"]), max_size=2),
        excluded_ids=st.frozensets(st.sampled_from(["d0", "d1"]), max_size=2),
    ),
)
def test_a_filter_leaves_what_a_walk_over_all_would_leave(
    found: list[Document], query: Query, filters: Filters
) -> None:
    index = Index.build(found)
    attributes = {document.id: document for document in found}

    def passes(document: Document) -> bool:
        return (
            (not filters.regions or any((document.region or "").startswith(name) for name in filters.regions))
            and (not filters.sizes or document.size in filters.sizes)
            and (not filters.kinds or document.kind in filters.kinds)
            and all(name in document.certificates for name in filters.certificates)
            and document.id not in filters.excluded_ids
        )

    everyone = rank(index, query, top_k=100)
    expected = [candidate for candidate in everyone if passes(attributes[candidate.id])]
    assert rank(index, query, top_k=2, filters=filters) == expected[:2]


def test_a_region_takes_in_its_cities_but_not_its_neighbours() -> None:
    regions = ["浙江省", "浙江省杭州市", "江苏省", None]
    index = Index.build([Document(id=str(n), text="涂层", region=region) for n, region in enumerate(regions)])
    ranked = rank(index, Query("涂层"), filters=Filters(regions=frozenset({"浙江省"})))
    assert {candidate.id for candidate in ranked} == {"0", "1"}


def test_the_order_of_documents_and_of_equal_scores_does_not_depend_on_their_order() -> None:
    texts = [Document(id=name, text="热障涂层") for name in "badc"]
    for arranged in itertools.permutations(texts):
        ranked = rank(Index.build(arranged), Query("涂层"), top_k=3)
        assert [candidate.id for candidate in ranked] == ["a", "b", "c"]


def test_the_best_three_items_count_and_a_fourth_does_not() -> None:
    def score_with(items: int) -> float:
        evidence = tuple(Evidence("热障涂层") for _ in range(items))
        whole = ("热障", "涂层")
        index = Index.build(
            [Document(id="a", evidence=evidence), Document(id="b")],
            [DocumentTokens(whole, (whole,) * items), DocumentTokens(("其他",), ())],
        )
        return rank(index, Query("热障涂层"))[0].score

    assert score_with(1) < score_with(2) < score_with(3)
    assert score_with(3) == score_with(4)


def test_an_unrelated_solver_does_not_appear_and_a_related_one_does() -> None:
    index = Index.build([Document(id="a", text="热障涂层"), Document(id="b", text="电子商务")])
    assert [candidate.id for candidate in rank(index, Query("涂层寿命"))] == ["a"]
    assert rank(index, Query("基因测序")) == []
    assert rank(index, Query("")) == []


def test_heavier_requirements_weigh_more() -> None:
    index = Index.build([Document(id="coating", text="热障涂层"), Document(id="casting", text="定向凝固")])

    def first(weight: int) -> str:
        parts = (Requirement("r1", "热障涂层", Decimal(weight)), Requirement("r2", "定向凝固", Decimal(2)))
        return rank(index, Challenge("c", "", "", parts))[0].id

    assert first(1) == "casting"
    assert first(3) == "coating"


def test_the_whole_of_a_challenge_holds_its_requirements_once() -> None:
    quoted, own = Requirement("r1", "热障涂层"), Requirement("r2", "定向凝固")
    query = Challenge("c", "叶片", "须有热障涂层。", (quoted, own)).as_query()
    assert query.text == "叶片\n须有热障涂层。\n定向凝固"
    assert [part.text for part in query.parts] == ["热障涂层", "定向凝固"]


def test_the_score_of_stored_tokens_is_the_score_of_the_document() -> None:
    found = [
        Document(id="a", text="热障涂层", evidence=(Evidence("等离子喷涂"),)),
        Document(id="b", text="涂层"),
    ]
    tokens = [
        DocumentTokens(("热障", "涂层", "等离子", "喷涂"), (("等离子", "喷涂"),)),
        DocumentTokens(("涂层",), (("涂层",),)),
    ]
    index = Index.build(found, tokens)
    query = Query("热障涂层的喷涂", (QueryPart("r", "喷涂"),))
    total = score_all(index, query).total
    assert [score_tokens(index, query, each) for each in tokens] == pytest.approx(list(total), abs=1e-6)


def test_candidates_by_requirement_have_a_positive_score_for_it() -> None:
    index = Index.build([Solver(id=name, text=text) for name, text in [("a", "热障涂层"), ("b", "定向凝固")]])
    challenge = Challenge("c", "叶片", "", (Requirement("r1", "涂层"), Requirement("r2", "基因")))
    found = candidates_by_requirement(index, challenge, per_requirement=5)
    assert [name for name, _ in found["r1"]] == ["a"]
    assert found["r2"] == []


def test_none_are_asked_for_and_none_are_given() -> None:
    index = Index.build([Document(id="a", text="涂层")])
    assert order(np.array([0.5]), index, top_k=0) == []


def test_evidence_that_carried_the_score_is_named_best_first() -> None:
    index = Index.build(
        [
            Document(
                id="a",
                evidence=(
                    Evidence("电子商务", title="平台"),
                    Evidence("热障涂层寿命", title="涂层"),
                    Evidence("涂层与基体的连接与修复", title="修复"),
                ),
            ),
            Document(id="b", text="其他"),
        ]
    )
    (candidate,) = rank(index, Query("热障涂层寿命"))
    assert [(item.item, item.title) for item in candidate.evidence] == [(1, "涂层"), (2, "修复")]


@settings(max_examples=150, deadline=None)
@given(documents(), TEXT, st.integers(1, 4))
def test_passing_documents_over_finds_what_scoring_all_finds_to_the_last_bit(
    found: list[Document], text: list[str], top_k: int
) -> None:
    index = Index.build(found)
    query = Query(spaced(text))
    scores = score_all(index, query).total
    expected = [(place, scores[place]) for place in order(scores, index, top_k)]
    assert best_documents(index, prepare(index, query)[0], top_k) == expected


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("allowed", [1.0, 0.5, 0.02])
def test_passing_over_is_exact_in_a_large_index_too(seed: int, allowed: float) -> None:
    random = np.random.default_rng(seed)
    words = [f"w{number}x" for number in range(400)]
    chances = 1 / np.arange(1, 401)
    chances /= chances.sum()

    def some(length: int) -> tuple[str, ...]:
        return tuple(random.choice(words, size=length, p=chances).tolist())

    tokens = []
    for _ in range(600):
        items = tuple(some(int(random.integers(3, 15))) for _ in range(random.integers(0, 6)))
        tokens.append(DocumentTokens(some(10) + tuple(itertools.chain(*items)), items))
    # Some documents are copies of one another, so that there are ties.
    tokens += tokens[:40]
    kinds = ["enterprise" if random.random() < allowed else "university" for _ in tokens]
    index = Index.build([Document(id=f"d{n:03}", kind=kind) for n, kind in enumerate(kinds)], tokens)
    filters = Filters(kinds=frozenset({"enterprise"}), excluded_ids=frozenset({"d003", "d007"}))
    for length in (1, 3, 12, 60):
        for text in (some(length), tuple(words[:length])):
            query = Query(spaced(list(text)))
            scores = score_all(index, query).total
            for asked in (None, filters):
                expected = [
                    (place, scores[place]) for place in order(scores, index, 10, mask_of(index, asked))
                ]
                assert best_documents(index, prepare(index, query)[0], 10, asked) == expected
