"""Every SELECT about formal checks, and which bids are admitted by them."""

import uuid
from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Select, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from challenges.bids.models import Bid, BidMember, BidState
from challenges.bids.queries import bids_of_challenge
from challenges.checks.models import CheckState, FormalCheck
from challenges.postings.models import Challenge, ChallengeState
from challenges.postings.queries import LINE, in_charge_of
from challenges.programs.models import Program
from core.actor import Actor
from core.database import database_time as database_time
from core.database import held

# As many of each kind as the officers' queue shows.
LIMIT = 100
SETTLED = (CheckState.PASSED, CheckState.FAILED)


def _whole() -> Select[FormalCheck]:
    # The challenge is reached on two ways, and read anew on both where the check is locked: what one of them left out
    # would be taken from the other.
    of_challenge = (
        selectinload(Challenge.organization),
        selectinload(Challenge.invited),
        selectinload(Challenge.program).selectinload(Program.officers),
    )
    return select(FormalCheck).options(
        selectinload(FormalCheck.begun_by),
        selectinload(FormalCheck.bid).options(
            selectinload(Bid.organization),
            selectinload(Bid.members).selectinload(BidMember.organization),
            selectinload(Bid.challenge).options(*of_challenge),
        ),
        selectinload(FormalCheck.challenge).options(*of_challenge),
    )


async def check_by_id(
    session: AsyncSession, check_id: uuid.UUID, *, lock: bool = False
) -> FormalCheck | None:
    """A check with its bid, members and challenge; `lock` holds the row and reads it anew."""
    statement = _whole().where(FormalCheck.id == check_id)
    return await session.scalar(held(statement, FormalCheck, lock=lock))


async def checks_by_ids(session: AsyncSession, ids: Collection[uuid.UUID]) -> list[FormalCheck]:
    return list(await session.scalars(_whole().where(FormalCheck.id.in_(ids))))


async def checks_of(session: AsyncSession, challenge_id: uuid.UUID) -> list[FormalCheck]:
    """In the order in which the bids were handed in."""
    statement = (
        _whole()
        .join(Bid, Bid.id == FormalCheck.bid_id)
        .where(FormalCheck.challenge_id == challenge_id)
        .order_by(Bid.submitted_at, Bid.id)
    )
    return list(await session.scalars(statement))


async def check_of_bid(session: AsyncSession, bid_id: uuid.UUID) -> FormalCheck | None:
    return await session.scalar(_whole().where(FormalCheck.bid_id == bid_id))


async def admitted_bids(session: AsyncSession, challenge_id: uuid.UUID) -> list[Bid]:
    """Bids that may be reviewed and chosen, earliest first.

    Those that passed their check; where nothing was to be checked, every bid handed in, once they are open.
    """
    challenge = await session.get(Challenge, challenge_id)
    if challenge is None or challenge.bids_opened_at is None:
        return []
    bids = await bids_of_challenge(session, challenge_id)
    states = await _states(session, challenge_id)
    if not states and not await is_check_needed(session, challenge):
        return bids
    return [bid for bid in bids if states.get(bid.id) is CheckState.PASSED]


async def is_everything_settled(session: AsyncSession, challenge: Challenge) -> bool:
    """Every bid of an opened challenge has passed or failed, or there was nothing to check."""
    if challenge.bids_opened_at is None:
        return False
    states = await _states(session, challenge.id)
    if not states and not await is_check_needed(session, challenge):
        return True
    handed_in = set(
        await session.scalars(
            select(Bid.id).where(Bid.challenge_id == challenge.id, Bid.state == BidState.SUBMITTED)
        )
    )
    return all(states.get(bid_id) in SETTLED for bid_id in handed_in)


async def settled_at(session: AsyncSession, challenge: Challenge) -> datetime | None:
    """When the last bid of an opened challenge passed or failed, or the bids were opened where nothing is checked."""
    settled = await session.scalar(
        select(func.max(FormalCheck.settled_at)).where(FormalCheck.challenge_id == challenge.id)
    )
    return settled or challenge.bids_opened_at


async def is_check_needed(session: AsyncSession, challenge: Challenge) -> bool:
    """The program has a list to check bids against."""
    return bool(await session.scalar(select(Program.checklist).where(Program.id == challenge.program_id)))


async def _states(session: AsyncSession, challenge_id: uuid.UUID) -> dict[uuid.UUID, CheckState]:
    statement = select(FormalCheck.bid_id, FormalCheck.state).where(FormalCheck.challenge_id == challenge_id)
    return {row[0]: row[1] for row in await session.execute(statement)}


async def next_to_lapse(
    session: AsyncSession, now: datetime, besides: Collection[uuid.UUID]
) -> FormalCheck | None:
    """A check whose time for completion has passed, locked; one that another worker holds is left to it."""
    statement = (
        select(FormalCheck.id)
        .where(
            FormalCheck.state == CheckState.COMPLETION_REQUESTED,
            FormalCheck.completion_due_at <= now,
            FormalCheck.id.not_in(besides),
        )
        .order_by(FormalCheck.completion_due_at, FormalCheck.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    found = await session.scalar(statement)
    return None if found is None else await check_by_id(session, found, lock=True)


async def checks_waiting(session: AsyncSession, actor: Actor) -> list[FormalCheck]:
    """Unsettled checks of closed challenges in the officer's programs, oldest first."""
    statement = (
        select(FormalCheck)
        .join(Challenge, Challenge.id == FormalCheck.challenge_id)
        .where(
            FormalCheck.state.not_in(SETTLED), Challenge.state == ChallengeState.CLOSED, in_charge_of(actor)
        )
        .options(
            selectinload(FormalCheck.bid).selectinload(Bid.organization),
            selectinload(FormalCheck.challenge).options(*LINE),
        )
        .order_by(FormalCheck.created_at, FormalCheck.id)
        .limit(LIMIT)
    )
    return list(await session.scalars(statement))


async def challenges_to_check(session: AsyncSession, actor: Actor) -> list[Challenge]:
    """Closed challenges of the officer's programs whose bids are open and have not all been taken up for a check."""
    unchecked = exists().where(
        Bid.challenge_id == Challenge.id,
        Bid.state == BidState.SUBMITTED,
        ~exists().where(FormalCheck.bid_id == Bid.id),
    )
    statement = (
        select(Challenge)
        .join(Program, Program.id == Challenge.program_id)
        .where(
            Challenge.state == ChallengeState.CLOSED,
            Challenge.bids_opened_at.is_not(None),
            Program.checklist != [],
            unchecked,
            in_charge_of(actor),
        )
        .options(*LINE)
        .order_by(Challenge.bids_opened_at, Challenge.id)
        .limit(LIMIT)
    )
    return list(await session.scalars(statement))
