import asyncio
import hashlib
import json
import uuid

import psycopg
import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import SYSTEM, Actor
from core.audit import GENESIS, AuditEntry, entry_hash, record
from core.process import Process
from core.settings import Settings
from tests.factories import Factory

SUBJECT = uuid.UUID(int=7)


async def chain(session: AsyncSession) -> list[AuditEntry]:
    session.expire_all()
    return list(await session.scalars(select(AuditEntry).order_by(AuditEntry.number)))


def broken_at(entries: list[AuditEntry]) -> int | None:
    """Number of the first entry that does not follow from the one before."""
    before = GENESIS
    for number, entry in enumerate(entries, start=1):
        if entry.number != number or entry.previous_hash != before or entry.hash != entry_hash(entry):
            return number
        before = entry.hash
    return None


@pytest.mark.parametrize(
    "attack",
    [
        "UPDATE audit_entry SET action = 'nothing.happened'",
        "UPDATE audit_entry SET hash = hash WHERE number = 2",
        "DELETE FROM audit_entry",
        "DELETE FROM audit_entry WHERE number = (SELECT max(number) FROM audit_entry)",
        "TRUNCATE audit_entry",
        "TRUNCATE audit_entry CASCADE",
        "INSERT INTO audit_entry SELECT * FROM audit_entry WHERE number = 1"
        " ON CONFLICT (number) DO UPDATE SET action = 'nothing.happened'",
        "MERGE INTO audit_entry USING (SELECT 1 AS number) AS gone ON audit_entry.number = gone.number"
        " WHEN MATCHED THEN DELETE",
    ],
)
async def test_direct_sql_cannot_change_what_was_written(
    attack: str, session: AsyncSession, settings: Settings
) -> None:
    for _ in range(3):
        await record(session, SYSTEM, "challenge.published", "challenge", SUBJECT)
    await session.commit()
    with (
        psycopg.connect(str(settings.database_url), autocommit=True) as connection,
        pytest.raises(psycopg.errors.RestrictViolation, match="append-only"),
    ):
        connection.execute(attack.encode())
    entries = await chain(session)
    assert [entry.action for entry in entries] == ["challenge.published"] * 3
    assert broken_at(entries) is None


async def test_the_chain_can_be_recomputed_from_the_table_alone(
    session: AsyncSession, settings: Settings, make: Factory
) -> None:
    person = await make.person(name="沈知行")
    organization = await make.organization()
    actor = Actor(
        person_id=person.id,
        name=person.name,
        organization_id=organization.id,
        organization_name=organization.name,
    )
    await record(session, SYSTEM, "demo.loaded", "demo", SUBJECT)
    await record(
        session, actor, "bid.submitted", "bid", SUBJECT, {"budget_wan": ["1.50", "2"], "团队": "十五人"}
    )
    await session.commit()
    before = bytes(32)
    with psycopg.connect(str(settings.database_url)) as connection:
        rows = connection.execute(
            "SELECT number, at AT TIME ZONE 'UTC', person_id, person_name, organization_id, organization_name,"
            " action, subject_type, subject_id, changes, previous_hash, hash FROM audit_entry ORDER BY number"
        ).fetchall()
    assert len(rows) == 2
    for (
        number,
        at,
        person_id,
        name,
        organization_id,
        unit,
        action,
        kind,
        subject,
        changes,
        previous,
        digest,
    ) in rows:
        content = {
            "action": action,
            "at": at.strftime("%Y-%m-%dT%H:%M:%S.%f+00:00"),
            "changes": changes,
            "number": number,
            "organization_id": None if organization_id is None else str(organization_id),
            "organization_name": unit,
            "person_id": None if person_id is None else str(person_id),
            "person_name": name,
            "subject_id": str(subject),
            "subject_type": kind,
        }
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        assert bytes(previous) == before
        before = hashlib.sha256(before + text.encode()).digest()
        assert bytes(digest) == before


@pytest.mark.parametrize(
    "changes",
    [
        {"share": [0.1, 1 / 3, 1e20, 1e-7, -0.0, 5.0, 12345678901234567890]},
        {"text": 'a "quoted" line\n末行  ', "empty": "", "none": None, "yes": True},
        {"z": {"b": [1, {"y": 2, "x": 1}], "a": []}, "a": {}},
        {"id": SUBJECT},
    ],
)
async def test_what_is_hashed_is_what_is_stored(changes: dict[str, object], session: AsyncSession) -> None:
    await record(session, SYSTEM, "challenge.edited", "challenge", SUBJECT, changes)
    await session.commit()
    assert broken_at(await chain(session)) is None


async def test_a_forged_entry_breaks_the_chain(session: AsyncSession, settings: Settings) -> None:
    await record(session, SYSTEM, "challenge.published", "challenge", SUBJECT)
    await session.commit()
    with psycopg.connect(str(settings.database_url), autocommit=True) as connection:
        connection.execute(
            "INSERT INTO audit_entry SELECT 2, at, person_id, person_name, organization_id, organization_name,"
            " 'consortium.approved', subject_type, subject_id, changes, hash, hash FROM audit_entry"
        )
    assert broken_at(await chain(session)) == 2


async def test_writers_at_the_same_time_make_one_chain(session: AsyncSession, process: Process) -> None:
    async def write(number: int) -> None:
        for step in range(5):
            async with process.transaction() as own:
                await record(
                    own, Actor(name=f"writer {number}"), "bid.edited", "bid", SUBJECT, {"step": step}
                )
                # Still uncommitted while the others try to append.
                await asyncio.sleep(0.002)

    await asyncio.gather(*(write(number) for number in range(4)))
    entries = await chain(session)
    assert len(entries) == 20
    assert broken_at(entries) is None


async def test_a_change_that_is_rolled_back_leaves_neither_entry_nor_gap(
    session: AsyncSession, process: Process
) -> None:
    async with process.maker() as own:
        await record(own, SYSTEM, "bid.submitted", "bid", SUBJECT)
        await own.rollback()
    await record(session, SYSTEM, "bid.withdrawn", "bid", SUBJECT)
    await session.commit()
    entries = await chain(session)
    assert [entry.action for entry in entries] == ["bid.withdrawn"]
    assert broken_at(entries) is None
