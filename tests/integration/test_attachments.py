from pathlib import Path
from urllib.parse import unquote

from sqlalchemy import select

from core.attachments import Attachment, location_of
from core.clock import utc_now
from core.settings import Settings
from solvers.models import MembershipRole, Organization, Verification
from tests.conftest import Browser, BrowserOf
from tests.factories import Factory
from web.controllers.attachments import content_disposition

NAME = '营业执照 "正本".pdf'
CONTENT = b"%PDF-1.7 licence"


async def uploaded(
    make: Factory, browser_of: BrowserOf, name: str = NAME
) -> tuple[Organization, Browser, Attachment]:
    organization = await make.organization(verification=Verification.DRAFT, verified_at=None)
    browser = await browser_of(await make.member(organization), organization)
    answer = await browser.submit("/organization/documents", files=[("file", (name, CONTENT, "text/html"))])
    assert answer.status_code == 303
    return organization, browser, (await make.session.scalars(select(Attachment))).one()


async def test_an_attachment_comes_back_as_it_was_with_safe_headers(
    make: Factory, browser_of: BrowserOf
) -> None:
    _organization, browser, attachment = await uploaded(make, browser_of)
    answer = await browser.get(f"/attachments/{attachment.id}")
    assert answer.status_code == 200
    assert answer.content == CONTENT
    # The type by content, whatever the browser said when it sent the file.
    assert answer.headers["content-type"].startswith("application/pdf")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert answer.headers["cache-control"] == "private, no-store"
    disposition = answer.headers["content-disposition"]
    assert disposition.startswith("attachment; ")
    assert unquote(disposition.partition("filename*=UTF-8''")[2]) == attachment.name


def test_a_name_cannot_break_out_of_its_header() -> None:
    header = content_disposition('a"; evil=1\r\nset-cookie: x.pdf')
    assert "\r" not in header
    assert "\n" not in header
    assert header.count('"') == 2
    assert "evil=1\r" not in header
    assert content_disposition("报告.pdf") == (
        "attachment; filename=\"__.pdf\"; filename*=UTF-8''%E6%8A%A5%E5%91%8A.pdf"
    )


async def test_only_the_organization_and_administrators_fetch_its_evidence(
    make: Factory, browser_of: BrowserOf
) -> None:
    organization, _browser, attachment = await uploaded(make, browser_of)
    path = f"/attachments/{attachment.id}"
    viewer = await browser_of(await make.member(organization, MembershipRole.VIEWER), organization)
    administrator = await browser_of(await make.administrator())
    assert (await viewer.get(path)).status_code == 200
    assert (await administrator.get(path)).status_code == 200
    other = await make.organization()
    outsider = await browser_of(await make.member(other), other)
    officer = await browser_of(await make.officer())
    for browser in (outsider, officer):
        assert (await browser.get(path)).status_code == 404
        assert (await browser.submit(f"{path}/remove")).status_code == 404
    anonymous = await browser_of()
    assert (await anonymous.get(path)).status_code == 401
    made_up = "/attachments/00000000-0000-0000-0000-000000000000"
    assert (await anonymous.get(made_up)).status_code == 401
    assert (await outsider.get(made_up)).status_code == 404


async def test_a_member_of_two_organizations_fetches_only_for_the_one_they_act_for(
    make: Factory, browser_of: BrowserOf
) -> None:
    organization, _browser, attachment = await uploaded(make, browser_of)
    other = await make.organization()
    person = await make.member(other)
    assert organization.id != other.id
    assert (await (await browser_of(person, other)).get(f"/attachments/{attachment.id}")).status_code == 404


async def test_an_unknown_subject_is_nobodys(make: Factory, browser_of: BrowserOf) -> None:
    _organization, browser, attachment = await uploaded(make, browser_of)
    attachment.subject_type = "somethingelse"
    await make.session.commit()
    assert (await browser.get(f"/attachments/{attachment.id}")).status_code == 404
    administrator = await browser_of(await make.administrator())
    assert (await administrator.get(f"/attachments/{attachment.id}")).status_code == 404


async def test_evidence_is_removed_until_a_verification_relies_on_it(
    make: Factory, browser_of: BrowserOf
) -> None:
    organization, browser, attachment = await uploaded(make, browser_of)
    path = f"/attachments/{attachment.id}/remove"
    viewer = await browser_of(await make.member(organization, MembershipRole.VIEWER), organization)
    assert (await viewer.submit(path)).status_code == 403
    organization.verified_at = utc_now()
    await make.session.commit()
    assert (await browser.submit(path)).status_code == 409
    organization.verified_at = None
    await make.session.commit()
    answer = await browser.submit(path)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/organization"
    assert (await browser.get(f"/attachments/{attachment.id}")).status_code == 404


async def test_what_is_no_document_is_refused_and_nothing_kept(
    make: Factory, browser_of: BrowserOf, settings: Settings
) -> None:
    organization = await make.organization(verification=Verification.DRAFT, verified_at=None)
    browser = await browser_of(await make.member(organization), organization)
    page = ("x.pdf", b"<html><script>alert(1)</script>", "application/pdf")
    good = ("good.pdf", CONTENT, "application/pdf")
    for files in ([page], [good, page], [("empty.pdf", b"", "application/pdf")]):
        answer = await browser.submit("/organization/documents", files=[("file", item) for item in files])
        assert answer.status_code == 422
    assert (await browser.submit("/organization/documents")).status_code == 422
    assert (await make.session.scalars(select(Attachment))).first() is None


def delete(path: Path) -> None:
    path.unlink()


async def test_a_file_missing_on_disk_is_said_to_be_missing(
    make: Factory, browser_of: BrowserOf, settings: Settings
) -> None:
    _organization, browser, attachment = await uploaded(make, browser_of)
    delete(settings.attachments_dir / location_of(attachment))
    assert (await browser.get(f"/attachments/{attachment.id}")).status_code == 404
