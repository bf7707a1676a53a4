# ruff: noqa: ASYNC240 -- nothing else runs on the event loop while a test reads its few lines
"""The audit log is attacked by somebody who may do everything in the database; each attack is found out."""

import asyncio
import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import SYSTEM, Actor
from core.audit import AuditEntry, Fault, Head, entry_hash, exported_lines, head_of_log, record, verify
from core.migrations import migrate
from core.process import Process, start_process
from core.settings import Settings
from tests.integration.core.test_audit_log import SUBJECT, chain
from web.cli import main

DOCS = Path(__file__).parents[3] / "docs"
GUARDS_OFF = "ALTER TABLE audit_entry DISABLE TRIGGER USER"
GUARDS_ON = (
    "ALTER TABLE audit_entry ENABLE ALWAYS TRIGGER audit_entry_append_only;"
    "ALTER TABLE audit_entry ENABLE ALWAYS TRIGGER audit_entry_no_truncate"
)


@pytest.fixture
async def written(session: AsyncSession) -> Head:
    """Six entries, and the head that was published after the sixth."""
    for number in range(1, 7):
        await record(
            session,
            Actor(name=f"经办人{number}"),
            "consortium.approved",
            "consortium",
            SUBJECT,
            {"reason": f"理由 {number}", "share": 0.3 + number / 100, "members": [number]},
        )
    await session.commit()
    head = await head_of_log(session)
    # Ends the transaction, whose lock an attack on the whole table would wait for.
    await session.commit()
    return head


def attack(settings: Settings, *statements: str, guards_back: bool = True) -> None:
    """What a superuser does: switches the triggers off, and on again so that nobody sees it."""
    with psycopg.connect(str(settings.database_url), autocommit=True) as connection:
        for statement in (GUARDS_OFF, *statements, *([GUARDS_ON] if guards_back else [])):
            connection.execute(statement.encode())


async def test_an_untouched_log_is_whole(session: AsyncSession, written: Head) -> None:
    found = await verify(session)
    assert found.is_intact
    assert (found.head, found.bad_number, found.head.number) == (written, None, 6)
    assert (await verify(session, written)).is_intact


async def test_an_empty_log_is_whole(session: AsyncSession) -> None:
    found = await verify(session)
    assert found.is_intact
    assert found.head == Head(0, bytes(32))


@pytest.mark.parametrize(
    ("statements", "number", "fault"),
    [
        (["UPDATE audit_entry SET person_name = '别人' WHERE number = 3"], 3, Fault.ALTERED),
        (["UPDATE audit_entry SET person_name = person_name || ' ' WHERE number = 3"], 3, Fault.ALTERED),
        (["UPDATE audit_entry SET at = at + interval '1 microsecond' WHERE number = 1"], 1, Fault.ALTERED),
        (["UPDATE audit_entry SET organization_id = gen_random_uuid() WHERE number = 6"], 6, Fault.ALTERED),
        (
            ["""UPDATE audit_entry SET changes = jsonb_set(changes, '{members,0}', '9') WHERE number = 4"""],
            4,
            Fault.ALTERED,
        ),
        (
            ["UPDATE audit_entry SET changes = changes || '{\"seen\": true}' WHERE number = 2"],
            2,
            Fault.ALTERED,
        ),
        # Beyond the precision of a float: the same number for a program, another one for a reader.
        (
            [
                "UPDATE audit_entry SET changes = jsonb_set(changes, '{share}', '0.32000000000000000001')"
                " WHERE number = 2"
            ],
            2,
            Fault.ALTERED,
        ),
        (["UPDATE audit_entry SET hash = previous_hash WHERE number = 5"], 5, Fault.ALTERED),
        (["UPDATE audit_entry SET previous_hash = hash WHERE number = 5"], 5, Fault.NOT_FOLLOWING),
        (["DELETE FROM audit_entry WHERE number = 1"], 1, Fault.MISSING),
        (["DELETE FROM audit_entry WHERE number BETWEEN 3 AND 4"], 3, Fault.MISSING),
        # Removed, and those behind it moved up.
        (
            [
                "DELETE FROM audit_entry WHERE number = 3",
                "UPDATE audit_entry SET number = number + 100 WHERE number > 3",
                "UPDATE audit_entry SET number = number - 101 WHERE number > 100",
            ],
            3,
            Fault.NOT_FOLLOWING,
        ),
        # Two entries exchanged with everything they hold.
        (
            [
                "UPDATE audit_entry SET number = 100 WHERE number = 2",
                "UPDATE audit_entry SET number = 2 WHERE number = 5",
                "UPDATE audit_entry SET number = 5 WHERE number = 100",
            ],
            2,
            Fault.NOT_FOLLOWING,
        ),
        # Contents exchanged, hashes left in place.
        (
            [
                "UPDATE audit_entry a SET person_name = b.person_name, changes = b.changes, at = b.at"
                " FROM audit_entry b WHERE (a.number, b.number) IN ((2, 5), (5, 2))"
            ],
            2,
            Fault.ALTERED,
        ),
        # An entry that never was, between two others.
        (
            [
                "UPDATE audit_entry SET number = number + 100 WHERE number > 2",
                "INSERT INTO audit_entry SELECT 3, at, person_id, '伪造', organization_id, organization_name,"
                " action, subject_type, subject_id, changes, hash, sha256(hash) FROM audit_entry WHERE number = 2",
                "UPDATE audit_entry SET number = number - 99 WHERE number > 100",
            ],
            3,
            Fault.ALTERED,
        ),
        (
            [
                "ALTER TABLE audit_entry DROP CONSTRAINT pk_audit_entry",
                "INSERT INTO audit_entry SELECT * FROM audit_entry WHERE number = 2",
            ],
            2,
            Fault.NOT_FOLLOWING,
        ),
    ],
)
async def test_every_attack_on_the_rows_is_found_with_its_place(
    statements: list[str], number: int, fault: Fault, session: AsyncSession, settings: Settings, written: Head
) -> None:
    attack(settings, *statements)
    found = await verify(session)
    assert (found.bad_number, found.fault) == (number, fault)
    assert found.head.number == number - 1 or fault is Fault.NOT_FOLLOWING
    assert found.lacking_guards == ()
    assert not found.is_intact


async def test_newest_entries_that_are_gone_are_missed_by_whoever_kept_the_head(
    session: AsyncSession, settings: Settings, written: Head
) -> None:
    attack(settings, "DELETE FROM audit_entry WHERE number > 4")
    assert (await verify(session)).is_intact
    found = await verify(session, written)
    assert (found.bad_number, found.fault) == (5, Fault.CUT_OFF)


async def test_a_log_emptied_as_a_whole_is_missed_too(
    session: AsyncSession, settings: Settings, written: Head
) -> None:
    attack(settings, "TRUNCATE audit_entry")
    found = await verify(session, written)
    assert (found.bad_number, found.fault) == (1, Fault.CUT_OFF)


async def test_a_chain_computed_anew_has_another_hash_than_was_published(
    session: AsyncSession, settings: Settings, written: Head
) -> None:
    entries = await chain(session)
    await session.commit()
    before = entries[2].hash
    updates: list[str] = []
    for entry in entries[3:]:
        forged = AuditEntry(
            **{column.name: getattr(entry, column.name) for column in AuditEntry.__table__.columns}
        )
        forged.person_name, forged.previous_hash = "替罪者", before
        before = forged.hash = entry_hash(forged)
        updates.append(
            f"UPDATE audit_entry SET person_name = '替罪者', previous_hash = '\\x{forged.previous_hash.hex()}',"
            f" hash = '\\x{forged.hash.hex()}' WHERE number = {forged.number}"
        )
    attack(settings, *updates)
    assert (await verify(session)).is_intact
    found = await verify(session, written)
    assert (found.bad_number, found.fault) == (6, Fault.REWRITTEN)


async def test_guards_left_switched_off_are_told(
    session: AsyncSession, settings: Settings, written: Head
) -> None:
    attack(settings, guards_back=False)
    found = await verify(session)
    assert found.lacking_guards == ("audit_entry_append_only", "audit_entry_no_truncate")
    assert not found.is_intact


async def test_the_guards_hold_where_tools_pass_over_triggers(settings: Settings, written: Head) -> None:
    with psycopg.connect(str(settings.database_url), autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        with pytest.raises(psycopg.errors.RestrictViolation, match="append-only"):
            connection.execute("DELETE FROM audit_entry")


@pytest.fixture
def application_role(settings: Settings) -> str:
    """The address of the database for a role that was granted what docs/audit.md says."""
    block = re.search(r"```sql\n(.*?)```", (DOCS / "audit.md").read_text(encoding="utf-8"), re.DOTALL)
    assert block is not None
    with psycopg.connect(str(settings.database_url), autocommit=True) as connection:
        connection.execute(
            "DO $$ BEGIN IF to_regrole('jiebang_app') IS NULL THEN CREATE ROLE jiebang_app; END IF; END $$"
        )
        connection.execute(block.group(1).encode())
    separator = "&" if "?" in str(settings.database_url) else "?"
    # As if it had logged in with that role: SET ROLE at the start of every session.
    return f"{settings.database_url}{separator}options=-c%20role%3Djiebang_app"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entry SET action = 'nothing.happened'",
        "DELETE FROM audit_entry",
        "TRUNCATE audit_entry",
        "ALTER TABLE audit_entry DISABLE TRIGGER ALL",
        "DROP TRIGGER audit_entry_append_only ON audit_entry",
        "DROP TABLE audit_entry",
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN RETURN NEW; END'",
        "SET session_replication_role = replica",
        "DELETE FROM decision",
        "UPDATE quota_rule SET min_sme_budget_share = 0",
    ],
)
async def test_a_role_of_its_own_lets_the_application_change_nothing(
    statement: str, application_role: str, session: AsyncSession, written: Head
) -> None:
    with (
        psycopg.connect(application_role, autocommit=True) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(statement.encode())
    assert (await verify(session, written)).is_intact


async def test_the_application_works_under_that_role(
    application_role: str, settings: Settings, written: Head
) -> None:
    await asyncio.to_thread(migrate, application_role)
    process = start_process(replace(settings, database_url=application_role))
    async with process.transaction() as session:
        await record(session, SYSTEM, "challenge.published", "challenge", SUBJECT)
        found = await verify(session, written)
    await process.engine.dispose()
    assert found.is_intact
    assert found.head.number == 7


# What follows goes through the command and the shipped verifier, which imports nothing of ours.


def check(path: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", "-S", str(DOCS / "verify_audit.py"), str(path), *options],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


@pytest.fixture
async def exported(written: Head, session: AsyncSession, tmp_path: Path) -> Path:
    path = tmp_path / "audit.jsonl"
    lines = [line async for line in exported_lines(session)]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


async def test_an_export_is_checked_outside_of_the_system(exported: Path, written: Head) -> None:
    answer = check(exported, "--head", str(written))
    assert (answer.returncode, answer.stderr) == (0, "")
    assert str(written) in answer.stdout
    assert len(exported.read_text(encoding="utf-8").splitlines()) == 7


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda lines: [lines[0].replace("理由 1", "理由 9"), *lines[1:]], "entry 1 was edited"),
        (lambda lines: [lines[0], *lines[2:]], "entry 2 is missing"),
        (lambda lines: [lines[1], lines[0], *lines[2:]], "entry 1 is missing"),
        (lambda lines: lines[:-1], "line with the head is missing"),
        (lambda lines: [*lines[:-2], lines[-1]], "cut off"),
        (lambda lines: [*lines, lines[-2]], "follows the line with the head"),
        (lambda lines: [lines[0].replace("{", '{"action":"x",', 1), *lines[1:]], "canonical"),
        (lambda lines: [lines[0].replace(":1,", ":1.0,", 1), *lines[1:]], ""),
        (lambda lines: [*lines[:-1], lines[-1].replace('"number":6', '"number":7')], "cut off"),
        (lambda lines: ["nonsense", *lines], "not JSON"),
    ],
)
async def test_an_edited_export_is_refused(exported: Path, change: object, told: str) -> None:
    lines = exported.read_text(encoding="utf-8").splitlines()
    changed = change(lines)  # type: ignore[operator]
    assert changed != lines
    exported.write_text("".join(f"{line}\n" for line in changed), encoding="utf-8")
    answer = check(exported)
    assert answer.returncode == 1
    assert told in answer.stdout


async def test_an_export_cut_off_with_a_head_made_to_fit_is_found_by_the_published_one(
    exported: Path, written: Head
) -> None:
    lines = exported.read_text(encoding="utf-8").splitlines()[:4]
    head = {"head": {"hash": json.loads(lines[-1])["hash"], "number": 4}}
    lines.append(json.dumps(head, separators=(",", ":")))
    exported.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    assert check(exported).returncode == 0
    assert check(exported, "--head", str(written)).returncode == 1


async def test_what_cannot_be_read_is_no_accusation(tmp_path: Path) -> None:
    assert check(tmp_path / "absent.jsonl").returncode == 2


async def test_the_commands_verify_and_export(
    settings: Settings,
    written: Head,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DATABASE_URL", str(settings.database_url))
    monkeypatch.setenv("SECRET_KEY", "0" * 64)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))

    async def run(*arguments: str) -> int:
        return await asyncio.to_thread(main, list(arguments))

    assert await run("audit", "verify", "--head", str(written)) == 0
    assert str(written) in capsys.readouterr().out
    path = tmp_path / "log.jsonl"
    assert await run("audit", "export", str(path)) == 0
    assert check(path, "--head", str(written)).returncode == 0
    assert sorted(item.name for item in tmp_path.iterdir() if "jsonl" in item.name) == ["log.jsonl"]
    assert await run("audit", "export", str(tmp_path / "nowhere" / "log.jsonl")) == 2

    attack(settings, "UPDATE audit_entry SET action = 'consortium.rejected' WHERE number = 2")
    capsys.readouterr()
    assert await run("audit", "verify") == 1
    assert "First bad entry: 2" in capsys.readouterr().out
    assert await run("audit", "export", str(path)) == 0
    assert check(path).returncode == 1


async def test_a_database_without_the_log_is_told_plainly(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with psycopg.connect(str(settings.database_url), autocommit=True) as connection:
        connection.execute("DROP TABLE audit_entry CASCADE")
    monkeypatch.setenv("DATABASE_URL", str(settings.database_url))
    monkeypatch.setenv("SECRET_KEY", "0" * 64)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    assert await asyncio.to_thread(main, ["audit", "verify"]) == 2
    assert "audit log cannot be read" in capsys.readouterr().err


async def test_verifying_reads_a_long_log_in_pieces(
    session: AsyncSession, written: Head, process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.audit.ROWS_AT_ONCE", 2)
    assert (await verify(session, written)).is_intact
    assert len([line async for line in exported_lines(session)]) == 7
