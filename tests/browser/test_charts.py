"""Charts are drawn under the security policy; without them the tables are there."""

from datetime import UTC, datetime

import pytest
from playwright.async_api import Browser, expect

from solvers.models import SizeClass
from tests.browser.conftest import LogIn
from tests.browser.test_getting_around import PHONE, complaints_of
from tests.factories import Factory
from tests.integration.awards import approve

pytestmark = pytest.mark.browser
# Some pixel of the drawing is not empty.
IS_PAINTED = (
    """canvas => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some(Boolean)"""
)


async def test_an_officer_sees_charts_and_the_policy_refuses_nothing(make: Factory, log_in: LogIn) -> None:
    officer = await make.officer()
    program = await make.program(officer)
    poster = await make.organization(size=SizeClass.LARGE)
    parts = [(await make.organization(size=SizeClass.LARGE), 600), (await make.organization(), 400)]
    await approve(make, program, poster, officer, datetime(2026, 5, 20, tzinfo=UTC), *parts, price=0.04)
    path = f"/programs/{program.id}/dashboard"
    page = await log_in(officer)
    complaints = complaints_of(page)
    await page.goto(path)
    canvas = page.locator("#months canvas").first
    await expect(canvas).to_be_visible()
    assert await canvas.evaluate(IS_PAINTED)
    # The tooltip is drawn as well, and brings no style of its own.
    await canvas.hover()
    table = page.locator("#months table")
    await expect(table).to_be_hidden()
    await page.locator("#months summary").click()
    await expect(table).to_contain_text("2026-05")
    await page.set_viewport_size(PHONE)
    assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    await page.goto("/statistics")
    await expect(page.locator("#published canvas").first).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert complaints == []


async def test_without_script_the_tables_are_open(make: Factory, chromium: Browser, address: str) -> None:
    await make.challenge(await make.organization(size=SizeClass.LARGE), await make.program())
    context = await chromium.new_context(java_script_enabled=False, base_url=address)
    page = await context.new_page()
    await page.goto("/statistics")
    await expect(page.locator("#published table")).to_be_visible()
    await page.locator("#year").select_option(index=1)
    await page.locator("main form button").click()
    await expect(page).to_have_url(f"{address}/statistics?year={await page.locator('#year').input_value()}")
