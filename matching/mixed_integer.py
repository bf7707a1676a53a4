"""Build a mixed-integer program row by row and solve it with HiGHS through `scipy.optimize.milp`."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy.optimize import Bounds, LinearConstraint, milp  # pyright: ignore
from scipy.sparse import csr_array  # pyright: ignore

Outcome = Literal["optimal", "feasible", "infeasible", "unknown"]

# HiGHS stops at an absolute gap of 1e-6, which SciPy does not let us change: objectives near 1 are multiplied by
# this, so that "optimal" is exact to 1e-10.
OBJECTIVE_SCALE = 1e4
# Below this HiGHS may give back nothing at all, not even what its first heuristic found.
MIN_TIME_LIMIT_S = 0.01


@dataclass(frozen=True, slots=True)
class Solution:
    """What HiGHS found. `values`: float64, one per column, or None. `bound`: no solution is larger than this."""

    outcome: Outcome
    values: npt.NDArray[np.float64] | None
    bound: float


class Deadline:
    """The moment at which all solving for one request stops."""

    def __init__(self, time_limit_s: float | None) -> None:
        self._at = None if time_limit_s is None else time.monotonic() + time_limit_s

    @property
    def remaining_s(self) -> float | None:
        return None if self._at is None else self._at - time.monotonic()

    @property
    def passed(self) -> bool:
        remaining_s = self.remaining_s
        return remaining_s is not None and remaining_s <= 0


class MixedInteger:
    """Maximise objective · values, subject to rows lower ≤ coefficients · values ≤ upper."""

    def __init__(self) -> None:
        self._lower: list[npt.NDArray[np.float64]] = []
        self._upper: list[npt.NDArray[np.float64]] = []
        self._integral: list[npt.NDArray[np.uint8]] = []
        self._objective: list[npt.NDArray[np.float64]] = []
        self._columns = 0
        self._entries: list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float64]]] = []
        self._row_lower: list[npt.NDArray[np.float64]] = []
        self._row_upper: list[npt.NDArray[np.float64]] = []
        self._rows = 0

    def add_columns(
        self,
        count: int,
        *,
        lower: float | npt.NDArray[np.float64] = 0.0,
        upper: float | npt.NDArray[np.float64] = 1.0,
        objective: float | npt.NDArray[np.float64] = 0.0,
        integral: bool = True,
    ) -> npt.NDArray[np.int64]:
        """Add columns; returns their numbers."""
        self._lower.append(np.broadcast_to(np.asarray(lower, np.float64), (count,)))
        self._upper.append(np.broadcast_to(np.asarray(upper, np.float64), (count,)))
        self._objective.append(np.broadcast_to(np.asarray(objective, np.float64), (count,)))
        self._integral.append(np.full(count, int(integral), np.uint8))
        first = self._columns
        self._columns += count
        return np.arange(first, self._columns, dtype=np.int64)

    def add_row(
        self,
        columns: Iterable[int],
        coefficients: Iterable[float] | float,
        *,
        lower: float = -np.inf,
        upper: float = np.inf,
    ) -> None:
        """One row; a column that is named twice counts twice."""
        where = np.array(list(columns), np.int64)
        if isinstance(coefficients, (int, float)):
            values = np.full(len(where), float(coefficients))
        else:
            values = np.asarray(list(coefficients), np.float64)
        self.add_rows(
            np.zeros(len(where), np.int64), where, values, lower=np.array([lower]), upper=np.array([upper])
        )

    def add_rows(
        self,
        rows: npt.NDArray[np.int64],
        columns: npt.NDArray[np.int64],
        coefficients: npt.NDArray[np.float64],
        *,
        lower: npt.NDArray[np.float64],
        upper: npt.NDArray[np.float64],
    ) -> None:
        """Many rows at once: entry k puts `coefficients[k]` at row `rows[k]` (from 0) and column `columns[k]`."""
        self._entries.append((rows + self._rows, columns, coefficients))
        self._row_lower.append(lower)
        self._row_upper.append(upper)
        self._rows += len(lower)

    def solve(self, deadline: Deadline, *, relative_gap: float = 0.0) -> Solution:
        if deadline.passed:
            return Solution("unknown", None, float("inf"))
        objective = np.concatenate(self._objective) * OBJECTIVE_SCALE
        options: dict[str, Any] = {"mip_rel_gap": relative_gap}
        if deadline.remaining_s is not None:
            options["time_limit"] = max(deadline.remaining_s, MIN_TIME_LIMIT_S)
        found: Any = milp(
            -objective,
            integrality=np.concatenate(self._integral),
            bounds=Bounds(np.concatenate(self._lower), np.concatenate(self._upper)),  # pyright: ignore
            constraints=self._constraint(),
            options=options,
        )
        return _solution(found)

    def _constraint(self) -> Any:
        rows = np.concatenate([entry[0] for entry in self._entries])
        columns = np.concatenate([entry[1] for entry in self._entries])
        values = np.concatenate([entry[2] for entry in self._entries])
        matrix: Any = csr_array((values, (rows, columns)), shape=(self._rows, self._columns))  # pyright: ignore
        return LinearConstraint(matrix, np.concatenate(self._row_lower), np.concatenate(self._row_upper))  # pyright: ignore


def _solution(found: Any) -> Solution:
    # SciPy's codes: 0 optimal, 1 stopped by a limit, 2 infeasible, 3 unbounded, 4 other.
    status = int(found.status)
    if status == 2:
        return Solution("infeasible", None, float("-inf"))
    dual = found.get("mip_dual_bound")
    bound = float("inf") if dual is None or not np.isfinite(dual) else -float(dual) / OBJECTIVE_SCALE
    values: npt.NDArray[np.float64] | None = None if found.x is None else np.asarray(found.x, np.float64)
    if status == 0 and values is not None:
        return Solution("optimal", values, bound)
    return Solution("unknown" if values is None else "feasible", values, bound)
