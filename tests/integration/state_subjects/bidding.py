"""Challenges, what is asked and changed of them, and bids."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from challenges.amendments.content import content_of
from challenges.bids import queries as bid_queries
from challenges.models import (
    Amendment,
    Bid,
    BidMember,
    BidMemberState,
    BidState,
    ChallengeState,
    Question,
)
from core.actor import SYSTEM, Actor
from core.clock import utc_now
from core.states import Role
from tests.factories import Factory
from tests.integration.matchmaking import actor_of, open_market
from tests.integration.state_subjects.subject import Subject, strangers_to


async def a_challenge(make: Factory) -> Subject:
    market = await open_market(make, state=ChallengeState.PUBLISHED)
    challenge = market.challenge

    async def read() -> Any:
        await make.session.refresh(challenge)
        return challenge

    return Subject(
        kind=type(challenge),
        id=challenge.id,
        read=read,
        actors={Role.POSTER: market.poster_actor, Role.OFFICER: market.officer_actor, Role.SYSTEM: SYSTEM},
        strangers=[actor_of(market.editor, market.poster, "viewer"), *await strangers_to(make)],
    )


async def _on_a_challenge(make: Factory, kind: Any, **values: Any) -> Subject:
    """A thing that hangs on an open challenge, and is moved by its poster, its officers and time."""
    market = await open_market(make, state=ChallengeState.PUBLISHED)
    challenge = market.challenge
    thing = kind(
        challenge_id=challenge.id,
        **{name: value(market) if callable(value) else value for name, value in values.items()},
    )
    make.session.add(thing)
    await make.session.commit()
    key = thing.id

    async def read() -> Any:
        statement = select(kind).where(kind.id == key).options(selectinload(kind.challenge))
        return await make.session.scalar(statement.execution_options(populate_existing=True))

    asker = actor_of(await make.member(market.coater), market.coater)
    return Subject(
        kind=kind,
        id=key,
        read=read,
        actors={Role.POSTER: market.poster_actor, Role.OFFICER: market.officer_actor, Role.SYSTEM: SYSTEM},
        strangers=[
            asker,
            actor_of(market.editor, market.poster, "viewer"),
            *await strangers_to(make),
        ],
    )


async def a_question(make: Factory) -> Subject:
    return await _on_a_challenge(
        make,
        Question,
        organization_id=lambda market: market.coater.id,
        text="合格率如何统计？",
        asked_at=utc_now(),
        # So that it may stand in every state.
        answered_at=utc_now(),
        note="理由",
    )


async def an_amendment(make: Factory) -> Subject:
    return await _on_a_challenge(
        make,
        Amendment,
        version=1,
        explanation="用户提高了转速。",
        before=lambda market: content_of(market.challenge),
        after=lambda market: content_of(market.challenge),
        deadline_before=lambda market: market.challenge.deadline_at,
        deadline_after=lambda market: market.challenge.deadline_at,
        base_revision=1,
        proposed_by_id=lambda market: market.editor.id,
        proposed_at=utc_now(),
        decided_at=utc_now(),
        note="理由",
    )


async def _bid_with_partner(make: Factory) -> tuple[Bid, dict[Role, Actor], list[Actor]]:
    market = await open_market(make, state=ChallengeState.PUBLISHED)
    lead, partner = await make.member(market.coater), await make.member(market.tester)
    bid = Bid(
        challenge_id=market.challenge.id,
        organization_id=market.coater.id,
        state=BidState.DRAFT,
        submitted_at=utc_now(),
        members=[
            BidMember(organization_id=market.coater.id, position=0, state=BidMemberState.CONFIRMED),
            BidMember(organization_id=market.tester.id, position=1, state=BidMemberState.INVITED),
        ],
    )
    make.session.add(bid)
    await make.session.commit()
    strangers = [
        actor_of(lead, market.coater, "viewer"),
        actor_of(partner, market.tester, "viewer"),
        market.poster_actor,
        market.officer_actor,
        *await strangers_to(make),
    ]
    actors = {
        Role.LEAD: actor_of(lead, market.coater),
        Role.PARTNER: actor_of(partner, market.tester),
        Role.SYSTEM: SYSTEM,
    }
    return bid, actors, strangers


async def a_bid(make: Factory) -> Subject:
    bid, actors, strangers = await _bid_with_partner(make)
    key = bid.id

    async def read() -> Any:
        return await bid_queries.bid_by_id(make.session, key, lock=True)

    return Subject(Bid, key, read, actors, strangers)


async def a_bid_member(make: Factory) -> Subject:
    bid, actors, strangers = await _bid_with_partner(make)
    bid_id, key, held = bid.id, bid.members[1].id, [bid]

    async def read() -> Any:
        found = await bid_queries.bid_by_id(make.session, bid_id, lock=True)
        assert found is not None
        # A part reaches its bid as long as somebody holds the bid.
        held[:] = [found]
        return found.members[1]

    return Subject(
        BidMember,
        key,
        read,
        {Role.PARTNER: actors[Role.PARTNER]},
        [actors[Role.LEAD], actors[Role.SYSTEM], *strangers],
    )
