"""Every SELECT about amendments and bidders' confirmations."""

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload
from sqlalchemy.orm.attributes import set_committed_value

from challenges.amendments.models import Amendment, AmendmentState, BidConfirmation
from challenges.bids.models import Bid, BidState
from challenges.postings.models import Challenge
from challenges.postings.queries import LINE, in_charge_of, open_for_bids
from core.actor import Actor

# A section of a queue shows so many, the oldest; the rest follow as these are done.
SECTION_LIMIT = 100


async def amendment_by_id(session: AsyncSession, amendment_id: uuid.UUID) -> Amendment | None:
    """An amendment as it stands now."""
    statement = (
        select(Amendment).where(Amendment.id == amendment_id).execution_options(populate_existing=True)
    )
    return await session.scalar(statement)


async def challenge_of_amendment(session: AsyncSession, amendment_id: uuid.UUID) -> uuid.UUID | None:
    return await session.scalar(select(Amendment.challenge_id).where(Amendment.id == amendment_id))


async def amendments_of(
    session: AsyncSession, challenge_id: uuid.UUID, *, only_confirmed: bool
) -> list[Amendment]:
    """Amendments of a challenge, newest first, with who proposed them."""
    statement = (
        select(Amendment)
        .where(Amendment.challenge_id == challenge_id)
        .options(selectinload(Amendment.proposed_by))
        .order_by(Amendment.proposed_at.desc(), Amendment.id)
    )
    if only_confirmed:
        statement = statement.where(Amendment.state == AmendmentState.CONFIRMED)
    return list(await session.scalars(statement))


async def waiting_of(session: AsyncSession, challenge_id: uuid.UUID) -> Amendment | None:
    """The amendment that waits for an officer; there is one at most."""
    statement = select(Amendment).where(
        Amendment.challenge_id == challenge_id, Amendment.state == AmendmentState.PROPOSED
    )
    return await session.scalar(statement)


async def newest_version(session: AsyncSession, challenge_id: uuid.UUID) -> int:
    """0 for a challenge that stands as it was published."""
    statement = select(func.max(Amendment.version)).where(Amendment.challenge_id == challenge_id)
    return await session.scalar(statement) or 0


async def newest_of(session: AsyncSession, challenge_id: uuid.UUID) -> Amendment | None:
    """The amendment that came into force last."""
    statement = (
        select(Amendment)
        .where(Amendment.challenge_id == challenge_id, Amendment.state == AmendmentState.CONFIRMED)
        .order_by(Amendment.version.desc())
        .limit(1)
    )
    return await session.scalar(statement)


async def waiting_for_officer(session: AsyncSession, actor: Actor, now: datetime) -> list[Amendment]:
    """Proposals in the officer's programs that can still be confirmed, oldest first."""
    statement = (
        select(Amendment)
        .join(Challenge, Challenge.id == Amendment.challenge_id)
        .where(Amendment.state == AmendmentState.PROPOSED, open_for_bids(now), in_charge_of(actor))
        .options(selectinload(Amendment.challenge).options(*LINE))
        .order_by(Amendment.proposed_at, Amendment.id)
        .limit(SECTION_LIMIT)
    )
    return list(await session.scalars(statement))


async def next_to_lapse(
    session: AsyncSession, now: datetime, besides: Collection[uuid.UUID]
) -> Amendment | None:
    """A proposal whose challenge is not open for bids any more, its challenge locked before it."""
    statement = (
        select(Challenge)
        .join(Amendment, Amendment.challenge_id == Challenge.id)
        .where(Amendment.state == AmendmentState.PROPOSED, ~open_for_bids(now), Amendment.id.not_in(besides))
        .order_by(Amendment.proposed_at, Amendment.id)
        .limit(1)
        .with_for_update(of=Challenge, skip_locked=True)
    )
    challenge = await session.scalar(statement)
    if challenge is None:
        return None
    waiting = await waiting_of(session, challenge.id)
    if waiting is not None:
        set_committed_value(waiting, "challenge", challenge)
    return waiting


async def newest_public(session: AsyncSession, *, limit: int) -> list[Amendment]:
    """Amendments in force of public challenges, newest first: what everybody is shown."""
    statement = (
        select(Amendment)
        .join(Challenge, Challenge.id == Amendment.challenge_id)
        .where(
            Amendment.state == AmendmentState.CONFIRMED,
            Challenge.published_at.is_not(None),
            Challenge.is_public,
        )
        .options(selectinload(Amendment.challenge).options(*LINE))
        .order_by(Amendment.decided_at.desc(), Amendment.id)
        .limit(limit)
    )
    return list(await session.scalars(statement))


def is_unconfirmed() -> ColumnElement[bool]:
    """Pairs of a bid and an amendment of substance that came after the bid was begun, and was not answered."""
    return and_(
        Amendment.challenge_id == Bid.challenge_id,
        Amendment.state == AmendmentState.CONFIRMED,
        Amendment.is_substantial,
        Amendment.decided_at > Bid.created_at,
        Bid.state != BidState.WITHDRAWN,
        ~exists().where(BidConfirmation.bid_id == Bid.id, BidConfirmation.amendment_id == Amendment.id),
    )


async def unconfirmed(session: AsyncSession, bid: Bid) -> list[Amendment]:
    """Amendments after which the bidder has not said that the bid still stands, oldest first.

    After the deadline they stay what they are: an officer may refuse the bid for them.
    """
    statement: Select[Amendment] = (
        select(Amendment)
        .join(Bid, Bid.challenge_id == Amendment.challenge_id)
        .where(Bid.id == bid.id, is_unconfirmed())
        .order_by(Amendment.version)
    )
    return list(await session.scalars(statement))


async def unconfirmed_versions(
    session: AsyncSession, bid_ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, list[int]]:
    """The same for many bids, as numbers of versions; bids without any are left out."""
    statement = (
        select(Bid.id, Amendment.version)
        .join(Amendment, Amendment.challenge_id == Bid.challenge_id)
        .where(Bid.id.in_(bid_ids), is_unconfirmed())
        .order_by(Amendment.version)
    )
    found: dict[uuid.UUID, list[int]] = {}
    for bid_id, version in await session.execute(statement):
        if version is not None:
            found.setdefault(bid_id, []).append(version)
    return found


async def confirmations_of(
    session: AsyncSession, bid_id: uuid.UUID
) -> Sequence[tuple[int | None, BidConfirmation]]:
    """What the bidder has confirmed, by version."""
    statement = (
        select(Amendment.version, BidConfirmation)
        .join(Amendment, Amendment.id == BidConfirmation.amendment_id)
        .where(BidConfirmation.bid_id == bid_id)
        .order_by(Amendment.version)
    )
    return [(row[0], row[1]) for row in await session.execute(statement)]


async def live_bids_of(session: AsyncSession, challenge_id: uuid.UUID) -> list[Bid]:
    """Every bid that is a draft or handed in, with its members, contents still sealed."""
    statement = (
        select(Bid)
        .where(Bid.challenge_id == challenge_id, Bid.state != BidState.WITHDRAWN)
        .options(selectinload(Bid.members))
        .order_by(Bid.id)
    )
    return list(await session.scalars(statement))


async def amendments_by_ids(session: AsyncSession, ids: Collection[uuid.UUID]) -> list[Amendment]:
    return list(await session.scalars(select(Amendment).where(Amendment.id.in_(ids))))
