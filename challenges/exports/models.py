"""Exports of a round: asked for by an officer, made in the background, kept for some days."""

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Index, SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from challenges.programs.models import Round
from core.accounts.models import Person
from core.database import Base, Created, Key, LongText, enum_column, reference


class ExportKind(StrEnum):
    WORKBOOK = "workbook"
    ARCHIVE = "archive"


class ExportState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    # The file is gone; the row tells that there was one.
    EXPIRED = "expired"


class ExportRun(Created, Base):
    __tablename__ = "export_run"
    __table_args__ = (
        Index("ix_export_run_round_id_created_at", "round_id", "created_at"),
        CheckConstraint("progress BETWEEN 0 AND 100", name="progress_in_percent"),
        CheckConstraint(
            "state <> 'done' OR size_bytes IS NOT NULL AND sha256 IS NOT NULL AND expires_at IS NOT NULL",
            name="done_has_a_file",
        ),
    )

    id: Mapped[Key]
    round_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("round.id", ondelete="CASCADE"))
    kind: Mapped[ExportKind] = enum_column(ExportKind)
    state: Mapped[ExportState] = enum_column(ExportState, default=ExportState.QUEUED)
    asked_by_id: Mapped[uuid.UUID] = reference("person.id", ondelete="CASCADE")
    # The language that the file is written in.
    locale: Mapped[str] = mapped_column(String(10))
    progress: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    failure: Mapped[LongText] = mapped_column(default="")
    size_bytes: Mapped[int | None] = mapped_column(BigInteger, default=None)
    sha256: Mapped[str | None] = mapped_column(String(64), default=None)
    started_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
    expires_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), index=True, default=None)

    round: Mapped[Round] = relationship(lazy="raise")
    asked_by: Mapped[Person] = relationship(lazy="raise")
