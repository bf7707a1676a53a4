"""Challenges and their requirements, from draft to award."""

import uuid
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    Numeric,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship

from challenges.programs.models import Program, Round
from core.database import (
    Base,
    Created,
    JsonObject,
    Key,
    LongText,
    Updated,
    enum_column,
    reference,
    tokenizer_column,
)
from solvers.organizations.models import Organization


class ChallengeState(StrEnum):
    DRAFT = "draft"
    SUBMITTED = "submitted"
    RETURNED = "returned"
    PUBLISHED = "published"
    CLOSED = "closed"
    IN_REVIEW = "in_review"
    MATCH_PROPOSED = "match_proposed"
    # The officer has approved the consortium.
    AWARDED = "awarded"
    IN_NOTICE = "in_notice"
    CONTRACTED = "contracted"
    IN_PROGRESS = "in_progress"
    ACCEPTED = "accepted"
    FAILED = "failed"
    WITHDRAWN = "withdrawn"
    NO_AWARD = "no_award"


class NeedSource(StrEnum):
    """Where the need comes from (大企业技术创新需求表, 需求来源)."""

    PRODUCTION = "production"
    PRODUCT_UPGRADE = "product_upgrade"
    IMPORT_SUBSTITUTION = "import_substitution"
    SAFETY_ENVIRONMENT = "safety_environment"
    OTHER = "other"


class Cooperation(StrEnum):
    SHORT_TERM = "short_term"
    LONG_TERM = "long_term"


class Challenge(Updated, Base):
    __tablename__ = "challenge"
    __table_args__ = (
        CheckConstraint("investment_wan >= 0 AND reward_wan >= 0", name="money_not_negative"),
        CheckConstraint("time_limit_months BETWEEN 1 AND 120", name="time_limit_plausible"),
        CheckConstraint(
            "state IN ('draft', 'submitted', 'returned', 'withdrawn', 'no_award')"
            " OR (published_at IS NOT NULL AND deadline_at IS NOT NULL AND round_id IS NOT NULL)",
            name="published_complete",
        ),
        Index("ix_challenge_state_deadline_at", "state", "deadline_at"),
        Index("ix_challenge_publish_at", "publish_at", postgresql_where=sql("publish_at IS NOT NULL")),
    )

    id: Mapped[Key]
    organization_id: Mapped[uuid.UUID] = reference("organization.id")
    program_id: Mapped[uuid.UUID | None] = reference("program.id", ondelete="RESTRICT", default=None)
    round_id: Mapped[uuid.UUID | None] = reference("round.id", ondelete="RESTRICT", default=None)
    state: Mapped[ChallengeState] = enum_column(ChallengeState, default=ChallengeState.DRAFT)
    created_by_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("person.id", ondelete="SET NULL"), default=None
    )
    contact_name: Mapped[str] = mapped_column(String(100), default="", server_default="")
    contact_phone: Mapped[str] = mapped_column(String(40), default="", server_default="")
    contact_email: Mapped[str] = mapped_column(String(254), default="", server_default="")
    title: Mapped[str] = mapped_column(String(200), default="", server_default="")
    subfield_code: Mapped[str | None] = mapped_column(String(4), index=True, default=None)
    difficulty: Mapped[LongText] = mapped_column(default="")
    indicators: Mapped[LongText] = mapped_column(default="")
    content: Mapped[LongText] = mapped_column(default="")
    investment_wan: Mapped[Decimal | None] = mapped_column(Numeric(14, 2), default=None)
    reward_wan: Mapped[Decimal | None] = mapped_column(Numeric(14, 2), default=None)
    time_limit_months: Mapped[int | None] = mapped_column(SmallInteger, default=None)
    need_source: Mapped[NeedSource | None] = enum_column(NeedSource, default=None)
    cooperation: Mapped[Cooperation | None] = enum_column(Cooperation, default=None)
    conditions: Mapped[LongText] = mapped_column(default="")
    ip_terms: Mapped[LongText] = mapped_column(default="")
    benefit_terms: Mapped[LongText] = mapped_column(default="")
    # A restricted challenge (定向揭榜) exists for invited and certified organizations alone.
    is_public: Mapped[bool] = mapped_column(default=True, server_default=sql("true"))
    allowed_certificates: Mapped[list[str]] = mapped_column(
        ARRAY(String(20)), default=list, server_default=sql("'{}'")
    )
    deadline_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
    # When time is to put the screened challenge on the list; state and published_at follow.
    publish_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
    # When two officers opened the bids; written with challenges.bids.models.BidOpening.
    bids_opened_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
    submitted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
    published_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
    # The officer's comments at a return, or the reason of a withdrawal.
    state_note: Mapped[LongText] = mapped_column(default="")
    # Rises at each save: a form that was opened before another save is told so, never overwrites it.
    revision: Mapped[int] = mapped_column(default=1, server_default="1")
    # Position in the order of changes of all challenges: an index reads on from the highest it knows.
    index_revision: Mapped[int] = mapped_column(BigInteger, index=True, default=0, server_default="0")
    # Written when saved: search and matching never tokenize a challenge again.
    tokens: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default=sql("'{}'"))
    # What made the tokens: those of another tokenizer are made again, never mixed in.
    tokenizer: Mapped[str] = tokenizer_column()
    # What was typed into a draft and cannot be read as a value of its field (name -> text): nothing typed is lost.
    unparsed: Mapped[JsonObject]

    organization: Mapped[Organization] = relationship(lazy="raise")
    program: Mapped[Program | None] = relationship(lazy="raise")
    round: Mapped[Round | None] = relationship(lazy="raise")
    requirements: Mapped[list["Requirement"]] = relationship(
        lazy="raise",
        cascade="all, delete-orphan",
        order_by="Requirement.position",
        back_populates="challenge",
    )
    invited: Mapped[list["InvitedSolver"]] = relationship(lazy="raise", cascade="all, delete-orphan")


class Requirement(Base):
    __tablename__ = "requirement"
    __table_args__ = (
        CheckConstraint("weight >= 0 AND budget_wan >= 0", name="not_negative"),
        UniqueConstraint("challenge_id", "position", deferrable=True, initially="DEFERRED"),
    )

    id: Mapped[Key]
    challenge_id: Mapped[uuid.UUID] = reference("challenge.id")
    position: Mapped[int] = mapped_column(SmallInteger)
    text: Mapped[LongText] = mapped_column(default="")
    target: Mapped[LongText] = mapped_column(default="")
    # Percentage points as typed; matching divides by their sum.
    weight: Mapped[Decimal | None] = mapped_column(Numeric(7, 4), default=None)
    budget_wan: Mapped[Decimal | None] = mapped_column(Numeric(14, 2), default=None)
    unparsed: Mapped[JsonObject]

    challenge: Mapped[Challenge] = relationship(lazy="raise", back_populates="requirements")


class InvitedSolver(Created, Base):
    """An organization that a restricted challenge is shown to."""

    __tablename__ = "invited_solver"

    challenge_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("challenge.id", ondelete="CASCADE"), primary_key=True
    )
    organization_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("organization.id", ondelete="CASCADE"), primary_key=True, index=True
    )

    organization: Mapped[Organization] = relationship(lazy="raise")


class SavedChallenge(Created, Base):
    __tablename__ = "saved_challenge"

    person_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("person.id", ondelete="CASCADE"), primary_key=True
    )
    challenge_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("challenge.id", ondelete="CASCADE"), primary_key=True, index=True
    )
