"""The bid's editor in a browser: it saves itself, adds up, and takes files in pieces that go on after a lost connection."""

import os
from pathlib import Path

import pytest
from playwright.async_api import Page, Route, expect

from core.uploads import PIECE_BYTES
from solvers.models import SizeClass
from tests.browser.conftest import LogIn
from tests.factories import Factory

pytestmark = pytest.mark.browser

STATEMENT = "我单位及项目负责人无在惩的科研失信记录。"


@pytest.fixture
async def page(log_in: LogIn, make: Factory) -> Page:
    """The editor of a bid that was just begun."""
    program = await make.program(statements=[STATEMENT])
    challenge = await make.challenge(await make.organization(size=SizeClass.LARGE), program)
    person = await make.member(await make.organization())
    page = await log_in(person, to=f"/challenges/{challenge.id}/bids/new")
    await page.locator("main form button").click()
    await page.wait_for_url("**/bids/*")
    return page


async def picture(page: Page, name: str) -> None:
    """Kept where PICTURES names a directory, to be looked at."""
    if directory := os.environ.get("PICTURES"):
        for width in (1280, 390):
            await page.set_viewport_size({"width": width, "height": 900})
            await page.screenshot(path=Path(directory) / f"{name}-{width}.png", full_page=True)
        await page.set_viewport_size({"width": 1280, "height": 900})


async def test_it_saves_itself_adds_up_and_keeps_rows(page: Page) -> None:
    await page.fill("#technical_plan", "采用籽晶法定向凝固。")
    await page.fill("#parts-0-years-0", "300")
    await page.fill("#parts-0-years-1", "200.5")
    await expect(page.locator("[data-sum-of-all]")).to_have_text("500.5")
    await page.fill("#steps-0-name", "工艺验证")
    await page.click('button[value="add:steps"]')
    await expect(page.locator("#steps-1-name")).to_be_visible()
    await expect(page.locator("#steps-0-name")).to_have_value("工艺验证")
    await page.fill("#people-0-person_months", "12")
    await expect(page.locator("#saved")).to_contain_text("保存")
    await picture(page, "bid-editor")
    await page.reload()
    await expect(page.locator("#parts-0-years-1")).to_have_value("200.5")
    await expect(page.locator("#technical_plan")).to_have_value("采用籽晶法定向凝固。")


async def test_a_file_goes_on_where_it_stopped_and_what_was_typed_stays(page: Page, tmp_path: Path) -> None:
    file = tmp_path / "工艺路线.pdf"
    file.write_bytes(b"%PDF-1.7 " + bytes(3 * PIECE_BYTES))
    offsets: list[str] = []

    async def second_is_lost(route: Route) -> None:
        offsets.append(route.request.url.rpartition("=")[2])
        if len(offsets) == 2:
            await route.abort("connectionfailed")
        else:
            await route.continue_()

    await page.route("**/pieces?offset=*", second_is_lost)
    await page.fill("#technical_plan", "未保存的文字")
    await page.set_input_files("#file", file)
    await page.click("form:has([data-upload]) button:has-text('上传')")
    await expect(page.locator("#files a")).to_have_text("工艺路线.pdf", timeout=20_000)
    assert offsets == ["0", str(PIECE_BYTES), str(PIECE_BYTES), str(2 * PIECE_BYTES), str(3 * PIECE_BYTES)]
    await expect(page.locator("#technical_plan")).to_have_value("未保存的文字")


async def test_a_file_that_is_refused_has_its_message_at_the_field(page: Page, tmp_path: Path) -> None:
    file = tmp_path / "网页.pdf"
    file.write_bytes(b"<html>")
    await page.set_input_files("#file", file)
    await page.click("form:has([data-upload]) button:has-text('上传')")
    await expect(page.locator("[data-upload] [data-error]")).to_contain_text("PDF")
