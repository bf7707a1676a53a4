import pytest
from playwright.async_api import expect
from sqlalchemy.ext.asyncio import AsyncSession

from challenges.postings.events import PUBLISHED
from core.notifications.service import notify
from solvers.models import SizeClass
from tests.browser.conftest import LogIn
from tests.factories import Factory

pytestmark = pytest.mark.browser


async def test_the_bell_counts_without_reloading_and_the_list_follows(
    make: Factory, session: AsyncSession, log_in: LogIn
) -> None:
    poster = await make.organization(size=SizeClass.LARGE)
    person = await make.member(poster)
    challenge = await make.challenge(poster, await make.program(await make.officer()), title="轴承寿命预测")
    page = await log_in(person, to="/notifications")
    count = page.locator("#bell .bell-count")
    await expect(count).to_be_hidden()
    await expect(page.get_by_text("暂无消息")).to_be_visible()
    await notify(session, "event", PUBLISHED, [person.id], challenge, {"title": challenge.title, "note": ""})
    await session.commit()
    await expect(count).to_have_text("1", timeout=20_000)
    await expect(page.get_by_role("link", name="已发布：轴承寿命预测")).to_be_visible()
    await page.get_by_role("button", name="标为已读").last.click()
    await expect(count).to_be_hidden(timeout=20_000)


async def test_the_list_works_without_scripts(make: Factory, session: AsyncSession, log_in: LogIn) -> None:
    poster = await make.organization(size=SizeClass.LARGE)
    person = await make.member(poster)
    challenge = await make.challenge(poster, await make.program(await make.officer()), title="轴承寿命预测")
    await notify(session, "event", PUBLISHED, [person.id], challenge, {"title": challenge.title, "note": ""})
    await session.commit()
    page = await log_in(person)
    await page.route("**/*.js*", lambda route: route.abort())
    await page.goto("/notifications")
    await page.get_by_role("button", name="全部标为已读").click()
    await expect(page.get_by_text("所有消息均已标为已读")).to_be_visible()
    await expect(page.locator("#bell .bell-count")).to_be_hidden()
