"""From the signed contract to its end: milestones, payments, the horse race, final acceptance and ratings."""

import itertools
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

import challenges.acceptances.jobs
import challenges.milestones.jobs  # noqa: F401 -- what time does is registered
from challenges.acceptances import queries as acceptance_queries
from challenges.acceptances import service as acceptances
from challenges.calendars.service import feed_text, make_feed
from challenges.contracts import ending, service
from challenges.contracts.models import Contract, ContractState
from challenges.indexes import terms_of_text
from challenges.milestones import horse_race
from challenges.milestones import service as milestones
from challenges.milestones.models import Milestone, MilestoneState
from challenges.milestones.queries import milestones_of
from challenges.models import ChallengeState, Rating
from core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from core.notifications.models import Notification
from core.schedule import catch_up
from core.settings import Settings
from solvers.models import EvidenceItem
from tests.conftest import BrowserOf
from tests.factories import Factory
from tests.integration.contracting import PDF, Award, at_work, book, offered, sign


async def told(session: AsyncSession, kind: str) -> int:
    statement = select(func.count()).select_from(Notification).where(Notification.kind == kind)
    return await session.scalar(statement) or 0


async def accept_all(case: Award, settings: Settings, contract: Contract) -> None:
    team = case.teams[contract.team_number - 1]
    for item in await milestones_of(case.session, contract.id):
        await milestones.report_milestone(case.session, settings, team.lead_actor, item.id, "完成")
        await milestones.answer_report(case.session, case.poster_actor, item.id, accept=True)
    await case.session.commit()


async def complete(case: Award, settings: Settings, contract: Contract) -> None:
    await accept_all(case, settings, contract)
    team = case.teams[contract.team_number - 1]
    asked = await acceptances.ask_for_acceptance(
        case.session, settings, team.lead_actor, contract.id, "请验收"
    )
    await acceptances.answer_acceptance(case.session, case.poster_actor, asked.id, accept=True)
    await acceptances.answer_acceptance(case.session, case.officer_actor, asked.id, accept=True)
    await case.session.commit()


async def test_milestones_come_with_the_last_signature(make: Factory, settings: Settings) -> None:
    case, (contract,) = await at_work(make, settings)
    found = await milestones_of(case.session, contract.id)
    assert sum(item.payment_wan for item in found) == Decimal(200)
    assert [item.state for item in found] == [MilestoneState.PLANNED] * 2
    assert found[0].due_at < found[1].due_at


async def test_on_a_faster_clock_milestones_are_due_sooner(make: Factory, settings: Settings) -> None:
    case, (contract,) = await at_work(make, settings, clock_factor=86400)
    first, second = await milestones_of(case.session, contract.id)
    assert contract.begins_at is not None
    assert (second.due_at - contract.begins_at).total_seconds() == pytest.approx(540)
    assert first.due_at < second.due_at


async def test_the_lead_reports_and_the_poster_accepts_or_asks_for_rework(
    make: Factory, settings: Settings
) -> None:
    case, (contract,) = await at_work(make, settings)
    team = case.teams[0]
    item = (await milestones_of(case.session, contract.id))[0]
    with pytest.raises(InvalidError):
        await milestones.report_milestone(case.session, settings, team.lead_actor, item.id, " ")
    for other in (team.member_actor, case.poster_actor, case.officer_actor):
        with pytest.raises(ForbiddenError):
            await milestones.report_milestone(case.session, settings, other, item.id, "完成")
    await milestones.report_milestone(
        case.session, settings, team.lead_actor, item.id, "完成", [("报告.pdf", PDF)]
    )
    with pytest.raises(ConflictError):
        await milestones.report_milestone(case.session, settings, team.lead_actor, item.id, "又一次")
    with pytest.raises(ForbiddenError):
        await milestones.answer_report(case.session, team.lead_actor, item.id, accept=True)
    with pytest.raises(InvalidError):
        async with case.session.begin_nested():
            await milestones.answer_report(case.session, case.poster_actor, item.id, accept=False)
    await milestones.answer_report(
        case.session, case.poster_actor, item.id, accept=False, reason="缺检测报告"
    )
    assert await told(case.session, "milestone.rework") == 2
    await milestones.report_milestone(case.session, settings, team.lead_actor, item.id, "补充完成")
    done = await milestones.answer_report(case.session, case.poster_actor, item.id, accept=True)
    assert done.state is MilestoneState.ACCEPTED
    assert [report.is_accepted for report in done.reports].count(True) == 1


async def test_payments_are_said_by_the_poster_and_confirmed_by_the_lead(
    make: Factory, settings: Settings
) -> None:
    case, (contract,) = await at_work(make, settings)
    lead = case.teams[0].lead_actor
    item = (await milestones_of(case.session, contract.id))[0]
    with pytest.raises(ConflictError):
        await milestones.mark_paid(case.session, case.poster_actor, item.id)
    await accept_all(case, settings, contract)
    with pytest.raises(ForbiddenError):
        await milestones.mark_paid(case.session, lead, item.id)
    with pytest.raises(ConflictError):
        await milestones.confirm_payment(case.session, lead, item.id)
    await milestones.mark_paid(case.session, case.poster_actor, item.id)
    with pytest.raises(ConflictError):
        await milestones.mark_paid(case.session, case.poster_actor, item.id)
    with pytest.raises(ForbiddenError):
        await milestones.confirm_payment(case.session, case.poster_actor, item.id)
    await milestones.confirm_payment(case.session, lead, item.id)
    assert item.received_at is not None


async def test_warnings_are_told_once_and_officers_see_what_is_overdue(
    make: Factory, settings: Settings, browser_of: BrowserOf
) -> None:
    case, (contract,) = await at_work(make, settings)
    await catch_up()
    assert await told(case.session, "milestone.due_soon") == 0
    item = (await milestones_of(case.session, contract.id))[0]
    item.due_at -= timedelta(days=263)
    await case.session.commit()
    for _tick in range(2):
        await catch_up()
    assert await told(case.session, "milestone.due_soon") == 2
    assert await told(case.session, "milestone.overdue") == 0
    item.due_at -= timedelta(days=20)
    await case.session.commit()
    for _tick in range(2):
        await catch_up()
    assert await told(case.session, "milestone.overdue") == 4
    officer = await browser_of(case.officer)
    assert f"/contracts/{contract.id}/milestones#m-{item.id}" in (await officer.get("/officer")).text


async def test_parties_have_milestones_in_their_calendar_and_others_do_not(
    make: Factory, settings: Settings
) -> None:
    case, _contracts = await at_work(make, settings)
    stranger = await make.organization()
    from tests.integration.matchmaking import actor_of

    for actor, expected in (
        (case.teams[0].member_actor, 2),
        (case.poster_actor, 2),
        (actor_of(await make.member(stranger), stranger), 0),
    ):
        token = await make_feed(case.session, actor)
        feed = (await feed_text(case.session, token, "http://x")).decode()
        assert feed.count("UID:milestone-") == expected


async def test_an_amendment_moves_open_milestones_and_leaves_accepted_ones(
    make: Factory, settings: Settings
) -> None:
    case, (contract,) = await at_work(make, settings)
    lead = case.teams[0].lead_actor
    first, second = await milestones_of(case.session, contract.id)
    await milestones.report_milestone(case.session, settings, lead, first.id, "完成")
    await milestones.answer_report(case.session, case.poster_actor, first.id, accept=True)
    await service.begin_amendment(case.session, case.poster_actor, contract.id, "调整")
    await case.session.commit()
    one, two = (await book(case, contract)).stages
    with pytest.raises(InvalidError) as caught:
        async with case.session.begin_nested():
            await offered(case, settings, contract, stages=(replace(one, title="改名"), two))
    assert "stages" in caught.value.errors
    before = second.due_at
    await offered(case, settings, contract, stages=(one, replace(two, days=two.days - 10)))
    for actor in case.parties():
        await sign(case, settings, contract, actor)
    await case.session.refresh(second)
    assert before - second.due_at == timedelta(days=10)
    assert first.state is MilestoneState.ACCEPTED


async def test_a_stage_review_eliminates_a_team_but_never_the_last(make: Factory, settings: Settings) -> None:
    case, (one, two) = await at_work(make, settings, teams=2)
    stage, later = await milestones_of(case.session, two.id)
    assert stage.is_stage
    with pytest.raises(ConflictError):
        await horse_race.propose_elimination(case.session, case.poster_actor, later.id, "落后")
    with pytest.raises(ForbiddenError):
        await horse_race.propose_elimination(case.session, case.teams[1].lead_actor, stage.id, "落后")
    with pytest.raises(InvalidError):
        await horse_race.propose_elimination(case.session, case.poster_actor, stage.id, "")
    proposal = await horse_race.propose_elimination(case.session, case.poster_actor, stage.id, "落后")
    with pytest.raises(ConflictError):
        await horse_race.propose_elimination(case.session, case.poster_actor, stage.id, "再提")
    with pytest.raises(ForbiddenError):
        await horse_race.answer_elimination(case.session, case.poster_actor, proposal.id, confirm=True)
    with pytest.raises(NotFoundError):
        await horse_race.answer_elimination(case.session, case.teams[0].lead_actor, proposal.id, confirm=True)
    await horse_race.answer_elimination(case.session, case.officer_actor, proposal.id, confirm=True)
    await case.session.commit()
    assert two.state is ContractState.ELIMINATED
    assert {item.state for item in await milestones_of(case.session, two.id)} == {MilestoneState.CANCELLED}
    assert case.challenge.state is ChallengeState.IN_PROGRESS
    last = (await milestones_of(case.session, one.id))[0]
    with pytest.raises(ConflictError):
        await horse_race.propose_elimination(case.session, case.poster_actor, last.id, "也落后")
    with pytest.raises(IntegrityError):
        async with case.session.begin_nested():
            await case.session.execute(
                update(Contract).where(Contract.id == one.id).values(state="eliminated")
            )


async def test_whatever_the_order_one_team_of_three_stays(make: Factory, settings: Settings) -> None:
    case, contracts = await at_work(make, settings, teams=3, max_winners=3)
    proposals = []
    for contract in contracts:
        stage = (await milestones_of(case.session, contract.id))[0]
        proposals.append(
            (await horse_race.propose_elimination(case.session, case.poster_actor, stage.id, "落后")).id
        )
    await case.session.commit()
    officer = case.officer_actor
    for order in itertools.permutations(proposals):
        savepoint = await case.session.begin_nested()
        refused = 0
        for proposal in order:
            try:
                await horse_race.answer_elimination(case.session, officer, proposal, confirm=True)
            except ConflictError:
                refused += 1
        assert refused == 1
        await savepoint.rollback()


async def test_a_refused_elimination_needs_a_reason_and_changes_nothing(
    make: Factory, settings: Settings
) -> None:
    case, (_one, two) = await at_work(make, settings, teams=2)
    stage = (await milestones_of(case.session, two.id))[0]
    proposal = await horse_race.propose_elimination(case.session, case.poster_actor, stage.id, "落后")
    with pytest.raises(InvalidError):
        await horse_race.answer_elimination(case.session, case.officer_actor, proposal.id, confirm=False)
    await horse_race.answer_elimination(
        case.session, case.officer_actor, proposal.id, confirm=False, reason="材料不足"
    )
    assert two.state is ContractState.SIGNED
    with pytest.raises(ConflictError):
        await horse_race.answer_elimination(case.session, case.officer_actor, proposal.id, confirm=True)


async def test_acceptance_needs_every_milestone_the_poster_and_an_officer(
    make: Factory, settings: Settings
) -> None:
    case, (contract,) = await at_work(make, settings)
    lead = case.teams[0].lead_actor
    with pytest.raises(ConflictError):
        await acceptances.ask_for_acceptance(case.session, settings, lead, contract.id, "请验收")
    with pytest.raises(IntegrityError):
        async with case.session.begin_nested():
            await case.session.execute(text("UPDATE contract SET state = 'completed'"))
    await accept_all(case, settings, contract)
    with pytest.raises(ForbiddenError):
        await acceptances.ask_for_acceptance(case.session, settings, case.poster_actor, contract.id, "请验收")
    asked = await acceptances.ask_for_acceptance(case.session, settings, lead, contract.id, "请验收")
    with pytest.raises(ConflictError):
        await acceptances.ask_for_acceptance(case.session, settings, lead, contract.id, "请验收")
    with pytest.raises(ForbiddenError):
        await acceptances.answer_acceptance(case.session, case.officer_actor, asked.id, accept=True)
    with pytest.raises(InvalidError):
        async with case.session.begin_nested():
            await acceptances.answer_acceptance(case.session, case.poster_actor, asked.id, accept=False)
    await acceptances.answer_acceptance(
        case.session, case.poster_actor, asked.id, accept=False, reason="指标三未达到"
    )
    again = await acceptances.ask_for_acceptance(case.session, settings, lead, contract.id, "已补齐")
    await acceptances.answer_acceptance(case.session, case.poster_actor, again.id, accept=True)
    with pytest.raises(ForbiddenError):
        await acceptances.answer_acceptance(case.session, case.poster_actor, again.id, accept=True)
    await acceptances.answer_acceptance(case.session, case.officer_actor, again.id, accept=True)
    await case.session.refresh(case.challenge)
    assert contract.state is ContractState.COMPLETED
    assert case.challenge.state is ChallengeState.ACCEPTED


async def test_a_challenge_fails_where_its_only_contract_fails(make: Factory, settings: Settings) -> None:
    case, (contract,) = await at_work(make, settings)
    with pytest.raises(ConflictError):
        await acceptances.declare_failed(case.session, case.officer_actor, contract.id, "未完成")
    await accept_all(case, settings, contract)
    asked = await acceptances.ask_for_acceptance(
        case.session, settings, case.teams[0].lead_actor, contract.id, "请验收"
    )
    await acceptances.answer_acceptance(
        case.session, case.poster_actor, asked.id, accept=False, reason="未达到"
    )
    with pytest.raises(ForbiddenError):
        await acceptances.declare_failed(case.session, case.poster_actor, contract.id, "未完成")
    await acceptances.declare_failed(case.session, case.officer_actor, contract.id, "未完成")
    await case.session.refresh(case.challenge)
    assert (contract.state, case.challenge.state) == (ContractState.FAILED, ChallengeState.FAILED)


async def test_with_one_team_done_the_challenge_is_accepted_once_no_other_is_at_work(
    make: Factory, settings: Settings
) -> None:
    case, (one, two) = await at_work(make, settings, teams=2)
    await complete(case, settings, one)
    await case.session.refresh(case.challenge)
    assert case.challenge.state is ChallengeState.IN_PROGRESS
    await ending.end_contract(case.session, case.poster_actor, two.id, "另一团队已完成")
    await case.session.refresh(case.challenge)
    assert case.challenge.state is ChallengeState.ACCEPTED


async def test_each_side_rates_once_and_reads_the_other_when_both_have(
    make: Factory, settings: Settings
) -> None:
    case, (contract,) = await at_work(make, settings)
    lead = case.teams[0].lead_actor
    with pytest.raises(ConflictError):
        await acceptances.rate(case.session, lead, contract.id, 5, "好")
    await complete(case, settings, contract)
    with pytest.raises(ForbiddenError):
        await acceptances.rate(case.session, case.teams[0].member_actor, contract.id, 5, "好")
    with pytest.raises(InvalidError):
        await acceptances.rate(case.session, lead, contract.id, 6, "好")
    await acceptances.rate(case.session, case.poster_actor, contract.id, 4, "交付及时")
    with pytest.raises(ConflictError):
        await acceptances.rate(case.session, case.poster_actor, contract.id, 5, "改")
    await case.session.commit()
    await catch_up()
    record = await acceptance_queries.record_of(case.session, case.teams[0].lead.id)
    assert (record.rated, record.stars) == (0, None)
    await acceptances.rate(case.session, lead, contract.id, 5, "配合好")
    await case.session.commit()
    await catch_up()
    await catch_up()
    assert await told(case.session, "rating.visible") == 2
    record = await acceptance_queries.record_of(case.session, case.teams[0].lead.id)
    assert (record.rated, record.stars) == (1, Decimal("4.0"))


async def test_after_fourteen_days_a_lone_rating_is_shown(make: Factory, settings: Settings) -> None:
    case, (contract,) = await at_work(make, settings)
    await complete(case, settings, contract)
    rating = await acceptances.rate(case.session, case.poster_actor, contract.id, 3, "一般")
    await case.session.execute(text("ALTER TABLE rating DISABLE TRIGGER rating_guard"))
    await case.session.execute(
        update(Rating).where(Rating.id == rating.id).values(rated_at=rating.rated_at - timedelta(days=14))
    )
    await case.session.execute(text("ALTER TABLE rating ENABLE ALWAYS TRIGGER rating_guard"))
    await case.session.commit()
    await catch_up()
    assert await told(case.session, "rating.visible") == 1


async def test_the_result_is_shown_with_each_members_consent_alone(
    make: Factory, settings: Settings, browser_of: BrowserOf
) -> None:
    case, (contract,) = await at_work(make, settings)
    team = case.teams[0]
    with pytest.raises(ConflictError):
        await acceptances.answer_delivery(
            case.session, team.lead_actor, contract.id, show=True, tokenize=terms_of_text
        )
    await complete(case, settings, contract)
    with pytest.raises(ForbiddenError):
        await acceptances.answer_delivery(
            case.session, case.poster_actor, contract.id, show=True, tokenize=terms_of_text
        )
    await acceptances.answer_delivery(
        case.session, team.lead_actor, contract.id, show=True, tokenize=terms_of_text
    )
    await acceptances.answer_delivery(
        case.session, team.member_actor, contract.id, show=False, tokenize=terms_of_text
    )
    with pytest.raises(ConflictError):
        await acceptances.answer_delivery(
            case.session, team.member_actor, contract.id, show=True, tokenize=terms_of_text
        )
    await case.session.commit()
    (item,) = await case.session.scalars(select(EvidenceItem))
    assert case.challenge.title in item.title
    assert item.tokens
    assert (await acceptance_queries.record_of(case.session, team.lead.id)).delivered == 1
    assert (await acceptance_queries.record_of(case.session, team.member.id)).delivered == 0
    reader = await browser_of(case.editor, case.poster)
    assert "已完成 1 个榜单项目" in (await reader.get(f"/solvers/{team.lead.id}")).text


async def test_nothing_of_a_restricted_challenge_is_named_in_a_profile(
    make: Factory, settings: Settings
) -> None:
    case, (contract,) = await at_work(make, settings)
    case.challenge.is_public = False
    await case.session.commit()
    await complete(case, settings, contract)
    await acceptances.answer_delivery(
        case.session, case.teams[0].lead_actor, contract.id, show=True, tokenize=terms_of_text
    )
    item = await case.session.scalar(select(EvidenceItem))
    assert item is not None
    assert case.challenge.title not in item.title + item.text
    assert item.text == ""


async def test_pages_of_reports_answers_and_acceptance(
    make: Factory, settings: Settings, browser_of: BrowserOf
) -> None:
    case, (contract,) = await at_work(make, settings)
    lead = await browser_of(
        await case.session.get_one(type(case.editor), case.teams[0].lead_actor.person_id), case.teams[0].lead
    )
    poster = await browser_of(case.editor, case.poster)
    officer = await browser_of(case.officer)
    page = f"/contracts/{contract.id}"
    for item in await milestones_of(case.session, contract.id):
        await case.session.commit()
        empty = await lead.submit(f"/milestones/{item.id}/report", {"text": ""})
        assert empty.status_code == 422
        done = await lead.submit(
            f"/milestones/{item.id}/report", {"text": "完成"}, files=[("file", ("报告.pdf", PDF))]
        )
        assert done.status_code == 303
        refused = await poster.submit(f"/milestones/{item.id}/answer", {"answer": "refuse", "note": ""})
        assert refused.status_code == 422
        answered = await poster.submit(f"/milestones/{item.id}/answer", {"answer": "accept"})
        assert answered.status_code == 303
    assert "报告.pdf" in (await poster.get(f"{page}/milestones")).text
    assert (await lead.submit(f"{page}/acceptance", {"text": "请验收"})).status_code == 303
    asked = (await acceptance_queries.acceptances_of(case.session, contract.id))[0]
    await case.session.commit()
    assert (await poster.submit(f"/acceptances/{asked.id}/answer", {"answer": "accept"})).status_code == 303
    assert f"{page}/acceptance" in (await officer.get("/officer")).text
    assert (await officer.submit(f"/acceptances/{asked.id}/answer", {"answer": "accept"})).status_code == 303
    assert (await lead.submit(f"{page}/rating", {"stars": "", "comment": "好"})).status_code == 422
    assert (await lead.submit(f"{page}/rating", {"stars": "5", "comment": "好"})).status_code == 303
    assert (await lead.submit(f"{page}/delivery", {"show": "yes"})).status_code == 303
    assert "能力画像展示该成果" in (await lead.get(f"{page}/acceptance")).text
    hidden = (await poster.get(f"{page}/acceptance")).text
    assert "对方已评价" in hidden
    assert "★" * 5 in hidden  # the choice, not the rating
    assert "团队评价" not in hidden


async def test_a_milestone_is_not_reported_once_its_contract_has_ended(
    make: Factory, settings: Settings
) -> None:
    case, (contract,) = await at_work(make, settings)
    item = (await milestones_of(case.session, contract.id))[0]
    await ending.end_contract(case.session, case.poster_actor, contract.id, "需求取消")
    with pytest.raises(ConflictError):
        await milestones.report_milestone(case.session, settings, case.teams[0].lead_actor, item.id, "完成")
    count = await case.session.scalar(
        select(func.count()).select_from(Milestone).where(Milestone.state == MilestoneState.CANCELLED)
    )
    assert count == 2
