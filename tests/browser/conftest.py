"""A real Chromium against the application behind a real socket."""

import asyncio
import os
import shutil
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import uvicorn
from litestar import Litestar
from playwright.async_api import Browser, Page, async_playwright

from core.accounts.models import Person
from tests.factories import PASSWORD
from web.serving import StreamEndingServer

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture
async def address(app: Litestar) -> AsyncIterator[str]:
    """The application behind a real socket."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = StreamEndingServer(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:  # noqa: ASYNC110 -- uvicorn tells of its start by this flag alone
        await asyncio.sleep(0.05)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    await asyncio.to_thread(thread.join)


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    if CHROMIUM is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no Chromium: the gate skips nothing")
        pytest.skip("NO CHROMIUM FOUND: install it, or name it in CHROMIUM, to run the browser tests")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        await browser.close()


LogIn = Callable[..., Awaitable[Page]]


@pytest.fixture
async def log_in(chromium: Browser, address: str) -> LogIn:
    """`await log_in(person, to=path)` is that person's own browser window, on that page."""

    async def open_window(person: Person | None = None, *, to: str = "/") -> Page:
        context = await chromium.new_context(locale="zh-CN", base_url=address)
        page = await context.new_page()
        # Questions before what cannot be undone are answered with yes.
        page.on("dialog", lambda dialog: asyncio.ensure_future(dialog.accept()))
        if person is None:
            await page.goto(to)
            return page
        await page.goto("/login")
        await page.fill("[name=email]", person.email)
        await page.fill("[name=password]", PASSWORD)
        await page.press("[name=password]", "Enter")
        await page.wait_for_url(f"{address}/")
        await page.goto(to)
        return page

    return open_window
