"""Every SELECT about bids."""

import uuid
from collections.abc import Collection

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from challenges.bids.models import Bid, BidMember, BidMemberState, BidOpening, BidReceipt, BidState
from challenges.bids.sealing import reveal
from challenges.postings.models import Challenge
from challenges.programs.models import Program
from core.database import database_time as database_time
from core.database import held
from solvers.organizations.models import Organization, OrganizationKind, Verification


def _whole() -> Select[Bid]:
    return select(Bid).options(
        selectinload(Bid.organization),
        selectinload(Bid.members).selectinload(BidMember.organization).selectinload(Organization.controllers),
        selectinload(Bid.challenge).options(
            selectinload(Challenge.requirements),
            selectinload(Challenge.organization),
            selectinload(Challenge.round),
            selectinload(Challenge.invited),
            selectinload(Challenge.program).selectinload(Program.officers),
        ),
    )


async def bid_by_id(session: AsyncSession, bid_id: uuid.UUID, *, lock: bool = False) -> Bid | None:
    """A bid with its content, challenge, members and their organizations; `lock` holds off concurrent changes."""
    statement = _whole().where(Bid.id == bid_id)
    bid = await session.scalar(held(statement, Bid, lock=lock))
    if bid is not None:
        await reveal(session, [bid])
    return bid


async def bids_by_ids(session: AsyncSession, ids: Collection[uuid.UUID]) -> list[Bid]:
    return list(await session.scalars(_whole().where(Bid.id.in_(ids))))


async def bids_of_challenge(session: AsyncSession, challenge_id: uuid.UUID) -> list[Bid]:
    """Submitted bids, earliest first; without their contents while they are sealed."""
    statement = (
        _whole()
        .where(Bid.challenge_id == challenge_id, Bid.state == BidState.SUBMITTED)
        .order_by(Bid.submitted_at)
    )
    return list(await session.scalars(statement))


async def live_bids_of(session: AsyncSession, challenge_id: uuid.UUID) -> list[Bid]:
    """Drafts and submitted bids, locked one after the other in the order of their ids; without their contents."""
    statement = (
        _whole()
        .where(Bid.challenge_id == challenge_id, Bid.state != BidState.WITHDRAWN)
        .order_by(Bid.id)
        .with_for_update(of=Bid)
        .execution_options(populate_existing=True)
    )
    return list(await session.scalars(statement))


async def bids_of_organization(session: AsyncSession, organization_id: uuid.UUID) -> list[Bid]:
    """Bids that the organization leads or is named in without having declined, newest first."""
    named = select(BidMember.bid_id).where(
        BidMember.organization_id == organization_id, BidMember.state != BidMemberState.DECLINED
    )
    statement = (
        _whole()
        .where((Bid.organization_id == organization_id) | Bid.id.in_(named))
        .order_by(Bid.updated_at.desc())
    )
    bids = list(await session.scalars(statement))
    await reveal(session, bids)
    return bids


async def part_in_challenge(
    session: AsyncSession,
    challenge_id: uuid.UUID,
    organization_id: uuid.UUID,
    *,
    besides: uuid.UUID | None = None,
) -> Bid | None:
    """The live bid in which the organization already takes part: it leads it, or has confirmed its part."""
    statement = (
        select(Bid)
        .join(BidMember)
        .where(
            Bid.challenge_id == challenge_id,
            Bid.state != BidState.WITHDRAWN,
            BidMember.organization_id == organization_id,
            BidMember.state == BidMemberState.CONFIRMED,
        )
        .limit(1)
    )
    if besides is not None:
        statement = statement.where(Bid.id != besides)
    return await session.scalar(statement)


async def hold_challenge(session: AsyncSession, challenge_id: uuid.UUID) -> None:
    """Keep the challenge from being closed or withdrawn until this transaction ends."""
    await session.execute(select(Challenge.id).where(Challenge.id == challenge_id).with_for_update(read=True))


async def hold_challenge_of(session: AsyncSession, bid_id: uuid.UUID) -> None:
    """`hold_challenge` by a bid: challenges are locked before their bids, or two transactions wait crosswise."""
    of_bid = select(Bid.challenge_id).where(Bid.id == bid_id).scalar_subquery()
    await session.execute(select(Challenge.id).where(Challenge.id == of_bid).with_for_update(read=True))


async def possible_partners(
    session: AsyncSession, search: str, *, kinds: list[str], excluded: list[uuid.UUID], limit: int = 10
) -> list[Organization]:
    """Verified organizations whose name contains the search text or whose credit code equals it."""
    statement = (
        select(Organization)
        .where(
            Organization.verification == Verification.VERIFIED,
            Organization.name.contains(search, autoescape=True)
            | (Organization.credit_code == search.upper()),
            Organization.id.not_in(excluded),
        )
        .order_by(Organization.name)
        .limit(limit)
    )
    if kinds:
        statement = statement.where(Organization.kind.in_([OrganizationKind(kind) for kind in kinds]))
    return list(await session.scalars(statement))


async def receipts_of_bid(session: AsyncSession, bid_id: uuid.UUID) -> list[BidReceipt]:
    """What the bidder was given, newest first."""
    statement = (
        select(BidReceipt).where(BidReceipt.bid_id == bid_id).order_by(BidReceipt.at.desc(), BidReceipt.id)
    )
    return list(await session.scalars(statement))


async def last_receipts(session: AsyncSession, challenge_id: uuid.UUID) -> dict[uuid.UUID, BidReceipt]:
    """The newest receipt of each bid that is handed in, by bid, in the order of handing in."""
    statement = (
        select(BidReceipt)
        .join(Bid, Bid.id == BidReceipt.bid_id)
        .where(Bid.challenge_id == challenge_id, Bid.state == BidState.SUBMITTED)
        .order_by(BidReceipt.at, BidReceipt.id)
    )
    newest: dict[uuid.UUID, BidReceipt] = {}
    for receipt in await session.scalars(statement):
        newest.pop(receipt.bid_id, None)
        newest[receipt.bid_id] = receipt
    return newest


async def opening_of(
    session: AsyncSession, challenge_id: uuid.UUID, *, lock: bool = False
) -> BidOpening | None:
    """The opening with its officers' names."""
    statement = (
        select(BidOpening)
        .where(BidOpening.challenge_id == challenge_id)
        .options(selectinload(BidOpening.asked_by), selectinload(BidOpening.opened_by))
    )
    return await session.scalar(held(statement, BidOpening, lock=lock))


async def member_ids(session: AsyncSession, challenge_id: uuid.UUID) -> set[uuid.UUID]:
    """Every organization that has a part in a bid handed in."""
    statement = (
        select(BidMember.organization_id)
        .join(Bid)
        .where(
            Bid.challenge_id == challenge_id,
            Bid.state == BidState.SUBMITTED,
            BidMember.state == BidMemberState.CONFIRMED,
        )
    )
    return set(await session.scalars(statement))
