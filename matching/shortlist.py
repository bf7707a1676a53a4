"""A shortlist that holds its share of counted SMEs in every prefix, and is the best such list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import log2

from matching.quota import Number, QuotaError, exact_number


@dataclass(frozen=True, slots=True)
class RankedCandidate:
    id: str
    score: float
    counted_sme: bool


@dataclass(frozen=True, slots=True)
class ShortlistEntry:
    """`rank` and `rank_without_rule` count from 1; the latter is the place by score alone among all candidates."""

    id: str
    score: float
    counted_sme: bool
    rank: int
    rank_without_rule: int
    placed_by_rule: bool

    @property
    def moved_up(self) -> int:
        """How many places the rule moved the entry up; negative: down."""
        return self.rank_without_rule - self.rank


def shortlist(
    candidates: Sequence[RankedCandidate], *, top_k: int, min_sme_member_share: Number
) -> list[ShortlistEntry]:
    """The `top_k` of `candidates` so that every prefix of length i holds at least min(⌊share · i⌋, all there are) SMEs.

    No other list with that property has a larger DCG, Σ_i score_i / log2(i + 1): each place takes the best candidate
    left, unless the prefix would then lack an SME, in which case it takes the best SME left (proof in
    `docs/consortium.md`). Ties go by id.

    >>> people = [RankedCandidate("a", 0.9, False), RankedCandidate("b", 0.8, False), RankedCandidate("c", 0.1, True)]
    >>> [entry.id for entry in shortlist(people, top_k=2, min_sme_member_share="0.5")]
    ['a', 'c']
    """
    share = exact_number(min_sme_member_share, "min_sme_member_share")
    if not 0 <= share <= 1:
        raise QuotaError("min_sme_member_share", "must be between 0 and 1")
    order = sorted(candidates, key=lambda candidate: (-candidate.score, candidate.id))
    smes = [place for place, candidate in enumerate(order) if candidate.counted_sme]
    others = [place for place, candidate in enumerate(order) if not candidate.counted_sme]
    entries: list[ShortlistEntry] = []
    taken_smes = taken_others = 0
    for rank in range(1, min(top_k, len(order)) + 1):
        sme = smes[taken_smes] if taken_smes < len(smes) else None
        other = others[taken_others] if taken_others < len(others) else None
        lacking = taken_smes < share * rank // 1
        by_rule = sme is not None and other is not None and lacking and sme > other
        if sme is not None and (other is None or by_rule or sme < other):
            place = sme
            taken_smes += 1
        else:
            assert other is not None
            place = other
            taken_others += 1
        candidate = order[place]
        entries.append(
            ShortlistEntry(candidate.id, candidate.score, candidate.counted_sme, rank, place + 1, by_rule)
        )
    return entries


def keeps_prefixes(counted: Sequence[bool], share: Fraction, available: int) -> bool:
    """Whether a list (is each entry a counted SME?) has the property of `shortlist`; `available`: SMEs there are."""
    held = 0
    for length, is_sme in enumerate(counted, start=1):
        held += is_sme
        if held < min(share * length // 1, available):
            return False
    return True


def discounted_gain(scores: Sequence[float]) -> float:
    """DCG: Σ_i score_i / log2(i + 1), i from 1."""
    return sum(score / log2(rank + 1) for rank, score in enumerate(scores, start=1))
