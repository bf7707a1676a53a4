"""What if: an answer at once beside the present consortium, nothing stored until it is taken over."""

import re
from collections.abc import Awaitable, Callable

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.audit import AuditEntry
from core.settings import Settings
from tests.conftest import BrowserOf
from tests.factories import Factory
from tests.integration.consortia import holders, present, propose, submit
from tests.integration.matchmaking import open_market

RunJobs = Callable[[], Awaitable[None]]
HTMX = {"hx-request": "true"}
HIDDEN = re.compile(r'<input type="hidden"\s+name="([^"]+)"\s+value="([^"]*)"')


async def test_a_question_is_answered_at_once_and_stored_only_when_taken_over(
    make: Factory, session: AsyncSession, browser_of: BrowserOf, run_jobs: RunJobs
) -> None:
    market = await open_market(make)
    before = await propose(market, session, run_jobs)
    revision, held = before.revision, holders(before)
    entries = await session.scalar(select(func.count()).select_from(AuditEntry))
    browser = await browser_of(market.editor, market.poster)
    await browser.get("/locale/en")
    path = f"/challenges/{market.challenge.id}/consortium"

    # The page shows the proposal with drawings, its proof, and the form.
    page = (await browser.get(path)).text
    assert "ranked solvers that keeps version 1 of the rule scores higher; proven." in page
    assert page.count("<svg") >= 2
    assert 'id="what-if"' in page
    assert "style=" not in page

    exchange = {"leaves": str(market.coater.id), "joins": str(market.institute.id)}
    whole = await browser.get(f"{path}/what-if", params=exchange)
    assert whole.status_code == 200
    assert "<html" in whole.text
    fragment = await browser.get(f"{path}/what-if", params=exchange, headers=HTMX)
    assert "<html" not in fragment.text
    assert "+ 高温材料研究院" in fragment.text
    assert "− 热障涂层科技" in fragment.text
    assert "No consortium with these changes scores higher; proven." in fragment.text
    unchanged = await present(market, session)
    assert (unchanged.revision, holders(unchanged)) == (revision, held)
    assert await session.scalar(select(func.count()).select_from(AuditEntry)) == entries

    fields = dict(HIDDEN.findall(fragment.text.split("card-footer")[1]))
    assert fields.pop("step") == "what_if"
    answer = await browser.submit(f"{path}/edit", {"step": "what_if", **fields})
    assert answer.status_code == 303
    taken = await present(market, session)
    assert taken.revision == revision + 1
    assert "高温材料研究院" in holders(taken).values()
    assert "热障涂层科技" not in holders(taken).values()
    # The answer of an older state of the page is not stored over a newer one.
    assert (await browser.submit(f"{path}/edit", {"step": "what_if", **fields})).status_code == 409

    # Another budget is answered, but is not the consortium's to change.
    requirement = market.challenge.requirements[0].id
    budget = await browser.get(f"{path}/what-if", params={f"budget-{requirement}": "900"}, headers=HTMX)
    assert "cannot be taken over" in budget.text
    assert 'value="what_if"' not in budget.text
    for wrong in ("viel", "-1", "1.234", "NaN", "1e99"):
        refused = await browser.get(f"{path}/what-if", params={f"budget-{requirement}": wrong}, headers=HTMX)
        assert refused.status_code == 422
        assert f'id="budget-{requirement}-error"' in refused.text
    refused = await browser.get(f"{path}/what-if", params={"joins": "x"}, headers=HTMX)
    assert refused.status_code == 422
    # A stranger to the ranking cannot be forced; whoever is forced and forbidden is a conflict.
    stranger = await browser.get(f"{path}/what-if", params={"joins": str(market.poster.id)}, headers=HTMX)
    assert stranger.status_code == 422
    someone = taken.members[0].organization
    both = {f"member-{someone.id}": "force", "leaves": str(someone.id)}
    conflict = (await browser.get(f"{path}/what-if", params=both, headers=HTMX)).text
    assert f"{someone.name} is a member" in conflict
    assert f"{someone.name} is not a member" in conflict


async def test_poster_and_officer_ask_and_a_member_sees_nothing_of_the_others(
    make: Factory, session: AsyncSession, settings: Settings, browser_of: BrowserOf, run_jobs: RunJobs
) -> None:
    market = await open_market(make)
    member = await browser_of(await make.member(market.coater), market.coater)
    consortium = await submit(market, session, settings, run_jobs)
    path = f"/challenges/{market.challenge.id}/consortium"
    exchange = {"leaves": str(market.coater.id)}
    officer = await browser_of(market.officer)
    answer = await officer.get(f"{path}/what-if", params=exchange, headers=HTMX)
    assert answer.status_code == 200
    assert 'id="what-if-answer"' in answer.text
    # The officer compares; what is handed in is the poster's to change.
    assert 'value="what_if"' not in answer.text
    for address in (path, f"{path}/what-if", f"{path}/progress", f"/consortia/{consortium.id}"):
        refused = await member.get(address)
        assert refused.status_code in (403, 404)
        for name in ("精铸重工", "超声检测技术", "高温材料研究院"):
            assert name not in refused.text

    taken = {"outcome": "approved", "reason": "", "revision": str(consortium.revision)}
    assert (await officer.submit(f"/consortia/{consortium.id}/decide", taken)).status_code == 303
    own = (await member.get(f"/consortia/{consortium.id}")).text
    assert "超声检测技术" not in own
    assert "高温材料研究院" not in own
    assert "<svg" not in own.split("<main", 1)[1]
    assert 'id="what-if"' not in own
    assert (await member.get(f"{path}/what-if")).status_code in (403, 404)
