"""Keep an index in files that many processes map at once.

Below a root directory every published version is a directory `v00000001`, `v00000002`, … of `.npy` arrays and a
manifest with their checksums.  A version is written under another name, flushed to disk and renamed, so that whatever
has such a name is complete: whoever is killed, the last complete version serves.

Readers hold a shared lock on the directory of their version and builders an exclusive one on that of theirs; the
operating system lets go of both when a process ends, however it ends.  What nobody holds may be removed.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self, cast

import numpy as np
import numpy.typing as npt

from matching.attributes import Attributes
from matching.documents import Document, Evidence
from matching.index import LENGTH_B, SATURATION_K1, Index
from matching.level import CommonRows, Level, Rows
from matching.stored_names import NameList, StoredNames
from matching.tokenizer import Tokenizer, default_tokenizer
from matching.two_levels import TwoLevels

# Raised whenever the arrays change their meaning.
FORMAT = 3
MANIFEST = "manifest.json"
# Each attempt finds the version gone that was the last a moment ago: so many builders in a row are not to be believed.
OPENING_ATTEMPTS = 5
_VERSION = re.compile(r"v(\d{8})")
_UNFINISHED = ".unfinished-"

Array = npt.NDArray[Any]


class SavedIndexError(Exception):
    """An index that cannot be read: damaged, of another format, or made of other tokens."""


class RemovedError(SavedIndexError):
    """A version that was removed before it could be opened."""


class StoredDocuments(Sequence[Document]):
    """The documents of a saved index: ids, names, attributes, titles and ids of items.  Their texts are with whoever stored them.

    The items of document d are `item_starts[d] : item_starts[d + 1]`, unless it `is_own_item` for want of evidence.
    """

    def __init__(self, arrays: Mapping[str, Array], attributes: Attributes) -> None:
        self._ids = NameList(arrays["ids"], arrays["id_starts"])
        self._names = NameList(arrays["names"], arrays["name_starts"])
        self._titles = NameList(arrays["titles"], arrays["title_starts"])
        self._item_ids = NameList(arrays["item_ids"], arrays["item_id_starts"])
        self._item_starts = arrays["item_starts"]
        self._is_own_item = arrays["is_own_item"]
        self._attributes = attributes

    def __len__(self) -> int:
        return len(self._ids)

    def __getitem__(self, place: int) -> Document:  # pyright: ignore[reportIncompatibleMethodOverride] - no slices are asked for
        items = range(int(self._item_starts[place]), int(self._item_starts[place + 1]))
        return Document(
            id=self._ids[place],
            name=self._names[place],
            evidence=()
            if self._is_own_item[place]
            else tuple(
                Evidence(text="", title=self._titles[item], id=self._item_ids[item]) for item in items
            ),
            **self._attributes.document(place),
        )


def publish(index: Index, root: Path, facts: Mapping[str, Any] | None = None) -> Path:
    """Write `index` as the next version below `root`, with `facts` in its manifest; the directory of the version."""
    root.mkdir(parents=True, exist_ok=True)
    # The lock of the root keeps the sweeping of what builders left apart from this one's first moment.
    with _lock(root, fcntl.LOCK_SH):
        unfinished = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=root))
        held = _lock(unfinished, fcntl.LOCK_EX)
    try:
        checksums = {
            name: _write(unfinished / f"{name}.npy", array) for name, array in _arrays_of(index).items()
        }
        manifest = {
            "format": FORMAT,
            "tokenizer": index.tokenizer.fingerprint,
            "k1": SATURATION_K1,
            "b": LENGTH_B,
            "documents": len(index.documents),
            "items": index.items.texts,
            "terms": len(index.terms),
            "mean_length": index.mean_length,
            "common_terms": {"whole": index.whole.common_terms, "items": index.items.common_terms},
            "regions": list(index.attributes.regions),
            "certificates": list(index.attributes.certificates),
            "facts": dict(facts or {}),
            "sha256": checksums,
        }
        with (unfinished / MANIFEST).open("w", encoding="utf-8") as file:
            json.dump(manifest, file, ensure_ascii=False, indent=1)
            file.flush()
            os.fsync(file.fileno())
        _flush_directory(unfinished)
        while True:
            versions = versions_of(root)
            number = int(versions[-1].name[1:]) + 1 if versions else 1
            version = root / f"v{number:08}"
            try:
                # Renaming onto a directory that is not empty fails: of two builders at once one takes the next number.
                unfinished.rename(version)
            except OSError:
                if not version.exists():
                    raise
                continue
            _flush_directory(root)
            return version
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    finally:
        held.close()


def versions_of(root: Path) -> list[Path]:
    """The complete versions below `root`, oldest first."""
    if not root.is_dir():
        return []
    return sorted(path for path in root.iterdir() if _VERSION.fullmatch(path.name))


def open_latest(root: Path, tokenizer: Tokenizer | None = None) -> Index:
    """The last version below `root`; FileNotFoundError where there is none."""
    for attempt in range(OPENING_ATTEMPTS):
        versions = versions_of(root)
        if not versions:
            break
        try:
            return open_index(versions[-1], tokenizer)
        except RemovedError:
            # A later one has come meanwhile.
            if attempt == OPENING_ATTEMPTS - 1:
                raise
    raise FileNotFoundError(f"no index below {root}")


def open_index(version: Path, tokenizer: Tokenizer | None = None) -> Index:
    """Map a version.  Nothing but the manifest is read before it is asked for; it is not removed while it is in use."""
    try:
        held = _lock(version, fcntl.LOCK_SH)
    except FileNotFoundError:
        raise RemovedError(f"{version} was removed") from None
    try:
        index = _open_held(version, tokenizer or default_tokenizer())
    except BaseException:
        held.close()
        # Removed between its being found and its being locked.
        if not version.exists():
            raise RemovedError(f"{version} was removed") from None
        raise
    weakref.finalize(index, held.close)
    return index


def _open_held(version: Path, tokenizer: Tokenizer) -> Index:
    manifest = manifest_of(version)
    if manifest["tokenizer"] != tokenizer.fingerprint:
        raise SavedIndexError(
            f"{version} was made by {manifest['tokenizer']}, not by {tokenizer.fingerprint}"
        )
    if (manifest["k1"], manifest["b"]) != (SATURATION_K1, LENGTH_B):
        raise SavedIndexError(f"{version} was made with other constants of BM25")
    arrays = {name: _map(version / f"{name}.npy") for name in cast("dict[str, str]", manifest["sha256"])}
    ids = NameList(arrays["ids"], arrays["id_starts"])
    terms = NameList(arrays["terms"], arrays["term_starts"])
    attributes = Attributes(
        arrays["group"],
        arrays["region"],
        arrays["certificate"],
        tuple(manifest["regions"]),
        tuple(manifest["certificates"]),
    )
    return Index(
        documents=StoredDocuments(arrays, attributes),
        position=StoredNames(ids, arrays["id_table"]),
        terms=terms,
        vocabulary=StoredNames(terms, arrays["term_table"]),
        document_frequency=arrays["document_frequency"],
        idf=arrays["idf"],
        mean_length=manifest["mean_length"],
        levels=TwoLevels(
            _level(arrays, "whole", manifest["common_terms"]["whole"]),
            _level(arrays, "items", manifest["common_terms"]["items"]),
            arrays["item_starts"],
            arrays["whole_document_norms"],
            arrays["items_document_norms"],
        ),
        attributes=attributes,
        id_order=arrays["id_order"],
        tokenizer=tokenizer,
        facts=manifest["facts"],
    )


def verify(version: Path) -> None:
    """Read every file of a version and compare it with the manifest; raises SavedIndexError."""
    for name, checksum in cast("dict[str, str]", manifest_of(version)["sha256"]).items():
        path = version / f"{name}.npy"
        if not path.exists() or _checksum(path) != checksum:
            raise SavedIndexError(f"{path} is missing or damaged")


def remove_old(root: Path) -> list[Path]:
    """Remove what nobody reads or writes: versions but the last, and what killed builders left.  What was removed."""
    if not root.is_dir():
        return []
    removed: list[Path] = []
    with _lock(root, fcntl.LOCK_EX):
        unfinished = [path for path in root.iterdir() if path.name.startswith(_UNFINISHED)]
        for path in [*versions_of(root)[:-1], *unfinished]:
            try:
                held = _lock(path, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except (BlockingIOError, FileNotFoundError):
                continue
            with held:
                # Renamed first, so that a half removed version is never taken for one.
                doomed = path if path in unfinished else path.rename(root / f"{_UNFINISHED}{path.name}")
                shutil.rmtree(doomed)
            removed.append(path)
    return removed


class _Lock:
    """A lock on a directory, held until it is closed or the process ends."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _lock(directory: Path, operation: int) -> _Lock:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, operation)
    except BaseException:
        os.close(descriptor)
        raise
    return _Lock(descriptor)


def _arrays_of(index: Index) -> dict[str, Array]:
    ids = NameList.of([document.id for document in index.documents])
    names = NameList.of([document.name for document in index.documents])
    terms = NameList.of(index.terms)
    is_own_item = np.zeros(len(index.documents), dtype=np.uint8)
    titles: list[str] = []
    item_ids: list[str] = []
    for place, document in enumerate(index.documents):
        is_own_item[place] = not document.evidence
        items = int(index.item_starts[place + 1] - index.item_starts[place])
        titles.extend([item.title for item in document.evidence] or [""] * items)
        item_ids.extend([item.id for item in document.evidence] or [""] * items)
    stored_titles, stored_item_ids = NameList.of(titles), NameList.of(item_ids)
    return {
        "item_ids": stored_item_ids.data,
        "item_id_starts": stored_item_ids.starts,
        "titles": stored_titles.data,
        "title_starts": stored_titles.starts,
        "is_own_item": is_own_item,
        "ids": ids.data,
        "id_starts": ids.starts,
        "id_table": StoredNames.of(ids).table,
        "id_order": index.id_order,
        "names": names.data,
        "name_starts": names.starts,
        "terms": terms.data,
        "term_starts": terms.starts,
        "term_table": StoredNames.of(terms).table,
        "document_frequency": index.document_frequency,
        "idf": index.idf,
        "item_starts": index.item_starts,
        "whole_document_norms": index.levels.whole_block_norms,
        "items_document_norms": index.levels.item_block_norms,
        "group": index.attributes.group,
        "region": index.attributes.region,
        "certificate": index.attributes.certificate,
        **_level_arrays("whole", index.whole),
        **_level_arrays("items", index.items),
    }


def _level_arrays(name: str, level: Level) -> dict[str, Array]:
    return {
        f"{name}_starts": level.weights.starts,
        f"{name}_columns": level.weights.columns,
        f"{name}_values": level.weights.values,
        f"{name}_posting_starts": level.postings.starts,
        f"{name}_posting_columns": level.postings.columns,
        f"{name}_posting_values": level.postings.values,
        f"{name}_common_starts": level.common.starts,
        f"{name}_common_terms": level.common.terms,
        f"{name}_common_weights": level.common.weights,
        f"{name}_common_norms": level.common.norms,
        f"{name}_block_norms": level.block_norms,
    }


def _level(arrays: Mapping[str, Array], name: str, common_terms: int) -> Level:
    return Level(
        Rows(arrays[f"{name}_starts"], arrays[f"{name}_columns"], arrays[f"{name}_values"]),
        Rows(
            arrays[f"{name}_posting_starts"],
            arrays[f"{name}_posting_columns"],
            arrays[f"{name}_posting_values"],
        ),
        CommonRows(
            arrays[f"{name}_common_starts"],
            arrays[f"{name}_common_terms"],
            arrays[f"{name}_common_weights"],
            arrays[f"{name}_common_norms"],
        ),
        common_terms,
        arrays[f"{name}_block_norms"],
    )


def manifest_of(version: Path) -> dict[str, Any]:
    """What a version says of itself; raises SavedIndexError."""
    try:
        manifest: dict[str, Any] = json.loads((version / MANIFEST).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError) as error:
        raise SavedIndexError(f"{version} has no manifest that can be read") from error
    if manifest.get("format") != FORMAT:
        raise SavedIndexError(f"{version} has the format {manifest.get('format')}, not {FORMAT}")
    return manifest


def _map(path: Path) -> Array:
    try:
        mapped: Array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise SavedIndexError(f"{path} is missing or damaged") from error
    # A plain view: the subclass that numpy maps files with is not known to the compiled loops.
    return mapped.view(np.ndarray)


def _write(path: Path, array: Array) -> str:
    with path.open("wb") as file:
        np.save(file, array, allow_pickle=False)
        file.flush()
        os.fsync(file.fileno())
    return _checksum(path)


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _flush_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
