"""Contracts are made after the notice, written by the poster, offered as a document that stays."""

import hashlib
import io
from dataclasses import replace
from decimal import Decimal

import pytest
from pypdf import PdfReader
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

import challenges.contracts.jobs  # noqa: F401 -- what time does is registered
from challenges.contracts import service
from challenges.contracts.document import Difference
from challenges.contracts.models import ContractSignature
from challenges.contracts.policies import open_version
from challenges.contracts.standing import read_contract
from challenges.models import ChallengeState
from core.attachments import attachment_by_id, read_attachment
from core.clock import shanghai_today, utc_now
from core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from core.settings import Settings
from solvers.models import MembershipRole
from tests.conftest import BrowserOf
from tests.factories import Factory
from tests.integration.contracting import PDF, Award, award, book, drafted, offered, sign, told
from tests.integration.matchmaking import actor_of


@pytest.fixture
async def case(make: Factory) -> Award:
    return await award(make)


async def test_a_contract_is_made_from_challenge_and_consortium(case: Award) -> None:
    (contract,) = await drafted(case)
    text_ = await book(case, contract)
    assert [(item.name, item.role.value) for item in text_.parties] == [
        ("航空发动机集团", "poster"),
        (case.teams[0].lead.name, "lead"),
        (case.teams[0].member.name, "member"),
    ]
    assert [text_.name_of(item.organization_id) for item in text_.tasks] == [
        case.teams[0].lead.name,
        case.teams[0].lead.name,
        case.teams[0].member.name,
    ]
    assert text_.total_wan == text_.payments_wan == Decimal(200)
    assert "军令状" in text_.order_clause
    assert (contract.sign_by - utc_now()).days in {29, 30}
    # Again nothing is made.
    assert await drafted(case) == []


@pytest.mark.parametrize("state", [ChallengeState.AWARDED, ChallengeState.CONTRACTED])
async def test_contracts_are_made_after_the_notice_alone(make: Factory, state: ChallengeState) -> None:
    case = await award(make, state=state)
    with pytest.raises(ConflictError):
        await service.generate_contracts(case.session, case.poster_actor, case.challenge.id)


async def test_officers_and_the_posters_editors_make_contracts_and_nobody_else(
    make: Factory, case: Award
) -> None:
    viewer = actor_of(await make.member(case.poster, MembershipRole.VIEWER), case.poster, "viewer")
    with pytest.raises(ForbiddenError):
        await service.generate_contracts(case.session, viewer, case.challenge.id)
    with pytest.raises(NotFoundError):
        await service.generate_contracts(case.session, case.teams[0].lead_actor, case.challenge.id)
    assert await service.generate_contracts(case.session, case.officer_actor, case.challenge.id)
    assert await told(case.session, "contract.drafted") == {case.editor.id}


async def test_the_offered_document_is_a_pdf_whose_text_can_be_read_and_whose_hash_is_known(
    case: Award, settings: Settings
) -> None:
    (contract,) = await drafted(case)
    await offered(case, settings, contract, other_terms="保密五年 #pagebreak() $x$。")
    standing = await read_contract(case.session, case.poster_actor, contract.id)
    version = standing.contract.versions[0]
    assert version.document_id is not None
    attachment = await attachment_by_id(case.session, version.document_id)
    assert attachment is not None
    content = b"".join([chunk async for chunk in await read_attachment(settings, attachment)])
    assert hashlib.sha256(content).hexdigest() == version.sha256 == attachment.sha256
    reader = PdfReader(io.BytesIO(content))
    words = "".join("".join(page.extract_text() for page in reader.pages).split())
    for expected in (case.teams[0].member.name, "高温合金单晶叶片铸造工艺", "里程碑", "200.00", "军令"):
        assert expected in words
    # What is typed is never read as markup.
    assert "#pagebreak()$x$" in words
    fonts = {
        font["/BaseFont"]
        for page in reader.pages
        for font in (item.get_object() for item in page["/Resources"]["/Font"].values())  # type: ignore[index]
    }
    assert all("NotoSansHans" in str(name) for name in fonts), fonts


async def test_sums_and_dates_are_checked_before_it_is_offered(case: Award, settings: Settings) -> None:
    (contract,) = await drafted(case)
    stages = (await book(case, contract)).stages
    first, second = stages
    for wrong, field in (
        ((), "stages"),
        ((replace(first, payment_wan=Decimal("99.99")), second), "stages"),
        ((second, first), "stages"),
        ((first, replace(second, days=second.days + 40)), "stages-1-days"),
        ((replace(first, title=" "), second), "stages-0-title"),
        ((first, replace(second, deliverables="")), "stages-1-deliverables"),
    ):
        with pytest.raises(InvalidError) as caught:
            async with case.session.begin_nested():
                await offered_with(case, settings, contract, stages=wrong)
        assert field in caught.value.errors
    with pytest.raises(InvalidError):
        await offered_with(case, settings, contract, order_clause=" ")


async def offered_with(case: Award, settings: Settings, contract: object, **terms: object) -> None:
    standing = await read_contract(case.session, case.poster_actor, contract.id)  # type: ignore[attr-defined]
    version = open_version(standing.contract)
    assert version is not None
    await service.save_draft(case.session, case.poster_actor, standing.contract.id, terms, version.revision)
    await service.offer_contract(case.session, settings, case.poster_actor, standing.contract.id)


async def test_only_the_posters_editors_write_it_and_an_older_form_is_refused(
    case: Award, settings: Settings
) -> None:
    (contract,) = await drafted(case)
    await service.save_draft(case.session, case.poster_actor, contract.id, {"plan": "甲"}, 1)
    with pytest.raises(ConflictError):
        await service.save_draft(case.session, case.poster_actor, contract.id, {"plan": "乙"}, 1)
    with pytest.raises(ForbiddenError):
        await service.save_draft(case.session, case.officer_actor, contract.id, {"plan": "乙"}, 2)
    with pytest.raises(NotFoundError):
        await service.save_draft(case.session, case.teams[0].lead_actor, contract.id, {"plan": "乙"}, 2)
    await offered(case, settings, contract)
    with pytest.raises(ConflictError):
        await service.save_draft(case.session, case.poster_actor, contract.id, {"plan": "乙"}, 3)


async def test_a_team_sees_its_own_contract_from_the_offer_on_and_no_other(
    make: Factory, settings: Settings
) -> None:
    case = await award(make, teams=2)
    one, two = await drafted(case)
    mine, others = case.teams
    for actor in (mine.lead_actor, mine.member_actor):
        with pytest.raises(NotFoundError):
            await read_contract(case.session, actor, one.id)
    await offered(case, settings, one)
    await offered(case, settings, two)
    for actor in (mine.lead_actor, mine.member_actor):
        assert await read_contract(case.session, actor, one.id)
        with pytest.raises(NotFoundError):
            await read_contract(case.session, actor, two.id)
    with pytest.raises(NotFoundError):
        await read_contract(case.session, others.lead_actor, one.id)
    stranger = await make.officer()
    with pytest.raises(NotFoundError):
        await read_contract(case.session, replace(case.officer_actor, person_id=stranger.id), one.id)


async def test_the_database_holds_offered_texts_and_signatures(case: Award, settings: Settings) -> None:
    (contract,) = await drafted(case)
    await offered(case, settings, contract)
    await sign(case, settings, contract, case.poster_actor)
    for statement, kind in (
        ("UPDATE contract_version SET content = '{}'", DBAPIError),
        ("UPDATE contract_version SET sha256 = 'x'", DBAPIError),
        ("UPDATE contract_version SET state = 'signed'", IntegrityError),
        ("UPDATE contract SET state = 'signed', signed_at = now()", IntegrityError),
        ("DELETE FROM contract_version", DBAPIError),
        ("DELETE FROM contract_signature", DBAPIError),
        ("UPDATE contract_signature SET sha256 = 'x'", DBAPIError),
    ):
        with pytest.raises(kind):
            async with case.session.begin_nested():
                await case.session.execute(text(statement))
    assert await case.session.scalar(select(func.count()).select_from(ContractSignature)) == 1


async def test_pages_of_writing_signing_and_amending(
    case: Award, settings: Settings, browser_of: BrowserOf
) -> None:
    poster = await browser_of(case.editor, case.poster)
    address = f"/challenges/{case.challenge.id}/contracts"
    assert "生成任务书" in (await poster.get(address)).text
    assert (await poster.submit(address)).status_code == 303
    (contract,) = await service.own_contracts(case.session, case.poster_actor, case.challenge)
    page = f"/contracts/{contract.contract.id}"
    form = {
        "revision": "1",
        "starts_on": shanghai_today().isoformat(),
        "months": "12",
        "ip_terms": "共同所有",
        "benefit_terms": "按投入",
        "order_clause": "军令状",
        "stages-0-key": "",
        "stages-0-title": "交付",
        "stages-0-deliverables": "样件",
        "stages-0-days": "300",
        "stages-0-payment_wan": "150",
    }
    added = await poster.submit(f"{page}/edit", {**form, "action": "add"})
    assert added.status_code == 200
    assert "stages-1-title" in added.text
    assert "样件" in added.text
    removed = await poster.submit(f"{page}/edit", {**form, "action": "remove:0"})
    assert "stages-0-title" not in removed.text
    refused = await poster.submit(f"{page}/edit", {**form, "stages-0-days": "viele", "action": "save"})
    assert refused.status_code == 422
    assert "共同所有" in refused.text
    lacking = await poster.submit(f"{page}/edit", {**form, "action": "offer"})
    assert lacking.status_code == 422
    assert "150.00" in lacking.text
    done = await poster.submit(
        f"{page}/edit", {**form, "revision": "2", "stages-0-payment_wan": "200", "action": "offer"}
    )
    assert done.status_code == 303, done.text
    shown = (await poster.get(page)).text
    standing = await read_contract(case.session, case.poster_actor, contract.contract.id, lock=True)
    version = standing.contract.versions[0]
    assert version.sha256 in shown
    document = (await poster.get(f"{page}/versions/1")).text
    assert case.teams[0].lead.name in document
    assert (await poster.get(f"/attachments/{version.document_id}")).content.startswith(b"%PDF")
    await case.session.commit()
    unconfirmed = await poster.submit(f"{page}/sign", {"sha256": version.sha256})
    assert unconfirmed.status_code == 422
    without = await poster.submit(f"{page}/sign", {"sha256": version.sha256, "confirm": "y"})
    assert without.status_code == 422
    signed_now = await poster.submit(
        f"{page}/sign", {"sha256": version.sha256, "confirm": "y"}, files={"file": ("a.pdf", PDF)}
    )
    assert signed_now.status_code == 303
    officer = await browser_of(case.officer)
    queue = (await officer.get("/officer")).text
    assert page in queue
    assert (await officer.get(page)).status_code == 200
    assert "/contracts" in (await officer.get(f"/challenges/{case.challenge.id}")).text
    empty = await poster.submit(f"{page}/changes", {"note": ""})
    assert empty.status_code == 422


def test_a_comparison_marks_the_lines_that_differ_and_leaves_the_others() -> None:
    change = Difference("里程碑", "里程碑 1", "中期检查\n样件\n100.00", "中期检查\n样件\n80.00\n备注")
    assert change.old_lines == [("中期检查", False), ("样件", False), ("100.00", True)]
    assert change.new_lines == [("中期检查", False), ("样件", False), ("80.00", True), ("备注", True)]
    assert Difference("条款", "其他约定", "", "新增").old_lines == []
