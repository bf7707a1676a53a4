"""Every SELECT about saved searches and new challenges."""

import uuid
from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from challenges.matches.models import Match, MatchRun, MatchRunState
from challenges.postings.models import Challenge
from challenges.postings.queries import open_for_bids
from challenges.searches.models import ChallengeAnnouncement, SavedSearch
from core.accounts.models import Person
from solvers.organizations.models import Organization, Verification

# A new challenge is ranked within seconds. Where that fails, searches do not wait for it any longer.
RANKING_PATIENCE = timedelta(minutes=10)


async def searches_of(session: AsyncSession, person_id: uuid.UUID) -> list[SavedSearch]:
    """A person's own, newest first."""
    statement = (
        select(SavedSearch)
        .where(SavedSearch.person_id == person_id)
        .order_by(SavedSearch.created_at.desc(), SavedSearch.id)
    )
    return list(await session.scalars(statement))


async def search_of(session: AsyncSession, person_id: uuid.UUID, search_id: uuid.UUID) -> SavedSearch | None:
    return await session.scalar(
        select(SavedSearch).where(SavedSearch.id == search_id, SavedSearch.person_id == person_id)
    )


async def lock_owner(session: AsyncSession, person_id: uuid.UUID) -> None:
    """Two tabs of one person save one after the other, so that the limit holds."""
    await session.execute(select(Person.id).where(Person.id == person_id).with_for_update(key_share=True))


async def searches_before(session: AsyncSession, moment: datetime) -> list[SavedSearch]:
    """Searches that were saved by then, in the order of saving."""
    statement = (
        select(SavedSearch)
        .join(Person, Person.id == SavedSearch.person_id)
        .where(SavedSearch.created_at <= moment, Person.is_disabled.is_(False))
        .order_by(SavedSearch.created_at, SavedSearch.id)
    )
    return list(await session.scalars(statement))


async def next_to_announce(
    session: AsyncSession, now: datetime, besides: Collection[uuid.UUID]
) -> Challenge | None:
    """A challenge that is open, ranked and not yet told of, locked; one that another worker holds is left to it."""
    ranked = exists().where(
        MatchRun.challenge_id == Challenge.id,
        MatchRun.state.in_([MatchRunState.DONE, MatchRunState.FAILED]),
    )
    told = exists().where(ChallengeAnnouncement.challenge_id == Challenge.id)
    statement = (
        select(Challenge)
        .where(
            open_for_bids(now),
            ~told,
            or_(ranked, Challenge.published_at <= now - RANKING_PATIENCE),
            Challenge.id.not_in(besides),
        )
        .options(selectinload(Challenge.organization), selectinload(Challenge.program))
        .order_by(Challenge.published_at, Challenge.id)
        .limit(1)
        .with_for_update(skip_locked=True, of=Challenge)
    )
    return await session.scalar(statement)


async def best_ranked(
    session: AsyncSession, challenge_id: uuid.UUID, *, heads: int, score: float
) -> list[Organization]:
    """The verified organizations that lead the newest ranking of a challenge, and reach a score."""
    newest = (
        select(MatchRun.id)
        .where(MatchRun.challenge_id == challenge_id, MatchRun.state == MatchRunState.DONE)
        .order_by(MatchRun.created_at.desc(), MatchRun.id)
        .limit(1)
        .scalar_subquery()
    )
    statement = (
        select(Organization)
        .join(Match, Match.organization_id == Organization.id)
        .where(
            Match.run_id == newest,
            Match.rank <= heads,
            Match.score >= score,
            Organization.verification == Verification.VERIFIED,
        )
        .order_by(Match.rank)
    )
    return list(await session.scalars(statement))
