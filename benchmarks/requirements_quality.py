"""Measure what requirements add, on challenges composed of several queries of tasks with known answers.

Each challenge joins two or three queries that different institutions answer; every one of them is a requirement, and its
institutions are who should be found for it.  Composed in two ways: the text of the challenge repeats its requirements in
full, or holds the first sentence of each while the requirement holds the rest.

    python benchmarks/requirements_quality.py TASK_DIR [TASK_DIR …]
"""

from __future__ import annotations

import argparse
import json
import math
import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.machine import describe_machine
from matching.documents import Challenge, Query, Requirement
from matching.evaluation import DEPTH, Task, ndcg, read_task
from matching.index import Floats, Index
from matching.ranking import order, score_all

RESULTS = Path(__file__).parent / "results"
SEED = 20261124
# Every query stands in this many challenges, with others each time.
ROUNDS = 3
SIZES = (2, 3)
FOUND = 10
SENTENCE_END = re.compile(r"(?<=[。！？；!?;])")
PRODUCT = "the product: ½ whole, ½ requirements"
WHOLE = "whole text alone"


@dataclass(frozen=True, slots=True)
class Scored:
    """Scores of all documents for the whole challenge, its text without the requirements, and each requirement:
    shapes (documents,), (documents,) and (requirements, documents)."""

    whole: Floats
    text: Floats
    parts: Floats


Combination = Callable[[Scored], Floats]


def shared(share: float) -> Combination:
    return lambda scored: (1.0 - share) * scored.whole + share * scored.parts.mean(axis=0)


COMBINATIONS: Mapping[str, Combination] = {
    WHOLE: shared(0.0),
    "¾ whole, ¼ requirements": shared(0.25),
    PRODUCT: shared(0.5),
    "¼ whole, ¾ requirements": shared(0.75),
    "requirements alone": shared(1.0),
    "½ text without the requirements, ½ requirements": lambda scored: (
        0.5 * scored.text + 0.5 * scored.parts.mean(axis=0)
    ),
    "½ whole, ½ best requirement": lambda scored: 0.5 * scored.whole + 0.5 * scored.parts.max(axis=0),
}


@dataclass(frozen=True, slots=True)
class Composed:
    """A challenge with who answers each of its requirements."""

    challenge: Challenge
    answers: tuple[frozenset[str], ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """A mean over challenges or requirements, and the standard error of its difference to the whole text alone."""

    mean: float
    difference: float
    error: float


def compose(task: Task, size: int, *, apart: bool) -> list[Composed]:
    """Challenges of `size` requirements whose institutions differ, the same in every run."""
    answers = {
        query: frozenset(document for document, degree in relevance.items() if degree > 0)
        for query, relevance in task.relevance.items()
    }
    names = sorted(
        query
        for query, text in task.queries.items()
        if answers.get(query) and (not apart or all(_head_and_rest(text)))
    )
    chooser = random.Random(SEED + size)
    made: list[Composed] = []
    for _ in range(ROUNDS):
        waiting = chooser.sample(names, len(names))
        while len(waiting) >= size:
            chosen = [waiting.pop()]
            for name in reversed(waiting):
                if all(answers[name].isdisjoint(answers[other]) for other in chosen):
                    chosen.append(name)
                    if len(chosen) == size:
                        break
            if len(chosen) < size:
                break
            waiting = [name for name in waiting if name not in chosen]
            texts = [task.queries[name] for name in chosen]
            split = [_head_and_rest(text) if apart else (text, text) for text in texts]
            parts = tuple(Requirement(name, rest) for name, (_, rest) in zip(chosen, split, strict=True))
            text = "\n".join(head for head, _ in split)
            made.append(
                Composed(
                    Challenge("+".join(chosen), "", text, parts), tuple(answers[name] for name in chosen)
                )
            )
    return made


def _head_and_rest(text: str) -> tuple[str, str]:
    head, *rest = [sentence for sentence in SENTENCE_END.split(text) if sentence.strip()]
    return head, "".join(rest)


def names_of(index: Index, scores: Floats) -> list[str]:
    return [index.documents[position].id for position in order(scores, index, DEPTH)]


def measure(index: Index, challenges: Sequence[Composed]) -> dict[str, dict[str, Figure]]:
    """By measure and combination; the measures are explained in the report."""
    found: dict[str, dict[str, list[float]]] = {}

    def note(measured: str, combination: str, value: float) -> None:
        found.setdefault(measured, {}).setdefault(combination, []).append(value)

    for composed in challenges:
        challenge = composed.challenge
        scores = score_all(index, challenge)
        parts = np.stack([scores.parts[part.id] for part in challenge.requirements])
        scored = Scored(
            score_all(index, Query(challenge.as_query().text)).total,
            score_all(index, Query(challenge.text)).total,
            parts,
        )
        union = {name: 1 for names in composed.answers for name in names}
        for name, combine in COMBINATIONS.items():
            # The product's are the ones that the pages show, not the same numbers by another way.
            ranking = names_of(index, scores.total if name == PRODUCT else combine(scored))
            note("ranking", name, ndcg(ranking, union))
            best = set(ranking[:FOUND])
            covered = [not best.isdisjoint(names) for names in composed.answers]
            note("covered", name, sum(covered) / len(covered))
        together = names_of(index, scored.whole)
        for number, names in enumerate(composed.answers):
            relevance = dict.fromkeys(names, 1)
            note("requirement", WHOLE, ndcg(together, relevance))
            note("requirement", PRODUCT, ndcg(names_of(index, parts[number]), relevance))
            for name in sorted(names & index.position.keys()):
                own = parts[:, index.position[name]]
                note("assigned", WHOLE, 1.0 / len(composed.answers))
                note("assigned", PRODUCT, float(own[number] > np.delete(own, number).max()))
    return {
        measured: {name: _figure(values, by_combination[WHOLE]) for name, values in by_combination.items()}
        for measured, by_combination in found.items()
    }


def _figure(values: Sequence[float], base: Sequence[float]) -> Figure:
    differences = np.asarray(values) - np.asarray(base)
    return Figure(
        float(np.mean(values)),
        float(differences.mean()),
        float(differences.std(ddof=1) / math.sqrt(len(differences))) if len(differences) > 1 else 0.0,
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("tasks", nargs="+", type=Path, metavar="TASK_DIR")
    arguments = parser.parse_args()
    measured: dict[str, tuple[int, dict[str, dict[str, Figure]]]] = {}
    for directory in arguments.tasks:
        task = read_task(directory)
        index = Index.build(task.documents)
        for apart in (False, True):
            for size in SIZES:
                challenges = compose(task, size, apart=apart)
                if not challenges:
                    continue
                name = (
                    f"{task.name}, {size} requirements, {'apart from' if apart else 'repeated in'} the text"
                )
                measured[name] = (len(challenges), measure(index, challenges))
                for combination, figure in measured[name][1]["ranking"].items():
                    print(f"{name}: {combination}: {figure.mean:.4f}", flush=True)
    write_report(measured)


def write_report(measured: Mapping[str, tuple[int, dict[str, dict[str, Figure]]]]) -> None:
    machine = describe_machine()
    lines = [
        "# What requirements add",
        "",
        f"{machine['date']}, {machine['processor']}, Python {machine['python']}.  Challenges composed of queries that",
        "different institutions answer.  *Whole* is the text with its requirements.  In brackets the difference to the whole",
        "text alone with its standard error.  Combinations beside the product's are there for comparison.",
        "",
        "- *ranking*: nDCG@10 of the one ranking of the challenge, relevant: the institutions of all requirements",
        f"- *covered*: share of the requirements of which an institution is among the first {FOUND}",
        "- *per requirement*: nDCG@10 of the ranking shown for a requirement, relevant: its institutions",
        "- *assigned*: share of the institutions that score highest for the requirement that is theirs; chance for the whole",
        "  text, which cannot tell",
    ]
    for name, (count, by_measure) in measured.items():
        lines += [
            "",
            f"## {name} ({count} challenges)",
            "",
            "| combination | ranking | covered |",
            "|---|---:|---:|",
            *(
                f"| {f'**{combination}**' if combination == PRODUCT else combination} | "
                f"{_cell(by_measure['ranking'][combination], combination)} | "
                f"{_cell(by_measure['covered'][combination], combination)} |"
                for combination in COMBINATIONS
            ),
            "",
            "| for one requirement | per requirement | assigned |",
            "|---|---:|---:|",
            *(
                f"| {shown} | {_cell(by_measure['requirement'][combination], combination)} | "
                f"{_cell(by_measure['assigned'][combination], combination)} |"
                for combination, shown in ((WHOLE, WHOLE), (PRODUCT, "**its own score**"))
            ),
        ]
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "requirements_quality.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    document = {
        "machine": machine,
        "compositions": {
            name: {
                "challenges": count,
                **{
                    measure: {
                        combination: {
                            "mean": figure.mean,
                            "difference": figure.difference,
                            "standard_error": figure.error,
                        }
                        for combination, figure in by_combination.items()
                    }
                    for measure, by_combination in by_measure.items()
                },
            }
            for name, (count, by_measure) in measured.items()
        },
    }
    (RESULTS / "requirements_quality.json").write_text(
        json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
    )


def _cell(figure: Figure, combination: str) -> str:
    if combination == WHOLE:
        return f"{figure.mean:.3f}"
    return f"{figure.mean:.3f} ({figure.difference:+.3f} ± {figure.error:.3f})"


if __name__ == "__main__":
    main()
