"""Amendments of published challenges, each a version with what stood there before, and bidders' answers to them."""

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, DateTime, Index, SmallInteger, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column, relationship

from challenges.postings.models import Challenge
from core.accounts.models import Person
from core.database import Base, Flag, JsonObject, Key, LongText, Moment, enum_column, reference


class AmendmentState(StrEnum):
    PROPOSED = "proposed"
    CONFIRMED = "confirmed"
    REFUSED = "refused"
    TAKEN_BACK = "taken_back"
    # Bidding ended before an officer had looked at it.
    LAPSED = "lapsed"


class Amendment(Base):
    """What a poster wants changed; in force once an officer has confirmed it.

    Nothing of it is changed afterwards, and none is deleted (a trigger refuses). The deadline of an amendment is never
    before the one it replaces.
    """

    __tablename__ = "amendment"
    __table_args__ = (
        UniqueConstraint("challenge_id", "version"),
        Index(
            "uq_amendment_waiting",
            "challenge_id",
            unique=True,
            postgresql_where=sql("state = 'proposed'"),
        ),
        CheckConstraint("deadline_after >= deadline_before", name="deadline_never_earlier"),
        CheckConstraint("state <> 'confirmed' OR version >= 1 AND decided_at IS NOT NULL", name="in_force"),
        CheckConstraint("state <> 'refused' OR note <> ''", name="refused_with_a_reason"),
        CheckConstraint("explanation <> ''", name="explained"),
    )

    id: Mapped[Key]
    challenge_id: Mapped[uuid.UUID] = reference("challenge.id", ondelete="RESTRICT")
    state: Mapped[AmendmentState] = enum_column(AmendmentState, default=AmendmentState.PROPOSED)
    # Counts what is in force, from 1.
    version: Mapped[int | None] = mapped_column(SmallInteger, default=None)
    explanation: Mapped[LongText]
    # The whole content that can be amended, see `content`.
    before: Mapped[JsonObject]
    after: Mapped[JsonObject]
    deadline_before: Mapped[Moment]
    deadline_after: Mapped[Moment]
    # More than the deadline and the contact changes: bidders have to say that their bids still stand.
    is_substantial: Mapped[Flag]
    # The challenge's revision that it starts from.
    base_revision: Mapped[int]
    proposed_by_id: Mapped[uuid.UUID] = reference("person.id", ondelete="RESTRICT")
    proposed_at: Mapped[Moment]
    decided_by_id: Mapped[uuid.UUID | None] = reference("person.id", ondelete="RESTRICT", default=None)
    decided_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
    # Why it was refused.
    note: Mapped[LongText] = mapped_column(default="")

    challenge: Mapped[Challenge] = relationship(lazy="raise")
    proposed_by: Mapped[Person] = relationship(lazy="raise", foreign_keys=[proposed_by_id])


class BidConfirmation(Base):
    """A bidder's word that the bid stands after an amendment. Never changed (a trigger refuses)."""

    __tablename__ = "bid_confirmation"

    bid_id: Mapped[uuid.UUID] = reference("bid.id", ondelete="RESTRICT", primary_key=True)
    amendment_id: Mapped[uuid.UUID] = reference("amendment.id", ondelete="RESTRICT", primary_key=True)
    at: Mapped[Moment]
    person_id: Mapped[uuid.UUID | None] = reference("person.id", ondelete="RESTRICT", default=None)
