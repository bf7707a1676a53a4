"""Rounds to export, and what is in the files that come of it."""

import hashlib
import io
import zipfile
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from openpyxl import load_workbook
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

import web.decision_page  # noqa: F401 -- as the worker does
from challenges.bids.keys import challenge_key
from challenges.exports.service import ask_for_export
from challenges.exports.storage import path_of
from challenges.models import (
    Bid,
    BidMember,
    BidMemberState,
    BidState,
    Challenge,
    ChallengeState,
    ExportKind,
    ExportRun,
    ExportState,
    Program,
    Round,
)
from core.actor import SYSTEM, Actor
from core.attachments import store_attachment
from core.clock import utc_now
from core.i18n import use_locale
from core.settings import Settings
from tests.factories import Factory
from tests.integration.matchmaking import Market, open_market

RunJobs = Callable[[], Awaitable[None]]


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
