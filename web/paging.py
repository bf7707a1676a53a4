"""Pages of a list."""

from dataclasses import dataclass

PER_PAGE = 20


@dataclass(frozen=True)
class Page:
    """Page `number` (from 1) of `total` rows."""

    number: int
    total: int
    per_page: int = PER_PAGE

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // self.per_page))

    @property
    def offset(self) -> int:
        return (self.number - 1) * self.per_page

    @property
    def first(self) -> int:
        return min(self.offset + 1, self.total)

    @property
    def last(self) -> int:
        return min(self.offset + self.per_page, self.total)

    @property
    def window(self) -> list[int | None]:
        """Page numbers to link: both ends and the neighbours; None stands for a gap."""
        near = {1, self.pages, *range(self.number - 2, self.number + 3)}
        numbers = sorted(number for number in near if 1 <= number <= self.pages)
        window: list[int | None] = []
        for number in numbers:
            if window and window[-1] is not None and number - window[-1] > 1:
                window.append(None)
            window.append(number)
        return window


def page_number(raw: str | None) -> int:
    """A page from the address; anything that is no positive number means the first."""
    return int(raw) if raw and raw.isascii() and raw.isdigit() and 0 < int(raw) < 10_000_000 else 1
