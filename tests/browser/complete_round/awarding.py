"""The winners, their notice, and an objection that is upheld."""

from playwright.async_api import expect

from challenges.models import (
    Bid,
    ChallengeState,
    Consortium,
    ConsortiumState,
    Notice,
    NoticeState,
    Objection,
)
from tests.browser.complete_round.people import Bidder, Round, said
from tests.integration.test_notices import pass_period

SUMMARY = "一项业绩不实，撤销该团队的立项。"


async def award(way: Round, winners: list[Bid], *, reason: str = "") -> None:
    """The poster names the winners, an officer approves each team that waits."""
    page = await way.window(way.editor, f"{way.path}/award")
    form = page.locator(f'form[action$="{way.path}/award/choose"]')
    for box in await form.locator('input[name="bids"]:enabled').all():
        await box.set_checked(await box.get_attribute("value") in {str(bid.id) for bid in winners})
    await form.locator('[name="reason"]').fill(reason)
    await form.locator("button").last.click()
    await said(page)
    await way.picture(page)
    await way.press(page, "/award/submit", note="推荐两家，实行赛马。")
    waiting = await way.all(Consortium, Consortium.state == ConsortiumState.SUBMITTED, by=Consortium.team)
    assert waiting
    for consortium in waiting:
        page = await way.window(way.officers[0], f"/consortia/{consortium.id}")
        await way.press(page, "/decide", outcome="approved")
    assert await way.state() is ChallengeState.AWARDED
    await way.run_jobs()


async def publish_notice(way: Round, winners: list[Bid]) -> Notice:
    """Everybody reads who has won."""
    page = await way.window(way.officers[0], f"{way.path}/notice")
    await way.press(page, f"{way.path}/notice", introduction="现予公示。")
    assert await way.state() is ChallengeState.IN_NOTICE
    await way.run_jobs()
    notice = await way.one(Notice, Notice.state == NoticeState.OPEN)
    page = await way.window(None, f"/notices/{notice.id}")
    for bid in winners:
        await expect(page.locator("main")).to_contain_text(way.name_of(bid))
    return notice


async def object_to(way: Round, notice: Notice, objector: Bidder, bid: Bid) -> None:
    """A bidder objects to a team; the officer who has not decided upholds it, and that team loses the award."""
    team = await way.one(
        Consortium,
        Consortium.lead_id == bid.organization_id,
        Consortium.state == ConsortiumState.APPROVED,
    )
    page = await way.window(objector[1], f"/notices/{notice.id}/objections/new")
    await way.press(page, "/objections/new", consortium=team.id, text="该团队所报业绩与事实不符。")
    await way.run_jobs()
    objection = await way.one(Objection)
    page = await way.window(way.officers[1], f"/objections/{objection.id}")
    await way.press(
        page,
        f"/objections/{objection.id}/answer",
        effect="returned",
        teams=team.id,
        answer="经核实，所报业绩不实，异议成立。",
        summary=SUMMARY,
    )
    await way.run_jobs()
    assert await way.state() is ChallengeState.CLOSED
    assert (await way.one(Notice, Notice.id == notice.id)).state is NoticeState.WITHDRAWN
    page = await way.window(None, f"/notices/{notice.id}")
    await expect(page.locator("main")).to_contain_text(SUMMARY)
    await expect(page.locator("main")).not_to_contain_text(objector[0].name)


async def let_notice_pass(way: Round, notice: Notice) -> None:
    await pass_period(way.session, notice.id)
    await way.come_due()
    assert (await way.one(Notice, Notice.id == notice.id)).state is NoticeState.ENDED
