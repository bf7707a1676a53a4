import re
from collections.abc import Awaitable, Callable
from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from core.accounts.models import PasswordReset
from core.audit import AuditEntry
from core.clock import utc_now
from core.mail import MailMessage
from tests.conftest import BrowserOf
from tests.factories import PASSWORD, Factory

NEW = "a new long password"


async def reset_link(session: AsyncSession) -> str:
    """The path of the newest mailed link."""
    body = await session.scalar(
        select(MailMessage.body).order_by(MailMessage.created_at.desc(), MailMessage.id).limit(1)
    )
    await session.commit()
    assert body is not None
    found = re.search(r"https?://[^/\s]+(/reset-password/\S+)", body)
    assert found is not None
    return found.group(1)


async def test_a_mailed_link_sets_a_new_password_and_ends_every_login(
    make: Factory, browser_of: BrowserOf, run_jobs: Callable[[], Awaitable[None]]
) -> None:
    person = await make.person()
    elsewhere = await browser_of(person)
    browser = await browser_of()
    await browser.submit("/forgotten-password", {"email": person.email.upper()})
    await run_jobs()
    link = await reset_link(make.session)
    assert (await browser.get(link)).status_code == 200
    answer = await browser.submit(link, {"password": NEW, "repeated": NEW})
    assert answer.status_code == 303
    assert (await elsewhere.get("/account")).status_code == 401
    refused = await browser.submit("/login", {"email": person.email, "password": PASSWORD})
    assert refused.status_code == 422
    allowed = await browser.submit("/login", {"email": person.email, "password": NEW})
    assert allowed.status_code == 303
    actions = list(await make.session.scalars(select(AuditEntry.action)))
    assert actions == ["person.password_reset"]


async def test_a_link_works_once(make: Factory, browser_of: BrowserOf) -> None:
    person = await make.person()
    browser = await browser_of()
    await browser.submit("/forgotten-password", {"email": person.email})
    link = await reset_link(make.session)
    await browser.submit(link, {"password": NEW, "repeated": NEW})
    assert (await browser.get(link)).status_code == 404
    again = await browser.submit(link, {"password": "another password", "repeated": "another password"})
    assert again.status_code == 404
    assert (await browser.submit("/login", {"email": person.email, "password": NEW})).status_code == 303


async def test_another_link_ends_with_the_first_that_is_used(make: Factory, browser_of: BrowserOf) -> None:
    person = await make.person()
    browser = await browser_of()
    await browser.submit("/forgotten-password", {"email": person.email})
    first = await reset_link(make.session)
    await browser.submit("/forgotten-password", {"email": person.email})
    second = await reset_link(make.session)
    assert first != second
    assert (await browser.submit(second, {"password": NEW, "repeated": NEW})).status_code == 303
    assert (await browser.get(first)).status_code == 404


async def test_an_expired_link_is_refused(make: Factory, browser_of: BrowserOf) -> None:
    person = await make.person()
    browser = await browser_of()
    await browser.submit("/forgotten-password", {"email": person.email})
    link = await reset_link(make.session)
    await make.session.execute(update(PasswordReset).values(expires_at=utc_now() - timedelta(seconds=1)))
    await make.session.commit()
    assert (await browser.submit(link, {"password": NEW, "repeated": NEW})).status_code == 404
    assert (await browser.submit("/login", {"email": person.email, "password": PASSWORD})).status_code == 303


async def test_a_made_up_link_is_refused(browser_of: BrowserOf) -> None:
    browser = await browser_of()
    assert (await browser.get("/reset-password/made-up")).status_code == 404
    answer = await browser.submit("/reset-password/made-up", {"password": NEW, "repeated": NEW})
    assert answer.status_code == 404


async def test_passwords_that_differ_or_are_short_leave_the_link_usable(
    make: Factory, browser_of: BrowserOf
) -> None:
    person = await make.person()
    browser = await browser_of()
    await browser.submit("/forgotten-password", {"email": person.email})
    link = await reset_link(make.session)
    assert (await browser.submit(link, {"password": NEW, "repeated": "different one"})).status_code == 422
    assert (await browser.submit(link, {"password": "short", "repeated": "short"})).status_code == 422
    assert (await browser.submit(link, {"password": NEW, "repeated": NEW})).status_code == 303


async def test_the_page_does_not_tell_which_addresses_have_an_account(
    make: Factory, browser_of: BrowserOf
) -> None:
    known, disabled = await make.person(), await make.person(is_disabled=True)
    browser = await browser_of()
    pages = []
    for email in (known.email, disabled.email, "nobody@example.com"):
        answer = await browser.submit("/forgotten-password", {"email": email})
        assert answer.status_code == 200
        pages.append(re.sub(r'value="[^"]*"|"x-csrftoken": "[^"]*"', "", answer.text).replace(email, ""))
    assert pages[0] == pages[1] == pages[2]
    recipients = list(await make.session.scalars(select(MailMessage.recipient)))
    assert recipients == [known.email]


async def test_a_reset_lifts_the_throttle_of_the_account(make: Factory, browser_of: BrowserOf) -> None:
    person = await make.person()
    browser = await browser_of()
    for _ in range(8):
        await browser.submit("/login", {"email": person.email, "password": "wrong password"})
    await browser.submit("/forgotten-password", {"email": person.email})
    link = await reset_link(make.session)
    await browser.submit(link, {"password": NEW, "repeated": NEW})
    assert (await browser.submit("/login", {"email": person.email, "password": NEW})).status_code == 303


async def test_asking_again_and_again_does_not_fill_the_mailbox(make: Factory, browser_of: BrowserOf) -> None:
    person = await make.person()
    browser = await browser_of()
    for _ in range(10):
        answer = await browser.submit("/forgotten-password", {"email": person.email})
        assert answer.status_code == 200
    sent = list(await make.session.scalars(select(MailMessage.id)))
    assert 1 <= len(sent) <= 3
