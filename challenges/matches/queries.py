"""Every SELECT about match runs and their candidates."""

import uuid
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, or_, select
from sqlalchemy import text as literal_sql
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload

from challenges.consortia.models import Consortium
from challenges.matches.models import Match, MatchRun, MatchRunState
from challenges.postings.models import Challenge
from challenges.postings.queries import open_for_bids, readable_by
from core.actor import Actor
from core.database import held
from solvers.organizations.models import (
    ControlKind,
    ControlRelation,
    Organization,
    OrganizationKind,
    SizeClass,
)
from solvers.profiles.models import CapabilityProfile


@dataclass(frozen=True)
class Control:
    """Who controls an organization, or shares its legal representative, as the quota looks at it.

    `id` is that of a registered organization, else one made of the declared name.
    """

    id: str
    name: str
    size: SizeClass | None
    kind: ControlKind


async def run_by_id(session: AsyncSession, run_id: uuid.UUID, *, lock: bool = False) -> MatchRun | None:
    statement = select(MatchRun).where(MatchRun.id == run_id)
    return await session.scalar(held(statement, lock=lock))


async def newest_run(session: AsyncSession, challenge_id: uuid.UUID) -> MatchRun | None:
    """The run asked for last, whatever became of it."""
    statement = select(MatchRun).where(MatchRun.challenge_id == challenge_id)
    return await session.scalar(statement.order_by(MatchRun.created_at.desc(), MatchRun.id).limit(1))


async def newest_done_run(session: AsyncSession, challenge_id: uuid.UUID) -> MatchRun | None:
    statement = select(MatchRun).where(
        MatchRun.challenge_id == challenge_id, MatchRun.state == MatchRunState.DONE
    )
    return await session.scalar(statement.order_by(MatchRun.created_at.desc(), MatchRun.id).limit(1))


async def add_waiting_run(session: AsyncSession, challenge_id: uuid.UUID, now: datetime) -> MatchRun | None:
    """A new run that waits; None where one waits already."""
    statement = (
        insert(MatchRun)
        .values(
            id=uuid.uuid4(),
            challenge_id=challenge_id,
            state=MatchRunState.QUEUED,
            index_info={},
            created_at=now,
        )
        # A literal: as a bound parameter it matches the partial index only until the plan becomes a generic one.
        .on_conflict_do_nothing(
            index_elements=[MatchRun.challenge_id],
            index_where=literal_sql(f"state = '{MatchRunState.QUEUED}'"),
        )
        .returning(MatchRun)
    )
    return await session.scalar(statement)


async def hold_waiting_run(session: AsyncSession, challenge_id: uuid.UUID) -> MatchRun | None:
    """The run that waits, kept from starting until this transaction ends; None where it has started meanwhile."""
    statement = select(MatchRun).where(
        MatchRun.challenge_id == challenge_id, MatchRun.state == MatchRunState.QUEUED
    )
    return await session.scalar(
        statement.with_for_update(read=True).execution_options(populate_existing=True)
    )


async def delete_superseded_runs(session: AsyncSession, run: MatchRun) -> None:
    """Finished runs that are older than this one and that no consortium was computed from."""
    kept = select(Consortium.run_id).where(Consortium.run_id.is_not(None))
    await session.execute(
        delete(MatchRun).where(
            MatchRun.challenge_id == run.challenge_id,
            MatchRun.created_at < run.created_at,
            MatchRun.state.in_([MatchRunState.DONE, MatchRunState.FAILED]),
            MatchRun.id.not_in(kept),
        )
    )


async def matches_of(session: AsyncSession, run_id: uuid.UUID) -> list[Match]:
    """The ranking of a run, best first, each with its organization and the certificates."""
    statement = (
        select(Match)
        .where(Match.run_id == run_id)
        .options(joinedload(Match.organization).selectinload(Organization.certificates))
        .order_by(Match.rank)
    )
    return list(await session.scalars(statement))


async def match_of(session: AsyncSession, run_id: uuid.UUID, organization_id: uuid.UUID) -> Match | None:
    statement = (
        select(Match)
        .where(Match.run_id == run_id, Match.organization_id == organization_id)
        .options(joinedload(Match.organization).selectinload(Organization.certificates))
    )
    return await session.scalar(statement)


async def profile_of(session: AsyncSession, organization_id: uuid.UUID) -> CapabilityProfile | None:
    statement = (
        select(CapabilityProfile)
        .where(CapabilityProfile.organization_id == organization_id)
        .options(selectinload(CapabilityProfile.evidence))
    )
    return await session.scalar(statement)


async def open_challenge_ids(session: AsyncSession, now: datetime) -> list[uuid.UUID]:
    statement = select(Challenge.id).where(open_for_bids(now)).order_by(Challenge.id)
    return list(await session.scalars(statement))


async def biddable_challenge_ids(
    session: AsyncSession, actor: Actor, certificates: Collection[str], now: datetime
) -> dict[uuid.UUID, bool]:
    """Open challenges of others that the actor may read, with whether each is public."""
    statement = select(Challenge.id, Challenge.is_public).where(
        open_for_bids(now),
        readable_by(actor, certificates),
        Challenge.organization_id != actor.organization_id,
    )
    return {row.id: row.is_public for row in await session.execute(statement)}


async def challenges_by_ids(
    session: AsyncSession, challenge_ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, Challenge]:
    """Challenges with organization and program."""
    statement = (
        select(Challenge)
        .where(Challenge.id.in_(challenge_ids))
        .options(selectinload(Challenge.organization), selectinload(Challenge.program))
    )
    return {challenge.id: challenge for challenge in await session.scalars(statement)}


async def controls_of(
    session: AsyncSession, organization_ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, tuple[Control, ...]]:
    """Control relations as they stand now, by the controlled organization, each in a stable order.

    Sharing a legal representative is mutual, whichever of the two declared it. A declared size stands in for one
    that is not known of a registered enterprise.
    """
    relations = await session.scalars(
        select(ControlRelation)
        .where(
            or_(
                ControlRelation.organization_id.in_(organization_ids),
                (ControlRelation.controller_id.in_(organization_ids))
                & (ControlRelation.kind == ControlKind.SAME_LEGAL_REPRESENTATIVE),
            )
        )
        .options(joinedload(ControlRelation.controller), joinedload(ControlRelation.organization))
    )
    wanted = set(organization_ids)
    found: defaultdict[uuid.UUID, set[Control]] = defaultdict(set)
    for relation in relations:
        if relation.organization_id in wanted:
            other = relation.controller
            if other is None:
                control = Control(
                    f"name:{relation.controller_name}",
                    relation.controller_name,
                    relation.controller_size,
                    relation.kind,
                )
            else:
                control = _control(other, relation.kind, relation.controller_size)
            found[relation.organization_id].add(control)
        if relation.kind is ControlKind.SAME_LEGAL_REPRESENTATIVE and relation.controller_id in wanted:
            assert relation.controller_id is not None
            found[relation.controller_id].add(_control(relation.organization, relation.kind, None))
    return {
        key: tuple(sorted(controls, key=lambda item: (item.id, item.kind, item.size or "")))
        for key, controls in found.items()
    }


def _control(organization: Organization, kind: ControlKind, declared: SizeClass | None) -> Control:
    size = organization.size_class
    if size is None and organization.kind is OrganizationKind.ENTERPRISE:
        size = declared
    return Control(str(organization.id), organization.name, size, kind)


async def present_organization_ids(
    session: AsyncSession, organization_ids: Collection[uuid.UUID]
) -> frozenset[uuid.UUID]:
    """Those that exist, kept from being deleted until this transaction ends."""
    statement = (
        select(Organization.id)
        .where(Organization.id.in_(organization_ids))
        .order_by(Organization.id)
        .with_for_update(read=True, key_share=True)
    )
    return frozenset(await session.scalars(statement))
