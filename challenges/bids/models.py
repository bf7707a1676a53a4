"""Sealed bids and their members."""

import uuid
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import (
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    SmallInteger,
    String,
    UniqueConstraint,
)
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column, relationship

from challenges.postings.models import Challenge
from core.database import (
    Base,
    Created,
    JsonArray,
    Key,
    LongText,
    Updated,
    Wan,
    enum_column,
    reference,
)
from solvers.organizations.models import Organization


class BidState(StrEnum):
    DRAFT = "draft"
    SUBMITTED = "submitted"
    WITHDRAWN = "withdrawn"


class BidMemberState(StrEnum):
    INVITED = "invited"
    CONFIRMED = "confirmed"
    DECLINED = "declined"


class Bid(Updated, Base):
    """A sealed offer. Until the deadline nobody but the bidding organizations reads it, by any route."""

    __tablename__ = "bid"
    __table_args__ = (
        Index(
            "uq_bid_live",
            "challenge_id",
            "organization_id",
            unique=True,
            postgresql_where=sql("state <> 'withdrawn'"),
        ),
        CheckConstraint("state <> 'submitted' OR submitted_at IS NOT NULL", name="submitted_has_a_time"),
    )

    id: Mapped[Key]
    challenge_id: Mapped[uuid.UUID] = reference("challenge.id", ondelete="RESTRICT")
    # The lead; partners are members.
    organization_id: Mapped[uuid.UUID] = reference("organization.id", ondelete="RESTRICT")
    state: Mapped[BidState] = enum_column(BidState, default=BidState.DRAFT)
    technical_plan: Mapped[LongText] = mapped_column(default="")
    team: Mapped[LongText] = mapped_column(default="")
    ability: Mapped[LongText] = mapped_column(default="")
    timeline: Mapped[LongText] = mapped_column(default="")
    contact_name: Mapped[str] = mapped_column(String(100), default="", server_default="")
    contact_phone: Mapped[str] = mapped_column(String(40), default="", server_default="")
    submitted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
    created_by_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("person.id", ondelete="SET NULL"), default=None
    )
    revision: Mapped[int] = mapped_column(default=1, server_default="1")

    challenge: Mapped[Challenge] = relationship(lazy="raise")
    organization: Mapped[Organization] = relationship(lazy="raise")
    members: Mapped[list["BidMember"]] = relationship(
        lazy="raise", cascade="all, delete-orphan", back_populates="bid", order_by="BidMember.position"
    )


class BidMember(Created, Base):
    """The lead's and each partner's part of a bid. The lead's row is confirmed from the start."""

    __tablename__ = "bid_member"
    __table_args__ = (
        UniqueConstraint("bid_id", "organization_id"),
        CheckConstraint("budget_wan >= 0", name="budget_not_negative"),
    )

    id: Mapped[Key]
    bid_id: Mapped[uuid.UUID] = reference("bid.id")
    organization_id: Mapped[uuid.UUID] = reference("organization.id", ondelete="RESTRICT")
    position: Mapped[int] = mapped_column(SmallInteger)
    state: Mapped[BidMemberState] = enum_column(BidMemberState, default=BidMemberState.INVITED)
    role_text: Mapped[LongText] = mapped_column(default="")
    requirement_ids: Mapped[JsonArray]
    budget_wan: Mapped[Wan] = mapped_column(default=Decimal(0), server_default="0")
    answered_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)

    # The bid has been loaded wherever its members were.
    bid: Mapped[Bid] = relationship(lazy="raise_on_sql", back_populates="members")
    organization: Mapped[Organization] = relationship(lazy="raise")
