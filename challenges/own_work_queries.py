"""Every SELECT about what waits for an organization under way, from its bid to its payments: see `web.own_work`."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from challenges.amendments.models import Amendment
from challenges.amendments.queries import is_unconfirmed
from challenges.bids.models import Bid
from challenges.checks.models import CheckState, FormalCheck
from challenges.consortia.models import Consortium, ConsortiumMember, ConsortiumState, MemberDeparture
from challenges.contracts.models import (
    Contract,
    ContractSignature,
    ContractState,
    ContractVersion,
    VersionState,
)
from challenges.milestones.models import Milestone, MilestoneState
from challenges.postings.models import Challenge, ChallengeState
from challenges.postings.queries import open_for_bids
from challenges.programs.models import Program
from challenges.programs.queries import days_before
from challenges.reviews.models import Review, ReviewState

# Milestones further off than so many days of their program do not wait yet.
SOON_DAYS = 30
LIMIT = 50


def _leads(organization_id: uuid.UUID) -> ColumnElement[bool]:
    return exists().where(Consortium.id == Contract.consortium_id, Consortium.lead_id == organization_id)


def _is_in_team(organization_id: uuid.UUID) -> ColumnElement[bool]:
    gone = exists().where(
        MemberDeparture.consortium_id == Contract.consortium_id,
        MemberDeparture.organization_id == organization_id,
    )
    return and_(
        exists().where(
            ConsortiumMember.consortium_id == Contract.consortium_id,
            ConsortiumMember.organization_id == organization_id,
        ),
        ~gone,
    )


def _is_poster(organization_id: uuid.UUID) -> ColumnElement[bool]:
    return exists().where(Challenge.id == Contract.challenge_id, Challenge.organization_id == organization_id)


async def contracts_to_sign(session: AsyncSession, organization_id: uuid.UUID) -> Sequence[Contract]:
    """Offered to a team of the organization or by itself, and not signed by it."""
    signed = exists().where(
        ContractSignature.version_id == ContractVersion.id,
        ContractSignature.organization_id == organization_id,
        ~ContractSignature.is_void,
    )
    statement = (
        select(Contract)
        .join(ContractVersion, ContractVersion.contract_id == Contract.id)
        .where(
            ContractVersion.state == VersionState.OFFERED,
            Contract.state.in_([ContractState.OFFERED, ContractState.SIGNED]),
            or_(_is_in_team(organization_id), _is_poster(organization_id)),
            ~signed,
        )
        .options(selectinload(Contract.challenge))
        .order_by(Contract.sign_by, Contract.id)
        .limit(LIMIT)
    )
    return (await session.scalars(statement)).all()


async def contracts_to_write(session: AsyncSession, organization_id: uuid.UUID) -> Sequence[Contract]:
    """Drafts that the poster has to complete and offer."""
    statement = (
        select(Contract)
        .join(ContractVersion, ContractVersion.contract_id == Contract.id)
        .where(
            ContractVersion.state == VersionState.DRAFT,
            Contract.state.in_([ContractState.DRAFT, ContractState.SIGNED]),
            _is_poster(organization_id),
        )
        .options(selectinload(Contract.challenge))
        .order_by(Contract.sign_by, Contract.id)
        .limit(LIMIT)
    )
    return (await session.scalars(statement)).all()


def _milestones() -> Select[Milestone]:
    return (
        select(Milestone)
        .join(Contract, Contract.id == Milestone.contract_id)
        .options(selectinload(Milestone.contract).selectinload(Contract.challenge))
        .order_by(Milestone.due_at, Milestone.id)
        .limit(LIMIT)
    )


async def milestones_to_report(
    session: AsyncSession, organization_id: uuid.UUID, now: datetime
) -> Sequence[Milestone]:
    """Of teams that the organization leads: due soon or overdue, or sent back."""
    is_soon = days_before(Milestone.due_at, SOON_DAYS) <= now
    statement = (
        _milestones()
        .join(Challenge, Challenge.id == Contract.challenge_id)
        .join(Program, Program.id == Challenge.program_id)
        .where(
            Contract.state == ContractState.SIGNED,
            _leads(organization_id),
            or_(
                Milestone.state == MilestoneState.REWORK,
                and_(Milestone.state == MilestoneState.PLANNED, is_soon),
            ),
        )
    )
    return (await session.scalars(statement)).all()


async def reports_to_answer(session: AsyncSession, organization_id: uuid.UUID) -> Sequence[Milestone]:
    statement = _milestones().where(
        Contract.state == ContractState.SIGNED,
        _is_poster(organization_id),
        Milestone.state == MilestoneState.REPORTED,
    )
    return (await session.scalars(statement)).all()


async def payments_to_make(session: AsyncSession, organization_id: uuid.UUID) -> Sequence[Milestone]:
    statement = _milestones().where(
        _is_poster(organization_id),
        Milestone.state == MilestoneState.ACCEPTED,
        Milestone.payment_wan > 0,
        Milestone.paid_at.is_(None),
    )
    return (await session.scalars(statement)).all()


async def payments_to_confirm(session: AsyncSession, organization_id: uuid.UUID) -> Sequence[Milestone]:
    statement = _milestones().where(
        _leads(organization_id), Milestone.paid_at.is_not(None), Milestone.received_at.is_(None)
    )
    return (await session.scalars(statement)).all()


async def checks_to_complete(
    session: AsyncSession, organization_id: uuid.UUID, now: datetime
) -> Sequence[FormalCheck]:
    """Bids that the organization leads and has to complete, while there is time."""
    statement = (
        select(FormalCheck)
        .join(Bid, Bid.id == FormalCheck.bid_id)
        .where(
            Bid.organization_id == organization_id,
            FormalCheck.state == CheckState.COMPLETION_REQUESTED,
            FormalCheck.completion_due_at > now,
        )
        .options(selectinload(FormalCheck.challenge))
        .order_by(FormalCheck.completion_due_at, FormalCheck.id)
        .limit(LIMIT)
    )
    return (await session.scalars(statement)).all()


async def bids_to_confirm(session: AsyncSession, organization_id: uuid.UUID, now: datetime) -> Sequence[Bid]:
    """Bids that the organization leads and has not confirmed after a change, while it still may."""
    statement = (
        select(Bid)
        .join(Challenge, Challenge.id == Bid.challenge_id)
        .where(
            Bid.organization_id == organization_id,
            open_for_bids(now),
            exists(select(Amendment.id).where(is_unconfirmed()).correlate(Bid)),
        )
        .options(selectinload(Bid.challenge))
        .order_by(Challenge.deadline_at, Bid.id)
        .limit(LIMIT)
    )
    return (await session.scalars(statement)).all()


async def reviewed_without_winner(session: AsyncSession, organization_id: uuid.UUID) -> Sequence[Challenge]:
    """The organization's challenges whose review is finished and for which no winner has been named."""
    finished = exists().where(Review.challenge_id == Challenge.id, Review.state == ReviewState.FINISHED)
    named = exists().where(
        Consortium.challenge_id == Challenge.id,
        Consortium.state.in_([ConsortiumState.PROPOSED, ConsortiumState.SUBMITTED, ConsortiumState.RETURNED]),
    )
    statement = (
        select(Challenge)
        .where(
            Challenge.organization_id == organization_id,
            Challenge.state == ChallengeState.IN_REVIEW,
            finished,
            ~named,
        )
        .order_by(Challenge.deadline_at, Challenge.id)
        .limit(LIMIT)
    )
    return (await session.scalars(statement)).all()
