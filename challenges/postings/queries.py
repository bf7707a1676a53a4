"""Every SELECT about challenges."""

import uuid
from collections.abc import Collection
from datetime import date, datetime

from sqlalchemy import ColumnElement, and_, false, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from challenges.postings.models import Challenge, ChallengeState, InvitedSolver
from challenges.programs.models import Program, ProgramOfficer
from core.actor import Actor
from solvers.organizations.models import Certificate


async def challenge_by_id(
    session: AsyncSession, challenge_id: uuid.UUID, *, lock: bool = False
) -> Challenge | None:
    """A challenge with organization, program (rules, officers), round, requirements and invited organizations.

    `lock` keeps the row for this transaction and reads it anew.
    """
    statement = (
        select(Challenge)
        .where(Challenge.id == challenge_id)
        .options(
            selectinload(Challenge.organization),
            selectinload(Challenge.program).options(
                selectinload(Program.officers), selectinload(Program.rules)
            ),
            selectinload(Challenge.round),
            selectinload(Challenge.requirements),
            selectinload(Challenge.invited).selectinload(InvitedSolver.organization),
        )
    )
    if lock:
        statement = statement.with_for_update(of=Challenge).execution_options(populate_existing=True)
    return await session.scalar(statement)


async def certificates_on(session: AsyncSession, organization_id: uuid.UUID, day: date) -> frozenset[str]:
    """Kinds of certificate that an organization holds on a day."""
    statement = select(Certificate.kind).where(
        Certificate.organization_id == organization_id,
        Certificate.valid_from <= day,
        Certificate.valid_until >= day,
    )
    return frozenset(kind.value for kind in await session.scalars(statement))


def readable_by(actor: Actor, certificates: Collection[str] = ()) -> ColumnElement[bool]:
    """`policies.may_read_challenge` as a condition."""
    listed = Challenge.published_at.is_not(None)
    ways: list[ColumnElement[bool]] = [and_(listed, Challenge.is_public)]
    if actor.organization_id is not None:
        invited = select(InvitedSolver.challenge_id).where(
            InvitedSolver.organization_id == actor.organization_id
        )
        ways.append(Challenge.organization_id == actor.organization_id)
        ways.append(and_(listed, Challenge.id.in_(invited)))
        if actor.organization_verified and certificates:
            ways.append(and_(listed, Challenge.allowed_certificates.overlap(sorted(certificates))))
    if actor.is_officer:
        in_charge = select(ProgramOfficer.program_id).where(ProgramOfficer.person_id == actor.person_id)
        handed_in = or_(listed, Challenge.submitted_at.is_not(None))
        ways.append(and_(handed_in, Challenge.program_id.in_(in_charge)))
    return or_(false(), *ways)


async def due_challenges(session: AsyncSession, now: datetime) -> list[Challenge]:
    """Published challenges whose deadline has passed, locked; those that another worker holds are left to it."""
    statement = (
        select(Challenge)
        .where(Challenge.state == ChallengeState.PUBLISHED, Challenge.deadline_at <= now)
        .with_for_update(skip_locked=True)
    )
    return list(await session.scalars(statement))


def open_for_bids(now: datetime) -> ColumnElement[bool]:
    """`policies.is_open_for_bids` as a condition."""
    return and_(Challenge.state == ChallengeState.PUBLISHED, Challenge.deadline_at > now)
