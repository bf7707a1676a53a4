"""The what-if form in a real browser: an answer at once, and taken over with one click."""

import os
from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import expect
from sqlalchemy.ext.asyncio import AsyncSession

from tests.browser.conftest import LogIn
from tests.factories import Factory
from tests.integration.consortia import holders, present, propose
from tests.integration.matchmaking import open_market

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

RunJobs = Callable[[], Awaitable[None]]


async def test_a_change_is_answered_beside_the_present_and_taken_over(
    make: Factory, session: AsyncSession, log_in: LogIn, run_jobs: RunJobs
) -> None:
    market = await open_market(make)
    consortium = await propose(market, session, run_jobs)
    revision, joins, leaves = consortium.revision, str(market.institute.id), str(market.coater.id)
    path = f"/challenges/{market.challenge.id}/consortium"
    page = await log_in(market.editor, to=path)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    await expect(page.locator("svg.chart")).to_have_count(2)
    await page.select_option("#what-if-joins", joins)
    answer = page.locator("#what-if-answer")
    await expect(answer).to_contain_text("+ 高温材料研究院")
    await page.select_option("#what-if-leaves", leaves)
    await expect(answer).to_contain_text("− 热障涂层科技")
    assert (await present(market, session)).revision == revision
    if pictures := os.environ.get("PICTURES"):
        for width in (1280, 390):
            await page.set_viewport_size({"width": width, "height": 900})
            await page.screenshot(path=f"{pictures}/what-if-{width}.png", full_page=True)
    await page.locator("#what-if form.card-footer button").click()
    await expect(page.locator("#workbench tbody").first).to_contain_text("单晶")
    await expect(page.locator("#what-if-answer")).to_have_count(0)
    taken = await present(market, session)
    assert taken.revision == revision + 1
    assert "高温材料研究院" in holders(taken).values()
    assert complaints == []
