"""A closed challenge whose bids are open, for what comes after the deadline."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from challenges.models import Bid, BidMember, BidMemberState, BidState, Challenge, ChallengeState, Program
from challenges.postings.queries import challenge_by_id
from core.accounts.models import Person, PlatformRole
from core.actor import Actor
from core.clock import utc_now
from solvers.models import Organization, SizeClass
from tests.factories import Factory
from tests.integration.matchmaking import actor_of


def officer_actor(person: Person) -> Actor:
    return Actor(person_id=person.id, name=person.name, roles=frozenset({PlatformRole.OFFICER}))


@dataclass
class OpenedRound:
    make: Factory
    program: Program
    officer: Person
    second_officer: Person
    poster: Organization
    poster_person: Person
    challenge: Challenge
    bids: list[Bid]
    bidders: list[Organization]
    people: list[Person]

    @property
    def officer_actor(self) -> Actor:
        return officer_actor(self.officer)

    @property
    def poster_actor(self) -> Actor:
        return actor_of(self.poster_person, self.poster)

    def bidder_actor(self, index: int) -> Actor:
        return actor_of(self.people[index], self.bidders[index])

    async def read(self) -> Challenge:
        """The challenge anew, as use cases take it."""
        found = await challenge_by_id(self.make.session, self.challenge.id, lock=True)
        assert found is not None
        return found


async def add_bid(
    make: Factory,
    challenge: Challenge,
    organization: Organization,
    *partners: Organization,
    budget_wan: int = 500,
    **texts: str,
) -> Bid:
    """A bid handed in, written in the clear as it stands after the opening."""
    everything = [str(item.id) for item in challenge.requirements]
    members = [organization, *partners]
    bid = Bid(
        challenge_id=challenge.id,
        organization_id=organization.id,
        state=BidState.SUBMITTED,
        submitted_at=utc_now(),
        **{
            "technical_plan": "采用籽晶法定向凝固。",
            "team": "十五人",
            "ability": "专利十二项",
            "timeline": "十八个月",
            "contact_name": "陈工",
            "contact_phone": "0571-80000000",
            **texts,
        },
        members=[
            BidMember(
                organization_id=member.id,
                position=position,
                state=BidMemberState.CONFIRMED,
                requirement_ids=everything[position :: len(members)],
                budget_wan=Decimal(budget_wan) / len(members),
            )
            for position, member in enumerate(members)
        ],
    )
    make.session.add(bid)
    await make.session.commit()
    return bid


async def opened_round(
    make: Factory, *, bids: int = 2, checklist: tuple[str, ...] = (), **program: Any
) -> OpenedRound:
    officer, second = await make.officer(), await make.officer()
    made = await make.program(officer, second, checklist=list(checklist), **program)
    poster = await make.organization(size=SizeClass.LARGE)
    poster_person = await make.member(poster)
    challenge = await make.challenge(
        poster, made, state=ChallengeState.CLOSED, deadline_at=utc_now() - timedelta(hours=1)
    )
    bidders = [await make.organization() for _ in range(bids)]
    people = [await make.member(bidder) for bidder in bidders]
    handed_in = [await add_bid(make, challenge, bidder) for bidder in bidders]
    await make.opened(challenge)
    return OpenedRound(
        make, made, officer, second, poster, poster_person, challenge, handed_in, bidders, people
    )
