"""Publication, a question, the bids, their opening and the formal check."""

import re

from playwright.async_api import Page

from challenges.models import Bid, ChallengeState, FormalCheck
from tests.browser.complete_round.people import Bidder, Round, said


async def publish(way: Round) -> None:
    page = await way.window(way.officers[0], way.path)
    await way.press(page, "/publish")
    await way.run_jobs()


async def ask(way: Round) -> None:
    page = await way.window(way.bidders[0][1], f"{way.path}/questions")
    await way.press(page, "/questions", text="试验台由谁提供？")
    page = await way.window(way.editor, f"{way.path}/questions")
    await way.press(page, "/answer", answer="由发榜方提供。")


async def bid(way: Round, bidder: Bidder, *partners: Bidder) -> Bid:
    """Written, with the partners' consent, and handed in."""
    organization, person = bidder
    page = await way.window(person, f"{way.path}/bids/new")
    await page.locator("main form button").click()
    await page.wait_for_url(re.compile(r"/bids/[0-9a-f-]{36}$"))
    found = await way.one(Bid, Bid.challenge_id == way.challenge.id, Bid.organization_id == organization.id)
    for partner, colleague in partners:
        await page.goto(f"/bids/{found.id}/partners?q={partner.name}")
        await way.press(page, f"/bids/{found.id}/members")
        answer = await way.window(colleague, f"/bids/{found.id}")
        await way.press(answer, f"/bids/{found.id}/answer")
    await page.goto(f"/bids/{found.id}")
    await _write(way, page, organization.name, heads=1 + len(partners))
    await page.locator('button[name=action][value="submit"]').click()
    await said(page)
    await way.picture(page)
    return found


async def _write(way: Round, page: Page, name: str, *, heads: int) -> None:
    await page.click('button[value="add:steps"]')
    await page.locator("#steps-1-name").wait_for()
    for field in ("technical_plan", "ability", "team", "timeline", "contact_name", "contact_phone"):
        await page.fill(f"#{field}", f"{name}：采用籽晶法定向凝固")
    for number, key in enumerate(way.requirements):
        await page.locator(f'input[name="parts-{number % heads}-requirement_ids"][value="{key}"]').check()
    for year in await page.locator("input[data-year]").all():
        await year.fill("100")
    for field, value in {
        "steps-0-name": "工艺验证",
        "steps-0-from_month": "1",
        "steps-0-to_month": "6",
        "steps-0-deliverable": "工艺验证报告",
        "steps-1-name": "小批试制",
        "steps-1-from_month": "7",
        "steps-1-to_month": "12",
        "steps-1-deliverable": "合格叶片与检测报告",
        "people-0-name": "陈工",
        "people-0-role": "项目负责人",
        "people-0-person_months": "6",
    }.items():
        await page.fill(f"#{field}", value)


async def open_and_check(way: Round) -> None:
    """The deadline passes, two officers open the bids, and each passes the check."""
    await way.let_pass("challenge", "deadline_at")
    assert await way.state() is ChallengeState.CLOSED
    for officer in way.officers:
        page = await way.window(officer, f"{way.path}/bids")
        await way.press(page, "/bids/open")
    page = await way.window(way.officers[0], f"{way.path}/checks")
    await way.press(page, "/checks")
    checks = await way.all(FormalCheck)
    assert len(checks) == len(way.bidders)
    for check in checks:
        page = await way.window(way.officers[0], f"/checks/{check.id}")
        form = page.locator(f'form[action="/checks/{check.id}"]')
        for yes in await form.locator('input[type=radio][value="met"]').all():
            await yes.check()
        await form.locator('button[value="pass"]').click()
        await said(page)
