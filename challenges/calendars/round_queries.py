"""Every SELECT about the dates of a round's challenges, each for many challenges at once."""

import uuid
from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from challenges.acceptances.models import FinalAcceptance
from challenges.amendments.models import Amendment, AmendmentState
from challenges.checks.models import CheckState, FormalCheck
from challenges.consortia.models import Consortium, Decision, Outcome
from challenges.contracts.models import Contract
from challenges.milestones.models import Milestone, MilestoneState
from challenges.notices.models import Notice
from challenges.objections.models import Objection, ObjectionState
from challenges.reviews.models import Review, ReviewState

Keys = Collection[uuid.UUID]


async def amendments_of(session: AsyncSession, challenges: Keys) -> list[Amendment]:
    """Those in force, and those that wait."""
    statement = (
        select(Amendment)
        .where(
            Amendment.challenge_id.in_(challenges),
            Amendment.state.in_([AmendmentState.CONFIRMED, AmendmentState.PROPOSED]),
        )
        .order_by(Amendment.proposed_at, Amendment.id)
    )
    return list(await session.scalars(statement))


async def completions_of(session: AsyncSession, challenges: Keys) -> list[FormalCheck]:
    """Checks whose bidder has been asked to complete its bid and still may."""
    statement = (
        select(FormalCheck)
        .where(
            FormalCheck.challenge_id.in_(challenges),
            FormalCheck.state == CheckState.COMPLETION_REQUESTED,
        )
        .order_by(FormalCheck.completion_due_at, FormalCheck.id)
    )
    return list(await session.scalars(statement))


async def reviews_of(session: AsyncSession, challenges: Keys) -> list[Review]:
    """Those with a deadline that were not broken off."""
    statement = (
        select(Review)
        .where(
            Review.challenge_id.in_(challenges),
            Review.state != ReviewState.BROKEN_OFF,
            Review.due_at.is_not(None),
        )
        .order_by(Review.due_at, Review.id)
    )
    return list(await session.scalars(statement))


async def approvals_of(session: AsyncSession, challenges: Keys) -> list[tuple[uuid.UUID, Decision]]:
    """Approved decisions, each with its challenge."""
    statement = (
        select(Consortium.challenge_id, Decision)
        .join(Consortium, Consortium.id == Decision.consortium_id)
        .where(Consortium.challenge_id.in_(challenges), Decision.outcome == Outcome.APPROVED)
        .order_by(Decision.decided_at, Decision.id)
    )
    return [(row[0], row[1]) for row in await session.execute(statement)]


async def notices_of(session: AsyncSession, challenges: Keys) -> list[Notice]:
    statement = select(Notice).where(Notice.challenge_id.in_(challenges)).order_by(Notice.begun_at, Notice.id)
    return list(await session.scalars(statement))


async def unanswered_objections_of(session: AsyncSession, challenges: Keys) -> list[Objection]:
    statement = (
        select(Objection)
        .where(Objection.challenge_id.in_(challenges), Objection.state == ObjectionState.RAISED)
        .order_by(Objection.due_at, Objection.id)
    )
    return list(await session.scalars(statement))


async def contracts_of(session: AsyncSession, challenges: Keys) -> list[Contract]:
    statement = (
        select(Contract)
        .where(Contract.challenge_id.in_(challenges))
        .order_by(Contract.challenge_id, Contract.team_number)
    )
    return list(await session.scalars(statement))


async def milestones_of(session: AsyncSession, challenges: Keys) -> list[Milestone]:
    """With their contract; those that were cancelled have no dates."""
    statement = (
        select(Milestone)
        .join(Contract, Contract.id == Milestone.contract_id)
        .where(Contract.challenge_id.in_(challenges), Milestone.state != MilestoneState.CANCELLED)
        .options(selectinload(Milestone.contract))
        .order_by(Milestone.due_at, Milestone.id)
    )
    return list(await session.scalars(statement))


async def acceptances_of(session: AsyncSession, challenges: Keys) -> list[FinalAcceptance]:
    """With their contract."""
    statement = (
        select(FinalAcceptance)
        .join(Contract, Contract.id == FinalAcceptance.contract_id)
        .where(Contract.challenge_id.in_(challenges))
        .options(selectinload(FinalAcceptance.contract))
        .order_by(FinalAcceptance.asked_at, FinalAcceptance.id)
    )
    return list(await session.scalars(statement))
