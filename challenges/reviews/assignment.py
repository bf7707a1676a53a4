"""Who sits on which panel: solved exactly as a small mixed-integer program.

    maximise   Σ fit[e, r] · x[e, r] − LOAD_COST · Σ_e Σ_k (open reviews of e + k) · y[e, k]
    subject to Σ_e x[e, r] = seats of r, of them at least its enterprise experts,
               Σ_r x[e, r] = Σ_k y[e, k] ≤ room of e,
               x[e, r] = 0 for a conflict, x binary, 0 ≤ y ≤ 1

The k-th further review of an expert costs more than the one before, so that y fills in order by itself. Where the seats
cannot all be filled, as many as possible are, and what is missing is said.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from matching.mixed_integer import Deadline, MixedInteger

# Fit is counted in thousandths: whole numbers have no rounding to argue about.
FIT_SCALE = 1000
# Each open review of an expert weighs as much as a tenth of a perfect fit.
LOAD_COST = 100
# More open reviews than this nobody is given.
MOST_OPEN = 5
TIME_LIMIT_S = 20.0


@dataclass(frozen=True)
class Candidate:
    """`open_reviews` of an expert count the panels that are not part of the question."""

    key: str
    is_enterprise: bool
    open_reviews: int


@dataclass(frozen=True)
class Panel:
    """What is to be filled: `seats` free ones, `enterprise` of them with enterprise experts.

    `fit` is in thousandths, by expert; `barred` are those with a conflict or who sit there already.
    """

    key: str
    seats: int
    enterprise: int
    fit: dict[str, int]
    barred: frozenset[str]


@dataclass(frozen=True)
class Proposal:
    """`chosen`: experts by panel. `missing` and `missing_enterprise`: seats by panel that nobody can take."""

    chosen: dict[str, tuple[str, ...]]
    missing: dict[str, int]
    missing_enterprise: dict[str, int]
    objective: int
    is_proven: bool


def assign(candidates: Sequence[Candidate], panels: Sequence[Panel]) -> Proposal:
    """The best proposal: first the fewest seats left empty or without an enterprise expert, then the best fit."""
    gaps = _solve(candidates, panels, None)
    return _solve(candidates, panels, _gaps(gaps))


def objective_of(
    candidates: Sequence[Candidate], panels: Sequence[Panel], chosen: dict[str, tuple[str, ...]]
) -> int:
    """What a proposal is worth: a second, plain way to write the sum above."""
    fit = sum(panel.fit.get(key, 0) for panel in panels for key in chosen[panel.key])
    load = 0
    for candidate in candidates:
        given = sum(candidate.key in chosen[panel.key] for panel in panels)
        load += sum(candidate.open_reviews + step for step in range(given))
    return fit - LOAD_COST * load


def room_of(candidate: Candidate) -> int:
    return max(0, MOST_OPEN - candidate.open_reviews)


def _gaps(proposal: Proposal) -> int:
    return sum(proposal.missing.values()) + sum(proposal.missing_enterprise.values())


def _solve(candidates: Sequence[Candidate], panels: Sequence[Panel], gaps: int | None) -> Proposal:
    """Without `gaps` the fewest gaps are looked for; with them, the best proposal that has no more."""
    program = MixedInteger()
    weight = 0.0 if gaps is None else 1.0
    columns: dict[tuple[str, str], int] = {}
    for panel in panels:
        for candidate in candidates:
            if candidate.key not in panel.barred:
                value = weight * panel.fit.get(candidate.key, 0)
                columns[candidate.key, panel.key] = int(program.add_columns(1, objective=value)[0])
    slack = []
    for panel in panels:
        cost = -1.0 if gaps is None else 0.0
        empty = int(program.add_columns(1, upper=panel.seats, objective=cost)[0])
        lacking = int(program.add_columns(1, upper=panel.enterprise, objective=cost)[0])
        slack += [empty, lacking]
        everybody = [columns[c.key, panel.key] for c in candidates if (c.key, panel.key) in columns]
        enterprise = [
            columns[c.key, panel.key] for c in candidates if c.is_enterprise and (c.key, panel.key) in columns
        ]
        program.add_row([*everybody, empty], 1.0, lower=panel.seats, upper=panel.seats)
        program.add_row([*enterprise, lacking], 1.0, lower=panel.enterprise)
    for candidate in candidates:
        own = [columns[candidate.key, p.key] for p in panels if (candidate.key, p.key) in columns]
        if not own:
            continue
        room = min(room_of(candidate), len(own))
        steps = [
            int(
                program.add_columns(
                    1, objective=-weight * LOAD_COST * (candidate.open_reviews + step), integral=False
                )[0]
            )
            for step in range(room)
        ]
        program.add_row([*own, *steps], [1.0] * len(own) + [-1.0] * room, lower=0.0, upper=0.0)
    if gaps is not None:
        program.add_row(slack, 1.0, upper=float(gaps))
    solution = program.solve(Deadline(TIME_LIMIT_S))
    assert solution.values is not None, "leaving seats empty is always possible"
    values = solution.values
    chosen = {
        panel.key: tuple(
            candidate.key
            for candidate in candidates
            if (candidate.key, panel.key) in columns and values[columns[candidate.key, panel.key]] > 0.5
        )
        for panel in panels
    }
    kinds = {candidate.key: candidate.is_enterprise for candidate in candidates}
    return Proposal(
        chosen=chosen,
        missing={panel.key: panel.seats - len(chosen[panel.key]) for panel in panels},
        missing_enterprise={
            panel.key: max(0, panel.enterprise - sum(kinds[key] for key in chosen[panel.key]))
            for panel in panels
        },
        objective=objective_of(candidates, panels, chosen),
        is_proven=solution.outcome == "optimal",
    )
