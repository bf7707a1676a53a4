"""The inputs of an allocation as the newest rankings give them, frozen with the run, and the problem made of them."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from sqlalchemy.ext.asyncio import AsyncSession

from challenges.allocations import queries
from challenges.allocations.models import SolverGroup
from challenges.allocations.question import Question
from challenges.matches import queries as match_queries
from challenges.matches.service import held_certificates, may_take_part, not_counted_code
from challenges.postings.models import Challenge
from core.database import database_today
from matching.allocation import Allocation, AllocationProblem, GroupRule
from solvers.organizations.models import OrganizationKind, SizeClass


@dataclass(frozen=True)
class ChallengeInput:
    """`scores`: solver number -> score, of ranked and admitted solvers alone."""

    id: str
    title: str
    run_id: str
    scores: dict[int, float]


@dataclass(frozen=True)
class SolverInput:
    id: str
    name: str
    kind: str
    size: str | None
    counted: bool

    def belongs_to(self, group: SolverGroup) -> bool:
        if group is SolverGroup.COUNTED_SME:
            return self.counted
        if group is SolverGroup.SMALL_MICRO:
            return self.counted and self.size in (SizeClass.SMALL, SizeClass.MICRO)
        if group is SolverGroup.LARGE:
            return self.kind == OrganizationKind.ENTERPRISE and self.size == SizeClass.LARGE
        return self.kind == group.value


@dataclass(frozen=True)
class Inputs:
    """Challenges are rows and solvers columns of the problem, in this order."""

    challenges: tuple[ChallengeInput, ...]
    solvers: tuple[SolverInput, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "challenges": [
                {**asdict(item), "scores": sorted(item.scores.items())} for item in self.challenges
            ],
            "solvers": [asdict(item) for item in self.solvers],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Inputs":
        return cls(
            challenges=tuple(
                ChallengeInput(**{**item, "scores": {int(place): score for place, score in item["scores"]}})
                for item in data["challenges"]
            ),
            solvers=tuple(SolverInput(**item) for item in data["solvers"]),
        )


async def read_inputs(session: AsyncSession, challenges: Sequence[Challenge]) -> Inputs:
    """Of these challenges those that have been ranked, with every solver that one of them ranks and admits."""
    runs = await queries.newest_done_runs(session, [item.id for item in challenges])
    scores = await queries.scores_of(session, [run.id for run in runs.values()])
    ids = {organization for _challenge, organization, _score in scores}
    organizations = await queries.organizations_of(session, ids)
    controls = await match_queries.controls_of(session, ids)
    today = await database_today(session)
    held = {item.id: held_certificates(item, today) for item in organizations}
    ranked: dict[uuid.UUID, dict[uuid.UUID, float]] = {key: {} for key in runs}
    for challenge, organization, score in scores:
        ranked[challenge][organization] = score
    admitted: dict[uuid.UUID, set[uuid.UUID]] = {
        item.id: {
            other.id
            for other in organizations
            if other.id in ranked[item.id] and may_take_part(item, other, held[other.id])
        }
        for item in challenges
        if item.id in runs
    }
    chosen = [item for item in organizations if any(item.id in keys for keys in admitted.values())]
    number = {item.id: place for place, item in enumerate(chosen)}
    return Inputs(
        challenges=tuple(
            ChallengeInput(
                id=str(item.id),
                title=item.title,
                run_id=str(runs[item.id].id),
                scores={number[key]: ranked[item.id][key] for key in admitted[item.id]},
            )
            for item in challenges
            if item.id in runs
        ),
        solvers=tuple(
            SolverInput(
                id=str(item.id),
                name=item.name,
                kind=item.kind.value,
                size=item.size_class.value if item.size_class else None,
                counted=not_counted_code(item, controls.get(item.id, ())) is None,
            )
            for item in chosen
        ),
    )


def allocation_problem(question: Question, inputs: Inputs) -> AllocationProblem:
    """Who is not ranked or not admitted for a challenge is forbidden there; a forced pair overrides nothing.

    An organization that is named and no candidate of any challenge any more has no column: a load that it must have,
    or a challenge that must get it, is then refused by the form before a run begins.
    """
    shape = (len(inputs.challenges), max(1, len(inputs.solvers)))
    scores, signs = np.zeros(shape), np.full(shape, -1, np.int8)
    for row, challenge in enumerate(inputs.challenges):
        for column, score in challenge.scores.items():
            scores[row, column], signs[row, column] = score, 0
    rows = {item.id: place for place, item in enumerate(inputs.challenges)}
    columns = {item.id: place for place, item in enumerate(inputs.solvers)}
    for pair in question.pairs:
        if pair.challenge in rows and pair.solver in columns:
            signs[rows[pair.challenge], columns[pair.solver]] = 1 if pair.forced else -1
    minimums = np.full(shape[1], question.minimum, np.int64)
    maximums = np.full(shape[1], question.maximum, np.int64)
    if not inputs.solvers:
        minimums[:], maximums[:] = 0, 0
    for load in question.loads:
        if load.solver in columns:
            minimums[columns[load.solver]] = load.minimum
            maximums[columns[load.solver]] = load.maximum
    return AllocationProblem(
        scores=scores,
        demands=np.array([question.demands[item.id] for item in inputs.challenges], np.int64),
        minimums=minimums,
        maximums=maximums,
        constraints=signs,
        groups=tuple(
            GroupRule(
                members=members_of(item.group, inputs.solvers),
                sense=item.sense,
                count=item.count,
                challenges=None if item.challenge is None else frozenset({rows[item.challenge]}),
            )
            for item in question.groups
        ),
    )


def members_of(group: SolverGroup, solvers: Collection[SolverInput]) -> frozenset[int]:
    return frozenset(place for place, item in enumerate(solvers) if item.belongs_to(group))


def result_of(answer: Allocation, seconds: float) -> dict[str, Any]:
    return {**answer.as_json(), "seconds": round(seconds, 3)}
