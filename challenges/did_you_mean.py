"""Words to search for instead of those that occur nowhere, of what everybody in the reader's position may read."""

import asyncio
from collections import Counter
from collections.abc import Collection, Sequence

from challenges.indexes import Snapshot
from matching.suggestions import Suggestion, suggest


async def did_you_mean(
    snapshot: Snapshot, text: str, besides: Sequence[Collection[str]] = ()
) -> list[Suggestion]:
    """`snapshot`: an index of nothing but what the reader may read; `besides`: the terms of each further text that this
    reader may read too. Their words are all that is suggested, and none of them is asked about."""
    index = snapshot.index

    def look() -> list[Suggestion]:
        vocabulary, frequencies = index.vocabulary, index.document_frequency.tolist()
        if besides:
            # A vocabulary for this one answer: the index is shared with those who may read less.
            further = Counter(term for terms in besides for term in set(terms))
            new = {
                term: number
                for number, term in enumerate(further.keys() - vocabulary.keys(), len(frequencies))
            }
            vocabulary = {**vocabulary, **new}
            frequencies += [0] * len(new)
            for term, count in further.items():
                frequencies[vocabulary[term]] += count
        return suggest(text, vocabulary, frequencies)

    return await asyncio.to_thread(look)
