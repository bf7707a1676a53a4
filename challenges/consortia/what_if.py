"""What if a member had to stay or leave, another joined, or a budget were different: solved at once, stored nowhere."""

import asyncio
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.consortia.composition import consortium_problem
from challenges.consortia.standing import Standing, read_standing
from core.actor import Actor
from core.errors import ConflictError, InvalidError
from core.i18n import gettext as _
from matching.consortium import Conflict, ConsortiumProblem, Proposal, explain_conflict, propose
from matching.mixed_integer import Deadline

# Somebody looks at the page and waits. What is not proven by then is shown with its gap.
TIME_LIMIT_S = 3.0
# Two questions at a time, so that those who play do not take the processors from everybody else.
_SOLVERS = ThreadPoolExecutor(max_workers=2, thread_name_prefix="what-if")


@dataclass(frozen=True)
class Changes:
    """What is asked on top of the rule: who must be a member, who must not, and other budgets by requirement."""

    force: frozenset[uuid.UUID] = frozenset()
    exclude: frozenset[uuid.UUID] = frozenset()
    budgets: Mapping[str, Decimal] = field(default_factory=dict[str, Decimal])

    def __bool__(self) -> bool:
        return bool(self.force or self.exclude or self.budgets)

    def as_json(self) -> dict[str, Any]:
        return {
            "force": sorted(map(str, self.force)),
            "exclude": sorted(map(str, self.exclude)),
            "budgets": {name: str(budget) for name, budget in sorted(self.budgets.items())},
        }


@dataclass(frozen=True)
class Answer:
    """`conflict` is given where no consortium exists, as far as the time sufficed to explain it."""

    changes: Changes
    proposal: Proposal
    conflict: Conflict | None = None


async def ask_what_if(
    session: AsyncSession, actor: Actor, challenge_id: uuid.UUID, changes: Changes
) -> tuple[Standing, Answer]:
    """The best consortium with these changes, from organizations, scores and the rule as they stand now."""
    standing = await read_standing(session, actor, challenge_id)
    if standing.consortium is None:
        raise ConflictError(_("There is no consortium yet."))
    problem = consortium_problem(standing.challenge, standing.rule, standing.prospects)
    problem = _changed(problem, standing, changes)
    answer = await asyncio.get_running_loop().run_in_executor(_SOLVERS, _solve, problem, changes)
    return standing, answer


def _changed(problem: ConsortiumProblem, standing: Standing, changes: Changes) -> ConsortiumProblem:
    known = {candidate.id for candidate in problem.candidates}
    for key in sorted(changes.force, key=str):
        if str(key) not in known:
            prospect = standing.prospects.get(key)
            name = prospect.organization.name if prospect is not None else str(key)
            raise InvalidError({"": _("%(name)s is not among those who may become members.", name=name)})
        problem = problem.with_member(str(key))
    for key in sorted(changes.exclude, key=str):
        # Who is no candidate is left out anyway; who is also forced stays so, and the conflict is named.
        if str(key) in known:
            problem = problem.changed(exclude=problem.exclude | {str(key)})
    for name, budget in changes.budgets.items():
        problem = problem.with_budget(name, budget)
    return problem


def _solve(problem: ConsortiumProblem, changes: Changes) -> Answer:
    deadline = Deadline(TIME_LIMIT_S)
    proposal = propose(problem, time_limit_s=TIME_LIMIT_S)
    if proposal.status != "infeasible":
        return Answer(changes, proposal)
    left_s = max(0.0, deadline.remaining_s or 0.0)
    return Answer(changes, proposal, explain_conflict(problem, time_limit_s=left_s))
