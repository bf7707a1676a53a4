"""What the calendar of a round is made of: a date, and what the makers of dates are given."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from challenges.models import Challenge, ChallengeState, Program, Round
from core.clock import to_shanghai


@dataclass(frozen=True)
class RoundScope:
    """`is_officer`: the reader is in charge, and may be shown what is internal."""

    program: Program
    round: Round
    challenges: Sequence[Challenge]
    is_officer: bool
    now: datetime

    @property
    def by_id(self) -> dict[UUID, Challenge]:
        return {item.id: item for item in self.challenges}


@dataclass(frozen=True)
class RoundDate:
    """Something that happens at a moment, or on a whole day."""

    at: datetime | date
    text: str
    icon: str
    tone: str
    challenge: Challenge | None = None
    address: str = ""
    is_internal: bool = False

    @property
    def day(self) -> date:
        return to_shanghai(self.at).date() if isinstance(self.at, datetime) else self.at

    @property
    def moment(self) -> datetime | None:
        return self.at if isinstance(self.at, datetime) else None

    @property
    def sort_key(self) -> tuple[date, str, str]:
        clock = to_shanghai(self.at).isoformat() if isinstance(self.at, datetime) else ""
        return self.day, clock, self.text


def on_the_list(scope: RoundScope) -> list[Challenge]:
    """Withdrawn ones have no dates ahead any more."""
    return [
        item
        for item in scope.challenges
        if item.published_at is not None and item.state is not ChallengeState.WITHDRAWN
    ]


def date_of(
    challenge: Challenge,
    at: datetime | date,
    text: str,
    icon: str,
    tone: str,
    *,
    address: str = "",
    is_internal: bool = False,
) -> RoundDate:
    return RoundDate(at, text, icon, tone, challenge, address or f"/challenges/{challenge.id}", is_internal)
