"""The question of an allocation as it is typed: rows of group rules, pairs and loads, each with a number in its names.

Plain parsing, no WTForms: which fields there are depends on the challenges and on how many rows were asked for.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Protocol

from challenges.allocations.models import SolverGroup
from challenges.allocations.problem import Inputs
from challenges.allocations.question import GroupDemand, Load, Pair, Question
from core.i18n import lazy_gettext as _
from matching.allocation_problem import SENSES, Sense

# More solvers for one challenge, or challenges for one solver, are a slip of the keyboard.
MOST = 100
ROWS = {"group": 2, "pair": 3, "load": 2}
MAX_ROWS = 200
DEFAULT_DEMAND = 3
DEFAULT_MAXIMUM = 2
SENSE_OF: dict[str, Sense] = {sense: sense for sense in SENSES}
FORCED, FORBIDDEN = "forced", "forbidden"


class Data(Protocol):
    def get(self, name: str, default: str = "") -> str: ...
    def getlist(self, name: str) -> list[Any]: ...


@dataclass
class AllocationForm:
    """`values` are texts as typed, `chosen` the ids of challenges, `errors` messages by the name of their field."""

    inputs: Inputs
    values: dict[str, str] = field(default_factory=dict)
    chosen: set[str] = field(default_factory=set)
    errors: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def fresh(cls, inputs: Inputs, chosen: set[str]) -> "AllocationForm":
        values = {f"demand-{item.id}": str(DEFAULT_DEMAND) for item in inputs.challenges}
        return cls(inputs, {**values, "minimum": "0", "maximum": str(DEFAULT_MAXIMUM)}, chosen)

    @classmethod
    def of_question(cls, inputs: Inputs, question: Question) -> "AllocationForm":
        """An earlier question to be changed; what is not there any more is left out."""
        form = cls.fresh(inputs, set(question.demands) & {item.id for item in inputs.challenges})
        names = {item.id: item.name for item in inputs.solvers}
        values = form.values
        values |= {"minimum": str(question.minimum), "maximum": str(question.maximum)}
        values |= {f"demand-{key}": str(demand) for key, demand in question.demands.items()}
        for n, item in enumerate(question.groups):
            values |= {
                f"group-{n}": item.group.value,
                f"sense-{n}": item.sense,
                f"count-{n}": str(item.count),
            }
            values[f"where-{n}"] = item.challenge or ""
        for n, pair in enumerate(pair for pair in question.pairs if pair.solver in names):
            values |= {
                f"pair-{n}": FORCED if pair.forced else FORBIDDEN,
                f"pair_challenge-{n}": pair.challenge,
            }
            values[f"pair_solver-{n}"] = names[pair.solver]
        for n, load in enumerate(load for load in question.loads if load.solver in names):
            values |= {f"load-{n}": names[load.solver], f"load_minimum-{n}": str(load.minimum)}
            values[f"load_maximum-{n}"] = str(load.maximum)
        return form

    @classmethod
    def typed(cls, inputs: Inputs, data: Data) -> "AllocationForm":
        form = cls(inputs, chosen={str(item) for item in data.getlist("challenge")})
        form.chosen &= {item.id for item in inputs.challenges}
        names = ["minimum", "maximum", *(f"demand-{item.id}" for item in inputs.challenges)]
        for n in range(MAX_ROWS):
            row = [
                f"{name}-{n}"
                for name in (
                    *("group", "sense", "count", "where"),
                    *("pair", "pair_challenge", "pair_solver"),
                    *("load", "load_minimum", "load_maximum"),
                )
            ]
            names += row
        form.values = {name: data.get(name).strip()[:200] for name in names if data.get(name)}
        return form

    def value(self, name: str) -> str:
        return self.values.get(name, "")

    def rows(self, kind: str) -> range:
        """Rows to show: those in use, and some that are empty."""
        used = [n for n in range(MAX_ROWS) if self.value(f"{kind}-{n}") or self.value(f"{kind}_solver-{n}")]
        return range(min(MAX_ROWS, max(used, default=-1) + 1 + ROWS[kind]))

    def question(self) -> Question | None:
        """What was typed as a question; None with `errors` where something is wrong."""
        self.errors = {}
        if not self.chosen:
            self.errors["challenge"] = _("Choose at least one challenge.")
        demands = {
            item.id: self._number(f"demand-{item.id}")
            for item in self.inputs.challenges
            if item.id in self.chosen
        }
        minimum, maximum = self._number("minimum"), self._number("maximum")
        if minimum > maximum:
            self.errors["maximum"] = _("This is less than the least.")
        question = Question(
            demands=demands,
            minimum=minimum,
            maximum=maximum,
            groups=tuple(self._groups()),
            pairs=tuple(self._pairs()),
            loads=tuple(self._loads()),
        )
        return None if self.errors else question

    def _number(self, name: str) -> int:
        text = self.value(name)
        if text.isascii() and text.isdigit() and len(text) <= 4 and int(text) <= MOST:
            return int(text)
        self.errors[name] = _("A whole number from 0 to %(most)s.", most=MOST)
        return 0

    def _groups(self) -> list[GroupDemand]:
        found: list[GroupDemand] = []
        for n in self.rows("group"):
            group = next((item for item in SolverGroup if item.value == self.value(f"group-{n}")), None)
            if group is None:
                continue
            sense = SENSE_OF.get(self.value(f"sense-{n}"), ">=")
            where = self.value(f"where-{n}")
            if where and where not in self.chosen:
                self.errors[f"where-{n}"] = _("This challenge is not chosen above.")
            found.append(GroupDemand(group, sense, self._number(f"count-{n}"), where or None))
        return found

    def _pairs(self) -> list[Pair]:
        found: list[Pair] = []
        for n in self.rows("pair"):
            kind, challenge = self.value(f"pair-{n}"), self.value(f"pair_challenge-{n}")
            if kind not in (FORCED, FORBIDDEN):
                if self.value(f"pair_solver-{n}"):
                    self.errors[f"pair-{n}"] = _("Say whether the pair is required or forbidden.")
                continue
            if challenge not in self.chosen:
                self.errors[f"pair_challenge-{n}"] = _("This challenge is not chosen above.")
                continue
            solver = self._solver(f"pair_solver-{n}")
            if solver is None:
                continue
            row = next(item for item in self.inputs.challenges if item.id == challenge)
            if kind == FORCED and solver not in row.scores:
                self.errors[f"pair_solver-{n}"] = _(
                    "This solver is not among the ranked and admitted candidates of the challenge."
                )
            found.append(Pair(challenge, self.inputs.solvers[solver].id, kind == FORCED))
        twice = [
            key
            for key, times in Counter((item.challenge, item.solver) for item in found).items()
            if times > 1
        ]
        if twice:
            self.errors["pairs"] = _("A pair of challenge and solver is named twice.")
        return found

    def _loads(self) -> list[Load]:
        found: list[Load] = []
        for n in self.rows("load"):
            if not self.value(f"load-{n}"):
                continue
            solver = self._solver(f"load-{n}")
            least, most = self._number(f"load_minimum-{n}"), self._number(f"load_maximum-{n}")
            if least > most:
                self.errors[f"load_maximum-{n}"] = _("This is less than the least.")
            if solver is not None:
                found.append(Load(self.inputs.solvers[solver].id, least, most))
        if len({item.solver for item in found}) < len(found):
            self.errors["loads"] = _("A solver is named twice.")
        return found

    def _solver(self, name: str) -> int | None:
        wanted = self.value(name)
        places = [n for n, item in enumerate(self.inputs.solvers) if item.name == wanted]
        if len(places) == 1:
            return places[0]
        self.errors[name] = _("No ranked and admitted solver has this name. Take one of the list.")
        return None
