"""The page of a round: the dates of its challenges, each for those who may read it."""

from datetime import date, timedelta
from typing import Any

from sqlalchemy import select

from challenges.milestones.queries import milestones_of
from challenges.models import (
    Amendment,
    AmendmentState,
    Challenge,
    ChallengeState,
    FinalAcceptance,
    InvitedSolver,
    MilestoneState,
    NoticeState,
    Program,
    Round,
)
from challenges.notices.queries import standing_notice
from core.clock import shanghai_today, utc_now
from core.settings import Settings
from tests.conftest import BrowserOf
from tests.factories import Factory
from tests.integration.contracting import at_work, award
from tests.integration.matchmaking import Market, open_market
from tests.integration.reviewing import scoring_panel
from web.round_calendar import first_of_month, month_of
from web.round_dates import RoundDate


def address(market: Market) -> str:
    return f"/programs/{market.program.id}/rounds/{market.program.rounds[0].id}"


async def round_of(make: Factory) -> tuple[Market, dict[str, Challenge]]:
    market = await open_market(make, state=ChallengeState.PUBLISHED, title="公开的榜单")
    later = utc_now() + timedelta(days=40)

    async def another(title: str, state: ChallengeState, **values: Any) -> Challenge:
        return await make.challenge(
            market.poster, market.program, title=title, state=state, deadline_at=later, **values
        )

    others = {
        "restricted": await another("定向的榜单", ChallengeState.PUBLISHED, is_public=False),
        "submitted": await another("待初审的榜单", ChallengeState.SUBMITTED, submitted_at=utc_now()),
        "planned": await another(
            "定时发布的榜单",
            ChallengeState.SUBMITTED,
            submitted_at=utc_now(),
            publish_at=utc_now() + timedelta(days=3),
        ),
        "draft": await another("草稿榜单", ChallengeState.DRAFT),
    }
    make.session.add(InvitedSolver(challenge_id=others["restricted"].id, organization_id=market.coater.id))
    await make.session.commit()
    return market, others


async def test_everybody_sees_public_dates_and_only_those(make: Factory, browser_of: BrowserOf) -> None:
    market, others = await round_of(make)
    for view in ("", "?view=month"):
        page = (await (await browser_of()).get(address(market) + view)).text
        assert "公开的榜单" in page
        assert not any(item.title in page for item in others.values())
        assert "/exports" not in page


async def test_the_invited_see_the_restricted_challenge_and_officers_what_waits(
    make: Factory, browser_of: BrowserOf
) -> None:
    market, others = await round_of(make)
    invited = await browser_of(await make.member(market.coater), market.coater)
    page = (await invited.get(address(market))).text
    assert others["restricted"].title in page
    assert others["submitted"].title not in page
    officer = await browser_of(market.officer)
    page = (await officer.get(address(market))).text
    assert all(others[name].title in page for name in ("restricted", "submitted", "planned"))
    assert others["draft"].title not in page
    assert "ti-eye-off" in page
    stranger = await browser_of(await make.officer())
    assert others["submitted"].title not in (await stranger.get(address(market))).text


async def test_the_poster_reads_its_own_challenges_but_nothing_that_is_for_officers(
    make: Factory, browser_of: BrowserOf
) -> None:
    market, _others = await round_of(make)
    poster = await browser_of(market.editor, market.poster)
    assert "ti-eye-off" not in (await poster.get(address(market))).text


async def test_a_withdrawn_challenge_has_no_deadline_ahead(make: Factory, browser_of: BrowserOf) -> None:
    market, _others = await round_of(make)
    market.challenge.state = ChallengeState.WITHDRAWN
    await make.session.commit()
    page = (await (await browser_of()).get(address(market))).text
    assert "ti-speakerphone" in page
    assert "ti-clock-stop" not in page


async def test_a_round_of_another_program_is_not_at_this_address(
    make: Factory, browser_of: BrowserOf
) -> None:
    market, _others = await round_of(make)
    other = await make.program()
    browser = await browser_of()
    answer = await browser.get(f"/programs/{other.id}/rounds/{market.program.rounds[0].id}")
    assert answer.status_code == 404


def test_a_month_is_whole_weeks_and_holds_each_date_once() -> None:
    dates = [RoundDate(date(2026, 11, day), "x", "x", "red") for day in (1, 30)]
    month = month_of(date(2026, 11, 1), dates)
    assert all(len(week) == 7 for week in month.weeks)
    assert month.weeks[0][0].day.weekday() == 0
    days = [cell for week in month.weeks for cell in week if cell.is_in_month]
    assert [cell.day.day for cell in days] == list(range(1, 31))
    assert sum(len(cell.dates) for cell in days) == 2
    assert (month.before, month.after) == (date(2026, 10, 1), date(2026, 12, 1))


def test_the_month_shown_first_is_that_of_the_next_date() -> None:
    today = shanghai_today()
    past, ahead = today - timedelta(days=200), today + timedelta(days=100)
    dates = [RoundDate(day, "x", "x", "red") for day in (past, ahead)]
    assert first_of_month("", today, dates) == ahead.replace(day=1)
    assert first_of_month("", today, dates[:1]) == past.replace(day=1)
    assert first_of_month("2026-02", today, dates) == date(2026, 2, 1)
    assert first_of_month("2026-13", today, []) == today.replace(day=1)


async def round_path(make: Factory, program: Program) -> str:
    (number,) = await make.session.scalars(select(Round.id).where(Round.program_id == program.id))
    return f"/programs/{program.id}/rounds/{number}"


async def test_from_the_contract_to_the_acceptance_dates_are_for_officers_alone(
    make: Factory, settings: Settings, browser_of: BrowserOf
) -> None:
    case, (contract,) = await at_work(make, settings)
    first, *_others = await milestones_of(make.session, contract.id)
    first.state, first.reported_at = MilestoneState.REPORTED, utc_now()
    make.session.add(
        FinalAcceptance(
            contract_id=contract.id,
            text="请验收",
            asked_by_id=case.editor.id,
            asked_at=utc_now(),
        )
    )
    await make.session.commit()
    path = await round_path(make, case.program)
    internal = [
        f"/consortia/{case.teams[0].consortium.id}",
        f"/contracts/{contract.id}",
        f"/contracts/{contract.id}/milestones#m-{first.id}",
        f"/contracts/{contract.id}/acceptance",
    ]
    notice = await standing_notice(make.session, case.challenge.id)
    assert notice is not None
    officer = (await (await browser_of(case.officer)).get(path)).text
    assert all(f'href="{address}"' in officer for address in internal)
    team = case.teams[0]
    for browser in (
        await browser_of(),
        await browser_of(await make.member(team.lead), team.lead),
        await browser_of(case.editor, case.poster),
        await browser_of(await make.officer()),
    ):
        page = (await browser.get(path)).text
        assert not any(f'href="{address}"' in page for address in internal)
        # Begin and end of the notice are public.
        assert page.count(f'href="/notices/{notice.id}"') == 2
    notice.state, notice.note = NoticeState.WITHDRAWN, "撤回"
    await make.session.commit()
    assert (await (await browser_of()).get(path)).text.count(f'href="/notices/{notice.id}"') == 1


async def test_the_notice_of_a_restricted_challenge_is_on_no_strangers_calendar(
    make: Factory, browser_of: BrowserOf
) -> None:
    case = await award(make)
    case.challenge.is_public = False
    await make.session.commit()
    notice = await standing_notice(make.session, case.challenge.id)
    assert notice is not None
    path = await round_path(make, case.program)
    stranger = await make.organization()
    for browser, seen in (
        (await browser_of(), False),
        (await browser_of(await make.member(stranger), stranger), False),
        (await browser_of(case.editor, case.poster), True),
    ):
        assert (f"/notices/{notice.id}" in (await browser.get(path)).text) is seen


async def test_the_deadline_of_a_review_is_for_officers_alone(make: Factory, browser_of: BrowserOf) -> None:
    panel = await scoring_panel(make)
    stage = panel.stage
    path = await round_path(make, stage.program)
    address = f'href="/challenges/{stage.challenge.id}/review"'
    assert address in (await (await browser_of(stage.officer)).get(path)).text
    for browser in (
        await browser_of(),
        await browser_of(panel.people[0]),
        await browser_of(stage.poster_person, stage.poster),
        await browser_of(stage.people[0], stage.bidders[0]),
    ):
        assert address not in (await browser.get(path)).text


async def test_what_was_changed_is_for_everybody_and_what_waits_for_officers(
    make: Factory, browser_of: BrowserOf
) -> None:
    market, _others = await round_of(make)
    challenge = market.challenge
    for version, state in ((1, AmendmentState.CONFIRMED), (None, AmendmentState.PROPOSED)):
        make.session.add(
            Amendment(
                challenge_id=challenge.id,
                state=state,
                version=version,
                explanation="延长",
                before={},
                after={},
                deadline_before=challenge.deadline_at,
                deadline_after=challenge.deadline_at,
                base_revision=1,
                proposed_by_id=market.editor.id,
                proposed_at=utc_now(),
                decided_at=utc_now() if version else None,
            )
        )
    await make.session.commit()
    changes = f"/challenges/{challenge.id}/changes"
    for browser, waiting in ((await browser_of(), False), (await browser_of(market.officer), True)):
        page = (await browser.get(address(market))).text
        assert f'href="{changes}"' in page
        assert (f'href="{changes}#waiting"' in page) is waiting
