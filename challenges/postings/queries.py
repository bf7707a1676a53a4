"""Every SELECT about challenges, except those of the public list (`list_queries`)."""

import uuid
from collections.abc import Collection, Sequence
from datetime import date, datetime

from sqlalchemy import ColumnElement, and_, delete, false, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from challenges.postings.models import (
    Challenge,
    ChallengeState,
    InvitedSolver,
    Requirement,
    SavedChallenge,
)
from challenges.programs.models import Program, ProgramOfficer
from core.accounts.models import Person, PersonRole, PlatformRole
from core.actor import Actor
from core.database import held
from solvers.organizations.models import Certificate, Organization, Verification

LINE = (selectinload(Challenge.organization), selectinload(Challenge.program))


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
    return await session.scalar(held(statement, Challenge, lock=lock))


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
        handed_in = or_(listed, Challenge.submitted_at.is_not(None))
        ways.append(and_(handed_in, in_charge_of(actor)))
    return or_(false(), *ways)


def in_charge_of(actor: Actor) -> ColumnElement[bool]:
    """`policies.is_officer_in_charge` as a condition, for an actor with the officer's role."""
    programs = select(ProgramOfficer.program_id).where(ProgramOfficer.person_id == actor.person_id)
    return Challenge.program_id.in_(programs)


def open_for_bids(now: datetime) -> ColumnElement[bool]:
    """`policies.is_open_for_bids` as a condition."""
    return and_(Challenge.state == ChallengeState.PUBLISHED, Challenge.deadline_at > now)


async def next_to_close(
    session: AsyncSession, now: datetime, besides: Collection[uuid.UUID]
) -> Challenge | None:
    """A published challenge whose deadline has passed, locked; one that another worker holds is left to it."""
    statement = (
        select(Challenge)
        .where(
            Challenge.state == ChallengeState.PUBLISHED,
            Challenge.deadline_at <= now,
            Challenge.id.not_in(besides),
        )
        .order_by(Challenge.deadline_at, Challenge.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    return await session.scalar(statement)


async def next_to_publish(
    session: AsyncSession, now: datetime, besides: Collection[uuid.UUID]
) -> Challenge | None:
    """A screened challenge whose day of publication has come, whole and locked, as `next_to_close`."""
    statement = (
        select(Challenge.id)
        .where(
            Challenge.state == ChallengeState.SUBMITTED,
            Challenge.publish_at <= now,
            Challenge.id.not_in(besides),
        )
        .order_by(Challenge.publish_at, Challenge.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    found = await session.scalar(statement)
    return None if found is None else await challenge_by_id(session, found, lock=True)


async def organization_by_id(session: AsyncSession, organization_id: uuid.UUID) -> Organization | None:
    return await session.get(Organization, organization_id)


async def requirements_elsewhere(
    session: AsyncSession, challenge_id: uuid.UUID, ids: Collection[uuid.UUID]
) -> frozenset[uuid.UUID]:
    """Which of these ids belong to requirements of other challenges."""
    statement = select(Requirement.id).where(
        Requirement.id.in_(ids), Requirement.challenge_id != challenge_id
    )
    return frozenset(await session.scalars(statement))


async def invitable(
    session: AsyncSession, ids: Collection[uuid.UUID], *, excluded: uuid.UUID
) -> frozenset[uuid.UUID]:
    """Which of these are organizations that may be invited: known to an administrator, and not the poster."""
    statement = select(Organization.id).where(
        Organization.id.in_(ids),
        Organization.id != excluded,
        Organization.verification != Verification.DRAFT,
    )
    return frozenset(await session.scalars(statement))


async def organizations_by_ids(session: AsyncSession, ids: Collection[uuid.UUID]) -> list[Organization]:
    statement = select(Organization).where(Organization.id.in_(ids)).order_by(Organization.name)
    return list(await session.scalars(statement))


async def officers_in_charge(session: AsyncSession, program_id: uuid.UUID) -> list[Person]:
    """A program's officers who may still act: the role and the account are in force."""
    statement = (
        select(Person)
        .join(ProgramOfficer, ProgramOfficer.person_id == Person.id)
        .join(PersonRole, PersonRole.person_id == Person.id)
        .where(
            ProgramOfficer.program_id == program_id,
            PersonRole.role == PlatformRole.OFFICER,
            Person.is_disabled.is_(False),
        )
        .order_by(Person.name, Person.id)
    )
    return list(await session.scalars(statement))


async def challenges_of_organization(
    session: AsyncSession, organization_id: uuid.UUID, states: Collection[ChallengeState] | None = None
) -> list[Challenge]:
    """An organization's challenges, last changed first."""
    statement = (
        select(Challenge)
        .where(Challenge.organization_id == organization_id)
        .options(*LINE)
        .order_by(Challenge.updated_at.desc(), Challenge.id)
    )
    if states is not None:
        statement = statement.where(Challenge.state.in_(states))
    return list(await session.scalars(statement))


async def listed_ids(session: AsyncSession, readable: ColumnElement[bool]) -> dict[uuid.UUID, bool]:
    """Ids of listed challenges under a condition, with whether they are public."""
    statement = select(Challenge.id, Challenge.is_public).where(Challenge.published_at.is_not(None), readable)
    return {row[0]: row[1] for row in await session.execute(statement)}


async def tokens_of_restricted(session: AsyncSession, readable: ColumnElement[bool]) -> list[Sequence[str]]:
    """The terms of each listed challenge under a condition that is not for everybody."""
    statement = select(Challenge.tokens).where(
        Challenge.published_at.is_not(None), Challenge.is_public.is_(False), readable
    )
    return list(await session.scalars(statement))


async def newest_challenges(
    session: AsyncSession, *, program_id: uuid.UUID | None = None, limit: int
) -> list[Challenge]:
    """Public challenges published last: everybody is shown the same."""
    statement = (
        select(Challenge)
        .where(Challenge.published_at.is_not(None), Challenge.is_public)
        .where(Challenge.state != ChallengeState.WITHDRAWN)
        .options(*LINE)
        .order_by(Challenge.published_at.desc(), Challenge.id)
        .limit(limit)
    )
    if program_id is not None:
        statement = statement.where(Challenge.program_id == program_id)
    return list(await session.scalars(statement))


async def open_counts_by_program(session: AsyncSession, now: datetime) -> dict[uuid.UUID, int]:
    statement = (
        select(Challenge.program_id, func.count())
        .where(open_for_bids(now), Challenge.is_public)
        .group_by(Challenge.program_id)
    )
    rows = [(row[0], row[1]) for row in await session.execute(statement)]
    return {program_id: count for program_id, count in rows if program_id is not None}


async def readable_challenges(
    session: AsyncSession, actor: Actor, certificates: Collection[str], ids: Sequence[uuid.UUID]
) -> list[Challenge]:
    """Those of `ids` that the actor may read, in the order of `ids`."""
    statement = (
        select(Challenge).where(Challenge.id.in_(ids), readable_by(actor, certificates)).options(*LINE)
    )
    found = {challenge.id: challenge for challenge in await session.scalars(statement)}
    return [found[key] for key in ids if key in found]


async def readable_ids(
    session: AsyncSession, actor: Actor, certificates: Collection[str], ids: Collection[uuid.UUID]
) -> set[uuid.UUID]:
    """Those of `ids` that the actor may read."""
    statement = select(Challenge.id).where(Challenge.id.in_(ids), readable_by(actor, certificates))
    return set(await session.scalars(statement))


async def own_ids(session: AsyncSession, actor: Actor, ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Those of `ids` that the actor's organization has posted, or that the actor is in charge of."""
    ways: list[ColumnElement[bool]] = []
    if actor.organization_id is not None:
        ways.append(Challenge.organization_id == actor.organization_id)
    if actor.is_officer:
        ways.append(in_charge_of(actor))
    statement = select(Challenge.id).where(Challenge.id.in_(ids), or_(false(), *ways))
    return set(await session.scalars(statement))


async def readable_of_round(
    session: AsyncSession, actor: Actor, certificates: Collection[str], round_id: uuid.UUID
) -> list[Challenge]:
    """Challenges of a round that the actor may read, without drafts, by title."""
    statement = (
        select(Challenge)
        .where(
            Challenge.round_id == round_id,
            or_(Challenge.published_at.is_not(None), Challenge.submitted_at.is_not(None)),
            readable_by(actor, certificates),
        )
        .options(*LINE)
        .order_by(Challenge.title, Challenge.id)
    )
    return list(await session.scalars(statement))


async def public_feed(session: AsyncSession, *, limit: int) -> list[Challenge]:
    """What the feed tells: public challenges as they were published, newest first."""
    statement = (
        select(Challenge)
        .where(Challenge.published_at.is_not(None), Challenge.is_public)
        .options(*LINE)
        .order_by(Challenge.published_at.desc(), Challenge.id)
        .limit(limit)
    )
    return list(await session.scalars(statement))


async def saved_challenges(
    session: AsyncSession, actor: Actor, certificates: Collection[str]
) -> list[Challenge]:
    """The person's saved challenges that they may still read, saved last first."""
    statement = (
        select(Challenge)
        .join(SavedChallenge, SavedChallenge.challenge_id == Challenge.id)
        .where(SavedChallenge.person_id == actor.person_id, readable_by(actor, certificates))
        .options(*LINE)
        .order_by(SavedChallenge.created_at.desc(), Challenge.id)
    )
    return list(await session.scalars(statement))


async def saved_among(
    session: AsyncSession, person_id: uuid.UUID | None, ids: Collection[uuid.UUID]
) -> frozenset[uuid.UUID]:
    """Which of these challenges the person has saved."""
    if person_id is None or not ids:
        return frozenset()
    statement = select(SavedChallenge.challenge_id).where(
        SavedChallenge.person_id == person_id, SavedChallenge.challenge_id.in_(ids)
    )
    return frozenset(await session.scalars(statement))


async def insert_saved(session: AsyncSession, person_id: uuid.UUID, challenge_id: uuid.UUID) -> None:
    """A second click at the same moment is no mistake."""
    await session.execute(
        insert(SavedChallenge).values(person_id=person_id, challenge_id=challenge_id).on_conflict_do_nothing()
    )


async def delete_saved(session: AsyncSession, person_id: uuid.UUID, challenge_id: uuid.UUID) -> None:
    await session.execute(
        delete(SavedChallenge).where(
            SavedChallenge.person_id == person_id, SavedChallenge.challenge_id == challenge_id
        )
    )
