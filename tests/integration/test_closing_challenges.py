import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

import challenges.postings.jobs  # noqa: F401 -- registers what is due
from challenges.models import Challenge, ChallengeState, MatchRun, Program
from challenges.postings import screening
from challenges.reminders.events import WORK_DUE
from core import schedule
from core.accounts.models import Person, PlatformRole
from core.actor import Actor
from core.audit import AuditEntry
from core.clock import utc_now
from core.errors import InvalidError, NotFoundError
from core.jobs import enqueue
from core.notifications.models import Notification
from core.process import Process
from core.schedule import catch_up, do_what_is_due
from solvers.models import SizeClass
from tests.conftest import BrowserOf
from tests.factories import Factory


async def actions(make: Factory, action: str) -> list[AuditEntry]:
    return list(await make.session.scalars(select(AuditEntry).where(AuditEntry.action == action)))


async def tick(make: Factory) -> None:
    await make.session.commit()
    await catch_up()


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
        await enqueue(make.session, do_what_is_due)
        await make.session.commit()
        await run_jobs()
    for challenge in (due, open_yet, waiting):
        await make.session.refresh(challenge)
    assert due.state is ChallengeState.CLOSED
    assert open_yet.state is ChallengeState.PUBLISHED
    assert waiting.state is ChallengeState.SUBMITTED
    entries = await actions(make, "challenge.closed")
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


async def test_workers_that_tick_together_after_a_day_of_standstill_do_everything_once(make: Factory) -> None:
    poster = await make.organization(size=SizeClass.LARGE)
    program = await make.program()
    past = utc_now() - timedelta(days=1)
    due = [await make.challenge(poster, program, deadline_at=past) for _ in range(5)]
    await make.session.commit()
    await asyncio.gather(*(catch_up() for _ in range(3)))
    for challenge in due:
        await make.session.refresh(challenge)
        assert challenge.state is ChallengeState.CLOSED
    entries = await actions(make, "challenge.closed")
    assert sorted(entry.subject_id for entry in entries) == sorted(challenge.id for challenge in due)


async def test_one_step_that_fails_stays_due_and_holds_up_no_other(
    make: Factory, process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    poster = await make.organization(size=SizeClass.LARGE)
    program = await make.program()
    past = utc_now() - timedelta(days=1)
    broken = await make.challenge(poster, program, deadline_at=past - timedelta(days=1))
    sound = await make.challenge(poster, program, deadline_at=past)
    broken_id, item = broken.id, schedule.REGISTRY["challenge.close"]

    async def do(session: object, thing: Challenge, now: object) -> None:
        if thing.id == broken_id:
            raise RuntimeError("a mistake")
        await item.do(session, thing, now)  # type: ignore[arg-type]

    monkeypatch.setitem(schedule.REGISTRY, "challenge.close", schedule.Due(item.find, do))
    await tick(make)
    await make.session.refresh(broken)
    await make.session.refresh(sound)
    assert (broken.state, sound.state) == (ChallengeState.PUBLISHED, ChallengeState.CLOSED)
    monkeypatch.undo()
    await tick(make)
    await make.session.refresh(broken)
    assert broken.state is ChallengeState.CLOSED


async def screened(make: Factory) -> tuple[Challenge, Person, Program]:
    officer = await make.officer()
    program = await make.program(officer)
    poster = await make.organization(size=SizeClass.LARGE)
    await make.member(poster)
    challenge = await make.challenge(
        poster,
        program,
        state=ChallengeState.SUBMITTED,
        submitted_at=utc_now(),
        deadline_at=utc_now() + timedelta(days=40),
    )
    return challenge, officer, program


def acting(officer: Person) -> Actor:
    return Actor(person_id=officer.id, roles=frozenset({PlatformRole.OFFICER}))


async def test_a_planned_challenge_is_published_when_its_time_has_come_and_not_before(make: Factory) -> None:
    challenge, officer, _program = await screened(make)
    await screening.plan_publication(
        make.session, acting(officer), challenge.id, utc_now() + timedelta(days=1)
    )
    await tick(make)
    await make.session.refresh(challenge)
    assert challenge.state is ChallengeState.SUBMITTED
    # As if the day had passed, with no worker running.
    challenge.publish_at = utc_now() - timedelta(hours=5)
    await tick(make)
    await tick(make)
    await make.session.refresh(challenge)
    assert challenge.state is ChallengeState.PUBLISHED
    assert challenge.publish_at is None
    assert challenge.tokens
    assert len(await actions(make, "challenge.published")) == 1
    assert len(list(await make.session.scalars(select(MatchRun)))) == 1


async def test_what_cannot_be_published_on_its_day_waits_and_the_officer_is_told(make: Factory) -> None:
    challenge, officer, _program = await screened(make)
    challenge.publish_at = utc_now() - timedelta(seconds=1)
    challenge.deadline_at = utc_now() + timedelta(days=3)
    await tick(make)
    await tick(make)
    await make.session.refresh(challenge)
    assert (challenge.state, challenge.publish_at) == (ChallengeState.SUBMITTED, None)
    # That screening is due by now is another notice, of the reminders.
    told = await make.session.scalars(select(Notification).where(Notification.kind != WORK_DUE.name))
    assert [(item.kind, item.person_id) for item in told] == [("challenge.publication_failed", officer.id)]


async def test_only_the_programs_officers_plan_and_only_what_the_program_allows(make: Factory) -> None:
    challenge, officer, _program = await screened(make)
    tomorrow = utc_now() + timedelta(days=1)
    with pytest.raises(NotFoundError):
        await screening.plan_publication(make.session, acting(await make.officer()), challenge.id, tomorrow)
    for moment in (utc_now() - timedelta(minutes=1), utc_now() + timedelta(days=30)):
        with pytest.raises(InvalidError):
            await screening.plan_publication(make.session, acting(officer), challenge.id, moment)


async def test_a_return_drops_the_planned_publication(make: Factory) -> None:
    challenge, officer, _program = await screened(make)
    await screening.plan_publication(
        make.session, acting(officer), challenge.id, utc_now() + timedelta(days=1)
    )
    await screening.return_challenge(make.session, acting(officer), challenge.id, note="修改指标")
    assert challenge.publish_at is None


async def test_the_officer_plans_and_cancels_on_the_page(make: Factory, browser_of: BrowserOf) -> None:
    challenge, officer, _program = await screened(make)
    browser = await browser_of(officer)
    path = f"/challenges/{challenge.id}"
    assert (await browser.submit(f"{path}/publication", {"publish_at": "gestern"})).status_code == 422
    day = (utc_now() + timedelta(days=2)).strftime("%Y-%m-%dT10:00")
    assert (await browser.submit(f"{path}/publication", {"publish_at": day})).status_code == 303
    assert day[:10] in (await browser.get(path)).text
    assert (await browser.submit(f"{path}/publication", {"cancel": "1"})).status_code == 303
    assert 'name="publish_at"' in (await browser.get(path)).text


async def test_an_accelerated_program_says_so_on_its_pages_and_its_days_are_short(
    make: Factory, browser_of: BrowserOf
) -> None:
    officer = await make.officer()
    program = await make.program(officer, clock_factor=1440, min_bid_days=20)
    poster = await make.organization(size=SizeClass.LARGE)
    challenge = await make.challenge(
        poster,
        program,
        state=ChallengeState.SUBMITTED,
        submitted_at=utc_now(),
        deadline_at=utc_now() + timedelta(minutes=25),
    )
    browser = await browser_of(officer)
    assert (await browser.submit(f"/challenges/{challenge.id}/publish")).status_code == 303
    for path in (f"/programs/{program.id}", f"/challenges/{challenge.id}"):
        assert "1440" in (await browser.get(path)).text
    slow = await make.program(officer)
    assert "ti-clock-bolt" not in (await browser.get(f"/programs/{slow.id}")).text


async def test_twenty_days_of_an_accelerated_program_are_not_nineteen(
    make: Factory, browser_of: BrowserOf
) -> None:
    officer = await make.officer()
    program = await make.program(officer, clock_factor=1440, min_bid_days=20)
    challenge = await make.challenge(
        await make.organization(size=SizeClass.LARGE),
        program,
        state=ChallengeState.SUBMITTED,
        submitted_at=utc_now(),
        deadline_at=utc_now() + timedelta(minutes=19),
    )
    browser = await browser_of(officer)
    assert (await browser.submit(f"/challenges/{challenge.id}/publish")).status_code == 422


async def test_the_clock_is_fixed_once_a_challenge_is_published(make: Factory, browser_of: BrowserOf) -> None:
    officer = await make.officer()
    program = await make.program(officer)
    fields = {
        "code": program.code,
        "name": program.name,
        "authority": program.authority,
        "description": "",
        "min_bid_days": "20",
        "notice_days": "5",
        "question_days": "5",
        "completion_days": "5",
        "panel_size": "5",
        "min_enterprise_expert_share": "0",
        "review_days": "15",
        "max_winners": "1",
        "answer_days": "10",
        "contract_days": "30",
        "officers": str(officer.id),
        "is_open": "y",
    }
    browser = await browser_of(officer)
    path = f"/programs/{program.id}/edit"
    assert (await browser.submit(path, {**fields, "clock_factor": "24"})).status_code == 303
    await make.challenge(await make.organization(size=SizeClass.LARGE), program)
    assert (await browser.submit(path, {**fields, "clock_factor": "24"})).status_code == 303
    assert (await browser.submit(path, {**fields, "clock_factor": "1"})).status_code == 422
