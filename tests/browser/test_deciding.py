"""Two officers waive the quota, one approves, everybody reads it, and the decision is replayed: in a real browser."""

from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import expect
from sqlalchemy.ext.asyncio import AsyncSession

from tests.browser.conftest import LogIn
from tests.factories import Factory
from tests.integration.test_waiving_the_quota import REASON, broken

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

RunJobs = Callable[[], Awaitable[None]]


async def test_a_waiver_by_two_officers_an_approval_and_its_replay(
    make: Factory, session: AsyncSession, run_jobs: RunJobs, log_in: LogIn
) -> None:
    case = await broken(make, session, run_jobs)
    path, challenge_id = f"/consortia/{case.key}", case.market.challenge.id

    first = await log_in(case.market.officer, to=path)
    await expect(first.locator("input[value=approved]")).to_be_disabled()
    await first.fill("#waiver-reason", REASON)
    await first.locator("#waiver form button").click()
    await expect(first.locator("#waiver")).to_contain_text("待第二名项目主管确认")
    await expect(first.locator("#waiver form")).to_have_count(0)

    second = await log_in(case.second_person, to="/officer")
    await second.locator("#waivers a").first.click()
    await second.locator("input[value=confirm]").check()
    await second.locator("#waiver form button").click()
    await expect(second.locator("#waiver")).to_contain_text("已确认")

    await first.goto(path)
    await first.locator("input[value=approved]").check()
    await first.locator("form[action$='/decide'] button").click()
    replay = first.locator("[id^=replay-]")
    await replay.locator("a.btn").click()
    await expect(replay.locator(".ti-circle-check")).to_be_visible()
    await expect(replay.locator("li")).to_have_count(8)
    await expect(first).to_have_url(first.url.split("#")[0])

    public = await log_in(to=f"/challenges/{challenge_id}")
    await expect(public.locator("#waived")).to_contain_text(REASON)
    await expect(public.locator("#waived")).to_contain_text(case.second.name)


async def test_the_replay_works_without_javascript(
    make: Factory, session: AsyncSession, run_jobs: RunJobs, log_in: LogIn
) -> None:
    case = await broken(make, session, run_jobs)
    page = await log_in(case.market.officer, to=f"/consortia/{case.key}")
    await page.locator("input[value=rejected]").check()
    await page.fill("form[action$='/decide'] [name=reason]", "比例不足")
    await page.locator("form[action$='/decide'] button").click()
    link = page.locator("[id^=replay-] a.btn")
    address = await link.get_attribute("href")
    assert address is not None
    # What a browser without htmx does with the link.
    await page.goto(address)
    await expect(page.locator("h1")).to_be_visible()
    await expect(page.locator(".ti-circle-check")).to_be_visible()
