from sqlalchemy import select

from core.accounts.models import Person
from core.audit import AuditEntry
from solvers.models import Membership, Organization, SizeClass, Verification
from tests.conftest import BrowserOf
from tests.factories import PASSWORD, Factory, credit_code
from web.sessions import LOGIN_COOKIE


def organization_fields(number: int, **changes: str) -> dict[str, str]:
    return {
        "kind": "enterprise",
        "name": "杭州清河传感技术有限公司",
        "credit_code": credit_code(number),
        "legal_representative": "王清",
        "region_code": "3301",
        "industry_code": "C3562 半导体器件专用设备制造",
        "employees": "280",
        "revenue_wan": "1900",
        **changes,
    }


def registration(number: int, **changes: str) -> dict[str, str]:
    return organization_fields(
        number,
        **{
            "person_name": "王清",
            "email": "wang@example.com",
            "password": PASSWORD,
            "repeated": PASSWORD,
            **changes,
        },
    )


async def test_a_person_and_an_organization_register_in_one_form(
    make: Factory, browser_of: BrowserOf
) -> None:
    browser = await browser_of()
    assert (await browser.get("/register")).status_code == 200
    answer = await browser.submit("/register", registration(9001))
    assert answer.status_code == 303
    assert answer.headers["location"] == "/organization"
    page = await browser.get("/organization")
    assert page.status_code == 200
    assert "杭州清河传感技术有限公司" in page.text
    organization = (await make.session.scalars(select(Organization))).one()
    assert organization.industry_code == "C3562"
    assert organization.size_class is SizeClass.SMALL
    assert organization.verification is Verification.DRAFT
    membership = (await make.session.scalars(select(Membership))).one()
    assert membership.role.value == "owner"
    actions = set(await make.session.scalars(select(AuditEntry.action)))
    assert "organization.registered" in actions


async def test_a_wrong_form_keeps_what_was_typed_and_creates_nothing(
    make: Factory, browser_of: BrowserOf
) -> None:
    browser = await browser_of()
    wrong = registration(9002, credit_code=credit_code(9002)[:-1] + "?", revenue_wan="viel", region_code="")
    answer = await browser.submit("/register", wrong)
    assert answer.status_code == 422
    assert "杭州清河传感技术有限公司" in answer.text
    assert 'value="viel"' in answer.text
    assert PASSWORD not in answer.text
    assert (await make.session.scalars(select(Organization))).first() is None
    assert (await make.session.scalars(select(Person))).first() is None
    assert LOGIN_COOKIE not in browser.cookies


async def test_a_code_with_a_wrong_check_character_is_refused(make: Factory, browser_of: BrowserOf) -> None:
    browser = await browser_of()
    right = credit_code(9003)
    wrong = right[:-1] + ("0" if right[-1] != "0" else "1")
    answer = await browser.submit("/register", registration(9003, credit_code=wrong))
    assert answer.status_code == 422
    assert "credit_code-error" in answer.text
    assert (await make.session.scalars(select(Person))).first() is None


async def test_a_code_is_normalized_and_registered_only_once(make: Factory, browser_of: BrowserOf) -> None:
    first, second = await browser_of(), await browser_of()
    code = credit_code(9004)
    spelled = f" {code[:9].lower()} {code[9:].lower()} "
    assert (await first.submit("/register", registration(9004, credit_code=spelled))).status_code == 303
    assert (await make.session.scalars(select(Organization.credit_code))).one() == code
    again = await second.submit("/register", registration(9004, email="li@example.com"))
    assert again.status_code == 422
    assert "credit_code-error" in again.text
    assert len((await make.session.scalars(select(Person))).all()) == 1


async def test_a_taken_address_is_named_beside_the_organization_s_errors(
    make: Factory, browser_of: BrowserOf
) -> None:
    person = await make.person()
    browser = await browser_of()
    answer = await browser.submit(
        "/register", registration(9005, email=person.email.upper(), industry_code="没有这个行业")
    )
    assert answer.status_code == 422
    assert "email-error" in answer.text
    assert "industry_code-error" in answer.text


async def test_an_institute_needs_no_industry_and_has_no_size(make: Factory, browser_of: BrowserOf) -> None:
    browser = await browser_of()
    answer = await browser.submit(
        "/register",
        registration(9006, kind="research_institute", industry_code="", employees="", revenue_wan=""),
    )
    assert answer.status_code == 303
    organization = (await make.session.scalars(select(Organization))).one()
    assert organization.size_class is None
    assert organization.industry_code is None


async def test_an_enterprise_without_the_figures_of_its_industry_is_refused(browser_of: BrowserOf) -> None:
    browser = await browser_of()
    answer = await browser.submit("/register", registration(9007, industry_code="E4710"))
    assert answer.status_code == 422
    assert "assets_wan-error" in answer.text
    assert "employees-error" not in answer.text


async def test_somebody_with_an_account_registers_another_organization_and_acts_for_it(
    make: Factory, browser_of: BrowserOf
) -> None:
    first = await make.organization()
    person = await make.member(first)
    browser = await browser_of(person, first)
    token = browser.cookies[LOGIN_COOKIE]
    assert (await browser.get("/register", follow_redirects=False)).headers[
        "location"
    ] == "/organizations/new"
    answer = await browser.submit("/organizations/new", organization_fields(9008))
    assert answer.status_code == 303
    assert browser.cookies[LOGIN_COOKIE] != token
    page = await browser.get("/organization")
    assert "杭州清河传感技术有限公司" in page.text
    wrong = await browser.submit("/organizations/new", organization_fields(9008))
    assert wrong.status_code == 422


async def test_the_industry_picker_answers_with_a_fragment_and_with_a_page(browser_of: BrowserOf) -> None:
    browser = await browser_of()
    fragment = await browser.get("/industries?industry_code=半导体", headers={"hx-request": "true"})
    assert "C3562" in fragment.text
    assert "<html" not in fragment.text
    page = await browser.get("/industries?q=3562")
    assert "<html" in page.text
    assert "半导体器件专用设备制造" in page.text


async def test_the_size_follows_the_figures_and_names_its_rule(browser_of: BrowserOf) -> None:
    browser = await browser_of()
    # As a form sends it: what is not filled in is there, and empty.
    address = "/size?industry_code=C3562&employees=280&revenue_wan=1900&assets_wan="
    fragment = await browser.get(address, headers={"hx-request": "true"})
    assert fragment.status_code == 200
    assert "<html" not in fragment.text
    assert "小型" in fragment.text
    assert "2,000" in fragment.text
    page = await browser.get(address)
    assert "<html" in page.text
    assert "小型" in page.text
    missing = await browser.get("/size?industry_code=C3562&employees=280", headers={"hx-request": "true"})
    assert "小型" not in missing.text
    uncovered = await browser.get("/size?industry_code=J6621", headers={"hx-request": "true"})
    assert "金融业" in uncovered.text
    assert (await browser.get("/size")).status_code == 200
    assert (await browser.get("/size?industry_code=&employees=x&revenue_wan=NaN")).status_code == 200
