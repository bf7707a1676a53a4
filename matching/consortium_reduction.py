"""Leave out what provably cannot be needed for a best consortium; the proof is in `docs/consortium.md`.

Member i with the requirements Q can be exchanged for a candidate k that is not a member, is worth at least as much on
Q and is at least as good for every constraint. With more such k than can be members or lead into an excluded set of
members, at least one exchange is possible; so the pair (i, r) is needed only where some Q with r has few such k.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from matching.consortium_arrays import ConsortiumArrays, Group

# Which consortia are meant: any at all; those that keep the rule; those that another than a large enterprise leads.
Regime = Literal["free", "kept", "other_lead"]

# 2^10 sets of requirements times thousands of candidates is a tenth of a second; beyond, candidates are compared
# over all their requirements at once.
MAX_ENUMERATED_REQUIREMENTS = 10
# Comparing everyone with everyone grows with the square; the strongest few hundred prove nearly as much.
MAX_COMPARED = 400


def needed_pairs(
    arrays: ConsortiumArrays, regime: Regime, *, by_score: bool, mediums_dilute: bool, excluded_sets: int
) -> npt.NDArray[np.bool_]:
    """bool (n, R): the pairs of candidate and requirement that a best consortium can need.

    `by_score`: what is maximised is the score; else no worth distinguishes candidates (only under "free" and
    "kept"). `mediums_dilute`: the part of small and micro enterprises matters. `excluded_sets`: how many sets of
    members may have been ruled out beforehand.
    """
    key = regime, by_score, mediums_dilute, excluded_sets
    if key not in arrays.reductions:
        arrays.reductions[key] = _needed_pairs(arrays, regime, by_score, mediums_dilute, excluded_sets)
    return arrays.reductions[key]


def _needed_pairs(
    arrays: ConsortiumArrays, regime: Regime, by_score: bool, mediums_dilute: bool, excluded_sets: int
) -> npt.NDArray[np.bool_]:
    count, width = arrays.allowed.shape
    if count == 0:
        return arrays.allowed
    strict = regime == "other_lead"
    worth = _worth(arrays, by_score or strict)
    plain, fixed = _plain_and_fixed(arrays, regime, mediums_dilute)
    needed = np.zeros_like(arrays.allowed)
    needed[fixed] = arrays.allowed[fixed]
    for targets, exchangeable in _classes(arrays, regime, mediums_dilute):
        rows = np.flatnonzero(targets & ~fixed & arrays.allowed.any(axis=1))
        others = np.flatnonzero(exchangeable & plain & arrays.allowed.any(axis=1))
        if not len(rows):
            continue
        if width <= MAX_ENUMERATED_REQUIREMENTS:
            _mark_by_sets(needed, arrays, worth, rows, others, strict=strict, excluded_sets=excluded_sets)
        else:
            _mark_by_comparison(
                needed, arrays, worth, rows, others, strict=strict, excluded_sets=excluded_sets
            )
    return needed & arrays.allowed


def _worth(arrays: ConsortiumArrays, by_score: bool) -> npt.NDArray[np.int64]:
    """int64 (n, R): weight · score as a fixed-point number, so that sums over Q are exact and ties are ties."""
    count, width = arrays.allowed.shape
    if not by_score:
        return np.zeros((count, width), np.int64)
    # A sum over Q is below 2^1, and a tie is broken by a row number below 2^bit_length: both fit into 62 bits.
    bits = 61 - count.bit_length()
    return np.rint(np.nan_to_num(arrays.scores) * arrays.weights * 2.0**bits).astype(np.int64)


def _plain_and_fixed(
    arrays: ConsortiumArrays, regime: Regime, mediums_dilute: bool
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Who may step in for another (nothing that was asked for and no relation that matters touches it), and who may
    not be left out."""
    count = len(arrays.group)
    fixed = np.zeros(count, np.bool_)
    fixed[list(arrays.forced)] = True
    plain = ~fixed
    for pair in arrays.forbidden:
        plain[list(pair)] = False
    if regime == "kept":
        plain[list(arrays.controllers)] = False
        for controlled, controllers in arrays.controllers.items():
            plain[list(controllers)] = False
            # Without its controller an SME counts, which can only harm where it is a medium one that dilutes.
            if mediums_dilute and arrays.group[controlled] == Group.MEDIUM:
                fixed[list(controllers)] = True
    return plain, fixed


def _classes(
    arrays: ConsortiumArrays, regime: Regime, mediums_dilute: bool
) -> list[tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]]:
    """(who, by whom it may be exchanged) without harm to the constraints of the regime."""
    group = arrays.group
    everyone = np.ones(len(group), np.bool_)
    if regime == "free":
        return [(everyone, everyone)]
    large = group == Group.LARGE
    if regime == "other_lead":
        return [(everyone, ~large)]
    small = group == Group.SMALL
    if not mediums_dilute:
        sme = small | (group == Group.MEDIUM)
        return [(small, small), (sme & ~small, sme), (~sme, everyone)]
    medium = group == Group.MEDIUM
    related = np.zeros(len(group), np.bool_)
    related[list(arrays.controllers)] = True
    return [
        (small | (medium & related), small),
        (medium & ~related, small | medium),
        (~small & ~medium, ~medium),
    ]


def _mark_by_sets(
    needed: npt.NDArray[np.bool_],
    arrays: ConsortiumArrays,
    worth: npt.NDArray[np.int64],
    rows: npt.NDArray[np.int64],
    others: npt.NDArray[np.int64],
    *,
    strict: bool,
    excluded_sets: int,
) -> None:
    count, width = arrays.allowed.shape
    powers: npt.NDArray[np.int64] = 2 ** np.arange(width, dtype=np.int64)
    may: npt.NDArray[np.int64] = np.asarray(arrays.allowed.astype(np.int64) @ powers, np.int64)
    # Ties go to the earlier row; where exchanges must be strict, a margin above what rounding can hide.
    tie = count.bit_length()
    rank: npt.NDArray[np.int64] = np.arange(count, dtype=np.int64)[::-1]
    margin = width + 1
    row_sums: dict[int, npt.NDArray[np.int64]] = {0: np.zeros(len(rows), np.int64)}
    other_sums: dict[int, npt.NDArray[np.int64]] = {0: np.zeros(len(others), np.int64)}
    for held in range(1, 1 << width):
        lowest = held & -held
        column = lowest.bit_length() - 1
        row_sums[held] = row_sums[held ^ lowest] + worth[rows, column]
        other_sums[held] = other_sums[held ^ lowest] + worth[others, column]
        fits: npt.NDArray[np.bool_] = (may[rows] & held) == held
        if not fits.any():
            continue
        size = held.bit_count()
        enough = min(arrays.most_members - 1, width - size) + excluded_sets + 1
        able: npt.NDArray[np.bool_] = (may[others] & held) == held
        keep: npt.NDArray[np.bool_] = fits
        if int(able.sum()) >= enough:
            if strict:
                best: npt.NDArray[np.int64] = other_sums[held][able]
                bar = int(np.partition(best, len(best) - enough)[len(best) - enough])
                keep = fits & (row_sums[held] + margin > bar)
            else:
                best = (other_sums[held][able] << tie) + rank[others[able]]
                bar = int(np.partition(best, len(best) - enough)[len(best) - enough])
                keep = fits & ((row_sums[held] << tie) + rank[rows] >= bar)
        if keep.any():
            columns = np.flatnonzero(powers & held)
            needed[np.ix_(rows[keep], columns)] = True


def _mark_by_comparison(
    needed: npt.NDArray[np.bool_],
    arrays: ConsortiumArrays,
    worth: npt.NDArray[np.int64],
    rows: npt.NDArray[np.int64],
    others: npt.NDArray[np.int64],
    *,
    strict: bool,
    excluded_sets: int,
) -> None:
    enough = arrays.most_members + excluded_sets
    value = np.where(arrays.allowed, worth, -1)
    strongest = others[np.argsort(-value[others].sum(axis=1), kind="stable")[: max(MAX_COMPARED, enough)]]
    for row in rows:
        mine = value[row]
        wanted = np.where(mine >= 0, mine + 2, -1) if strict else mine
        better = (value[strongest] >= wanted).all(axis=1) & (strongest != row)
        if not strict:
            equal = (value[strongest] == mine).all(axis=1)
            better &= ~equal | (strongest < row)
        if int(better.sum()) < enough:
            needed[row] = arrays.allowed[row]
