from collections.abc import Awaitable, Callable
from datetime import timedelta

from sqlalchemy import select

from challenges.models import ChallengeState
from challenges.postings.jobs import close_due_challenges
from core.audit import AuditEntry
from core.clock import utc_now
from core.jobs import enqueue
from solvers.models import SizeClass
from tests.conftest import BrowserOf
from tests.factories import Factory


async def test_challenges_whose_deadline_has_passed_are_closed_once_and_others_stay_open(
    make: Factory, run_jobs: Callable[[], Awaitable[None]]
) -> None:
    poster = await make.organization(size=SizeClass.LARGE)
    program = await make.program()
    past = utc_now() - timedelta(seconds=1)
    due = await make.challenge(poster, program, deadline_at=past)
    open_yet = await make.challenge(poster, program)
    waiting = await make.challenge(poster, program, state=ChallengeState.SUBMITTED, deadline_at=past)
    for _ in range(2):
        await enqueue(make.session, close_due_challenges)
        await make.session.commit()
        await run_jobs()
    for challenge in (due, open_yet, waiting):
        await make.session.refresh(challenge)
    assert due.state is ChallengeState.CLOSED
    assert open_yet.state is ChallengeState.PUBLISHED
    assert waiting.state is ChallengeState.SUBMITTED
    entries = (
        await make.session.scalars(select(AuditEntry).where(AuditEntry.action == "challenge.closed"))
    ).all()
    assert [(entry.subject_id, entry.person_name) for entry in entries] == [(due.id, "system")]


async def test_a_passed_deadline_counts_before_the_job_has_run(make: Factory, browser_of: BrowserOf) -> None:
    poster = await make.organization(size=SizeClass.LARGE)
    challenge = await make.challenge(
        poster, await make.program(), deadline_at=utc_now() - timedelta(seconds=1)
    )
    page = (await (await browser_of()).get(f"/challenges/{challenge.id}")).text
    assert ">揭榜截止<" in page
    listed = (await (await browser_of()).get("/challenges?deadline=open")).text
    assert challenge.title not in listed
