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
    starts: Ints, terms: npt.NDArray[np.uint16], weights: Weights, query: Floats, found: Floats
) -> None:
    """found[d] += Σ over the common terms of each text; `query` is dense over them."""
    for text in range(len(found)):
        total = found[text]
        for place in range(starts[text], starts[text + 1]):
            total += query[terms[place]] * weights[place]
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


@inlined
def row_dot(starts: Ints, terms: npt.NDArray[Any], weights: Weights, query: Floats, text: int) -> float:
    """Σ of a row's weights times `query`, which is dense over the terms of the rows."""
    total = 0.0
    for place in range(starts[text], starts[text + 1]):
        total += query[terms[place]] * weights[place]
    return total


@compiled
def row_dots(
    starts: Ints, terms: npt.NDArray[Any], weights: Weights, query: Floats, texts: Numbers
) -> Floats:
    """`row_dot` of several texts."""
    found = np.empty(len(texts))
    for number in range(len(texts)):
        found[number] = row_dot(starts, terms, weights, query, texts[number])
    return found


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
    groups: Bits,
    regions: Numbers,
    certificates: npt.NDArray[np.uint64],
    allowed_groups: Bits,
    allowed_regions: Bits,
    needed_certificates: np.uint64,
) -> bool:
    """Whether a document may be found: Filters in numbers."""
    return (
        allowed_groups[groups[document]] == 1
        and allowed_regions[regions[document]] == 1
        and certificates[document] & needed_certificates == needed_certificates
    )


@compiled
def allowed_documents(
    groups: Bits,
    regions: Numbers,
    certificates: npt.NDArray[np.uint64],
    allowed_groups: Bits,
    allowed_regions: Bits,
    needed_certificates: np.uint64,
    found: npt.NDArray[np.bool_],
) -> None:
    for document in range(len(found)):
        found[document] = passes(
            document, groups, regions, certificates, allowed_groups, allowed_regions, needed_certificates
        )


# So many groups stay in the first cache while each that is wanted is looked for.
GROUP_BLOCK = 4096


@compiled
def mark_equal(values: Bits, wanted: np.uint8, found: Bits) -> None:
    """found[i] = 1 where values[i] is wanted; plain enough for vector instructions."""
    for place in range(len(values)):
        found[place] |= np.uint8(values[place] == wanted)


@compiled
def allowed_numbers(
    most: int,
    groups: Bits,
    regions: Numbers,
    certificates: npt.NDArray[np.uint64],
    allowed_groups: Bits,
    allowed_regions: Bits,
    needed_certificates: np.uint64,
) -> tuple[bool, Numbers]:
    """Whether at most `most` documents pass, and if so which, ascending."""
    found = np.empty(most, dtype=np.int32)
    size = 0
    wanted = np.flatnonzero(allowed_groups).astype(np.uint8)
    in_group = np.zeros(GROUP_BLOCK, dtype=np.uint8)
    eights = in_group.view(np.uint64)
    for start in range(0, len(groups), GROUP_BLOCK):
        length = min(GROUP_BLOCK, len(groups) - start)
        in_group[:] = 0
        for group in wanted:
            mark_equal(groups[start : start + length], group, in_group)
        for eight in range(GROUP_BLOCK // 8):
            # Eight documents are passed over by one comparison.
            if eights[eight] == 0:
                continue
            for place in range(8 * eight, 8 * eight + 8):
                document = start + place
                if (
                    in_group[place] == 0
                    or allowed_regions[regions[document]] == 0
                    or certificates[document] & needed_certificates != needed_certificates
                ):
                    continue
                if size == most:
                    return False, found[:0]
                found[size] = document
                size += 1
    return True, found[:size]


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


# Texts are looked at in blocks of this many: one comparison passes over a whole block, and its 64 float32 are four
# cache lines.
BLOCK = 64
# Documents with items are looked at in blocks of this many: with a few items each they are about as much to read.
DOCUMENT_BLOCK = 16

# A greatest element is the same in whatever order it is sought, so the compiler may use vector instructions.
vectorized: Any = numba.njit(nogil=True, cache=True, fastmath=True)


@vectorized
def greatest_of(values: Weights, low: int, high: int) -> np.float32:
    """The greatest of values[low:high], none of them negative."""
    greatest = np.float32(0.0)
    for place in range(low, high):
        greatest = max(greatest, values[place])
    return greatest


@compiled
def block_maxima(values: Weights, block_size: int) -> Weights:
    """The greatest of each block of values, none of them negative."""
    found = np.zeros((len(values) + block_size - 1) // block_size, dtype=np.float32)
    for block in range(len(found)):
        found[block] = greatest_of(values, block * block_size, min((block + 1) * block_size, len(values)))
    return found


@compiled
def document_block_maxima(item_starts: Ints, values: Weights) -> Weights:
    """The greatest value of the items of each block of documents."""
    documents = len(item_starts) - 1
    found = np.zeros((documents + DOCUMENT_BLOCK - 1) // DOCUMENT_BLOCK, dtype=np.float32)
    for block in range(len(found)):
        low = item_starts[block * DOCUMENT_BLOCK]
        found[block] = greatest_of(values, low, item_starts[min((block + 1) * DOCUMENT_BLOCK, documents)])
    return found


@inlined
def keep(kept: Numbers, values: Floats, size: int, least: float) -> int:
    """Leave of the first `size` those of at least `least`; how many they are."""
    left = 0
    for place in range(size):
        if values[place] >= least:
            kept[left] = kept[place]
            values[left] = values[place]
            left += 1
    return left


@compiled
def flat_candidates(
    starts: Ints,
    terms: npt.NDArray[np.uint16],
    weights: Weights,
    norms: Weights,
    block_norms: Weights,
    rare: Weights,
    query: Floats,
    query_norm: float,
    top_k: int,
    margin: float,
    groups: Bits,
    regions: Numbers,
    certificates: npt.NDArray[np.uint64],
    allowed_groups: Bits,
    allowed_regions: Bits,
    needed_certificates: np.uint64,
) -> Numbers:
    """The texts that may be among the `top_k`: all whose product lies above the k-th or within `margin` below.

    `starts`, `terms`, `weights` are the rows of the common terms, `query` and `query_norm` the query's.  `rare` holds
    the products with the rare terms in float32, whose rounding `margin` covers.  By Cauchy–Schwarz the common terms
    add at most ‖q_C‖ · ‖d_C‖, so a text is finished only where that could lift it over the k best finished ones.
    """
    count = len(rare)
    greatest = block_maxima(rare, BLOCK)
    # The k best by rare terms alone are finished first: they make the threshold high from the start.
    seeds = np.zeros(top_k)
    for block in range(len(greatest)):
        if greatest[block] <= seeds[0]:
            continue
        for text in range(block * BLOCK, min((block + 1) * BLOCK, count)):
            if rare[text] > seeds[0] and passes(
                text, groups, regions, certificates, allowed_groups, allowed_regions, needed_certificates
            ):
                sift(seeds, rare[text])
    least_seed = seeds[0]
    heap = np.zeros(top_k)
    if least_seed > 0.0:
        for block in range(len(greatest)):
            if greatest[block] < least_seed:
                continue
            for text in range(block * BLOCK, min((block + 1) * BLOCK, count)):
                if rare[text] >= least_seed and passes(
                    text, groups, regions, certificates, allowed_groups, allowed_regions, needed_certificates
                ):
                    value = rare[text] + row_dot(starts, terms, weights, query, text)
                    if value > heap[0]:
                        sift(heap, value)
    # Every seed is met again below and must not count twice: a threshold that they made is kept, the heap is not.
    threshold = heap[0]
    heap[:] = 0.0
    kept = np.empty(4 * top_k, dtype=np.int32)
    values = np.empty(4 * top_k)
    size = 0
    for block in range(len(greatest)):
        bound = greatest[block] + query_norm * block_norms[block]
        if bound <= 0.0 or bound < threshold - margin:
            continue
        for text in range(block * BLOCK, min((block + 1) * BLOCK, count)):
            bound = rare[text] + query_norm * norms[text]
            if bound <= 0.0 or bound < threshold - margin:
                continue
            if not passes(
                text, groups, regions, certificates, allowed_groups, allowed_regions, needed_certificates
            ):
                continue
            value = rare[text] + row_dot(starts, terms, weights, query, text)
            if value <= 0.0 or value < threshold - margin:
                continue
            if value > heap[0]:
                sift(heap, value)
                threshold = max(threshold, heap[0])
            if size == len(kept):
                size = keep(kept, values, size, threshold - margin)
                if size > len(kept) // 2:
                    kept = np.concatenate((kept, np.empty_like(kept)))
                    values = np.concatenate((values, np.empty_like(values)))
            kept[size] = text
            values[size] = value
            size += 1
    return kept[: keep(kept, values, size, threshold - margin)].copy()


@compiled
def two_level_candidates(
    whole_starts: Ints,
    whole_terms: npt.NDArray[np.uint16],
    whole_weights: Weights,
    whole_norms: Weights,
    whole_block_norms: Weights,
    whole_rare: Weights,
    whole_query: Floats,
    whole_query_norm: float,
    item_starts: Ints,
    starts: Ints,
    terms: npt.NDArray[np.uint16],
    weights: Weights,
    norms: Weights,
    block_norms: Weights,
    rare: Weights,
    query: Floats,
    query_norm: float,
    whole_share: float,
    best: int,
    top_k: int,
    margin: float,
    groups: Bits,
    regions: Numbers,
    certificates: npt.NDArray[np.uint64],
    allowed_groups: Bits,
    allowed_regions: Bits,
    needed_certificates: np.uint64,
) -> Numbers:
    """As flat_candidates for whole_share · product of the whole + (1 − whole_share) / best · Σ of the `best` items.

    A mean of the best items is at most the best of them, and that at most the best of its block of documents.
    """
    count = len(whole_rare)
    item_share = (1.0 - whole_share) / best
    top = np.zeros(best)
    greatest_whole = block_maxima(whole_rare, DOCUMENT_BLOCK)
    greatest_item = document_block_maxima(item_starts, rare)
    seeds = np.zeros(top_k)
    for block in range(len(greatest_whole)):
        if whole_share * greatest_whole[block] + (1.0 - whole_share) * greatest_item[block] <= seeds[0]:
            continue
        for document in range(block * DOCUMENT_BLOCK, min((block + 1) * DOCUMENT_BLOCK, count)):
            top[:] = 0.0
            for item in range(item_starts[document], item_starts[document + 1]):
                insert_best(top, rare[item])
            value = whole_share * whole_rare[document] + item_share * top.sum()
            if value > seeds[0] and passes(
                document, groups, regions, certificates, allowed_groups, allowed_regions, needed_certificates
            ):
                sift(seeds, value)
    least_seed = seeds[0]
    heap = np.zeros(top_k)
    if least_seed > 0.0:
        for block in range(len(greatest_whole)):
            if whole_share * greatest_whole[block] + (1.0 - whole_share) * greatest_item[block] < least_seed:
                continue
            for document in range(block * DOCUMENT_BLOCK, min((block + 1) * DOCUMENT_BLOCK, count)):
                top[:] = 0.0
                for item in range(item_starts[document], item_starts[document + 1]):
                    insert_best(top, rare[item])
                value = whole_share * whole_rare[document] + item_share * top.sum()
                if value < least_seed or not passes(
                    document,
                    groups,
                    regions,
                    certificates,
                    allowed_groups,
                    allowed_regions,
                    needed_certificates,
                ):
                    continue
                top[:] = 0.0
                for item in range(item_starts[document], item_starts[document + 1]):
                    insert_best(top, rare[item] + row_dot(starts, terms, weights, query, item))
                value = item_share * top.sum() + whole_share * (
                    whole_rare[document]
                    + row_dot(whole_starts, whole_terms, whole_weights, whole_query, document)
                )
                if value > heap[0]:
                    sift(heap, value)
    threshold = heap[0]
    heap[:] = 0.0
    kept = np.empty(4 * top_k, dtype=np.int32)
    values = np.empty(4 * top_k)
    size = 0
    for block in range(len(greatest_whole)):
        bound = whole_share * (greatest_whole[block] + whole_query_norm * whole_block_norms[block]) + (
            1.0 - whole_share
        ) * (greatest_item[block] + query_norm * block_norms[block])
        if bound <= 0.0 or bound < threshold - margin:
            continue
        for document in range(block * DOCUMENT_BLOCK, min((block + 1) * DOCUMENT_BLOCK, count)):
            top[:] = 0.0
            for item in range(item_starts[document], item_starts[document + 1]):
                insert_best(top, rare[item] + query_norm * norms[item])
            bound = item_share * top.sum() + whole_share * (
                whole_rare[document] + whole_query_norm * whole_norms[document]
            )
            if bound <= 0.0 or bound < threshold - margin:
                continue
            if not passes(
                document, groups, regions, certificates, allowed_groups, allowed_regions, needed_certificates
            ):
                continue
            top[:] = 0.0
            for item in range(item_starts[document], item_starts[document + 1]):
                insert_best(top, rare[item] + row_dot(starts, terms, weights, query, item))
            value = item_share * top.sum() + whole_share * (
                whole_rare[document]
                + row_dot(whole_starts, whole_terms, whole_weights, whole_query, document)
            )
            if value <= 0.0 or value < threshold - margin:
                continue
            if value > heap[0]:
                sift(heap, value)
                threshold = max(threshold, heap[0])
            if size == len(kept):
                size = keep(kept, values, size, threshold - margin)
                if size > len(kept) // 2:
                    kept = np.concatenate((kept, np.empty_like(kept)))
                    values = np.concatenate((values, np.empty_like(values)))
            kept[size] = document
            values[size] = value
            size += 1
    return kept[: keep(kept, values, size, threshold - margin)].copy()


@compiled
def listed_documents(
    whole_starts: Ints,
    whole_terms: npt.NDArray[np.uint16],
    whole_weights: Weights,
    whole_rare: Weights,
    whole_query: Floats,
    item_starts: Ints,
    starts: Ints,
    terms: npt.NDArray[np.uint16],
    weights: Weights,
    rare: Weights,
    query: Floats,
    whole_share: float,
    best: int,
    documents: Numbers,
) -> Floats:
    """Products at both levels of some documents: those with the rare terms, finished by the rows of the common ones."""
    found = np.empty(len(documents))
    top = np.zeros(best)
    for number in range(len(documents)):
        document = documents[number]
        top[:] = 0.0
        for item in range(item_starts[document], item_starts[document + 1]):
            insert_best(top, rare[item] + row_dot(starts, terms, weights, query, item))
        found[number] = (1.0 - whole_share) / best * top.sum() + whole_share * (
            whole_rare[document] + row_dot(whole_starts, whole_terms, whole_weights, whole_query, document)
        )
    return found


@compiled
def few_documents(
    whole_starts: Ints,
    whole_terms: Numbers,
    whole_weights: Weights,
    whole_query: Floats,
    item_starts: Ints,
    starts: Ints,
    terms: Numbers,
    weights: Weights,
    query: Floats,
    whole_share: float,
    best: int,
    documents: Numbers,
) -> Floats:
    """Scores at both levels of some documents, to the last bit, for queries that are dense over all terms."""
    found = np.empty(len(documents))
    top = np.zeros(best)
    for number in range(len(documents)):
        document = documents[number]
        top[:] = 0.0
        for item in range(item_starts[document], item_starts[document + 1]):
            insert_best(top, row_dot(starts, terms, weights, query, item))
        total = row_dot(whole_starts, whole_terms, whole_weights, whole_query, document)
        pooled = 0.0
        for place in range(best):
            pooled += top[place]
        found[number] = min(whole_share * total + (1.0 - whole_share) / best * pooled, 1.0)
    return found


@compiled
def pooled_documents(
    products: Floats,
    item_starts: Ints,
    cosines: Floats,
    whole_share: float,
    best: int,
    documents: Numbers,
) -> Floats:
    """`few_documents` where the products of all rows of both levels have been made already."""
    found = np.empty(len(documents))
    top = np.zeros(best)
    for number in range(len(documents)):
        document = documents[number]
        top[:] = 0.0
        for item in range(item_starts[document], item_starts[document + 1]):
            insert_best(top, cosines[item])
        pooled = 0.0
        for place in range(best):
            pooled += top[place]
        found[number] = min(whole_share * products[document] + (1.0 - whole_share) / best * pooled, 1.0)
    return found


@compiled
def common_rows(
    starts: Ints, terms: Numbers, weights: Weights, common: int
) -> tuple[Ints, npt.NDArray[np.uint16], Weights, Weights]:
    """The rows of the common terms alone, and the norm of each."""
    texts = len(starts) - 1
    common_starts = np.zeros(texts + 1, dtype=np.int64)
    for text in range(texts):
        place = starts[text]
        while place < starts[text + 1] and terms[place] < common:
            place += 1
        common_starts[text + 1] = common_starts[text] + place - starts[text]
    common_terms = np.empty(common_starts[texts], dtype=np.uint16)
    common_weights = np.empty(common_starts[texts], dtype=np.float32)
    norms = np.zeros(texts, dtype=np.float32)
    for text in range(texts):
        total = 0.0
        for offset in range(common_starts[text + 1] - common_starts[text]):
            common_terms[common_starts[text] + offset] = terms[starts[text] + offset]
            common_weights[common_starts[text] + offset] = weights[starts[text] + offset]
            total += np.float64(weights[starts[text] + offset]) ** 2
        # Rounded up, so that a bound stays one.
        norms[text] = np.sqrt(total) * (1.0 + 2.0**-22)
    return common_starts, common_terms, common_weights, norms


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
def counted_rows(starts: Ints, terms: Numbers) -> tuple[Ints, Numbers, Weights]:
    """Rows of the terms of texts, ascending, each once, and how often it occurs."""
    row_starts = np.zeros_like(starts)
    columns = np.empty_like(terms)
    counts = np.empty(len(terms), dtype=np.float32)
    size = 0
    for text in range(len(starts) - 1):
        row_start = size
        for term in np.sort(terms[starts[text] : starts[text + 1]]):
            if size > row_start and columns[size - 1] == term:
                counts[size - 1] += 1.0
            else:
                columns[size] = term
                counts[size] = 1.0
                size += 1
        row_starts[text + 1] = size
    return row_starts, columns[:size].copy(), counts[:size].copy()


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


@inlined
def hash_of(data: Bits, low: int, high: int) -> np.uint64:
    """FNV-1a of the bytes, 64 bits."""
    value = np.uint64(14695981039346656037)
    for place in range(low, high):
        value = (value ^ np.uint64(data[place])) * np.uint64(1099511628211)
    # The low bits, which choose the place, take in the high ones.
    return value ^ (value >> np.uint64(32))


@compiled
def hash_table(data: Bits, starts: Ints, size: int) -> Numbers:
    """Places of names: 1 + the number of a name, 0 where free.  `size` is a power of 2."""
    table = np.zeros(size, dtype=np.int32)
    for number in range(len(starts) - 1):
        place = hash_of(data, starts[number], starts[number + 1]) & np.uint64(size - 1)
        while table[place] != 0:
            place = (place + np.uint64(1)) & np.uint64(size - 1)
        table[place] = number + 1
    return table


@compiled
def find_names(data: Bits, starts: Ints, table: Numbers, wanted: Bits, wanted_starts: Ints) -> Numbers:
    """The numbers of the wanted names, -1 where there is none."""
    found = np.full(len(wanted_starts) - 1, -1, dtype=np.int32)
    for number in range(len(found)):
        low, high = wanted_starts[number], wanted_starts[number + 1]
        place = hash_of(wanted, low, high) & np.uint64(len(table) - 1)
        while table[place] != 0:
            candidate = table[place] - 1
            start = starts[candidate]
            if starts[candidate + 1] - start == high - low:
                same = True
                for offset in range(high - low):
                    if data[start + offset] != wanted[low + offset]:
                        same = False
                        break
                if same:
                    found[number] = candidate
                    break
            place = (place + np.uint64(1)) & np.uint64(len(table) - 1)
    return found
