"""What is sealed cannot be read from the database or the disk; two officers open; receipts prove what was handed in."""

import asyncio
import hashlib
import json
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from challenges.bids import opening, queries
from challenges.bids.keys import challenge_key
from challenges.bids.models import Bid, BidReceipt, ReceiptAct
from challenges.postings.service import read_challenge
from challenges.programs.models import ProgramOfficer
from core.accounts.models import Person, PlatformRole
from core.actor import Actor
from core.attachments import Attachment, location_of
from core.clock import utc_now
from core.errors import ConflictError, ForbiddenError
from core.notifications.models import Notification
from core.process import Process
from core.sealing import SealBrokenError, seal
from solvers.organizations.models import Membership, MembershipRole
from tests.conftest import BrowserOf
from tests.factories import Factory
from tests.integration.test_bidding import TEXTS, Stage, end_bidding, start

PDF = b"%PDF-1.7 " + "定向凝固工艺路线".encode()


def acting(person: Person) -> Actor:
    return Actor(person_id=person.id, name=person.name, roles=frozenset({PlatformRole.OFFICER}))


class Handed:
    """A stage with a bid handed in, with a file, and a second officer in charge."""

    def __init__(self, stage: Stage, bid: Bid, second: Person) -> None:
        self.stage, self.bid, self.second = stage, bid, second


@pytest.fixture
async def handed(make: Factory, browser_of: BrowserOf) -> Handed:
    second = await make.officer()
    stage = await Stage(make).set()
    stage.program.officers.append(ProgramOfficer(person_id=second.id))
    await make.session.commit()
    browser = await browser_of(stage.bidder, stage.sme)
    bid = await start(stage, browser)
    answer = await browser.submit(
        f"/bids/{bid.id}/attachments", files={"file": ("工艺路线.pdf", PDF, "application/pdf")}
    )
    assert answer.status_code == 303, answer.text
    assert (await browser.submit(f"/bids/{bid.id}", stage.fields(bid))).status_code == 303
    return Handed(stage, bid, second)


async def test_neither_texts_nor_sums_nor_files_stand_in_the_clear(handed: Handed, process: Process) -> None:
    session = handed.stage.make.session
    row = (await session.execute(text("SELECT * FROM bid"))).mappings().one()
    assert all(row[name] == "" for name in TEXTS)
    part = (await session.execute(text("SELECT * FROM bid_member"))).mappings().one()
    assert (part["role_text"], part["requirement_ids"], part["budget_wan"]) == ("", [], 0)
    file = (await session.execute(text("SELECT * FROM attachment"))).mappings().one()
    assert (file["name"], file["sha256"]) == ("", "")
    (kept,) = [path for path in process.settings.attachments_dir.rglob("*") if path.is_file()]
    assert PDF not in kept.read_bytes()
    assert b"%PDF" not in kept.read_bytes()


async def test_the_bidder_still_reads_changes_and_fetches_what_is_sealed(
    handed: Handed, browser_of: BrowserOf
) -> None:
    stage = handed.stage
    browser = await browser_of(stage.bidder, stage.sme)
    page = await browser.get(f"/bids/{handed.bid.id}")
    assert TEXTS["technical_plan"] in page.text
    assert "工艺路线.pdf" in page.text
    file = await stage.make.session.scalar(select(Attachment))
    assert file is not None
    fetched = await browser.get(f"/attachments/{file.id}")
    assert fetched.content == PDF
    assert "%E5%B7%A5" in fetched.headers["content-disposition"]
    rival = await stage.make.organization()
    stranger = await browser_of(await stage.make.member(rival), rival)
    assert (await stranger.get(f"/attachments/{file.id}")).status_code == 404


async def test_another_deployment_key_opens_nothing(handed: Handed, process: Process) -> None:
    session, bid_id = handed.stage.make.session, handed.bid.id
    session.expire_all()
    kept = process.settings
    process.settings = replace(kept, secret_key="another")
    try:
        with pytest.raises(SealBrokenError):
            await queries.bid_by_id(session, bid_id)
    finally:
        process.settings = kept


async def test_a_seal_moved_to_another_bid_does_not_open(handed: Handed, browser_of: BrowserOf) -> None:
    stage = handed.stage
    other = await stage.make.organization()
    second = await start(stage, await browser_of(await stage.make.member(other), other))
    session = stage.make.session
    await session.execute(
        text("UPDATE bid SET sealed_content = (SELECT sealed_content FROM bid WHERE id = :a) WHERE id = :b"),
        {"a": handed.bid.id, "b": second.id},
    )
    await session.commit()
    second_id = second.id
    session.expire_all()
    with pytest.raises(SealBrokenError):
        await queries.bid_by_id(session, second_id)


async def open_as(handed: Handed, person: Person) -> None:
    session = handed.stage.make.session
    actor = acting(person)
    challenge = await read_challenge(session, actor, handed.stage.challenge.id)
    await opening.open_bids(session, actor, challenge)
    await session.commit()


async def test_two_officers_open_and_one_alone_does_not(handed: Handed, browser_of: BrowserOf) -> None:
    stage, address = handed.stage, f"/challenges/{handed.stage.challenge.id}/bids"
    await end_bidding(stage)
    poster = await browser_of(stage.poster_person, stage.poster)
    first, second = await browser_of(stage.officer), await browser_of(handed.second)
    assert (await first.submit(f"{address}/open")).status_code == 303
    assert (await first.submit(f"{address}/open")).status_code == 409
    assert (await poster.get(f"/bids/{handed.bid.id}")).status_code == 404
    assert stage.sme.name not in (await poster.get(address)).text
    assert (await poster.submit(f"{address}/open")).status_code == 403
    assert (await second.submit(f"{address}/open")).status_code == 303
    for reader in (poster, first, second):
        assert stage.sme.name in (await reader.get(address)).text
        page = (await reader.get(f"/bids/{handed.bid.id}")).text
        assert TEXTS["technical_plan"] in page
        assert "工艺路线.pdf" in page
    assert (await second.submit(f"{address}/open")).status_code == 409
    told = await stage.make.session.execute(select(Notification.kind, Notification.person_id))
    assert set(told.tuples()) == {
        ("bids.opening_asked", handed.second.id),
        ("bids.opened", stage.poster_person.id),
        ("bids.opened", stage.bidder.id),
    }
    history = (await first.get(f"/challenges/{stage.challenge.id}")).text
    assert "开启" in history


async def test_nobody_opens_before_the_deadline(handed: Handed) -> None:
    with pytest.raises(ConflictError):
        await open_as(handed, handed.stage.officer)


async def test_an_officer_of_another_program_or_with_an_interest_does_not_open(
    handed: Handed, make: Factory
) -> None:
    await end_bidding(handed.stage)
    make.session.add(
        Membership(
            person_id=handed.stage.officer.id,
            organization_id=handed.stage.sme.id,
            role=MembershipRole.VIEWER,
        )
    )
    await make.session.commit()
    with pytest.raises(ForbiddenError):
        await open_as(handed, handed.stage.officer)
    with pytest.raises(ForbiddenError):
        await open_as(handed, await make.officer())


@pytest.mark.parametrize(
    "attack",
    [
        "UPDATE bid SET sealed_content = NULL",
        "UPDATE bid SET technical_plan = '改'",
        "UPDATE bid_member SET budget_wan = 1",
        "UPDATE challenge SET bids_opened_at = now()",
        "INSERT INTO bid_opening (challenge_id, asked_by_id, asked_at) SELECT c.id, p.person_id, now()"
        " FROM challenge c, program_officer p LIMIT 1",
        "UPDATE bid_receipt SET at = now()",
        "DELETE FROM bid_receipt",
        "TRUNCATE bid_receipt",
    ],
)
async def test_the_database_itself_refuses(handed: Handed, attack: str) -> None:
    with pytest.raises((IntegrityError, DBAPIError)):
        await handed.stage.make.session.execute(text(attack))


async def test_the_database_refuses_one_officer_twice(handed: Handed) -> None:
    await end_bidding(handed.stage)
    await open_as(handed, handed.stage.officer)
    with pytest.raises(IntegrityError):
        await handed.stage.make.session.execute(
            text("UPDATE bid_opening SET opened_by_id = asked_by_id, opened_at = now()")
        )


async def test_every_handing_in_has_a_receipt_and_a_later_one_replaces_it(
    handed: Handed, browser_of: BrowserOf
) -> None:
    stage, session = handed.stage, handed.stage.make.session
    browser = await browser_of(stage.bidder, stage.sme)
    first = await session.scalar(select(BidReceipt))
    assert first is not None
    assert first.act is ReceiptAct.SUBMITTED
    kept = (await browser.get(f"/bids/{handed.bid.id}/receipts/{first.id}")).json()
    content = (await browser.get(f"/bids/{handed.bid.id}/content")).content
    assert hashlib.sha256(content).hexdigest() == kept["content_sha256"]
    assert json.loads(content)["files"][0]["sha256"] == hashlib.sha256(PDF).hexdigest()
    await session.refresh(handed.bid)
    changed = stage.fields(handed.bid, action="save") | {"team": "项目团队20人。"}
    assert (await browser.submit(f"/bids/{handed.bid.id}", changed)).status_code == 303
    receipts = list(await session.scalars(select(BidReceipt).order_by(BidReceipt.at)))
    assert [item.act for item in receipts] == [ReceiptAct.SUBMITTED, ReceiptAct.REPLACED]
    assert receipts[0].content_sha256 != receipts[1].content_sha256
    poster = await browser_of(stage.poster_person, stage.poster)
    assert (await poster.get(f"/bids/{handed.bid.id}/receipts/{first.id}")).status_code == 404
    assert (await poster.get(f"/bids/{handed.bid.id}/content")).status_code == 404


async def test_who_took_part_checks_the_receipts_and_sees_a_bid_changed_after_the_opening(
    handed: Handed, browser_of: BrowserOf
) -> None:
    stage, session = handed.stage, handed.stage.make.session
    address = f"/challenges/{stage.challenge.id}/receipts"
    bidder = await browser_of(stage.bidder, stage.sme)
    rival = await stage.make.organization()
    stranger = await browser_of(await stage.make.member(rival), rival)
    assert (await bidder.get(address)).status_code == 403
    await end_bidding(stage)
    assert "密封" in (await bidder.get(address)).text
    await open_as(handed, stage.officer)
    await open_as(handed, handed.second)
    assert "一致" in (await bidder.get(address)).text
    assert (await stranger.get(address)).status_code == 403
    await session.execute(text("UPDATE bid SET technical_plan = '开启后改动'"))
    await session.commit()
    assert "不一致" in (await bidder.get(address)).text


async def test_a_draft_stays_sealed_when_the_others_are_opened(handed: Handed, browser_of: BrowserOf) -> None:
    stage = handed.stage
    other = await stage.make.organization()
    draft = await start(stage, await browser_of(await stage.make.member(other), other))
    await end_bidding(stage)
    await open_as(handed, stage.officer)
    await open_as(handed, handed.second)
    await stage.make.session.refresh(draft)
    assert draft.sealed_content is not None
    poster = await browser_of(stage.poster_person, stage.poster)
    assert (await poster.get(f"/bids/{draft.id}")).status_code == 404


async def test_a_bid_begun_in_the_clear_is_sealed_when_it_is_saved(
    make: Factory, browser_of: BrowserOf
) -> None:
    stage, session = await Stage(make).set(), make.session
    browser = await browser_of(stage.bidder, stage.sme)
    bid = await start(stage, browser)
    await session.execute(text("ALTER TABLE bid DISABLE TRIGGER bid_seal_guard"))
    await session.execute(text("UPDATE bid SET sealed_content = NULL, team = '旧的团队说明'"))
    await session.commit()
    assert "旧的团队说明" in (await browser.get(f"/bids/{bid.id}")).text
    await session.refresh(bid)
    await browser.submit(f"/bids/{bid.id}", stage.fields(bid))
    row = (await session.execute(text("SELECT team, sealed_content FROM bid"))).one()
    assert row.team == ""
    assert row.sealed_content is not None


async def test_a_late_deadline_extension_is_no_way_around(handed: Handed) -> None:
    """Opened bids stay opened; a deadline that is moved afterwards opens no second round of bidding."""
    await end_bidding(handed.stage)
    await open_as(handed, handed.stage.officer)
    handed.stage.challenge.deadline_at = utc_now() + timedelta(days=1)
    await handed.stage.make.session.commit()
    with pytest.raises(ConflictError):
        await open_as(handed, handed.second)


async def test_a_file_sealed_whole_before_files_were_streamed_is_still_read(
    handed: Handed, browser_of: BrowserOf, process: Process
) -> None:
    stage, session = handed.stage, handed.stage.make.session
    file = await session.scalar(select(Attachment))
    assert file is not None
    key = await challenge_key(session, stage.challenge.id)
    whole = seal(key, PDF, f"attachment {file.id}")
    place = process.settings.attachments_dir / "sealed" / str(file.id)
    await asyncio.to_thread(place.write_bytes, whole)
    await session.execute(text("UPDATE attachment SET location = ''"))
    await session.commit()
    await session.refresh(file)
    assert location_of(file) == f"sealed/{file.id}"
    browser = await browser_of(stage.bidder, stage.sme)
    assert (await browser.get(f"/attachments/{file.id}")).content == PDF


def test_files_of_other_things_keep_their_place() -> None:
    plain = Attachment(name="a.pdf", sha256="ab" * 32)
    assert location_of(plain) == "ab/" + "ab" * 32
