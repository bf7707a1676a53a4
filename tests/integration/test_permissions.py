"""Every route, for everybody, in every state that matters: the status that each of them gets.

Columns are the actors of `permission_world.ACTORS`. A POST carries a valid form token and no field: 422 and 303 mean
"may", 401, 403 and 404 mean "may not" (404: not even to know of it), 409 means "may, but not in this state".
Every attempt is rolled back, so each starts from the same world.
"""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qsl

import pytest
from httpx import ASGITransport, AsyncClient, Response
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from sqlalchemy import NullPool
from sqlalchemy.ext.asyncio import AsyncConnection, async_sessionmaker

from core.process import Process, start_process
from core.settings import Settings
from tests.integration.permission_world import ACTORS, World
from tests.integration.reading import readable
from web.app import create_app
from web.sessions import LOGIN_COOKIE

MATRICES = Path(__file__).parent / "permission_matrix"
COLUMNS = tuple(ACTORS)


@dataclass(frozen=True)
class Row:
    """`path` has placeholders `{name}` or `{name=thing}`: the route's parameter, and which thing stands there.

    Behind a "!" follow fields of the form, for what is looked at before the permission itself.
    """

    scene: str
    method: str
    path: str
    expected: tuple[int, ...]

    @property
    def route(self) -> tuple[str, str]:
        return self.method, re.sub(r"=\w+\}", "}", self.path.partition("!")[0])

    def filled(self, world: World) -> tuple[str, dict[str, str]]:
        """Address and form fields, with the things of the row's scene."""
        things = {**world.things, **world.scenes.get(self.scene, {})}
        text = re.sub(r"\{(?:\w+=)?(\w+)\}", lambda found: str(things[found.group(1)]), self.path)
        address, _, fields = text.partition("!")
        return address, dict(parse_qsl(fields))


def read_matrix(text: str) -> list[Row]:
    rows, scene = [], ""
    for line in text.splitlines():
        line = line.partition("#")[0].strip()
        if line.startswith("["):
            scene = line.strip("[]")
        elif line:
            method, path, *statuses = line.split()
            assert len(statuses) == len(COLUMNS), line
            rows.append(Row(scene, method, path, tuple(int(status) for status in statuses)))
    return rows


ROWS = [
    row for path in sorted(MATRICES.glob("*.txt")) for row in read_matrix(path.read_text(encoding="utf-8"))
]


def registered_routes(app: Litestar) -> set[tuple[str, str]]:
    found = set()
    for route in app.routes:
        for handler in getattr(route, "route_handlers", []):
            if isinstance(handler, HTTPRouteHandler):
                path = re.sub(r":\w+\}", "}", route.path)
                found.update((str(method), path) for method in handler.http_methods if method != "OPTIONS")
    return found


class RolledBack:
    """Lets the application work and commit inside a transaction of ours, which then is rolled back."""

    def __init__(self, process: Process, connection: AsyncConnection) -> None:
        self.process = process
        self.connection = connection
        self.app = create_app(process)
        process.maker = async_sessionmaker(
            bind=connection, expire_on_commit=False, join_transaction_mode="create_savepoint"
        )
        self.form_token = ""
        transport = ASGITransport(cast("Any", self.app), raise_app_exceptions=False)
        self.client = AsyncClient(transport=transport, base_url="http://testserver.local", trust_env=False)

    async def attempt(self, row: Row, world: World, column: str) -> Response:
        address, fields = row.filled(world)
        return await self.send(row.method, address, world.tokens.get(column), fields)

    async def send(
        self, method: str, path: str, login: str | None = None, fields: dict[str, str] | None = None
    ) -> Response:
        cookies = {"csrftoken": self.form_token, LOGIN_COOKIE: login or ""}
        # What an earlier answer set is not sent on: each attempt stands alone.
        self.client.cookies.clear()
        header = "; ".join(f"{name}={value}" for name, value in cookies.items() if value)
        data = {"_csrf_token": self.form_token, **(fields or {})} if method == "POST" else None
        outer = await self.connection.begin()
        try:
            return await self.client.request(method, path, data=data, headers={"cookie": header})
        finally:
            await outer.rollback()


@pytest.fixture(scope="module")
async def attempts(database: Settings, world: World) -> AsyncIterator[RolledBack]:
    process = start_process(database, poolclass=NullPool)
    async with process.engine.connect() as connection:
        attempts = RolledBack(process, connection)
        # Streams then end after their first event; otherwise they would last as long as the login.
        await attempts.app.state.listener.close()
        page = await attempts.send("GET", "/login")
        attempts.form_token = page.cookies["csrftoken"]
        yield attempts
    await process.engine.dispose()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.scene}-{row.method}-{row.path}")
async def test_everybody_gets_what_the_matrix_says(row: Row, world: World, attempts: RolledBack) -> None:
    actual = {column: (await attempts.attempt(row, world, column)).status_code for column in COLUMNS}
    assert actual == dict(zip(COLUMNS, row.expected, strict=True))


def test_every_route_is_in_the_matrix_and_no_other(attempts: RolledBack) -> None:
    assert {row.route for row in ROWS} == registered_routes(attempts.app)


def test_a_route_that_is_not_in_the_matrix_would_be_noticed(attempts: RolledBack) -> None:
    routes = registered_routes(attempts.app)
    assert ("GET", "/challenges/{challenge_id}") in routes
    assert ("POST", "/bids/{bid_id}") in routes
    assert ("GET", "/challenges.atom") in routes


async def test_a_post_without_a_form_token_is_refused_whoever_sends_it(
    world: World, attempts: RolledBack
) -> None:
    token, attempts.form_token = attempts.form_token, ""
    posts = {row.route: row for row in ROWS if row.method == "POST"}
    for row in posts.values():
        for column in ("anon", "owner", "officer", "admin"):
            answer = await attempts.attempt(row, world, column)
            assert answer.status_code == 403, (row.path, column)
    attempts.form_token = token


async def test_pages_of_the_demo_exist_in_the_demo_alone(world: World, attempts: RolledBack) -> None:
    settings = attempts.process.settings
    attempts.process.settings = replace(settings, demo=True)
    for path in ("/demo/accounts", "/demo/mailbox"):
        for column in COLUMNS:
            assert (await attempts.send("GET", path, world.tokens.get(column))).status_code == 200
    attempts.process.settings = settings


@pytest.mark.parametrize("value", ["%00", "%FF", "9" * 30, "NaN"])
async def test_what_cannot_be_read_is_answered_all_the_same(
    value: str, world: World, attempts: RolledBack
) -> None:
    names = (
        "q",
        "page",
        "sort",
        "field",
        "program",
        "region",
        "industry",
        "employees",
        "revenue",
        "to",
        "recipient",
    )
    query = "&".join(f"{name}={value}" for name in names)
    for row in ROWS:
        if row.method == "GET" and row.scene in {"anywhere", "open"}:
            address, _ = row.filled(world)
            for column in ("anon", "owner", "officer", "admin"):
                answer = await attempts.send("GET", f"{address}?{query}", world.tokens.get(column))
                assert answer.status_code < 500, (row.path, column)


# What must never be in an answer to somebody, whatever its status.
SECRETS: dict[str, tuple[str, tuple[str, ...]]] = {
    "the sealed bid": (
        "采用籽晶法定向凝固",
        ("anon", "person", "partner", "rival", "unver", "other", "admin", "review"),
    ),
    "the sealed bid, to poster and officer": ("采用籽晶法定向凝固", ("viewer", "editor", "owner", "officer")),
}


@pytest.mark.parametrize("scene", ["open", "restricted"])
@pytest.mark.parametrize("secret", SECRETS)
async def test_no_page_shows_a_sealed_bid(
    scene: str, secret: str, world: World, attempts: RolledBack
) -> None:
    text, columns = SECRETS[secret]
    shown_to_bidder = False
    for row in ROWS:
        if row.method != "GET" or row.scene not in {scene, "anywhere"}:
            continue
        for column in columns:
            answer = await attempts.attempt(row, world, column)
            assert text not in readable(answer.content), (row.path, column)
        answer = await attempts.attempt(row, world, "bidder")
        shown_to_bidder = shown_to_bidder or text in answer.text
    assert shown_to_bidder


# The partner is not invited either, but was told of the challenge by the bidder that asks it to join.
@pytest.mark.parametrize("column", ["anon", "person", "rival", "unver", "other", "admin", "review"])
async def test_a_restricted_challenge_is_nowhere_for_who_is_not_invited(
    column: str, world: World, attempts: RolledBack, restricted_title: str
) -> None:
    for row in ROWS:
        if row.method == "GET" and row.scene in {"restricted", "anywhere"}:
            answer = await attempts.attempt(row, world, column)
            assert restricted_title not in readable(answer.content), row.path
    invited = await attempts.send("GET", "/challenges", world.tokens["bidder"])
    assert restricted_title in invited.text


# Officers of other programs and administrators look after the expert base: they know who is an expert, not of what.
@pytest.mark.parametrize("scene", ["asked", "declared"])
async def test_nobody_but_the_officers_in_charge_learns_who_reviews(
    scene: str, world: World, attempts: RolledBack, reviewer_name: str
) -> None:
    shown_to_officer = False
    for row in ROWS:
        if row.method != "GET" or row.scene != scene:
            continue
        for column in COLUMNS:
            if column in {"officer", "review"}:
                continue
            answer = await attempts.attempt(row, world, column)
            assert reviewer_name not in readable(answer.content), (row.path, column)
        answer = await attempts.attempt(row, world, "officer")
        shown_to_officer = shown_to_officer or reviewer_name in answer.text
    assert shown_to_officer


@pytest.fixture(scope="module")
async def reviewer_name(database: Settings, world: World) -> str:
    """A name that no other name begins with."""
    from challenges.models import Expert
    from core.accounts.models import Person

    process = start_process(database, poolclass=NullPool)
    async with process.transaction() as session:
        expert = await session.get_one(Expert, world.things["expert_id"])
        person = await session.get_one(Person, expert.person_id)
        person.name = "评审人欧阳"
    await process.engine.dispose()
    return "评审人欧阳"


@pytest.fixture(scope="module")
async def restricted_title(database: Settings, world: World) -> str:
    from challenges.models import Challenge

    process = start_process(database, poolclass=NullPool)
    async with process.transaction() as session:
        challenge = await session.get(Challenge, world.scenes["restricted"]["challenge_id"])
    await process.engine.dispose()
    assert challenge is not None
    return challenge.title
