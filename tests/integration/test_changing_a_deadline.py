"""A deadline that is changed comes later, never earlier, and bidders keep the days that the program grants them."""

import asyncio
import random
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

import challenges.amendments.jobs  # noqa: F401 -- registers what is due
from challenges.amendments import queries, service
from challenges.calendars.service import make_feed
from challenges.models import (
    AmendmentState,
    ChallengeState,
    SavedChallenge,
)
from core.actor import Actor
from core.clock import utc_now
from core.errors import ConflictError, DomainError, InvalidError
from core.process import Process
from core.schedule import catch_up
from tests.conftest import BrowserOf
from tests.integration.changing import Changing
from tests.integration.test_bidding import end_bidding
from tests.told import told


async def test_a_deadline_is_extended_and_calendars_follow(changing: Changing, browser_of: BrowserOf) -> None:
    saver = await changing.make.person()
    changing.session.add(SavedChallenge(person_id=saver.id, challenge_id=changing.key))
    token = await make_feed(changing.session, Actor(person_id=saver.id, name=saver.name))
    before = (await changing.challenge()).deadline_at
    assert before is not None
    amendment = await changing.change(later=10)
    assert not amendment.is_substantial
    challenge = await changing.challenge()
    assert challenge.deadline_at == before + timedelta(days=10)
    calendar = (await (await browser_of()).get(f"/calendar/{token}.ics")).text
    assert (before + timedelta(days=10)).strftime("%Y%m%dT%H%M") in calendar
    assert before.strftime("%Y%m%dT%H%M") not in calendar
    assert await told(changing.session, "challenge.changed") == [(saver.email, "challenge.changed")]


async def test_a_deadline_is_never_moved_earlier(changing: Changing) -> None:
    with pytest.raises(InvalidError) as caught:
        await changing.propose(later=-1)
    assert set(caught.value.errors) == {"deadline_at"}
    amendment = await changing.propose(later=2)
    for column in ("deadline_after = deadline_before - interval '1 second'", "before = '{}'"):
        savepoint = await changing.session.begin_nested()
        with pytest.raises(DBAPIError):
            await changing.session.execute(text(f"UPDATE amendment SET {column}"))
        await savepoint.rollback()
    await service.take_back(changing.session, changing.poster, amendment.id)


async def test_after_a_change_of_substance_bidders_have_the_programs_days(changing: Changing) -> None:
    challenge = await changing.challenge()
    challenge.deadline_at = utc_now() + timedelta(days=6)
    await changing.session.commit()
    # An extension alone may be of any length; a change of the text has to leave 20 days.
    with pytest.raises(InvalidError) as caught:
        await changing.propose(title="新的题目", later=1)
    assert set(caught.value.errors) == {"deadline_at"}
    await changing.change(later=1)
    amendment = await changing.propose(title="新的题目", later=14)
    # Officers who wait too long cannot confirm it any more.
    amendment_id = amendment.id
    changing.stage.program.min_bid_days = 30
    await changing.session.commit()
    with pytest.raises(InvalidError):
        await service.confirm(changing.session, changing.officer, amendment_id)


async def test_no_sequence_of_changes_makes_the_deadline_earlier(changing: Changing) -> None:
    """Brute force over proposals, confirmations, refusals and returns of every kind, by chance but repeatable."""
    chance = random.Random(20261124)
    changing.stage.program.min_bid_days = 3
    await changing.session.commit()
    deadline = (await changing.challenge()).deadline_at
    assert deadline is not None
    outcomes: dict[str, int] = {}
    for number in range(60):
        waiting = await queries.waiting_of(changing.session, changing.key)
        steps = ["propose"] if waiting is None else ["confirm", "refuse", "take back", "propose"]
        step = chance.choice(steps)
        try:
            if step == "propose":
                changed: dict[str, Any] = {"later": chance.choice([-20, -5, -0.001, 0, 0.5, 3, 12])}
                if chance.random() < 0.5:
                    changed["title"] = f"题目{number}"
                await changing.propose(**changed)
            else:
                assert waiting is not None
                if step == "confirm":
                    await service.confirm(changing.session, changing.officer, waiting.id)
                elif step == "refuse":
                    await service.refuse(changing.session, changing.officer, waiting.id, note="不妥")
                else:
                    await service.take_back(changing.session, changing.poster, waiting.id)
                await changing.session.commit()
        except DomainError:
            await changing.session.rollback()
            outcomes["refused"] = outcomes.get("refused", 0) + 1
        else:
            outcomes[step] = outcomes.get(step, 0) + 1
        now = (await changing.challenge()).deadline_at
        assert now is not None
        assert now >= deadline, (number, step)
        deadline = now
        await changing.session.commit()
    assert {"propose", "confirm", "refuse", "take back", "refused"} <= outcomes.keys(), outcomes


async def test_a_proposal_that_nobody_has_looked_at_before_the_deadline_lapses_once(
    changing: Changing, process: Process
) -> None:
    amendment = await changing.propose(later=5)
    await catch_up()
    await changing.session.refresh(amendment)
    assert amendment.state is AmendmentState.PROPOSED
    stage = changing.stage
    stage.challenge = await changing.challenge()
    await end_bidding(stage)
    with pytest.raises(ConflictError):
        await service.confirm(changing.session, changing.officer, amendment.id)
    await changing.session.commit()
    await asyncio.gather(*(catch_up() for _ in range(3)))
    await changing.session.refresh(amendment)
    assert amendment.state is AmendmentState.LAPSED
    assert await told(changing.session, "amendment.lapsed") == [
        (stage.poster_person.email, "amendment.lapsed")
    ]
    assert (await changing.challenge()).state in {ChallengeState.PUBLISHED, ChallengeState.CLOSED}
