"""The actor that solves for the best consortium. Killed at any point it runs again; a superseded answer is dropped."""

import asyncio
import logging
import uuid
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.consortia import queries
from challenges.consortia.composition import compose, consortium_problem
from challenges.consortia.models import Consortium
from challenges.consortia.policies import EDITABLE
from challenges.consortia.prospects import prospects_of, rule_of
from challenges.postings import queries as posting_queries
from challenges.postings.models import Challenge
from core.database import database_time
from core.jobs import actor
from core.process import current_process
from matching.consortium import ConsortiumProblem, explain_document, propose
from matching.mixed_integer import Deadline

logger = logging.getLogger(__name__)

# What a poster compares side by side.
ALTERNATIVES = 3
# 200 candidates take well below a second; the limit is for budgets that make the proof hard. The best found is shown
# with its gap then.
TIME_LIMIT_S = 60.0


@actor()
async def solve_consortium(consortium_id: str, revision: int) -> None:
    """Answer the question that was asked with this revision, unless the consortium has moved on."""
    key = uuid.UUID(consortium_id)
    process = current_process()
    async with process.transaction() as session:
        consortium, challenge = await _asked(session, key, revision)
        if consortium is None or challenge is None:
            return
        rule = await rule_of(session, challenge)
        problem = consortium_problem(challenge, rule, await prospects_of(session, challenge, consortium))
    try:
        deadline = Deadline(TIME_LIMIT_S)
        proposal = await asyncio.to_thread(
            propose, problem, alternatives=ALTERNATIVES, time_limit_s=TIME_LIMIT_S
        )
        await _write_step(key, revision, "prices" if proposal.consortium else "reasons")
        answer = await asyncio.to_thread(explain_document, proposal, time_limit_s=deadline.remaining_s)
        await _store(key, revision, problem, answer)
    except Exception as error:
        logger.exception("consortium %s was not solved", key)
        await _fail(key, revision, error)
        raise


async def _asked(
    session: AsyncSession, key: uuid.UUID, revision: int, *, lock: bool = False
) -> tuple[Consortium | None, Challenge | None]:
    """The consortium and its challenge while the question stands."""
    challenge_id = await queries.challenge_id_of(session, key)
    if challenge_id is None:
        return None, None
    challenge = await posting_queries.challenge_by_id(session, challenge_id, lock=lock)
    consortium = await queries.consortium_by_id(session, key, lock=lock)
    if (
        consortium is None
        or consortium.revision != revision
        or consortium.state not in EDITABLE
        or consortium.computation.get("status") not in ("solving", "failed")
    ):
        return None, None
    return consortium, challenge


async def _write_step(key: uuid.UUID, revision: int, step: str) -> None:
    """What is being computed now, for whoever waits on the page."""
    async with current_process().transaction() as session:
        consortium, _challenge = await _asked(session, key, revision, lock=True)
        if consortium is not None:
            consortium.computation = {"status": "solving", "step": step}


async def _store(key: uuid.UUID, revision: int, problem: ConsortiumProblem, answer: dict[str, Any]) -> None:
    async with current_process().transaction() as session:
        consortium, challenge = await _asked(session, key, revision, lock=True)
        if consortium is None or challenge is None:
            return
        prospects = await prospects_of(session, challenge, consortium)
        consortium.computation = {
            "status": "solved",
            "solved_at": (await database_time(session)).isoformat(),
            "problem": problem.as_json(),
            "answer": answer,
        }
        # Somebody who left since is no prospect any more; what remains shows what is missing.
        chosen = [item for item in answer["members"] if uuid.UUID(item["id"]) in prospects]
        compose(
            consortium,
            challenge,
            await rule_of(session, challenge),
            prospects,
            members=[uuid.UUID(item["id"]) for item in chosen],
            holders={name: uuid.UUID(item["id"]) for item in chosen for name in item["requirements"]},
            lead_id=uuid.UUID(answer["lead"]) if answer["lead"] else None,
        )
        consortium.revision += 1


async def _fail(key: uuid.UUID, revision: int, error: Exception) -> None:
    async with current_process().transaction() as session:
        consortium, _challenge = await _asked(session, key, revision, lock=True)
        if consortium is not None:
            failure = f"{type(error).__name__}: {error}"[:500]
            consortium.computation = {"status": "failed", "failure": failure}
