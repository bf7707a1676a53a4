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
    LargeBinary,
    SmallInteger,
    String,
    UniqueConstraint,
)
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column, relationship

from challenges.bids.content import CANONICAL_VERSION, FIRST_VERSION
from challenges.postings.models import Challenge
from core.accounts.models import Person
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


class ReceiptAct(StrEnum):
    """What a receipt confirms. A bid is taken back by a change of its members, which asks for submitting again.

    It is confirmed after a change of the challenge.
    """

    SUBMITTED = "submitted"
    REPLACED = "replaced"
    TAKEN_BACK = "taken_back"
    WITHDRAWN = "withdrawn"
    CONFIRMED = "confirmed"


class Bid(Updated, Base):
    """A sealed offer. Until it is opened nobody but the bidding organizations reads it, by any route.

    While `sealed_content` is there the texts of the row, and what its members' rows say of their parts, are empty;
    see `challenges.bids.sealing`.
    """

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
        CheckConstraint(
            "sealed_content IS NULL OR technical_plan || team || ability || timeline || contact_name || contact_phone"
            " || nonce = '' AND steps || people || statements = '[]'::jsonb",
            name="sealed_tells_nothing",
        ),
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
    # Lists of objects as `challenges.bids.content` writes them.
    steps: Mapped[JsonArray]
    people: Mapped[JsonArray]
    statements: Mapped[JsonArray]
    # How the content is written down to be hashed; the server's default is what the version before this column wrote.
    content_version: Mapped[int] = mapped_column(
        SmallInteger, default=CANONICAL_VERSION, server_default=str(FIRST_VERSION)
    )
    sealed_content: Mapped[bytes | None] = mapped_column(LargeBinary, default=None)
    nonce: Mapped[str] = mapped_column(String(32), default="", server_default="")
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
    """The lead's and each partner's part of a bid. The lead's row is confirmed from the start.

    An organization takes part in one live bid of a challenge (a trigger refuses a second confirmed part).
    """

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
    # Amounts in 万元 as decimal texts, by year of the project.
    years: Mapped[JsonArray]
    answered_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)

    # The bid has been loaded wherever its members were.
    bid: Mapped[Bid] = relationship(lazy="raise_on_sql", back_populates="members")
    organization: Mapped[Organization] = relationship(lazy="raise")


class BidReceipt(Base):
    """What a bidder keeps: that at this time a bid with this SHA-256 was handed in. Never changed (a trigger refuses).

    Ids are random: consecutive numbers would tell how many others have bid.
    """

    __tablename__ = "bid_receipt"

    id: Mapped[Key]
    bid_id: Mapped[uuid.UUID] = reference("bid.id", ondelete="RESTRICT")
    challenge_id: Mapped[uuid.UUID] = reference("challenge.id", ondelete="RESTRICT")
    act: Mapped[ReceiptAct] = enum_column(ReceiptAct)
    content_sha256: Mapped[str] = mapped_column(String(64))
    # The database's clock, which alone decides what was in time.
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    person_id: Mapped[uuid.UUID | None] = reference("person.id", ondelete="RESTRICT", default=None)


class BidOpening(Base):
    """The opening of a challenge's bids: asked for by one officer, done by another, after the deadline (a trigger)."""

    __tablename__ = "bid_opening"
    __table_args__ = (
        CheckConstraint("opened_by_id <> asked_by_id", name="two_officers"),
        CheckConstraint("(opened_by_id IS NULL) = (opened_at IS NULL)", name="opened_by_somebody"),
    )

    challenge_id: Mapped[uuid.UUID] = reference("challenge.id", ondelete="RESTRICT", primary_key=True)
    asked_by_id: Mapped[uuid.UUID] = reference("person.id", ondelete="RESTRICT")
    asked_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    opened_by_id: Mapped[uuid.UUID | None] = reference("person.id", ondelete="RESTRICT", default=None)
    opened_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)

    asked_by: Mapped[Person] = relationship(lazy="raise", foreign_keys=[asked_by_id])
    opened_by: Mapped[Person | None] = relationship(lazy="raise", foreign_keys=[opened_by_id])
