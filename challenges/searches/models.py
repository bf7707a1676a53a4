"""Searches that people keep, and which new challenges have been told of."""

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, Created, JsonObject, Key


class SavedSearch(Created, Base):
    """Filters of the list of challenges under a name; its owner is told of new challenges that it finds."""

    __tablename__ = "saved_search"
    __table_args__ = (
        UniqueConstraint("person_id", "name"),
        CheckConstraint("name <> ''", name="has_a_name"),
    )

    id: Mapped[Key]
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(80))
    # As `filters.stored` writes it.
    filters: Mapped[JsonObject]


class ChallengeAnnouncement(Base):
    """Whoever had to be told of a new challenge was told: once for ever."""

    __tablename__ = "challenge_announcement"

    challenge_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("challenge.id", ondelete="CASCADE"), primary_key=True
    )
    told_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    # How many people were told.
    people: Mapped[int]
