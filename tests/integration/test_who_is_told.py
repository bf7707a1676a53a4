"""Who reads what was told: every kind of notification, for everybody, before and after, and when the right is lost.

The tables are in told_matrix/. A line of a table says of one scene of `permission_world` who of its columns may read a
notification about the block's thing; the kinds below it are held to it in the list, in the mail and in the digest. What
is marked "." is a person who was told and has no right now: no word of it may appear anywhere.
"""

import re
import uuid
from typing import Any

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

import web.controllers  # noqa: F401 -- with the controllers every kind is declared
from core.accounts.models import Login, Person
from core.accounts.service import token_hash
from core.actor import Actor
from core.clock import shanghai_today
from core.mail import MailMessage
from core.notifications import jobs
from core.notifications.kinds import Kind, all_kinds, kind_of
from core.notifications.models import Delivery, Notification, NotificationDigest
from core.process import Process
from tests.integration.permission_world import World
from tests.integration.reading import (
    COLUMNS,
    TABLES,
    Block,
    Reading,
    let_it_be_all,
    read_tables,
    with_lost,
)
from web.streams import notification_events

BLOCKS = read_tables(path.read_text(encoding="utf-8") for path in sorted(TABLES.glob("*.txt")))


CASES = [
    pytest.param(block, scene, expected, id=f"{block.name}-{scene}")
    for block in BLOCKS
    for scene, expected in with_lost(block).items()
]


@pytest.mark.parametrize("kind", all_kinds(), ids=lambda kind: kind.name)
def test_every_kind_has_a_line_in_one_table(kind: Kind) -> None:
    """Add the kind to a block of told_matrix/, or a block for who may read it."""
    assert [block.name for block in BLOCKS if kind.name in block.kinds] != []
    assert sum(block.kinds.count(kind.name) for block in BLOCKS) == 1


def test_tables_name_no_kind_that_is_not_declared() -> None:
    assert {name for block in BLOCKS for name in block.kinds} <= {kind.name for kind in all_kinds()}


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.name)
def test_a_block_lets_somebody_read_it_and_somebody_not(block: Block) -> None:
    cells = [cell for scene in with_lost(block).values() for cell in scene.values()]
    assert any(cells)
    assert not all(cells)
    assert block.kinds


def parameters_of(kind: Kind, mark: str, given: dict[str, str], things: dict[str, Any]) -> dict[str, str]:
    """The kind's example with a mark in every text that is shown."""
    shown = {name for lazy in (kind.subject, kind.text) for name in re.findall(r"%\((\w+)\)s", str(lazy))}
    marked = {name: mark for name in shown if not name.endswith(("_at", "_on"))}
    assert marked, f"{kind.name} tells nothing that differs from one thing to another"
    return {**kind.example, **marked, **{name: str(things[thing]) for name, thing in given.items()}}


def mark_of(kind: str, column: str) -> str:
    return f"〔{kind}/{column}〕"


@pytest.mark.parametrize(("block", "scene", "expected"), CASES)
async def test_what_was_told_is_read_by_who_may_and_by_nobody_else(
    block: Block,
    scene: str,
    expected: dict[str, bool],
    reader: Reading,
    world: World,
) -> None:
    base, *variants = scene.split("+")
    things = {**world.things, **world.scenes.get(base, {})}
    async with reader.process.transaction() as session:
        people = await reader.people(session)
        await let_it_be_all(session, variants, things)
        ids = await tell_everybody(session, block, people, things)
    listed, digested, mailed = {}, {}, {}
    for column in COLUMNS:
        listed[column] = [
            await reader.page(column, f"/notifications?page={number}")
            for number in range(1, 2 + len(block.kinds) // 20)
        ]
        # The stream tells how much is unread and no word of it, also of what may not be read any more.
        _status, streamed = await stream_of(reader, column)
        assert streamed.split() == unread_event(len(block.kinds))
        for key in ids[column]:
            await jobs.mail_notification.fn.__wrapped__(str(key))
        mailed[column] = await mail_text(reader.process)
        withheld = await withheld_ids(reader.process)
        # What is held back is held back for ever, though the right come back.
        assert withheld & set(ids[column]) == (set() if expected[column] else set(ids[column]))
        # And now as if each had been left for the digest.
        await forget_mail(reader.process)
        async with reader.process.transaction() as session:
            digest = NotificationDigest(id=uuid.uuid4(), person_id=people[column], day=shanghai_today())
            session.add(digest)
        await jobs.compose_digest.fn.__wrapped__(str(digest.id))
        digested[column] = await mail_text(reader.process)
        await forget_mail(reader.process)
    wrong = []
    for column in COLUMNS:
        for kind in block.kinds:
            seen = {
                "list": any(mark_of(kind, column) in page for page in listed[column]),
                "digest": mark_of(kind, column) in digested[column],
                "mail": mark_of(kind, column) in mailed[column],
            }
            wrong += [(kind, column, place) for place, shown in seen.items() if shown is not expected[column]]
    assert wrong == []


async def tell_everybody(
    session: AsyncSession, block: Block, people: dict[str, uuid.UUID], things: dict[str, Any]
) -> dict[str, list[uuid.UUID]]:
    await session.execute(delete(Notification))
    await session.execute(delete(MailMessage))
    ids: dict[str, list[uuid.UUID]] = {column: [] for column in COLUMNS}
    for column, person_id in people.items():
        for name in block.kinds:
            kind = kind_of(name)
            assert kind is not None
            item = Notification(
                id=uuid.uuid4(),
                event_key=f"{name}:{column}",
                person_id=person_id,
                kind=name,
                subject_type=block.thing.removesuffix("_id"),
                subject_id=things[block.thing],
                parameters=parameters_of(kind, mark_of(name, column), block.given, things),
                delivery=Delivery.DAILY,
            )
            session.add(item)
            ids[column].append(item.id)
    return ids


async def mail_text(process: Process) -> str:
    async with process.transaction() as session:
        return "\n".join(
            f"{item.subject}\n{item.body}" for item in await session.scalars(select(MailMessage))
        )


async def forget_mail(process: Process) -> None:
    async with process.transaction() as session:
        await session.execute(update(Notification).values(digest_id=None, mail_id=None, withheld_at=None))
        await session.execute(update(NotificationDigest).values(mail_id=None))
        await session.execute(delete(MailMessage))


async def withheld_ids(process: Process) -> set[uuid.UUID]:
    async with process.transaction() as session:
        return set(
            await session.scalars(select(Notification.id).where(Notification.withheld_at.is_not(None)))
        )


async def stream_of(reader: Reading, column: str) -> tuple[int, str]:
    """What comes before the stream has to wait: it ends there, because the listener of these tests is closed."""
    answer = await reader.send(column, "GET", "/notifications/stream")
    return answer.status_code, answer.text


def unread_event(number: int) -> list[str]:
    return ["event:", "unread", "data:", '{"unread":', f"{number}}}"]


async def test_a_live_stream_counts_ones_own_notifications_alone(reader: Reading, world: World) -> None:
    block = max(BLOCKS, key=lambda item: len(item.kinds))
    scene = next(name for name in block.scenes if "+" not in name)
    async with reader.process.transaction() as session:
        people = await reader.people(session)
        ids = await tell_everybody(session, block, people, {**world.things, **world.scenes[scene]})
        # Everybody has read one more than the one before: no number is another's.
        for place, column in enumerate(COLUMNS):
            read = ids[column][: place % len(block.kinds)]
            await session.execute(
                update(Notification)
                .where(Notification.id.in_(read))
                .values(read_at=text("clock_timestamp()"))
            )
    for place, column in enumerate(COLUMNS):
        status, told = await stream_of(reader, column)
        number = len(block.kinds) - place % len(block.kinds)
        assert (status, told.split()) == (200, unread_event(number))
    assert (await stream_of(reader, "anon"))[0] == 401


@pytest.mark.parametrize("ended", ["closed", "expired", "disabled"])
async def test_the_stream_of_a_login_that_has_ended_tells_nothing(
    ended: str, reader: Reading, world: World
) -> None:
    actors = {}
    async with reader.process.transaction() as session:
        people = await reader.people(session)
        await tell_everybody(session, BLOCKS[0], people, {**world.things, **world.scenes["open"]})
        for column, person_id in people.items():
            login_id = await session.scalar(
                select(Login.id).where(Login.token_hash == token_hash(world.tokens[column]))
            )
            actors[column] = Actor(person_id=person_id, login_id=login_id)
        if ended == "closed":
            await session.execute(delete(Login))
        elif ended == "expired":
            await session.execute(update(Login).values(expires_at=text("clock_timestamp()")))
        else:
            await session.execute(update(Person).values(is_disabled=True))
    for column, actor in actors.items():
        # The stream was opened while the login was in force, and looks again.
        events = notification_events(reader.process, reader.app.state.listener, actor)
        told = [(event.event, event.data) async for event in events]
        assert told == [("ended", "")], column


# What the calendar and the Atom feed hold of a scene's challenge, for who has saved it.
FEEDS = read_tables([(TABLES / "feeds.table").read_text(encoding="utf-8")])


@pytest.mark.parametrize(
    ("feed", "scene", "expected"),
    [
        pytest.param(block.kinds[0], scene, expected, id=f"{block.name}-{scene}")
        for block in FEEDS
        for scene, expected in with_lost(block).items()
    ],
)
async def test_feeds_hold_what_their_reader_may_know(
    feed: str,
    scene: str,
    expected: dict[str, bool],
    reader: Reading,
    world: World,
) -> None:
    from challenges.calendars.service import make_feed
    from challenges.models import SavedChallenge

    base, *variants = scene.split("+")
    things = world.scenes[base]
    actual = {}
    addresses = {}
    async with reader.process.transaction() as session:
        people = await reader.people(session)
        for column, person_id in people.items():
            session.add(SavedChallenge(person_id=person_id, challenge_id=things["challenge_id"]))
            token = await make_feed(session, Actor(person_id=person_id))
            addresses[column] = f"/calendar/{token}.ics" if feed == "calendar" else "/challenges.atom"
        await let_it_be_all(session, variants, things)
    for column in COLUMNS:
        page = await reader.page(column, addresses[column])
        assert ("BEGIN:VCALENDAR" if feed == "calendar" else "<feed") in page
        actual[column] = f"/challenges/{things['challenge_id']}" in page.replace("\r\n ", "")
    assert actual == expected


async def test_a_disabled_account_is_mailed_nothing_and_its_calendar_is_gone(
    reader: Reading,
    world: World,
) -> None:
    from challenges.calendars.service import make_feed

    block, things = next(
        (block, world.scenes[scene])
        for block in BLOCKS
        for scene in block.scenes
        if block.thing in world.scenes.get(scene, {})
    )
    things = {**world.things, **things}
    async with reader.process.transaction() as session:
        people = await reader.people(session)
        token = await make_feed(session, Actor(person_id=people["owner"]))
        ids = await tell_everybody(session, block, people, things)
        await session.execute(update(Person).where(Person.id == people["owner"]).values(is_disabled=True))
    for key in ids["owner"]:
        await jobs.mail_notification.fn.__wrapped__(str(key))
    assert await mail_text(reader.process) == ""
    assert "BEGIN:VCALENDAR" not in await reader.page("anon", f"/calendar/{token}.ics")


def test_a_line_without_its_cells_is_noticed() -> None:
    with pytest.raises(AssertionError):
        read_tables(["[x: y]\nopen + +"])
