"""Documents in a ZIP archive: names as they are, in UTF-8, and never a way out of the folder it is unpacked in."""

import asyncio
import hashlib
import unicodedata
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import IO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from core.clock import to_shanghai, utc_now

LONGEST_NAME = 80
# What file systems refuse in names; separators among them.
REFUSED = frozenset('<>:"/\\|?*')
# Windows takes these for devices, whatever follows the point.
DEVICES = frozenset(
    {"con", "prn", "aux", "nul", *(f"{kind}{number}" for kind in ("com", "lpt") for number in range(1, 10))}
)


def safe_name(name: str) -> str:
    """One part of a path: no separator, no sign of control or direction, no point at either end.

    >>> safe_name("../../etc/passwd")
    '_.._etc_passwd'
    >>> safe_name("证书 1.pdf")
    '证书 1.pdf'
    >>> safe_name("..")
    '_'
    """
    composed = unicodedata.normalize("NFC", name)
    kept = "".join(
        "_" if sign in REFUSED or unicodedata.category(sign) in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"} else sign
        for sign in composed
    )
    stem, point, suffix = kept.strip(" .").rpartition(".")
    if point and len(suffix) <= 8:
        kept = stem[: LONGEST_NAME - len(suffix) - 1].rstrip(" .") + point + suffix
    else:
        kept = kept.strip(" .")[:LONGEST_NAME].rstrip(" .")
    if not kept or kept.partition(".")[0].lower() in DEVICES:
        return f"_{kept}"
    return kept


class Archive:
    """Writes one archive. What has the same path gets a number, so that nothing covers anything."""

    def __init__(self, path: Path) -> None:
        self._zip = ZipFile(path, "w", ZIP_DEFLATED)
        self._taken: set[str] = set()
        self._sums: list[str] = []
        # What is being written.
        self._entry: IO[bytes] | None = None
        self._digest = hashlib.sha256()

    def add(self, folders: Sequence[str], name: str, content: bytes) -> str:
        """Blocks: call it in a thread. Answers with the path inside the archive."""
        place = self._begin(folders, name)
        self._write(content)
        self._end(place)
        return place

    async def stream(self, folders: Sequence[str], name: str, chunks: AsyncIterator[bytes]) -> str:
        """The same for a file that need not fit into memory. One at a time."""
        place = await asyncio.to_thread(self._begin, folders, name)
        async for chunk in chunks:
            await asyncio.to_thread(self._write, chunk)
        await asyncio.to_thread(self._end, place)
        return place

    def close(self) -> None:
        """With the sums of everything, as `sha256sum --check` reads them. What broke off half-way has none."""
        if self._entry is not None:
            self._entry.close()
        self._zip.writestr("SHA256SUMS", "".join(self._sums))
        self._zip.close()

    def _begin(self, folders: Sequence[str], name: str) -> str:
        place = self._free([safe_name(folder) for folder in folders], safe_name(name))
        entry = ZipInfo(place, date_time=to_shanghai(utc_now()).timetuple()[:6])
        entry.compress_type = ZIP_DEFLATED
        # Its size is not known yet: room for more than 4 GiB.
        self._entry = self._zip.open(entry, "w", force_zip64=True)
        self._digest = hashlib.sha256()
        return place

    def _write(self, content: bytes) -> None:
        assert self._entry is not None
        self._entry.write(content)
        self._digest.update(content)

    def _end(self, place: str) -> None:
        assert self._entry is not None
        self._entry.close()
        self._entry = None
        self._sums.append(f"{self._digest.hexdigest()}  {place}\n")

    def _free(self, folders: Sequence[str], name: str) -> str:
        stem, point, suffix = name.rpartition(".")
        if not point:
            stem, suffix = name, ""
        number, place = 1, "/".join([*folders, name])
        # Many file systems do not tell capitals apart.
        while place.casefold() in self._taken or place == "SHA256SUMS":
            number += 1
            place = "/".join([*folders, f"{stem} ({number}){point}{suffix}"])
        self._taken.add(place.casefold())
        return place
