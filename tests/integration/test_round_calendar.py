"""The page of a round: the dates of its challenges, each for those who may read it."""

from datetime import date, timedelta
from typing import Any

from challenges.models import Challenge, ChallengeState, InvitedSolver
from core.clock import shanghai_today, utc_now
from tests.conftest import BrowserOf
from tests.factories import Factory
from tests.integration.matchmaking import Market, open_market
from web.round_calendar import RoundDate, first_of_month, month_of


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
