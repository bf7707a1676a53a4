"""A bid of three organizations, for tests of what happens to it at once or by its deadline."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from challenges.bids import queries, service
from challenges.bids.content import BidContent, Part, Step, TeamMember
from challenges.bids.models import Bid, BidState
from challenges.models import Challenge, ChallengeState
from challenges.postings.service import read_challenge
from core.accounts.models import Person, PlatformRole
from core.actor import Actor
from core.audit import AuditEntry
from core.process import Process
from solvers.models import Organization, SizeClass
from tests.factories import Factory
from tests.integration.matchmaking import actor_of
from tests.integration.test_bidding import TEXTS

MILLISECOND = timedelta(milliseconds=1)


async def count(make: Factory, model: Any, *conditions: Any) -> int:
    return (await make.session.scalar(select(func.count()).select_from(model).where(*conditions))) or 0


async def actions(make: Factory, *names: str) -> list[str]:
    statement = select(AuditEntry.action).where(AuditEntry.action.in_(names)).order_by(AuditEntry.number)
    return list(await make.session.scalars(statement))


def officer_of(person: Person) -> Actor:
    return Actor(person_id=person.id, name=person.name, roles=frozenset({PlatformRole.OFFICER}))


class Together:
    """A bid of an SME with two partners that have not answered; each organization has two editors."""

    challenge: Challenge
    sme: Organization
    bid: Bid

    def __init__(self, make: Factory, process: Process) -> None:
        self.make, self.process = make, process

    async def begin(self) -> "Together":
        make = self.make
        self.officers = [await make.officer(), await make.officer()]
        self.program = await make.program(*self.officers)
        self.poster = await make.organization(size=SizeClass.LARGE)
        await make.member(self.poster)
        self.challenge = await make.challenge(self.poster, self.program)
        self.sme = await make.organization()
        self.partners = [await make.organization(), await make.organization()]
        self.lead = actor_of(await make.member(self.sme), self.sme)
        self.colleague = actor_of(await make.member(self.sme), self.sme)
        self.answering = [
            actor_of(await make.member(partner), partner) for partner in self.partners for _ in range(2)
        ]
        self.requirements = [str(item.id) for item in self.challenge.requirements]
        return self

    async def start(self, process: Process, lead: Actor, *partners: Organization) -> Bid:
        async with process.transaction() as session:
            challenge = await read_challenge(session, lead, self.challenge.id)
            bid = await service.start_bid(session, lead, challenge)
            for partner in partners:
                await service.add_member(session, lead, bid.id, partner.id)
        self.bid = await self.read(bid.id)
        return self.bid

    async def read(self, bid_id: Any = None) -> Bid:
        async with AsyncSession(self.process.engine, expire_on_commit=False) as session:
            bid = await queries.bid_by_id(session, bid_id or self.bid.id)
        assert bid is not None
        return bid

    def content(self, text_of_plan: str = "", *shares: tuple[Any, int]) -> BidContent:
        shares = shares or ((self.sme.id, len(self.requirements)),)
        parts, given = [], 0
        for key, number in shares:
            ids = tuple(self.requirements[given : given + number])
            parts.append(
                Part(
                    organization_id=key,
                    role_text="分工",
                    requirement_ids=ids,
                    budget_wan=Decimal(100),
                    years=(Decimal(60), Decimal(40)),
                )
            )
            given += number
        texts = {**TEXTS, **({"technical_plan": text_of_plan} if text_of_plan else {})}
        return BidContent(
            technical_plan=texts["technical_plan"],
            ability=texts["ability"],
            contact_name=texts["contact_name"],
            contact_phone=texts["contact_phone"],
            parts=tuple(parts),
            steps=(Step("工艺验证", 1, 6, "工艺验证报告"),),
            people=(TeamMember("陈工", "高级工程师", "负责人", Decimal(6)),),
        )


def deadline_of(together: Together) -> datetime:
    assert together.challenge.deadline_at is not None
    return together.challenge.deadline_at


async def state_of(together: Together) -> tuple[ChallengeState, BidState]:
    async with together.process.transaction() as session:
        challenge = await session.get_one(Challenge, together.challenge.id)
        bid = await session.get_one(Bid, together.bid.id)
        return challenge.state, bid.state
