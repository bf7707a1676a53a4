"""Who takes part in the rounds; made before the first kill."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import NullPool
from sqlalchemy.ext.asyncio import AsyncSession

from challenges.models import ChallengeState
from core.accounts.models import Person
from core.clock import utc_now
from core.process import start_process
from core.settings import Settings
from solvers.models import SizeClass
from tests.factories import Factory
from tests.integration.reviewing import make_expert


@dataclass(frozen=True)
class Company:
    """An organization and the address of who acts for it."""

    id: str
    email: str


@dataclass(frozen=True)
class Reviewer:
    """An expert and their address."""

    id: str
    email: str


@dataclass(frozen=True)
class Cast:
    poster: str
    # The first decides on consortia, so that the second answers objections.
    officers: tuple[str, str]
    # The first bids together with the partner and wins.
    bidders: tuple[Company, ...]
    partner: Company
    # Two score; the third finds a conflict and is replaced by the second.
    experts: tuple[Reviewer, ...]
    challenges: tuple[str, ...]


def make_cast(settings: Settings, rounds: int) -> Cast:
    return asyncio.run(_make_cast(settings, rounds))


async def _make_cast(settings: Settings, rounds: int) -> Cast:
    process = start_process(settings, poolclass=NullPool)
    async with AsyncSession(process.engine, expire_on_commit=False) as session:
        make = Factory(session)
        officers = (await make.officer(), await make.officer())
        program = await make.program(
            *officers, min_bid_days=1, checklist=["签章齐全"], needs_review=True, panel_size=2
        )
        poster = await make.organization(size=SizeClass.LARGE)
        editor = await make.member(poster)
        companies = []
        for _ in range(4):
            organization = await make.organization()
            companies.append(Company(str(organization.id), (await make.member(organization)).email))
        experts = []
        for number in range(3):
            expert = await make_expert(make, f"第{number}大学")
            person = await session.get_one(Person, expert.person_id)
            experts.append(Reviewer(str(expert.id), person.email))
        challenges = [
            await make.challenge(
                poster,
                program,
                state=ChallengeState.SUBMITTED,
                submitted_at=utc_now(),
                deadline_at=utc_now() + timedelta(days=30),
            )
            for _ in range(rounds)
        ]
    await process.engine.dispose()
    return Cast(
        poster=editor.email,
        officers=(officers[0].email, officers[1].email),
        bidders=tuple(companies[:3]),
        partner=companies[3],
        experts=tuple(experts),
        challenges=tuple(str(challenge.id) for challenge in challenges),
    )
