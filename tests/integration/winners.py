"""Challenges with several bids whose winners are named, for tests of awards, notices and objections."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.awards import service
from challenges.awards.queries import live_teams
from challenges.consortia import decisions
from challenges.models import (
    Bid,
    BidMember,
    BidMemberState,
    BidState,
    ChallengeState,
    Consortium,
    ConsortiumState,
    Outcome,
    ProgramOfficer,
)
from core.accounts.models import PlatformRole
from core.actor import Actor
from core.clock import utc_now
from solvers.models import Organization
from tests.factories import Factory
from tests.integration.matchmaking import Market, open_market


@dataclass
class Contest:
    """A closed challenge with opened bids of coater, tester, institute and lead; all but the last keep the rule."""

    market: Market
    bids: dict[str, Bid]
    second: Actor
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def poster(self) -> Actor:
        return self.market.poster_actor

    @property
    def officer(self) -> Actor:
        return self.market.officer_actor


async def open_contest(
    make: Factory, *, max_winners: int = 3, program_values: dict[str, Any] | None = None, **values: Any
) -> Contest:
    market = await open_market(make, **values)
    market.program.max_winners = max_winners
    for name, value in (program_values or {}).items():
        setattr(market.program, name, value)
    second = await make.officer()
    make.session.add(ProgramOfficer(program_id=market.program.id, person_id=second.id))
    bids = {
        name: await _bid(make, market, getattr(market, name), budget)
        for name, budget in (("coater", 90), ("tester", 80), ("institute", 70), ("lead", 100))
    }
    await make.opened(market.challenge)
    await make.session.refresh(market.challenge, ["requirements", "program"])
    return Contest(
        market,
        bids,
        Actor(person_id=second.id, name=second.name, roles=frozenset({PlatformRole.OFFICER})),
    )


async def _bid(make: Factory, market: Market, lead: Organization, budget: int) -> Bid:
    bid = Bid(
        challenge_id=market.challenge.id,
        organization_id=lead.id,
        state=BidState.SUBMITTED,
        technical_plan="方案",
        submitted_at=utc_now(),
        members=[
            BidMember(
                organization_id=lead.id,
                position=0,
                state=BidMemberState.CONFIRMED,
                requirement_ids=[str(item.id) for item in market.challenge.requirements],
                budget_wan=Decimal(budget),
            )
        ],
    )
    make.session.add(bid)
    await make.session.commit()
    return bid


async def teams_of(session: AsyncSession, contest: Contest) -> list[Consortium]:
    session.expire_all()
    await reload(session, contest)
    return await live_teams(session, contest.market.challenge.id)


async def reload(session: AsyncSession, contest: Contest) -> None:
    market = contest.market
    for thing in (
        market.challenge,
        market.poster,
        market.editor,
        market.program,
        market.lead,
        market.coater,
        market.tester,
        market.institute,
        *contest.bids.values(),
    ):
        await session.refresh(thing)
    await session.refresh(market.officer, ["id", "name", "email", "locale", "roles"])


async def seen(session: AsyncSession, contest: Contest) -> str:
    return service.digest_of(await live_teams(session, contest.market.challenge.id))


async def name_winners(
    session: AsyncSession, contest: Contest, *names: str, reason: str = ""
) -> list[Consortium]:
    named = await service.choose_winners(
        session,
        contest.poster,
        contest.market.challenge.id,
        [contest.bids[name].id for name in names],
        reason,
        await seen(session, contest),
    )
    await session.commit()
    return named


async def hand_in(
    session: AsyncSession, contest: Contest, *names: str, note: str = "", asks_waiver: bool = False
) -> list[Consortium]:
    """Name these and submit them; answers with the teams."""
    await name_winners(session, contest, *names)
    await service.submit_winners(
        session,
        contest.poster,
        contest.market.challenge.id,
        note,
        await seen(session, contest),
        asks_waiver=asks_waiver,
    )
    await session.commit()
    return await teams_of(session, contest)


async def decide(
    session: AsyncSession, contest: Contest, team: Consortium, outcome: Outcome, actor: Actor | None = None
) -> ChallengeState:
    """Decide on one team; answers with the challenge's state afterwards."""
    await decisions.decide_consortium(
        session, actor or contest.officer, team.id, outcome, "理由", team.revision
    )
    await session.commit()
    await session.refresh(contest.market.challenge)
    return contest.market.challenge.state


async def award(session: AsyncSession, contest: Contest, *names: str) -> list[Consortium]:
    """An awarded challenge whose teams are these."""
    for team in await hand_in(session, contest, *names):
        if team.state is ConsortiumState.SUBMITTED:
            await decide(session, contest, team, Outcome.APPROVED)
    assert contest.market.challenge.state is ChallengeState.AWARDED
    return await teams_of(session, contest)
