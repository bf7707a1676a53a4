"""The profile editor: owners and editors write, nothing typed is lost, the indexes and open challenges follow."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from challenges.indexes import solver_index, terms_of_text
from core.audit import entries_of
from core.process import Process
from solvers.models import EvidenceKind, MembershipRole, Organization, Verification, Visibility
from solvers.profiles import queries
from solvers.profiles.models import CapabilityProfile, EvidenceItem
from tests.conftest import BrowserOf
from tests.factories import Factory

PROFILE = {
    "summary": "面向航空发动机叶片的热障涂层制备",
    "team": "博士3人",
    "keywords": "热障涂层、CFD, 热障涂层",
    "subfield_codes": ["0401"],
    "visibility": "verified",
}
ITEM = {
    "kind": "patent",
    "title": "电子束物理气相沉积方法",
    "year": "2023",
    "text": "结合强度60 MPa",
    "keywords": "EB-PVD",
}


async def stored(session: AsyncSession, organization: Organization) -> CapabilityProfile:
    """The profile as it is in the database, read by another session than the test's own."""
    async with AsyncSession(session.bind) as fresh:
        profile = await queries.profile_of(fresh, organization.id)
    assert profile is not None
    return profile


async def test_an_editor_saves_the_profile_with_tokens_revision_and_audit_entry(
    make: Factory, browser_of: BrowserOf, session: AsyncSession, process: Process
) -> None:
    organization = await make.organization()
    editor = await browser_of(await make.member(organization, MembershipRole.EDITOR), organization)
    assert (await editor.get("/organization/profile")).status_code == 200
    answer = await editor.submit("/organization/profile", PROFILE)
    assert (answer.status_code, answer.headers["location"]) == (303, "/organization/profile")
    profile = await stored(session, organization)
    assert profile.summary == PROFILE["summary"]
    assert profile.keywords == ["热障涂层", "CFD"]
    assert profile.visibility is Visibility.VERIFIED
    assert profile.index_revision > 0
    assert profile.tokens == terms_of_text("面向航空发动机叶片的热障涂层制备\n博士3人\n热障涂层、CFD")
    [entry] = await entries_of(session, "organization", organization.id)
    assert entry.action == "profile.saved"
    assert entry.changes["summary"] == ["", PROFILE["summary"]]
    async with process.transaction() as reading:
        assert await (await solver_index(reading)).search("热障涂层")


async def test_viewers_strangers_officers_and_the_public_do_not_edit(
    make: Factory, browser_of: BrowserOf, session: AsyncSession
) -> None:
    organization = await make.organization()
    await make.profile(organization, "原文")
    item_id = (await make.profile(await make.organization(), evidence=[("甲", "乙")])).evidence[0].id
    viewer = await browser_of(await make.member(organization, MembershipRole.VIEWER), organization)
    officer = await browser_of(await make.officer())
    for browser, status in ((viewer, 403), (officer, 403), (await browser_of(), 401)):
        assert (await browser.get("/organization/profile")).status_code == status
        assert (await browser.get("/organization/profile/evidence/new")).status_code == status
        for path in ("", "/evidence", f"/evidence/{item_id}", f"/evidence/{item_id}/delete"):
            answer = await browser.submit(f"/organization/profile{path}", {**PROFILE, **ITEM})
            assert answer.status_code == status, path
    assert (await stored(session, organization)).summary == "原文"


async def test_another_organizations_evidence_does_not_exist(
    make: Factory, browser_of: BrowserOf, session: AsyncSession
) -> None:
    theirs = await make.profile(await make.organization(), evidence=[("别人的专利", "内容")])
    item_id = theirs.evidence[0].id
    own = await make.organization()
    browser = await browser_of(await make.member(own), own)
    for path in (f"/evidence/{item_id}", f"/evidence/{item_id}/edit"):
        answer = await browser.get(f"/organization/profile{path}")
        assert answer.status_code == 404
        assert "别人的专利" not in answer.text
    for path in (f"/evidence/{item_id}", f"/evidence/{item_id}/delete"):
        assert (await browser.submit(f"/organization/profile{path}", ITEM)).status_code == 404
    kept = (await session.scalars(select(EvidenceItem.title).where(EvidenceItem.id == item_id))).one()
    assert kept == "别人的专利"


async def test_what_is_typed_stays_when_something_is_wrong(
    make: Factory, browser_of: BrowserOf, session: AsyncSession
) -> None:
    organization = await make.organization()
    await make.profile(organization, "原文")
    browser = await browser_of(await make.member(organization), organization)
    wrong = {**PROFILE, "summary": "我写了很久的简介", "keywords": "长" * 31}
    answer = await browser.submit("/organization/profile", wrong)
    assert answer.status_code == 422
    for typed in ("我写了很久的简介", "博士3人", "长" * 31):
        assert typed in answer.text
    assert 'value="0401"\n' in answer.text.replace("  ", "")
    assert (await stored(session, organization)).summary == "原文"
    answer = await browser.submit("/organization/profile/evidence", {**ITEM, "title": "", "year": "1234"})
    assert answer.status_code == 422
    for typed in ("1234", ITEM["text"], ITEM["keywords"]):
        assert typed in answer.text
    assert (await stored(session, organization)).evidence == []


async def test_too_many_fields_are_refused(
    make: Factory, browser_of: BrowserOf, session: AsyncSession
) -> None:
    organization = await make.organization()
    browser = await browser_of(await make.member(organization), organization)
    nine = [f"010{digit}" for digit in range(1, 9)] + ["0201"]
    answer = await browser.submit("/organization/profile", {**PROFILE, "subfield_codes": nine})
    assert answer.status_code == 422
    answer = await browser.submit("/organization/profile", {**PROFILE, "subfield_codes": nine[:8]})
    assert answer.status_code == 303


async def test_evidence_is_added_edited_and_deleted_without_script(
    make: Factory, browser_of: BrowserOf, session: AsyncSession
) -> None:
    organization = await make.organization()
    browser = await browser_of(await make.member(organization), organization)
    answer = await browser.submit("/organization/profile/evidence", ITEM)
    assert answer.status_code == 303
    [item] = (await stored(session, organization)).evidence
    assert answer.headers["location"] == f"/organization/profile#evidence-{item.id}"
    assert (item.kind, item.year, item.keywords) == (EvidenceKind.PATENT, 2023, ["EB-PVD"])
    assert item.tokens == terms_of_text("电子束物理气相沉积方法\n结合强度60 MPa\nEB-PVD")
    before = (await stored(session, organization)).index_revision
    page = await browser.get(f"/organization/profile/evidence/{item.id}/edit")
    assert "<!DOCTYPE html>" in page.text
    assert ITEM["text"] in page.text
    changed = {**ITEM, "title": "改过的标题", "year": ""}
    answer = await browser.submit(f"/organization/profile/evidence/{item.id}", changed)
    assert answer.status_code == 303
    profile = await stored(session, organization)
    assert (profile.evidence[0].title, profile.evidence[0].year) == ("改过的标题", None)
    assert profile.index_revision > before
    answer = await browser.submit(f"/organization/profile/evidence/{item.id}/delete")
    assert answer.status_code == 303
    after = await stored(session, organization)
    assert after.evidence == []
    assert after.index_revision > profile.index_revision
    actions = [entry.action for entry in await entries_of(session, "organization", organization.id)]
    assert actions == ["evidence.deleted", "evidence.saved", "evidence.added"]
    assert (await browser.submit(f"/organization/profile/evidence/{item.id}/delete")).status_code == 404


async def test_with_script_the_row_and_the_meter_come_back(make: Factory, browser_of: BrowserOf) -> None:
    organization = await make.organization()
    browser = await browser_of(await make.member(organization), organization)
    htmx = {"hx-request": "true"}
    form = await browser.get("/organization/profile/evidence/new", headers=htmx)
    assert form.text.lstrip().startswith("<li")
    saved = await browser.submit("/organization/profile/evidence", ITEM, headers=htmx)
    assert saved.status_code == 200
    assert ITEM["title"] in saved.text
    assert 'id="completeness" hx-swap-oob="true"' in " ".join(saved.text.split())
    assert "<!DOCTYPE html>" not in saved.text
    wrong = await browser.submit("/organization/profile/evidence", {**ITEM, "title": ""}, headers=htmx)
    assert wrong.status_code == 422
    assert wrong.text.lstrip().startswith("<li")
    assert ITEM["text"] in wrong.text


async def test_an_evidence_kind_that_does_not_exist_is_refused(make: Factory, browser_of: BrowserOf) -> None:
    organization = await make.organization()
    browser = await browser_of(await make.member(organization), organization)
    answer = await browser.submit("/organization/profile/evidence", {**ITEM, "kind": "miracle"})
    assert answer.status_code == 422


async def test_the_meter_names_what_is_missing_and_then_nothing(make: Factory, browser_of: BrowserOf) -> None:
    organization = await make.organization()
    browser = await browser_of(await make.member(organization), organization)
    assert ">0%<" in (await browser.get("/organization/profile")).text
    await browser.submit(
        "/organization/profile",
        {**PROFILE, "summary": "涂" * 100, "team": "队" * 30, "keywords": "甲、乙、丙"},
    )
    for kind in ("patent", "project", "equipment"):
        await browser.submit("/organization/profile/evidence", {**ITEM, "kind": kind, "text": "文" * 40})
    assert ">100%<" in (await browser.get("/organization/profile")).text


async def test_the_preview_shows_a_hidden_profile_to_officers_alone(
    make: Factory, browser_of: BrowserOf
) -> None:
    organization = await make.organization(legal_representative="赵法人")
    await make.profile(organization, "保密的能力简介", visibility=Visibility.MATCHER)
    browser = await browser_of(await make.member(organization), organization)
    for reader, shown in (("public", False), ("verified", False), ("officer", True)):
        page = await browser.get(f"/organization/profile/preview?reader={reader}")
        assert page.status_code == 200
        assert ("保密的能力简介" in page.text) is shown
        assert ("赵法人" in page.text) is shown
    assert (await browser.get("/organization/profile/preview?reader=nobody")).status_code == 404


async def test_an_unverified_organization_may_already_write_its_profile(
    make: Factory, browser_of: BrowserOf, session: AsyncSession, process: Process
) -> None:
    organization = await make.organization(verification=Verification.DRAFT)
    browser = await browser_of(await make.member(organization), organization)
    assert (await browser.submit("/organization/profile", PROFILE)).status_code == 303
    async with process.transaction() as reading:
        assert organization.id not in await solver_index(reading)
    assert (await stored(session, organization)).summary == PROFILE["summary"]


async def test_two_who_begin_a_profile_at_once_make_one(
    make: Factory, browser_of: BrowserOf, session: AsyncSession
) -> None:
    organization = await make.organization()
    browser = await browser_of(await make.member(organization), organization)
    for title in ("甲", "乙"):
        await browser.submit("/organization/profile/evidence", {**ITEM, "title": title})
    profiles = await session.scalars(
        select(CapabilityProfile.id).where(CapabilityProfile.organization_id == organization.id)
    )
    assert len(profiles.all()) == 1
    assert {item.title for item in (await stored(session, organization)).evidence} == {"甲", "乙"}
