"""The matcher on the command line: `match` and `evaluate`, without server or database."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO

from matching.columns import in_columns
from matching.documents import Challenge, Solver
from matching.evaluation import evaluate, read_task
from matching.index import Index
from matching.ranking import Candidate, rank
from matching.reading import InputError, read_challenge, read_solvers

# The customary status of a command that was called wrongly.
MALFORMED_INPUT = 2
# As many terms as fit beside the score on an ordinary terminal.
TERMS_IN_A_ROW = 6


def add_commands(subparsers: Any) -> None:
    """Add `match` and `evaluate` to the subparsers of an ArgumentParser; each sets `run`, which returns the exit status."""
    match = subparsers.add_parser(
        "match",
        help="rank solvers for a challenge and propose a consortium",
        description="Rank solvers for a challenge and propose a consortium that keeps the quota.",
    )
    match.add_argument("--solvers", type=Path, required=True, metavar="FILE", help="solvers, JSON Lines")
    match.add_argument("--challenge", type=Path, required=True, metavar="FILE", help="the challenge, JSON")
    match.add_argument(
        "--top", type=_positive, default=10, metavar="N", help="how many solvers to list (default 10)"
    )
    match.add_argument("--json", action="store_true", help="print one JSON document")
    match.set_defaults(run=run_match)

    evaluation = subparsers.add_parser(
        "evaluate",
        help="measure the ranking on a task with known answers",
        description="Print nDCG@10, MRR@10 and recall@100 of the ranking on a task: "
        "a directory with corpus.jsonl.gz, queries.jsonl and qrels.tsv.",
    )
    evaluation.add_argument("task", type=Path, metavar="TASK_DIR", help="the directory of the task")
    evaluation.add_argument("--json", action="store_true", help="print one JSON document")
    evaluation.set_defaults(run=run_evaluate)


def run_match(arguments: argparse.Namespace) -> int:
    try:
        solvers = read_solvers(arguments.solvers)
        challenge = read_challenge(arguments.challenge)
    except (InputError, OSError) as error:
        return _refuse(error)
    index = Index.build(solvers)
    ranking = rank(index, challenge, arguments.top)
    if arguments.json:
        _print_json({"ranking": [_candidate_json(candidate) for candidate in ranking]})
    else:
        _print_ranking(ranking, {solver.id: solver for solver in solvers}, challenge)
    return 0


def run_evaluate(arguments: argparse.Namespace) -> int:
    try:
        task = read_task(arguments.task)
    except (InputError, OSError) as error:
        return _refuse(error)
    measures = evaluate(task)
    if arguments.json:
        _print_json({"task": task.name, **asdict(measures)})
    else:
        rows = [
            [f"{task.name}: {measures.queries} queries", ""],
            ["nDCG@10", f"{measures.ndcg_at_10:.4f}"],
            ["MRR@10", f"{measures.mrr_at_10:.4f}"],
            ["recall@100", f"{measures.recall_at_100:.4f}"],
        ]
        print(in_columns(rows))
    return 0


def _candidate_json(candidate: Candidate) -> dict[str, Any]:
    return {
        "id": candidate.id,
        "score": candidate.score,
        "terms": [[term, part] for term, part in candidate.terms],
        "requirements": dict(candidate.requirements),
    }


def _print_ranking(ranking: list[Candidate], solvers: dict[str, Solver], challenge: Challenge) -> None:
    if not ranking:
        print("No solver shares a term with the challenge.")
        return
    rows = [
        ["", "score", "id", "name", "size", "region", *(part.id for part in challenge.requirements), "terms"]
    ]
    for place, candidate in enumerate(ranking, start=1):
        solver = solvers[candidate.id]
        rows.append(
            [
                str(place),
                f"{candidate.score:.4f}",
                candidate.id,
                solver.name,
                solver.size or (solver.kind or "").replace("_", " "),
                solver.region or "",
                *(f"{candidate.requirements[part.id]:.3f}" for part in challenge.requirements),
                " ".join(term for term, _ in candidate.terms[:TERMS_IN_A_ROW]),
            ]
        )
    numbers = {0, 1, *range(6, 6 + len(challenge.requirements))}
    print(in_columns(rows, right=frozenset(numbers)))


def _print_json(document: Any) -> None:
    json.dump(document, sys.stdout, ensure_ascii=False, indent=2, allow_nan=False)
    print()


def _refuse(error: Exception, out: TextIO | None = None) -> int:
    if isinstance(error, OSError) and error.filename is not None:
        print(f"jiebang: {error.filename}: {error.strerror}", file=out or sys.stderr)
    else:
        print(f"jiebang: {error}", file=out or sys.stderr)
    return MALFORMED_INPUT


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number
