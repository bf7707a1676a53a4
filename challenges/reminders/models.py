"""Which reminders have been sent."""

import uuid
from datetime import datetime

from sqlalchemy import DateTime, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, Created, Key


class Reminder(Created, Base):
    """One reminder of one end: a deadline that was extended is reminded of again."""

    __tablename__ = "reminder"
    __table_args__ = (UniqueConstraint("kind", "subject_id", "due_at"),)

    id: Mapped[Key]
    kind: Mapped[str] = mapped_column(String(40))
    subject_id: Mapped[uuid.UUID]
    due_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class QueueCheck(Base):
    """When an officer's work queue was last looked through for what is due soon."""

    __tablename__ = "queue_check"

    person_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("person.id", ondelete="CASCADE"), primary_key=True
    )
    checked_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), index=True)
