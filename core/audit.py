"""The audit log: append-only, each entry holding the hash of the one before.

The database refuses UPDATE, DELETE and TRUNCATE on the table (a trigger of the first migration). An entry is
written in the transaction of the change it tells of, so that neither exists without the other.
"""

import hashlib
import json
import uuid
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, Index, LargeBinary, String, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from core.actor import Actor
from core.clock import utc_now
from core.database import Base

# One writer at a time, or two entries would name the same predecessor. Any constant does, as long as nobody
# else in the database uses it: these are the ASCII codes of "audi".
CHAIN_LOCK = 0x61756469
GENESIS = bytes(32)


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


def canonical_form(entry: AuditEntry) -> bytes:
    """The bytes that are hashed: JSON with sorted keys and no spaces, times in UTC with microseconds."""
    content = {
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
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def entry_hash(entry: AuditEntry) -> bytes:
    """SHA-256 over the predecessor's hash followed by the canonical form."""
    return hashlib.sha256(entry.previous_hash + canonical_form(entry)).digest()


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
    last = (
        await session.execute(
            select(AuditEntry.number, AuditEntry.hash).order_by(AuditEntry.number.desc()).limit(1)
        )
    ).first()
    entry = AuditEntry(
        number=last.number + 1 if last else 1,
        at=utc_now(),
        person_id=actor.person_id,
        person_name=actor.name,
        organization_id=actor.organization_id,
        organization_name=actor.organization_name,
        action=action,
        subject_type=subject_type,
        subject_id=subject_id,
        changes=stored,
        previous_hash=last.hash if last else GENESIS,
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
