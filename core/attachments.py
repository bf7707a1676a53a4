"""Attachments: files on local disk under their SHA-256, rows that say what they belong to.

Who may read one is decided by what it belongs to (`subject_type`, `subject_id`), never here. What belongs to something
sealed is encrypted on disk under its id, and its row tells neither name nor hash.
"""

import asyncio
import hashlib
import json
import os
import tempfile
import uuid
from pathlib import Path

from sqlalchemy import BigInteger, Index, LargeBinary, String, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.orm.attributes import set_committed_value

from core.actor import Actor
from core.database import Base, Created, Key, reference
from core.errors import InvalidError
from core.i18n import lazy_gettext as _
from core.sealing import seal, unseal
from core.settings import Settings

# Type by content: the browser's word for it is not believed. Office files are ZIP archives.
SIGNATURES = {
    "application/pdf": (b"%PDF-",),
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "application/zip": (b"PK\x03\x04",),
    "application/msword": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",),
}
OFFICE_TYPES = {
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
}


class Attachment(Created, Base):
    __tablename__ = "attachment"
    __table_args__ = (Index("ix_attachment_subject", "subject_type", "subject_id"),)

    id: Mapped[Key]
    subject_type: Mapped[str] = mapped_column(String(40))
    subject_id: Mapped[uuid.UUID]
    name: Mapped[str] = mapped_column(String(200))
    content_type: Mapped[str] = mapped_column(String(100))
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64))
    # Name and SHA-256 of a sealed file, encrypted; the columns are empty then.
    sealed_facts: Mapped[bytes | None] = mapped_column(LargeBinary, default=None)
    uploaded_by_id: Mapped[uuid.UUID | None] = reference("person.id", ondelete="SET NULL", default=None)


def detect_content_type(name: str, content: bytes) -> str | None:
    """The type by leading bytes, or None for what is not accepted."""
    suffix = Path(name).suffix.lower()
    for content_type, signatures in SIGNATURES.items():
        if content.startswith(signatures):
            return (
                OFFICE_TYPES.get(suffix, content_type) if content_type == "application/zip" else content_type
            )
    return None


def path_of(settings: Settings, attachment: Attachment) -> Path:
    if attachment.sealed_facts is not None:
        return settings.attachments_dir / "sealed" / str(attachment.id)
    return settings.attachments_dir / attachment.sha256[:2] / attachment.sha256


def _context(attachment: Attachment) -> str:
    return f"attachment {attachment.id}"


def reveal_facts(attachment: Attachment, key: bytes) -> None:
    """Show name and hash of a sealed file on the object; they are not written back."""
    if attachment.sealed_facts is not None:
        facts = json.loads(unseal(key, attachment.sealed_facts, _context(attachment)))
        set_committed_value(attachment, "name", facts["name"])
        set_committed_value(attachment, "sha256", facts["sha256"])


def read_sealed(settings: Settings, attachment: Attachment, key: bytes) -> bytes:
    """The content of a sealed file. Blocks: call it in a thread."""
    return unseal(key, path_of(settings, attachment).read_bytes(), _context(attachment))


async def store_attachment(
    session: AsyncSession,
    settings: Settings,
    actor: Actor,
    *,
    subject_type: str,
    subject_id: uuid.UUID,
    name: str,
    content: bytes,
    key: bytes | None = None,
) -> Attachment:
    """Keep a file, sealed where a key is given.

    Raises InvalidError on field `file` for what is empty, too large or of an unknown type.
    """
    if not content:
        raise InvalidError({"file": _("Choose a file that is not empty.")})
    if len(content) > settings.max_upload_mb * 2**20:
        raise InvalidError(
            {"file": _("The file is larger than %(limit)s MiB.", limit=settings.max_upload_mb)}
        )
    content_type = detect_content_type(name, content)
    if content_type is None:
        raise InvalidError({"file": _("Only PDF, PNG, JPEG, Office and ZIP files are accepted.")})
    attachment = Attachment(
        id=uuid.uuid4(),
        subject_type=subject_type,
        subject_id=subject_id,
        name=Path(name.replace("\\", "/")).name[-200:],
        content_type=content_type,
        size_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        uploaded_by_id=actor.person_id,
    )
    if key is not None:
        facts = {"name": attachment.name, "sha256": attachment.sha256}
        attachment.sealed_facts = seal(key, json.dumps(facts).encode(), _context(attachment))
        attachment.name = attachment.sha256 = ""
        content = await asyncio.to_thread(seal, key, content, _context(attachment))
    await asyncio.to_thread(_write, path_of(settings, attachment), content)
    session.add(attachment)
    await session.flush()
    if key is not None:
        reveal_facts(attachment, key)
    return attachment


def _write(path: Path, content: bytes) -> None:
    """Write whole or not at all; the same content is one file, whoever sends it."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    Path(temporary).rename(path)


async def attachments_of(session: AsyncSession, subject_type: str, subject_id: uuid.UUID) -> list[Attachment]:
    statement = (
        select(Attachment)
        .where(Attachment.subject_type == subject_type, Attachment.subject_id == subject_id)
        .order_by(Attachment.created_at)
    )
    return list(await session.scalars(statement))


async def attachment_by_id(session: AsyncSession, attachment_id: uuid.UUID) -> Attachment | None:
    return await session.get(Attachment, attachment_id)
