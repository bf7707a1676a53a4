"""Reading the product as everybody does: the tables that say who may, and a world that is put back afterwards."""

import io
import uuid
import zipfile
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from httpx import ASGITransport, AsyncClient, Response
from openpyxl import load_workbook
from pypdf import PdfReader
from pypdf.errors import PdfReadError
from sqlalchemy import delete, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, async_sessionmaker

import web.controllers  # noqa: F401 -- with the controllers every kind is declared
from challenges.models import Challenge, InvitedSolver, ProgramOfficer
from core.accounts.models import Login, PersonRole
from core.accounts.service import token_hash
from core.process import Process
from solvers.models import Certificate, Membership
from tests.integration.permission_world import ACTORS, World
from web.app import create_app
from web.sessions import LOGIN_COOKIE

TABLES = Path(__file__).parent / "told_matrix"


COLUMNS = tuple(column for column in ACTORS if column != "anon")


@dataclass
class Block:
    """Kinds about the same thing, that the same people may read. `given` are parameters named after things."""

    name: str
    thing: str
    given: dict[str, str]
    scenes: dict[str, dict[str, bool]] = field(default_factory=dict)
    kinds: list[str] = field(default_factory=list)


def read_tables(texts: Iterable[str]) -> list[Block]:
    blocks: list[Block] = []
    for line in (line.partition("#")[0].strip() for content in texts for line in content.splitlines()):
        if line.startswith("["):
            name, _, rest = line.strip("[]").partition(":")
            thing, *given = rest.split()
            blocks.append(Block(name, thing, dict(item.split("=") for item in given)))
        elif line and len(line.split()) == 1:
            blocks[-1].kinds.append(line)
        elif line:
            scene, *cells = line.split()
            assert len(cells) == len(COLUMNS), line
            assert set(cells) <= {"+", "."}, line
            blocks[-1].scenes[scene] = {
                column: cell == "+" for column, cell in zip(COLUMNS, cells, strict=True)
            }
    return blocks


def with_lost(block: Block) -> dict[str, dict[str, bool]]:
    """The first and last scenes also after everybody has lost every right: nobody reads it, unless a line says so."""
    nobody = dict.fromkeys(COLUMNS, False)
    scenes = [scene for scene in block.scenes if "+lost" not in scene]
    lost = {f"{scene}+lost": nobody for scene in (scenes[0], scenes[-1])}
    return {**lost, **block.scenes}


class Reading:
    """The product on a connection of the test's own, which is rolled back."""

    def __init__(self, process: Process, connection: AsyncConnection, world: World) -> None:
        self.process, self.world = process, world
        process.maker = async_sessionmaker(
            bind=connection, expire_on_commit=False, join_transaction_mode="create_savepoint"
        )
        self.app = create_app(process)

    async def page(self, column: str, path: str) -> str:
        # The server is the one process whose startup a test does not run.
        transport = ASGITransport(cast("Any", self.app), raise_app_exceptions=False)
        async with AsyncClient(transport=transport, base_url="http://testserver.local") as client:
            login = self.world.tokens.get(column, "")
            answer = await client.get(path, headers={"cookie": f"{LOGIN_COOKIE}={login}"})
        return answer.text

    async def send(
        self, column: str, method: str, path: str, fields: dict[str, str] | None = None
    ) -> Response:
        """As a browser of that person sends it, with the form token."""
        transport = ASGITransport(cast("Any", self.app), raise_app_exceptions=False)
        async with AsyncClient(transport=transport, base_url="http://testserver.local") as client:
            client.cookies.set(LOGIN_COOKIE, self.world.tokens.get(column, ""))
            if method == "POST":
                await client.get("/login")
                fields = {"_csrf_token": client.cookies["csrftoken"], **(fields or {})}
            return await client.request(method, path, data=fields)

    async def people(self, session: AsyncSession) -> dict[str, uuid.UUID]:
        found = {}
        for column in COLUMNS:
            token = token_hash(self.world.tokens[column])
            found[column] = await session.scalar(select(Login.person_id).where(Login.token_hash == token))
        assert all(found.values())
        return cast("dict[str, uuid.UUID]", found)


async def let_it_be(session: AsyncSession, variant: str, things: dict[str, Any]) -> None:
    if variant == "past":
        # The deadline alone: the job that closes the challenge need not have run.
        await session.execute(
            update(Challenge)
            .where(Challenge.id == things["challenge_id"])
            .values(deadline_at=text("clock_timestamp() - interval '1 minute'"))
        )
    elif variant == "restricted":
        await session.execute(
            update(Challenge).where(Challenge.id == things["challenge_id"]).values(is_public=False)
        )
    elif variant == "lost":
        for right in (Membership, ProgramOfficer, PersonRole, InvitedSolver, Certificate):
            await session.execute(delete(right))


async def let_it_be_all(session: AsyncSession, variants: list[str], things: dict[str, Any]) -> None:
    for variant in variants:
        await let_it_be(session, variant, things)


def readable(content: bytes) -> str:
    """All words of an answer, also of a workbook, an archive or a PDF: what is packed leaks as well as what is not."""
    if content.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = archive.namelist()
            if "xl/workbook.xml" in names:
                sheets = load_workbook(io.BytesIO(content)).worksheets
                rows = [row for sheet in sheets for row in sheet.iter_rows(values_only=True)]
                return "\n".join(str(cell) for row in rows for cell in row if cell is not None)
            return "\n".join(text for name in names for text in (name, readable(archive.read(name))))
    if content.startswith(b"%PDF"):
        with suppress(PdfReadError):
            return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)
    return content.decode("utf-8", errors="replace")
