"""A round as a workbook and as an archive: made by a job, fetched by officers in charge alone, never with what is sealed."""

import hashlib
import io
import json
import uuid
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import PurePosixPath
from typing import Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import delete, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

import web.decision_page  # noqa: F401 -- as the worker does
from challenges.bids.keys import challenge_key
from challenges.checks.service import begin_checks
from challenges.contracts.queries import contract_by_id
from challenges.exports.archive import Archive, safe_name
from challenges.exports.jobs import run_export
from challenges.exports.service import ask_for_export
from challenges.exports.storage import path_of
from challenges.milestones.queries import milestones_of
from challenges.models import (
    Bid,
    BidMember,
    BidMemberState,
    BidState,
    Challenge,
    ChallengeState,
    CheckState,
    Effect,
    ExportKind,
    ExportRun,
    ExportState,
    Objection,
    ObjectionState,
    Outcome,
    Program,
    Question,
    QuestionState,
    Round,
)
from challenges.notices.queries import standing_notice
from challenges.programs.models import ProgramOfficer
from challenges.reviews.service import finish_review
from core.actor import SYSTEM, Actor
from core.attachments import store_attachment
from core.audit import AuditEntry
from core.clock import utc_now
from core.i18n import use_locale
from core.jobs import enqueue
from core.schedule import catch_up
from core.settings import Settings
from tests.conftest import BrowserOf
from tests.factories import Factory
from tests.integration.contracting import PDF as SIGNED_PDF
from tests.integration.contracting import at_work, award
from tests.integration.matchmaking import Market, open_market
from tests.integration.opened_round import opened_round
from tests.integration.reviewing import scoring_panel
from tests.integration.winners import decide, hand_in, open_contest

RunJobs = Callable[[], Awaitable[None]]
TITLES = ("Scores", "Rankings of reviews", "Criteria of reviews", "Opened bids", "Challenges")
SECRET = "这份技术方案仍然密封"


async def add_bid(market: Market, challenge: Challenge, settings: Settings, plan: str) -> Bid:
    session = market.make.session
    bid = Bid(
        challenge_id=challenge.id,
        organization_id=market.coater.id,
        state=BidState.SUBMITTED,
        submitted_at=utc_now(),
        technical_plan=plan,
        members=[BidMember(organization_id=market.coater.id, position=0, state=BidMemberState.CONFIRMED)],
    )
    session.add(bid)
    await session.flush()
    await store_attachment(
        session,
        settings,
        SYSTEM,
        subject_type="bid",
        subject_id=bid.id,
        name="方案附件.pdf",
        content=b"%PDF-1.7 " + plan.encode(),
        key=await challenge_key(session, challenge.id),
    )
    await session.commit()
    return bid


async def round_with_bids(make: Factory, settings: Settings) -> Market:
    """One challenge with an opened bid, one with a sealed bid, and a draft of the poster's own."""
    market = await open_market(make, title="=叶片/涂层..")
    await add_bid(market, market.challenge, settings, "已开启的技术方案")
    await make.opened(market.challenge)
    for name in ("说明.pdf", "../../说明.pdf"):
        await store_attachment(
            make.session,
            settings,
            SYSTEM,
            subject_type="challenge",
            subject_id=market.challenge.id,
            name=name,
            content=b"%PDF-1.7 " + name.encode(),
        )
    sealed = await make.challenge(
        market.poster,
        market.program,
        state=ChallengeState.CLOSED,
        title="仍密封的榜单",
        deadline_at=utc_now() - timedelta(days=1),
    )
    await add_bid(market, sealed, settings, SECRET)
    await make.challenge(market.poster, market.program, state=ChallengeState.DRAFT, title="草稿不外传")
    return market


def address(market: Market) -> str:
    return f"/programs/{market.program.id}/rounds/{market.program.rounds[0].id}/exports"


async def newest(session: AsyncSession) -> ExportRun:
    run = await session.scalar(
        select(ExportRun).order_by(ExportRun.created_at.desc()).execution_options(populate_existing=True)
    )
    assert run is not None
    return run


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


async def everything_of(
    session: AsyncSession, settings: Settings, run_jobs: RunJobs, actor: Actor, program: Program
) -> dict[str, bytes]:
    """The archive of a program's first round, by path."""
    (number,) = await session.scalars(select(Round.id).where(Round.program_id == program.id))
    with use_locale("en"):
        run = await ask_for_export(session, actor, program.id, number, ExportKind.ARCHIVE)
    await session.commit()
    await run_jobs()
    await session.refresh(run)
    assert (run.state, run.failure) == (ExportState.DONE, "")
    with zipfile.ZipFile(path_of(settings, run.id, run.kind)) as archive:
        assert archive.testzip() is None
        files = {name: archive.read(name) for name in archive.namelist()}
    for line in files.pop("SHA256SUMS").decode().splitlines():
        digest, _, name = line.partition("  ")
        assert hashlib.sha256(files[name]).hexdigest() == digest
    return files


def sheet_of(files: dict[str, bytes], title: str) -> list[list[Any]]:
    """Rows of a sheet of the workbook in the archive, without the heads."""
    name = next(name for name in files if "/" not in name and name.endswith(".xlsx"))
    return [
        list(row)
        for row in load_workbook(io.BytesIO(files[name]))[title].iter_rows(min_row=2, values_only=True)
    ]


async def test_contracts_with_signed_copies_milestones_and_notices_are_in_the_archive(
    make: Factory, session: AsyncSession, settings: Settings, run_jobs: RunJobs
) -> None:
    case, (contract,) = await at_work(make, settings)
    files = await everything_of(session, settings, run_jobs, case.officer_actor, case.program)
    copies = [name for name in files if files[name] == SIGNED_PDF]
    assert {PurePosixPath(name).parent.name for name in copies} == {
        case.poster.name,
        case.teams[0].lead.name,
        case.teams[0].member.name,
    }
    whole = await contract_by_id(session, contract.id)
    assert whole is not None
    assert whole.versions[0].sha256 in {hashlib.sha256(content).hexdigest() for content in files.values()}
    (row,) = sheet_of(files, "Contracts")
    assert (row[0], row[1], row[8], row[10]) == (case.challenge.title, 1, 3, whole.versions[0].sha256)
    milestones = await milestones_of(session, contract.id)
    assert [row[2] for row in sheet_of(files, "Milestones")] == [item.title for item in milestones]
    assert len(sheet_of(files, "Public notices")) == 1


async def test_reviewers_are_numbers_in_an_export_and_only_finished_reviews_are_told(
    make: Factory, session: AsyncSession, settings: Settings, run_jobs: RunJobs
) -> None:
    panel = await scoring_panel(make)
    await panel.everything((8, 6), (7, 5))
    stage = panel.stage
    files = await everything_of(session, settings, run_jobs, stage.officer_actor, stage.program)
    assert sheet_of(files, "Scores") == sheet_of(files, "Rankings of reviews") == []
    await finish_review(session, stage.officer_actor, panel.review_id)
    await session.commit()
    files = await everything_of(session, settings, run_jobs, stage.officer_actor, stage.program)
    assert [(row[2], row[3]) for row in sheet_of(files, "Rankings of reviews")] == [
        (1, stage.bidders[0].name),
        (2, stage.bidders[1].name),
    ]
    scores = sheet_of(files, "Scores")
    assert {row[2] for row in scores} == {"Reviewer 1", "Reviewer 2"}
    assert sorted({row[4] for row in scores}) == [5, 6, 7, 8]
    assert sheet_of(files, "Criteria of reviews")
    everything = json.dumps([sheet_of(files, title) for title in TITLES], default=str, ensure_ascii=False)
    assert not any(person.name in everything for person in panel.people)


async def test_text_and_answer_of_an_objection_are_in_the_workbook(
    make: Factory, session: AsyncSession, settings: Settings, run_jobs: RunJobs
) -> None:
    case = await award(make)
    notice = await standing_notice(session, case.challenge.id)
    assert notice is not None
    await session.execute(text("ALTER TABLE objection DISABLE TRIGGER USER"))
    objector, objection_id = await make.organization(), uuid.uuid4()
    session.add(
        Objection(
            id=objection_id,
            notice_id=notice.id,
            challenge_id=case.challenge.id,
            organization_id=objector.id,
            person_id=(await make.member(objector)).id,
            state=ObjectionState.DISMISSED,
            effect=Effect.STANDS,
            text="团队规模不实",
            raised_at=utc_now(),
            due_at=utc_now(),
            answer="经核查属实",
            summary="异议不成立",
            answered_by_id=case.officer.id,
            answered_at=utc_now(),
        )
    )
    await session.flush()
    await store_attachment(
        session,
        settings,
        SYSTEM,
        subject_type="objection",
        subject_id=objection_id,
        name="证明.pdf",
        content=b"%PDF-1.7 objection",
    )
    await session.execute(text("ALTER TABLE objection ENABLE TRIGGER USER"))
    await session.commit()
    files = await everything_of(session, settings, run_jobs, case.officer_actor, case.program)
    assert b"%PDF-1.7 objection" in files.values()
    (row,) = sheet_of(files, "Objections")
    assert (row[2], row[4], row[5], row[7]) == (objector.name, "团队规模不实", "经核查属实", "异议不成立")


async def test_a_decision_is_in_the_archive_as_a_page_that_needs_nothing_else(
    make: Factory, session: AsyncSession, settings: Settings, run_jobs: RunJobs
) -> None:
    contest = await open_contest(make)
    (team,) = await hand_in(session, contest, "coater")
    await decide(session, contest, team, Outcome.APPROVED)
    market = contest.market
    files = await everything_of(session, settings, run_jobs, contest.officer, market.program)
    (page,) = [content.decode() for name, content in files.items() if name.endswith(".html")]
    assert next(name for name in files if name.endswith(".html")).removesuffix("html") + "json" in files
    for word in (
        market.coater.name,
        market.poster.name,
        "理由",
        market.program.name,
        market.coater.credit_code,
    ):
        assert word in page
    for outside in ("src=", "<link", "href=", "csrf"):
        assert outside not in page
    (row,) = sheet_of(files, "Winners")
    assert (row[0], row[1], row[2]) == (market.challenge.title, 1, market.coater.name)


async def test_questions_are_exported_without_who_asked_and_completions_once_they_are_handed_in(
    make: Factory, session: AsyncSession, settings: Settings, run_jobs: RunJobs
) -> None:
    stage = await opened_round(make, checklist=("签章齐全",))
    (first, _second) = await begin_checks(session, stage.officer_actor, await stage.read())
    asker = await make.organization()
    session.add(
        Question(
            challenge_id=stage.challenge.id,
            organization_id=asker.id,
            state=QuestionState.ASKED,
            text="样件由谁提供？",
            asked_at=utc_now(),
        )
    )
    first.completion_due_at = first.completed_at = utc_now()
    first.state = CheckState.COMPLETED
    for check in (first, _second):
        await store_attachment(
            session,
            settings,
            SYSTEM,
            subject_type="completion",
            subject_id=check.id,
            name="补正.pdf",
            content=b"%PDF-1.7 " + str(check.id).encode(),
        )
    await session.commit()
    files = await everything_of(session, settings, run_jobs, stage.officer_actor, stage.program)
    (question,) = sheet_of(files, "Questions")
    assert question[2] == "样件由谁提供？"
    assert asker.name not in question
    assert len(sheet_of(files, "Formal checks")) == 2
    # What is not handed in yet is the bidder's own.
    assert [name for name in files if name.endswith("补正.pdf")] == [
        name for name, content in files.items() if str(first.id).encode() in content and name.endswith(".pdf")
    ]


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
