"""Files of forms that hold more than files: sent in pieces before the form, or whole within it."""

import uuid
from typing import Any

import pytest
from sqlalchemy import select

from challenges.acceptances import queries as acceptance_queries
from challenges.contracts.models import Contract
from challenges.contracts.policies import open_version
from challenges.contracts.standing import read_contract
from challenges.milestones.models import Milestone, MilestoneReport
from challenges.milestones.queries import milestones_of
from core.attachments import Attachment
from core.process import Process
from core.schedule import catch_up
from core.settings import Settings
from core.storage import storage_of
from core.uploads import PIECE_BYTES, Upload
from tests.conftest import Browser, BrowserOf
from tests.factories import Factory
from tests.integration.contracting import Award, at_work, award, drafted, offered
from tests.integration.test_milestones import accept_all

CONTENT = b"%PDF-1.7 " + bytes(range(256)) * (PIECE_BYTES // 256 + 9)
NAME = "中期报告（第二版）.pdf"


async def sent(
    browser: Browser, target: str, target_id: Any, content: bytes = CONTENT, pieces: int = 99
) -> str:
    """The value by which a form names a file that was sent before it."""
    begun = await browser.submit(
        "/uploads", {"subject_type": target, "subject_id": str(target_id), "size": len(content)}
    )
    assert begun.status_code == 201, begun.text
    upload = begun.json()["id"]
    for offset in list(range(0, len(content), PIECE_BYTES))[:pieces]:
        answer = await browser.post(
            f"/uploads/{upload}/pieces",
            params={"offset": offset},
            content=content[offset : offset + PIECE_BYTES],
            headers={"content-type": "application/octet-stream", "x-csrftoken": browser.cookies["csrftoken"]},
        )
        assert answer.status_code == 200
    return f"{upload} {NAME}"


async def of_lead(case: Award, browser_of: BrowserOf) -> Browser:
    person = await case.session.get_one(type(case.editor), case.teams[0].lead_actor.person_id)
    return await browser_of(person, case.teams[0].lead)


@pytest.fixture
async def working(make: Factory, settings: Settings) -> tuple[Award, Contract, Milestone]:
    case, (contract,) = await at_work(make, settings)
    return case, contract, (await milestones_of(case.session, contract.id))[0]


async def left(case: Award, process: Process) -> tuple[int, list[str]]:
    await catch_up()
    rows = (await case.session.scalars(select(Upload.id))).all()
    return len(rows), await storage_of(process.settings).names("incoming/")


async def test_a_report_takes_a_file_that_was_sent_before_it_and_one_within_it(
    working: tuple[Award, Contract, Milestone], browser_of: BrowserOf, process: Process
) -> None:
    case, _contract, milestone = working
    lead = await of_lead(case, browser_of)
    value = await sent(lead, "milestone", milestone.id)
    done = await lead.submit(
        f"/milestones/{milestone.id}/report",
        {"text": "完成", "upload": value},
        files=[("file", ("照片.png", b"\x89PNG\r\n\x1a\n1"))],
    )
    assert done.status_code == 303, done.text
    files = {
        item.name: item for item in await case.session.scalars(select(Attachment)) if item.uploaded_by_id
    }
    assert {"照片.png", NAME} <= set(files)
    fetched = await (await browser_of(case.editor, case.poster)).get(f"/attachments/{files[NAME].id}")
    assert fetched.content == CONTENT
    assert await left(case, process) == (0, [])


async def test_where_something_else_is_missing_the_file_waits_and_is_named_again(
    working: tuple[Award, Contract, Milestone], browser_of: BrowserOf
) -> None:
    case, _contract, milestone = working
    lead, address = await of_lead(case, browser_of), f"/milestones/{milestone.id}/report"
    value = await sent(lead, "milestone", milestone.id)
    refused = await lead.submit(address, {"text": "", "upload": value})
    assert refused.status_code == 422
    assert f'value="{value}"' in refused.text
    assert await case.session.scalar(select(MilestoneReport)) is None
    assert (await lead.submit(address, {"text": "完成", "upload": value})).status_code == 303
    # It is over with that: nobody adds it a second time.
    assert await case.session.scalar(select(Upload)) is None


async def test_a_file_of_another_kind_is_refused_at_the_field_and_gone(
    working: tuple[Award, Contract, Milestone], browser_of: BrowserOf, process: Process
) -> None:
    case, _contract, milestone = working
    lead = await of_lead(case, browser_of)
    value = await sent(lead, "milestone", milestone.id, b"<html>")
    refused = await lead.submit(f"/milestones/{milestone.id}/report", {"text": "完成", "upload": value})
    assert refused.status_code == 422
    assert f'id="file-{milestone.id}-error"' in refused.text
    assert "PDF、PNG" in refused.text
    assert value not in refused.text
    assert "完成" in refused.text
    assert await case.session.scalar(select(MilestoneReport)) is None
    assert await left(case, process) == (0, [])


async def test_nobody_hands_in_what_is_not_whole_not_theirs_or_meant_for_something_else(
    working: tuple[Award, Contract, Milestone], browser_of: BrowserOf
) -> None:
    case, _contract, milestone = working
    lead, address = await of_lead(case, browser_of), f"/milestones/{milestone.id}/report"
    member = await case.session.get_one(type(case.editor), case.teams[0].member_actor.person_id)
    other = await browser_of(await case.make.member(case.teams[0].lead), case.teams[0].lead)
    later = (await milestones_of(case.session, milestone.contract_id))[1]
    await case.session.commit()
    for value in (
        await sent(lead, "milestone", milestone.id, pieces=1),
        await sent(lead, "milestone", later.id),
        await sent(other, "milestone", milestone.id),
        f"{uuid.uuid4()} {NAME}",
    ):
        refused = await lead.submit(address, {"text": "完成", "upload": value})
        assert refused.status_code == 422
        assert "请重新选择" in refused.text
    assert await case.session.scalar(select(MilestoneReport)) is None
    # A partner reports nothing, and may send nothing for it.
    partner = await browser_of(member, case.teams[0].member)
    begun = await partner.submit(
        "/uploads", {"subject_type": "milestone", "subject_id": str(milestone.id), "size": 9}
    )
    assert begun.status_code == 403


async def test_what_comes_with_a_form_is_not_added_without_it(
    working: tuple[Award, Contract, Milestone], browser_of: BrowserOf
) -> None:
    case, _contract, milestone = working
    lead = await of_lead(case, browser_of)
    value = await sent(lead, "milestone", milestone.id)
    assert (await lead.submit(f"/uploads/{value[:36]}/finish", {"name": NAME})).status_code == 404


async def test_a_signed_copy_is_sent_in_pieces_and_is_a_pdf_or_a_picture(
    make: Factory, settings: Settings, browser_of: BrowserOf
) -> None:
    case = await award(make)
    (contract,) = await drafted(case)
    await offered(case, settings, contract)
    version = open_version((await read_contract(case.session, case.poster_actor, contract.id)).contract)
    assert version is not None
    await case.session.commit()
    poster, address = await browser_of(case.editor, case.poster), f"/contracts/{contract.id}/sign"
    fields = {"sha256": version.sha256, "confirm": "y"}
    value = await sent(poster, "contract", contract.id)
    unconfirmed = await poster.submit(address, {"sha256": version.sha256, "upload": value})
    assert unconfirmed.status_code == 422
    assert value in unconfirmed.text
    archive = await sent(poster, "contract", contract.id, b"PK\x03\x04" + bytes(30))
    refused = await poster.submit(address, {**fields, "upload": archive})
    assert refused.status_code == 422
    assert "签字件" in refused.text or "扫描件" in refused.text or "签署件" in refused.text
    assert (await poster.submit(address, {**fields, "upload": value})).status_code == 303
    again = await poster.submit(
        "/uploads", {"subject_type": "contract", "subject_id": str(contract.id), "size": 9}
    )
    assert again.status_code == 409


async def test_documents_of_an_acceptance_are_read_by_its_parties_and_officers_alone(
    working: tuple[Award, Contract, Milestone], browser_of: BrowserOf, settings: Settings, make: Factory
) -> None:
    case, contract, _milestone = working
    lead, address = await of_lead(case, browser_of), f"/contracts/{contract.id}/acceptance"
    early = await lead.submit(
        "/uploads", {"subject_type": "acceptance", "subject_id": str(contract.id), "size": 9}
    )
    assert early.status_code == 409
    await accept_all(case, settings, contract)
    value = await sent(lead, "acceptance", contract.id)
    many = [("file", (f"{number}.pdf", b"%PDF-1.7")) for number in range(10)]
    refused = await lead.submit(address, {"text": "请验收", "upload": value}, files=many)
    assert refused.status_code == 422
    assert await acceptance_queries.acceptances_of(case.session, contract.id) == []
    value = await sent(lead, "acceptance", contract.id)
    asked = await lead.submit(
        address, {"text": "请验收", "upload": value}, files=[("file", ("测试报告.pdf", b"%PDF-1.7"))]
    )
    assert asked.status_code == 303, asked.text
    (acceptance,) = await acceptance_queries.acceptances_of(case.session, contract.id)
    files = list(await case.session.scalars(select(Attachment).where(Attachment.subject_id == acceptance.id)))
    assert {item.name for item in files} == {NAME, "测试报告.pdf"}
    member = await case.session.get_one(type(case.editor), case.teams[0].member_actor.person_id)
    stranger = await make.organization()
    nobody = await browser_of(await make.member(stranger), stranger)
    other_officer = await browser_of(await make.officer())
    for reader in (
        lead,
        await browser_of(case.editor, case.poster),
        await browser_of(member, case.teams[0].member),
        await browser_of(case.officer),
    ):
        assert NAME in (await reader.get(address)).text
        assert (await reader.get(f"/attachments/{files[0].id}")).status_code == 200
    for reader in (nobody, other_officer):
        assert (await reader.get(f"/attachments/{files[0].id}")).status_code == 404
    # What was asked stays as it was asked.
    assert (await lead.submit(f"/attachments/{files[0].id}/remove")).status_code == 403
