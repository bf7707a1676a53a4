"""Uploads in pieces, which go on where they stopped: after a lost connection, a closed window, a restart.

The pieces of a file wait in the storage, sealed where the file will be, until all of them are there; then they pass
through `store_attachment` like any other file. An unfinished upload is its uploader's alone, and gone after a day.
"""

import uuid
from collections.abc import AsyncIterator, Collection
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, CheckConstraint, DateTime, Index, String, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from core.actor import Actor
from core.attachments import limit_mb, too_large
from core.database import Base, Created, Key, database_time, held, reference
from core.errors import ConflictError, InvalidError, NotFoundError
from core.i18n import lazy_gettext as _
from core.process import current_process
from core.schedule import due
from core.sealing import seal, unseal
from core.settings import Settings
from core.storage import storage_of

# Small enough to be held in memory by many at once, large enough that a file is not hundreds of requests.
PIECE_BYTES = 2 * 2**20
KEPT_FOR = timedelta(days=1)
# What one person may have begun and not finished.
MAX_UNFINISHED = 20


class Upload(Created, Base):
    """A file under way. It has no name: that is told, and kept, when it is whole."""

    __tablename__ = "upload"
    __table_args__ = (
        CheckConstraint("received_bytes BETWEEN 0 AND size_bytes", name="received_within_size"),
        Index("ix_upload_expires_at", "expires_at"),
    )

    id: Mapped[Key]
    person_id: Mapped[uuid.UUID] = reference("person.id")
    subject_type: Mapped[str] = mapped_column(String(40))
    subject_id: Mapped[uuid.UUID]
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    received_bytes: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class WrongOffsetError(ConflictError):
    """Another window, or the same piece again: `details["offset"]` is where the upload stands."""


async def begin_upload(
    session: AsyncSession,
    settings: Settings,
    actor: Actor,
    *,
    subject_type: str,
    subject_id: uuid.UUID,
    size_bytes: int,
    max_mb: int | None,
) -> Upload:
    """Raises InvalidError on `file` for a size that would be refused in the end."""
    assert actor.person_id is not None
    limit = limit_mb(settings, max_mb)
    if size_bytes < 1:
        raise InvalidError({"file": _("Choose a file that is not empty.")})
    if size_bytes > limit * 2**20:
        raise InvalidError({"file": too_large(limit)})
    begun = await session.scalars(
        select(Upload)
        .where(Upload.person_id == actor.person_id)
        .order_by(Upload.created_at.desc())
        .offset(MAX_UNFINISHED - 1)
        .with_for_update(skip_locked=True)
    )
    # Who begins ever more loses the oldest.
    for old in begun:
        await drop_upload(session, settings, old)
    upload = Upload(
        person_id=actor.person_id,
        subject_type=subject_type,
        subject_id=subject_id,
        size_bytes=size_bytes,
        expires_at=await database_time(session) + KEPT_FOR,
    )
    session.add(upload)
    await session.flush()
    return upload


async def own_upload(
    session: AsyncSession, actor: Actor, upload_id: uuid.UUID, *, lock: bool = False
) -> Upload:
    """The actor's unfinished upload; nobody else's exists, nor one that is finished or too old."""
    statement = select(Upload).where(
        Upload.id == upload_id,
        Upload.person_id == actor.person_id,
        Upload.expires_at > await database_time(session),
    )
    upload = await session.scalar(held(statement, lock=lock))
    if upload is None:
        raise NotFoundError(_("There is no such upload; please begin again."))
    return upload


async def take_piece(
    session: AsyncSession,
    settings: Settings,
    upload: Upload,
    *,
    offset: int,
    piece: bytes,
    key: bytes | None,
) -> Upload:
    """Keep the next piece of a locked upload; raises WrongOffsetError where it is not the next one."""
    if offset != upload.received_bytes:
        raise WrongOffsetError(
            _("The upload stands elsewhere; it goes on from there."), offset=upload.received_bytes
        )
    if not piece or len(piece) > PIECE_BYTES or offset + len(piece) > upload.size_bytes:
        raise InvalidError({"file": _("This piece does not belong to the file.")})
    kept = piece if key is None else seal(key, piece, _context(upload, offset))

    async def whole() -> AsyncIterator[bytes]:
        yield kept

    # A piece whose transaction fails is written again under the same name.
    await storage_of(settings).write(_name(upload, offset), whole())
    upload.received_bytes = offset + len(piece)
    await session.flush()
    return upload


async def content_of_upload(settings: Settings, upload: Upload, key: bytes | None) -> AsyncIterator[bytes]:
    """The file, piece by piece; raises ConflictError while some are missing."""
    if upload.received_bytes != upload.size_bytes:
        raise ConflictError(_("The upload is not finished yet."))
    storage = storage_of(settings)

    async def pieces() -> AsyncIterator[bytes]:
        offset = 0
        while offset < upload.size_bytes:
            kept = b"".join([chunk async for chunk in await storage.read(_name(upload, offset))])
            piece = kept if key is None else unseal(key, kept, _context(upload, offset))
            yield piece
            offset += len(piece)

    return pieces()


async def drop_upload(session: AsyncSession, settings: Settings, upload: Upload) -> None:
    """Forget an upload that is finished, given up or too old; its pieces are taken away once that is committed."""
    for name in await storage_of(settings).names(f"incoming/{upload.id}/"):
        session.add(DroppedFile(location=name))
    await session.delete(upload)
    await session.flush()


def _name(upload: Upload, offset: int) -> str:
    return f"incoming/{upload.id}/{offset:016d}"


def _context(upload: Upload, offset: int) -> str:
    return f"upload {upload.id} at {offset}"


async def _next_expired(session: AsyncSession, now: datetime, failed: Collection[uuid.UUID]) -> Upload | None:
    return await session.scalar(
        select(Upload)
        .where(Upload.expires_at <= now, Upload.id.not_in(failed))
        .order_by(Upload.expires_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )


@due("upload.expired", _next_expired)
async def forget_expired(session: AsyncSession, upload: Upload, now: datetime) -> None:
    await drop_upload(session, current_process().settings, upload)


class DroppedFile(Created, Base):
    """A file to be taken out of the storage: its attachment was deleted (a trigger writes it down), or it is a piece."""

    __tablename__ = "dropped_file"

    id: Mapped[Key]
    location: Mapped[str] = mapped_column(String(100))


async def _next_dropped(
    session: AsyncSession, now: datetime, failed: Collection[uuid.UUID]
) -> DroppedFile | None:
    return await session.scalar(
        select(DroppedFile)
        .where(DroppedFile.id.not_in(failed))
        .order_by(DroppedFile.created_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )


@due("attachment.dropped", _next_dropped)
async def remove_dropped(session: AsyncSession, file: DroppedFile, now: datetime) -> None:
    await storage_of(current_process().settings).remove([file.location])
    await session.delete(file)
    await session.flush()
