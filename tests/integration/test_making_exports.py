"""A round as a workbook and as an archive: made by a job, fetched by officers, gone after seven days."""

import hashlib
import io
import json
import zipfile
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import PurePosixPath

import pytest
from openpyxl import load_workbook
from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

import web.decision_page  # noqa: F401 -- as the worker does
from challenges.exports.archive import Archive, safe_name
from challenges.exports.jobs import run_export
from challenges.exports.service import ask_for_export
from challenges.exports.storage import path_of
from challenges.models import (
    ExportKind,
    ExportRun,
    ExportState,
)
from challenges.programs.models import ProgramOfficer
from core.audit import AuditEntry
from core.clock import utc_now
from core.jobs import enqueue
from core.schedule import catch_up
from core.settings import Settings
from tests.conftest import BrowserOf
from tests.factories import Factory
from tests.integration.exporting import SECRET, RunJobs, address, newest, round_with_bids


async def test_an_officer_orders_a_workbook_watches_it_and_fetches_it(
    make: Factory, session: AsyncSession, settings: Settings, browser_of: BrowserOf, run_jobs: RunJobs
) -> None:
    market = await round_with_bids(make, settings)
    browser = await browser_of(market.officer)
    for _pressed_twice in range(2):
        assert (await browser.submit(address(market), {"kind": "workbook"})).status_code == 303
    assert len((await session.scalars(select(ExportRun))).all()) == 1
    run = await newest(session)
    assert "hx-trigger" in (await browser.get(f"{address(market)}/{run.id}/progress")).text
    assert (await browser.get(f"{address(market)}/{run.id}/file")).status_code == 409
    await run_jobs()
    assert "hx-trigger" not in (await browser.get(f"{address(market)}/{run.id}/progress")).text
    answer = await browser.get(f"{address(market)}/{run.id}/file")
    assert answer.status_code == 200
    assert "UTF-8''" in answer.headers["content-disposition"]
    book = load_workbook(io.BytesIO(answer.content))
    first = book.worksheets[0]
    titles = [str(row[0].value) for row in first.iter_rows(min_row=2)]
    assert sorted(titles) == sorted(["=叶片/涂层..", "仍密封的榜单"])
    assert {cell.data_type for row in first.iter_rows(min_row=2) for cell in row} <= {
        "s",
        "n",
        "d",
        "inlineStr",
    }
    bids = [row[0].value for row in book.worksheets[1].iter_rows(min_row=2)]
    assert bids == ["=叶片/涂层.."]
    told = list(
        await session.scalars(
            select(AuditEntry.action)
            .where(AuditEntry.action.startswith("export."))
            .order_by(AuditEntry.number)
        )
    )
    assert told == ["export.asked", "export.made", "export.downloaded"]


async def test_the_archive_holds_opened_documents_with_chinese_names_and_no_way_out(
    make: Factory, session: AsyncSession, settings: Settings, run_jobs: RunJobs
) -> None:
    market = await round_with_bids(make, settings)
    run = await ask_for_export(
        session, market.officer_actor, market.program.id, market.program.rounds[0].id, ExportKind.ARCHIVE
    )
    await session.commit()
    await run_jobs()
    await session.refresh(run)
    assert (run.state, run.progress, run.failure) == (ExportState.DONE, 100, "")
    with zipfile.ZipFile(path_of(settings, run.id, run.kind)) as archive:
        names = archive.namelist()
        everything = b"".join(archive.read(name) for name in names)
        sums = archive.read("SHA256SUMS").decode().splitlines()
        bid = next(name for name in names if PurePosixPath(name).name.startswith("bid-"))
        content = json.loads(archive.read(bid))
    assert len(names) == len(set(names)) == len(sums) + 1
    for name in names:
        assert not name.startswith(("/", "\\"))
        assert ".." not in PurePosixPath(name).parts
    assert sum("说明" in name for name in names) == 2
    assert any(name.endswith("方案附件.pdf") for name in names)
    assert "已开启的技术方案" in json.dumps(content, ensure_ascii=False)
    assert SECRET.encode() not in everything
    assert "草稿不外传".encode() not in everything
    assert not any("密封" in name and "bid" in name for name in names)


async def test_a_run_that_is_killed_begins_anew_and_one_that_is_done_stays_as_it_is(
    make: Factory, session: AsyncSession, settings: Settings, run_jobs: RunJobs
) -> None:
    market = await round_with_bids(make, settings)
    run = await ask_for_export(
        session, market.officer_actor, market.program.id, market.program.rounds[0].id, ExportKind.ARCHIVE
    )
    run.state, run.progress = ExportState.RUNNING, 40
    await session.commit()
    await run_jobs()
    await session.refresh(run)
    assert run.state is ExportState.DONE
    first = (run.sha256, run.finished_at)
    await enqueue(session, run_export, run.id)
    await session.commit()
    await run_jobs()
    await session.refresh(run)
    assert (run.sha256, run.finished_at) == first
    assert [path.name for path in (settings.data_dir / "exports").iterdir()] == [f"{run.id}.zip"]


async def test_who_is_not_in_charge_any_more_gets_neither_a_file_nor_what_was_made(
    make: Factory, session: AsyncSession, settings: Settings, browser_of: BrowserOf, run_jobs: RunJobs
) -> None:
    market = await round_with_bids(make, settings)
    runs = []
    for kind in ExportKind:
        await session.commit()
        await run_jobs()
        runs.append(
            await ask_for_export(
                session, market.officer_actor, market.program.id, market.program.rounds[0].id, kind
            )
        )
    await session.execute(delete(ProgramOfficer).where(ProgramOfficer.person_id == market.officer.id))
    await session.commit()
    await run_jobs()
    for run in runs:
        await session.refresh(run)
    assert [run.state for run in runs] == [ExportState.DONE, ExportState.FAILED]
    browser = await browser_of(market.officer)
    for path in (address(market), f"{address(market)}/{runs[0].id}/file"):
        assert (await browser.get(path)).status_code == 403
    assert not list(await session.scalars(select(AuditEntry).where(AuditEntry.action == "export.downloaded")))


async def test_a_file_is_gone_after_seven_days(
    make: Factory, session: AsyncSession, settings: Settings, browser_of: BrowserOf, run_jobs: RunJobs
) -> None:
    market = await round_with_bids(make, settings)
    run = await ask_for_export(
        session, market.officer_actor, market.program.id, market.program.rounds[0].id, ExportKind.WORKBOOK
    )
    await session.commit()
    await run_jobs()
    await session.refresh(run)
    assert run.expires_at is not None
    assert run.finished_at is not None
    assert run.expires_at - run.finished_at == timedelta(days=7)
    path = path_of(settings, run.id, run.kind)
    await catch_up()
    assert path.is_file()
    await session.execute(update(ExportRun).values(expires_at=utc_now() - timedelta(seconds=1)))
    await session.commit()
    await catch_up()
    assert not path.exists()
    await session.refresh(run)
    assert run.state is ExportState.EXPIRED
    browser = await browser_of(market.officer)
    assert (await browser.get(f"{address(market)}/{run.id}/file")).status_code == 409


async def test_a_run_of_another_round_is_not_fetched_through_ones_own(
    make: Factory, session: AsyncSession, settings: Settings, browser_of: BrowserOf
) -> None:
    market = await round_with_bids(make, settings)
    run = await ask_for_export(
        session, market.officer_actor, market.program.id, market.program.rounds[0].id, ExportKind.WORKBOOK
    )
    other = await make.officer()
    program = await make.program(other)
    await session.commit()
    browser = await browser_of(other)
    own = f"/programs/{program.id}/rounds/{program.rounds[0].id}/exports"
    assert (await browser.get(own)).status_code == 200
    for path in (f"{own}/{run.id}/file", f"{own}/{run.id}/progress"):
        assert (await browser.get(path)).status_code == 404


@pytest.mark.parametrize(
    "typed", ["../../etc/passwd", "..\\..\\boot.ini", "/abs", "con", "a\u202egpj.exe", "\x00", "...", " . "]
)
def test_no_typed_name_leads_anywhere(typed: str) -> None:
    name = safe_name(typed)
    assert name.strip(" .") == name
    assert not set(name) & set("/\\\u202e\x00")
    assert name not in {"", ".", "..", "con"}


def test_names_that_collide_get_numbers(settings: Settings) -> None:
    path = settings.data_dir / "a.zip"
    archive = Archive(path)
    places = [archive.add(("夹",), name, b"x") for name in ("A.pdf", "a.PDF", "A.pdf")]
    archive.close()
    assert places == ["夹/A.pdf", "夹/a (2).PDF", "夹/A (3).pdf"]


async def test_a_file_is_written_piece_by_piece_as_it_is_read(settings: Settings) -> None:
    path = settings.data_dir / "a.zip"
    archive = Archive(path)
    held: list[int] = []

    async def pieces() -> AsyncIterator[bytes]:
        for number in range(64):
            held.append(number)
            yield bytes([number]) * 2**16

    place = await archive.stream(("夹",), "大文件.bin", pieces())
    archive.close()
    with zipfile.ZipFile(path) as written:
        content = written.read(place)
        sums = written.read("SHA256SUMS").decode()
    assert len(held) == 64
    assert content == b"".join(bytes([number]) * 2**16 for number in range(64))
    assert sums == f"{hashlib.sha256(content).hexdigest()}  {place}\n"
