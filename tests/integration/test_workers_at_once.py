"""Workers that tick at once: what is due is done once."""

import asyncio
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

import challenges.postings.jobs  # noqa: F401 -- registers what is due
from challenges.models import Challenge, ChallengeState
from challenges.postings.queries import next_to_close
from core.clock import utc_now
from core.mail import MailMessage
from core.notifications.models import Delivery, Notification
from core.process import Process
from core.schedule import catch_up
from solvers.models import SizeClass
from tests.factories import Factory
from tests.integration.consortia import RunJobs
from tests.integration.interleaving import held
from tests.integration.together import (
    actions,
    count,
)


async def test_workers_that_tick_and_tell_at_once_tell_once(
    make: Factory, process: Process, run_jobs: RunJobs
) -> None:
    officer = await make.officer()
    program = await make.program(officer, min_bid_days=20)
    poster = await make.organization(size=SizeClass.LARGE)
    editor = await make.member(poster)
    past = utc_now() - timedelta(seconds=1)
    for days in (3, 40):
        await make.challenge(
            poster,
            program,
            state=ChallengeState.SUBMITTED,
            submitted_at=past,
            publish_at=past,
            deadline_at=utc_now() + timedelta(days=days),
        )
    await make.session.commit()
    await asyncio.gather(*(catch_up() for _ in range(4)))
    told = [
        (item.kind, item.person_id)
        for item in await make.session.scalars(select(Notification).order_by(Notification.kind))
    ]
    # What is due for the officer is told of once as well.
    assert told == [
        ("challenge.publication_failed", officer.id),
        ("challenge.published", editor.id),
        ("officer.work_due", officer.id),
    ]
    await run_jobs()
    await asyncio.gather(*(catch_up() for _ in range(4)))
    await run_jobs()
    at_once = select(Notification.id).where(Notification.delivery == Delivery.AT_ONCE)
    mailed = len(list(await make.session.scalars(at_once)))
    assert await count(make, MailMessage) == mailed >= 2


async def test_a_second_worker_takes_nothing_of_what_the_first_is_doing(
    make: Factory, process: Process
) -> None:
    poster = await make.organization(size=SizeClass.LARGE)
    program = await make.program(await make.officer())
    challenge = await make.challenge(poster, program, deadline_at=utc_now() - timedelta(seconds=1))
    async with held(process, lambda session: next_to_close(session, datetime.now(UTC), [])) as commit:
        # Nothing is left for it, and it does not wait either.
        await catch_up()
        await make.session.refresh(challenge)
        assert challenge.state is ChallengeState.PUBLISHED
        assert isinstance(await commit(), Challenge)
    await catch_up()
    await make.session.refresh(challenge)
    assert challenge.state is ChallengeState.CLOSED
    assert await actions(make, "challenge.closed") == ["challenge.closed"]
