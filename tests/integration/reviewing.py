"""Experts and reviews for tests, as far on their way as a test wants."""

import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from challenges.experts.models import Expert, PastEmployer
from challenges.models import PanelSeat, Review, ReviewState
from challenges.reviews import panels, queries, scoring, service
from challenges.reviews.scoring import Given
from core.accounts.models import Person, PlatformRole
from core.actor import Actor
from solvers.models import Organization
from tests.factories import Factory
from tests.integration.opened_round import OpenedRound, opened_round


def reviewer_actor(person: Person) -> Actor:
    return Actor(person_id=person.id, name=person.name, roles=frozenset({PlatformRole.REVIEWER}))


async def make_expert(
    make: Factory,
    employer: Organization | str = "东海大学",
    *,
    past: tuple[tuple[Organization, int], ...] = (),
    email: str | None = None,
    **values: Any,
) -> Expert:
    person = await make.person(PlatformRole.REVIEWER, **({"email": email} if email else {}))
    # Addresses of test people share a domain, which would be a conflict.
    if email is None:
        person.email = person.email.replace("example.com", "qq.com")
    expert = Expert(
        person_id=person.id,
        organization_id=None if isinstance(employer, str) else employer.id,
        organization_name=employer if isinstance(employer, str) else employer.name,
        **{"fields": ["0401"], "strengths": "高温合金铸造", **values},
        past_employers=[
            PastEmployer(organization_id=item.id, organization_name=item.name, until_year=year)
            for item, year in past
        ],
    )
    make.session.add(expert)
    await make.session.commit()
    return expert


@dataclass
class Panel:
    """A review whose panel is complete; `people` are the reviewers in the order of their seats."""

    stage: OpenedRound
    review: Review
    people: list[Person]
    review_id: uuid.UUID

    @property
    def session(self) -> Any:
        return self.stage.make.session

    async def read(self) -> Review:
        found = await queries.review_by_id(self.session, self.review_id, lock=True)
        assert found is not None
        self.review = found
        return found

    def seat(self, index: int) -> PanelSeat:
        return next(seat for seat in self.review.seats if seat.expert.person_id == self.people[index].id)

    def actor(self, index: int) -> Actor:
        return reviewer_actor(self.people[index])

    async def declare(self, index: int) -> None:
        await scoring.declare(self.session, self.actor(index), self.seat(index).id, has_conflict=False)

    async def score(self, index: int, *points: float) -> None:
        """The same points by every criterion, one number for each bid."""
        for bid, value in zip(self.stage.bids, points, strict=True):
            given = [Given(Decimal(str(value)), f"意见{index}") for _ in self.review.criteria]
            await scoring.save_scores(self.session, self.actor(index), self.seat(index).id, bid.id, given)

    async def hand_in(self, index: int) -> None:
        await scoring.hand_in(self.session, self.actor(index), self.seat(index).id)

    async def everything(self, *rows: tuple[float, ...]) -> Review:
        """Everybody declares, scores and hands in."""
        for index, row in enumerate(rows):
            await self.declare(index)
            await self.score(index, *row)
            await self.hand_in(index)
        await self.session.commit()
        return await self.read()


async def prepared_review(
    make: Factory, *, heads: int = 2, drops_extremes: bool = False, bids: int = 2, **program: Any
) -> tuple[OpenedRound, Review]:
    stage = await opened_round(make, bids=bids, needs_review=True, panel_size=heads, **program)
    review = await service.begin_review(
        make.session, stage.officer_actor, await stage.read(), drops_extremes=drops_extremes
    )
    await make.session.commit()
    return stage, review


async def scoring_panel(make: Factory, *, heads: int = 2, **options: Any) -> Panel:
    """A panel that has been asked and not declared yet."""
    stage, review = await prepared_review(make, heads=heads, **options)
    experts = [await make_expert(make, f"第{number}大学") for number in range(heads)]
    for expert in experts:
        await panels.seat_expert(make.session, stage.officer_actor, review.id, expert.id)
    await service.begin_scoring(make.session, stage.officer_actor, review.id)
    await make.session.commit()
    people = [await make.session.get_one(Person, expert.person_id) for expert in experts]
    panel = Panel(stage, review, people, review.id)
    assert (await panel.read()).state is ReviewState.SCORING
    return panel
