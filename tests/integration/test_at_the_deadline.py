"""The last millisecond before the deadline, and the first one after it: what counts is when a bid could be taken."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

import challenges.postings.jobs  # noqa: F401 -- registers what is due
from challenges.bids import opening, queries, service
from challenges.bids.models import Bid, BidReceipt, BidState, ReceiptAct
from challenges.models import Challenge, ChallengeState
from challenges.postings.service import read_challenge
from core.actor import Actor
from core.errors import ConflictError
from core.process import Process
from core.schedule import catch_up
from core.settings import Settings
from tests.integration.interleaving import DatabaseClock, attempt, held, waits_or_ends
from tests.integration.test_bidding import TEXTS
from tests.integration.together import (
    MILLISECOND,
    Together,
    count,
    deadline_of,
    officer_of,
    state_of,
)


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
            session, settings, lead, bid.id, name="附件.pdf", content=b"%PDF-1.7 x"
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


def test_receipts_know_every_act() -> None:
    """The test above walks every act of the bidder; `confirmed` is dated by the amendment's own look at the clock."""
    assert {act.value for act in ReceiptAct} == {
        "submitted",
        "replaced",
        "withdrawn",
        "taken_back",
        "confirmed",
    }
