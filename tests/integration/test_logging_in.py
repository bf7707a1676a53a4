from core.settings import Settings
from tests.conftest import BrowserOf
from tests.factories import PASSWORD, Factory
from web.sessions import LOGIN_COOKIE


async def test_a_person_logs_in_with_address_and_password(make: Factory, browser_of: BrowserOf) -> None:
    person = await make.person()
    browser = await browser_of()
    answer = await browser.submit(
        "/login", {"email": person.email.upper(), "password": PASSWORD, "target": "/account"}
    )
    assert answer.status_code == 303
    assert answer.headers["location"] == "/account"
    page = await browser.get("/account")
    assert page.status_code == 200
    assert person.email in page.text


async def test_a_wrong_password_is_refused_and_the_address_kept(make: Factory, browser_of: BrowserOf) -> None:
    person = await make.person()
    browser = await browser_of()
    answer = await browser.submit("/login", {"email": person.email, "password": "wrong password"})
    assert answer.status_code == 422
    assert person.email in answer.text
    assert LOGIN_COOKIE not in browser.cookies


async def test_guessing_is_throttled_even_with_the_right_password(
    make: Factory, browser_of: BrowserOf, settings: Settings
) -> None:
    person = await make.person()
    browser = await browser_of()
    for _ in range(settings.login_attempts_per_account):
        await browser.submit("/login", {"email": person.email, "password": "wrong password"})
    answer = await browser.submit("/login", {"email": person.email, "password": PASSWORD})
    assert answer.status_code == 422
    assert LOGIN_COOKIE not in browser.cookies


async def test_the_token_changes_at_login_and_a_supplied_one_is_not_taken(
    make: Factory, browser_of: BrowserOf
) -> None:
    person = await make.person()
    browser = await browser_of()
    browser.cookies.set(LOGIN_COOKIE, "chosen-by-an-attacker")
    answer = await browser.submit("/login", {"email": person.email, "password": PASSWORD})
    assert "chosen-by-an-attacker" not in answer.headers["set-cookie"]
    stranger = await browser_of()
    stranger.cookies.set(LOGIN_COOKIE, "chosen-by-an-attacker")
    assert (await stranger.get("/account")).status_code == 401


async def test_logging_out_everywhere_ends_every_login(make: Factory, browser_of: BrowserOf) -> None:
    person = await make.person()
    first, second = await browser_of(person), await browser_of(person)
    await first.submit("/logout-everywhere")
    assert (await second.get("/account")).status_code == 401


async def test_a_disabled_person_is_out_at_once(make: Factory, browser_of: BrowserOf) -> None:
    person = await make.person()
    browser = await browser_of(person)
    person.is_disabled = True
    await make.session.commit()
    assert (await browser.get("/account")).status_code == 401


async def test_a_form_sent_after_the_session_ended_is_kept_and_sent_again(
    make: Factory, browser_of: BrowserOf
) -> None:
    person = await make.person()
    browser = await browser_of()
    kept = await browser.submit(
        "/account/password", {"current": "my typed text", "password": "x", "repeated": "x"}
    )
    assert kept.status_code == 401
    assert "my typed text" in kept.text
    replay = '[["current", "my typed text"]]'
    again = await browser.submit(
        "/login",
        {"email": person.email, "password": PASSWORD, "target": "/account/password", "replay": replay},
    )
    assert again.status_code == 200
    assert 'action="/account/password"' in again.text
    assert "my typed text" in again.text


async def test_a_redirect_never_leaves_the_site(make: Factory, browser_of: BrowserOf) -> None:
    person = await make.person()
    for target in ("https://evil.example", "//evil.example", "/\\evil.example"):
        browser = await browser_of()
        answer = await browser.submit(
            "/login", {"email": person.email, "password": PASSWORD, "target": target}
        )
        assert answer.headers["location"] == "/"


async def test_a_form_without_its_token_is_refused(make: Factory, browser_of: BrowserOf) -> None:
    browser = await browser_of(await make.person())
    answer = await browser.post("/logout", follow_redirects=False)
    assert answer.status_code == 403
    assert (await browser.get("/account")).status_code == 200
