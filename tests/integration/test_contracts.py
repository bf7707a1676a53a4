"""Contracts: made after the notice, written and offered by the poster, signed by all, amended, ended."""

import hashlib
import io
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from pypdf import PdfReader
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

import challenges.contracts.jobs  # noqa: F401 -- what time does is registered
from challenges.contracts import ending, service, signing
from challenges.contracts.document import Difference, differences
from challenges.contracts.models import ContractSignature, ContractState, VersionState
from challenges.contracts.policies import open_version, version_in_force
from challenges.contracts.standing import book_of, read_contract
from challenges.models import ChallengeState, MemberDeparture
from core.attachments import attachment_by_id, read_attachment
from core.clock import shanghai_today, utc_now
from core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from core.notifications.models import Notification
from core.schedule import catch_up
from core.settings import Settings
from solvers.models import Membership, MembershipRole, SizeClass
from tests.conftest import BrowserOf
from tests.factories import Factory
from tests.integration.contracting import PDF, Award, award, book, drafted, offered, sign, signed
from tests.integration.matchmaking import actor_of


@pytest.fixture
async def case(make: Factory) -> Award:
    return await award(make)


async def told(session: AsyncSession, kind: str) -> set[object]:
    return set(await session.scalars(select(Notification.person_id).where(Notification.kind == kind)))


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


async def test_the_last_signature_puts_it_in_force_and_the_work_begins(
    case: Award, settings: Settings
) -> None:
    (contract,) = await drafted(case)
    await offered(case, settings, contract)
    poster, lead, member = case.parties()
    assert await told(case.session, "contract.offered") == {lead.person_id, member.person_id}
    await sign(case, settings, contract, lead)
    await sign(case, settings, contract, poster)
    assert contract.state is ContractState.OFFERED
    with pytest.raises(ConflictError, match="已签署"):
        async with case.session.begin_nested():
            await sign(case, settings, contract, poster)
    await sign(case, settings, contract, member)
    await case.session.refresh(contract)
    await case.session.refresh(case.challenge)
    assert contract.state is ContractState.SIGNED
    assert case.challenge.state is ChallengeState.IN_PROGRESS
    assert case.officer.id in await told(case.session, "contract.signed")
    assert lead.person_id in await told(case.session, "contract.begun")


async def test_the_work_begins_on_its_day_once(case: Award, settings: Settings) -> None:
    (contract,) = await drafted(case)
    await signed(case, settings, contract, starts_on=shanghai_today() + timedelta(days=3))
    await case.session.refresh(case.challenge)
    assert case.challenge.state is ChallengeState.CONTRACTED
    await catch_up()
    await case.session.refresh(case.challenge)
    assert case.challenge.state is ChallengeState.CONTRACTED
    contract.begins_at = utc_now() - timedelta(minutes=1)
    await case.session.commit()
    await catch_up()
    await catch_up()
    await case.session.refresh(case.challenge)
    assert case.challenge.state is ChallengeState.IN_PROGRESS
    count = await case.session.scalar(
        select(func.count()).select_from(Notification).where(Notification.kind == "contract.begun")
    )
    assert count == 3


async def test_a_signature_names_the_hash_of_what_is_offered_and_carries_a_copy(
    case: Award, settings: Settings
) -> None:
    (contract,) = await drafted(case)
    await offered(case, settings, contract)
    sha256 = (await read_contract(case.session, case.poster_actor, contract.id)).contract.versions[0].sha256
    lead = case.teams[0].lead_actor

    async def attempt(actor: object, sha: str, content: bytes) -> None:
        async with case.session.begin_nested():
            await signing.sign_contract(
                case.session,
                settings,
                actor,  # type: ignore[arg-type]
                contract.id,
                sha256=sha,
                name="a.pdf",
                content=content,
            )

    with pytest.raises(ConflictError):
        await attempt(lead, "0" * 64, PDF)
    for content in (b"", b"text", b"PK\x03\x04zip"):
        with pytest.raises(InvalidError) as caught:
            await attempt(lead, sha256, content)
        assert "file" in caught.value.errors
    with pytest.raises(ForbiddenError):
        await attempt(case.officer_actor, sha256, PDF)
    with pytest.raises(ForbiddenError):
        await attempt(replace(lead, organization_role="viewer"), sha256, PDF)


async def test_a_party_asks_for_changes_and_signatures_count_no_more(case: Award, settings: Settings) -> None:
    (contract,) = await drafted(case)
    await offered(case, settings, contract)
    poster, lead, member = case.parties()
    await sign(case, settings, contract, poster)
    with pytest.raises(InvalidError):
        await signing.ask_for_changes(case.session, lead, contract.id, " ")
    await signing.ask_for_changes(case.session, member, contract.id, "里程碑太早")
    await case.session.commit()
    assert contract.state is ContractState.DRAFT
    assert {poster.person_id, lead.person_id} <= await told(case.session, "contract.changes_asked")
    await offered(case, settings, contract, other_terms="里程碑推迟")
    standing = await read_contract(case.session, poster, contract.id)
    assert standing.missing(standing.contract.versions[0]) == standing.party_ids
    for actor in (member, lead, poster):
        await sign(case, settings, contract, actor)
    assert contract.state is ContractState.SIGNED


async def test_nothing_is_signed_while_the_quota_is_to_be_settled(case: Award, settings: Settings) -> None:
    (contract,) = await drafted(case)
    await offered(case, settings, contract)
    case.teams[0].member.size_class = SizeClass.LARGE
    await case.session.commit()
    for _tick in range(2):
        with pytest.raises(ConflictError):
            async with case.session.begin_nested():
                await sign(case, settings, contract, case.poster_actor)
        await catch_up()


async def test_an_amendment_is_signed_by_all_again_and_can_be_compared(
    case: Award, settings: Settings
) -> None:
    (contract,) = await drafted(case)
    await signed(case, settings, contract)
    with pytest.raises(ForbiddenError):
        await service.begin_amendment(case.session, case.teams[0].lead_actor, contract.id, "延期")
    with pytest.raises(InvalidError):
        await service.begin_amendment(case.session, case.poster_actor, contract.id, "")
    await service.begin_amendment(case.session, case.poster_actor, contract.id, "材料供应延期")
    await case.session.commit()
    with pytest.raises(ConflictError):
        await service.begin_amendment(case.session, case.poster_actor, contract.id, "又一次")
    first, second = (await book(case, contract)).stages
    await offered(case, settings, contract, stages=(replace(first, days=first.days + 10), second))
    poster, lead, member = case.parties()
    await sign(case, settings, contract, poster)
    await sign(case, settings, contract, lead)
    standing = await read_contract(case.session, poster, contract.id)
    in_force = version_in_force(standing.contract)
    assert in_force is not None
    assert in_force.number == 1
    await sign(case, settings, contract, member)
    standing = await read_contract(case.session, poster, contract.id, lock=True)
    old, new = standing.contract.versions
    assert (old.state, new.state) == (VersionState.REPLACED, VersionState.SIGNED)
    assert contract.state is ContractState.SIGNED
    (change,) = differences(book_of(old), book_of(new))
    assert str(first.days) in change.before
    assert str(first.days + 10) in change.after


async def test_an_amendment_can_be_given_up(case: Award, settings: Settings) -> None:
    (contract,) = await drafted(case)
    with pytest.raises(ConflictError):
        await service.drop_amendment(case.session, case.poster_actor, contract.id)
    await signed(case, settings, contract)
    await service.begin_amendment(case.session, case.poster_actor, contract.id, "试一试")
    await service.drop_amendment(case.session, case.poster_actor, contract.id)
    standing = await read_contract(case.session, case.poster_actor, contract.id, lock=True)
    assert [item.state for item in standing.contract.versions] == [
        VersionState.SIGNED,
        VersionState.GIVEN_UP,
    ]
    await service.begin_amendment(case.session, case.poster_actor, contract.id, "再来")


async def test_of_two_teams_one_is_dropped_and_the_other_goes_on(make: Factory, settings: Settings) -> None:
    case = await award(make, teams=2)
    one, two = await drafted(case)
    await signed(case, settings, one)
    await case.session.refresh(case.challenge)
    assert case.challenge.state is ChallengeState.IN_NOTICE
    with pytest.raises(ForbiddenError):
        await ending.end_contract(case.session, case.poster_actor, two.id, "不签")
    with pytest.raises(InvalidError):
        await ending.end_contract(case.session, case.officer_actor, two.id, "")
    await ending.end_contract(case.session, case.officer_actor, two.id, "逾期未签")
    await case.session.commit()
    await case.session.refresh(case.challenge)
    assert two.state is ContractState.TERMINATED
    assert case.challenge.state is ChallengeState.IN_PROGRESS


async def test_where_every_team_is_dropped_there_is_no_award(case: Award) -> None:
    (contract,) = await drafted(case)
    await ending.end_contract(case.session, case.officer_actor, contract.id, "放弃")
    await case.session.refresh(case.challenge)
    assert (case.challenge.state, case.challenge.state_note) == (ChallengeState.NO_AWARD, "放弃")


@pytest.mark.parametrize("who", ["poster_actor", "officer_actor"])
async def test_the_only_contract_that_ends_early_ends_the_challenge(
    case: Award, settings: Settings, who: str
) -> None:
    (contract,) = await drafted(case)
    await signed(case, settings, contract)
    with pytest.raises(ForbiddenError):
        await ending.end_contract(case.session, case.teams[0].lead_actor, contract.id, "不做了")
    await ending.end_contract(case.session, getattr(case, who), contract.id, "需求取消")
    await case.session.refresh(case.challenge)
    assert case.challenge.state is ChallengeState.FAILED
    assert contract.ended_at is not None


async def test_an_officer_with_an_interest_ends_nothing(make: Factory, case: Award) -> None:
    (contract,) = await drafted(case)
    case.session.add(
        Membership(
            organization_id=case.teams[0].member.id, person_id=case.officer.id, role=MembershipRole.VIEWER
        )
    )
    await case.session.commit()
    with pytest.raises(ForbiddenError):
        await ending.end_contract(case.session, case.officer_actor, contract.id, "放弃")


async def test_who_has_left_does_not_sign_and_is_not_waited_for(case: Award, settings: Settings) -> None:
    case.session.add(
        MemberDeparture(
            consortium_id=case.teams[0].consortium.id,
            organization_id=case.teams[0].member.id,
            left_at=utc_now(),
            reason="退出",
            person_id=case.teams[0].member_actor.person_id,
        )
    )
    await case.session.commit()
    with pytest.raises(ConflictError):
        await drafted(case)


async def test_a_contract_whose_award_is_gone_ends_by_itself_once(case: Award) -> None:
    (contract,) = await drafted(case)
    await catch_up()
    await case.session.refresh(contract)
    assert contract.state is ContractState.DRAFT
    case.challenge.state = ChallengeState.CLOSED
    await case.session.commit()
    await catch_up()
    await catch_up()
    await case.session.refresh(contract)
    assert contract.state is ContractState.TERMINATED


async def test_who_has_not_signed_in_time_is_told_once(case: Award, settings: Settings) -> None:
    (contract,) = await drafted(case)
    await offered(case, settings, contract)
    await sign(case, settings, contract, case.teams[0].lead_actor)
    contract.sign_by = utc_now() - timedelta(minutes=1)
    await case.session.commit()
    await catch_up()
    await catch_up()
    assert await told(case.session, "contract.signing_overdue") == {
        case.officer.id,
        case.editor.id,
        case.teams[0].member_actor.person_id,
    }


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
