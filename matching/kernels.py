"""The inner loops of scoring, compiled.  They hold no lock of the interpreter, so threads run them side by side.

Terms are numbered by falling document frequency, and the terms of a text ascend.  So the common terms of a text, those
numbered below `common`, stand first in its row; all others are reached through postings (term → texts).  A product of
a query with a text is always summed in ascending order of terms, in float64: however it is reached, it is the same to
the last bit.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Weights = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.int32]
Bits = npt.NDArray[np.uint8]

compiled: Any = numba.njit(nogil=True, cache=True)
inlined: Any = numba.njit(nogil=True, cache=True, inline="always")


@compiled
def add_common(
    starts: Ints, terms: Numbers, weights: Weights, common: int, query: Floats, found: Floats
) -> None:
    """found[d] += Σ over the common terms of each row; `query` is dense over the common terms."""
    for text in range(len(found)):
        total = found[text]
        for place in range(starts[text], starts[text + 1]):
            term = terms[place]
            if term >= common:
                break
            total += query[term] * weights[place]
        found[text] = total


@compiled
def add_postings(
    starts: Ints, texts: Numbers, weights: Weights, terms: Ints, query: Floats, found: npt.NDArray[Any]
) -> None:
    """found[d] += query[j] · weight of terms[j] in d, for every posting of the terms."""
    for number in range(len(terms)):
        weight = query[number]
        for place in range(starts[terms[number]], starts[terms[number] + 1]):
            found[texts[place]] += weight * weights[place]


@compiled
def dot(starts: Ints, terms: Numbers, weights: Weights, text: int, query_terms: Ints, query: Floats) -> float:
    """Σ_t query[t] · weight(t, text), both sides ascending by term."""
    total = 0.0
    place, stop = starts[text], starts[text + 1]
    for number in range(len(query_terms)):
        term = query_terms[number]
        # Rows are longer than queries or the reverse; halving finds the place in either case.
        low, high = place, stop
        while low < high:
            middle = (low + high) // 2
            if terms[middle] < term:
                low = middle + 1
            else:
                high = middle
        place = low
        if place < stop and terms[place] == term:
            total += query[number] * weights[place]
    return total


@inlined
def insert_best(best: Floats, value: float) -> None:
    """Put `value` into `best`, which falls, if it belongs there."""
    place = len(best) - 1
    if value <= best[place]:
        return
    while place > 0 and best[place - 1] < value:
        best[place] = best[place - 1]
        place -= 1
    best[place] = value


@compiled
def pool_items(item_starts: Ints, cosines: Floats, best: int, found: Floats) -> None:
    """found[d] = the sum of the `best` largest cosines of the items of d, largest first."""
    top = np.zeros(best)
    for document in range(len(found)):
        top[:] = 0.0
        for item in range(item_starts[document], item_starts[document + 1]):
            insert_best(top, cosines[item])
        total = 0.0
        for place in range(best):
            total += top[place]
        found[document] = total


@inlined
def passes(
    document: int,
    kinds: Bits,
    sizes: Bits,
    regions: Numbers,
    certificates: npt.NDArray[np.uint64],
    dead: Bits,
    allowed_kinds: int,
    allowed_sizes: int,
    allowed_regions: Bits,
    needed_certificates: np.uint64,
) -> bool:
    """Whether a document may be found: the filters of ranking.Filters in numbers."""
    return (
        dead[document] == 0
        and (allowed_kinds >> kinds[document]) & 1 == 1
        and (allowed_sizes >> sizes[document]) & 1 == 1
        and allowed_regions[regions[document]] == 1
        and certificates[document] & needed_certificates == needed_certificates
    )


@compiled
def allowed_documents(
    kinds: Bits,
    sizes: Bits,
    regions: Numbers,
    certificates: npt.NDArray[np.uint64],
    dead: Bits,
    allowed_kinds: int,
    allowed_sizes: int,
    allowed_regions: Bits,
    needed_certificates: np.uint64,
    found: npt.NDArray[np.bool_],
) -> None:
    for document in range(len(found)):
        found[document] = passes(
            document,
            kinds,
            sizes,
            regions,
            certificates,
            dead,
            allowed_kinds,
            allowed_sizes,
            allowed_regions,
            needed_certificates,
        )


@inlined
def sift(heap: Floats, value: float) -> None:
    """Replace the least of a heap by `value`."""
    place = 0
    size = len(heap)
    while True:
        child = 2 * place + 1
        if child >= size:
            break
        if child + 1 < size and heap[child + 1] < heap[child]:
            child += 1
        if heap[child] >= value:
            break
        heap[place] = heap[child]
        place = child
    heap[place] = value


@inlined
def common_dot(
    starts: Ints, terms: Numbers, weights: Weights, common: int, query: Floats, text: int
) -> float:
    total = 0.0
    for place in range(starts[text], starts[text + 1]):
        term = terms[place]
        if term >= common:
            break
        total += query[term] * weights[place]
    return total


@compiled
def flat_candidates(
    starts: Ints,
    terms: Numbers,
    weights: Weights,
    common: int,
    common_norms: Weights,
    rare: Weights,
    query_common: Floats,
    query_common_norm: float,
    top_k: int,
    margin: float,
    kinds: Bits,
    sizes: Bits,
    regions: Numbers,
    certificates: npt.NDArray[np.uint64],
    dead: Bits,
    allowed_kinds: int,
    allowed_sizes: int,
    allowed_regions: Bits,
    needed_certificates: np.uint64,
) -> Numbers:
    """The texts that may be among the `top_k`: all whose product lies above the k-th or within `margin` below.

    `rare` holds the products with the rare terms in float32, whose rounding `margin` covers.  By Cauchy–Schwarz the common terms add at most ‖q_C‖ · ‖d_C‖, so a
    text is finished only where that could lift it over the k best that are finished already.
    """
    count = len(rare)
    # The k best by rare terms alone are finished first: they make the threshold high from the start.
    seeds = np.zeros(top_k)
    for text in range(count):
        if rare[text] > seeds[0] and passes(
            text,
            kinds,
            sizes,
            regions,
            certificates,
            dead,
            allowed_kinds,
            allowed_sizes,
            allowed_regions,
            needed_certificates,
        ):
            sift(seeds, rare[text])
    least_seed = seeds[0]
    heap = np.zeros(top_k)
    if least_seed > 0.0:
        for text in range(count):
            if rare[text] >= least_seed and passes(
                text,
                kinds,
                sizes,
                regions,
                certificates,
                dead,
                allowed_kinds,
                allowed_sizes,
                allowed_regions,
                needed_certificates,
            ):
                value = rare[text] + common_dot(starts, terms, weights, common, query_common, text)
                if value > heap[0]:
                    sift(heap, value)
    # Every seed is met again below and must not count twice: a threshold that they made is kept, the heap is not.
    threshold = heap[0]
    heap[:] = 0.0
    room = 4 * top_k
    kept = np.empty(room, dtype=np.int32)
    kept_values = np.empty(room)
    size = 0
    for text in range(count):
        bound = rare[text] + query_common_norm * common_norms[text]
        if bound <= 0.0 or bound < threshold - margin:
            continue
        if not passes(
            text,
            kinds,
            sizes,
            regions,
            certificates,
            dead,
            allowed_kinds,
            allowed_sizes,
            allowed_regions,
            needed_certificates,
        ):
            continue
        value = rare[text] + common_dot(starts, terms, weights, common, query_common, text)
        if value <= 0.0 or value < threshold - margin:
            continue
        if value > heap[0]:
            sift(heap, value)
            threshold = max(threshold, heap[0])
        if size == room:
            # Drop what the threshold has overtaken; make room where that was not half.
            left = 0
            for place in range(size):
                if kept_values[place] >= threshold - margin:
                    kept[left] = kept[place]
                    kept_values[left] = kept_values[place]
                    left += 1
            size = left
            if size > room // 2:
                room *= 2
                wider = np.empty(room, dtype=np.int32)
                wider_values = np.empty(room)
                wider[:size] = kept[:size]
                wider_values[:size] = kept_values[:size]
                kept, kept_values = wider, wider_values
        kept[size] = text
        kept_values[size] = value
        size += 1
    left = 0
    for place in range(size):
        if kept_values[place] >= threshold - margin:
            kept[left] = kept[place]
            left += 1
    return kept[:left].copy()


@compiled
def two_level_candidates(
    whole_starts: Ints,
    whole_terms: Numbers,
    whole_weights: Weights,
    whole_common: int,
    whole_norms: Weights,
    whole_rare: Weights,
    whole_query: Floats,
    whole_query_norm: float,
    item_starts: Ints,
    starts: Ints,
    terms: Numbers,
    weights: Weights,
    common: int,
    norms: Weights,
    rare: Weights,
    query: Floats,
    query_norm: float,
    whole_share: float,
    best: int,
    top_k: int,
    margin: float,
    kinds: Bits,
    sizes: Bits,
    regions: Numbers,
    certificates: npt.NDArray[np.uint64],
    dead: Bits,
    allowed_kinds: int,
    allowed_sizes: int,
    allowed_regions: Bits,
    needed_certificates: np.uint64,
) -> Numbers:
    """As flat_candidates for whole_share · product of the whole + (1 − whole_share) / best · Σ of the `best` items."""
    count = len(whole_rare)
    top = np.zeros(best)
    item_share = (1.0 - whole_share) / best
    lower = np.empty(count, dtype=np.float32)
    seeds = np.zeros(top_k)
    for document in range(count):
        top[:] = 0.0
        for item in range(item_starts[document], item_starts[document + 1]):
            insert_best(top, rare[item])
        value = whole_share * whole_rare[document] + item_share * top.sum()
        lower[document] = value
        if value > seeds[0] and passes(
            document,
            kinds,
            sizes,
            regions,
            certificates,
            dead,
            allowed_kinds,
            allowed_sizes,
            allowed_regions,
            needed_certificates,
        ):
            sift(seeds, value)
    least_seed = seeds[0]
    heap = np.zeros(top_k)
    if least_seed > 0.0:
        for document in range(count):
            if lower[document] >= least_seed and passes(
                document,
                kinds,
                sizes,
                regions,
                certificates,
                dead,
                allowed_kinds,
                allowed_sizes,
                allowed_regions,
                needed_certificates,
            ):
                top[:] = 0.0
                for item in range(item_starts[document], item_starts[document + 1]):
                    insert_best(top, rare[item] + common_dot(starts, terms, weights, common, query, item))
                value = item_share * top.sum() + whole_share * (
                    whole_rare[document]
                    + common_dot(
                        whole_starts, whole_terms, whole_weights, whole_common, whole_query, document
                    )
                )
                if value > heap[0]:
                    sift(heap, value)
    threshold = heap[0]
    heap[:] = 0.0
    room = 4 * top_k
    kept = np.empty(room, dtype=np.int32)
    kept_values = np.empty(room)
    size = 0
    # No item gains more by its common terms than the query's own norm, as items have unit length.
    most_gain = (
        whole_share * whole_query_norm * whole_norms.max() + (1.0 - whole_share) * query_norm
        if count
        else 0.0
    )
    for document in range(count):
        if lower[document] + most_gain < threshold - margin:
            continue
        top[:] = 0.0
        for item in range(item_starts[document], item_starts[document + 1]):
            insert_best(top, rare[item] + query_norm * norms[item])
        bound = item_share * top.sum() + whole_share * (
            whole_rare[document] + whole_query_norm * whole_norms[document]
        )
        if bound <= 0.0 or bound < threshold - margin:
            continue
        if not passes(
            document,
            kinds,
            sizes,
            regions,
            certificates,
            dead,
            allowed_kinds,
            allowed_sizes,
            allowed_regions,
            needed_certificates,
        ):
            continue
        top[:] = 0.0
        for item in range(item_starts[document], item_starts[document + 1]):
            insert_best(top, rare[item] + common_dot(starts, terms, weights, common, query, item))
        value = item_share * top.sum() + whole_share * (
            whole_rare[document]
            + common_dot(whole_starts, whole_terms, whole_weights, whole_common, whole_query, document)
        )
        if value <= 0.0 or value < threshold - margin:
            continue
        if value > heap[0]:
            sift(heap, value)
            threshold = max(threshold, heap[0])
        if size == room:
            left = 0
            for place in range(size):
                if kept_values[place] >= threshold - margin:
                    kept[left] = kept[place]
                    kept_values[left] = kept_values[place]
                    left += 1
            size = left
            if size > room // 2:
                room *= 2
                wider = np.empty(room, dtype=np.int32)
                wider_values = np.empty(room)
                wider[:size] = kept[:size]
                wider_values[:size] = kept_values[:size]
                kept, kept_values = wider, wider_values
        kept[size] = document
        kept_values[size] = value
        size += 1
    left = 0
    for place in range(size):
        if kept_values[place] >= threshold - margin:
            kept[left] = kept[place]
            left += 1
    return kept[:left].copy()


@compiled
def postings_of(
    starts: Ints, terms: Numbers, weights: Weights, common: int, width: int
) -> tuple[Ints, Numbers, Weights]:
    """The rows turned: for every term that is not common its texts, ascending, and their weights."""
    posting_starts = np.zeros(width + 1, dtype=np.int64)
    for place in range(len(terms)):
        if terms[place] >= common:
            posting_starts[terms[place] + 1] += 1
    for term in range(width):
        posting_starts[term + 1] += posting_starts[term]
    texts = np.empty(posting_starts[width], dtype=np.int32)
    values = np.empty(posting_starts[width], dtype=np.float32)
    following = posting_starts[:-1].copy()
    for text in range(len(starts) - 1):
        for place in range(starts[text], starts[text + 1]):
            term = terms[place]
            if term >= common:
                texts[following[term]] = text
                values[following[term]] = weights[place]
                following[term] += 1
    return posting_starts, texts, values


@compiled
def norms_of_common(starts: Ints, terms: Numbers, weights: Weights, common: int) -> Weights:
    """‖·‖₂ of the common terms of every row."""
    norms = np.zeros(len(starts) - 1, dtype=np.float32)
    for text in range(len(norms)):
        total = 0.0
        for place in range(starts[text], starts[text + 1]):
            if terms[place] >= common:
                break
            total += weights[place] * weights[place]
        norms[text] = np.sqrt(total)
    return norms


@compiled
def sorted_rows(starts: Ints, terms: Numbers, values: Weights) -> tuple[Numbers, Weights]:
    """The rows with their terms ascending."""
    ordered = np.empty_like(terms)
    moved = np.empty_like(values)
    for text in range(len(starts) - 1):
        low, high = starts[text], starts[text + 1]
        order = np.argsort(terms[low:high])
        for place in range(high - low):
            ordered[low + place] = terms[low + order[place]]
            moved[low + place] = values[low + order[place]]
    return ordered, moved


@compiled
def saturate(starts: Ints, values: Weights, k1: float, b: float, mean_length: float) -> Weights:
    """tf / (tf + k1 · (1 − b + b · length / mean length)) of every value, a term frequency."""
    found = np.empty_like(values)
    for text in range(len(starts) - 1):
        length = 0.0
        for place in range(starts[text], starts[text + 1]):
            length += values[place]
        damping = k1 * (1.0 - b + b * length / mean_length)
        for place in range(starts[text], starts[text + 1]):
            found[place] = values[place] / (values[place] + damping)
    return found


@compiled
def tfidf_rows(starts: Ints, terms: Numbers, values: Weights, idf: Floats) -> Weights:
    """(1 + ln tf) · idf of every value, a term frequency, rows of unit length."""
    found = np.empty_like(values)
    for text in range(len(starts) - 1):
        total = 0.0
        for place in range(starts[text], starts[text + 1]):
            weight = (1.0 + np.log(np.float64(values[place]))) * idf[terms[place]]
            total += weight * weight
        length = np.sqrt(total)
        for place in range(starts[text], starts[text + 1]):
            found[place] = (1.0 + np.log(np.float64(values[place]))) * idf[terms[place]] / length
    return found
