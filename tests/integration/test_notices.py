"""An award is shown publicly for the program's full days, and comes through where nobody's objection waits."""

import asyncio
import uuid
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from challenges.models import ChallengeState, InvitedSolver, Notice, NoticeState
from challenges.notices import queries, service
from challenges.postings.states import move
from challenges.programs.calendar import end_of_full_days
from challenges.programs.models import Program
from core.clock import SHANGHAI, to_shanghai, utc_now
from core.errors import ConflictError, ForbiddenError, NotFoundError
from core.process import Process
from core.schedule import catch_up
from solvers.models import Membership, MembershipRole
from tests.conftest import BrowserOf
from tests.factories import Factory
from tests.integration.winners import Contest, award, open_contest, reload
from tests.told import told


async def publish(session: AsyncSession, contest: Contest, introduction: str = "") -> Notice:
    notice = await service.publish_notice(session, contest.officer, contest.market.challenge.id, introduction)
    await session.commit()
    await session.refresh(contest.market.challenge)
    return notice


async def pass_period(session: AsyncSession, notice_id: uuid.UUID) -> None:
    """As if the period had passed; what a notice says is frozen for everybody else."""
    await session.execute(text("ALTER TABLE notice DISABLE TRIGGER notice_guard"))
    await session.execute(
        text(
            "UPDATE notice SET begun_at = begun_at - interval '30 days', ends_at = now() - interval '1 second'"
            " WHERE id = :id"
        ),
        {"id": notice_id},
    )
    await session.execute(text("ALTER TABLE notice ENABLE ALWAYS TRIGGER notice_guard"))
    await session.commit()


@given(
    begin=st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31)).map(
        lambda moment: moment.replace(tzinfo=SHANGHAI)
    ),
    days=st.integers(1, 30),
)
def test_the_period_is_so_many_whole_days_after_the_day_of_publication(begin: datetime, days: int) -> None:
    end = to_shanghai(end_of_full_days(Program(clock_factor=1), days, begin))
    assert (end.hour, end.minute, end.second) == (0, 0, 0)
    # The last moment of the notice lies on the day `days` after its first.
    assert ((end - timedelta(microseconds=1)).date() - begin.date()).days == days


def test_a_rehearsal_counts_from_the_moment_itself() -> None:
    begin = utc_now()
    assert end_of_full_days(Program(clock_factor=86400), 5, begin) == begin + timedelta(seconds=5)


async def test_the_officer_publishes_the_award_with_winners_shares_and_period(
    make: Factory, session: AsyncSession, browser_of: BrowserOf
) -> None:
    contest = await open_contest(make)
    await award(session, contest, "coater", "tester")
    notice = await publish(session, contest, "经专家评审，现予公示。")
    assert contest.market.challenge.state is ChallengeState.IN_NOTICE
    assert [team["lead"] for team in notice.content["teams"]] == ["热障涂层科技", "超声检测技术"]
    assert notice.content["teams"][0]["members"][0]["size"] == "small"
    assert notice.content["teams"][0]["quota"]["holds"] is True
    with pytest.raises(ConflictError):
        await service.publish_notice(session, contest.officer, contest.market.challenge.id, "")


async def test_of_two_officers_at_once_one_publishes(
    make: Factory, session: AsyncSession, process: Process
) -> None:
    contest = await open_contest(make)
    await award(session, contest, "coater")
    key, actors = contest.market.challenge.id, (contest.officer, contest.second)

    async def one(actor: object) -> bool:
        try:
            async with process.transaction() as own:
                await service.publish_notice(own, actor, key, "")  # type: ignore[arg-type]
        except ConflictError:
            return False
        return True

    assert sorted(await asyncio.gather(*(one(actor) for actor in actors))) == [False, True]


async def test_an_officer_of_a_winner_does_not_publish(make: Factory, session: AsyncSession) -> None:
    contest = await open_contest(make)
    await award(session, contest, "coater")
    session.add(
        Membership(
            organization_id=contest.market.coater.id,
            person_id=contest.market.officer.id,
            role=MembershipRole.VIEWER,
        )
    )
    await session.commit()
    with pytest.raises(ForbiddenError):
        await service.publish_notice(session, contest.officer, contest.market.challenge.id, "")


async def test_what_a_notice_says_is_frozen(make: Factory, session: AsyncSession) -> None:
    contest = await open_contest(make)
    await award(session, contest, "coater")
    await publish(session, contest)
    for change in ("introduction = 'x'", "content = '{}'", "ends_at = ends_at + interval '1 day'"):
        with pytest.raises(IntegrityError):
            await session.execute(text(f"UPDATE notice SET {change}"))
        await session.rollback()
    with pytest.raises(IntegrityError):
        await session.execute(text("DELETE FROM notice"))


async def test_time_ends_the_notice_once_and_the_award_has_come_through(
    make: Factory, session: AsyncSession, process: Process
) -> None:
    contest = await open_contest(make)
    await award(session, contest, "coater")
    notice = await publish(session, contest)
    key, challenge_id = notice.id, contest.market.challenge.id
    assert not await queries.is_over(session, challenge_id, utc_now())
    with pytest.raises(IntegrityError, match="notice still runs"):
        await move(session, contest.officer, contest.market.challenge, ChallengeState.CONTRACTED)
    await session.rollback()
    await catch_up()
    await session.refresh(notice)
    assert notice.state is NoticeState.OPEN
    await pass_period(session, key)
    assert await queries.is_over(session, challenge_id, utc_now())
    await catch_up()
    await catch_up()
    await session.refresh(notice)
    assert notice.state is NoticeState.ENDED
    addresses = [address for address, _kind in await told(session, "notice.ended")]
    assert len(addresses) == len(set(addresses))
    await reload(session, contest)
    assert {contest.market.editor.email, contest.market.officer.email} <= set(addresses)
    await move(session, contest.officer, contest.market.challenge, ChallengeState.CONTRACTED)


async def test_a_notice_is_withdrawn_when_its_award_is_taken_back_otherwise(
    make: Factory, session: AsyncSession, process: Process
) -> None:
    contest = await open_contest(make)
    await award(session, contest, "coater")
    notice = await publish(session, contest)
    await move(session, contest.officer, contest.market.challenge, ChallengeState.CLOSED, note="成员已退出")
    await session.commit()
    await catch_up()
    await session.refresh(notice)
    assert (notice.state, notice.note) == (NoticeState.WITHDRAWN, "成员已退出")
    assert await told(session, "notice.withdrawn")
    assert not await queries.is_over(session, contest.market.challenge.id, utc_now() + timedelta(days=90))


async def test_everybody_concerned_is_told_and_bidders_of_their_own_result_alone(
    make: Factory, session: AsyncSession
) -> None:
    contest = await open_contest(make)
    people = {
        name: await make.member(getattr(contest.market, name)) for name in ("coater", "tester", "institute")
    }
    await award(session, contest, "coater")
    await publish(session, contest)
    await reload(session, contest)
    for person in people.values():
        await session.refresh(person)
    assert {address for address, _ in await told(session, "notice.begun")} == {
        contest.market.editor.email,
        people["coater"].email,
    }
    assert {address for address, _ in await told(session, "notice.not_chosen")} == {
        people["tester"].email,
        people["institute"].email,
    }


async def test_a_restricted_award_is_for_those_who_may_read_the_challenge(
    make: Factory, session: AsyncSession
) -> None:
    contest = await open_contest(make, is_public=False)
    for name in contest.bids:
        session.add(
            InvitedSolver(
                challenge_id=contest.market.challenge.id, organization_id=getattr(contest.market, name).id
            )
        )
    await session.commit()
    await award(session, contest, "coater")
    notice = await publish(session, contest)
    stranger = contest.market.stranger
    from tests.integration.matchmaking import actor_of

    await session.refresh(stranger)
    outsider = actor_of(await make.member(stranger), stranger)
    with pytest.raises(NotFoundError):
        await service.read_notice(session, outsider, notice.id)
    assert await queries.list_notices(session, outsider, ()) == []
    assert await queries.count_notices(session, outsider, ()) == 0
    assert await queries.public_feed(session, limit=10) == []
    assert len(await queries.list_notices(session, contest.officer, ())) == 1
