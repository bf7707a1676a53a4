"""Every SELECT about consortia and decisions."""

import uuid
from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload

from challenges.consortia.models import (
    Consortium,
    ConsortiumMember,
    ConsortiumState,
    Decision,
    MemberDeparture,
    Outcome,
    QuotaRecheck,
    Waiver,
    WaiverAnswer,
)
from challenges.postings.models import Challenge, ChallengeState
from challenges.programs.models import ProgramOfficer
from core.accounts.models import Person
from core.database import database_time as database_time
from core.database import held
from solvers.organizations.models import Organization

OPEN = (ConsortiumState.PROPOSED, ConsortiumState.SUBMITTED, ConsortiumState.RETURNED)
# Those that hold a team's place.
LIVE = (*OPEN, ConsortiumState.APPROVED)


def _whole() -> Select[Consortium]:
    return select(Consortium).options(
        selectinload(Consortium.members).selectinload(ConsortiumMember.organization),
        selectinload(Consortium.rule),
        selectinload(Consortium.lead),
        selectinload(Consortium.decisions).options(
            selectinload(Decision.officer), selectinload(Decision.rule)
        ),
        selectinload(Consortium.waivers).options(
            selectinload(Waiver.requested_by),
            selectinload(Waiver.answer).selectinload(WaiverAnswer.officer),
        ),
    )


async def consortium_by_id(
    session: AsyncSession, consortium_id: uuid.UUID, *, lock: bool = False
) -> Consortium | None:
    """A consortium with members, rule and decisions; `lock` reads it anew and holds off other changes.

    Whoever locks a consortium has locked its challenge before.
    """
    statement = _whole().where(Consortium.id == consortium_id)
    return await session.scalar(held(statement, Consortium, lock=lock))


async def challenge_id_of(session: AsyncSession, consortium_id: uuid.UUID) -> uuid.UUID | None:
    return await session.scalar(select(Consortium.challenge_id).where(Consortium.id == consortium_id))


async def open_consortium(
    session: AsyncSession, challenge_id: uuid.UUID, *, lock: bool = False
) -> Consortium | None:
    """The consortium of a challenge that waits for the poster or the officer; of several teams the first."""
    statement = (
        _whole()
        .where(Consortium.challenge_id == challenge_id, Consortium.state.in_(OPEN))
        .order_by(Consortium.team)
        .limit(1)
    )
    return await session.scalar(held(statement, Consortium, lock=lock))


async def consortia_of(session: AsyncSession, challenge_id: uuid.UUID) -> list[Consortium]:
    """All that there ever were of a challenge, the oldest first."""
    statement = _whole().where(Consortium.challenge_id == challenge_id)
    return list(await session.scalars(statement.order_by(Consortium.created_at, Consortium.id)))


async def unended_consortia(session: AsyncSession, challenge_id: uuid.UUID) -> list[Consortium]:
    """Those that wait or are approved, locked, in the order of their ids."""
    statement = (
        select(Consortium)
        .where(
            Consortium.challenge_id == challenge_id,
            Consortium.state.in_([*OPEN, ConsortiumState.APPROVED]),
        )
        .order_by(Consortium.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return list(await session.scalars(statement))


async def live_teams(
    session: AsyncSession, challenge_id: uuid.UUID, *, lock: bool = False
) -> list[Consortium]:
    """The consortia that hold a team's place, open or approved, by team. `lock` as in `consortium_by_id`."""
    statement = (
        _whole()
        .where(Consortium.challenge_id == challenge_id, Consortium.state.in_(LIVE))
        .order_by(Consortium.team)
    )
    return list(await session.scalars(held(statement, Consortium, lock=lock)))


async def live_states(
    session: AsyncSession, challenge_id: uuid.UUID, *, besides: uuid.UUID | None = None
) -> list[ConsortiumState]:
    """States of the consortia that hold a team's place, by team, read now."""
    statement = (
        select(Consortium.state)
        .where(Consortium.challenge_id == challenge_id, Consortium.state.in_(LIVE))
        .order_by(Consortium.team)
    )
    if besides is not None:
        statement = statement.where(Consortium.id != besides)
    return list(await session.scalars(statement))


async def shown_consortium(session: AsyncSession, challenge_id: uuid.UUID) -> Consortium | None:
    """The open consortium, else the one decided last."""
    found = await open_consortium(session, challenge_id)
    if found is not None:
        return found
    statement = _whole().where(Consortium.challenge_id == challenge_id)
    return await session.scalar(statement.order_by(Consortium.updated_at.desc()).limit(1))


async def organizations_by_ids(
    session: AsyncSession, organization_ids: Collection[uuid.UUID]
) -> list[Organization]:
    """Organizations with their certificates as they stand now."""
    statement = (
        select(Organization)
        .where(Organization.id.in_(organization_ids))
        .options(selectinload(Organization.certificates))
        .execution_options(populate_existing=True)
    )
    return list(await session.scalars(statement))


async def lock_organizations(session: AsyncSession, organization_ids: Collection[uuid.UUID]) -> None:
    """Keep sizes as they are until this transaction ends."""
    statement = select(Organization.id).where(Organization.id.in_(organization_ids)).order_by(Organization.id)
    await session.execute(statement.with_for_update(read=True))


async def decision_of(session: AsyncSession, consortium_id: uuid.UUID) -> Decision | None:
    """The decision made last."""
    statement = (
        select(Decision)
        .where(Decision.consortium_id == consortium_id)
        .options(joinedload(Decision.officer), joinedload(Decision.rule))
        .order_by(Decision.decided_at.desc())
        .limit(1)
    )
    return await session.scalar(statement)


async def decision_by_id(session: AsyncSession, decision_id: uuid.UUID) -> Decision | None:
    statement = (
        select(Decision)
        .where(Decision.id == decision_id)
        .options(joinedload(Decision.officer), joinedload(Decision.rule))
    )
    return await session.scalar(statement)


async def awards_of(session: AsyncSession, challenge_id: uuid.UUID) -> list[Decision]:
    """The decisions by which teams of the challenge hold an award, by team, with the consortium."""
    statement = (
        select(Decision)
        .join(Consortium, Consortium.id == Decision.consortium_id)
        .where(
            Consortium.challenge_id == challenge_id,
            Consortium.state == ConsortiumState.APPROVED,
            Decision.outcome == Outcome.APPROVED,
        )
        .options(joinedload(Decision.consortium), joinedload(Decision.officer))
        .order_by(Consortium.team, Decision.decided_at.desc())
    )
    return list(await session.scalars(statement))


async def consortium_id_of_waiver(session: AsyncSession, waiver_id: uuid.UUID) -> uuid.UUID | None:
    return await session.scalar(select(Waiver.consortium_id).where(Waiver.id == waiver_id))


async def officers_of(session: AsyncSession, program_id: uuid.UUID | None) -> list[Person]:
    """Officers in charge of a program, who still may log in."""
    statement = (
        select(Person)
        .join(ProgramOfficer, ProgramOfficer.person_id == Person.id)
        .where(ProgramOfficer.program_id == program_id, Person.is_disabled.is_(False))
        .order_by(Person.id)
    )
    return list(await session.scalars(statement))


async def departed_ids(session: AsyncSession, consortium_id: uuid.UUID) -> frozenset[uuid.UUID]:
    """Members that have left."""
    statement = select(MemberDeparture.organization_id).where(MemberDeparture.consortium_id == consortium_id)
    return frozenset(await session.scalars(statement))


async def next_to_recheck(
    session: AsyncSession, now: datetime, besides: Collection[uuid.UUID]
) -> Consortium | None:
    """An approved consortium, not yet under contract, whose facts are not those that its quota is known with."""
    newest = (
        select(QuotaRecheck.facts)
        .where(QuotaRecheck.consortium_id == Consortium.id)
        .order_by(QuotaRecheck.found_at.desc())
        .limit(1)
        .scalar_subquery()
    )
    known = func.coalesce(newest, Consortium.approved_facts)
    statement = (
        _whole()
        .join(Challenge, Challenge.id == Consortium.challenge_id)
        .where(
            Consortium.state == ConsortiumState.APPROVED,
            Challenge.state.in_([ChallengeState.AWARDED, ChallengeState.IN_NOTICE]),
            known.is_distinct_from(func.consortium_facts(Consortium.id)),
            Consortium.id.not_in(besides),
        )
        .order_by(Consortium.id)
        .limit(1)
        .with_for_update(of=Consortium, skip_locked=True)
    )
    return await session.scalar(statement)


async def unsettled_recheck(session: AsyncSession, consortium_id: uuid.UUID) -> QuotaRecheck | None:
    statement = select(QuotaRecheck).where(
        QuotaRecheck.consortium_id == consortium_id, QuotaRecheck.settled_at.is_(None)
    )
    return await session.scalar(statement)


async def rechecks_of(session: AsyncSession, consortium_id: uuid.UUID) -> list[QuotaRecheck]:
    """All that was found, newest first, with who settled it."""
    statement = (
        select(QuotaRecheck)
        .where(QuotaRecheck.consortium_id == consortium_id)
        .options(selectinload(QuotaRecheck.settled_by))
        .order_by(QuotaRecheck.found_at.desc())
    )
    return list(await session.scalars(statement))


async def consortium_id_of_recheck(session: AsyncSession, recheck_id: uuid.UUID) -> uuid.UUID | None:
    return await session.scalar(select(QuotaRecheck.consortium_id).where(QuotaRecheck.id == recheck_id))
