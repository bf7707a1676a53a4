"""What documents can be filtered by, as columns of numbers, so that a scan can ask them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
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
    """One number for each document in each column; `regions` and `certificates` number the names in their tables."""

    kind: npt.NDArray[np.uint8]
    size: npt.NDArray[np.uint8]
    region: npt.NDArray[np.int32]
    certificate: npt.NDArray[np.uint64]
    regions: tuple[str, ...]
    certificates: tuple[str, ...]

    @classmethod
    def of(cls, documents: Sequence[Document]) -> Attributes:
        regions: dict[str, int] = {"": 0}
        certificates: dict[str, int] = {}
        kind = np.zeros(len(documents), dtype=np.uint8)
        size = np.zeros(len(documents), dtype=np.uint8)
        region = np.zeros(len(documents), dtype=np.int32)
        certificate = np.zeros(len(documents), dtype=np.uint64)
        for place, document in enumerate(documents):
            kind[place] = _number(KINDS, document.kind)
            size[place] = _number(SIZES, document.size)
            region[place] = regions.setdefault(document.region or "", len(regions))
            held = 0
            for name in sorted(document.certificates):
                held |= 1 << certificates.setdefault(name, len(certificates))
            if len(certificates) > MAX_CERTIFICATES:
                raise ValueError(f"more than {MAX_CERTIFICATES} kinds of certificates")
            certificate[place] = held
        return cls(kind, size, region, certificate, tuple(regions), tuple(certificates))

    def document(self, place: int) -> dict[str, Any]:
        """The attributes of one document by their names in Document."""
        kind, size, held = int(self.kind[place]), int(self.size[place]), int(self.certificate[place])
        return {
            "kind": KINDS[kind - 1] if kind else None,
            "size": SIZES[size - 1] if size else None,
            "region": self.regions[self.region[place]] or None,
            "certificates": frozenset(name for bit, name in enumerate(self.certificates) if held >> bit & 1),
        }

    def conditions(self, filters: Filters, dead: npt.NDArray[np.uint8]) -> tuple[Any, ...]:
        """The last arguments of the kernels that scan: the columns, and what they must hold."""
        names = tuple(filters.regions)
        regions = np.array(
            [not names or bool(name and name.startswith(names)) for name in self.regions], dtype=np.uint8
        )
        needed = 0
        for name in filters.certificates:
            if name not in self.certificates:
                # Nobody holds it: no region is allowed, so nobody passes.
                regions[:] = 0
                continue
            needed |= 1 << self.certificates.index(name)
        return (
            self.kind,
            self.size,
            self.region,
            self.certificate,
            dead,
            _allowed(KINDS, filters.kinds),
            _allowed(SIZES, filters.sizes),
            regions,
            np.uint64(needed),
        )

    def mask(self, filters: Filters, dead: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
        """Which documents pass, shape (documents,)."""
        found = np.empty(len(self.kind), dtype=np.bool_)
        kernels.allowed_documents(*self.conditions(filters, dead), found)
        return found


def _number(names: Sequence[str], name: str | None) -> int:
    return names.index(name) + 1 if name is not None else 0


def _allowed(names: Sequence[str], wanted: Iterable[str]) -> int:
    """Bits of the numbers that are allowed; 0 numbers those without a name."""
    wanted = set(wanted)
    if not wanted:
        return (1 << (len(names) + 1)) - 1
    return sum(1 << (place + 1) for place, name in enumerate(names) if name in wanted)
