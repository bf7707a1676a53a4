"""Pictures of every page as each role sees it: both languages, desktop and phone width, into screenshots/.

Run by `make screenshots`. Pages are found by their links (`every_page`). Says which pages are wider than the screen,
write errors to the console (what the content security policy refuses is one), or show a message in English where the
reader has chosen Chinese, which links lead to an error, and which pages no link has led to.
"""

import argparse
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from itertools import groupby
from pathlib import Path

from litestar import Router
from litestar.handlers import HTTPRouteHandler
from playwright.sync_api import Browser, sync_playwright

from challenges.models import ChallengeState
from core.i18n import DEFAULT_LOCALE, LOCALES
from tests.browser.conftest import ARGUMENTS, CHROMIUM
from tests.browser.every_page import FoundPage, kind_of, pages_of, worth_a_picture
from tests.conftest import data_directory
from tests.demo_process import Command
from web.controllers import ROUTES
from web.demo.accounts import DEMO_ACCOUNTS, DEMO_PASSWORD
from web.messages import load

TARGET = Path(__file__).parents[2] / "screenshots"
MISSING = "/nothing-here"
WIDTHS = {"desktop": 1280, "phone": 390}
# Where no link leads: words to search for, among them words that no text holds, and every state of a challenge.
SEEDS = (
    "/",
    "/challenges?q=碳化硅",
    "/challenges?q=碳化归功率模快",
    "/solvers?q=单晶叶骗",
    "/forgotten-password",
    MISSING,
    *(f"/challenges?state={state.value}" for state in ChallengeState),
)


def main() -> int:
    arguments = _arguments()
    accounts = ["", *(account.email.partition("@")[0] for account in DEMO_ACCOUNTS)]
    complaints: list[str] = []
    with _demonstration(arguments.url) as url, sync_playwright() as playwright:
        pages: list[FoundPage] = []
        for account in accounts:
            pages += pages_of(url, account, SEEDS, complaints)
            print(f"{len(pages)} pages found, the last of them for {account or 'the public'}", flush=True)
        complaints += _not_reached(pages)
        chosen = [page for page in worth_a_picture(pages) if re.search(arguments.only, page.address)]
        print(f"{len(chosen)} pages are worth a picture", flush=True)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        for locale in arguments.locales:
            for width in arguments.widths:
                for account, seen in groupby(chosen, key=lambda page: page.account):
                    _walk(browser, url, account, seen, locale, width, complaints)
        browser.close()
    print("\n".join(complaints) if complaints else "No page is too wide, and none complains.")
    return 1 if complaints else 0


@contextmanager
def _demonstration(url: str | None) -> Iterator[str]:
    if url:
        yield url
        return
    with data_directory() as directory:
        demo = Command(directory, "demo")
        try:
            demo.wait_for(demo.url)
            yield demo.url
        finally:
            demo.stop()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", help="a demonstration that runs already")
    parser.add_argument("--only", default="", help="a regular expression that the addresses hold")
    parser.add_argument("--locales", nargs="+", default=LOCALES, choices=LOCALES)
    parser.add_argument("--widths", nargs="+", default=list(WIDTHS), choices=list(WIDTHS))
    return parser.parse_args()


def _not_reached(pages: list[FoundPage]) -> list[str]:
    """Pages of the application to which no account has found a way."""
    reached = {kind_of(page.address).rstrip("?") for page in pages}
    missing = set()
    for route in Router(path="/", route_handlers=ROUTES).routes:
        kind = re.sub(r"\{[^}]*\}", "{}", route.path)
        for handler in getattr(route, "route_handlers", []):
            is_page = isinstance(handler, HTTPRouteHandler) and handler.http_methods == {"GET"}
            if is_page and "Template" in str(handler.fn.__annotations__["return"]) and kind not in reached:
                missing.add(f"no link has led to {route.path}")
    return sorted(missing)


def _walk(
    browser: Browser,
    url: str,
    account: str,
    pages: Iterable[FoundPage],
    locale: str,
    width: str,
    complaints: list[str],
) -> None:
    context = browser.new_context(viewport={"width": WIDTHS[width], "height": 900}, base_url=url)
    page = context.new_page()
    page.goto(f"/locale/{locale}")
    if account:
        page.goto("/login")
        page.fill("#email", f"{account}@demo.example")
        page.fill("#password", DEMO_PASSWORD)
        page.press("#password", "Enter")
        page.wait_for_url(f"{url}/")
    folder = TARGET / f"{locale}-{width}"
    folder.mkdir(parents=True, exist_ok=True)
    place = ""
    # Chromium reports the error page's own status as an error of the console.
    page.on(
        "console",
        lambda message: (
            complaints.append(f"{place}: {message.text}")
            if message.type == "error" and "404" not in message.text
            else None
        ),
    )
    page.on("pageerror", lambda error: complaints.append(f"{place}: {error}"))
    for number, found in enumerate(pages):
        place = f"{account or 'public'} {locale} {width} {found.address}"
        page.goto(found.address)
        page.wait_for_load_state("networkidle")
        name = re.sub(r"\W+", "-", kind_of(found.address)).strip("-") or "home"
        page.screenshot(path=folder / f"{account or 'public'}-{number:03}-{name}.png", full_page=True)
        if int(page.evaluate("document.documentElement.scrollWidth")) > WIDTHS[width]:
            complaints.append(f"{place}: wider than the screen")
        if locale == DEFAULT_LOCALE:
            lines = {line.strip() for line in page.inner_text("body").splitlines()}
            complaints.extend(f"{place}: not translated: {line}" for line in sorted(lines & _english()))
    context.close()


@cache
def _english() -> frozenset[str]:
    """Messages whose translation differs from them: a page in Chinese shows none of these."""
    return frozenset(
        message.id
        for message in load(DEFAULT_LOCALE)
        if isinstance(message.id, str) and message.id and message.string != message.id
    )


if __name__ == "__main__":
    sys.exit(main())
