"""Attachments: files in the storage, rows that say what they belong to.

Who may read one is decided by what it belongs to (`subject_type`, `subject_id`), never here. What belongs to something
sealed is encrypted while it streams in, and its row tells neither name nor hash.
"""

import hashlib
import json
import uuid
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import BigInteger, Index, LargeBinary, String, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.orm.attributes import set_committed_value

from core.actor import Actor
from core.database import Base, Created, Key, reference
from core.errors import InvalidError
from core.i18n import lazy_gettext as _
from core.scanning import Scan
from core.sealed_streams import seal_stream, unseal_stream
from core.sealing import seal, unseal
from core.settings import Settings
from core.storage import storage_of

# A whole file, or one that streams in.
Content = bytes | AsyncIterable[bytes]

# Type by content: the browser's word for it is not believed. Office files are ZIP archives.
SIGNATURES = {
    "application/pdf": (b"%PDF-",),
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "application/zip": (b"PK\x03\x04",),
    "application/msword": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",),
}
LONGEST_SIGNATURE = max(len(item) for signatures in SIGNATURES.values() for item in signatures)
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
    # Its name in the storage; empty for what was kept before files had names of their own (`location_of`).
    location: Mapped[str] = mapped_column(String(100), default="", server_default="")
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


def location_of(attachment: Attachment) -> str:
    """The name of its file in the storage."""
    if attachment.location:
        return attachment.location
    # Kept before files had names of their own.
    if attachment.sealed_facts is not None:
        return f"sealed/{attachment.id}"
    return f"{attachment.sha256[:2]}/{attachment.sha256}"


def _context(attachment: Attachment) -> str:
    return f"attachment {attachment.id}"


def reveal_facts(attachment: Attachment, key: bytes) -> None:
    """Show name and hash of a sealed file on the object; they are not written back."""
    if attachment.sealed_facts is not None:
        facts = json.loads(unseal(key, attachment.sealed_facts, _context(attachment)))
        set_committed_value(attachment, "name", facts["name"])
        set_committed_value(attachment, "sha256", facts["sha256"])


async def read_attachment(
    settings: Settings, attachment: Attachment, key: bytes | None = None
) -> AsyncIterator[bytes]:
    """The content as a stream, unsealed with the key of what is sealed; FileNotFoundError before its first chunk."""
    chunks = await storage_of(settings).read(location_of(attachment))
    if attachment.sealed_facts is None:
        return chunks
    assert key is not None, "a sealed file is read with its key"
    return unseal_stream(key, chunks, _context(attachment))


async def store_attachment(
    session: AsyncSession,
    settings: Settings,
    actor: Actor,
    *,
    subject_type: str,
    subject_id: uuid.UUID,
    name: str,
    content: Content,
    key: bytes | None = None,
    max_mb: int | None = None,
) -> Attachment:
    """Keep a file while it streams in, sealed where a key is given; `max_mb` is a limit below the deployment's.

    Raises InvalidError on field `file` for what is empty, too large, of an unknown type, or infected; nothing is kept
    then.
    """
    attachment = Attachment(
        id=uuid.uuid4(),
        subject_type=subject_type,
        subject_id=subject_id,
        name=plain_name(name),
        uploaded_by_id=actor.person_id,
    )
    folder = "files" if key is None else "sealed"
    attachment.location = f"{folder}/{attachment.id.hex[:2]}/{attachment.id}"
    arriving = _Arriving(settings, attachment.name, content, limit_mb(settings, max_mb))
    chunks = arriving.chunks() if key is None else seal_stream(key, arriving.chunks(), _context(attachment))
    await storage_of(settings).write(attachment.location, chunks)
    attachment.content_type, attachment.size_bytes = arriving.content_type, arriving.size_bytes
    attachment.sha256 = arriving.digest.hexdigest()
    if key is not None:
        facts = {"name": attachment.name, "sha256": attachment.sha256}
        attachment.sealed_facts = seal(key, json.dumps(facts).encode(), _context(attachment))
        attachment.name = attachment.sha256 = ""
    session.add(attachment)
    await session.flush()
    if key is not None:
        reveal_facts(attachment, key)
    return attachment


@dataclass(frozen=True)
class FileRules:
    """What a subject asks of the files it takes: a limit below the deployment's, and the key where they are sealed."""

    max_mb: int | None = None
    key: bytes | None = None


def plain_name(name: str) -> str:
    """The last part of a path as any system writes it, Chinese included, without what no header carries."""
    last = Path(name.replace("\\", "/")).name
    return "".join(character for character in last if character.isprintable())[-200:] or "file"


def limit_mb(settings: Settings, max_mb: int | None) -> int:
    """The smaller of the deployment's limit and a program's."""
    return min(settings.max_upload_mb, max_mb or settings.max_upload_mb)


class _Arriving:
    """A file as it comes in: what it is and how large is known at the end, what is wrong with it at once."""

    def __init__(self, settings: Settings, name: str, content: Content, max_mb: int) -> None:
        self._settings, self._name, self._content, self._max_mb = settings, name, content, max_mb
        self.content_type = ""
        self.size_bytes = 0
        self.digest = hashlib.sha256()

    async def chunks(self) -> AsyncIterator[bytes]:
        """The content; raises InvalidError before its last chunk has gone where the file is not accepted."""
        async with _scan(self._settings) as scan:
            async for chunk in self._recognized():
                self.size_bytes += len(chunk)
                if self.size_bytes > self._max_mb * 2**20:
                    raise InvalidError({"file": too_large(self._max_mb)})
                self.digest.update(chunk)
                if scan is not None:
                    await scan.take(chunk)
                yield chunk
            if scan is not None:
                await scan.verdict()

    async def _recognized(self) -> AsyncIterator[bytes]:
        """The same chunks, the first of them long enough to tell the type."""
        head = b""
        async for chunk in _as_stream(self._content):
            if self.content_type:
                yield chunk
                continue
            head += chunk
            if len(head) >= LONGEST_SIGNATURE:
                self._recognize(head)
                yield head
        if not self.content_type:
            self._recognize(head)
            yield head

    def _recognize(self, head: bytes) -> None:
        if not head:
            raise InvalidError({"file": _("Choose a file that is not empty.")})
        found = detect_content_type(self._name, head)
        if found is None:
            raise InvalidError({"file": _("Only PDF, PNG, JPEG, Office and ZIP files are accepted.")})
        self.content_type = found


def too_large(max_mb: int) -> str:
    return str(_("The file is larger than %(limit)s MiB.", limit=max_mb))


async def _as_stream(content: Content) -> AsyncIterator[bytes]:
    if isinstance(content, bytes):
        yield content
        return
    async for chunk in content:
        yield chunk


@asynccontextmanager
async def _scan(settings: Settings) -> AsyncIterator[Scan | None]:
    if not settings.clamav_address:
        yield None
        return
    async with Scan(settings.clamav_address) as scan:
        yield scan


async def attachments_of(session: AsyncSession, subject_type: str, subject_id: uuid.UUID) -> list[Attachment]:
    statement = (
        select(Attachment)
        .where(Attachment.subject_type == subject_type, Attachment.subject_id == subject_id)
        .order_by(Attachment.created_at)
    )
    return list(await session.scalars(statement))


async def attachment_by_id(session: AsyncSession, attachment_id: uuid.UUID) -> Attachment | None:
    return await session.get(Attachment, attachment_id)
