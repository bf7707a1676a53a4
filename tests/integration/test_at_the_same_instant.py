"""Two people, two workers, the last millisecond, a host whose clock is wrong: one outcome, and nothing written is lost."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

import challenges.postings.jobs  # noqa: F401 -- registers what is due
from challenges.bids import opening, queries, service
from challenges.bids.content import BidContent, Part, Step, TeamMember
from challenges.bids.models import Bid, BidMember, BidMemberState, BidReceipt, BidState, ReceiptAct
from challenges.consortia import decisions
from challenges.consortia.models import ConsortiumState
from challenges.models import Challenge, ChallengeState, Consortium, Decision, Outcome, ProgramOfficer
from challenges.postings import screening
from challenges.postings import service as postings
from challenges.postings.forms import TypedDraft
from challenges.postings.queries import next_to_close
from challenges.postings.service import StaleDraftError, read_challenge
from core import clock
from core.accounts.models import Person, PlatformRole
from core.actor import Actor
from core.audit import AuditEntry
from core.clock import utc_now
from core.errors import ConflictError
from core.mail import MailMessage
from core.notifications.models import Delivery, Notification
from core.process import Process
from core.schedule import catch_up
from core.settings import Settings
from solvers.models import Organization, SizeClass
from tests.conftest import BrowserOf
from tests.factories import Factory
from tests.integration.consortia import RunJobs, submit
from tests.integration.interleaving import DatabaseClock, attempt, held, race, waits_or_ends
from tests.integration.matchmaking import actor_of, open_market
from tests.integration.test_bidding import TEXTS

MILLISECOND = timedelta(milliseconds=1)


async def count(make: Factory, model: Any, *conditions: Any) -> int:
    return (await make.session.scalar(select(func.count()).select_from(model).where(*conditions))) or 0


async def actions(make: Factory, *names: str) -> list[str]:
    statement = select(AuditEntry.action).where(AuditEntry.action.in_(names)).order_by(AuditEntry.number)
    return list(await make.session.scalars(statement))


def officer_of(person: Person) -> Actor:
    return Actor(person_id=person.id, name=person.name, roles=frozenset({PlatformRole.OFFICER}))


# Two officers


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (Outcome.APPROVED, Outcome.REJECTED),
        (Outcome.REJECTED, Outcome.APPROVED),
        (Outcome.APPROVED, Outcome.APPROVED),
        (Outcome.RETURNED, Outcome.APPROVED),
    ],
)
async def test_of_two_officers_that_decide_at_once_the_first_decides_and_the_second_learns_of_it(
    first: Outcome,
    second: Outcome,
    make: Factory,
    process: Process,
    settings: Settings,
    run_jobs: RunJobs,
) -> None:
    market = await open_market(make)
    colleague = await make.officer()
    make.session.add(ProgramOfficer(program_id=market.program.id, person_id=colleague.id))
    await make.session.commit()
    officers = ((market.officer_actor, first), (officer_of(colleague), second))
    consortium = await submit(market, make.session, settings, run_jobs)
    key, revision = consortium.id, consortium.revision
    one, two = await race(
        process,
        *(
            lambda session, actor=actor, outcome=outcome: decisions.decide_consortium(
                session, actor, key, outcome, "理由", revision
            )
            for actor, outcome in officers
        ),
    )
    assert isinstance(one, Decision)
    assert isinstance(two, ConflictError), two
    state = decisions.STATE_AFTER[first]
    challenge_state = ChallengeState.AWARDED if first is Outcome.APPROVED else ChallengeState.CLOSED
    async with process.transaction() as session:
        stored = await session.get_one(Consortium, key)
        challenge = await session.get_one(Challenge, stored.challenge_id)
    assert (stored.state, challenge.state) == (state, challenge_state)
    assert await count(make, Decision) == 1
    assert len(await actions(make, *(f"consortium.{outcome.value}" for outcome in Outcome))) == 1
    told = {f"consortium.{outcome.value}" for outcome in Outcome}
    kinds = set(await make.session.scalars(select(Notification.kind).where(Notification.kind.in_(told))))
    assert kinds == {f"consortium.{first.value}"}
    assert stored.state is not ConsortiumState.SUBMITTED


# Members of a bid


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


@pytest.fixture
async def together(make: Factory, process: Process) -> Together:
    return await Together(make, process).begin()


async def test_two_members_that_confirm_at_once_are_both_kept(together: Together, process: Process) -> None:
    bid = await together.start(process, together.lead, *together.partners)
    one, two = await race(
        process,
        lambda session: service.answer_invitation(session, together.answering[0], bid.id, accept=True),
        lambda session: service.answer_invitation(session, together.answering[2], bid.id, accept=True),
    )
    assert (type(one), type(two)) == (Bid, Bid), (one, two)
    read = await together.read()
    assert [member.state for member in read.members] == [BidMemberState.CONFIRMED] * 3
    assert await actions(together.make, "bid.member_confirmed") == ["bid.member_confirmed"] * 2
    told = await together.make.session.scalars(
        select(Notification).where(
            Notification.kind == "bid.member_confirmed", Notification.person_id == together.lead.person_id
        )
    )
    assert {item.parameters["member"] for item in told} == {partner.name for partner in together.partners}


async def test_two_editors_of_one_member_that_confirm_at_once_confirm_once(
    together: Together, process: Process
) -> None:
    bid = await together.start(process, together.lead, *together.partners)
    one, two = await race(
        process,
        lambda session: service.answer_invitation(session, together.answering[0], bid.id, accept=True),
        lambda session: service.answer_invitation(session, together.answering[1], bid.id, accept=True),
    )
    assert (type(one), type(two)) == (Bid, Bid), (one, two)
    assert await actions(together.make, "bid.member_confirmed") == ["bid.member_confirmed"]
    assert (
        await count(
            together.make,
            Notification,
            Notification.kind == "bid.member_confirmed",
            Notification.person_id == together.lead.person_id,
        )
        == 1
    )


async def test_one_confirms_while_another_declines(together: Together, process: Process) -> None:
    bid = await together.start(process, together.lead, *together.partners)
    await race(
        process,
        lambda session: service.answer_invitation(session, together.answering[0], bid.id, accept=True),
        lambda session: service.answer_invitation(session, together.answering[2], bid.id, accept=False),
    )
    read = await together.read()
    assert [member.state for member in read.members] == [
        BidMemberState.CONFIRMED,
        BidMemberState.CONFIRMED,
        BidMemberState.DECLINED,
    ]


async def test_an_organization_that_confirms_in_two_bids_at_once_takes_part_in_one(
    together: Together, process: Process
) -> None:
    make, partner = together.make, together.partners[0]
    rival = await make.organization()
    first = await together.start(process, together.lead, partner)
    second = await together.start(process, actor_of(await make.member(rival), rival), partner)
    one, two = await race(
        process,
        lambda session: service.answer_invitation(session, together.answering[0], first.id, accept=True),
        lambda session: service.answer_invitation(session, together.answering[1], second.id, accept=True),
    )
    assert isinstance(one, Bid), one
    assert isinstance(two, ConflictError), two
    confirmed = [
        item.bid_id
        for item in await make.session.scalars(
            select(BidMember).where(BidMember.organization_id == partner.id)
        )
        if item.state is BidMemberState.CONFIRMED
    ]
    assert confirmed == [first.id]


async def test_an_organization_that_confirms_and_begins_a_bid_of_its_own_at_once_takes_part_in_one(
    together: Together, process: Process
) -> None:
    make, partner = together.make, together.partners[0]
    bid = await together.start(process, together.lead, partner)

    async def begin(session: Any) -> Bid:
        challenge = await read_challenge(session, together.answering[1], together.challenge.id)
        return await service.start_bid(session, together.answering[1], challenge)

    one, two = await race(
        process,
        lambda session: service.answer_invitation(session, together.answering[0], bid.id, accept=True),
        begin,
    )
    assert isinstance(one, Bid), one
    assert isinstance(two, ConflictError), two
    states = list(
        await make.session.scalars(select(BidMember.state).where(BidMember.organization_id == partner.id))
    )
    assert states == [BidMemberState.CONFIRMED]


async def test_the_database_itself_lets_no_organization_into_two_bids(
    together: Together, process: Process
) -> None:
    make, partner = together.make, together.partners[0]
    rival = await make.organization()
    first = await together.start(process, together.lead, partner)
    second = await together.start(process, actor_of(await make.member(rival), rival), partner)

    def confirm(key: Any) -> Any:
        async def act(session: Any) -> str:
            await session.execute(
                text(
                    "UPDATE bid_member SET state = 'confirmed' WHERE bid_id = :bid AND organization_id = :partner"
                ),
                {"bid": key, "partner": partner.id},
            )
            return "done"

        return act

    one, two = await race(process, confirm(first.id), confirm(second.id))
    assert one == "done"
    assert isinstance(two, IntegrityError), two
    # What was withdrawn stands in nobody's way.
    async with process.transaction() as session:
        await service.withdraw_bid(session, together.lead, first.id)
    assert await attempt(process, confirm(second.id)) == "done"


# Drafts


async def test_of_two_editors_that_save_one_bid_the_second_is_told_and_nothing_is_overwritten(
    together: Together, process: Process
) -> None:
    bid = await together.start(process, together.lead)
    one, two = await race(
        process,
        lambda session: service.save_bid(
            session, together.lead, bid.id, together.content("甲的方案"), bid.revision
        ),
        lambda session: service.save_bid(
            session, together.colleague, bid.id, together.content("乙的方案"), bid.revision
        ),
    )
    assert isinstance(one, Bid), one
    assert isinstance(two, ConflictError), two
    read = await together.read()
    assert read.technical_plan == "甲的方案"
    assert read.revision == bid.revision + 1


async def test_a_member_that_confirms_while_the_lead_saves_is_kept_and_the_leads_words_are_too(
    together: Together, process: Process
) -> None:
    bid = await together.start(process, together.lead, together.partners[0])
    one, two = await race(
        process,
        lambda session: service.save_bid(
            session, together.lead, bid.id, together.content("甲的方案"), bid.revision
        ),
        lambda session: service.answer_invitation(session, together.answering[0], bid.id, accept=True),
    )
    assert (type(one), type(two)) == (Bid, Bid), (one, two)
    read = await together.read()
    assert read.technical_plan == "甲的方案"
    assert read.members[1].state is BidMemberState.CONFIRMED


async def test_of_two_colleagues_that_start_a_bid_one_starts_it(together: Together, process: Process) -> None:
    def begin(actor: Actor) -> Any:
        async def act(session: Any) -> Bid:
            challenge = await read_challenge(session, actor, together.challenge.id)
            return await service.start_bid(session, actor, challenge)

        return act

    one, two = await race(process, begin(together.lead), begin(together.colleague))
    assert isinstance(one, Bid), one
    assert isinstance(two, ConflictError) or two.id == one.id
    assert await count(together.make, Bid) == 1


async def test_of_two_editors_that_save_one_challenge_the_second_is_told_and_nothing_is_overwritten(
    make: Factory, process: Process
) -> None:
    poster = await make.organization(size=SizeClass.LARGE)
    challenge = await make.challenge(poster, await make.program(), state=ChallengeState.DRAFT)
    actors = [actor_of(await make.member(poster), poster) for _ in range(2)]

    def save(actor: Actor, title: str) -> Any:
        async def act(session: Any) -> Challenge:
            typed = TypedDraft(values={"title": title, "round_id": challenge.round_id}, unparsed={})
            return await postings.save_draft(session, actor, challenge.id, typed, revision=1)

        return act

    one, two = await race(process, save(actors[0], "甲写的题目"), save(actors[1], "乙写的题目"))
    assert isinstance(one, Challenge), one
    assert isinstance(two, StaleDraftError), two
    await make.session.refresh(challenge)
    assert (challenge.title, challenge.revision) == ("甲写的题目", 2)


# The deadline


@pytest.fixture
async def ready(together: Together, process: Process) -> Bid:
    """A complete draft."""
    bid = await together.start(process, together.lead)
    async with process.transaction() as session:
        await service.save_bid(session, together.lead, bid.id, together.content(), bid.revision)
    return await together.read()


@pytest.fixture
async def database_clock(together: Together, process: Process) -> DatabaseClock:
    found = DatabaseClock(process)
    deadline = together.challenge.deadline_at
    assert deadline is not None
    await found.install(deadline - timedelta(days=1))
    return found


def deadline_of(together: Together) -> datetime:
    assert together.challenge.deadline_at is not None
    return together.challenge.deadline_at


async def state_of(together: Together) -> tuple[ChallengeState, BidState]:
    async with together.process.transaction() as session:
        challenge = await session.get_one(Challenge, together.challenge.id)
        bid = await session.get_one(Bid, together.bid.id)
        return challenge.state, bid.state


@pytest.mark.parametrize(
    ("before_deadline", "is_in_time"),
    [(MILLISECOND, True), (timedelta(microseconds=1), True), (timedelta(0), False), (-MILLISECOND, False)],
)
async def test_the_last_moment_counts_and_the_deadline_itself_is_too_late(
    before_deadline: timedelta,
    is_in_time: bool,
    together: Together,
    ready: Bid,
    database_clock: DatabaseClock,
    process: Process,
) -> None:
    await database_clock.set(deadline_of(together) - before_deadline)
    answer = await attempt(process, lambda session: service.submit_bid(session, together.lead, ready.id))
    assert isinstance(answer, Bid if is_in_time else ConflictError), answer
    # The job finds the same deadline.
    await catch_up()
    challenge, bid = await state_of(together)
    assert bid is (BidState.SUBMITTED if is_in_time else BidState.DRAFT)
    assert challenge is (ChallengeState.PUBLISHED if is_in_time else ChallengeState.CLOSED)
    assert await count(together.make, BidReceipt) == int(is_in_time)


async def test_a_bid_that_waited_for_a_colleague_until_the_deadline_is_late(
    together: Together, ready: Bid, database_clock: DatabaseClock, process: Process
) -> None:
    """Its request began in time; what counts is when the bid could be taken."""
    await database_clock.set(deadline_of(together) - MILLISECOND)
    async with held(process, lambda session: queries.bid_by_id(session, ready.id, lock=True)) as commit:
        task = asyncio.create_task(
            attempt(process, lambda session: service.submit_bid(session, together.lead, ready.id))
        )
        await waits_or_ends(process, task)
        assert not task.done()
        await database_clock.set(deadline_of(together) + MILLISECOND)
        await commit()
    assert isinstance(await task, ConflictError)
    assert (await state_of(together))[1] is BidState.DRAFT


async def test_a_bid_taken_in_the_last_millisecond_is_opened_though_its_answer_came_later(
    together: Together, ready: Bid, database_clock: DatabaseClock, process: Process
) -> None:
    """The job that closes passes over it, the officer waits for it, and neither loses it."""
    asking, second = map(officer_of, together.officers)

    async def open_as(session: Any, officer: Actor) -> Any:
        return await opening.open_bids(
            session, officer, await read_challenge(session, officer, together.challenge.id)
        )

    await database_clock.set(deadline_of(together) - MILLISECOND)
    async with held(process, lambda session: service.submit_bid(session, together.lead, ready.id)) as commit:
        await database_clock.set(deadline_of(together) + MILLISECOND)
        await catch_up()
        assert (await state_of(together))[0] is ChallengeState.PUBLISHED
        task = asyncio.create_task(attempt(process, lambda session: open_as(session, asking)))
        await waits_or_ends(process, task)
        assert not task.done()
        assert isinstance(await commit(), Bid)
    assert not isinstance(await task, Exception)
    await catch_up()
    assert await state_of(together) == (ChallengeState.CLOSED, BidState.SUBMITTED)
    assert not isinstance(await attempt(process, lambda session: open_as(session, second)), Exception)
    read = await together.read()
    assert read.sealed_content is None
    assert read.technical_plan == TEXTS["technical_plan"]
    (receipt,) = await together.make.session.scalars(select(BidReceipt))
    assert receipt.at < deadline_of(together)
    assert read.submitted_at is not None
    assert read.submitted_at < deadline_of(together)


@pytest.mark.parametrize("looks", range(1, 8))
@pytest.mark.parametrize("act", ["submit", "replace", "file", "withdraw", "take_back"])
async def test_whatever_is_receipted_was_in_time_wherever_the_deadline_falls_between_two_looks_at_the_clock(
    act: str,
    looks: int,
    together: Together,
    ready: Bid,
    database_clock: DatabaseClock,
    process: Process,
    settings: Settings,
) -> None:
    """The clock ticks a millisecond at each look, and the deadline falls before the `looks`-th one."""
    lead = together.lead
    if act != "submit":
        async with process.transaction() as session:
            await service.submit_bid(session, lead, ready.id)
    bid = await together.read()
    earlier = await count(together.make, BidReceipt)
    acts: dict[str, Callable[[Any], Awaitable[Any]]] = {
        "submit": lambda session: service.submit_bid(session, lead, bid.id),
        "replace": lambda session: service.save_bid(
            session, lead, bid.id, together.content("改过的方案"), bid.revision
        ),
        "file": lambda session: service.attach_file(
            session, lead, settings, bid.id, name="附件.pdf", content=b"%PDF-1.7 x"
        ),
        "withdraw": lambda session: service.withdraw_bid(session, lead, bid.id),
        "take_back": lambda session: service.add_member(session, lead, bid.id, together.partners[0].id),
    }
    await database_clock.set(deadline_of(together) - looks * MILLISECOND, MILLISECOND)
    answer = await attempt(process, acts[act])
    receipts = list(await together.make.session.scalars(select(BidReceipt).order_by(BidReceipt.at)))
    if isinstance(answer, Exception):
        assert isinstance(answer, ConflictError), answer
        assert len(receipts) == earlier
    else:
        assert len(receipts) == earlier + 1
    assert all(receipt.at < deadline_of(together) for receipt in receipts)
    read = await together.read()
    assert read.submitted_at is None or read.submitted_at < deadline_of(together)


async def test_who_changes_a_bid_while_officers_open_it_is_late_and_the_opening_succeeds(
    together: Together, ready: Bid, database_clock: DatabaseClock, process: Process
) -> None:
    """Neither waits for the other in a circle."""
    asking, second = map(officer_of, together.officers)

    async def open_as(session: Any, officer: Actor) -> Any:
        return await opening.open_bids(
            session, officer, await read_challenge(session, officer, together.challenge.id)
        )

    async with process.transaction() as session:
        await service.submit_bid(session, together.lead, ready.id)
    bid = await together.read()
    await database_clock.set(deadline_of(together) + MILLISECOND)
    async with process.transaction() as session:
        await open_as(session, asking)

    late: list[asyncio.Task[Any]] = []

    async def open_slowly(session: Any) -> Any:
        # The officer has the challenge; then the bidder comes, before the officer reaches the bid.
        await session.execute(
            select(Challenge.id).where(Challenge.id == together.challenge.id).with_for_update()
        )
        late.append(
            asyncio.create_task(
                attempt(
                    process,
                    lambda own: service.save_bid(
                        own, together.lead, bid.id, together.content("太晚"), bid.revision
                    ),
                )
            )
        )
        await waits_or_ends(process, late[0])
        return await open_as(session, second)

    opened = await attempt(process, open_slowly)
    assert not isinstance(opened, Exception), opened
    assert isinstance(await late[0], ConflictError), late[0]
    assert (await together.read()).technical_plan == TEXTS["technical_plan"]


# A host whose clock is wrong


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


# Two workers


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


def test_receipts_know_every_act() -> None:
    """The test above walks every act of the bidder; `confirmed` is dated by the amendment's own look at the clock."""
    assert {act.value for act in ReceiptAct} == {
        "submitted",
        "replaced",
        "withdrawn",
        "taken_back",
        "confirmed",
    }
