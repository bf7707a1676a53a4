"""After the approval members leave and change: the quota is checked again, and nothing goes to contract before."""

from dataclasses import dataclass

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from challenges.consortia import policies, rechecks
from challenges.consortia.models import Consortium, ConsortiumState, Outcome, QuotaRecheck, Settlement
from challenges.postings.models import ChallengeState
from core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from core.notifications.models import Notification
from core.schedule import catch_up
from core.settings import Settings
from solvers.models import ControlKind, ControlRelation, MembershipRole, SizeClass, Verification
from tests.conftest import BrowserOf
from tests.factories import Factory
from tests.integration.consortia import RunJobs, decide, present, submit
from tests.integration.matchmaking import Market, actor_of, open_market

REASON = "成员变化后重新核定"


@dataclass
class Case:
    market: Market
    consortium: Consortium


@pytest.fixture
async def case(make: Factory, session: AsyncSession, settings: Settings, run_jobs: RunJobs) -> Case:
    market = await open_market(make)
    await submit(market, session, settings, run_jobs)
    await decide(market, session, settings, Outcome.APPROVED, "同意")
    await session.commit()
    return Case(market, await present(market, session))


async def tick(session: AsyncSession, case: Case) -> list[QuotaRecheck]:
    await session.commit()
    await catch_up()
    case.consortium = await present(case.market, session)
    return list(await session.scalars(select(QuotaRecheck).order_by(QuotaRecheck.found_at)))


async def test_nothing_is_found_while_nothing_has_changed(session: AsyncSession, case: Case) -> None:
    assert await tick(session, case) == []
    # What does not concern the quota is no change.
    case.market.coater.name = "改名后的公司"
    assert await tick(session, case) == []


async def test_a_member_found_to_be_large_is_a_task_for_the_officers(
    session: AsyncSession, case: Case, browser_of: BrowserOf
) -> None:
    for organization in (case.market.coater, case.market.tester):
        organization.size_class = SizeClass.LARGE
    (found,) = await tick(session, case)
    assert {change["what"] for change in found.changes} == {"size"}
    assert not found.holds
    assert not policies.may_go_to_contract(case.consortium, found)
    told = list(
        await session.scalars(select(Notification).where(Notification.kind == "consortium.rechecked"))
    )
    assert [item.person_id for item in told] == [case.market.officer.id]
    officer = await browser_of(case.market.officer)
    assert f"/consortia/{case.consortium.id}#recheck" in (await officer.get("/officer")).text
    page = (await officer.get(f"/consortia/{case.consortium.id}")).text
    assert "其余成员不符合参与比例" in page
    # A second tick, or a second worker, finds nothing new.
    assert len(await tick(session, case)) == 1


async def test_a_control_relation_that_becomes_known_is_found(session: AsyncSession, case: Case) -> None:
    session.add(
        ControlRelation(
            organization_id=case.market.coater.id,
            controller_name="某大型集团",
            controller_size=SizeClass.LARGE,
            kind=ControlKind.CONTROL,
        )
    )
    (found,) = await tick(session, case)
    assert [(change["what"], change["after"]) for change in found.changes] == [("controls", "某大型集团")]


async def test_a_verification_that_is_withdrawn_is_found(session: AsyncSession, case: Case) -> None:
    case.market.coater.verification = Verification.REJECTED
    (found,) = await tick(session, case)
    assert [change["what"] for change in found.changes] == ["verification"]


async def test_what_was_changed_back_is_no_task_any_more(session: AsyncSession, case: Case) -> None:
    size = case.market.coater.size_class
    case.market.coater.size_class = SizeClass.LARGE
    await tick(session, case)
    case.market.coater.size_class = size
    found, again = await tick(session, case)
    assert found.settlement is again.settlement is Settlement.FOUND_ANEW
    assert again.changes == []
    assert len(await tick(session, case)) == 2


async def test_an_owner_declares_that_the_organization_leaves_and_others_may_not(
    make: Factory, session: AsyncSession, case: Case, browser_of: BrowserOf
) -> None:
    market, address = case.market, f"/consortia/{case.consortium.id}/leave"
    member = next(m for m in case.consortium.members if m.organization_id != case.consortium.lead_id)
    organization = member.organization
    viewer = await browser_of(await make.member(organization, MembershipRole.VIEWER), organization)
    assert (await viewer.get(address)).status_code == 403
    stranger = await browser_of(await make.member(market.stranger), market.stranger)
    assert (await stranger.get(address)).status_code == 404
    assert (await stranger.submit(address, {"reason": "x"})).status_code == 404
    poster = await browser_of(market.editor, market.poster)
    assert (await poster.get(address)).status_code == 404
    owner = await browser_of(await make.member(organization), organization)
    assert address in (await owner.get(f"/consortia/{case.consortium.id}")).text
    assert (await owner.submit(address, {"reason": " "})).status_code == 422
    assert (await owner.submit(address, {"reason": "产能不足"})).status_code == 303
    assert (await owner.submit(address, {"reason": "再次"})).status_code == 409
    (found,) = await tick(session, case)
    assert "left" in {change["what"] for change in found.changes}
    # Whatever the money says: nobody answers for its requirements any more.
    assert not found.holds


async def test_it_is_settled_once_with_a_reason_and_only_kept_where_the_quota_holds(
    make: Factory, session: AsyncSession, case: Case
) -> None:
    market = case.market
    for organization in (market.coater, market.tester):
        organization.size_class = SizeClass.LARGE
    (found,) = await tick(session, case)
    key, officer = found.id, market.officer_actor
    poster = market.poster_actor
    other = actor_of(await make.officer(), market.stranger)
    for attempt, error in (
        ((poster, Settlement.ENDED, REASON), ForbiddenError),
        ((other, Settlement.ENDED, REASON), NotFoundError),
        ((officer, Settlement.ENDED, " "), InvalidError),
        ((officer, Settlement.KEPT, REASON), ConflictError),
    ):
        actor, settlement, reason = attempt
        with pytest.raises(error):
            await rechecks.settle_recheck(session, actor, key, settlement, reason)
        await session.rollback()
    await rechecks.settle_recheck(session, officer, key, Settlement.SUPERSEDED, REASON)
    await session.commit()
    consortium = await present(market, session)
    assert consortium.state is ConsortiumState.SUPERSEDED
    assert market.challenge.state is ChallengeState.CLOSED
    with pytest.raises(ForbiddenError):
        await rechecks.settle_recheck(session, market.officer_actor, key, Settlement.ENDED, REASON)


async def test_what_still_holds_may_be_kept(session: AsyncSession, case: Case) -> None:
    member = next(m for m in case.consortium.members if m.size_class is SizeClass.SMALL)
    member.organization.size_class = SizeClass.MICRO
    (found,) = await tick(session, case)
    assert found.holds
    await rechecks.settle_recheck(session, case.market.officer_actor, found.id, Settlement.KEPT, REASON)
    await session.commit()
    consortium = await present(case.market, session)
    assert consortium.state is ConsortiumState.APPROVED
    assert case.market.challenge.state is ChallengeState.AWARDED
    assert policies.may_go_to_contract(consortium, None)


async def test_the_award_may_be_ended(session: AsyncSession, case: Case) -> None:
    case.market.coater.size_class = SizeClass.LARGE
    (found,) = await tick(session, case)
    await rechecks.settle_recheck(session, case.market.officer_actor, found.id, Settlement.ENDED, REASON)
    await session.commit()
    await present(case.market, session)
    assert case.market.challenge.state is ChallengeState.WITHDRAWN


async def test_the_database_lets_nothing_go_to_contract_before_it_is_settled(
    session: AsyncSession, case: Case
) -> None:
    key, challenge_id = case.market.coater.id, case.market.challenge.id
    contract = text("UPDATE challenge SET state = 'contracted' WHERE id = :id")
    await session.execute(text("UPDATE organization SET size_class = 'large' WHERE id = :id"), {"id": key})
    await session.commit()
    # Not even before the change has been looked at.
    with pytest.raises(IntegrityError, match="settled first"):
        await session.execute(contract, {"id": challenge_id})
    await session.rollback()
    await catch_up()
    with pytest.raises(IntegrityError, match="settled first"):
        await session.execute(contract, {"id": challenge_id})
    await session.rollback()
    await session.execute(text("UPDATE organization SET size_class = 'small' WHERE id = :id"), {"id": key})
    await session.commit()
    await catch_up()
    await session.execute(contract, {"id": challenge_id})


@pytest.mark.parametrize(
    "attack",
    [
        "UPDATE quota_recheck SET holds = true",
        "UPDATE quota_recheck SET changes = '[]'",
        "UPDATE quota_recheck SET settled_at = now(), settlement = 'kept', reason = 'x',"
        " settled_by_id = (SELECT person_id FROM program_officer LIMIT 1)",
        "UPDATE quota_recheck SET settled_at = now(), settlement = 'ended'",
        "UPDATE quota_recheck SET settled_at = now(), settlement = 'found_anew'",
        "UPDATE quota_recheck SET settled_at = now(), settlement = 'superseded', reason = 'x',"
        " settled_by_id = (SELECT person_id FROM membership LIMIT 1)",
        "UPDATE consortium SET approved_facts = consortium_facts(id)",
        "INSERT INTO quota_recheck (id, consortium_id, found_at, holds, settled_at, settlement)"
        " SELECT gen_random_uuid(), id, now(), true, now(), 'found_anew' FROM consortium",
        "TRUNCATE member_departure",
        "DELETE FROM quota_recheck",
        "TRUNCATE quota_recheck",
        "UPDATE consortium SET state = 'rejected'",
    ],
)
async def test_attacks_on_what_was_found_are_refused(session: AsyncSession, case: Case, attack: str) -> None:
    for organization in (case.market.coater, case.market.tester):
        organization.size_class = SizeClass.LARGE
    (found,) = await tick(session, case)
    assert not found.holds
    with pytest.raises((IntegrityError, DBAPIError)):
        await session.execute(text(attack))
