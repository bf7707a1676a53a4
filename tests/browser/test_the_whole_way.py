"""From a posted challenge to an approved consortium, as the three users, in a real browser with real jobs."""

import re
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from playwright.async_api import Page, expect
from sqlalchemy import select

from challenges.indexes import terms_of_text
from challenges.models import Challenge, ChallengeState, Consortium, ConsortiumState
from core.accounts.models import Person
from core.actor import Actor
from core.clock import SHANGHAI, utc_now
from solvers.models import Organization, OrganizationKind, SizeClass
from solvers.profiles.service import ProfileData, save_profile
from tests.browser.conftest import LogIn
from tests.factories import Factory

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

RunJobs = Callable[[], Awaitable[None]]
TITLE = "单晶涡轮叶片铸造缺陷控制"
REQUIREMENTS = [
    ("单晶叶片定向凝固铸造工艺", "合格率不低于85%", "50", "300"),
    ("叶片热障涂层等离子喷涂", "热循环寿命不低于2000次", "30", "200"),
    ("叶片缺陷超声相控阵检测", "检出直径0.4毫米缺陷", "20", "100"),
]
SUMMARIES = {
    "casting": "从事单晶叶片定向凝固铸造工艺开发，具备籽晶法与螺旋选晶器设计能力，合格率稳定。",
    "coating": "专业从事涡轮叶片热障涂层等离子喷涂，热循环寿命超过2000次。",
    "testing": "研制叶片缺陷超声相控阵检测设备，可检出微小缺陷。",
    "noise": "提供餐饮配送与会务服务，拥有冷链车队。",
}


async def test_three_users_walk_from_a_need_to_an_approved_consortium(
    make: Factory, log_in: LogIn, run_jobs: RunJobs
) -> None:
    officer, second = await make.officer(), await make.officer()
    rule = {"min_sme_budget_share": "0.5", "max_members": 4, "applies_to": "all"}
    await make.program(officer, second, rule=rule)
    poster = await make.organization(size=SizeClass.LARGE, name="长风航空动力集团有限公司")
    poster_person = await make.member(poster)
    sme, sme_person = await _solver(make, "casting", SizeClass.SMALL)
    await _solver(make, "coating", SizeClass.MEDIUM)
    await _solver(make, "testing", SizeClass.MICRO)
    await _solver(make, "noise", SizeClass.SMALL)

    challenge = await _post(make, await log_in(poster_person, to="/challenges/new"))
    await _publish(await log_in(officer, to="/officer"))
    await run_jobs()
    await make.session.refresh(challenge)
    assert challenge.state is ChallengeState.PUBLISHED

    page = await log_in(poster_person, to=f"/challenges/{challenge.id}/candidates")
    # Who can do one of the three requirements stands above who can do none.
    await expect(page.locator("tbody tr").nth(2)).to_be_visible()
    names = await page.locator("tbody tr").all_inner_texts()
    assert any(sme.name in text for text in names[:3])

    await _bid(await log_in(sme_person, to=f"/challenges/{challenge.id}"))

    challenge.deadline_at = utc_now() - timedelta(seconds=1)
    await make.session.commit()
    for person in (officer, second):
        await _open_bids(await log_in(person, to="/officer"))
    await _submit_consortium(page, challenge, sme, run_jobs)
    await _approve(await log_in(officer, to="/officer"))

    await make.session.refresh(challenge)
    assert challenge.state is ChallengeState.AWARDED
    consortium = await make.session.scalar(select(Consortium).where(Consortium.challenge_id == challenge.id))
    assert consortium is not None
    assert consortium.state is ConsortiumState.APPROVED
    public = await log_in(to=f"/challenges/{challenge.id}")
    await expect(public.locator("h1")).to_contain_text(TITLE)


async def _solver(make: Factory, key: str, size: SizeClass) -> tuple[Organization, Person]:
    organization = await make.organization(size=size, kind=OrganizationKind.ENTERPRISE)
    person = await make.member(organization)
    actor = Actor(
        person_id=person.id,
        name=person.name,
        organization_id=organization.id,
        organization_name=organization.name,
        organization_role="owner",
        organization_verified=True,
    )
    await save_profile(
        make.session, actor, organization.id, ProfileData(summary=SUMMARIES[key]), tokenize=terms_of_text
    )
    await make.session.commit()
    return organization, person


async def _post(make: Factory, page: Page) -> Challenge:
    await page.fill("#title", TITLE)
    await page.locator("#round_id").select_option(index=1)
    await page.locator("main form button").last.click()
    await page.wait_for_url("**/edit")
    for name, text in {
        "difficulty": "单晶涡轮叶片铸造过程中杂晶与雀斑缺陷难以控制，涂层易剥落。",
        "indicators": "合格率不低于85%，热循环寿命不低于2000次。",
        "content": "研究定向凝固铸造工艺、热障涂层与超声检测。",
        "investment_wan": "700",
        "reward_wan": "600",
        "time_limit_months": "18",
        "conditions": "具有独立法人资格。",
        "ip_terms": "双方共有。",
        "benefit_terms": "按投入分配。",
        "contact_name": "王工",
        "contact_phone": "029-80000000",
        "contact_email": "wang@example.com",
        "deadline_at": (utc_now().astimezone(SHANGHAI) + timedelta(days=40)).strftime("%Y-%m-%dT17:00"),
    }.items():
        await page.fill(f"#{name}", text)
    await page.locator("#subfield_code").select_option("0401")
    await page.locator("#need_source").select_option("production")
    await page.locator("#cooperation").select_option("long_term")
    rows = page.locator(".requirement-row")
    while await rows.count() < len(REQUIREMENTS):
        before = await rows.count()
        await page.locator('button[value="add"]').click()
        await expect(rows).to_have_count(before + 1)
    for number, (text, target, weight, budget) in enumerate(REQUIREMENTS):
        row = rows.nth(number)
        await row.locator("textarea").nth(0).fill(text)
        await row.locator("textarea").nth(1).fill(target)
        await row.locator('input[name$="-weight"]').fill(weight)
        await row.locator('input[name$="-budget_wan"]').fill(budget)
    await page.locator('button[formaction$="/submit"]').click()
    await page.wait_for_url(re.compile(r"/challenges/[0-9a-f-]+$"))
    challenge = await make.session.scalar(select(Challenge).where(Challenge.title == TITLE))
    assert challenge is not None
    assert challenge.state is ChallengeState.SUBMITTED
    return challenge


async def _publish(page: Page) -> None:
    await page.get_by_role("link", name=TITLE).first.click()
    await page.locator('form[action$="/publish"] button').click()
    await expect(page.locator("h1")).to_contain_text(TITLE)
    await expect(page.locator(".alert-success").first).to_be_visible()


STEP_AND_PERSON = {
    "steps-0-name": "工艺验证",
    "steps-0-from_month": "1",
    "steps-0-to_month": "6",
    "steps-0-deliverable": "工艺验证报告",
    "people-0-name": "陈工",
    "people-0-role": "项目负责人",
    "people-0-person_months": "6",
}


async def _bid(page: Page) -> None:
    await page.locator('a[href$="/bids/new"]').click()
    await page.locator("main form button").click()
    await page.wait_for_url("**/bids/*")
    for name in ("technical_plan", "ability", "team", "timeline", "contact_name", "contact_phone"):
        await page.fill(f"#{name}", f"{name}：采用籽晶法定向凝固")
    for box in await page.locator('input[name="parts-0-requirement_ids"]').all():
        await box.check()
    for year in await page.locator("input[data-year]").all():
        await year.fill("290")
    for name, value in STEP_AND_PERSON.items():
        await page.fill(f"#{name}", value)
    await page.locator('button[name=action][value="submit"]').click()
    await expect(page.locator(".alert-success").first).to_be_visible()


async def _open_bids(page: Page) -> None:
    await page.locator("#sealed").get_by_role("link", name=TITLE).click()
    await page.locator('form[action$="/bids/open"] button').click()
    await expect(page.locator(".alert-success").first).to_be_visible()


async def _submit_consortium(page: Page, challenge: Challenge, sme: Organization, run_jobs: RunJobs) -> None:
    await page.goto(f"/challenges/{challenge.id}/bids")
    await expect(page.locator("tbody")).to_contain_text(sme.name)
    await page.goto(f"/challenges/{challenge.id}/consortium")
    await page.locator("main form button").last.click()
    await run_jobs()
    await page.goto(f"/challenges/{challenge.id}/consortium")
    await expect(page.locator("main")).to_contain_text(sme.name)
    await page.locator('form[action$="/consortium/submit"] button').click()
    await expect(page.locator(".alert-success").first).to_be_visible()


async def _approve(page: Page) -> None:
    await page.get_by_role("link", name=TITLE).first.click()
    await page.wait_for_url("**/consortia/*")
    await page.locator('input[name="outcome"][value="approved"]').check()
    await page.locator('form[action$="/decide"] button').click()
    await expect(page.locator(".alert-success").first).to_be_visible()
