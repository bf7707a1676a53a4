"""Public notices of awards."""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, DateTime, Index
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from challenges.postings.models import Challenge
from core.accounts.models import Person
from core.database import Base, Key, LongText, Moment, Updated, enum_column, reference


class NoticeState(StrEnum):
    OPEN = "open"
    ENDED = "ended"
    WITHDRAWN = "withdrawn"


class Notice(Updated, Base):
    """An award shown publicly for the program's period. What it says is frozen when it is published (a trigger)."""

    __tablename__ = "notice"
    __table_args__ = (
        # While one stands there is no other for the same challenge.
        Index(
            "uq_notice_standing",
            "challenge_id",
            unique=True,
            postgresql_where=sql("state <> 'withdrawn'"),
        ),
        Index("ix_notice_state_ends_at", "state", "ends_at"),
        CheckConstraint("ends_at > begun_at", name="ends_after_it_begins"),
        CheckConstraint("(state = 'open') = (ended_at IS NULL)", name="ended_at_some_time"),
        CheckConstraint("state <> 'withdrawn' OR note <> ''", name="withdrawn_with_a_reason"),
    )

    id: Mapped[Key]
    challenge_id: Mapped[uuid.UUID] = reference("challenge.id", ondelete="RESTRICT")
    state: Mapped[NoticeState] = enum_column(NoticeState, default=NoticeState.OPEN)
    introduction: Mapped[LongText] = mapped_column(default="")
    # Winners, members, sizes, quota, waivers: see challenges.notices.content.
    content: Mapped[dict[str, Any]] = mapped_column(JSONB)
    begun_at: Mapped[Moment]
    # Objections are raised until then; the database's clock decides.
    ends_at: Mapped[Moment]
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
    published_by_id: Mapped[uuid.UUID] = reference("person.id", ondelete="RESTRICT")
    # Why it was withdrawn.
    note: Mapped[LongText] = mapped_column(default="")

    challenge: Mapped[Challenge] = relationship(lazy="raise")
    published_by: Mapped[Person] = relationship(lazy="raise")
