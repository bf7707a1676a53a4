"""The audit log: append-only, each entry holding the hash of the one before.

The database refuses UPDATE, DELETE and TRUNCATE on the table (a trigger of the first migration). An entry is
written in the transaction of the change it tells of, so that neither exists without the other. Whoever gets around
the trigger is found out by `verify`; docs/audit.md says against whom this helps, and what has to be published.
"""

import hashlib
import json
import uuid
from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    Index,
    LargeBinary,
    ScalarSelect,
    Select,
    SQLColumnExpression,
    String,
    Text,
    and_,
    cast,
    false,
    func,
    or_,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from core.actor import Actor
from core.database import Base, recorded_time

# One writer at a time, or two entries would name the same predecessor. Any constant does, as long as nobody
# else in the database uses it: these are the ASCII codes of "audi".
CHAIN_LOCK = 0x61756469
GENESIS = bytes(32)
# Rows fetched at a time while the whole log is read: memory stays the same however long it is.
ROWS_AT_ONCE = 1000
GUARDS = ("audit_entry_append_only", "audit_entry_no_truncate")


class AuditEntry(Base):
    __tablename__ = "audit_entry"
    __table_args__ = (Index("ix_audit_entry_subject", "subject_type", "subject_id"),)

    # Assigned by `record` under the chain lock: a sequence would leave gaps on rollback, and gaps are evidence.
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    person_id: Mapped[uuid.UUID | None] = mapped_column(index=True)
    person_name: Mapped[str] = mapped_column(String(200))
    organization_id: Mapped[uuid.UUID | None]
    organization_name: Mapped[str] = mapped_column(String(200), default="")
    action: Mapped[str] = mapped_column(String(80), index=True)
    subject_type: Mapped[str] = mapped_column(String(40))
    subject_id: Mapped[uuid.UUID]
    changes: Mapped[dict[str, Any]] = mapped_column(JSONB)
    previous_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    hash: Mapped[bytes] = mapped_column(LargeBinary(32))


def content_of(entry: Any) -> dict[str, Any]:
    """What an entry says, as it is hashed and exported: times in UTC with microseconds, ids as text."""
    return {
        "number": entry.number,
        "at": entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "person_id": str(entry.person_id) if entry.person_id else None,
        "person_name": entry.person_name,
        "organization_id": str(entry.organization_id) if entry.organization_id else None,
        "organization_name": entry.organization_name,
        "action": entry.action,
        "subject_type": entry.subject_type,
        "subject_id": str(entry.subject_id),
        "changes": entry.changes,
    }


def canonical_json(content: Mapping[str, Any]) -> str:
    """JSON with sorted keys and no spaces, characters as they are."""
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def entry_hash(entry: AuditEntry) -> bytes:
    """SHA-256 over the predecessor's hash followed by the canonical form."""
    return _hash(entry.previous_hash, content_of(entry))


def _hash(previous_hash: bytes, content: Mapping[str, Any]) -> bytes:
    return hashlib.sha256(previous_hash + canonical_json(content).encode()).digest()


async def record(
    session: AsyncSession,
    actor: Actor,
    action: str,
    subject_type: str,
    subject_id: uuid.UUID,
    changes: dict[str, Any] | None = None,
) -> AuditEntry:
    """Append an entry in the caller's transaction. `action` is "noun.verb", e.g. "challenge.published"."""
    await session.flush()
    await session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": CHAIN_LOCK})
    # Through the database and back, so that what is hashed is what is stored: jsonb writes 1e20 in full.
    stored = await session.scalar(
        text("SELECT CAST(:changes AS jsonb)"),
        {"changes": json.dumps(changes or {}, ensure_ascii=False, default=str)},
    )
    last = await head_of_log(session)
    entry = AuditEntry(
        number=last.number + 1,
        at=await recorded_time(session),
        person_id=actor.person_id,
        person_name=actor.name,
        organization_id=actor.organization_id,
        organization_name=actor.organization_name,
        action=action,
        subject_type=subject_type,
        subject_id=subject_id,
        changes=stored,
        previous_hash=last.hash,
    )
    entry.hash = entry_hash(entry)
    session.add(entry)
    await session.flush()
    return entry


async def entries_of(session: AsyncSession, subject_type: str, subject_id: uuid.UUID) -> list[AuditEntry]:
    """Entries about one thing, newest first."""
    statement = (
        select(AuditEntry)
        .where(AuditEntry.subject_type == subject_type, AuditEntry.subject_id == subject_id)
        .order_by(AuditEntry.number.desc())
    )
    return list(await session.scalars(statement))


def latest_entry(
    subject_type: str, ids: Collection[SQLColumnExpression[uuid.UUID]] | Select[uuid.UUID], *actions: str
) -> ScalarSelect[datetime]:
    """When one of these things last took one of these steps, null where none did: a column of a query around it.

    `ids` are columns of that query, or a query of its own.
    """
    return (
        select(func.max(AuditEntry.at))
        .where(
            AuditEntry.subject_type == subject_type,
            AuditEntry.subject_id.in_(ids),
            AuditEntry.action.in_(actions),
        )
        .scalar_subquery()
    )


@dataclass(frozen=True)
class Wanted:
    """Entries about any of these things (type and id), of these actions, of some days, by people of this name."""

    subjects: Collection[tuple[str, uuid.UUID]]
    actions: Collection[str]
    since: datetime | None = None
    until: datetime | None = None
    who: str = ""

    def condition(self) -> ColumnElement[bool]:
        by_type: dict[str, list[uuid.UUID]] = {}
        for subject_type, subject_id in self.subjects:
            by_type.setdefault(subject_type, []).append(subject_id)
        about = [
            and_(AuditEntry.subject_type == subject_type, AuditEntry.subject_id.in_(ids))
            for subject_type, ids in by_type.items()
        ]
        conditions: list[ColumnElement[bool]] = [
            or_(false(), *about),
            AuditEntry.action.in_(list(self.actions)),
        ]
        if self.since is not None:
            conditions.append(AuditEntry.at >= self.since)
        if self.until is not None:
            conditions.append(AuditEntry.at < self.until)
        if self.who:
            conditions.append(
                or_(
                    AuditEntry.person_name.contains(self.who, autoescape=True),
                    AuditEntry.organization_name.contains(self.who, autoescape=True),
                )
            )
        return and_(*conditions)


async def count_entries(session: AsyncSession, wanted: Wanted) -> int:
    statement = select(func.count()).select_from(AuditEntry).where(wanted.condition())
    return (await session.execute(statement)).scalar_one()


async def page_of_entries(
    session: AsyncSession, wanted: Wanted, *, limit: int, offset: int = 0
) -> list[AuditEntry]:
    """Newest first."""
    statement = (
        select(AuditEntry)
        .where(wanted.condition())
        .order_by(AuditEntry.number.desc())
        .limit(limit)
        .offset(offset)
    )
    return list(await session.scalars(statement))


@dataclass(frozen=True)
class Head:
    """The newest entry. Whoever keeps it elsewhere can tell later that nothing before it has changed or gone."""

    number: int
    hash: bytes

    def __str__(self) -> str:
        return f"{self.number}:{self.hash.hex()}"

    @classmethod
    def parse(cls, written: str) -> "Head":
        """Read "NUMBER:HASH" as the export and `audit verify` write it; ValueError where it is not that."""
        number, _, digest = written.strip().partition(":")
        if not (number.isascii() and number.isdigit()) or len(digest) != 64:
            raise ValueError(
                f"{written!r} is not a number and a hash of 64 hexadecimal digits, like 12:5f0c…"
            )
        return cls(int(number), bytes.fromhex(digest))


class Fault(StrEnum):
    MISSING = "missing"
    NOT_FOLLOWING = "not_following"
    ALTERED = "altered"
    CUT_OFF = "cut_off"
    REWRITTEN = "rewritten"

    @property
    def reason(self) -> str:
        return {
            Fault.MISSING: "it is missing: the next entry that is there has a later number",
            Fault.NOT_FOLLOWING: "it does not hold the hash of the entry before it: entries were removed, "
            "inserted, exchanged or rewritten",
            Fault.ALTERED: "its content is not what was hashed: it was edited",
            Fault.CUT_OFF: "it was published, and the log ends before it: the newest entries were removed",
            Fault.REWRITTEN: "it has another hash than was published: the log was rewritten up to it",
        }[self]


@dataclass(frozen=True)
class Verification:
    """`head` is the last entry found good; `bad_number` the first that is not, with what is wrong about it."""

    head: Head
    bad_number: int | None = None
    fault: Fault | None = None
    # Triggers that should refuse changes, and are not there or switched off.
    lacking_guards: tuple[str, ...] = ()

    @property
    def is_intact(self) -> bool:
        return self.fault is None and not self.lacking_guards


async def head_of_log(session: AsyncSession) -> Head:
    last = (
        await session.execute(
            select(AuditEntry.number, AuditEntry.hash).order_by(AuditEntry.number.desc()).limit(1)
        )
    ).first()
    return Head(last.number, last.hash) if last else Head(0, GENESIS)


async def verify(session: AsyncSession, published: Head | None = None) -> Verification:
    """Recompute the whole chain; stops at the first entry that is wrong.

    `published` is a head that somebody kept outside of the database. Without one, newest entries that were removed
    cannot be missed, nor can a chain that was computed anew from some entry on.
    """
    lacking = await _lacking_guards(session)
    head = Head(0, GENESIS)

    def bad(number: int, fault: Fault) -> Verification:
        return Verification(head, number, fault, lacking)

    async for row in _rows(session):
        expected = head.number + 1
        if row.number > expected:
            return bad(expected, Fault.MISSING)
        if row.number < expected:
            return bad(row.number, Fault.NOT_FOLLOWING)
        if bytes(row.previous_hash) != head.hash:
            return bad(expected, Fault.NOT_FOLLOWING)
        try:
            content = content_of(row) | {"changes": json.loads(row.changes, parse_float=_exact_float)}
        except ValueError:
            return bad(expected, Fault.ALTERED)
        if bytes(row.hash) != _hash(head.hash, content):
            return bad(expected, Fault.ALTERED)
        if published is not None and row.number == published.number and bytes(row.hash) != published.hash:
            return bad(expected, Fault.REWRITTEN)
        head = Head(row.number, bytes(row.hash))
    if published is not None and published.number > head.number:
        return bad(head.number + 1, Fault.CUT_OFF)
    return Verification(head, lacking_guards=lacking)


async def exported_lines(session: AsyncSession) -> AsyncIterator[str]:
    """The log as JSON Lines: every entry with its hashes, and the head as the last line.

    Each line is canonical, so that a verifier need not know how this program writes JSON.
    """
    head = Head(0, GENESIS)
    async for row in _rows(session):
        content = content_of(row) | {"changes": json.loads(row.changes)}
        hashes = {"previous_hash": bytes(row.previous_hash).hex(), "hash": bytes(row.hash).hex()}
        yield canonical_json(content | hashes)
        head = Head(row.number, bytes(row.hash))
    yield canonical_json({"head": {"number": head.number, "hash": head.hash.hex()}})


async def _rows(session: AsyncSession) -> AsyncIterator[Any]:
    """All entries in order, from one snapshot; `changes` as the text that the database holds."""
    columns = [column for column in AuditEntry.__table__.columns if column.name != "changes"]
    statement = (
        select(*columns, cast(AuditEntry.changes, Text).label("changes"))
        .order_by(AuditEntry.number)
        .execution_options(yield_per=ROWS_AT_ONCE)
    )
    async for row in await session.stream(statement):
        yield row


def _exact_float(written: str) -> float:
    """A number as `record` wrote it; a digit changed beyond the precision of floats was written by somebody else."""
    number = float(written)
    if Decimal(repr(number)) != Decimal(written):
        raise ValueError(written)
    return number


async def _lacking_guards(session: AsyncSession) -> tuple[str, ...]:
    rows = await session.scalars(
        text(
            "SELECT tgname FROM pg_trigger WHERE tgrelid = 'audit_entry'::regclass AND tgenabled = 'A'"
            " AND NOT tgisinternal"
        )
    )
    present = set(rows)
    return tuple(name for name in GUARDS if name not in present)
