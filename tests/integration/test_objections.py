"""Objections to an award on public notice: by whom, until when, who answers, and what becomes of the award."""

import asyncio
import re
import uuid
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from challenges.awards.queries import approved_teams
from challenges.models import (
    ChallengeState,
    Consortium,
    ConsortiumState,
    Effect,
    Notice,
    NoticeState,
    Objection,
    ObjectionState,
)
from challenges.notices.queries import is_over
from challenges.objections import service
from challenges.postings.states import move
from core.actor import Actor
from core.clock import utc_now
from core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from core.process import Process
from core.settings import Settings
from tests.conftest import BrowserOf
from tests.factories import Factory
from tests.integration.matchmaking import actor_of
from tests.integration.test_notices import pass_period, publish
from tests.integration.winners import Contest, award, open_contest, reload
from tests.told import told


async def on_notice(
    make: Factory, session: AsyncSession, *names: str
) -> tuple[Contest, Notice, Actor, Actor]:
    """Awarded by the first officer; answers with an objector and with the officer who has not decided."""
    contest = await open_contest(make)
    await award(session, contest, *(names or ("coater", "tester")))
    notice = await publish(session, contest)
    await reload(session, contest)
    person = await make.member(contest.market.institute)
    return contest, notice, actor_of(person, contest.market.institute), contest.second


async def object_to(
    session: AsyncSession, settings: Settings, actor: Actor, notice_id: uuid.UUID, text: str = "条件不符"
) -> Objection:
    objection = await service.raise_objection(session, actor, settings, notice_id, text, None)
    await session.commit()
    return objection


async def test_officers_learn_who_objects_and_poster_and_winners_only_what(
    make: Factory, session: AsyncSession, settings: Settings, browser_of: BrowserOf
) -> None:
    contest, notice, objector, _second = await on_notice(make, session)
    winner = await make.member(contest.market.coater)
    objection = await service.raise_objection(
        session, objector, settings, notice.id, "不具备条件", None, [("证据.pdf", b"%PDF-1.7 x")]
    )
    await session.commit()
    key, name = objection.id, objector.organization_name
    assert contest.market.officer.email in {address for address, _ in await told(session, "objection.raised")}
    assert {address for address, _ in await told(session, "objection.told")} >= {
        contest.market.editor.email,
        winner.email,
    }
    officer = await browser_of(contest.market.officer)
    assert name in (await officer.get(f"/objections/{key}")).text
    assert f"/objections/{key}" in (await officer.get("/officer")).text
    for person, organization in (
        (contest.market.editor, contest.market.poster),
        (winner, contest.market.coater),
    ):
        page = (await (await browser_of(person, organization)).get(f"/objections/{key}")).text
        assert "不具备条件" in page
        assert name not in page
        assert "证据.pdf" not in page


async def test_only_verified_organizations_that_may_read_the_challenge_object(
    make: Factory, session: AsyncSession, settings: Settings
) -> None:
    contest, notice, objector, _second = await on_notice(make, session)
    key, others = notice.id, (contest.poster, contest.officer, Actor())
    for refused in others:
        with pytest.raises(ForbiddenError):
            await object_to(session, settings, refused, key)
        await session.rollback()
    with pytest.raises(InvalidError):
        await object_to(session, settings, objector, key, "  ")
    await session.rollback()
    await object_to(session, settings, objector, key)
    with pytest.raises(ConflictError):
        await object_to(session, settings, objector, key)


async def test_after_the_end_nobody_objects_not_even_past_the_service(
    make: Factory, session: AsyncSession, settings: Settings
) -> None:
    contest, notice, objector, _second = await on_notice(make, session)
    key, challenge_id = notice.id, contest.market.challenge.id
    await pass_period(session, key)
    session.expire_all()
    await reload(session, contest)
    with pytest.raises(ConflictError):
        await object_to(session, settings, objector, key)
    await session.rollback()
    session.add(
        Objection(
            notice_id=key,
            challenge_id=challenge_id,
            organization_id=objector.organization_id,
            person_id=objector.person_id,
            text="晚了",
            raised_at=utc_now(),
            due_at=utc_now(),
        )
    )
    with pytest.raises(IntegrityError, match="does not run"):
        await session.flush()


async def test_the_officer_who_decided_does_not_answer_where_there_is_another(
    make: Factory, session: AsyncSession, settings: Settings
) -> None:
    contest, notice, objector, second = await on_notice(make, session)
    decider = contest.officer
    key = (await object_to(session, settings, objector, notice.id)).id
    with pytest.raises(ForbiddenError):
        await service.answer_objection(session, decider, key, Effect.STANDS, "答复", "摘要")
    await session.rollback()
    with pytest.raises(InvalidError) as caught:
        await service.answer_objection(session, second, key, Effect.STANDS, " ", "")
    assert set(caught.value.errors) == {"answer", "summary"}
    await session.rollback()
    objection = await session.get_one(Objection, key, populate_existing=True)
    objection.state, objection.effect = ObjectionState.DISMISSED, Effect.STANDS
    objection.answer = objection.summary = "越权"
    objection.answered_at, objection.answered_by_id = utc_now(), decider.person_id
    with pytest.raises(IntegrityError, match="another officer"):
        await session.flush()


async def test_dismissed_the_notice_goes_on_and_the_summary_is_public(
    make: Factory, session: AsyncSession, settings: Settings, browser_of: BrowserOf
) -> None:
    contest, notice, objector, second = await on_notice(make, session)
    decider = contest.officer
    key, notice_id, challenge_id = (
        (await object_to(session, settings, objector, notice.id)).id,
        notice.id,
        contest.market.challenge.id,
    )
    await pass_period(session, notice_id)
    assert not await is_over(session, challenge_id, utc_now())
    with pytest.raises(IntegrityError, match="objection waits"):
        await move(session, decider, contest.market.challenge, ChallengeState.CONTRACTED)
    await session.rollback()
    await service.answer_objection(session, second, key, Effect.STANDS, "经核实属实", "有单位异议，不成立")
    await session.commit()
    assert await is_over(session, challenge_id, utc_now())
    await session.refresh(contest.market.challenge)
    assert contest.market.challenge.state is ChallengeState.IN_NOTICE
    page = (await (await browser_of()).get(f"/notices/{notice_id}")).text
    assert "有单位异议，不成立" in page
    assert "经核实属实" not in page
    assert len(await approved_teams(session, challenge_id)) == 2


async def test_upheld_one_team_gives_way_and_the_poster_chooses_anew(
    make: Factory, session: AsyncSession, settings: Settings
) -> None:
    contest, notice, objector, second = await on_notice(make, session)
    key, notice_id, challenge_id = (
        (await object_to(session, settings, objector, notice.id)).id,
        notice.id,
        contest.market.challenge.id,
    )
    other = await make.member(contest.market.lead)
    lapsing = (await object_to(session, settings, actor_of(other, contest.market.lead), notice_id)).id
    leaving = (await approved_teams(session, challenge_id))[0].id
    await service.answer_objection(session, second, key, Effect.RETURNED, "属实", "异议成立，退回", [leaving])
    await session.commit()
    session.expire_all()
    await reload(session, contest)
    assert contest.market.challenge.state is ChallengeState.CLOSED
    states = list(
        await session.scalars(
            select(Consortium.state).where(Consortium.challenge_id == challenge_id).order_by(Consortium.team)
        )
    )
    assert states == [ConsortiumState.SUPERSEDED, ConsortiumState.APPROVED]
    assert await session.scalar(select(Notice.state)) is NoticeState.WITHDRAWN
    assert (await session.get_one(Objection, lapsing)).state is ObjectionState.LAPSED
    upheld = await session.get_one(Objection, key)
    assert upheld.state is ObjectionState.UPHELD
    assert upheld.gave_way == [str(leaving)]
    assert await told(session, "objection.returned")
    assert not await told(session, "objection.annulled")
    assert not await is_over(session, challenge_id, utc_now() + timedelta(days=99))
    # The way goes on: another winner, another decision, another notice.
    await award(session, contest, "institute")
    again = await publish(session, contest)
    assert again.id != notice_id


async def test_annulled_the_challenge_ends_without_an_award(
    make: Factory, session: AsyncSession, settings: Settings
) -> None:
    contest, notice, objector, second = await on_notice(make, session)
    key = (await object_to(session, settings, objector, notice.id)).id
    await service.answer_objection(session, second, key, Effect.ANNULLED, "属实", "异议成立，撤销立项")
    await session.commit()
    session.expire_all()
    await reload(session, contest)
    assert contest.market.challenge.state is ChallengeState.NO_AWARD
    assert await approved_teams(session, contest.market.challenge.id) == []
    assert await told(session, "objection.annulled")


async def test_the_objector_withdraws_and_of_two_answers_at_once_one_counts(
    make: Factory, session: AsyncSession, settings: Settings, process: Process
) -> None:
    contest, notice, objector, second = await on_notice(make, session)
    notice_id = notice.id
    key = (await object_to(session, settings, objector, notice_id)).id
    with pytest.raises(ForbiddenError):
        await service.withdraw_objection(session, contest.poster, key)
    await session.rollback()
    await service.withdraw_objection(session, objector, key)
    await session.commit()
    with pytest.raises(ConflictError):
        await service.answer_objection(session, second, key, Effect.STANDS, "答", "摘")
    await session.rollback()
    key = (await object_to(session, settings, objector, notice_id)).id

    async def one(effect: Effect) -> bool:
        try:
            async with process.transaction() as own:
                await service.answer_objection(own, second, key, effect, "答复", "摘要")
        except (ConflictError, NotFoundError):
            return False
        return True

    assert sorted(await asyncio.gather(one(Effect.STANDS), one(Effect.RETURNED))) == [False, True]


async def test_notices_and_results_are_listed_and_shown_to_everybody(
    make: Factory, session: AsyncSession, browser_of: BrowserOf
) -> None:
    contest, notice, _objector, _second = await on_notice(make, session)
    key, challenge_id, title = notice.id, contest.market.challenge.id, contest.market.challenge.title
    anybody = await browser_of()
    for path in ("/notices", "/results", f"/notices/{key}", f"/results/{challenge_id}", "/notices.atom"):
        page = (await anybody.get(path)).text
        assert title in page
        assert "热障涂层科技" in page
    assert f"/notices/{key}" in (await anybody.get(f"/challenges/{challenge_id}")).text


async def test_the_page_of_winners_marks_the_bid_that_an_upheld_objection_took_the_award_from(
    make: Factory, session: AsyncSession, settings: Settings, browser_of: BrowserOf
) -> None:
    contest, notice, objector, second = await on_notice(make, session)
    market, page = contest.market, f"/challenges/{contest.market.challenge.id}/award"
    objection = await object_to(session, settings, objector, notice.id)
    first, _second = await approved_teams(session, market.challenge.id)
    badge = re.compile(rf'href="/objections/{objection.id}">\s*异议成立')
    poster = await browser_of(market.editor, market.poster)
    assert not badge.search((await poster.get(page)).text)
    await service.answer_objection(
        session, second, objection.id, Effect.RETURNED, "属实", "异议成立", [first.id]
    )
    await session.commit()
    shown = (await poster.get(page)).text
    assert len(badge.findall(shown)) == 1
    row = next(part for part in shown.split("<tr") if badge.search(part))
    assert market.coater.name in row
    with pytest.raises(IntegrityError):
        async with session.begin_nested():
            await session.execute(update(Objection).values(gave_way=[]))
