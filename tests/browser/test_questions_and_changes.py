"""From a question to a bid that stands after a change, as people see it on a wide screen and on a phone."""

from datetime import timedelta

import pytest
from playwright.async_api import Page, expect
from sqlalchemy import select

from challenges.models import Bid, BidMember, BidMemberState, BidState, Question
from core.clock import utc_now
from solvers.models import SizeClass
from tests.browser.conftest import LogIn
from tests.browser.test_getting_around import PHONE, complaints_of
from tests.factories import Factory

pytestmark = pytest.mark.browser
DESKTOP = {"width": 1280, "height": 900}


async def look(page: Page, name: str) -> None:
    """Nothing is wider than the screen, in either language."""
    for locale in ("en", "zh_CN"):
        path = page.url
        await page.goto(f"/locale/{locale}")
        await page.goto(path)
        for size in (PHONE, DESKTOP):
            await page.set_viewport_size({"width": size["width"], "height": size["height"]})
            assert await page.evaluate("document.documentElement.scrollWidth") <= size["width"], (
                name,
                locale,
            )


async def test_a_question_is_answered_and_a_change_confirmed(make: Factory, log_in: LogIn) -> None:
    officer = await make.officer()
    program = await make.program(officer)
    poster = await make.organization(size=SizeClass.LARGE, name="华东重型装备集团")
    sme = await make.organization(name="明州精密传动有限公司")
    editor, bidder = await make.member(poster), await make.member(sme)
    challenge = await make.challenge(poster, program, budgets=(200, 300), title="轧机主传动轴承寿命预测")
    address = f"/challenges/{challenge.id}"
    bid = Bid(
        challenge_id=challenge.id,
        organization_id=sme.id,
        state=BidState.DRAFT,
        members=[BidMember(organization_id=sme.id, position=0, state=BidMemberState.CONFIRMED)],
        created_at=utc_now() - timedelta(hours=1),
    )
    make.session.add(bid)
    await make.session.commit()

    asker = await log_in(bidder, to=f"{address}/questions")
    complaints = complaints_of(asker)
    await look(asker, "ask")
    await asker.fill("[name=text]", "合格率按批次统计还是按件统计？检测方法是否允许采用行业标准？")
    await asker.locator("#ask form button").click()
    await expect(asker.locator("article")).to_contain_text("合格率按批次统计")

    page = await log_in(editor, to=f"{address}/questions")
    await look(page, "to-answer")
    question = await make.session.scalar(select(Question))
    assert question is not None
    await page.fill("[name=answer]", "按批次统计，每批不少于30件；可以采用行业标准。")
    await page.locator(f"#question-{question.id} form button").first.click()
    await expect(page.locator("article")).to_contain_text("每批不少于30件")

    await page.goto(f"{address}/changes/new")
    await page.fill("[name=explanation]", "用户单位提高了设计转速，相应提高指标并延长揭榜时间。")
    await page.fill("[name=indicators]", "合格率不低于90%，疲劳寿命不低于20000小时。")
    # A row's button leaves the rest of the page as it was typed.
    await page.locator("#requirements [value=add]").click()
    await expect(page.locator("[name=requirements-2-text]")).to_be_visible()
    await page.fill("[name=requirements-2-text]", "寿命评估模型")
    await page.fill("[name=requirements-2-target]", "误差不大于5%")
    await page.fill("[name=requirements-2-weight]", "20")
    await page.fill("[name=requirements-2-budget_wan]", "100")
    await page.fill("[name=requirements-1-weight]", "30")
    await page.fill("[name=requirements-1-budget_wan]", "200")
    assert await page.input_value("[name=explanation]") != ""
    await page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    await page.set_viewport_size({"width": DESKTOP["width"], "height": DESKTOP["height"]})
    await page.locator("#amendment > button.btn-primary").click()
    await page.wait_for_url(f"**{address}/changes")
    await look(page, "proposed")

    decider = await log_in(officer, to="/officer")
    await look(decider, "queue")
    await decider.goto(f"{address}/changes")
    await look(decider, "to-confirm")
    await decider.locator("form[action$=confirm] button").click()
    await expect(decider.locator("#version-1")).to_contain_text("90")
    await decider.goto(f"{address}/questions")
    await look(decider, "officer-questions")

    await asker.goto(address)
    await look(asker, "challenge")
    await asker.locator("#changes .btn-warning").click()
    await look(asker, "stands")
    await asker.locator("form[action$=changes] button").click()
    await expect(asker.locator("body")).to_contain_text("仍然有效")
    await asker.goto(f"/bids/{bid.id}/changes")
    await look(asker, "confirmed")
    assert complaints == []
