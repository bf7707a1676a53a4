"""What every page has: login and logout, the languages, the keyboard, nothing that the security policy refuses."""

import re

import pytest
from playwright.async_api import Browser, Page, ViewportSize, expect

from solvers.models import SizeClass
from tests.browser.conftest import LogIn
from tests.factories import PASSWORD, Factory

pytestmark = pytest.mark.browser

PHONE: ViewportSize = {"width": 390, "height": 844}


def complaints_of(page: Page) -> list[str]:
    """Filled while the page lives: errors of scripts, and what the content security policy refuses."""
    found: list[str] = []
    page.on("console", lambda message: found.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: found.append(str(error)))
    return found


async def test_a_person_logs_in_and_out(make: Factory, log_in: LogIn) -> None:
    organization = await make.organization(size=SizeClass.SMALL)
    person = await make.member(organization)
    page = await log_in(to="/account")
    await expect(page).to_have_url(re.compile("/account$"))
    await page.fill("[name=email]", person.email)
    await page.fill("[name=password]", PASSWORD)
    await page.press("[name=password]", "Enter")
    # Back where they wanted to go.
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    await expect(page.locator("main")).to_contain_text(person.email)
    await page.get_by_label("账户菜单").click()
    await page.get_by_role("button", name="退出登录", exact=True).first.click()
    await expect(page.get_by_role("status").first).to_contain_text("退出")
    await page.goto("/account")
    await expect(page.locator("[name=password]")).to_be_visible()


async def test_a_wrong_password_keeps_the_address_and_says_so(make: Factory, log_in: LogIn) -> None:
    person = await make.person()
    page = await log_in(to="/login")
    await page.fill("[name=email]", person.email)
    await page.fill("[name=password]", "wrong password")
    await page.press("[name=password]", "Enter")
    await expect(page.get_by_role("alert")).to_be_visible()
    await expect(page.locator("[name=email]")).to_have_value(person.email)


async def test_the_language_changes_and_stays_on_the_same_page(log_in: LogIn) -> None:
    page = await log_in(to="/challenges?q=叶片")
    await expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    await page.get_by_role("link", name="English").click()
    await expect(page.locator("html")).to_have_attribute("lang", "en")
    await expect(page.locator("[name=q]").first).to_have_value("叶片")
    await page.goto("/programs")
    await expect(page.locator("html")).to_have_attribute("lang", "en")
    await page.get_by_role("link", name="中文").click()
    await expect(page.locator("html")).to_have_attribute("lang", "zh-CN")


async def test_the_keyboard_skips_to_the_content(log_in: LogIn) -> None:
    page = await log_in(to="/challenges")
    await page.keyboard.press("Tab")
    skip_link = page.locator(".skip-link")
    await expect(skip_link).to_be_focused()
    await expect(skip_link).to_be_in_viewport()
    await page.keyboard.press("Enter")
    await expect(page.locator("main")).to_be_focused()


async def test_pages_keep_to_the_security_policy_and_to_a_phone_s_width(
    make: Factory, chromium: Browser, address: str
) -> None:
    officer = await make.officer()
    program = await make.program(officer)
    poster = await make.organization(size=SizeClass.LARGE)
    challenge = await make.challenge(poster, program)
    context = await chromium.new_context(locale="zh-CN", base_url=address, viewport=PHONE)
    page = await context.new_page()
    complaints = complaints_of(page)
    for path in (
        "/",
        "/challenges",
        f"/challenges/{challenge.id}",
        "/solvers",
        f"/solvers/{poster.id}",
        "/programs",
        f"/programs/{program.id}",
        "/login",
        "/register",
        "/about",
    ):
        await page.goto(path)
        assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], path
        assert complaints == [], path


async def test_a_script_in_a_text_is_only_text(make: Factory, log_in: LogIn) -> None:
    poster = await make.organization(size=SizeClass.LARGE)
    evil = "<script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\">"
    challenge = await make.challenge(poster, await make.program(), title=evil, content=evil)
    page = await log_in(to=f"/challenges/{challenge.id}")
    await expect(page.get_by_role("heading", level=1)).to_contain_text("<script>")
    assert "taken'" in await page.title()
    assert await page.title() != "taken"


async def test_an_ended_login_is_told_and_what_was_typed_is_kept(make: Factory, log_in: LogIn) -> None:
    organization = await make.organization()
    page = await log_in(await make.member(organization), to="/account")
    await page.fill("[name=current]", PASSWORD)
    await page.fill("[name=password]", "a new long password")
    await page.fill("[name=repeated]", "a new long password")
    await page.context.clear_cookies(name="jiebang_login")
    await page.press("[name=repeated]", "Enter")
    await expect(page.locator("[name=email]")).to_be_visible()
    await expect(page).to_have_url(re.compile("/account/password$"))
