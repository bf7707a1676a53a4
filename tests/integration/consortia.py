"""Consortia for tests, as far on their way as a test wants."""

import uuid
from collections.abc import Awaitable, Callable

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.consortia import decisions, queries, service, submission
from challenges.matches.service import queue_match
from challenges.models import (
    Consortium,
    Decision,
    Outcome,
)
from core.settings import Settings
from tests.integration.matchmaking import Market

RunJobs = Callable[[], Awaitable[None]]


IMPOSSIBLE = {"min_sme_members": 2, "max_members": 1}


async def propose(market: Market, session: AsyncSession, run_jobs: RunJobs) -> Consortium:
    await queue_match(session, market.challenge.id)
    await session.commit()
    await run_jobs()
    await service.propose_consortium(session, market.poster_actor, market.challenge.id)
    await session.commit()
    await run_jobs()
    return await present(market, session)


async def present(market: Market, session: AsyncSession) -> Consortium:
    session.expire_all()
    await refreshed(market, session)
    consortium = await queries.shown_consortium(session, market.challenge.id)
    assert consortium is not None
    return consortium


async def refreshed(market: Market, session: AsyncSession) -> None:
    """Load again what the test's market holds, so that it may be read outside of queries."""
    for thing in (
        market.challenge,
        market.poster,
        market.editor,
        market.program,
        market.lead,
        market.coater,
        market.tester,
        market.institute,
        market.stranger,
    ):
        await session.refresh(thing)
    await session.refresh(market.officer, ["id", "name", "email", "locale", "roles"])
    await session.refresh(market.challenge, ["requirements"])


async def submit(market: Market, session: AsyncSession, settings: Settings, run_jobs: RunJobs) -> Consortium:
    consortium = await propose(market, session, run_jobs)
    await submission.submit_consortium(
        session, market.poster_actor, market.challenge.id, consortium.revision, "请审批"
    )
    await session.commit()
    return await present(market, session)


async def decide(
    market: Market, session: AsyncSession, settings: Settings, outcome: Outcome, reason: str = ""
) -> Decision:
    consortium = await present(market, session)
    return await decisions.decide_consortium(
        session, market.officer_actor, consortium.id, outcome, reason, consortium.revision
    )


def holders(consortium: Consortium) -> dict[str, str]:
    return {
        name: member.organization.name for member in consortium.members for name in member.requirement_ids
    }


def holder_keys(consortium: Consortium) -> dict[str, uuid.UUID | None]:
    return {name: member.organization_id for member in consortium.members for name in member.requirement_ids}
