"""The commands `consortium` and `allocate`, for the one console command of the project."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any, TextIO

from matching.allocation import Allocation, AllocationProblem, allocate
from matching.consortium import ConsortiumProblem, solve_document
from matching.problem_file import ProblemError, read_problem_file

# sysexits would say 65; the other commands of this project say 2, like argparse does.
MALFORMED = 2
DEFAULT_ALTERNATIVES = 3
# More than this many consortia nobody compares, and each costs a solution.
MAX_ALTERNATIVES = 50
DEFAULT_TIME_LIMIT_S = 60.0


def add_commands(
    subparsers: argparse._SubParsersAction[argparse.ArgumentParser],  # pyright: ignore[reportPrivateUsage]
) -> None:
    """Register `consortium` and `allocate`; each sets `run`, which takes the arguments and gives the exit status."""
    consortium = subparsers.add_parser(
        "consortium",
        help="propose the best consortium that keeps the SME quota, with its proof",
        description="Read a consortium problem (JSON) and print the best consortium that its rule allows, the next "
        "best ones and the price of the quota; or, where there is none, the smallest reason why.",
    )
    consortium.add_argument(
        "problem", type=Path, metavar="PROBLEM.json", help="the problem; see docs/consortium.md"
    )
    consortium.add_argument("--json", action="store_true", help="print one JSON object instead of text")
    consortium.add_argument(
        "--alternatives",
        type=_alternatives,
        default=DEFAULT_ALTERNATIVES,
        metavar="N",
        help=f"how many next best consortia to add, at most {MAX_ALTERNATIVES} (default {DEFAULT_ALTERNATIVES})",
    )
    _add_time_limit(consortium)
    consortium.set_defaults(run=run_consortium)

    allocation = subparsers.add_parser(
        "allocate",
        help="assign solvers to all challenges of a program at once",
        description="Read an allocation problem (JSON) and print the assignment with the largest total score that "
        "keeps every demand, load, pair and group rule; or the constraints that conflict.",
    )
    allocation.add_argument(
        "problem", type=Path, metavar="PROBLEM.json", help="the problem; see docs/consortium.md"
    )
    allocation.add_argument("--json", action="store_true", help="print one JSON object instead of text")
    _add_time_limit(allocation)
    allocation.set_defaults(run=run_allocate)


def run_consortium(args: argparse.Namespace) -> int:
    path: Path = args.problem
    try:
        problem = ConsortiumProblem.from_json(read_problem_file(path))
    except ProblemError as error:
        return _malformed(path, error)
    document = solve_document(problem, alternatives=args.alternatives, time_limit_s=args.time_limit)
    if args.json:
        _print_json(document)
    else:
        print_consortium(document, sys.stdout)
    return 0


def run_allocate(args: argparse.Namespace) -> int:
    path: Path = args.problem
    try:
        problem = AllocationProblem.from_json(read_problem_file(path))
    except ProblemError as error:
        return _malformed(path, error)
    allocation = allocate(problem, time_limit_s=args.time_limit)
    if args.json:
        _print_json(allocation.as_json())
    else:
        print_allocation(allocation, sys.stdout)
    return 0


def print_consortium(document: dict[str, Any], out: TextIO) -> None:
    """The answer as text for people."""
    if document["status"] == "infeasible":
        _print_conflict(document, out)
        return
    if document["status"] == "unknown":
        print("No consortium was found within the time limit; that there is none is not proven.", file=out)
        print(f"None scores more than {document['bound']:.6f}.", file=out)
        return
    print(f"Score {document['objective']:.6f}: {_certificate(document)}", file=out)
    for member in document["members"]:
        role = "lead  " if member["id"] == document["lead"] else "member"
        counts = (
            "counts as SME" if member["counted_sme"] else f"not counted ({member['not_counted_because']})"
        )
        parts = ", ".join(member["requirements"])
        print(f"  {role}  {member['id']}  {member['budget_wan']:.2f} 万元  {counts}  {parts}", file=out)
    binds = "" if document["quota_applies"] else " (does not bind: no large enterprise leads)"
    print(f"Quota{binds}:", file=out)
    for name, part in document["quota"].items():
        if part["threshold"] is not None:
            verdict = "holds" if part["holds"] else "broken"
            value = "no money" if part["value"] is None else f"{part['value']:.6g}"
            print(f"  {name}: {value} against {part['threshold']:.6g}: {verdict}", file=out)
    if document["price_of_quota"] is not None:
        print(f"Price of the quota: {document['price_of_quota']:.6f}", file=out)
    _print_curve(document["price_curve"], out)
    for number, other in enumerate(document["alternatives"], start=1):
        names = ", ".join(member["id"] for member in other["members"])
        proof = "" if other["status"] == "optimal" else f" (not proven; gap {other['gap']:.6f})"
        print(f"Alternative {number}: {other['objective']:.6f}  {names}{proof}", file=out)


def print_allocation(allocation: Allocation, out: TextIO) -> None:
    """The answer as text for people."""
    if allocation.status == "infeasible":
        print("There is no allocation. These constraints conflict:", file=out)
        for constraint in allocation.conflict:
            print(f"  {constraint.text}", file=out)
        return
    if allocation.objective is None or allocation.assignment is None:
        print("No allocation was found within the time limit; that there is none is not proven.", file=out)
        return
    proof = (
        "proven best"
        if allocation.status == "optimal"
        else f"not proven; no total exceeds {allocation.bound:.6f}"
    )
    print(f"Total score {allocation.objective:.6f}: {proof}", file=out)
    for challenge, solvers in enumerate(allocation.assignment):
        print(f"  challenge {challenge}: {', '.join(map(str, solvers)) or 'nobody'}", file=out)


def _certificate(document: dict[str, Any]) -> str:
    if document["status"] == "optimal":
        return "no consortium within the constraints scores higher; proven"
    return f"the best found within the time limit; none scores more than {document['bound']:.6f}"


def _print_conflict(document: dict[str, Any], out: TextIO) -> None:
    print("There is no such consortium. These cannot hold together:", file=out)
    for constraint in document["conflict"]:
        print(f"  {constraint['text']}", file=out)
    if document["conflict_minimal"] is False:
        print("  (the time limit ended the search for a smaller set)", file=out)
    for name, value in document["nearest"].items():
        nearest = "no value helps" if value is None else f"possible at {value}"
        print(f"  {name}: {nearest}", file=out)


def _print_curve(curve: dict[str, Any] | None, out: TextIO) -> None:
    if curve is None or not curve["steps"]:
        return
    print("Score by the share of the budget that SMEs must hold:", file=out)
    for step in curve["steps"]:
        score = "no consortium" if step["objective"] is None else f"{step['objective']:.6f}"
        print(f"  up to {step['to'] * 100:.2f}%: {score}", file=out)


def _print_json(document: dict[str, Any]) -> None:
    print(json.dumps(document, ensure_ascii=False, allow_nan=False))


def _malformed(path: Path, error: ProblemError) -> int:
    print(f"{path}: {error}", file=sys.stderr)
    return MALFORMED


def _add_time_limit(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--time-limit",
        type=_seconds,
        default=DEFAULT_TIME_LIMIT_S,
        metavar="S",
        help=f"seconds after which the best found is printed with its gap (default {DEFAULT_TIME_LIMIT_S:g})",
    )


def _alternatives(text: str) -> int:
    number = int(text)
    if not 0 <= number <= MAX_ALTERNATIVES:
        raise argparse.ArgumentTypeError(f"must be from 0 to {MAX_ALTERNATIVES}")
    return number


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError("must be a positive number of seconds")
    return seconds
