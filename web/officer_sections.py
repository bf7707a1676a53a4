"""What the officers' work queue is made of: a section, what waits in it, and when it should be done."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from challenges.models import Challenge, Program
from challenges.programs.calendar import period

# Within so many days officers do what no rule of the program sets a date for: a working week.
OFFICE_DAYS = 5


@dataclass(frozen=True)
class Waiting:
    """One thing that waits. `since` tells its age; where `due` has passed, it is overdue."""

    challenge: Challenge
    address: str
    since: datetime
    due: datetime | None = None
    note: str = ""
    is_urgent: bool = False

    def is_overdue(self, now: datetime) -> bool:
        return self.is_urgent or (self.due is not None and self.due < now)


@dataclass(frozen=True)
class Section:
    """`short` stands in the overview above the sections; `calm` and `calm_text` where nothing waits."""

    anchor: str
    short: str
    title: str
    since_title: str
    rows: Sequence[Waiting]
    calm: str
    calm_text: str = ""


def office_due(program: Program, since: datetime) -> datetime:
    """When an officer should have done what has waited since then."""
    return since + period(program, OFFICE_DAYS)


def known(moment: datetime | None) -> datetime:
    assert moment is not None
    return moment


def shortened(text: str, length: int = 80) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"
