"""The matcher on the command line: `match` and `evaluate`, without server or database."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import Any, TextIO, cast

from matching.columns import in_columns
from matching.consortium import Candidate as ConsortiumCandidate
from matching.consortium import ConsortiumProblem, ConsortiumRequirement, Proposal, explain_conflict, propose
from matching.documents import Challenge, Solver
from matching.evaluation import evaluate, read_task
from matching.index import Index
from matching.quota import Controller, Kind, Size, as_wan, standing_reason
from matching.ranking import Candidate, candidates_by_requirement, order, rank, score_all
from matching.reading import InputError, read_challenge, read_solvers
from matching.shortlist import RankedCandidate, shortlist

# The customary status of a command that was called wrongly.
MALFORMED_INPUT = 2
# As many terms as fit beside the score on an ordinary terminal.
TERMS_IN_A_ROW = 6
# Solvers below the first hundred for a requirement are hardly asked to take it, and the proposal stays fast.
CANDIDATES_PER_REQUIREMENT = 100
# Long enough for a proof in all but contrived cases, short enough to wait for.
TIME_LIMIT_S = 30.0


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
    proposal = propose_consortium(index, challenge, solvers)
    if arguments.json:
        _print_json(
            {
                "ranking": [_candidate_json(candidate) for candidate in ranking],
                "shortlist": shortlist_of(index, challenge, solvers, ranking, arguments.top),
                "consortium": _consortium_json(proposal),
            }
        )
    else:
        by_id = {solver.id: solver for solver in solvers}
        _print_ranking(ranking, by_id, challenge)
        print()
        _print_consortium(proposal, by_id)
    return 0


def shortlist_of(
    index: Index, challenge: Challenge, solvers: Sequence[Solver], ranking: Sequence[Candidate], top_k: int
) -> list[str]:
    """The best solvers; with a rule for the share of SME members, so many SMEs that any first part of it keeps it."""
    share = challenge.quota.min_sme_member_share
    if not share:
        return [candidate.id for candidate in ranking]
    by_id = {solver.id: solver for solver in solvers}
    total = score_all(index, challenge).total
    ranked: list[RankedCandidate] = []
    for position in order(total, index, len(solvers)):
        solver = by_id[index.documents[position].id]
        kind, size = cast("Kind", solver.kind), cast("Size | None", solver.size)
        counted = standing_reason(solver.id, kind, size, _controllers(solver, by_id)) is None
        ranked.append(RankedCandidate(solver.id, float(total[position]), counted))
    return [entry.id for entry in shortlist(ranked, top_k=top_k, min_sme_member_share=share)]


def propose_consortium(index: Index, challenge: Challenge, solvers: Sequence[Solver]) -> Proposal | None:
    """The best consortium for a challenge from those who rank high for one of its requirements; None without any."""
    if not challenge.requirements:
        return None
    by_id = {solver.id: solver for solver in solvers}
    scores: dict[str, dict[str, float]] = {}
    for requirement, ranked in candidates_by_requirement(
        index, challenge, CANDIDATES_PER_REQUIREMENT
    ).items():
        for identifier, score in ranked:
            scores.setdefault(identifier, {})[requirement] = score
    total = sum(Fraction(part.weight) for part in challenge.requirements)
    problem = ConsortiumProblem(
        requirements=tuple(
            ConsortiumRequirement.of(part.id, Fraction(part.weight) / total, part.budget_wan)
            for part in challenge.requirements
        ),
        candidates=tuple(
            ConsortiumCandidate(
                id=identifier,
                kind=cast("Kind", by_id[identifier].kind),
                size=cast("Size | None", by_id[identifier].size),
                scores=scores[identifier],
                controllers=_controllers(by_id[identifier], by_id),
            )
            for identifier in sorted(scores)
        ),
        rule=challenge.quota,
    )
    return propose(problem, time_limit_s=TIME_LIMIT_S)


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
            ["nDCG@10", f"{measures.ndcg_at_10:.4f}"],
            ["MRR@10", f"{measures.mrr_at_10:.4f}"],
            ["recall@100", f"{measures.recall_at_100:.4f}"],
        ]
        print(f"{task.name}: {measures.queries} queries")
        print(in_columns(rows))
    return 0


def _controllers(solver: Solver, by_id: Mapping[str, Solver]) -> tuple[Controller, ...]:
    return tuple(
        Controller(identifier, cast("Size | None", by_id[identifier].size) if identifier in by_id else None)
        for identifier in solver.controlled_by
    )


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


def _consortium_json(proposal: Proposal | None) -> dict[str, Any]:
    consortium = proposal.consortium if proposal else None
    document: dict[str, Any] = {"lead": None, "members": [], "quota": {}, "status": "infeasible"}
    if consortium is not None:
        document = consortium.as_json()
    if proposal is not None:
        document["status"] = proposal.status
        if consortium is None and proposal.status == "infeasible":
            conflict = explain_conflict(proposal.problem, time_limit_s=TIME_LIMIT_S)
            document["conflict"] = (
                [constraint.as_json() for constraint in conflict.constraints] if conflict else []
            )
    return document


def _print_consortium(proposal: Proposal | None, by_id: Mapping[str, Solver]) -> None:
    if proposal is None:
        print("The challenge has no requirements to assign.")
        return
    consortium = proposal.consortium
    if consortium is None:
        print(f"No consortium ({proposal.status}).")
        conflict = explain_conflict(proposal.problem, time_limit_s=TIME_LIMIT_S)
        for constraint in conflict.constraints if conflict else ():
            print(f"  {constraint}")
        return
    rows = [["consortium", "id", "name", "requirements", "budget_wan", "counts as SME"]]
    rows += [
        [
            "lead" if member.id == consortium.lead else "member",
            member.id,
            by_id[member.id].name,
            " ".join(member.requirements),
            f"{member.budget_wan:.2f}",
            "yes" if member.counted_sme else f"no: {member.counted.code}".replace("_", " "),
        ]
        for member in consortium.members
    ]
    print(in_columns(rows, right=frozenset({4})))
    print()
    rows = [["quota", "computation", "threshold", ""]]
    for part in consortium.quota.parts:
        if part.threshold is None:
            continue
        amounts = (
            f"{as_wan(part.numerator)} / {as_wan(part.denominator)}"
            if "budget" in part.name or "small_micro" in part.name
            else f"{part.numerator}"
            if part.is_count
            else f"{part.numerator} / {part.denominator}"
        )
        verdict = "kept" if part.holds else "broken"
        rows.append(
            [part.name, amounts, f"{float(part.threshold):g}", verdict if part.applies else "does not apply"]
        )
    print(in_columns(rows, right=frozenset({1, 2})))


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
