"""Files on their way into the storage: a directory or a bucket, a scanner that looks at them, limits that refuse them."""

import asyncio
import hashlib
import tracemalloc
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select, text

from core.actor import SYSTEM
from core.attachments import Attachment, location_of, read_attachment, store_attachment
from core.errors import InvalidError
from core.process import Process
from core.schedule import catch_up
from core.sealing import new_key
from core.settings import Settings, SettingsError
from core.storage import Storage, storage_of
from core.uploads import DroppedFile
from tests.conftest import BrowserOf
from tests.factories import Factory
from tests.integration.test_bidding import Stage, start
from tests.s3_server import S3Server

MIB = 2**20
HEAD = b"%PDF-1.7 "


@pytest.fixture(params=["directory", "bucket"])
async def kept_in(
    request: pytest.FixtureRequest, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Settings]:
    if request.param == "directory":
        yield settings
        return
    with S3Server() as server:
        for name, value in {
            "AWS_ENDPOINT_URL": server.address,
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_REGION": "us-east-1",
            "AWS_ALLOW_HTTP": "true",
        }.items():
            monkeypatch.setenv(name, value)
        # A bucket of its own: the store is made once for each address.
        yield replace(settings, attachments_url=f"s3://bucket-{server.address.rpartition(':')[2]}/jiebang")


async def pieces(count: int, size: int = MIB) -> AsyncIterator[bytes]:
    yield HEAD
    for number in range(count):
        yield bytes([number % 251]) * size


async def whole(chunks: AsyncIterator[bytes]) -> bytes:
    return b"".join([chunk async for chunk in chunks])


async def everything(storage: Storage) -> list[str]:
    return [name for folder in ("files/", "sealed/", "incoming/") for name in await storage.names(folder)]


async def kept(make: Factory, settings: Settings, content: object, **more: object) -> Attachment:
    organization = await make.organization()
    return await store_attachment(
        make.session,
        settings,
        SYSTEM,
        **{
            "subject_type": "organization",
            "subject_id": organization.id,
            "name": "试验报告.pdf",
            "content": content,
            **more,
        },
    )


@pytest.mark.parametrize("is_sealed", [False, True])
async def test_a_file_comes_back_as_it_went_in_and_leaves_no_trace_in_the_clear_where_it_is_sealed(
    make: Factory, kept_in: Settings, is_sealed: bool
) -> None:
    key = new_key() if is_sealed else None
    expected = await whole(pieces(12))
    file = await kept(make, kept_in, pieces(12), key=key)
    assert await whole(await read_attachment(kept_in, file, key)) == expected
    assert (file.size_bytes, file.sha256) == (len(expected), hashlib.sha256(expected).hexdigest())
    assert (file.name, file.content_type) == ("试验报告.pdf", "application/pdf")
    stored = await whole(await storage_of(kept_in).read(location_of(file)))
    assert (HEAD in stored) is not is_sealed


async def test_a_large_file_is_never_held_in_memory(make: Factory, settings: Settings) -> None:
    large = replace(settings, max_upload_mb=200)
    tracemalloc.start()
    try:
        file = await kept(make, large, pieces(120), key=new_key())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert file.size_bytes == 120 * MIB + len(HEAD)
    assert peak < 60 * MIB


@pytest.mark.parametrize(
    ("content", "limit"),
    [(pieces(3), 2), (b"", None), (b"<html>", None), (b"MZ\x90\x00" + bytes(100), None)],
)
async def test_what_is_refused_is_not_kept(
    make: Factory, kept_in: Settings, content: object, limit: int | None
) -> None:
    if not isinstance(content, bytes):
        content = pieces(3)
    with pytest.raises(InvalidError) as refused:
        await kept(make, kept_in, content, max_mb=limit)
    assert set(refused.value.errors) == {"file"}
    assert await everything(storage_of(kept_in)) == []


async def test_a_programs_limit_never_widens_the_deployments(make: Factory, settings: Settings) -> None:
    small = replace(settings, max_upload_mb=1)
    with pytest.raises(InvalidError):
        await kept(make, small, pieces(2), max_mb=50)
    assert (await kept(make, small, HEAD, max_mb=50)).size_bytes == len(HEAD)


async def test_a_file_whose_attachment_is_deleted_is_taken_away_once_that_is_committed(
    make: Factory, process: Process
) -> None:
    file = await kept(make, process.settings, HEAD)
    location, session, file_id = location_of(file), make.session, file.id
    await session.commit()
    await session.delete(file)
    await session.flush()
    await catch_up()
    # Not committed: somebody may still roll it back.
    assert await storage_of(process.settings).size_of(location) is not None
    await session.rollback()
    await session.execute(text("DELETE FROM attachment WHERE id = :id"), {"id": file_id})
    await session.commit()
    await catch_up()
    await catch_up()
    assert await storage_of(process.settings).size_of(location) is None
    assert (await session.scalars(select(DroppedFile))).all() == []


async def test_a_bids_files_keep_the_programs_limit_and_their_number(
    make: Factory, browser_of: BrowserOf
) -> None:
    stage = await Stage(make).set()
    stage.program.max_file_mb = 1
    await make.session.commit()
    browser = await browser_of(stage.bidder, stage.sme)
    bid = await start(stage, browser)

    async def attach(content: bytes) -> int:
        answer = await browser.submit(
            f"/bids/{bid.id}/attachments", files={"file": ("方案.pdf", content, "application/pdf")}
        )
        return answer.status_code

    assert await attach(HEAD + bytes(MIB)) == 422
    for number in range(20):
        assert await attach(HEAD + bytes([number])) == 303
    assert await attach(HEAD) == 422


class FakeScanner:
    """A clamd that answers as it is told; `seen` is what came in."""

    def __init__(self, answer: bytes, *, deaf: bool = False) -> None:
        self.answer, self.deaf = answer, deaf
        self.seen = b""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.readexactly(10) == b"zINSTREAM\0"
        if self.deaf:
            writer.close()
            return
        while size := int.from_bytes(await reader.readexactly(4), "big"):
            self.seen += await reader.readexactly(size)
        writer.write(self.answer)
        await writer.drain()
        writer.close()


@pytest.mark.parametrize("by_socket", [False, True])
@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"stream: OK\0", None),
        (b"stream: Win.Test.EICAR_HDB-1 FOUND\0", "Win.Test.EICAR_HDB-1"),
        (b"INSTREAM size limit exceeded. ERROR\0", "过大"),
        (b"", "没有应答"),
    ],
)
async def test_the_scanner_decides(
    make: Factory, settings: Settings, tmp_path: Path, answer: bytes, told: str | None, by_socket: bool
) -> None:
    scanner = FakeScanner(answer)
    if by_socket:
        address = str(tmp_path / "clamd.sock")
        server = await asyncio.start_unix_server(scanner.serve, address)
    else:
        server = await asyncio.start_server(scanner.serve, "127.0.0.1", 0)
        address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    scanned = replace(settings, clamav_address=address)
    async with server:
        if told is None:
            # Sealed or not, the scanner sees what was sent.
            file = await kept(make, scanned, pieces(2), key=new_key())
            assert hashlib.sha256(scanner.seen).hexdigest() == file.sha256
            return
        with pytest.raises(InvalidError) as refused:
            await kept(make, scanned, pieces(2))
    assert told in str(refused.value.errors["file"])
    assert await everything(storage_of(scanned)) == []


@pytest.mark.parametrize("deaf", [False, True])
async def test_a_scanner_that_does_not_answer_refuses(make: Factory, settings: Settings, deaf: bool) -> None:
    scanner = FakeScanner(b"", deaf=True)
    server = await asyncio.start_server(scanner.serve, "127.0.0.1", 0)
    address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    if not deaf:
        server.close()
        await server.wait_closed()
    with pytest.raises(InvalidError) as refused:
        await kept(make, replace(settings, clamav_address=address), pieces(3))
    assert "没有应答" in str(refused.value.errors["file"])
    assert await everything(storage_of(settings)) == []
    server.close()


def test_settings_that_cannot_be_used_are_told_at_the_start(tmp_path: Path) -> None:
    for name, value in (("CLAMAV_ADDRESS", "clamd"), ("ATTACHMENTS_URL", "ftp://files")):
        with pytest.raises(SettingsError, match=name):
            Settings.from_environment({"DATA_DIR": str(tmp_path), name: value})
    for value in ("clamav:3310", "[::1]:3310", "/run/clamd.sock"):
        given = {"DATA_DIR": str(tmp_path), "CLAMAV_ADDRESS": value}
        assert Settings.from_environment(given).clamav_address == value
