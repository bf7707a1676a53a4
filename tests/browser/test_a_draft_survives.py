"""What was typed into a draft outlives a lost connection, an ended login and another window."""

import asyncio
import os
import shutil
import socket
import threading
from collections.abc import AsyncIterator

import pytest
import uvicorn
from litestar import Litestar
from playwright.async_api import Page, async_playwright, expect

from challenges.models import ChallengeState
from solvers.models import SizeClass
from tests.factories import PASSWORD, Factory

pytestmark = pytest.mark.browser

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture
async def address(app: Litestar) -> AsyncIterator[str]:
    """The application behind a real socket."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:  # noqa: ASYNC110 -- uvicorn tells of its start by this flag alone
        await asyncio.sleep(0.05)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    await asyncio.to_thread(thread.join)


@pytest.fixture
async def page(address: str, make: Factory) -> AsyncIterator[Page]:
    """The editor of a draft, opened by its poster."""
    poster = await make.organization(size=SizeClass.LARGE)
    person = await make.member(poster)
    draft = await make.challenge(poster, await make.program(), state=ChallengeState.DRAFT, title="原来的标题")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = await (await browser.new_context(locale="zh-CN")).new_page()
        await page.goto(f"{address}/login?to=/challenges/{draft.id}/edit")
        await page.fill("[name=email]", person.email)
        await page.fill("[name=password]", PASSWORD)
        await page.press("[name=password]", "Enter")
        await page.wait_for_url("**/edit")
        yield page
        await browser.close()


async def reopened(page: Page) -> Page:
    other = await page.context.new_page()
    await other.goto(page.url)
    return other


async def test_typing_saves_by_itself(page: Page) -> None:
    await page.fill("#title", "新的标题")
    await expect(page.locator("#saved")).to_contain_text("保存")
    await expect(page.locator("#revision")).to_have_value("2")
    await expect((await reopened(page)).locator("#title")).to_have_value("新的标题")


async def test_sums_follow_the_rows(page: Page) -> None:
    for number, weight in enumerate(["33.33", "33.33", "33.34"]):
        await page.fill(f"#requirements-{number}-weight", weight)
    sum_of_weights = page.locator('[data-sum-of="weight"]')
    await expect(sum_of_weights).to_have_text("100")
    await expect(sum_of_weights).not_to_have_class("tabular text-danger")
    await page.click('button[value="remove:0"]')
    await expect(page.locator(".requirement-row")).to_have_count(2)
    await expect(sum_of_weights).to_have_text("66.67")


async def test_what_was_typed_without_a_connection_is_sent_when_it_is_back(page: Page) -> None:
    await page.context.set_offline(True)
    await page.fill("#title", "离线时的标题")
    await expect(page.locator("#toasts")).to_contain_text("暂时连不上服务器")
    await page.context.set_offline(False)
    await expect(page.locator("#revision")).to_have_value("2")
    await expect((await reopened(page)).locator("#title")).to_have_value("离线时的标题")


async def test_what_was_typed_after_the_login_ended_is_offered_again(page: Page) -> None:
    cookies = await page.context.cookies()
    await page.context.clear_cookies(name="jiebang_login")
    await page.fill("#title", "登录失效后的标题")
    await expect(page.locator("#toasts")).to_contain_text("登录")
    url = page.url
    await page.goto("about:blank")
    await page.context.add_cookies([cookie for cookie in cookies if cookie["name"] == "jiebang_login"])  # type: ignore[misc]
    await page.goto(url)
    await expect(page.locator("#title")).to_have_value("原来的标题")
    await expect(page.locator("#restore")).to_be_visible()
    await page.click("[data-restore]")
    await expect(page.locator("#title")).to_have_value("登录失效后的标题")
    await expect(page.locator("#restore")).to_be_hidden()


async def test_a_stale_window_stops_saving_and_lets_its_writer_decide(page: Page) -> None:
    other = await reopened(page)
    await other.fill("#title", "另一窗口的标题")
    await expect(other.locator("#revision")).to_have_value("2")
    await page.fill("#title", "本窗口的标题")
    await expect(page.locator("#saved")).to_contain_text("其他窗口")
    await page.fill("#title", "本窗口后来的标题")
    await page.click(".draft-side button:not(.btn-primary)")
    await expect(page.locator("#title")).to_have_value("本窗口后来的标题")
    await expect((await reopened(page)).locator("#title")).to_have_value("另一窗口的标题")
    await page.click("button[name=overwrite]")
    await expect(page.locator(".alert-danger")).to_have_count(0)
    await expect((await reopened(page)).locator("#title")).to_have_value("本窗口后来的标题")
