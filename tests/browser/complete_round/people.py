"""Who takes part in a complete round, each with a browser window, and what they do on every page."""

import os
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from playwright.async_api import Locator, Page, expect
from sqlalchemy import select, text

import web.worker  # noqa: F401 -- registers what is due
from challenges.models import Bid, ChallengeState
from core.accounts.models import Person
from core.clock import utc_now
from core.schedule import catch_up
from solvers.models import Organization, SizeClass
from tests.browser.conftest import LogIn
from tests.factories import Factory
from tests.integration.reviewing import make_expert

RunJobs = Callable[[], Awaitable[None]]
Bidder = tuple[Organization, Person]
# A day of the program lasts a minute.
CLOCK = 1440


class Round:
    """Three bidders and a partner, two officers, four experts; people and organizations are made beforehand."""

    def __init__(self, make: Factory, log_in: LogIn, run_jobs: RunJobs) -> None:
        self.make, self.session, self.log_in, self.run_jobs = make, make.session, log_in, run_jobs
        self.windows: dict[Any, Page] = {}
        self.shots = 0

    async def begin(self) -> None:
        make = self.make
        self.officers = [await make.officer(), await make.officer()]
        self.program = await make.program(
            *self.officers,
            name="高温合金揭榜专项",
            clock_factor=CLOCK,
            needs_review=True,
            panel_size=3,
            min_enterprise_expert_share=0,
            max_winners=2,
            checklist=["签章齐全"],
            min_bid_days=1,
        )
        self.poster = await make.organization(size=SizeClass.LARGE, name="长风航空动力集团有限公司")
        self.editor = await make.member(self.poster)
        self.bidders: list[Bidder] = []
        for name in (
            "精铸科技有限公司",
            "热障涂层技术有限公司",
            "单晶材料研究有限公司",
            "超声检测装备有限公司",
        ):
            organization = await make.organization(name=name)
            self.bidders.append((organization, await make.member(organization)))
        self.partner = self.bidders.pop()
        self.experts = [await make_expert(make, f"第{number}大学") for number in range(1, 5)]
        self.challenge = await make.challenge(
            self.poster,
            self.program,
            state=ChallengeState.SUBMITTED,
            title="单晶涡轮叶片铸造缺陷控制",
            submitted_at=utc_now(),
            deadline_at=utc_now() + timedelta(hours=3),
        )
        self.path = f"/challenges/{self.challenge.id}"
        self.requirements = [str(item.id) for item in self.challenge.requirements]

    def name_of(self, bid: Bid) -> str:
        return next(
            organization.name
            for organization, _person in self.bidders
            if organization.id == bid.organization_id
        )

    async def window(self, person: Person | None, path: str) -> Page:
        """That person's browser, on that page."""
        key = person.id if person else None
        if key not in self.windows:
            self.windows[key] = await self.log_in(person, to=path)
        else:
            await self.windows[key].goto(path)
        await self.picture(self.windows[key])
        return self.windows[key]

    async def picture(self, page: Page) -> None:
        """In both languages and widths, where ROUND_PICTURES names a directory."""
        directory = os.environ.get("ROUND_PICTURES")
        if not directory:
            return
        self.shots += 1
        address = page.url
        name = re.sub(r"[0-9a-f-]{36}", "x", address.split("/", 3)[3]).strip("/").replace("/", "_") or "home"
        for locale in ("en", "zh_CN"):
            await page.goto(f"/locale/{locale}")
            for width in (1280, 390):
                await page.set_viewport_size({"width": width, "height": 900})
                await page.goto(address)
                target = Path(directory) / f"{self.shots:02}-{name[:60]}-{locale[:2]}-{width}.png"
                await page.screenshot(path=target, full_page=True)
        await page.set_viewport_size({"width": 1280, "height": 900})

    async def press(
        self, page: Page, action: str, button: str = "", *, says: bool = True, **fields: Any
    ) -> None:
        """Fill the form with this action and press its button, or the one with the value named."""
        form = page.locator(f'form[action$="{action}"]').first
        # In a closed <details> only its summary can be pressed.
        closed = page.locator("details:not([open])", has=form)
        if await closed.count():
            await closed.first.locator("summary").first.click()
        for name, value in fields.items():
            await fill(form.locator(f'[name="{name}"]'), value)
        pressed = form.locator(f'button[value="{button}"]') if button else form.locator("button").last
        async with page.expect_response(lambda answer: answer.request.method == "POST"):
            await pressed.click()
        if says:
            await said(page)

    async def one(self, kind: Any, *conditions: Any) -> Any:
        found = await self.all(kind, *conditions)
        assert len(found) == 1, found
        return found[0]

    async def all(self, kind: Any, *conditions: Any, by: Any = None) -> list[Any]:
        statement = select(kind).where(*conditions).order_by(by)
        found = list(await self.session.scalars(statement.execution_options(populate_existing=True)))
        await self.session.commit()
        return found

    async def state(self) -> ChallengeState:
        await self.session.refresh(self.challenge, ["state"])
        await self.session.commit()
        return self.challenge.state

    async def let_pass(self, table: str, column: str) -> None:
        """As if that day had come, with everything that it makes due."""
        await self.session.execute(
            text(f"UPDATE {table} SET {column} = clock_timestamp() - interval '1 second'")
        )
        await self.session.commit()
        await self.come_due()

    async def come_due(self) -> None:
        await catch_up()
        await self.run_jobs()


async def said(page: Page) -> None:
    """The page says that it worked."""
    await expect(page.locator(".alert-success").first).to_be_visible()


async def fill(control: Locator, value: Any) -> None:
    kind = await control.first.evaluate("field => field.type")
    if kind in {"radio", "checkbox"}:
        await control.locator(f'xpath=self::*[@value="{value}"]').first.check()
    elif kind == "file":
        await control.first.set_input_files([value])
    elif kind.startswith("select"):
        await control.first.select_option(str(value))
    else:
        await control.first.fill(str(value))
