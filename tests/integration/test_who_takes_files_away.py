"""Who has a round written into files, and what those hold: for everybody, before and after each deadline.

The table is told_matrix/exports.table. The test writes a mark into each thing of each scene, lets everybody order and
fetch both kinds of file, and looks for the marks in all that comes back, unpacked.
"""

import io
import uuid
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from challenges.exports.jobs import run_export
from challenges.exports.storage import path_of
from challenges.models import Bid, BidMember, Challenge, ExportKind, ExportRun, ExportState, Score
from core.accounts.models import Person
from core.attachments import Attachment
from core.i18n import gettext, use_locale
from tests.integration.permission_world import World
from tests.integration.reading import (
    COLUMNS,
    TABLES,
    Block,
    Reading,
    let_it_be,
    read_tables,
    readable,
    with_lost,
)

BLOCKS = read_tables([(TABLES / "exports.table").read_text(encoding="utf-8")])
# Documents are in the archive alone.
IN_ARCHIVES = frozenset({"plan", "bid_file"})
Answer = tuple[int, bytes]


def mark(fact: str, scene: str) -> str:
    return f"〔{fact}-{scene}〕"


def has_mark(fact: str) -> Callable[[str, bytes, str], bool]:
    return lambda words, _content, scene: mark(fact, scene) in words


def has_consortium(_words: str, content: bytes, scene: str) -> bool:
    with use_locale("zh_CN"):
        sheet = workbook_of(content)[gettext("Members of consortia")]
    return any(mark("title", scene) in row for row in sheet.iter_rows(values_only=True))


FACTS: dict[str, Callable[[str, bytes, str], bool]] = {
    **{name: has_mark(name) for name in ("title", "part", "plan", "bid_file", "score")},
    "reviewer": lambda words, _content, _scene: mark("reviewer", "") in words,
    "consortium": has_consortium,
}


def workbook_of(content: bytes) -> Any:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        inner = [name for name in archive.namelist() if "/" not in name and name.endswith(".xlsx")]
        return load_workbook(io.BytesIO(archive.read(inner[0]) if inner else content))


async def mark_everything(session: AsyncSession, world: World) -> None:
    await session.execute(text("ALTER TABLE score DISABLE TRIGGER USER"))
    for scene, things in world.scenes.items():
        await session.execute(
            update(Challenge).where(Challenge.id == things["challenge_id"]).values(title=mark("title", scene))
        )
        if "bid_id" not in things:
            continue
        await session.execute(
            update(Bid).where(Bid.id == things["bid_id"]).values(technical_plan=mark("plan", scene))
        )
        await session.execute(
            update(BidMember)
            .where(BidMember.bid_id == things["bid_id"])
            .values(role_text=mark("part", scene))
        )
        await session.execute(
            update(Attachment)
            .where(Attachment.id == things["bid_file"])
            .values(name=f"{mark('bid_file', scene)}.pdf")
        )
        if "seat_id" in things:
            session.add(
                Score(
                    seat_id=things["seat_id"],
                    bid_id=things["bid_id"],
                    criterion=0,
                    comment=mark("score", scene),
                )
            )


def scenes_with(block: Block, variant: str) -> dict[str, dict[str, bool]]:
    """Lines of this variant alone, by the scene's own name."""
    lines = {tuple(name.split("+")): cells for name, cells in with_lost(block).items()}
    return {name[0]: cells for name, cells in lines.items() if "+".join(name[1:]) == variant}


async def ordered(reader: Reading, column: str, kind: ExportKind) -> Answer:
    """Order a file, let the worker make it, fetch it: the status of whatever stopped it, or the file."""
    address = _address(reader.world)
    order = await reader.send(column, "POST", address, {"kind": kind.value})
    if order.status_code != 303:
        return order.status_code, b""
    async with reader.process.transaction() as session:
        people = await reader.people(session)
        run = await session.scalar(
            select(ExportRun).where(ExportRun.asked_by_id == people[column], ExportRun.kind == kind)
        )
        assert run is not None
    await run_export.fn.__wrapped__(str(run.id))
    answer = await reader.send(column, "GET", f"{address}/{run.id}/file")
    return answer.status_code, answer.content


def _address(world: World) -> str:
    return f"/programs/{world.things['program_id']}/rounds/{world.things['round_id']}/exports"


@pytest.mark.parametrize("variant", ["", "past", "restricted", "lost"])
@pytest.mark.parametrize("kind", ExportKind)
async def test_a_file_holds_what_its_reader_may_know(
    kind: ExportKind, variant: str, reader: Reading, world: World
) -> None:
    async with reader.process.transaction() as session:
        # The world has one that waits already, which an order would not double.
        await session.execute(text("DELETE FROM export_run"))
        people = await reader.people(session)
        await mark_everything(session, world)
        await session.execute(
            update(Person).where(Person.id == people["review"]).values(name=mark("reviewer", ""))
        )
        for scene in {name for block in BLOCKS for name in scenes_with(block, variant)}:
            await let_it_be(session, variant, world.scenes[scene])
    wrong = []
    for column in COLUMNS:
        status, content = await ordered(reader, column, kind)
        assert (status == 200) is (column == "officer" and variant != "lost"), (column, status)
        words = readable(content)
        for block in BLOCKS:
            for scene, expected in scenes_with(block, variant).items():
                for fact in block.kinds:
                    wanted = expected[column] and (kind is ExportKind.ARCHIVE or fact not in IN_ARCHIVES)
                    if (bool(content) and FACTS[fact](words, content, scene)) is not wanted:
                        wrong.append((fact, scene, column))
    assert wrong == []


@pytest.mark.parametrize("kind", ExportKind)
async def test_a_file_that_somebody_else_has_had_made_is_fetched_by_officers_in_charge_alone(
    kind: ExportKind, reader: Reading, world: World
) -> None:
    async with reader.process.transaction() as session:
        await session.execute(text("DELETE FROM export_run"))
    status, content = await ordered(reader, "officer", kind)
    assert status == 200
    assert content
    async with reader.process.transaction() as session:
        run_id = await session.scalar(select(ExportRun.id))
    for column in ("anon", *COLUMNS):
        for part in ("progress", "file"):
            answer = await reader.send(column, "GET", f"{_address(world)}/{run_id}/{part}")
            assert (answer.status_code == 200) is (column == "officer"), (column, part)


@pytest.mark.parametrize("kind", ExportKind)
async def test_the_worker_writes_nothing_for_who_has_no_right_when_it_comes_to_it(
    kind: ExportKind, reader: Reading, world: World
) -> None:
    async with reader.process.transaction() as session:
        await session.execute(text("DELETE FROM export_run"))
        runs = {
            column: ExportRun(
                id=uuid.uuid4(),
                round_id=world.things["round_id"],
                kind=kind,
                asked_by_id=person_id,
                locale="zh_CN",
            )
            for column, person_id in (await reader.people(session)).items()
        }
        session.add_all(runs.values())
    made = set()
    for column, run in runs.items():
        await run_export.fn.__wrapped__(str(run.id))
        async with reader.process.transaction() as session:
            state = await session.scalar(select(ExportRun.state).where(ExportRun.id == run.id))
        assert (state is ExportState.DONE) is path_of(reader.process.settings, run.id, kind).exists()
        if state is ExportState.DONE:
            made.add(column)
    assert made == {"officer"}


def test_every_fact_of_the_table_is_looked_for() -> None:
    assert {fact for block in BLOCKS for fact in block.kinds} == set(FACTS)
