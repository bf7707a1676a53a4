"""What an officer asks of an allocation, as it is stored with the run."""

from dataclasses import asdict, dataclass
from typing import Any

from challenges.allocations.models import SolverGroup
from matching.allocation_problem import Sense


@dataclass(frozen=True)
class GroupDemand:
    """At least, at most or exactly `count` of a group's solvers, in one challenge or (None) in each."""

    group: SolverGroup
    sense: Sense
    count: int
    challenge: str | None = None


@dataclass(frozen=True)
class Pair:
    """A solver that a challenge has to get (`forced`), or must not get."""

    challenge: str
    solver: str
    forced: bool


@dataclass(frozen=True)
class Load:
    """Bounds of one solver's load that differ from those of all."""

    solver: str
    minimum: int
    maximum: int


@dataclass(frozen=True)
class Question:
    """`demands`: challenge id -> how many solvers it is to get. Solvers are named by organization id."""

    demands: dict[str, int]
    minimum: int
    maximum: int
    groups: tuple[GroupDemand, ...] = ()
    pairs: tuple[Pair, ...] = ()
    loads: tuple[Load, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Question":
        return cls(
            demands=data["demands"],
            minimum=data["minimum"],
            maximum=data["maximum"],
            groups=tuple(
                GroupDemand(**{**item, "group": SolverGroup(item["group"])}) for item in data["groups"]
            ),
            pairs=tuple(Pair(**item) for item in data["pairs"]),
            loads=tuple(Load(**item) for item in data["loads"]),
        )
