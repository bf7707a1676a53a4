"""Actors of the indexes. Each does what is lacking when it runs, so it may run twice, or be asked for in vain."""

import asyncio

from challenges.indexing.entries import COLLECTIONS
from challenges.indexing.publishing import publish_lacking
from challenges.indexing.publishing import retokenize as retokenize_rows
from core.jobs import actor
from core.process import current_process

# A million documents take minutes; a builder that is cut off has changed nothing.
BUILDING_LIMIT_MS = 60 * 60 * 1000


@actor(time_limit_ms=BUILDING_LIMIT_MS)
async def publish_indexes(collection_name: str) -> None:
    """Build and publish the indexes of a collection that lack a version, or have grown too far from it."""
    process = current_process()
    for collection in COLLECTIONS:
        if collection.name == collection_name:
            await asyncio.to_thread(
                publish_lacking, process.engine.sync_engine, process.settings.data_dir, collection
            )


@actor(time_limit_ms=BUILDING_LIMIT_MS)
async def retokenize() -> None:
    """Split anew what an earlier tokenizer or another dictionary has split."""
    await asyncio.to_thread(retokenize_rows, current_process().engine.sync_engine)
