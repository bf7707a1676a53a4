"""What a published table must leave out, so that no number tells of a single consortium or organization."""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

# With three contributors none can compute another's part from the sum and its own, nor can the reader.
LEAST_CONTRIBUTORS = 3


@dataclass(frozen=True)
class Contributors:
    """Who stands behind a number: how many consortia, and how many different organizations."""

    consortia: int
    organizations: int

    @property
    def are_enough(self) -> bool:
        return min(self.consortia, self.organizations) >= LEAST_CONTRIBUTORS

    @property
    def are_none(self) -> bool:
        return self.organizations == 0


Key = TypeVar("Key", bound=Hashable)


def withheld(cells: Mapping[Key, Contributors]) -> frozenset[Key]:
    """Keys whose numbers are left out of a table that is published with its sum.

    Those with too few contributors, and, since a single gap is the sum minus all the others, as many of the next smallest
    as it takes until the gaps together have enough. A cell that nothing stands behind tells nothing and stays.
    """
    gaps = {key for key, cell in cells.items() if not cell.are_none and not cell.are_enough}
    shown = [key for key, cell in cells.items() if cell.are_enough]
    for key in sorted(shown, key=lambda key: cells[key].organizations):
        if not gaps or (len(gaps) > 1 and _together(cells[gap] for gap in gaps).are_enough):
            break
        gaps.add(key)
    return frozenset(gaps)


def _together(cells: Iterable[Contributors]) -> Contributors:
    found = list(cells)
    return Contributors(sum(cell.consortia for cell in found), sum(cell.organizations for cell in found))
