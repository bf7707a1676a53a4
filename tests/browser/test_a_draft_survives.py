"""What was typed into a draft outlives a lost connection, an ended login and another window."""

import pytest
from playwright.async_api import Page, expect

from challenges.models import ChallengeState
from solvers.models import SizeClass
from tests.browser.conftest import LogIn
from tests.factories import Factory

pytestmark = pytest.mark.browser


@pytest.fixture
async def page(log_in: LogIn, make: Factory) -> Page:
    """The editor of a draft, opened by its poster."""
    poster = await make.organization(size=SizeClass.LARGE)
    person = await make.member(poster)
    draft = await make.challenge(poster, await make.program(), state=ChallengeState.DRAFT, title="原来的标题")
    return await log_in(person, to=f"/challenges/{draft.id}/edit")


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
