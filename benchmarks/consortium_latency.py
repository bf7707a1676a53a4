"""Time consortium proposals and program allocations beside OR-tools CP-SAT on the same problems.

Both solve every problem in turn with two threads at most, to a proven optimum or the time limit. CP-SAT works in
integers: scores are scaled by 10^6, which is exact for the scores drawn here.

    python -m benchmarks.consortium_latency [--quick] [--time-limit 60]
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from math import lcm
from pathlib import Path
from typing import Any

import numpy as np
from ortools.sat.python import cp_model  # pyright: ignore[reportMissingImports] - of the bench extra

from benchmarks.machine import describe_machine
from matching.allocation import AllocationProblem, GroupRule, allocate
from matching.consortium import Candidate, ConsortiumProblem, ConsortiumRequirement, propose
from matching.quota import SMALL_MICRO_SIZES, SME_SIZES, QuotaRule, exact_number

RESULTS = Path(__file__).parent / "results"
SEED = 20260101
THREADS = 2
SCALE = 10**6
CONSORTIUM_SIZES = ((100, 10), (500, 10), (1000, 10), (2000, 10), (2000, 12))
ALLOCATION_SIZES = ((50, 500), (200, 2000), (500, 5000))
# Beyond this CP-SAT spends minutes before it looks at its time limit.
MAX_PAIRS_FOR_CP_SAT = 400_000
SEEDS = 3
RULE = QuotaRule(
    min_sme_budget_share="0.4",
    min_small_micro_share_of_sme="0.6",
    min_sme_members=1,
    max_members=5,
    applies_to="all",
)


@dataclass(frozen=True)
class Run:
    """One problem solved by one solver. Processor time counts all threads, and nothing else that the machine does."""

    problem: str
    solver: str
    seconds: float
    processor_seconds: float
    status: str
    objective: float | None
    bound: float | None

    @property
    def gap(self) -> float | None:
        return None if self.objective is None or self.bound is None else max(0.0, self.bound - self.objective)


def consortium_problem(
    candidates: int, requirements: int, seed: int, rule: QuotaRule = RULE
) -> ConsortiumProblem:
    """Scores around a strength of each candidate, one in ten large (and stronger), one in five no enterprise."""
    random = np.random.default_rng(SEED + seed)
    weights = random.integers(20, 120, requirements)
    budgets = random.integers(5, 200, requirements)
    strength = random.beta(2, 5, candidates)
    spread = random.normal(0.0, 0.15, (candidates, requirements))
    kinds = random.choice(["enterprise", "research_institute", "university"], candidates, p=[0.8, 0.1, 0.1])
    sizes = random.choice(["large", "medium", "small", "micro"], candidates, p=[0.1, 0.2, 0.4, 0.3])
    given = random.random((candidates, requirements)) < 0.9
    scores = strength[:, None] + spread + np.where(sizes == "large", 0.1, 0.0)[:, None]
    scores = np.clip(scores, 0.0, 1.0).round(6)
    total = int(weights.sum())
    return ConsortiumProblem(
        requirements=tuple(
            ConsortiumRequirement.of(
                f"r{column}", exact_number(int(weights[column]), "weight") / total, int(budget)
            )
            for column, budget in enumerate(budgets)
        ),
        candidates=tuple(
            Candidate(
                id=f"c{row}",
                kind=kinds[row].item(),
                size=sizes[row].item() if kinds[row] == "enterprise" else None,
                scores={f"r{column}": float(scores[row, column]) for column in np.flatnonzero(given[row])},
            )
            for row in range(candidates)
        ),
        rule=rule,
    )


def allocation_problem(challenges: int, solvers: int, seed: int) -> AllocationProblem:
    """Three solvers for each challenge, of them at least one of the SMEs; one pair in ten forbidden."""
    random = np.random.default_rng(SEED + seed)
    smes = frozenset(np.flatnonzero(random.random(solvers) < 0.3).tolist())
    minimums = np.zeros(solvers, np.int64)
    minimums[: challenges // 2] = 1
    return AllocationProblem(
        scores=random.random((challenges, solvers)).round(6),
        demands=np.full(challenges, 3, np.int64),
        minimums=minimums,
        maximums=np.full(solvers, 2, np.int64),
        constraints=np.where(random.random((challenges, solvers)) < 0.1, -1, 0).astype(np.int8),
        groups=(GroupRule(smes, ">=", 1),),
    )


class Stopwatch:
    """Wall and processor seconds since it was made."""

    def __init__(self) -> None:
        self._wall, self._processor = time.perf_counter(), time.process_time()

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self._wall

    @property
    def processor_seconds(self) -> float:
        return time.process_time() - self._processor


def time_ours(name: str, problem: ConsortiumProblem, time_limit_s: float) -> Run:
    watch = Stopwatch()
    found = propose(problem, time_limit_s=time_limit_s)
    seconds, processor = watch.seconds, watch.processor_seconds
    objective = None if found.objective is None else float(found.objective)
    return Run(name, "jiebang", seconds, processor, found.status, objective, found.bound)


def time_our_allocation(name: str, problem: AllocationProblem, time_limit_s: float) -> Run:
    watch = Stopwatch()
    found = allocate(problem, time_limit_s=time_limit_s)
    return Run(
        name, "jiebang", watch.seconds, watch.processor_seconds, found.status, found.objective, found.bound
    )


def time_cp_sat(name: str, problem: ConsortiumProblem, time_limit_s: float) -> Run:
    """The model of `docs/consortium.md` for `applies_to: all` in CP-SAT's terms."""
    watch = Stopwatch()
    model: Any = cp_model.CpModel()
    rule = problem.rule
    money = {item.id: item.budget_hundred_yuan for item in problem.requirements}
    whole = lcm(*(item.weight.denominator for item in problem.requirements))
    weights = {item.id: int(item.weight * whole) for item in problem.requirements}
    takes: dict[str, list[Any]] = {item.id: [] for item in problem.requirements}
    worth: list[Any] = []
    sme: list[Any] = []
    small: list[Any] = []
    members: list[Any] = []
    smes: list[Any] = []
    for candidate in problem.candidates:
        member = model.new_bool_var("")
        members.append(member)
        counts = candidate.kind == "enterprise" and candidate.size in SME_SIZES
        held: list[Any] = []
        for requirement, score in candidate.scores.items():
            x = model.new_bool_var("")
            held.append(x)
            takes[requirement].append(x)
            model.add_implication(x, member)
            worth.append(round(float(score) * SCALE) * weights[requirement] * x)
            if counts:
                sme.append(money[requirement] * x)
                if candidate.size in SMALL_MICRO_SIZES:
                    small.append(money[requirement] * x)
        model.add(sum(held) >= member)
        if counts:
            smes.append(member)
    for choices in takes.values():
        model.add_exactly_one(choices)
    assert rule.max_members is not None
    assert rule.min_sme_members is not None
    assert rule.min_sme_budget_share is not None
    assert rule.min_small_micro_share_of_sme is not None
    model.add(sum(members) <= rule.max_members)
    model.add(sum(smes) >= rule.min_sme_members)
    share, part = rule.min_sme_budget_share, rule.min_small_micro_share_of_sme
    model.add(share.denominator * sum(sme) >= share.numerator * sum(money.values()))
    model.add(part.denominator * sum(small) >= part.numerator * sum(sme))
    model.maximize(sum(worth))
    return _run_cp_sat(name, model, whole * SCALE, watch, time_limit_s)


def time_cp_sat_allocation(name: str, problem: AllocationProblem, time_limit_s: float) -> Run:
    watch = Stopwatch()
    model: Any = cp_model.CpModel()
    challenges, solvers = problem.scores.shape
    scores = np.rint(problem.scores * SCALE).astype(np.int64)
    table = [
        [model.new_bool_var("") if problem.constraints[row, column] != -1 else 0 for column in range(solvers)]
        for row in range(challenges)
    ]
    for row, entries in enumerate(table):
        model.add(sum(entries) == int(problem.demands[row]))
        for group in problem.groups:
            model.add(sum(entries[column] for column in group.members) >= group.count)
    for column in range(solvers):
        load = sum(entries[column] for entries in table)
        model.add(load >= int(problem.minimums[column]))
        model.add(load <= int(problem.maximums[column]))
    model.maximize(
        sum(int(scores[row, column]) * x for row, line in enumerate(table) for column, x in enumerate(line))
    )
    return _run_cp_sat(name, model, SCALE, watch, time_limit_s)


def _run_cp_sat(name: str, model: Any, scale: int, watch: Stopwatch, time_limit_s: float) -> Run:
    solver: Any = cp_model.CpSolver()
    solver.parameters.num_workers = THREADS
    # Building the model counts: ours builds one too.
    solver.parameters.max_time_in_seconds = max(0.1, time_limit_s - watch.seconds)
    status = solver.solve(model)
    seconds, processor = watch.seconds, watch.processor_seconds
    word = {cp_model.OPTIMAL: "optimal", cp_model.FEASIBLE: "feasible", cp_model.INFEASIBLE: "infeasible"}
    solved = status in (cp_model.OPTIMAL, cp_model.FEASIBLE)
    return Run(
        name,
        "CP-SAT",
        seconds,
        processor,
        word.get(status, "unknown"),
        solver.objective_value / scale if solved else None,
        solver.best_objective_bound / scale if solved else None,
    )


def measure(*, quick: bool, time_limit_s: float) -> list[Run]:
    runs: list[Run] = []
    for candidates, requirements in CONSORTIUM_SIZES[:1] if quick else CONSORTIUM_SIZES:
        name = f"consortium {candidates} × {requirements}"
        for seed in range(1 if quick else SEEDS):
            problem = consortium_problem(candidates, requirements, seed)
            runs.append(_shown(time_ours(name, problem, time_limit_s)))
            runs.append(_shown(time_cp_sat(name, problem, time_limit_s)))
            led = problem.changed(rule=RULE.replaced(applies_to="large_lead"))
            runs.append(_shown(time_ours(f"{name}, any lead", led, time_limit_s)))
    for challenges, solvers in ALLOCATION_SIZES[:1] if quick else ALLOCATION_SIZES:
        name = f"allocation {challenges} × {solvers}"
        program = allocation_problem(challenges, solvers, 0)
        runs.append(_shown(time_our_allocation(name, program, time_limit_s)))
        if program.scores.size <= MAX_PAIRS_FOR_CP_SAT:
            runs.append(_shown(time_cp_sat_allocation(name, program, time_limit_s)))
    return runs


def table_of(runs: Sequence[Run]) -> str:
    """Markdown: medians of the seconds, the worst gap, how many were proven, by problem and solver."""
    lines = [
        "| problem | solver | median s | worst s | processor s, median | proven | largest gap |",
        "|---|---|--:|--:|--:|--:|--:|",
    ]
    for problem, solver in dict.fromkeys((run.problem, run.solver) for run in runs):
        these = [run for run in runs if (run.problem, run.solver) == (problem, solver)]
        seconds = [run.seconds for run in these]
        proven = sum(run.status in ("optimal", "infeasible") for run in these)
        gaps = [run.gap for run in these if run.gap is not None]
        gap = f"{max(gaps):.2g}" if gaps else "none found"
        processor = np.median([run.processor_seconds for run in these])
        lines.append(
            f"| {problem} | {solver} | {np.median(seconds):.2f} | {max(seconds):.2f} | {processor:.2f} | {proven}/{len(these)} | {gap} |"
        )
    return "\n".join(lines)


def disagreements(runs: Sequence[Run]) -> list[str]:
    """Problems that both solvers call optimal at different objectives: one of them would be wrong."""
    found: list[str] = []
    for ours, theirs in pairwise(runs):
        same = ours.problem == theirs.problem and (ours.solver, theirs.solver) == ("jiebang", "CP-SAT")
        if not same or ours.status != "optimal" or theirs.status != "optimal":
            continue
        assert ours.objective is not None
        assert theirs.objective is not None
        if abs(ours.objective - theirs.objective) > 1e-6 * max(1.0, abs(ours.objective)):
            found.append(f"{ours.problem}: {ours.objective} and {theirs.objective}")
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Time consortia and allocations beside CP-SAT.")
    parser.add_argument("--quick", action="store_true", help="the smallest problem of each kind alone")
    parser.add_argument(
        "--time-limit", type=float, default=60.0, metavar="S", help="seconds for each problem"
    )
    args = parser.parse_args(arguments)
    runs = measure(quick=args.quick, time_limit_s=args.time_limit)
    machine = describe_machine()
    table = table_of(runs)
    print(f"\n{table}")
    for line in disagreements(runs):
        print(f"disagreement: {line}")
    if not args.quick:
        RESULTS.mkdir(exist_ok=True)
        document = {
            "machine": machine,
            "threads": THREADS,
            "runs": [asdict(run) | {"gap": run.gap} for run in runs],
        }
        (RESULTS / "consortium_latency.json").write_text(json.dumps(document, indent=1) + "\n", "utf-8")
        facts = ", ".join(f"{name} {value}" for name, value in machine.items())
        text = f"# Consortia and allocations beside CP-SAT\n\n{facts}. Time limit {args.time_limit:g} s.\n\n{table}\n"
        (RESULTS / "consortium_latency.md").write_text(text, "utf-8")
    return 1 if disagreements(runs) else 0


def _shown(run: Run) -> Run:
    gap = "" if run.gap is None else f" gap {run.gap:.2g}"
    print(f"{run.problem:<34} {run.solver:<8} {run.seconds:7.2f} s  {run.status}{gap}", flush=True)
    return run


if __name__ == "__main__":
    raise SystemExit(main())
