"""The history of a challenge in words: who sees what of it, filters, pages, the file."""

import csv
import io
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.bids.states import BID
from challenges.models import Bid, BidMember, BidMemberState, BidState, ChallengeState
from challenges.postings.screening import publish_challenge, return_challenge
from challenges.questions.service import answer, ask
from core import audit
from core.clock import shanghai_today, utc_now
from core.settings import Settings
from core.states import move
from tests.conftest import BrowserOf
from tests.factories import Factory
from tests.integration.contracting import at_work
from tests.integration.matchmaking import Market, actor_of, open_market
from tests.integration.reviewing import scoring_panel


async def returned(make: Factory) -> Market:
    market = await open_market(
        make,
        state=ChallengeState.SUBMITTED,
        submitted_at=utc_now(),
        deadline_at=utc_now() + timedelta(days=60),
    )
    await return_challenge(make.session, market.officer_actor, market.challenge.id, note="请补充指标")
    await make.session.commit()
    return market


async def test_officer_and_poster_read_who_did_what_and_why(make: Factory, browser_of: BrowserOf) -> None:
    market = await returned(make)
    for browser in (
        await browser_of(market.officer),
        await browser_of(market.editor, market.poster),
    ):
        page = (await browser.get(f"/challenges/{market.challenge.id}/history")).text
        assert market.officer.name in page
        assert "请补充指标" in page
        assert "→" in page


async def test_others_read_no_history(make: Factory, browser_of: BrowserOf) -> None:
    market = await open_market(make)
    for suffix in ("history", "history.csv"):
        path = f"/challenges/{market.challenge.id}/{suffix}"
        assert (await (await browser_of()).get(path)).status_code == 401
        solver = await browser_of(await make.member(market.coater), market.coater)
        assert (await solver.get(path)).status_code == 403
        assert (await (await browser_of(await make.officer())).get(path)).status_code == 403


async def test_bids_appear_once_they_are_opened_and_for_officers_alone(
    make: Factory, session: AsyncSession, browser_of: BrowserOf
) -> None:
    market = await open_market(make, state=ChallengeState.PUBLISHED)
    lead = await make.member(market.coater)
    bid = Bid(
        challenge_id=market.challenge.id,
        organization_id=market.coater.id,
        members=[BidMember(organization_id=market.coater.id, position=0, state=BidMemberState.CONFIRMED)],
    )
    session.add(bid)
    await session.commit()
    from challenges.bids.queries import bid_by_id

    loaded = await bid_by_id(session, bid.id)
    assert loaded is not None
    await move(session, BID, actor_of(lead, market.coater), loaded, BidState.SUBMITTED)
    market.challenge.state, market.challenge.deadline_at = (
        ChallengeState.CLOSED,
        utc_now() - timedelta(seconds=1),
    )
    await session.commit()
    officer = await browser_of(market.officer)
    poster = await browser_of(market.editor, market.poster)
    path = f"/challenges/{market.challenge.id}/history"
    for browser in (officer, poster):
        assert lead.name not in (await browser.get(path)).text
    await make.opened(market.challenge)
    assert lead.name in (await officer.get(path)).text
    assert lead.name not in (await poster.get(path)).text


async def test_filters_narrow_and_the_file_holds_the_same(make: Factory, browser_of: BrowserOf) -> None:
    market = await returned(make)
    browser = await browser_of(market.officer)
    path = f"/challenges/{market.challenge.id}/history"
    today = shanghai_today()
    for parameters, found in (
        (f"who={market.officer.name}", True),
        ("who=没有此人", False),
        (f"since={today}&until={today}", True),
        (f"until={today - timedelta(days=1)}", False),
        ("kind=challenge", True),
        # What means nothing is as if absent.
        ("kind=person&since=2026-99-99", True),
    ):
        assert ("请补充指标" in (await browser.get(f"{path}?{parameters}")).text) is found
        rows = list(
            csv.reader(
                io.StringIO((await browser.get(f"{path}.csv?{parameters}")).content.decode("utf-8-sig"))
            )
        )
        assert any("请补充指标" in row for row in rows[1:]) is found


async def test_long_histories_come_in_pages(
    make: Factory, session: AsyncSession, browser_of: BrowserOf
) -> None:
    market = await open_market(make)
    for number in range(25):
        await audit.record(
            session,
            market.officer_actor,
            "challenge.attachment_added",
            "challenge",
            market.challenge.id,
            {"name": f"文件{number:02}"},
        )
    await session.commit()
    browser = await browser_of(market.officer)
    path = f"/challenges/{market.challenge.id}/history"
    first, second = (await browser.get(path)).text, (await browser.get(f"{path}?page=2")).text
    assert "文件24" in first
    assert "文件00" not in first
    assert "文件00" in second
    assert "文件24" not in second


async def test_publishing_is_told_with_both_states(
    make: Factory, session: AsyncSession, browser_of: BrowserOf
) -> None:
    market = await open_market(
        make,
        state=ChallengeState.SUBMITTED,
        submitted_at=utc_now(),
        deadline_at=utc_now() + timedelta(days=60),
    )
    await publish_challenge(session, market.officer_actor, market.challenge.id)
    await session.commit()
    browser = await browser_of(market.officer)
    await browser.get("/locale/en")
    page = (await browser.get(f"/challenges/{market.challenge.id}/history")).text
    assert "In screening → Open for bids" in page or "→ Open for bids" in page


async def test_contracts_stand_in_the_history_of_officers_and_poster(
    make: Factory, settings: Settings, browser_of: BrowserOf
) -> None:
    case, (contract,) = await at_work(make, settings)
    for browser in (await browser_of(case.officer), await browser_of(case.editor, case.poster)):
        page = (await browser.get(f"/challenges/{case.challenge.id}/history")).text
        assert f'href="/contracts/{contract.id}"' in page
        only = (await browser.get(f"/challenges/{case.challenge.id}/history?kind=contract_version")).text
        assert f'href="/contracts/{contract.id}"' in only
        assert f'<div class="small text-secondary">{case.editor.name}' not in only
    team = case.teams[0]
    member = await browser_of(await make.member(team.lead), team.lead)
    assert (await member.get(f"/challenges/{case.challenge.id}/history")).status_code == 403


async def test_who_sits_on_a_panel_is_in_the_history_of_officers_alone(
    make: Factory, browser_of: BrowserOf
) -> None:
    panel = await scoring_panel(make)
    await panel.everything((8, 6), (7, 5))
    stage = panel.stage
    path = f"/challenges/{stage.challenge.id}/history"
    officer = (await (await browser_of(stage.officer)).get(f"{path}?kind=review")).text
    assert all(person.name in officer for person in panel.people)
    poster = await browser_of(stage.poster_person, stage.poster)
    for address in (path, f"{path}?kind=review", f"{path}.csv"):
        text = (await poster.get(address)).text
        assert not any(person.name in text for person in panel.people)


async def test_answers_stand_in_the_history_and_never_who_asked(
    make: Factory, session: AsyncSession, browser_of: BrowserOf
) -> None:
    market = await open_market(
        make, state=ChallengeState.PUBLISHED, deadline_at=utc_now() + timedelta(days=60)
    )
    asker = await make.member(market.coater)
    question = await ask(session, actor_of(asker, market.coater), market.challenge.id, "涂层厚度如何检验？")
    await answer(session, market.poster_actor, question.id, "用涡流测厚仪。")
    await session.commit()
    for browser in (await browser_of(market.officer), await browser_of(market.editor, market.poster)):
        page = (await browser.get(f"/challenges/{market.challenge.id}/history?kind=question")).text
        assert "ti-message-reply" in page
        assert asker.name not in page
        assert market.coater.name not in page
