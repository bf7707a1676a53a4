from dataclasses import replace

import pytest
from litestar import Litestar

from core.process import Process
from core.settings import Settings
from tests.conftest import Browser, BrowserOf
from tests.factories import PASSWORD, Factory
from web.app import create_app
from web.sessions import LOGIN_COOKIE

WRONG = "wrong password"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    # The test client's own address is no address at all; behind a proxy the header names the client's.
    return replace(settings, login_attempts_per_address=5, login_attempts_per_account=3)


async def guess(browser: Browser, times: int, *, first: int = 0) -> None:
    """Wrong guesses, each for another account."""
    for number in range(first, first + times):
        await browser.submit("/login", {"email": f"guess{number}@example.com", "password": WRONG})


async def test_an_address_that_guesses_many_accounts_has_to_wait(
    make: Factory, browser_of: BrowserOf
) -> None:
    person = await make.person()
    browser = await browser_of()
    await guess(browser, 5)
    answer = await browser.submit("/login", {"email": person.email, "password": PASSWORD})
    assert answer.status_code == 422
    assert LOGIN_COOKIE not in browser.cookies


async def test_an_address_below_the_limit_gets_in(make: Factory, browser_of: BrowserOf) -> None:
    person = await make.person()
    browser = await browser_of()
    await guess(browser, 4)
    assert (await browser.submit("/login", {"email": person.email, "password": PASSWORD})).status_code == 303


@pytest.fixture
def behind_a_proxy(process: Process, monkeypatch: pytest.MonkeyPatch) -> Litestar:
    """The application as a proxy at 127.0.0.1 reaches it."""
    process.settings = replace(process.settings, trusted_proxies="127.0.0.1")
    app = create_app(process)
    monkeypatch.setattr("web.sessions.client_address", _from_local_proxy)
    return app


def _from_local_proxy(connection: object, settings: Settings) -> str:
    from web.requests import client_address

    connection.scope["client"] = ("127.0.0.1", 40000)  # type: ignore[attr-defined]
    return client_address(connection, settings)  # type: ignore[arg-type]


async def test_one_client_behind_the_proxy_does_not_lock_out_another(
    make: Factory, behind_a_proxy: Litestar
) -> None:
    person = await make.person()
    async with Browser(behind_a_proxy) as guesser, Browser(behind_a_proxy) as other:
        guesser.headers["x-forwarded-for"] = "203.0.113.9"
        other.headers["x-forwarded-for"] = "198.51.100.1"
        await guess(guesser, 5)
        credentials = {"email": person.email, "password": PASSWORD}
        assert (await guesser.submit("/login", credentials)).status_code == 422
        assert (await other.submit("/login", credentials)).status_code == 303


async def test_a_made_up_header_does_not_escape_the_throttle(make: Factory, behind_a_proxy: Litestar) -> None:
    person = await make.person()
    async with Browser(behind_a_proxy) as guesser:
        for number in range(5):
            guesser.headers["x-forwarded-for"] = f"10.0.0.{number}, 203.0.113.9"
            await guess(guesser, 1, first=number)
        guesser.headers["x-forwarded-for"] = "10.0.0.99, 203.0.113.9"
        answer = await guesser.submit("/login", {"email": person.email, "password": PASSWORD})
        assert answer.status_code == 422


async def test_guesses_at_the_same_account_from_everywhere_are_throttled(
    make: Factory, behind_a_proxy: Litestar
) -> None:
    person = await make.person()
    async with Browser(behind_a_proxy) as guesser:
        for number in range(3):
            guesser.headers["x-forwarded-for"] = f"203.0.113.{number}"
            await guesser.submit("/login", {"email": person.email, "password": WRONG})
        guesser.headers["x-forwarded-for"] = "203.0.113.200"
        answer = await guesser.submit("/login", {"email": person.email, "password": PASSWORD})
        assert answer.status_code == 422


async def test_a_right_password_forgets_the_wrong_ones(make: Factory, browser_of: BrowserOf) -> None:
    person = await make.person()
    browser = await browser_of()
    for _ in range(2):
        for _ in range(2):
            await browser.submit("/login", {"email": person.email, "password": WRONG})
        answer = await browser.submit("/login", {"email": person.email, "password": PASSWORD})
        assert answer.status_code == 303
        await browser.submit("/logout")
