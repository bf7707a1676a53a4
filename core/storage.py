"""Where files are kept: a directory of this machine, or a bucket of an S3-compatible service (ATTACHMENTS_URL).

Files are written as they arrive, whole or not at all, and read as they are sent; none is held in memory.
"""

import asyncio
import os
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

import obstore
from obstore.store import LocalStore, ObjectStore, S3Store

from core.settings import Settings

# Parts of what is sent to S3 at least 5 MiB large, its smallest; a file below goes in one piece.
PART_BYTES = 5 * 2**20
# So many parts of one file are under way at most, which bounds what is held in memory.
PARTS_AT_ONCE = 2
READ_BYTES = 2**20


class Storage:
    """Files by name. Names are made by us, never taken from a person."""

    def __init__(self, store: ObjectStore, directory: Path | None) -> None:
        self._store = store
        self._directory = directory

    async def write(self, name: str, chunks: AsyncIterable[bytes]) -> None:
        """Keep a file; where the chunks raise, nothing is kept and their exception is raised."""
        await obstore.put_async(
            self._store, name, _non_empty(chunks), chunk_size=PART_BYTES, max_concurrency=PARTS_AT_ONCE
        )
        if self._directory is not None:
            await asyncio.to_thread(_settle, self._directory / name)

    async def read(self, name: str) -> AsyncIterator[bytes]:
        """The file's content, chunk by chunk; raises FileNotFoundError before the first one."""
        found = await obstore.get_async(self._store, name)

        async def chunks() -> AsyncIterator[bytes]:
            async for chunk in found.stream(min_chunk_size=READ_BYTES):
                yield bytes(chunk)

        return chunks()

    async def size_of(self, name: str) -> int | None:
        try:
            return (await obstore.head_async(self._store, name))["size"]
        except FileNotFoundError:
            return None

    async def remove(self, names: Iterable[str]) -> None:
        """Take files away; those that are gone already are no error."""
        for name in names:
            try:
                await obstore.delete_async(self._store, name)
            except FileNotFoundError:
                continue

    async def names(self, prefix: str) -> list[str]:
        """Names of the files below a prefix that ends at a slash, in order."""
        found = [item["path"] async for batch in obstore.list(self._store, prefix) for item in batch]
        return sorted(found)


async def _non_empty(chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """An empty chunk would end the stream early."""
    async for chunk in chunks:
        if chunk:
            yield chunk


def _settle(path: Path) -> None:
    """On disk before it is acknowledged, its name included."""
    for place in (path, path.parent):
        descriptor = os.open(place, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def storage_of(settings: Settings) -> Storage:
    return _storage(settings.attachments_url, settings.attachments_dir)


@cache
def _storage(address: str | None, directory: Path) -> Storage:
    if address:
        parts = urlsplit(address)
        if parts.scheme == "s3":
            # Endpoint, region and credentials are those of the usual AWS_… variables.
            store = S3Store(parts.netloc, prefix=unquote(parts.path).strip("/") or None)
            return Storage(store, None)
        directory = Path(unquote(parts.path))
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    return Storage(LocalStore(prefix=directory, mkdir=True), directory)
