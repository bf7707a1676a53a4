"""The numbers of the statistics, computed from rows. Pure: money is Decimal, shares are exact fractions."""

import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from math import log2

from challenges.postings.models import ChallengeState
from challenges.statistics.disclosure import Contributors
from core.clock import to_shanghai
from solvers.organizations.models import OrganizationKind, SizeClass

# Objectives are proven to about 1e-7; a smaller difference is not one.
PRICE_OF_NOTHING = 1e-6


class MemberClass(StrEnum):
    """Enterprises by size, and who has none."""

    LARGE = "large"
    MEDIUM = "medium"
    SMALL = "small"
    MICRO = "micro"
    UNKNOWN = "unknown"
    RESEARCH_INSTITUTE = "research_institute"
    UNIVERSITY = "university"


def class_of(kind: OrganizationKind, size: SizeClass | None) -> MemberClass:
    if kind is not OrganizationKind.ENTERPRISE:
        return MemberClass(kind.value)
    return MemberClass.UNKNOWN if size is None else MemberClass(size.value)


@dataclass(frozen=True)
class Part:
    """One member's part of an approved consortium."""

    organization_id: uuid.UUID
    name: str
    kind: OrganizationKind
    size: SizeClass | None
    region_code: str
    budget_wan: Decimal
    counted_sme: bool

    @property
    def member_class(self) -> MemberClass:
        return class_of(self.kind, self.size)

    @property
    def province(self) -> str:
        return self.region_code[:2]


@dataclass(frozen=True)
class Award:
    """An approved consortium. `price`: best objective without the quota minus the best with it, None where unproven."""

    consortium_id: uuid.UUID
    challenge_id: uuid.UUID
    title: str
    round_id: uuid.UUID | None
    program: str
    decided_at: datetime
    required_share: Decimal | None
    price: float | None
    parts: tuple[Part, ...] = ()

    @property
    def month(self) -> str:
        return month_of(self.decided_at)


@dataclass(frozen=True)
class Place:
    """One of the first places of a ranking."""

    challenge_id: uuid.UUID
    round_id: uuid.UUID | None
    ranked_at: datetime
    rank: int
    organization_id: uuid.UUID
    kind: OrganizationKind
    size: SizeClass | None


@dataclass(frozen=True)
class Published:
    """A challenge on the public list."""

    published_at: datetime
    state: ChallengeState
    deadline_at: datetime | None
    subfield_code: str | None
    program: str | None
    investment_wan: Decimal


@dataclass(frozen=True)
class Selection:
    """Months from `first` to `last`, both included, "" where open; one round or all."""

    first: str = ""
    last: str = ""
    round_id: uuid.UUID | None = None

    def has(self, moment: datetime, round_id: uuid.UUID | None) -> bool:
        month = month_of(moment)
        return (
            (not self.first or self.first <= month)
            and (not self.last or month <= self.last)
            and (self.round_id is None or self.round_id == round_id)
        )


@dataclass(frozen=True)
class Totals:
    """`members` counts seats: an organization in two consortia is two members and one organization."""

    consortia: int = 0
    members: int = 0
    organizations: int = 0
    sme_members: int = 0
    wan: Decimal = Decimal(0)
    sme_wan: Decimal = Decimal(0)

    @property
    def sme_money_share(self) -> Fraction | None:
        return share(self.sme_wan, self.wan)

    @property
    def sme_member_share(self) -> Fraction | None:
        return share(self.sme_members, self.members)

    @property
    def contributors(self) -> Contributors:
        return Contributors(self.consortia, self.organizations)


@dataclass(frozen=True)
class Line:
    """One row of a table by `key`: its totals and, of all rows together, its shares."""

    key: str
    totals: Totals
    money_share: Fraction | None
    member_share: Fraction | None
    first_time_members: int = 0


@dataclass(frozen=True)
class AwardLine:
    award: Award
    totals: Totals


@dataclass(frozen=True)
class QuotaEffect:
    """How often the quota made the best consortium another one. `unproven`: taken from a bid, or out of time."""

    changed: int
    unchanged: int
    unproven: int
    mean_price_where_changed: float | None
    largest_price: float | None


@dataclass(frozen=True)
class Holding:
    organization_id: uuid.UUID
    name: str
    member_class: MemberClass
    consortia: int
    wan: Decimal
    money_share: Fraction | None
    cumulative_share: Fraction | None


@dataclass(frozen=True)
class ExposureLine:
    """A class in the first places of rankings, and in what was approved."""

    member_class: MemberClass
    places: int
    place_share: Fraction | None
    attention_share: float | None
    chosen: int
    chosen_share: Fraction | None


def month_of(moment: datetime) -> str:
    """The calendar month in Asia/Shanghai, as "2026-11"."""
    return to_shanghai(moment).strftime("%Y-%m")


def months_between(first: str, last: str) -> list[str]:
    """Every month from `first` to `last`, both included.

    >>> months_between("2025-11", "2026-02")
    ['2025-11', '2025-12', '2026-01', '2026-02']
    """
    start, end = _month_number(first), _month_number(last)
    return [f"{number // 12:04}-{number % 12 + 1:02}" for number in range(start, end + 1)]


def _month_number(month: str) -> int:
    year, number = month.split("-")
    return int(year) * 12 + int(number) - 1


def share(part: Decimal | int, whole: Decimal | int) -> Fraction | None:
    return Fraction(part) / Fraction(whole) if whole else None


Seat = tuple[Award, Part]


def seats_of(awards: Iterable[Award]) -> list[Seat]:
    return [(award, part) for award in awards for part in award.parts]


def totals_of(seats: Sequence[Seat]) -> Totals:
    counted = [part for _, part in seats if part.counted_sme]
    return Totals(
        consortia=len({award.consortium_id for award, _ in seats}),
        members=len(seats),
        organizations=len({part.organization_id for _, part in seats}),
        sme_members=len(counted),
        wan=sum((part.budget_wan for _, part in seats), Decimal(0)),
        sme_wan=sum((part.budget_wan for part in counted), Decimal(0)),
    )


def first_seats(awards: Iterable[Award]) -> frozenset[tuple[uuid.UUID, uuid.UUID]]:
    """(consortium, organization) where an organization took part for the first time in any of these awards."""
    first: dict[uuid.UUID, uuid.UUID] = {}
    for award in sorted(awards, key=lambda award: (award.decided_at, str(award.consortium_id))):
        for part in award.parts:
            first.setdefault(part.organization_id, award.consortium_id)
    return frozenset((consortium_id, key) for key, consortium_id in first.items())


def lines_by(
    seats: Sequence[Seat],
    key_of: Callable[[Award, Part], str],
    *,
    keys: Sequence[str] | None = None,
    first: frozenset[tuple[uuid.UUID, uuid.UUID]] = frozenset(),
) -> list[Line]:
    """Seats grouped; `keys` gives rows and their order also where nothing stands in them, else by money."""
    groups: dict[str, list[Seat]] = defaultdict(list)
    for award, part in seats:
        groups[key_of(award, part)].append((award, part))
    whole = totals_of(seats)
    lines = []
    for key in groups if keys is None else keys:
        totals = totals_of(groups.get(key, []))
        newcomers = sum(
            (award.consortium_id, part.organization_id) in first for award, part in groups.get(key, [])
        )
        lines.append(
            Line(key, totals, share(totals.wan, whole.wan), share(totals.members, whole.members), newcomers)
        )
    return lines if keys is not None else sorted(lines, key=lambda line: (-line.totals.wan, line.key))


def award_lines(awards: Iterable[Award]) -> list[AwardLine]:
    """The newest decision first."""
    lines = [AwardLine(award, totals_of(seats_of([award]))) for award in awards]
    return sorted(lines, key=lambda line: line.award.decided_at, reverse=True)


def quota_effect(awards: Iterable[Award]) -> QuotaEffect:
    """Price = best objective without the quota − best objective with it, each proven; in points of the objective."""
    prices = [award.price for award in awards]
    known = [price for price in prices if price is not None]
    paid = [price for price in known if price > PRICE_OF_NOTHING]
    return QuotaEffect(
        changed=len(paid),
        unchanged=len(known) - len(paid),
        unproven=len(prices) - len(known),
        mean_price_where_changed=sum(paid) / len(paid) if paid else None,
        largest_price=max(paid, default=None),
    )


def holdings(seats: Sequence[Seat]) -> list[Holding]:
    """What each organization got in all, the most first. Its class is that of its newest part."""
    groups: dict[uuid.UUID, list[Seat]] = defaultdict(list)
    for award, part in seats:
        groups[part.organization_id].append((award, part))
    whole = totals_of(seats).wan
    sums = {key: totals_of(group) for key, group in groups.items()}
    found: list[Holding] = []
    so_far = Decimal(0)
    for key in sorted(groups, key=lambda key: (-sums[key].wan, str(key))):
        newest = max(groups[key], key=lambda seat: seat[0].decided_at)[1]
        so_far += sums[key].wan
        found.append(
            Holding(
                key,
                newest.name,
                newest.member_class,
                sums[key].consortia,
                sums[key].wan,
                share(sums[key].wan, whole),
                share(so_far, whole),
            )
        )
    return found


def exposure_lines(places: Sequence[Place], seats: Sequence[Seat]) -> list[ExposureLine]:
    """Who is shown and who is chosen, by class.

    Attention of rank r is v(r) = 1 / log2(1 + r), and a class's share of it Σ_{its places} v / Σ_{all} v, in [0, 1].
    Source: A. Singh, T. Joachims, Fairness of Exposure in Rankings (KDD 2018), with the discount of DCG.
    """
    attention: dict[MemberClass, float] = defaultdict(float)
    shown: dict[MemberClass, int] = defaultdict(int)
    chosen: dict[MemberClass, int] = defaultdict(int)
    for place in places:
        member_class = class_of(place.kind, place.size)
        attention[member_class] += 1 / log2(1 + place.rank)
        shown[member_class] += 1
    for _, part in seats:
        chosen[part.member_class] += 1
    whole = sum(attention.values())
    return [
        ExposureLine(
            member_class=item,
            places=shown[item],
            place_share=share(shown[item], len(places)),
            attention_share=attention[item] / whole if whole else None,
            chosen=chosen[item],
            chosen_share=share(chosen[item], len(seats)),
        )
        for item in MemberClass
        if shown[item] or chosen[item]
    ]
