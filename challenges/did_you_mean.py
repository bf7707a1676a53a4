"""Words to search for instead of those that occur nowhere, of what everybody in the reader's position may read."""

import asyncio
from collections.abc import Collection

from challenges.indexes import Snapshot
from matching.suggestions import Suggestion, suggest


async def did_you_mean(snapshot: Snapshot, text: str, known: Collection[str] = ()) -> list[Suggestion]:
    """`snapshot`: an index of nothing but what the reader may read; its words are all that is suggested."""
    index = snapshot.index

    def look() -> list[Suggestion]:
        return suggest(text, index.vocabulary, index.document_frequency.tolist(), known=known)

    return await asyncio.to_thread(look)
