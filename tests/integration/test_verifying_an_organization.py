import re
from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select

from core.accounts.models import Person, PersonRole, PlatformRole
from core.actor import Actor
from core.attachments import Attachment
from core.audit import AuditEntry
from core.errors import ForbiddenError
from core.process import Process
from solvers.models import (
    CapabilityProfile,
    Certificate,
    CertificateKind,
    ControlKind,
    ControlRelation,
    MembershipRole,
    Organization,
    OrganizationKind,
    SizeClass,
    Verification,
)
from solvers.organizations import service
from solvers.organizations.facts import CertificateFacts
from tests.conftest import Browser, BrowserOf
from tests.factories import Factory
from tests.told import told

PDF = ("营业执照（副本）.pdf", b"%PDF-1.7 licence", "application/pdf")


async def reloaded(make: Factory, organization: Organization) -> Organization:
    await make.session.rollback()
    await make.session.refresh(organization)
    return organization


async def draft(make: Factory, browser_of: BrowserOf) -> tuple[Organization, Person, Browser]:
    organization = await make.organization(verification=Verification.DRAFT, verified_at=None)
    owner = await make.member(organization)
    return organization, owner, await browser_of(owner, organization)


async def upload(browser: Browser, *files: tuple[str, bytes, str]) -> int:
    answer = await browser.submit("/organization/documents", files=[("file", item) for item in files])
    return answer.status_code


def edit_fields(organization: Organization, **changes: str) -> dict[str, str]:
    fields = {
        "kind": organization.kind.value,
        "name": organization.name,
        "credit_code": organization.credit_code,
        "legal_representative": organization.legal_representative,
        "region_code": organization.region_code,
        "address": organization.address,
        "website": organization.website,
        "industry_code": organization.industry_code or "",
        "employees": str(organization.employees or ""),
        "revenue_wan": str(organization.revenue_wan or ""),
        "assets_wan": str(organization.assets_wan or ""),
    }
    return {**fields, **changes}


async def test_evidence_is_needed_to_hand_in_and_the_declaration_too(
    make: Factory, browser_of: BrowserOf
) -> None:
    organization, _owner, browser = await draft(make, browser_of)
    assert (await browser.submit("/organization/submit", {"declared": "y"})).status_code == 422
    assert await upload(browser, PDF) == 303
    assert (await browser.submit("/organization/submit")).status_code == 422
    assert (await reloaded(make, organization)).verification is Verification.DRAFT
    assert (await browser.submit("/organization/submit", {"declared": "y"})).status_code == 303
    assert (await reloaded(make, organization)).verification is Verification.PENDING
    assert organization.submitted_at is not None
    assert (await browser.submit("/organization/submit", {"declared": "y"})).status_code == 409


async def test_an_administrator_verifies_and_the_owners_get_a_mail(
    make: Factory, browser_of: BrowserOf
) -> None:
    organization, owner, browser = await draft(make, browser_of)
    address = owner.email
    await upload(browser, PDF)
    await browser.submit("/organization/submit", {"declared": "y"})
    administrator = await browser_of(await make.administrator())
    queue = await administrator.get("/administration")
    assert organization.name in queue.text
    page = await administrator.get(f"/administration/organizations/{organization.id}")
    assert "营业执照（副本）.pdf" in page.text
    seen = re.search(r'name="seen" value="(\d+)"', page.text)
    assert seen is not None
    answer = await administrator.submit(
        f"/administration/organizations/{organization.id}/verify", {"seen": seen.group(1)}
    )
    assert answer.status_code == 303
    assert (await reloaded(make, organization)).is_verified
    assert organization.verified_by_id is not None
    assert await told(make.session) == [(address, "organization.verified")]
    await administrator.get("/administration")  # shows the message of success once
    assert organization.name not in (await administrator.get("/administration")).text
    verified = await administrator.get("/administration?state=verified", headers={"hx-request": "true"})
    assert organization.name in verified.text
    assert "<html" not in verified.text
    history = await browser.get("/organization/history")
    assert "organization." not in re.sub(r"href=\S+", "", history.text)


async def test_sending_back_needs_a_reason_which_the_organization_reads(
    make: Factory, browser_of: BrowserOf
) -> None:
    organization = await make.organization(verification=Verification.PENDING, verified_at=None)
    owner = await make.member(organization)
    editor = await make.member(organization, MembershipRole.EDITOR)
    administrator = await browser_of(await make.administrator())
    path = f"/administration/organizations/{organization.id}/send-back"
    address = owner.email
    browser = await browser_of(editor, organization)
    assert (await administrator.submit(path, {"reason": " "})).status_code == 422
    assert (await reloaded(make, organization)).verification is Verification.PENDING
    assert (await administrator.submit(path, {"reason": "执照已过期"})).status_code == 303
    assert (await reloaded(make, organization)).verification is Verification.REJECTED
    assert await told(make.session) == [(address, "organization.sent_back")]
    assert "执照已过期" in (await browser.get("/organization")).text
    await upload(browser, PDF)
    assert (await browser.submit("/organization/submit", {"declared": "y"})).status_code == 303
    assert (await reloaded(make, organization)).verification is Verification.PENDING


async def test_what_changed_after_the_page_was_opened_is_not_verified(
    make: Factory, browser_of: BrowserOf
) -> None:
    organization = await make.organization(verification=Verification.PENDING, verified_at=None)
    owner = await make.member(organization)
    administrator = await browser_of(await make.administrator())
    page = await administrator.get(f"/administration/organizations/{organization.id}")
    seen = re.search(r'name="seen" value="(\d+)"', page.text)
    assert seen is not None
    browser = await browser_of(owner, organization)
    assert (
        await browser.submit("/organization/edit", edit_fields(organization, employees="60"))
    ).status_code == 303
    answer = await administrator.submit(
        f"/administration/organizations/{organization.id}/verify", {"seen": seen.group(1)}
    )
    assert answer.status_code == 409
    assert not (await reloaded(make, organization)).is_verified


async def test_nobody_verifies_an_organization_of_their_own(make: Factory, browser_of: BrowserOf) -> None:
    organization = await make.organization(verification=Verification.PENDING, verified_at=None)
    member = await make.member(organization, MembershipRole.VIEWER)
    make.session.add(PersonRole(person_id=member.id, role=PlatformRole.ADMINISTRATOR))
    await make.session.commit()
    browser = await browser_of(member)
    page = await browser.get(f"/administration/organizations/{organization.id}")
    assert page.status_code == 200
    assert f"/administration/organizations/{organization.id}/verify" not in page.text
    answer = await browser.submit(f"/administration/organizations/{organization.id}/verify")
    assert answer.status_code == 403
    assert not (await reloaded(make, organization)).is_verified


async def test_only_administrators_decide(make: Factory, browser_of: BrowserOf, process: Process) -> None:
    organization = await make.organization(verification=Verification.PENDING, verified_at=None)
    owner = await make.member(organization)
    for person, acting in ((owner, organization), (await make.officer(), None)):
        browser = await browser_of(person, acting)
        assert (await browser.get("/administration")).status_code == 403
        answer = await browser.submit(f"/administration/organizations/{organization.id}/verify")
        assert answer.status_code == 403
    with pytest.raises(ForbiddenError):
        async with process.transaction() as session:
            await service.verify_organization(session, Actor(person_id=owner.id), organization.id)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "杭州改名科技有限公司"),
        ("legal_representative", "新法人"),
        ("employees", "400"),
        ("revenue_wan", "2000.01"),
        ("industry_code", "I6513"),
        ("credit_code", "91330100MA0000001F"),
    ],
)
async def test_verified_facts_that_change_go_back_to_verification(
    make: Factory, browser_of: BrowserOf, field: str, value: str
) -> None:
    organization = await make.organization()
    browser = await browser_of(await make.member(organization), organization)
    answer = await browser.submit("/organization/edit", edit_fields(organization, **{field: value}))
    assert answer.status_code == 303
    assert (await reloaded(make, organization)).verification is Verification.PENDING
    actions = list(await make.session.scalars(select(AuditEntry.action).order_by(AuditEntry.number)))
    assert actions[-2:] == ["organization.changed", "organization.reopened"]


async def test_other_facts_may_change_and_saving_unchanged_ones_does_nothing(
    make: Factory, browser_of: BrowserOf
) -> None:
    organization = await make.organization()
    browser = await browser_of(await make.member(organization, MembershipRole.EDITOR), organization)
    assert (await browser.get("/organization/edit")).status_code == 200
    assert (await browser.submit("/organization/edit", edit_fields(organization))).status_code == 303
    assert list(await make.session.scalars(select(AuditEntry.action))) == []
    answer = await browser.submit(
        "/organization/edit", edit_fields(organization, website="example.com", address="文一路1号")
    )
    assert answer.status_code == 303
    assert (await reloaded(make, organization)).is_verified
    assert organization.website == "https://example.com"


async def test_the_size_is_computed_anew_and_the_indexes_are_told(
    make: Factory, browser_of: BrowserOf
) -> None:
    organization = await make.organization()
    daughter = await make.organization()
    await make.profile(organization)
    await make.profile(daughter)
    make.session.add(
        ControlRelation(organization_id=daughter.id, controller_id=organization.id, kind=ControlKind.CONTROL)
    )
    await make.session.commit()
    browser = await browser_of(await make.member(organization), organization)
    answer = await browser.submit(
        "/organization/edit", edit_fields(organization, employees="1200", revenue_wan="50000")
    )
    assert answer.status_code == 303
    assert (await reloaded(make, organization)).size_class is SizeClass.LARGE
    revisions = list(await make.session.scalars(select(CapabilityProfile.index_revision)))
    assert sorted(revisions) == [1, 2]


async def test_a_viewer_reads_and_changes_nothing(make: Factory, browser_of: BrowserOf) -> None:
    organization = await make.organization()
    browser = await browser_of(await make.member(organization, MembershipRole.VIEWER), organization)
    for path in ("/organization", "/organization/people", "/organization/history"):
        assert (await browser.get(path)).status_code == 200
    assert (await browser.get("/organization/edit")).status_code == 403
    assert (
        await browser.submit("/organization/edit", edit_fields(organization, employees="9"))
    ).status_code == 403
    assert await upload(browser, PDF) == 403


async def test_an_edit_form_that_fails_keeps_what_was_typed(make: Factory, browser_of: BrowserOf) -> None:
    organization = await make.organization()
    other = await make.organization()
    browser = await browser_of(await make.member(organization), organization)
    answer = await browser.submit(
        "/organization/edit",
        edit_fields(organization, name="新名字有限公司", credit_code=other.credit_code),
    )
    assert answer.status_code == 422
    assert "新名字有限公司" in answer.text
    assert "credit_code-error" in answer.text
    assert (await reloaded(make, organization)).name != "新名字有限公司"


async def test_a_certificate_is_added_once_and_removed(make: Factory, browser_of: BrowserOf) -> None:
    organization = await make.organization()
    browser = await browser_of(await make.member(organization), organization)
    fields = {
        "kind": "little_giant",
        "number": "xjr2024",
        "valid_from": "2024-01-01",
        "valid_until": "2027-01-01",
    }
    wrong = await browser.submit("/organization/certificates", {**fields, "valid_until": "2023-01-01"})
    assert wrong.status_code == 422
    assert "xjr2024" in wrong.text
    assert (await browser.submit("/organization/certificates", fields)).status_code == 303
    assert (await reloaded(make, organization)).verification is Verification.PENDING
    assert (await browser.submit("/organization/certificates", fields)).status_code == 422
    certificate = (await make.session.scalars(select(Certificate))).one()
    assert certificate.number == "XJR2024"
    stranger = await make.organization()
    outsider = await browser_of(await make.member(stranger), stranger)
    path = f"/organization/certificates/{certificate.id}/remove"
    assert (await outsider.submit(path)).status_code == 404
    assert (await browser.submit(path)).status_code == 303
    assert (await make.session.scalars(select(Certificate.id))).first() is None


async def test_a_relation_to_a_registered_organization_is_found_and_declared(
    make: Factory, browser_of: BrowserOf
) -> None:
    organization = await make.organization()
    parent = await make.organization(size=SizeClass.LARGE, name="浙江巨力重工集团有限公司")
    await make.profile(organization)
    browser = await browser_of(await make.member(organization), organization)
    fragment = await browser.get("/organization/relations/new?q=巨力", headers={"hx-request": "true"})
    assert str(parent.id) in fragment.text
    assert "<html" not in fragment.text
    page = await browser.get("/organization/relations/new?q=巨力")
    assert str(parent.id) in page.text
    fields = {"kind": "control", "controller_id": str(parent.id), "q": "巨力", "controller_name": ""}
    assert (await browser.submit("/organization/relations/new", fields)).status_code == 303
    assert (await reloaded(make, organization)).verification is Verification.PENDING
    relation = (await make.session.scalars(select(ControlRelation))).one()
    assert (relation.organization_id, relation.controller_id) == (organization.id, parent.id)
    assert (await make.session.scalars(select(CapabilityProfile.index_revision))).one() == 1
    again = await browser.submit("/organization/relations/new", fields)
    assert again.status_code == 422
    itself = {**fields, "controller_id": str(organization.id)}
    assert (await browser.submit("/organization/relations/new", itself)).status_code == 422
    theirs = await browser_of(await make.member(parent), parent)
    assert organization.name in (await theirs.get("/organization")).text
    assert (await theirs.submit(f"/organization/relations/{relation.id}/remove")).status_code == 404
    assert (await browser.submit(f"/organization/relations/{relation.id}/remove")).status_code == 303


async def test_a_relation_to_an_unregistered_organization_needs_its_size(
    make: Factory, browser_of: BrowserOf
) -> None:
    organization = await make.organization(verification=Verification.DRAFT, verified_at=None)
    browser = await browser_of(await make.member(organization), organization)
    fields = {"kind": "same_legal_representative", "controller_name": "境外控股(中国)有限公司"}
    refused = await browser.submit("/organization/relations/new", fields)
    assert refused.status_code == 422
    assert "境外控股(中国)有限公司" in refused.text
    answer = await browser.submit("/organization/relations/new", {**fields, "controller_size": "large"})
    assert answer.status_code == 303
    relation = (await make.session.scalars(select(ControlRelation))).one()
    assert relation.controller_name == "境外控股（中国）有限公司"
    assert relation.controller_size is SizeClass.LARGE
    assert (await reloaded(make, organization)).verification is Verification.DRAFT
    assert "境外控股（中国）有限公司" in (await browser.get("/organization")).text
    nothing = await browser.submit("/organization/relations/new", {"kind": "control"})
    assert nothing.status_code == 422


async def test_an_institute_declares_no_relations(make: Factory, browser_of: BrowserOf) -> None:
    institute = await make.organization(kind=OrganizationKind.RESEARCH_INSTITUTE)
    parent = await make.organization()
    browser = await browser_of(await make.member(institute), institute)
    answer = await browser.submit(
        "/organization/relations/new", {"kind": "control", "controller_id": str(parent.id)}
    )
    assert answer.status_code == 409


async def test_the_use_cases_serve_without_a_page(make: Factory, process: Process) -> None:
    organization = await make.organization(verification=Verification.PENDING, verified_at=None)
    await make.profile(organization)
    editor = Actor(name="x", organization_id=organization.id, organization_role="editor")
    administrator = Actor(name="y", roles=frozenset({PlatformRole.ADMINISTRATOR}))
    async with process.transaction() as session:
        await service.add_certificate(
            session,
            editor,
            organization.id,
            CertificateFacts(
                kind=CertificateKind.CHAMPION,
                number="1",
                valid_from=date(2025, 1, 1),
                valid_until=date(2025, 1, 1) + timedelta(days=365),
            ),
        )
        await service.verify_organization(session, administrator, organization.id)
    assert (await reloaded(make, organization)).is_verified
    assert organization.revenue_wan == Decimal(600)
    assert (await make.session.scalars(select(CapabilityProfile.index_revision))).one() == 2
    assert (await make.session.scalars(select(Attachment))).first() is None
