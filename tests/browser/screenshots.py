"""Pictures of every page as each role sees it: both languages, desktop and phone width, into screenshots/.

Run by `make screenshots`. Says which pages are wider than the screen, write errors to the console (what the content
security policy refuses is one), or show a message in English where the reader has chosen Chinese.
"""

import re
import sys
from functools import cache
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from core.i18n import DEFAULT_LOCALE, LOCALES
from tests.browser.conftest import ARGUMENTS, CHROMIUM
from tests.conftest import data_directory
from tests.demo_process import Command
from web.demo.accounts import DEMO_PASSWORD
from web.messages import load

TARGET = Path(__file__).parents[2] / "screenshots"
MISSING = "/nothing-here"
WIDTHS = {"desktop": 1280, "phone": 390}
# Account -> pages. "@text" stands for the first link on the page before whose address contains the text, "+text" for
# the address of the last page that was not such an addition, with the text behind it.
PAGES: dict[str, tuple[str, ...]] = {
    "": (
        "/",
        "/about",
        "/challenges",
        "/challenges?q=碳化硅",
        # Words that no text holds: what may have been meant is asked.
        "/challenges?q=碳化归功率模快",
        "@/challenges/",
        "/solvers",
        "/solvers?q=单晶叶骗",
        "@/solvers/",
        "/programs",
        "@/programs/",
        "+/rules",
        "/statistics",
        "/size",
        "/login",
        "/register",
        "/forgotten-password",
        MISSING,
        "/demo/accounts",
        "/demo/mailbox",
    ),
    "poster": (
        "/",
        "/my/challenges",
        "@/challenges/",
        "+/candidates",
        "+/consortium",
        "/challenges/new",
        "/organization",
        "+/edit",
        "+/people",
        "+/history",
        "+/relations/new",
        "/account",
        "+/notifications",
        "+/calendar",
        "/saved",
        "/notifications",
    ),
    "sme": (
        "/",
        "/my/recommendations",
        "@/fit",
        "/my/bids",
        "/notifications",
        "/organization/profile",
        "+/preview",
        "+/evidence/new",
        "/organization",
    ),
    "institute": ("/my/bids", "@/bids/"),
    "officer": (
        "/",
        "/officer",
        "/experts",
        "/experts/import",
        "@/consortia/",
        # A challenge of a program that demands a share of SMEs, so with a shortlist.
        "/challenges?state=closed&field=02",
        "@/challenges/",
        "+/candidates",
        "/challenges?state=closed&field=07",
        "@/challenges/",
        "+/bids",
        "+/receipts",
        "/challenges?state=match_proposed",
        "@/challenges/",
        "+/consortium",
        "+/consortium/what-if",
        "/challenges?state=awarded",
        "@/challenges/",
        "+/consortium",
        "@/consortia/",
        "+/decision",
        "+#replay",
        "@/replay",
        "/notifications",
        "/programs",
        "@/programs/",
        "+/dashboard",
        "+/allocation",
        "@/allocation/",
        "/programs",
        "@/programs/",
        "+/edit",
        "+/rounds/new",
        "+/rules/new",
        "/programs/new",
    ),
    "admin": (
        "/",
        "/administration",
        "@/administration/organizations/",
        "/administration/people",
        "@/administration/people/",
        "/administration/mail",
        "/administration/templates",
    ),
}


def main() -> int:
    complaints: list[str] = []
    with data_directory() as directory, sync_playwright() as playwright:
        demo = Command(directory, "demo")
        try:
            demo.wait_for(demo.url)
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            for locale in LOCALES:
                for width_name, width in WIDTHS.items():
                    for account in PAGES:
                        _walk(browser, demo.url, account, locale, width_name, width, complaints)
            browser.close()
        finally:
            demo.stop()
    print("\n".join(complaints) if complaints else "No page is too wide, and none complains.")
    return 1 if complaints else 0


def _walk(
    browser: Browser, url: str, account: str, locale: str, width_name: str, width: int, complaints: list[str]
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, base_url=url)
    page = context.new_page()
    page.goto(f"/locale/{locale}")
    if account:
        page.goto("/login")
        page.fill("#email", f"{account}@demo.example")
        page.fill("#password", DEMO_PASSWORD)
        page.press("#password", "Enter")
        page.wait_for_url(f"{url}/")
    folder = TARGET / f"{locale}-{width_name}"
    folder.mkdir(parents=True, exist_ok=True)
    place = [""]
    # Chromium reports the error page's own status as an error of the console.
    page.on(
        "console",
        lambda message: (
            complaints.append(f"{place[0]}: {message.text}")
            if message.type == "error" and "404" not in message.text
            else None
        ),
    )
    page.on("pageerror", lambda error: complaints.append(f"{place[0]}: {error}"))
    base = ""
    for number, path in enumerate(PAGES[account]):
        target = (
            base + path[1:]
            if path.startswith("+")
            else _found(page, path[1:])
            if path.startswith("@")
            else path
        )
        base = base if path.startswith("+") else target or ""
        if target is None:
            complaints.append(f"{account or 'public'} {locale} {width_name}: no link to {path[1:]}")
            continue
        place[0] = f"{account or 'public'} {locale} {width_name} {target}"
        answer = page.goto(target)
        if answer is not None and answer.status >= 400 and target != MISSING:
            complaints.append(f"{place[0]}: status {answer.status}")
        page.wait_for_load_state("networkidle")
        name = re.sub(r"\W+", "-", path.strip("@+/")) or "home"
        page.screenshot(path=folder / f"{account or 'public'}-{number:02}-{name}.png", full_page=True)
        if int(page.evaluate("document.documentElement.scrollWidth")) > width:
            complaints.append(f"{place[0]}: wider than the screen")
        if locale == DEFAULT_LOCALE:
            lines = {line.strip() for line in page.inner_text("body").splitlines()}
            complaints.extend(f"{place[0]}: not translated: {line}" for line in sorted(lines & _english()))
    context.close()


@cache
def _english() -> frozenset[str]:
    """Messages whose translation differs from them: a page in Chinese shows none of these."""
    return frozenset(
        message.id
        for message in load(DEFAULT_LOCALE)
        if isinstance(message.id, str) and message.id and message.string != message.id
    )


def _found(page: Page, part: str) -> str | None:
    """The first link of the page's content that leads to something of this kind, not to a form that makes one."""
    for link in page.locator("main a[href]").all():
        href = link.get_attribute("href") or ""
        if part in href and href.startswith("/") and not re.search(r"/(new|edit)\b|\.atom", href):
            return href
    return None


if __name__ == "__main__":
    sys.exit(main())
