"""Contracts and their signatures, the horse race, the final acceptance."""

from playwright.async_api import expect

from challenges.models import Contract, ContractState, Milestone, MilestoneState
from core.accounts.models import Person
from tests.browser.complete_round.people import Round, said

PDF = {"name": "签署件.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7 signed"}


async def contracts(way: Round, *signers: list[Person]) -> list[Contract]:
    """Made, offered, and signed by the poster and by every party of each team; on the accelerated clock the work begins at once."""
    page = await way.window(way.editor, f"{way.path}/contracts")
    await way.press(page, f"{way.path}/contracts")
    found = await way.all(Contract, by=Contract.team_number)
    for contract, people in zip(found, signers, strict=True):
        page = await way.window(way.editor, f"/contracts/{contract.id}/edit")
        form = page.locator(f'form[action="/contracts/{contract.id}/edit"]')
        await form.locator('button[value="offer"]').click()
        await said(page)
        for person in (way.editor, *people):
            page = await way.window(person, f"/contracts/{contract.id}")
            await way.press(page, f"/contracts/{contract.id}/sign", file=PDF, confirm="y")
        assert (await way.one(Contract, Contract.id == contract.id)).state is ContractState.SIGNED
    await way.run_jobs()
    return found


async def race(way: Round, winner: Contract, leads: list[Person], loser: Contract) -> None:
    """Both report on the stage; then one team is let go, and the other goes on to its end."""
    first, *later = await _milestones(way, winner)
    assert first.is_stage
    assert later
    stage, *_rest = await _milestones(way, loser)
    await _report(way, first, leads[0])
    await _report(way, stage, leads[1])
    page = await way.window(way.editor, f"/contracts/{loser.id}/milestones")
    await way.press(page, f"/milestones/{stage.id}/elimination", note="合格率低于另一团队。")
    page = await way.window(way.officers[0], f"/contracts/{loser.id}/milestones")
    await way.press(page, "/answer", answer="accept", note="同意。")
    await way.run_jobs()
    for milestone in later:
        await _report(way, milestone, leads[0])


async def _milestones(way: Round, contract: Contract) -> list[Milestone]:
    return await way.all(Milestone, Milestone.contract_id == contract.id, by=Milestone.position)


async def _report(way: Round, milestone: Milestone, person: Person) -> None:
    page = await way.window(person, f"/contracts/{milestone.contract_id}/milestones")
    await way.press(page, f"/milestones/{milestone.id}/report", text="已达到考核指标，报告见附件。", file=PDF)
    page = await way.window(way.editor, f"/contracts/{milestone.contract_id}/milestones")
    await way.press(page, f"/milestones/{milestone.id}/answer", answer="accept")
    assert (await way.one(Milestone, Milestone.id == milestone.id)).state is MilestoneState.ACCEPTED


async def accept(way: Round, contract: Contract, lead: Person) -> None:
    """The lead asks, the poster accepts, an officer confirms."""
    path = f"/contracts/{contract.id}/acceptance"
    page = await way.window(lead, path)
    await way.press(page, path, text="全部任务完成，申请验收。")
    for person in (way.editor, way.officers[0]):
        page = await way.window(person, path)
        await way.press(page, "/answer", answer="accept", note="同意验收。")
    await way.run_jobs()


async def pay(way: Round, contract: Contract, lead: Person) -> None:
    """What is accepted is owed: the poster says that it is paid, the lead that it has come."""
    for milestone in await _milestones(way, contract):
        page = await way.window(way.editor, f"/contracts/{contract.id}/milestones")
        await way.press(page, f"/milestones/{milestone.id}/paid")
        page = await way.window(lead, f"/contracts/{contract.id}/milestones")
        await way.press(page, f"/milestones/{milestone.id}/received")
    assert all(milestone.received_at for milestone in await _milestones(way, contract))


async def rate(way: Round, contract: Contract, lead: Person) -> None:
    """Neither side reads the other's words before both have rated."""
    path = f"/contracts/{contract.id}/acceptance"
    page = await way.window(way.editor, path)
    await way.press(page, "/rating", stars="5", comment="按期完成，质量优良。")
    page = await way.window(lead, path)
    await expect(page.locator("main")).not_to_contain_text("按期完成，质量优良。")
    await way.press(page, "/rating", stars="4", comment="试验条件保障到位。")
    await expect(page.locator("main")).to_contain_text("按期完成，质量优良。")
