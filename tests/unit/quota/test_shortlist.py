from fractions import Fraction
from itertools import permutations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from matching.quota import QuotaError
from matching.shortlist import RankedCandidate, discounted_gain, keeps_prefixes, shortlist

SHARES = [
    Fraction(0),
    Fraction(1, 5),
    Fraction(3, 10),
    Fraction(1, 2),
    Fraction(2, 3),
    Fraction(9, 10),
    Fraction(1),
]


@settings(
    max_examples=300,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
    database=None,
)
@given(
    st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=6),
    st.sampled_from(SHARES),
    st.integers(1, 6),
)
def test_no_list_that_holds_its_share_in_every_prefix_gains_more(people, share, top_k):
    candidates = [RankedCandidate(f"c{n}", score / 5, sme) for n, (score, sme) in enumerate(people)]
    available = sum(candidate.counted_sme for candidate in candidates)
    found = shortlist(candidates, top_k=top_k, min_sme_member_share=share)
    assert keeps_prefixes([entry.counted_sme for entry in found], share, available)
    length = min(top_k, len(candidates))
    assert len(found) == length
    best = max(
        discounted_gain([candidate.score for candidate in order])
        for order in permutations(candidates, length)
        if keeps_prefixes([candidate.counted_sme for candidate in order], share, available)
    )
    assert abs(discounted_gain([entry.score for entry in found]) - best) < 1e-12


def test_the_list_says_whom_the_rule_moved_and_by_how_much():
    candidates = [
        RankedCandidate("a", 0.9, False),
        RankedCandidate("b", 0.8, False),
        RankedCandidate("c", 0.7, True),
    ]
    found = shortlist(candidates, top_k=3, min_sme_member_share="0.5")
    assert [(entry.id, entry.moved_up, entry.placed_by_rule) for entry in found] == [
        ("a", 0, False),
        ("c", 1, True),
        ("b", -1, False),
    ]


def test_without_a_share_nobody_moves():
    candidates = [RankedCandidate("b", 0.5, True), RankedCandidate("a", 0.5, False)]
    found = shortlist(candidates, top_k=5, min_sme_member_share=0)
    assert [(entry.id, entry.moved_up) for entry in found] == [("a", 0), ("b", 0)]


def test_where_smes_run_out_the_list_goes_on():
    candidates = [
        RankedCandidate("a", 0.9, False),
        RankedCandidate("b", 0.8, False),
        RankedCandidate("c", 0.1, True),
    ]
    found = shortlist(candidates, top_k=3, min_sme_member_share=1)
    assert [entry.id for entry in found] == ["c", "a", "b"]


def test_a_prefix_that_lacks_an_sme_is_found_lacking():
    assert keeps_prefixes([False, True], Fraction(1, 2), 1)
    assert not keeps_prefixes([False, False, True], Fraction(1, 2), 1)


def test_a_share_above_one_is_refused():
    with pytest.raises(QuotaError):
        shortlist([], top_k=1, min_sme_member_share=2)
