"""Uploads in pieces: they go on where they stopped, are their uploader's alone, and leave nothing behind."""

import asyncio
import hashlib
from datetime import timedelta
from typing import Any

import pytest
from httpx import Response
from sqlalchemy import select, text

from challenges.bids.models import Bid
from challenges.bids.sealing import bid_files
from core.attachments import Attachment
from core.clock import utc_now
from core.process import Process
from core.schedule import catch_up
from core.storage import storage_of
from core.uploads import MAX_UNFINISHED, PIECE_BYTES, Upload
from solvers.organizations.models import MembershipRole
from tests.conftest import Browser, BrowserOf
from tests.factories import Factory
from tests.integration.test_bidding import Stage, end_bidding, refreshed, start

CONTENT = b"%PDF-1.7 " + bytes(range(256)) * (3 * PIECE_BYTES // 256)
NAME = "工艺路线（第二版）.pdf"


class Sending:
    """A bid whose lead sends a file to it."""

    def __init__(self, stage: Stage, browser: Browser, bid_id: Any) -> None:
        self.stage, self.browser, self.bid_id = stage, browser, bid_id

    async def begin(self, size: int = len(CONTENT), browser: Browser | None = None) -> Response:
        fields = {"subject_type": "bid", "subject_id": str(self.bid_id), "size": size}
        return await (browser or self.browser).submit("/uploads", fields)

    async def piece(self, upload: str, offset: int, content: bytes = CONTENT) -> Response:
        piece = content[offset : offset + PIECE_BYTES]
        token = self.browser.cookies["csrftoken"]
        return await self.browser.post(
            f"/uploads/{upload}/pieces",
            params={"offset": offset},
            content=piece,
            headers={"content-type": "application/octet-stream", "x-csrftoken": token},
        )

    async def finish(self, upload: str, name: str = NAME) -> Response:
        return await self.browser.submit(f"/uploads/{upload}/finish", {"name": name})

    async def whole(self, content: bytes = CONTENT) -> str:
        upload = (await self.begin(len(content))).json()["id"]
        for offset in range(0, len(content), PIECE_BYTES):
            assert (await self.piece(upload, offset, content)).status_code == 200
        return upload


@pytest.fixture
async def sending(make: Factory, browser_of: BrowserOf) -> Sending:
    stage = await Stage(make).set()
    browser = await browser_of(stage.bidder, stage.sme)
    bid = await start(stage, browser)
    return Sending(stage, browser, bid.id)


async def left(process: Process) -> list[str]:
    await catch_up()
    return await storage_of(process.settings).names("incoming/")


async def test_a_file_sent_in_pieces_becomes_an_attachment_like_any_other(
    sending: Sending, process: Process
) -> None:
    upload = await sending.whole()
    answer = await sending.finish(upload)
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"location": f"/bids/{sending.bid_id}#files"}
    session = sending.stage.make.session
    (file,) = await session.scalars(select(Attachment))
    fetched = await sending.browser.get(f"/attachments/{file.id}")
    assert hashlib.sha256(fetched.content).digest() == hashlib.sha256(CONTENT).digest()
    assert (file.name, file.sha256) == ("", "")
    assert NAME in (await sending.browser.get(f"/bids/{sending.bid_id}")).text
    assert await left(process) == []
    assert (await session.scalars(select(Upload))).all() == []
    # Finished is over.
    assert (await sending.finish(upload)).status_code == 404


async def test_the_pieces_of_a_sealed_file_are_sealed_while_they_wait(
    sending: Sending, process: Process
) -> None:
    upload = await sending.whole()
    names = await left(process)
    assert [name.rpartition("/")[2] for name in names] == [
        f"{offset:016d}" for offset in range(0, len(CONTENT), PIECE_BYTES)
    ]
    for name in names:
        kept = b"".join([chunk async for chunk in await storage_of(process.settings).read(name)])
        assert b"%PDF" not in kept
        assert bytes(range(256)) not in kept
    row = (await sending.stage.make.session.execute(text("SELECT * FROM upload"))).mappings().one()
    assert str(row["id"]) == upload
    assert not any(NAME in str(value) for value in row.values())


async def test_it_goes_on_where_it_stopped_and_another_window_is_told_where_that_is(sending: Sending) -> None:
    upload = (await sending.begin()).json()["id"]
    assert (await sending.piece(upload, 0)).json()["offset"] == PIECE_BYTES
    for wrong in (0, 2 * PIECE_BYTES, 1):
        refused = await sending.piece(upload, wrong)
        assert refused.status_code == 409
        assert refused.json()["offset"] == PIECE_BYTES
    state = (await sending.browser.get(f"/uploads/{upload}")).json()
    assert (state["offset"], state["size"]) == (PIECE_BYTES, len(CONTENT))
    # Not all is there.
    assert (await sending.finish(upload)).status_code == 409
    for offset in range(PIECE_BYTES, len(CONTENT), PIECE_BYTES):
        assert (await sending.piece(upload, offset)).status_code == 200
    assert (await sending.finish(upload)).status_code == 200


async def test_of_the_same_piece_sent_twice_at_once_one_counts(sending: Sending) -> None:
    upload = (await sending.begin()).json()["id"]
    answers = await asyncio.gather(sending.piece(upload, 0), sending.piece(upload, 0))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    assert (await sending.browser.get(f"/uploads/{upload}")).json()["offset"] == PIECE_BYTES


async def test_it_is_its_uploaders_alone(sending: Sending, browser_of: BrowserOf) -> None:
    stage = sending.stage
    upload = (await sending.begin()).json()["id"]
    rival = await stage.make.organization()
    colleague = await stage.make.member(stage.sme, MembershipRole.EDITOR)
    for person, organization in ((await stage.make.member(rival), rival), (colleague, stage.sme)):
        other = await browser_of(person, organization)
        assert (await other.get(f"/uploads/{upload}")).status_code == 404
        assert (await other.submit(f"/uploads/{upload}/cancel")).status_code == 404
        assert (await other.submit(f"/uploads/{upload}/finish", {"name": NAME})).status_code == 404
    # A colleague may begin one of their own, a rival may not.
    assert (await sending.begin(browser=await browser_of(colleague, stage.sme))).status_code == 201
    assert (
        await sending.begin(browser=await browser_of(stage.poster_person, stage.poster))
    ).status_code == 404


async def test_what_would_be_refused_in_the_end_is_refused_at_once(sending: Sending) -> None:
    sending.stage.program.max_file_mb = 1
    await sending.stage.make.session.commit()
    refused = await sending.begin(2**20 + 1)
    assert refused.status_code == 422
    assert "1 MiB" in refused.json()["message"]
    for size in (0, -1):
        assert (await sending.begin(size)).status_code == 422
    upload = (await sending.begin(100)).json()["id"]
    # More than was announced.
    assert (await sending.piece(upload, 0)).status_code == 422


async def test_a_whole_file_of_an_unknown_type_is_refused_with_its_message_and_forgotten(
    sending: Sending, process: Process
) -> None:
    upload = await sending.whole(b"<html>" + bytes(1000))
    refused = await sending.finish(upload)
    assert refused.status_code == 422
    assert "PDF" in refused.json()["message"]
    session = sending.stage.make.session
    assert (await session.scalars(select(Attachment))).all() == []
    assert (await session.scalars(select(Upload))).all() == []
    assert await left(process) == []


async def test_the_deadline_holds_for_every_piece_and_for_the_end(sending: Sending) -> None:
    begun, finished = (await sending.begin()).json()["id"], await sending.whole()
    await end_bidding(sending.stage)
    assert (await sending.piece(begun, 0)).status_code == 409
    assert (await sending.finish(finished)).status_code == 409
    assert (await sending.begin()).status_code == 409
    assert (await sending.stage.make.session.scalars(select(Attachment))).all() == []


async def test_given_up_or_a_day_old_it_leaves_nothing(sending: Sending, process: Process) -> None:
    given_up, old, young = [await sending.whole(CONTENT[:100]) for _ in range(3)]
    assert (await sending.browser.submit(f"/uploads/{given_up}/cancel")).status_code == 200
    session = sending.stage.make.session
    await session.execute(
        text("UPDATE upload SET expires_at = :past WHERE id = :id"),
        {"past": utc_now() - timedelta(seconds=1), "id": old},
    )
    await session.commit()
    assert (await sending.browser.get(f"/uploads/{old}")).status_code == 404
    assert {name.split("/")[1] for name in await left(process)} == {young}
    assert {name.split("/")[1] for name in await left(process)} == {young}
    assert [str(item.id) for item in await session.scalars(select(Upload))] == [young]


async def test_who_begins_ever_more_loses_the_oldest(sending: Sending) -> None:
    ids = [(await sending.begin(10)).json()["id"] for _ in range(MAX_UNFINISHED + 2)]
    kept = {str(item) for item in await sending.stage.make.session.scalars(select(Upload.id))}
    assert kept == set(ids[2:])


async def test_a_file_added_to_a_bid_handed_in_gives_a_new_receipt(sending: Sending) -> None:
    stage, session = sending.stage, sending.stage.make.session
    bid = await session.get(Bid, sending.bid_id)
    assert bid is not None
    assert (await sending.browser.submit(f"/bids/{bid.id}", stage.fields(bid))).status_code == 303
    assert (await sending.finish(await sending.whole())).status_code == 200
    await refreshed(stage, bid)
    (file,) = await bid_files(session, bid)
    assert file.sha256 == hashlib.sha256(CONTENT).hexdigest()
    written = (await sending.browser.get(f"/bids/{bid.id}/content")).content
    receipts = (await session.execute(text("SELECT act, content_sha256 FROM bid_receipt ORDER BY at"))).all()
    assert [row.act for row in receipts] == ["submitted", "replaced"]
    assert receipts[1].content_sha256 == hashlib.sha256(written).hexdigest()
