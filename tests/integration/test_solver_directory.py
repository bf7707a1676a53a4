"""The public directory and organizations' pages: who is listed, who sees what, what a search may find."""

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from challenges.indexes import terms_of_text
from core.clock import shanghai_today
from solvers.models import (
    CapabilityProfile,
    Certificate,
    CertificateKind,
    Organization,
    OrganizationKind,
    SizeClass,
    Verification,
    Visibility,
)
from solvers.profiles.texts import evidence_text, profile_text
from tests.conftest import Browser, BrowserOf
from tests.factories import Factory

SECRET = "等离子喷涂热障涂层"


async def written(
    make: Factory, organization: Organization, summary: str, **values: Any
) -> CapabilityProfile:
    """A profile with the tokens that the use case would have stored."""
    profile = await make.profile(organization, summary, **values)
    profile.tokens = terms_of_text(profile_text(profile.summary, profile.team, profile.keywords))
    for item in profile.evidence:
        item.tokens = terms_of_text(evidence_text(item.title, item.text, item.keywords))
    await make.session.commit()
    return profile


async def names(browser: Browser, address: str, among: list[Organization]) -> list[str]:
    """Names of those organizations that the page lists, in its order."""
    page = await browser.get(address)
    assert page.status_code == 200
    text = page.text.replace("<mark>", "").replace("</mark>", "")
    places = [(text.find(f"{item.name}</a>"), item.name) for item in among]
    return [name for place, name in sorted(places) if place >= 0]


@pytest.fixture
async def readers(make: Factory, browser_of: BrowserOf) -> dict[str, Browser]:
    verified = await make.organization(name="读者有限公司")
    pending = await make.organization(name="待审读者有限公司", verification=Verification.PENDING)
    return {
        "public": await browser_of(),
        "pending": await browser_of(await make.member(pending), pending),
        "verified": await browser_of(await make.member(verified), verified),
        "administrator": await browser_of(await make.administrator()),
        "officer": await browser_of(await make.officer()),
    }


@pytest.mark.parametrize(
    ("visibility", "allowed"),
    [
        (Visibility.PUBLIC, {"public", "pending", "verified", "administrator", "officer"}),
        (Visibility.VERIFIED, {"verified", "officer"}),
        (Visibility.MATCHER, {"officer"}),
    ],
)
async def test_profiles_are_read_searched_and_filtered_by_those_they_are_visible_to(
    make: Factory, readers: dict[str, Browser], visibility: Visibility, allowed: set[str]
) -> None:
    organization = await make.organization()
    profile = await written(
        make,
        organization,
        SECRET,
        visibility=visibility,
        subfield_codes=["0401"],
        evidence=[("内部专利", "真空热处理")],
    )
    for reader, browser in readers.items():
        may = reader in allowed
        page = await browser.get(f"/solvers/{organization.id}")
        assert page.status_code == 200
        assert organization.name in page.text
        assert (SECRET in page.text) is may, reader
        assert (profile.evidence[0].title in page.text) is may, reader
        listed = await browser.get("/solvers")
        assert organization.name in listed.text
        assert (SECRET in listed.text) is may, reader
        for query in ("热障涂层", "真空热处理"):
            hits = await names(browser, f"/solvers?q={query}", [organization])
            assert bool(hits) is may, (reader, query)
        for code in ("04", "0401"):
            hits = await names(browser, f"/solvers?field={code}", [organization])
            assert bool(hits) is may, (reader, code)


async def test_a_hidden_profile_is_found_by_its_organizations_name_and_shows_no_excerpt(
    make: Factory, browser_of: BrowserOf
) -> None:
    organization = await make.organization(name="宁波涂层研究所")
    await written(make, organization, f"涂层：{SECRET}", visibility=Visibility.MATCHER)
    page = await (await browser_of()).get("/solvers?q=涂层")
    assert "研究所" in page.text
    assert "等离子喷涂" not in page.text
    detail = await (await browser_of()).get(f"/solvers/{organization.id}?q=涂层")
    assert "等离子喷涂" not in detail.text


async def test_hidden_texts_do_not_move_the_ranking_of_others(make: Factory, browser_of: BrowserOf) -> None:
    """Many hidden profiles would make the word 涂层 common, and so put the other one first."""
    first = await make.organization(name="甲有限公司")
    second = await make.organization(name="乙有限公司")
    await written(make, first, "涂层 涂层工艺")
    await written(make, second, "铸造 铸造工艺")
    browser = await browser_of()
    before = (await browser.get("/solvers?q=涂层 铸造")).text
    for _ in range(6):
        await written(make, await make.organization(), "涂层", visibility=Visibility.MATCHER)
    assert (await browser.get("/solvers?q=涂层 铸造")).text == before


async def test_only_verified_organizations_are_listed_and_have_a_page(
    make: Factory, readers: dict[str, Browser]
) -> None:
    for verification in (Verification.DRAFT, Verification.PENDING, Verification.REJECTED):
        organization = await make.organization(verification=verification)
        await written(make, organization, SECRET)
        for reader, browser in readers.items():
            assert organization.name not in (await browser.get("/solvers")).text
            assert organization.name not in (await browser.get("/solvers?q=热障涂层")).text
            expected = 200 if reader in {"officer", "administrator"} else 404
            assert (await browser.get(f"/solvers/{organization.id}")).status_code == expected


async def test_own_people_open_their_page_before_verification(make: Factory, browser_of: BrowserOf) -> None:
    organization = await make.organization(verification=Verification.DRAFT)
    browser = await browser_of(await make.member(organization), organization)
    assert (await browser.get(f"/solvers/{organization.id}")).status_code == 200


async def test_figures_and_legal_data_are_for_own_people_and_the_authority(
    make: Factory, readers: dict[str, Browser], browser_of: BrowserOf
) -> None:
    organization = await make.organization(
        employees=77,
        revenue_wan=Decimal("1234.5"),
        assets_wan=Decimal("4321.5"),
        legal_representative="钱法人",
    )
    own = await browser_of(await make.member(organization), organization)
    for reader, browser in {**readers, "own": own}.items():
        text = (await browser.get(f"/solvers/{organization.id}")).text
        may = reader in {"own", "officer", "administrator"}
        for secret in ("77", "1,234.5", "4,321.5", "钱法人", organization.credit_code):
            assert bool(re.search(rf">\s*{re.escape(secret)}", text)) is may, (reader, secret)


async def test_the_rule_of_the_size_is_shown_to_everybody(make: Factory, browser_of: BrowserOf) -> None:
    small = await make.organization(size=SizeClass.SMALL)
    micro = await make.organization(size=SizeClass.MICRO)
    browser = await browser_of()
    await browser.get("/locale/en")
    assert "Employees ≥ 20" in (await browser.get(f"/solvers/{small.id}")).text
    assert (
        "Below the bounds of a small enterprise: Employees ≥ 20"
        in (await browser.get(f"/solvers/{micro.id}")).text
    )


async def test_a_search_ranks_by_score_and_a_name_comes_first(make: Factory, browser_of: BrowserOf) -> None:
    strong = await make.organization(name="丙公司")
    weak = await make.organization(name="丁公司")
    named = await make.organization(name="单晶叶片集团")
    none = await make.organization(name="戊公司")
    await written(make, strong, "单晶叶片铸造", evidence=[("单晶叶片", "单晶叶片定向凝固")])
    await written(make, weak, "单晶叶片与中药材种植、饲料加工、仓储物流、软件外包、旅游策划")
    await written(make, named, "")
    await written(make, none, "中药材种植")
    everyone = [strong, weak, named, none]
    browser = await browser_of()
    assert await names(browser, "/solvers?q=单晶叶片", everyone) == [named.name, strong.name, weak.name]
    by_name = await names(browser, "/solvers?q=单晶叶片&sort=name", everyone)
    assert by_name == sorted(by_name)
    assert set(by_name) == {named.name, strong.name, weak.name}


async def test_without_a_query_the_list_is_by_name_in_pages(make: Factory, browser_of: BrowserOf) -> None:
    organizations = [await make.organization(name=f"{number:02d}号公司") for number in range(23)]
    browser = await browser_of()
    assert await names(browser, "/solvers", organizations) == [item.name for item in organizations[:20]]
    assert await names(browser, "/solvers?page=2", organizations) == [
        item.name for item in organizations[20:]
    ]
    for page in ("x", "-1", "999999999999"):
        assert (await browser.get(f"/solvers?page={page}")).status_code == 200


async def test_filters_take_what_fits_and_leave_the_rest(make: Factory, browser_of: BrowserOf) -> None:
    today = shanghai_today()

    def certificate(kind: CertificateKind, days: int) -> Certificate:
        return Certificate(
            kind=kind,
            number="GR1",
            valid_from=today - timedelta(days=900),
            valid_until=today + timedelta(days=days),
        )

    small = await make.organization(
        name="小型公司", certificates=[certificate(CertificateKind.LITTLE_GIANT, 9)]
    )
    expired = await make.organization(
        name="过期公司", size=SizeClass.MICRO, certificates=[certificate(CertificateKind.LITTLE_GIANT, -1)]
    )
    large = await make.organization(name="大型公司", size=SizeClass.LARGE, region_code="3205")
    university = await make.organization(name="某大学", kind=OrganizationKind.UNIVERSITY, size=None)
    everyone = [small, expired, large, university]
    browser = await browser_of()
    for query, expected in {
        "": everyone,
        "size=small": [small],
        "size=sme": [small, expired],
        "size=large": [large],
        "kind=university": [university],
        "region=33": [small, expired, university],
        "region=3205": [large],
        "certificate=little_giant": [small],
        "size=sme&region=32": [],
        "size=huge&kind=cat&region=zz&field=99&certificate=x&sort=y": everyone,
        "q=公司&size=large": [large],
    }.items():
        found = await names(browser, f"/solvers?{query}", everyone)
        assert set(found) == {item.name for item in expected}, query


async def test_certificates_are_told_valid_or_expired(make: Factory, browser_of: BrowserOf) -> None:
    today = shanghai_today()
    organization = await make.organization(
        certificates=[
            Certificate(
                kind=CertificateKind.HIGH_TECH,
                number="GR-EXPIRED",
                valid_from=today - timedelta(days=9),
                valid_until=today - timedelta(days=1),
            )
        ]
    )
    browser = await browser_of()
    await browser.get("/locale/en")
    text = (await browser.get(f"/solvers/{organization.id}")).text
    assert "GR-EXPIRED" in text
    assert ">Expired<" in text
    assert ">Valid<" not in text


async def test_what_was_searched_for_is_marked_and_texts_are_escaped(
    make: Factory, browser_of: BrowserOf
) -> None:
    organization = await make.organization()
    await written(make, organization, "涂层<script>alert(1)</script>", evidence=[("热障涂层", "喷涂&沉积")])
    browser = await browser_of()
    for address in ("/solvers?q=涂层", f"/solvers/{organization.id}?q=涂层"):
        text = (await browser.get(address)).text
        assert "<mark>涂层</mark>" in text
        assert "<script>alert" not in text
    assert "<mark>" not in (await browser.get(f"/solvers/{organization.id}")).text


async def test_with_script_only_the_results_come_back(make: Factory, browser_of: BrowserOf) -> None:
    organization = await make.organization()
    page = await (await browser_of()).get("/solvers", headers={"hx-request": "true", "hx-target": "results"})
    assert organization.name in page.text
    assert page.text.lstrip().startswith('<div id="results">')
    assert page.headers["hx-push-url"] == "/solvers"


async def test_an_organization_that_does_not_exist_is_not_found(browser_of: BrowserOf) -> None:
    browser = await browser_of()
    assert (await browser.get("/solvers/00000000-0000-4000-8000-000000000000")).status_code == 404
    assert (await browser.get("/solvers/not-an-id")).status_code == 404
