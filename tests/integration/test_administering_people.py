from sqlalchemy import select

from core.accounts.models import PersonRole, PlatformRole
from core.audit import AuditEntry
from tests.conftest import BrowserOf
from tests.factories import Factory


async def test_an_administrator_finds_people_and_gives_roles(make: Factory, browser_of: BrowserOf) -> None:
    organization = await make.organization()
    person = await make.member(organization)
    administrator = await browser_of(await make.administrator())
    page = await administrator.get(f"/administration/people?q={person.email}")
    assert person.name in page.text
    assert organization.name in page.text
    fragment = await administrator.get(
        "/administration/people?q=nobody-at-all", headers={"hx-request": "true"}
    )
    assert fragment.status_code == 200
    assert person.email not in fragment.text
    assert "<html" not in fragment.text
    theirs = await browser_of(person, organization)
    path = f"/administration/people/{person.id}"
    assert (await administrator.get(path)).status_code == 200
    answer = await administrator.submit(path, {"roles": ["officer", "reviewer"]})
    assert answer.status_code == 303
    roles = set(await make.session.scalars(select(PersonRole.role).where(PersonRole.person_id == person.id)))
    assert roles == {PlatformRole.OFFICER, PlatformRole.REVIEWER}
    # Rights have changed, so the login under which they were others is over.
    assert (await theirs.get("/account")).status_code == 401
    assert "person.roles_changed" in set(await make.session.scalars(select(AuditEntry.action)))
    assert (await administrator.get(path)).status_code == 200


async def test_a_disabled_person_cannot_log_in_and_may_be_enabled_again(
    make: Factory, browser_of: BrowserOf
) -> None:
    from tests.factories import PASSWORD

    person = await make.person()
    administrator = await browser_of(await make.administrator())
    path = f"/administration/people/{person.id}"
    await administrator.submit(path, {"is_disabled": "y"})
    guest = await browser_of()
    fields = {"email": person.email, "password": PASSWORD}
    assert (await guest.submit("/login", fields)).status_code == 422
    await administrator.submit(path, {})
    assert (await guest.submit("/login", fields)).status_code == 303


async def test_an_administrator_keeps_their_own_role_and_access(make: Factory, browser_of: BrowserOf) -> None:
    person = await make.administrator()
    browser = await browser_of(person)
    path = f"/administration/people/{person.id}"
    for fields in ({"roles": ["officer"]}, {"roles": ["administrator"], "is_disabled": "y"}):
        answer = await browser.submit(path, fields)
        assert answer.status_code == 422
    assert (await browser.get("/administration/people")).status_code == 200
    made_up = "/administration/people/00000000-0000-0000-0000-000000000000"
    assert (await browser.get(made_up)).status_code == 404
    assert (await browser.submit(path, {"roles": ["emperor"]})).status_code == 422


async def test_nobody_else_manages_people(make: Factory, browser_of: BrowserOf) -> None:
    organization = await make.organization()
    owner = await make.member(organization)
    target = await make.person()
    for person, acting in ((owner, organization), (await make.officer(), None)):
        browser = await browser_of(person, acting)
        assert (await browser.get("/administration/people")).status_code == 403
        assert (await browser.get(f"/administration/people/{target.id}")).status_code == 403
        answer = await browser.submit(f"/administration/people/{target.id}", {"roles": ["administrator"]})
        assert answer.status_code == 403
    assert (
        await make.session.scalars(select(PersonRole).where(PersonRole.person_id == target.id))
    ).first() is None
