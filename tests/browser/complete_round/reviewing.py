"""The review: a panel, a reviewer who has a conflict and is replaced, scores, a remark, the ranking."""

from challenges.experts.models import Expert
from challenges.models import Bid, ChallengeState, PanelSeat, Review
from core.accounts.models import Person
from tests.browser.complete_round.people import Round, said

# Of each expert by bid, on every criterion; the third expert leaves the panel.
POINTS = {0: (9, 8, 6), 1: (8, 7, 4), 3: (9, 7, 5)}


async def review(way: Round, bids: list[Bid]) -> None:
    officer = way.officers[0]
    page = await way.window(officer, f"{way.path}/review")
    await way.press(page, f"{way.path}/review")
    assert await way.state() is ChallengeState.IN_REVIEW
    found = await way.one(Review)
    for expert in way.experts[:3]:
        await _appoint(way, found, expert)
    page = await way.window(officer, f"{way.path}/review")
    await way.press(page, f"/reviews/{found.id}/scoring")
    await way.run_jobs()
    await _leave_for_a_conflict(way, way.experts[2], bids[0])
    await _appoint(way, found, way.experts[3])
    for number, points in POINTS.items():
        await _score(way, way.experts[number], bids, points)
    seat = await _seat(way, way.experts[0])
    page = await way.window(await _person(way, way.experts[0]), f"/seats/{seat.id}")
    await way.press(page, "/remarks", text="建议关注检测能力。")
    page = await way.window(officer, f"{way.path}/review")
    await way.press(page, f"/reviews/{found.id}/end")
    await way.run_jobs()


async def _appoint(way: Round, found: Review, expert: Expert) -> None:
    page = await way.window(way.officers[0], f"{way.path}/review")
    form = page.locator(f'form[action$="/reviews/{found.id}/seats"]').filter(
        has=page.locator(f'input[name="expert"][value="{expert.id}"]')
    )
    await page.locator("details", has=form).locator("summary").first.click()
    await form.locator("button").click()
    await said(page)


async def _leave_for_a_conflict(way: Round, expert: Expert, bid: Bid) -> None:
    """One that nobody could know of; the bids are closed to the expert from then on."""
    seat = await _seat(way, expert)
    page = await way.window(await _person(way, expert), f"/seats/{seat.id}")
    await way.press(page, "/declaration", bids=str(bid.id), conflict="some", reason="与牵头单位有合作项目。")


async def _score(way: Round, expert: Expert, bids: list[Bid], points: tuple[int, ...]) -> None:
    seat, person = await _seat(way, expert), await _person(way, expert)
    page = await way.window(person, f"/seats/{seat.id}")
    await way.press(page, "/declaration", conflict="none")
    for bid, value in zip(bids, points, strict=True):
        page = await way.window(person, f"/seats/{seat.id}/bids/{bid.id}")
        form = page.locator(f'form[action="/seats/{seat.id}/bids/{bid.id}"]')
        for field in await form.locator('input[name$="points"]').all():
            await field.fill(str(value))
        for field in await form.locator('textarea[name$="comment"]').all():
            await field.fill("论证充分。")
        await form.locator("button").last.click()
        await said(page)
    page = await way.window(person, f"/seats/{seat.id}")
    await way.press(page, f"/seats/{seat.id}/scores")


async def _seat(way: Round, expert: Expert) -> PanelSeat:
    return await way.one(PanelSeat, PanelSeat.expert_id == expert.id)


async def _person(way: Round, expert: Expert) -> Person:
    return await way.one(Person, Person.id == expert.person_id)
