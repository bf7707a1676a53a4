"""Actors that compute rankings. Each may be killed at any point and run again; a run that is done stays as it is."""

import asyncio
import logging
import uuid
from dataclasses import dataclass

from sqlalchemy import delete

from challenges.indexes import Snapshot, solver_index
from challenges.matches import queries
from challenges.matches.models import Match, MatchRun, MatchRunState
from challenges.matches.question import matching_challenge
from challenges.postings import queries as posting_queries
from core.database import database_time
from core.jobs import actor, enqueue
from core.process import current_process
from matching import documents
from matching.ranking import RANKER_VERSION, Candidate, Filters

logger = logging.getLogger(__name__)

# Pages show ten times twenty; a consortium of at most five finds its members far above this rank, where the quota may
# ask for an SME that stands lower than the institutes; further down scores are those of words that everybody uses.
KEPT_CANDIDATES = 200
# Sums of kept parts must not show the rounding: pages print a score with three decimals of its scale.
STORED_DECIMALS = 12
# What is done by the time each step begins, in percent; measured on 400 profiles, where ranking takes longest.
READING, RANKING, STORING, DONE = 5, 30, 90, 100


@dataclass(frozen=True)
class Question:
    challenge_id: uuid.UUID
    query: documents.Challenge
    poster_id: uuid.UUID


@actor()
async def run_match(run_id: str) -> None:
    """Rank solvers for the run's challenge and store the best; a failure is kept with the run and shown."""
    key = uuid.UUID(run_id)
    process = current_process()
    question = await _start(key)
    if question is None:
        return
    try:
        # After the run has left the state in which others may still join it: what they saved is read now.
        async with process.transaction() as session:
            snapshot = await solver_index(session)
        await _write_progress(key, RANKING)
        candidates = await asyncio.to_thread(_rank, snapshot, question)
        await _write_progress(key, STORING)
        await _store(key, snapshot, candidates)
    except Exception as error:
        logger.exception("match run %s failed", key)
        await _fail(key, error)
        # The broker tries again; the failure stays visible meanwhile.
        raise


@actor()
async def rematch_open_challenges(organization_id: str) -> None:
    """Queue a run for every open challenge after an organization's profile has changed; waiting runs suffice."""
    async with current_process().transaction() as session:
        now = await database_time(session)
        for challenge_id in await queries.open_challenge_ids(session, now):
            run = await queries.add_waiting_run(session, challenge_id, now)
            if run is not None:
                await enqueue(session, run_match, run.id)


async def _start(key: uuid.UUID) -> Question | None:
    async with current_process().transaction() as session:
        run = await queries.run_by_id(session, key, lock=True)
        if run is None or run.state is MatchRunState.DONE:
            return None
        challenge = await posting_queries.challenge_by_id(session, run.challenge_id)
        assert challenge is not None
        run.state, run.progress, run.failure = MatchRunState.RUNNING, READING, ""
        run.started_at, run.finished_at = await database_time(session), None
        return Question(challenge.id, matching_challenge(challenge), challenge.organization_id)


def _rank(snapshot: Snapshot, question: Question) -> list[Candidate]:
    others = Filters(excluded_ids=frozenset({str(question.poster_id)}))
    return snapshot.index.rank(question.query, top_k=KEPT_CANDIDATES, filters=others)


async def _write_progress(key: uuid.UUID, progress: int) -> None:
    async with current_process().transaction() as session:
        run = await queries.run_by_id(session, key, lock=True)
        if run is not None and run.state is MatchRunState.RUNNING:
            run.progress = progress


async def _store(key: uuid.UUID, snapshot: Snapshot, candidates: list[Candidate]) -> None:
    async with current_process().transaction() as session:
        run = await queries.run_by_id(session, key, lock=True)
        # Deleted as superseded, or done by a second worker that was given the same job.
        if run is None or run.state is MatchRunState.DONE:
            return
        await session.execute(delete(Match).where(Match.run_id == key))
        # An organization that left between reading and storing has no row to refer to any more.
        present = await queries.present_organization_ids(session, [uuid.UUID(item.id) for item in candidates])
        kept = [item for item in candidates if uuid.UUID(item.id) in present]
        session.add_all(
            _match(run, number, candidate, snapshot) for number, candidate in enumerate(kept, start=1)
        )
        run.state, run.progress, run.failure = MatchRunState.DONE, DONE, ""
        run.finished_at = await database_time(session)
        run.index_info = {
            "solvers": len(snapshot),
            "revision": snapshot.revision,
            "day": snapshot.day.isoformat(),
            "tokenizer": snapshot.index.tokenizer.fingerprint,
            "ranker": RANKER_VERSION,
        }
        await session.flush()
        await queries.delete_superseded_runs(session, run)


def _match(run: MatchRun, number: int, candidate: Candidate, snapshot: Snapshot) -> Match:
    evidence = snapshot.index.document(candidate.id).evidence
    return Match(
        run_id=run.id,
        organization_id=uuid.UUID(candidate.id),
        rank=number,
        score=candidate.score,
        requirement_scores=dict(candidate.requirements),
        terms=[[term, round(part, STORED_DECIMALS)] for term, part in candidate.terms],
        evidence=[
            [evidence[item.item].id, round(item.score, STORED_DECIMALS)] for item in candidate.evidence
        ],
    )


async def _fail(key: uuid.UUID, error: Exception) -> None:
    async with current_process().transaction() as session:
        run = await queries.run_by_id(session, key, lock=True)
        if run is not None and run.state is not MatchRunState.DONE:
            run.state, run.finished_at = MatchRunState.FAILED, await database_time(session)
            run.failure = f"{type(error).__name__}: {error}"[:500]
