"""Names and their numbers in a few arrays that can be mapped from a file, as neither a list nor a dict can be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from matching import kernels

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.int32]


class NameList(Sequence[str]):
    """Names by number: number n is the UTF-8 of `data[starts[n]:starts[n + 1]]`."""

    def __init__(self, data: Bytes, starts: Ints) -> None:
        self.data = data
        self.starts = starts

    @classmethod
    def of(cls, names: Sequence[str]) -> NameList:
        encoded = [name.encode() for name in names]
        starts = np.cumsum([0, *map(len, encoded)], dtype=np.int64)
        return cls(np.frombuffer(b"".join(encoded), dtype=np.uint8), starts)

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, number: int) -> str:  # pyright: ignore[reportIncompatibleMethodOverride] - no slices are asked for
        if not 0 <= number < len(self):
            raise IndexError(number)
        return self.data[int(self.starts[number]) : int(self.starts[number + 1])].tobytes().decode()


class StoredNames(Mapping[str, int]):
    """Numbers by name: a hash table with linear probing over a NameList, at most half full."""

    def __init__(self, names: NameList, table: Numbers) -> None:
        self.names = names
        self.table = table

    @classmethod
    def of(cls, names: NameList) -> StoredNames:
        size = 1 << max(4, (2 * len(names)).bit_length())
        table: Numbers = kernels.hash_table(names.data, names.starts, size)
        return cls(names, table)

    def numbers(self, wanted: Sequence[str]) -> list[int]:
        """The number of each name, -1 where there is none."""
        asked = NameList.of(wanted)
        found: Numbers = kernels.find_names(
            self.names.data, self.names.starts, self.table, asked.data, asked.starts
        )
        return found.tolist()

    def __getitem__(self, name: str) -> int:
        (number,) = self.numbers([name])
        if number < 0:
            raise KeyError(name)
        return number

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.numbers([name])[0] >= 0

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)
