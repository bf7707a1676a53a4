"""Every SELECT about contracts."""

import uuid
from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Select, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from challenges.awards.queries import approved_teams as approved_teams
from challenges.bids.models import Bid, BidMember
from challenges.consortia.models import (
    Consortium,
    ConsortiumMember,
    ConsortiumState,
    MemberDeparture,
    QuotaRecheck,
)
from challenges.contracts.models import Contract, ContractSignature, ContractState, ContractVersion
from challenges.notices.queries import is_over, over_at
from challenges.postings.models import Challenge, ChallengeState
from challenges.postings.queries import LINE, in_charge_of
from challenges.programs.models import Program
from core.actor import Actor
from core.database import database_time as database_time
from core.database import held

UNSIGNED = (ContractState.DRAFT, ContractState.OFFERED)
OPEN = (*UNSIGNED, ContractState.SIGNED)
QUEUE_LIMIT = 100


def _whole() -> Select[Contract]:
    return select(Contract).options(
        selectinload(Contract.challenge).options(
            selectinload(Challenge.organization),
            selectinload(Challenge.requirements),
            selectinload(Challenge.program).options(selectinload(Program.officers)),
        ),
        selectinload(Contract.consortium).options(
            selectinload(Consortium.lead),
            selectinload(Consortium.members).selectinload(ConsortiumMember.organization),
        ),
        selectinload(Contract.versions).options(
            selectinload(ContractVersion.document),
            selectinload(ContractVersion.signatures).options(
                selectinload(ContractSignature.organization),
                selectinload(ContractSignature.person),
                selectinload(ContractSignature.signed_copy),
            ),
        ),
    )


async def contract_by_id(
    session: AsyncSession, contract_id: uuid.UUID, *, lock: bool = False
) -> Contract | None:
    """A contract with challenge, team and versions; `lock` reads it anew and holds off other changes.

    Whoever locks a contract has locked its challenge before.
    """
    statement = _whole().where(Contract.id == contract_id)
    return await session.scalar(held(statement, Contract, lock=lock))


async def challenge_id_of(session: AsyncSession, contract_id: uuid.UUID) -> uuid.UUID | None:
    return await session.scalar(select(Contract.challenge_id).where(Contract.id == contract_id))


async def contract_id_of_version(session: AsyncSession, version_id: uuid.UUID) -> uuid.UUID | None:
    return await session.scalar(select(ContractVersion.contract_id).where(ContractVersion.id == version_id))


async def contracts_of(session: AsyncSession, challenge_id: uuid.UUID) -> list[Contract]:
    statement = _whole().where(Contract.challenge_id == challenge_id).order_by(Contract.team_number)
    return list(await session.scalars(statement))


async def states_of(session: AsyncSession, challenge_id: uuid.UUID) -> list[ContractState]:
    """States of all contracts of a challenge; who decides by them holds the challenge."""
    await session.flush()
    return list(await session.scalars(select(Contract.state).where(Contract.challenge_id == challenge_id)))


async def member_ids(session: AsyncSession, consortium_id: uuid.UUID) -> frozenset[uuid.UUID]:
    """Organizations of a team, but those that have left it."""
    gone = exists().where(
        MemberDeparture.consortium_id == consortium_id,
        MemberDeparture.organization_id == ConsortiumMember.organization_id,
    )
    statement = select(ConsortiumMember.organization_id).where(
        ConsortiumMember.consortium_id == consortium_id, ~gone
    )
    return frozenset(await session.scalars(statement))


async def is_notice_over(session: AsyncSession, challenge: Challenge, now: datetime) -> bool:
    """Whether contracts may be made: the notice has ended and no objection is open."""
    return challenge.state is ChallengeState.IN_NOTICE and await is_over(session, challenge.id, now)


async def bid_of(session: AsyncSession, bid_id: uuid.UUID | None) -> Bid | None:
    """The bid that a consortium was taken from, with its members."""
    statement = (
        select(Bid)
        .where(Bid.id == bid_id)
        .options(selectinload(Bid.members).selectinload(BidMember.organization))
    )
    return await session.scalar(statement)


async def has_unsettled_recheck(
    session: AsyncSession, challenge: Challenge, consortium_id: uuid.UUID
) -> bool:
    """Whether members have changed and no officer has settled it, or nobody has noticed yet.

    Once the challenge is under contract the quota is not looked at again.
    """
    if challenge.state is not ChallengeState.IN_NOTICE:
        return False
    newest = (
        select(QuotaRecheck.facts)
        .where(QuotaRecheck.consortium_id == Consortium.id)
        .order_by(QuotaRecheck.found_at.desc())
        .limit(1)
        .scalar_subquery()
    )
    open_recheck = exists().where(
        QuotaRecheck.consortium_id == Consortium.id, QuotaRecheck.settled_at.is_(None)
    )
    known = func.coalesce(newest, Consortium.approved_facts)
    unnoticed = known.is_distinct_from(func.consortium_facts(Consortium.id))
    statement = select(open_recheck | unnoticed).where(Consortium.id == consortium_id)
    return bool(await session.scalar(statement))


async def next_to_begin(
    session: AsyncSession, now: datetime, besides: Collection[uuid.UUID]
) -> Challenge | None:
    """A challenge under contract whose work is to begin, locked."""
    due = exists().where(
        Contract.challenge_id == Challenge.id,
        Contract.state == ContractState.SIGNED,
        Contract.begins_at <= now,
    )
    statement = (
        select(Challenge)
        .where(Challenge.state == ChallengeState.CONTRACTED, due, Challenge.id.not_in(besides))
        .order_by(Challenge.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    return await session.scalar(statement)


async def next_abandoned(
    session: AsyncSession, now: datetime, besides: Collection[uuid.UUID]
) -> Contract | None:
    """An unsigned contract whose award does not stand any more.

    Not locked: whoever ends it locks its challenge first.
    """
    statement = (
        select(Contract)
        .join(Challenge, Challenge.id == Contract.challenge_id)
        .join(Consortium, Consortium.id == Contract.consortium_id)
        .where(
            Contract.state.in_(UNSIGNED),
            (Challenge.state != ChallengeState.IN_NOTICE) | (Consortium.state != ConsortiumState.APPROVED),
            Contract.id.not_in(besides),
        )
        .order_by(Contract.id)
        .limit(1)
    )
    return await session.scalar(statement)


async def next_unsigned_in_time(
    session: AsyncSession, now: datetime, besides: Collection[uuid.UUID]
) -> Contract | None:
    """A contract that should have been signed by now and of which nobody was told yet, locked."""
    statement = (
        select(Contract)
        .join(Challenge, Challenge.id == Contract.challenge_id)
        .where(
            Contract.state.in_(UNSIGNED),
            Challenge.state == ChallengeState.IN_NOTICE,
            Contract.sign_by <= now,
            Contract.overdue_told_at.is_(None),
            Contract.id.not_in(besides),
        )
        .order_by(Contract.sign_by, Contract.id)
        .limit(1)
        .with_for_update(of=Contract, skip_locked=True)
    )
    return await session.scalar(statement)


async def unsigned_contracts(session: AsyncSession, actor: Actor) -> list[Contract]:
    """Contracts of the officer's programs that are not signed yet, those due first in front."""
    statement = (
        select(Contract)
        .join(Challenge, Challenge.id == Contract.challenge_id)
        .where(
            Contract.state.in_(UNSIGNED),
            Challenge.state == ChallengeState.IN_NOTICE,
            in_charge_of(actor),
        )
        .options(
            selectinload(Contract.challenge).options(*LINE),
            selectinload(Contract.consortium).selectinload(Consortium.lead),
            selectinload(Contract.versions).selectinload(ContractVersion.signatures),
        )
        .order_by(Contract.sign_by, Contract.id)
        .limit(QUEUE_LIMIT)
    )
    return list(await session.scalars(statement))


async def without_contract(
    session: AsyncSession, actor: Actor, now: datetime
) -> list[tuple[Challenge, datetime]]:
    """Challenges of the officer's programs whose award has come through while some team has no contract yet.

    Each with the moment since when contracts may be made; those that wait longest first.
    """
    notice_over_at = over_at(now).label("notice_over_at")
    lacking = exists().where(
        Consortium.challenge_id == Challenge.id,
        Consortium.state == ConsortiumState.APPROVED,
        ~exists().where(Contract.consortium_id == Consortium.id),
    )
    statement = (
        select(Challenge, notice_over_at)
        .where(
            Challenge.state == ChallengeState.IN_NOTICE,
            lacking,
            notice_over_at.is_not(None),
            in_charge_of(actor),
        )
        .options(*LINE)
        .order_by(notice_over_at, Challenge.id)
        .limit(QUEUE_LIMIT)
    )
    return [(row[0], row[1]) for row in await session.execute(statement)]
