"""What people are told, how each wants to be told, and the daily digests."""

import uuid
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import DateTime, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, Created, JsonObject, Key, enum_column, reference


class Delivery(StrEnum):
    """When a notification goes out by mail; in the product it is shown at once, whatever is chosen."""

    AT_ONCE = "at_once"
    DAILY = "daily"
    NEVER = "never"


class Notification(Created, Base):
    """One person told of one event. Text and link are made from the kind whenever they are shown."""

    __tablename__ = "notification"
    __table_args__ = (
        # Whatever runs twice tells of an event once.
        UniqueConstraint("event_key", "person_id"),
        Index("ix_notification_person_id_created_at", "person_id", "created_at"),
        Index("ix_notification_unread", "person_id", postgresql_where=sql("read_at IS NULL")),
        Index(
            "ix_notification_undigested",
            "person_id",
            postgresql_where=sql("delivery = 'daily' AND digest_id IS NULL"),
        ),
    )

    id: Mapped[Key]
    event_key: Mapped[str] = mapped_column(String(200))
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(60))
    # What it is about; what may be read of it is asked anew each time.
    subject_type: Mapped[str] = mapped_column(String(40))
    subject_id: Mapped[uuid.UUID]
    parameters: Mapped[JsonObject]
    # As the person had chosen when it happened.
    delivery: Mapped[Delivery] = enum_column(Delivery)
    read_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
    # The one mail made of it alone, or the digest it was considered for: then never another.
    mail_id: Mapped[uuid.UUID | None] = reference("mail_message.id", ondelete="SET NULL", default=None)
    digest_id: Mapped[uuid.UUID | None] = reference(
        "notification_digest.id", ondelete="SET NULL", default=None
    )
    # When it was its turn to be mailed, though its reader might not see it any more, or had an end put to it.
    withheld_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)


class NotificationPreference(Base):
    """What a person has chosen instead of the kind's own default."""

    __tablename__ = "notification_preference"

    person_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("person.id", ondelete="CASCADE"), primary_key=True
    )
    kind: Mapped[str] = mapped_column(String(60), primary_key=True)
    delivery: Mapped[Delivery] = enum_column(Delivery)


class NotificationDigest(Created, Base):
    """A person's digest of one day in Asia/Shanghai; without a mail where nothing was left to tell."""

    __tablename__ = "notification_digest"
    __table_args__ = (UniqueConstraint("person_id", "day"),)

    id: Mapped[Key]
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"))
    day: Mapped[date]
    composed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
    mail_id: Mapped[uuid.UUID | None] = reference("mail_message.id", ondelete="SET NULL", default=None)
