"""A host whose clock and time zone are wrong: deadlines and periods are the database's."""

import os
import re
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo

import pytest
from sqlalchemy import select, update

import challenges.postings.jobs  # noqa: F401 -- registers what is due
from challenges.bids import service
from challenges.bids.models import Bid, BidReceipt
from challenges.consortia import decisions
from challenges.models import Challenge, ChallengeState, Decision, Outcome
from challenges.postings import screening
from challenges.waiting_queries import public_figures
from core import clock
from core.accounts import service as account_service
from core.accounts.models import Login, PasswordReset
from core.audit import AuditEntry
from core.clock import SHANGHAI, utc_now
from core.database import database_time
from core.errors import ConflictError
from core.notifications.jobs import begin_digests
from core.notifications.models import Delivery, Notification, NotificationDigest
from core.process import Process
from core.schedule import catch_up
from core.settings import Settings
from solvers.models import SizeClass
from tests.conftest import BrowserOf
from tests.factories import Factory
from tests.integration.consortia import RunJobs, submit
from tests.integration.interleaving import DatabaseClock, attempt
from tests.integration.matchmaking import open_market
from tests.integration.together import Together, count, officer_of, state_of


@pytest.fixture(params=[-26, -6, 6, 26], ids=lambda hours: f"{hours:+}h")
def wrong_hours(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The host's clock and its time zone are off by hours; the database's are right."""
    hours: int = request.param

    class Wrong(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:
            return datetime.now(tz) + timedelta(hours=hours)

    before = os.environ.get("TZ")
    os.environ["TZ"] = f"XYZ{hours % 12:+d}"
    time.tzset()
    monkeypatch.setattr(clock, "datetime", Wrong)
    yield hours
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    time.tzset()


async def test_bids_are_taken_and_refused_by_the_databases_clock_alone(
    together: Together, process: Process, wrong_hours: int, browser_of: BrowserOf
) -> None:
    session, hour = together.make.session, timedelta(hours=1)
    now = datetime.now(UTC)
    assert abs((utc_now() - now) - timedelta(hours=wrong_hours)) < timedelta(minutes=5)
    together.challenge.deadline_at = now + hour
    await session.commit()
    bid = await together.start(process, together.lead)
    async with process.transaction() as own:
        await service.save_bid(own, together.lead, bid.id, together.content(), bid.revision)
    answer = await attempt(process, lambda own: service.submit_bid(own, together.lead, bid.id))
    assert isinstance(answer, Bid), answer
    await catch_up()
    assert (await state_of(together))[0] is ChallengeState.PUBLISHED
    (receipt,) = await session.scalars(select(BidReceipt))
    written = await session.scalar(select(AuditEntry.at).where(AuditEntry.action == "bid.submitted"))
    assert written is not None
    for moment in (receipt.at, (await together.read()).submitted_at, written):
        assert moment is not None
        assert now <= moment < now + hour
    # Even how many have bid is sealed until then, for the poster and for the officer.
    officer = await browser_of(together.officers[0])
    path = f"/challenges/{together.challenge.id}/bids"
    assert (await officer.get(path)).status_code == 403
    together.challenge.deadline_at = datetime.now(UTC) - timedelta(seconds=1)
    await session.commit()
    late = await attempt(process, lambda own: service.submit_bid(own, together.lead, bid.id))
    assert isinstance(late, ConflictError), late
    assert (await officer.get(path)).status_code == 200
    await catch_up()
    assert (await state_of(together))[0] is ChallengeState.CLOSED


async def test_publication_keeps_the_programs_days_by_the_databases_clock(
    make: Factory, process: Process, wrong_hours: int
) -> None:
    officer = await make.officer()
    program = await make.program(officer, min_bid_days=20)
    poster = await make.organization(size=SizeClass.LARGE)
    actor = officer_of(officer)
    outcomes = []
    for days in (15, 25):
        challenge = await make.challenge(
            poster,
            program,
            state=ChallengeState.SUBMITTED,
            submitted_at=datetime.now(UTC),
            deadline_at=datetime.now(UTC) + timedelta(days=days),
        )
        answer = await attempt(
            process, lambda session, key=challenge.id: screening.publish_challenge(session, actor, key)
        )
        outcomes.append(isinstance(answer, Challenge))
        await make.session.refresh(challenge)
        if challenge.published_at is not None:
            assert abs(challenge.published_at - datetime.now(UTC)) < timedelta(minutes=5)
    assert outcomes == [False, True]


async def test_a_decision_is_dated_by_the_databases_clock(
    make: Factory,
    process: Process,
    settings: Settings,
    run_jobs: RunJobs,
    wrong_hours: int,
) -> None:
    market = await open_market(make)
    consortium = await submit(market, make.session, settings, run_jobs)
    key, revision = consortium.id, consortium.revision
    decision = await attempt(
        process,
        lambda session: decisions.decide_consortium(
            session, market.officer_actor, key, Outcome.APPROVED, "同意", revision
        ),
    )
    assert isinstance(decision, Decision), decision
    assert abs(decision.decided_at - datetime.now(UTC)) < timedelta(minutes=5)


async def test_lists_counts_and_pages_call_open_what_is_open_by_the_databases_clock(
    make: Factory, wrong_hours: int, browser_of: BrowserOf
) -> None:
    poster = await make.organization(size=SizeClass.LARGE)
    program = await make.program(await make.officer())
    now = datetime.now(UTC)
    still_open, past = [
        await make.challenge(
            poster, program, title=title, deadline_at=now + left, published_at=now - timedelta(days=40)
        )
        for title, left in (("还开放的难题", timedelta(hours=2)), ("已截止的难题", timedelta(hours=-2)))
    ]
    browser = await browser_of()
    for query, shown, hidden in (
        ("deadline=open", still_open, past),
        ("deadline=7", still_open, past),
        ("deadline=closed", past, still_open),
        ("state=published", still_open, past),
        ("state=closed", past, still_open),
    ):
        page = (await browser.get(f"/challenges?{query}")).text
        assert f"/challenges/{shown.id}" in page, query
        assert f"/challenges/{hidden.id}" not in page, query
    assert (await public_figures(make.session, await database_time(make.session))).open_challenges == 1
    assert re.search(r">1</div>[^<]*<[^>]*>[^<]*个项目正在揭榜", (await browser.get("/")).text)
    assert "登录后揭榜" in (await browser.get(f"/challenges/{still_open.id}")).text
    assert "登录后揭榜" not in (await browser.get(f"/challenges/{past.id}")).text


async def test_logins_and_mailed_links_end_by_the_databases_clock(
    make: Factory, process: Process, settings: Settings, wrong_hours: int, browser_of: BrowserOf
) -> None:
    session = make.session
    person = await make.person()
    browser = await browser_of(person)
    lasting = (await session.scalars(select(Login.expires_at))).one() - datetime.now(UTC)
    assert abs(lasting - timedelta(days=settings.session_days)) < timedelta(minutes=5)
    for left, status in ((timedelta(hours=1), 200), (timedelta(hours=-1), 401)):
        now = datetime.now(UTC)
        await session.execute(update(Login).values(expires_at=now + left, last_seen_at=now))
        await session.commit()
        assert (await browser.get("/account")).status_code == status, left
    for left, status in ((timedelta(hours=1), 200), (timedelta(hours=-1), 404)):
        session.add(
            PasswordReset(
                token_hash=account_service.token_hash(f"link{left}"),
                person_id=person.id,
                expires_at=datetime.now(UTC) + left,
            )
        )
        await session.commit()
        answer = await (await browser_of()).get(f"/reset-password/link{left}")
        assert answer.status_code == status, left


@pytest.mark.parametrize(("hour", "digests"), [(7, 0), (8, 1)])
async def test_the_digest_begins_at_its_hour_by_the_databases_clock(
    hour: int, digests: int, make: Factory, process: Process, wrong_hours: int
) -> None:
    person = await make.person()
    today = datetime.now(SHANGHAI)
    make.session.add(
        Notification(
            event_key="x",
            person_id=person.id,
            kind="challenge.published",
            subject_type="challenge",
            subject_id=uuid.uuid4(),
            parameters={},
            delivery=Delivery.DAILY,
            created_at=today - timedelta(days=2),
        )
    )
    await make.session.commit()
    await DatabaseClock(process).install(today.replace(hour=hour, minute=30))
    await begin_digests.fn.__wrapped__()
    assert await count(make, NotificationDigest, NotificationDigest.day == today.date()) == digests
