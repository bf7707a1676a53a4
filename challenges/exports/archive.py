"""Documents in a ZIP archive: names as they are, in UTF-8, and never a way out of the folder it is unpacked in."""

import hashlib
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

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

    def add(self, folders: Sequence[str], name: str, content: bytes) -> str:
        """Blocks: call it in a thread. Answers with the path inside the archive."""
        place = self._free([safe_name(folder) for folder in folders], safe_name(name))
        self._zip.writestr(place, content)
        self._sums.append(f"{hashlib.sha256(content).hexdigest()}  {place}\n")
        return place

    def close(self) -> None:
        """With the sums of everything, as `sha256sum --check` reads them."""
        self._zip.writestr("SHA256SUMS", "".join(self._sums))
        self._zip.close()

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
