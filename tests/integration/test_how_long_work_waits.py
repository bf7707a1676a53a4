"""The work queue: since when an award waits for its notice, a team for its contract, a challenge for its review.

Nothing else that happens to a challenge in the meantime makes it younger.
"""

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from challenges.checks import service as checks
from challenges.checks.models import CheckState, FormalCheck
from challenges.models import ChallengeState, Effect, Notice, Outcome
from challenges.objections import service as objections
from core.actor import Actor
from core.audit import AuditEntry
from core.clock import utc_now
from core.settings import Settings
from tests.factories import Factory
from tests.integration.contracting import award as contracted
from tests.integration.opened_round import opened_round
from tests.integration.test_notices import pass_period
from tests.integration.test_objections import object_to, on_notice
from tests.integration.winners import Contest, award, decide, hand_in, open_contest, reload
from web.officer_queue import sections_of
from web.officer_sections import Waiting


async def rows(session: AsyncSession, officer: Actor, anchor: str) -> list[Waiting]:
    sections = await sections_of(session, officer, utc_now())
    return list(next(item for item in sections if item.anchor == anchor).rows)


async def recorded(session: AsyncSession, action: str) -> datetime:
    """When a step was last taken."""
    moments = await session.scalars(
        select(AuditEntry.at).where(AuditEntry.action == action).order_by(AuditEntry.number.desc())
    )
    return moments.first() or utc_now()


async def touch(session: AsyncSession, contest: Contest) -> datetime:
    """Something that has nothing to do with its state is written to a challenge, as happens."""
    await session.refresh(contest.market.challenge)
    contest.market.challenge.contact_name = "新的联系人"
    await session.commit()
    await session.refresh(contest.market.challenge)
    return contest.market.challenge.updated_at


async def test_an_award_waits_for_its_notice_since_the_last_decision(
    make: Factory, session: AsyncSession
) -> None:
    contest = await open_contest(make)
    await award(session, contest, "coater", "tester")
    awarded_at = await recorded(session, "challenge.awarded")
    assert await touch(session, contest) > awarded_at
    (row,) = await rows(session, contest.officer, "notices")
    assert row.since == awarded_at
    assert row.due == awarded_at + timedelta(days=5)


async def test_an_award_that_a_rejection_has_made_waits_since_then(
    make: Factory, session: AsyncSession
) -> None:
    """One team is approved first, and the rejection of the other makes the award."""
    contest = await open_contest(make)
    first, second = await hand_in(session, contest, "coater", "tester")
    await decide(session, contest, first, Outcome.APPROVED)
    state = await decide(session, contest, second, Outcome.REJECTED)
    assert state is ChallengeState.AWARDED
    approved_at = await recorded(session, "consortium.approved")
    awarded_at = await recorded(session, "challenge.awarded")
    assert awarded_at > approved_at
    (row,) = await rows(session, contest.officer, "notices")
    assert row.since == awarded_at


async def test_one_awarded_a_second_time_waits_since_the_second(
    make: Factory, session: AsyncSession, settings: Settings
) -> None:
    contest, notice, objector, other_officer = await on_notice(make, session, "coater")
    first = await recorded(session, "challenge.awarded")
    assert await rows(session, contest.officer, "notices") == []
    objection = await object_to(session, settings, objector, notice.id)
    await objections.answer_objection(
        session, other_officer, objection.id, Effect.RETURNED, "成立", "条件不符"
    )
    await session.commit()
    session.expire_all()
    await reload(session, contest)
    assert await rows(session, contest.officer, "notices") == []
    await award(session, contest, "tester")
    (row,) = await rows(session, contest.officer, "notices")
    assert first < row.since == await recorded(session, "challenge.awarded")


async def test_a_team_waits_for_its_contract_since_the_notice_is_over(make: Factory) -> None:
    stage = await contracted(make)
    notice = (await make.session.scalars(select(Notice))).one()
    (row,) = await rows(make.session, stage.officer_actor, "contracts")
    assert row.since == notice.ends_at
    assert row.since < stage.challenge.updated_at


async def test_no_team_waits_for_its_contract_while_the_notice_runs_or_an_objection_waits(
    make: Factory, session: AsyncSession, settings: Settings
) -> None:
    contest, notice, objector, _second = await on_notice(make, session)
    officer, key = contest.officer, notice.id
    assert await rows(session, officer, "contracts") == []
    objection = await object_to(session, settings, objector, key)
    await pass_period(session, key)
    session.expire_all()
    await reload(session, contest)
    assert await rows(session, officer, "contracts") == []
    await objections.withdraw_objection(session, objector, objection.id)
    await session.commit()
    await touch(session, contest)
    (row,) = await rows(session, officer, "contracts")
    assert row.since == await recorded(session, "objection.withdrawn")


async def test_a_challenge_waits_for_its_review_since_its_last_bid_was_checked(
    make: Factory, session: AsyncSession
) -> None:
    stage = await opened_round(make, checklist=("申报书签章齐全",), needs_review=True)
    assert await rows(session, stage.officer_actor, "reviews") == []
    for check in await checks.begin_checks(session, stage.officer_actor, await stage.read()):
        await checks.save_points(session, stage.officer_actor, check.id, [(True, "")], "", check.revision)
        await checks.settle(session, stage.officer_actor, check.id, CheckState.PASSED)
        await session.commit()
    settled_at = await session.scalar(select(func.max(FormalCheck.settled_at)))
    (row,) = await rows(session, stage.officer_actor, "reviews")
    assert stage.challenge.bids_opened_at is not None
    assert row.since == settled_at
    assert row.since > stage.challenge.bids_opened_at
