from core.accounts.models import Person
from tests.conftest import BrowserOf
from tests.factories import Factory


async def test_the_language_chosen_is_shown_and_is_that_of_mail(make: Factory, browser_of: BrowserOf) -> None:
    person = await make.person()
    browser = await browser_of(person)
    assert 'lang="zh-CN"' in (await browser.get("/about")).text
    answer = await browser.get("/locale/en?to=/about", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/about")
    assert 'lang="en"' in (await browser.get("/about")).text
    await make.session.refresh(person)
    assert person.locale == "en"


async def test_a_language_that_is_not_there_changes_nothing(make: Factory, browser_of: BrowserOf) -> None:
    person: Person = await make.person()
    browser = await browser_of(person)
    assert (await browser.get("/locale/fr", follow_redirects=False)).status_code == 404
    await make.session.refresh(person)
    assert person.locale == "zh_CN"


async def test_anybody_may_choose_for_their_own_browser(browser_of: BrowserOf) -> None:
    browser = await browser_of()
    await browser.get("/locale/en", follow_redirects=False)
    assert 'lang="en"' in (await browser.get("/about")).text
