"""What documents can be filtered by, as columns of numbers, so that a scan can ask them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from matching import kernels
from matching.documents import Document
from matching.quota import KINDS, SIZES

# A certificate is one bit of a 64-bit number.  Six kinds are in use; a deployment may have ten times as many.
MAX_CERTIFICATES = 64


@dataclass(frozen=True, slots=True)
class Filters:
    """What candidates must be; an empty field asks for nothing.

    A region takes in all regions whose name or code starts with it: 浙江省 that of 浙江省杭州市, 33 that of 3301.
    A candidate must hold all `certificates`.
    """

    regions: frozenset[str] = frozenset()
    sizes: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    certificates: frozenset[str] = frozenset()
    excluded_ids: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Attributes:
    """One number for each document in each column; `regions` and `certificates` number the names in their tables.

    `group` is kind and size in one number, see `_group`.
    """

    group: npt.NDArray[np.uint8]
    region: npt.NDArray[np.int32]
    certificate: npt.NDArray[np.uint64]
    regions: tuple[str, ...]
    certificates: tuple[str, ...]

    @classmethod
    def of(cls, documents: Sequence[Document]) -> Attributes:
        regions: dict[str, int] = {"": 0}
        certificates: dict[str, int] = {}
        group = np.zeros(len(documents), dtype=np.uint8)
        region = np.zeros(len(documents), dtype=np.int32)
        certificate = np.zeros(len(documents), dtype=np.uint64)
        for place, document in enumerate(documents):
            group[place] = _group(document.kind, document.size)
            region[place] = regions.setdefault(document.region or "", len(regions))
            held = 0
            for name in sorted(document.certificates):
                held |= 1 << certificates.setdefault(name, len(certificates))
            if len(certificates) > MAX_CERTIFICATES:
                raise ValueError(f"more than {MAX_CERTIFICATES} kinds of certificates")
            certificate[place] = held
        return cls(group, region, certificate, tuple(regions), tuple(certificates))

    def document(self, place: int) -> dict[str, Any]:
        """The attributes of one document by their names in Document."""
        kind, size = _GROUPS[int(self.group[place])]
        held = int(self.certificate[place])
        return {
            "kind": kind,
            "size": size,
            "region": self.regions[self.region[place]] or None,
            "certificates": frozenset(name for bit, name in enumerate(self.certificates) if held >> bit & 1),
        }

    def conditions(self, filters: Filters) -> tuple[Any, ...]:
        """The last arguments of the kernels that scan: the columns, and what they must hold."""
        prefixes = tuple(filters.regions)
        regions = np.array(
            [not prefixes or bool(name and name.startswith(prefixes)) for name in self.regions],
            dtype=np.uint8,
        )
        groups = np.zeros(DEAD + 1, dtype=np.uint8)
        for number, (kind, size) in enumerate(_GROUPS):
            groups[number] = (not filters.kinds or kind in filters.kinds) and (
                not filters.sizes or size in filters.sizes
            )
        needed = 0
        for name in filters.certificates:
            if name in self.certificates:
                needed |= 1 << self.certificates.index(name)
            else:
                # Nobody holds it, so nobody passes.
                groups[:] = 0
        return self.group, self.region, self.certificate, groups, regions, np.uint64(needed)

    def mask(self, filters: Filters) -> npt.NDArray[np.bool_]:
        """Which documents pass, shape (documents,)."""
        found = np.empty(len(self.group), dtype=np.bool_)
        kernels.allowed_documents(*self.conditions(filters), found)
        return found


def passes(document: Document, filters: Filters) -> bool:
    """Whether one document is what `filters` ask for."""
    prefixes = tuple(filters.regions)
    return (
        (not prefixes or bool(document.region and document.region.startswith(prefixes)))
        and (not filters.kinds or document.kind in filters.kinds)
        and (not filters.sizes or document.size in filters.sizes)
        and filters.certificates <= document.certificates
        and document.id not in filters.excluded_ids
    )


_GROUPS: tuple[tuple[str | None, str | None], ...] = tuple(product((None, *KINDS), (None, *SIZES)))
# The group of documents that were struck out: nothing allows it.
DEAD = len(_GROUPS)


def _group(kind: str | None, size: str | None) -> int:
    return _GROUPS.index((kind, size))
