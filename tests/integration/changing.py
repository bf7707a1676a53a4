"""A published challenge that its poster changes, for tests of amendments and of the bids that they concern."""

from datetime import datetime, timedelta
from typing import Any

from challenges.amendments import service
from challenges.amendments.content import Content, content_of
from challenges.bids.models import Bid, BidState
from challenges.models import (
    Amendment,
    Challenge,
    ProgramOfficer,
)
from challenges.postings.queries import challenge_by_id
from core.accounts.models import Person, PlatformRole
from core.actor import Actor
from core.clock import to_shanghai
from tests.conftest import Browser
from tests.integration.matchmaking import actor_of
from tests.integration.test_bidding import Stage, start

REASON = "用户单位提高了叶片的设计转速。"


def acting(person: Person) -> Actor:
    return Actor(person_id=person.id, name=person.name, roles=frozenset({PlatformRole.OFFICER}))


class Changing:
    """A stage with two requirements, whose weights add up, and a second officer in charge."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.make = stage.make
        self.session = stage.make.session

    async def set(self) -> "Changing":
        stage = self.stage
        self.second = await self.make.officer()
        self.session.add(ProgramOfficer(program_id=stage.program.id, person_id=self.second.id))
        stage.challenge = await self.make.challenge(stage.poster, stage.program, budgets=(200, 300))
        self.poster = actor_of(stage.poster_person, stage.poster)
        self.officer = acting(stage.officer)
        self.key = stage.challenge.id
        await self.session.commit()
        return self

    async def challenge(self) -> Challenge:
        """Read anew, and held by nobody."""
        found = await challenge_by_id(self.session, self.key, lock=True)
        assert found is not None
        await self.session.commit()
        return found

    async def content(self, **changed: Any) -> Content:
        """The challenge as it stands with some things changed; `later` is how many days the deadline moves."""
        challenge = await self.challenge()
        content = content_of(challenge)
        later = changed.pop("later", None)
        if later is not None:
            moved = datetime.fromisoformat(content["deadline_at"]) + timedelta(days=later)
            content["deadline_at"] = moved.isoformat()
        return {**content, **changed}

    async def propose(self, **changed: Any) -> Amendment:
        content = await self.content(**changed)
        revision = (await self.challenge()).revision
        amendment = await service.propose(
            self.session, self.poster, self.key, content, explanation=REASON, revision=revision
        )
        await self.session.commit()
        return amendment

    async def change(self, **changed: Any) -> Amendment:
        amendment = await self.propose(**changed)
        await service.confirm(self.session, self.officer, amendment.id)
        await self.session.commit()
        return amendment


def fields_of(challenge: Challenge, **typed: str) -> dict[str, str]:
    """The form as the page shows it, with something typed over."""
    fields = {
        "revision": str(challenge.revision),
        "explanation": REASON,
        "title": challenge.title,
        "difficulty": challenge.difficulty,
        "indicators": challenge.indicators,
        "content": challenge.content,
        "conditions": challenge.conditions,
        "ip_terms": challenge.ip_terms,
        "benefit_terms": challenge.benefit_terms,
        "contact_name": challenge.contact_name,
        "contact_phone": challenge.contact_phone,
        "contact_email": challenge.contact_email,
        "investment_wan": str(challenge.investment_wan),
        "reward_wan": str(challenge.reward_wan),
        "time_limit_months": str(challenge.time_limit_months),
        "deadline_at": to_shanghai(challenge.deadline_at).strftime("%Y-%m-%dT%H:%M")
        if challenge.deadline_at
        else "",
    }
    for number, row in enumerate(challenge.requirements):
        prefix = f"requirements-{number}-"
        fields |= {
            f"{prefix}id": str(row.id),
            f"{prefix}text": row.text,
            f"{prefix}target": row.target,
            f"{prefix}weight": str(row.weight),
            f"{prefix}budget_wan": str(row.budget_wan),
        }
    return {**fields, **typed}


async def hand_in(stage: Stage, browser: Browser) -> Bid:
    bid = await start(stage, browser)
    answer = await browser.submit(f"/bids/{bid.id}", stage.fields(bid))
    assert answer.status_code == 303, answer.text
    await stage.make.session.refresh(bid)
    assert bid.state is BidState.SUBMITTED
    return bid
