"""What a contract says, apart from the rows that hold it, and how it is kept as JSON."""

import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from challenges.contracts.models import PartyRole

# What the poster writes; everything else comes from challenge, bid and the approved consortium.
TERMS = ("plan", "ip_terms", "benefit_terms", "order_clause", "other_terms")


@dataclass(frozen=True)
class Party:
    organization_id: uuid.UUID
    role: PartyRole
    name: str
    credit_code: str
    legal_representative: str = ""
    contact: str = ""


@dataclass(frozen=True)
class Task:
    """A requirement, and the member that answers for it."""

    requirement_id: uuid.UUID
    text: str
    target: str
    budget_wan: Decimal | None
    organization_id: uuid.UUID


@dataclass(frozen=True)
class Share:
    """A member's money, by year of the project (1, 2, …) where the bid says so."""

    organization_id: uuid.UUID
    total_wan: Decimal
    years: tuple[tuple[int, Decimal], ...] = ()


@dataclass(frozen=True)
class Stage:
    """A milestone as agreed. `days` count from the beginning of the work, by the program's clock.

    `key` stays the same through all versions. At a stage review (`is_stage`) of a horse race teams may be eliminated.
    """

    key: uuid.UUID
    title: str
    deliverables: str
    days: int
    payment_wan: Decimal
    is_stage: bool = False


@dataclass(frozen=True)
class TaskBook:
    title: str
    program: str
    authority: str
    team_number: int
    parties: tuple[Party, ...]
    indicators: str
    content: str
    tasks: tuple[Task, ...]
    shares: tuple[Share, ...]
    starts_on: date
    months: int
    stages: tuple[Stage, ...] = field(default_factory=tuple)
    plan: str = ""
    ip_terms: str = ""
    benefit_terms: str = ""
    order_clause: str = ""
    other_terms: str = ""

    @property
    def total_wan(self) -> Decimal:
        return sum((item.total_wan for item in self.shares), Decimal(0))

    @property
    def payments_wan(self) -> Decimal:
        return sum((item.payment_wan for item in self.stages), Decimal(0))

    @property
    def last_day(self) -> date:
        return months_after(self.starts_on, self.months)

    @property
    def most_days(self) -> int:
        """The last day of the time limit, counted as milestones are."""
        return (self.last_day - self.starts_on).days

    @property
    def poster(self) -> Party:
        return next(item for item in self.parties if item.role is PartyRole.POSTER)

    @property
    def lead(self) -> Party:
        return next(item for item in self.parties if item.role is PartyRole.LEAD)

    def party(self, organization_id: uuid.UUID | None) -> Party | None:
        return next((item for item in self.parties if item.organization_id == organization_id), None)

    def name_of(self, organization_id: uuid.UUID) -> str:
        party = self.party(organization_id)
        return party.name if party else ""

    def day_of(self, stage: Stage) -> date:
        return self.starts_on + timedelta(days=stage.days)

    def as_json(self) -> dict[str, Any]:
        return _plain(asdict(self))

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "TaskBook":
        return cls(
            **{name: data[name] for name in ("title", "program", "authority", "team_number", "months")},
            **{name: data[name] for name in ("indicators", "content", *TERMS)},
            starts_on=date.fromisoformat(data["starts_on"]),
            parties=tuple(
                Party(
                    **{
                        **item,
                        "organization_id": uuid.UUID(item["organization_id"]),
                        "role": PartyRole(item["role"]),
                    }
                )
                for item in data["parties"]
            ),
            tasks=tuple(
                Task(
                    uuid.UUID(item["requirement_id"]),
                    item["text"],
                    item["target"],
                    None if item["budget_wan"] is None else Decimal(item["budget_wan"]),
                    uuid.UUID(item["organization_id"]),
                )
                for item in data["tasks"]
            ),
            shares=tuple(
                Share(
                    uuid.UUID(item["organization_id"]),
                    Decimal(item["total_wan"]),
                    tuple((int(year), Decimal(wan)) for year, wan in item["years"]),
                )
                for item in data["shares"]
            ),
            stages=tuple(
                Stage(
                    uuid.UUID(item["key"]),
                    item["title"],
                    item["deliverables"],
                    int(item["days"]),
                    Decimal(item["payment_wan"]),
                    bool(item["is_stage"]),
                )
                for item in data["stages"]
            ),
        )

    def with_frozen(self, fresh: "TaskBook") -> "TaskBook":
        """The poster's terms, on what challenge and consortium say now."""
        kept = {name: getattr(self, name) for name in (*TERMS, "starts_on", "months", "stages")}
        return replace(fresh, **kept)


def _plain(value: Any) -> Any:
    match value:
        case dict():
            return {name: _plain(item) for name, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case Decimal():
            return f"{value:.2f}"
        case uuid.UUID():
            return str(value)
        case date():
            return value.isoformat()
        case _:
            return value


def months_after(day: date, months: int) -> date:
    """The day so many months later, or the last day of that month.

    >>> months_after(date(2027, 1, 31), 1)
    datetime.date(2027, 2, 28)
    """
    number = day.month - 1 + months
    year, month = day.year + number // 12, number % 12 + 1
    following = date(year + month // 12, month % 12 + 1, 1)
    return min(date(year, month, 1) + timedelta(days=day.day - 1), following - timedelta(days=1))
