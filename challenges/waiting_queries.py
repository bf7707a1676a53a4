"""Every SELECT about what waits for somebody: the officers' work queue, the role homes, the public figures."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from challenges.bids.models import Bid, BidMember, BidMemberState, BidOpening, BidState
from challenges.checks.models import FormalCheck
from challenges.checks.queries import SETTLED
from challenges.consortia.models import Consortium, ConsortiumState, QuotaRecheck, Waiver, WaiverAnswer
from challenges.postings.models import Challenge, ChallengeState
from challenges.postings.policies import AWARDED_OR_LATER
from challenges.postings.queries import LINE, in_charge_of, open_for_bids
from challenges.programs.models import Program
from challenges.programs.queries import days_before
from core.actor import Actor
from solvers.organizations.models import Organization, SizeClass, Verification

# A section of the queue shows so many, the oldest; the rest follow as these are done.
SECTION_LIMIT = 100
CLOSING_SOON_DAYS = 7


@dataclass(frozen=True)
class PublicFigures:
    open_challenges: int
    open_reward_wan: Decimal
    solvers: int
    smes: int
    awarded: int


async def public_figures(session: AsyncSession, now: datetime) -> PublicFigures:
    """What the front page tells everybody: public challenges and verified organizations."""
    open_now = and_(open_for_bids(now), Challenge.is_public)
    challenges = (
        await session.execute(
            select(
                func.count().filter(open_now),
                func.coalesce(func.sum(Challenge.reward_wan).filter(open_now), 0),
                func.count().filter(and_(Challenge.state.in_(AWARDED_OR_LATER), Challenge.is_public)),
            )
        )
    ).one()
    is_sme = Organization.size_class.in_([SizeClass.MEDIUM, SizeClass.SMALL, SizeClass.MICRO])
    organizations = (
        await session.execute(
            select(func.count(), func.count().filter(is_sme)).where(
                Organization.verification == Verification.VERIFIED,
                or_(Organization.size_class.is_(None), Organization.size_class != SizeClass.LARGE),
            )
        )
    ).one()
    return PublicFigures(
        open_challenges=challenges[0],
        open_reward_wan=challenges[1] or Decimal(0),
        awarded=challenges[2],
        solvers=organizations[0],
        smes=organizations[1],
    )


async def waiting_for_screening(session: AsyncSession, actor: Actor) -> list[Challenge]:
    """Submitted challenges of the officer's programs, those that wait longest first."""
    statement = (
        select(Challenge)
        .where(Challenge.state == ChallengeState.SUBMITTED, in_charge_of(actor))
        .options(*LINE)
        .order_by(Challenge.submitted_at, Challenge.id)
        .limit(SECTION_LIMIT)
    )
    return list(await session.scalars(statement))


async def waiting_for_decision(session: AsyncSession, actor: Actor) -> list[Consortium]:
    """Submitted consortia of the officer's programs with challenge and lead, those that wait longest first."""
    statement = (
        select(Consortium)
        .join(Challenge, Challenge.id == Consortium.challenge_id)
        .where(Consortium.state == ConsortiumState.SUBMITTED, in_charge_of(actor))
        .options(selectinload(Consortium.challenge).options(*LINE), selectinload(Consortium.lead))
        .order_by(Consortium.submitted_at, Consortium.id)
        .limit(SECTION_LIMIT)
    )
    return list(await session.scalars(statement))


async def waivers_waiting(session: AsyncSession, actor: Actor) -> list[Waiver]:
    """Waivers of the officer's programs that another officer has asked for and nobody has answered, oldest first."""
    statement = (
        select(Waiver)
        .join(Consortium, Consortium.id == Waiver.consortium_id)
        .join(Challenge, Challenge.id == Consortium.challenge_id)
        .where(
            in_charge_of(actor),
            Waiver.requested_by_id != actor.person_id,
            Consortium.state == ConsortiumState.SUBMITTED,
            Consortium.revision == Waiver.consortium_revision,
            ~exists().where(WaiverAnswer.waiver_id == Waiver.id),
        )
        .options(
            selectinload(Waiver.requested_by),
            selectinload(Waiver.consortium).selectinload(Consortium.challenge).options(*LINE),
        )
        .order_by(Waiver.requested_at, Waiver.id)
        .limit(SECTION_LIMIT)
    )
    return list(await session.scalars(statement))


def _is_closed(now: datetime) -> ColumnElement[bool]:
    overdue = and_(Challenge.state == ChallengeState.PUBLISHED, Challenge.deadline_at <= now)
    return or_(Challenge.state == ChallengeState.CLOSED, overdue)


def _has_bids_to_settle() -> ColumnElement[bool]:
    """Bids were handed in that are sealed, or not all through the formal check: officers have to act first."""
    handed_in = exists().where(Bid.challenge_id == Challenge.id, Bid.state == BidState.SUBMITTED)
    unsettled = exists().where(
        Bid.challenge_id == Challenge.id,
        Bid.state == BidState.SUBMITTED,
        Program.id == Challenge.program_id,
        Program.checklist != [],
        ~exists().where(FormalCheck.bid_id == Bid.id, FormalCheck.state.in_(SETTLED)),
    )
    return or_(and_(Challenge.bids_opened_at.is_(None), handed_in), unsettled)


async def without_consortium(session: AsyncSession, actor: Actor, now: datetime) -> list[Challenge]:
    """Closed challenges of the officer's programs whose poster owes a consortium, longest closed first."""
    statement = (
        select(Challenge)
        .where(_is_closed(now), ~_has_bids_to_settle(), in_charge_of(actor))
        .options(*LINE)
        .order_by(Challenge.deadline_at, Challenge.id)
        .limit(SECTION_LIMIT)
    )
    return list(await session.scalars(statement))


async def sealed_bids(
    session: AsyncSession, actor: Actor, now: datetime
) -> list[tuple[Challenge, BidOpening | None]]:
    """Challenges of the officer's programs whose bids wait for being opened, with the opening that was asked for."""
    has_bids = exists().where(Bid.challenge_id == Challenge.id, Bid.state == BidState.SUBMITTED)
    statement = (
        select(Challenge, BidOpening)
        .outerjoin(BidOpening, BidOpening.challenge_id == Challenge.id)
        .where(_is_closed(now), Challenge.bids_opened_at.is_(None), has_bids, in_charge_of(actor))
        .options(*LINE, selectinload(BidOpening.asked_by))
        .order_by(Challenge.deadline_at, Challenge.id)
        .limit(SECTION_LIMIT)
    )
    return [(challenge, opening) for challenge, opening in await session.execute(statement)]


async def unsettled_rechecks(session: AsyncSession, actor: Actor) -> list[QuotaRecheck]:
    """What was found of approved consortia in the officer's programs and nobody has settled, oldest first."""
    statement = (
        select(QuotaRecheck)
        .join(Consortium, Consortium.id == QuotaRecheck.consortium_id)
        .join(Challenge, Challenge.id == Consortium.challenge_id)
        .where(QuotaRecheck.settled_at.is_(None), in_charge_of(actor))
        .options(selectinload(QuotaRecheck.consortium).selectinload(Consortium.challenge).options(*LINE))
        .order_by(QuotaRecheck.found_at, QuotaRecheck.id)
        .limit(SECTION_LIMIT)
    )
    return list(await session.scalars(statement))


async def closing_soon(session: AsyncSession, actor: Actor, now: datetime) -> list[Challenge]:
    """Challenges of the officer's programs whose bidding ends within CLOSING_SOON_DAYS of the program's clock."""
    statement = (
        select(Challenge)
        .join(Program, Program.id == Challenge.program_id)
        .where(
            open_for_bids(now),
            days_before(Challenge.deadline_at, CLOSING_SOON_DAYS) <= now,
            in_charge_of(actor),
        )
        .options(*LINE)
        .order_by(Challenge.deadline_at, Challenge.id)
        .limit(SECTION_LIMIT)
    )
    return list(await session.scalars(statement))


async def consortia_waiting_for_poster(session: AsyncSession, actor: Actor) -> list[Consortium]:
    """Consortia of the organization's challenges that its editors have to finish or revise."""
    statement = (
        select(Consortium)
        .join(Challenge, Challenge.id == Consortium.challenge_id)
        .where(
            Challenge.organization_id == actor.organization_id,
            Consortium.state.in_([ConsortiumState.PROPOSED, ConsortiumState.RETURNED]),
        )
        .options(selectinload(Consortium.challenge).options(*LINE), selectinload(Consortium.lead))
        .order_by(Consortium.updated_at)
        .limit(SECTION_LIMIT)
    )
    return list(await session.scalars(statement))


async def challenges_waiting_for_poster(
    session: AsyncSession, actor: Actor, now: datetime
) -> list[Challenge]:
    """The organization's closed challenges for which a consortium can be begun and none has been."""
    begun = exists().where(
        Consortium.challenge_id == Challenge.id,
        Consortium.state.in_([ConsortiumState.PROPOSED, ConsortiumState.SUBMITTED, ConsortiumState.RETURNED]),
    )
    statement = (
        select(Challenge)
        .where(
            Challenge.organization_id == actor.organization_id,
            _is_closed(now),
            ~begun,
            ~_has_bids_to_settle(),
        )
        .options(*LINE)
        .order_by(Challenge.deadline_at, Challenge.id)
        .limit(SECTION_LIMIT)
    )
    return list(await session.scalars(statement))


async def live_bids(session: AsyncSession, actor: Actor, now: datetime) -> list[Bid]:
    """Bids the organization leads on challenges that still take bids, nearest deadline first."""
    statement = (
        select(Bid)
        .join(Challenge, Challenge.id == Bid.challenge_id)
        .where(
            Bid.organization_id == actor.organization_id,
            Bid.state.in_([BidState.DRAFT, BidState.SUBMITTED]),
            open_for_bids(now),
        )
        .options(selectinload(Bid.challenge).options(*LINE))
        .order_by(Challenge.deadline_at, Bid.id)
    )
    return list(await session.scalars(statement))


async def unanswered_invitations(session: AsyncSession, actor: Actor, now: datetime) -> list[Bid]:
    """Bids in which the organization is named and has not answered, while it still may."""
    asked = select(BidMember.bid_id).where(
        BidMember.organization_id == actor.organization_id, BidMember.state == BidMemberState.INVITED
    )
    statement = (
        select(Bid)
        .join(Challenge, Challenge.id == Bid.challenge_id)
        .where(Bid.id.in_(asked), Bid.state != BidState.WITHDRAWN, open_for_bids(now))
        .options(selectinload(Bid.challenge).options(*LINE), selectinload(Bid.organization))
        .order_by(Challenge.deadline_at, Bid.id)
    )
    return list(await session.scalars(statement))
