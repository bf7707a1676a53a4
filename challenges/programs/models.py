"""Programs of an authority, their rounds and versioned quota rules."""

import uuid
from datetime import date
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Numeric,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.accounts.models import Person
from core.database import (
    Base,
    Created,
    Flag,
    Key,
    LongText,
    ShortText,
    Updated,
    enum_column,
    reference,
)


class AppliesTo(StrEnum):
    LARGE_LEAD = "large_lead"
    ALL = "all"


class Program(Updated, Base):
    """A funding line of an authority. Only its officers act in it."""

    __tablename__ = "program"
    __table_args__ = (
        CheckConstraint("clock_factor BETWEEN 1 AND 86400", name="clock_factor_plausible"),
        CheckConstraint("min_panel_size BETWEEN 1 AND panel_size", name="fewest_experts_plausible"),
        CheckConstraint("min_enterprise_expert_share BETWEEN 0 AND 1", name="expert_share_between_0_and_1"),
        CheckConstraint(
            "panel_size BETWEEN 1 AND 25 AND max_winners BETWEEN 1 AND 3", name="heads_plausible"
        ),
    )

    id: Mapped[Key]
    code: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[ShortText]
    authority: Mapped[ShortText]
    description: Mapped[LongText] = mapped_column(default="")
    # Who may post and bid. Without sizes large enterprises post; without kinds everybody bids.
    poster_sizes: Mapped[list[str]] = mapped_column(
        ARRAY(String(20)), default=list, server_default=sql("'{}'")
    )
    bidder_kinds: Mapped[list[str]] = mapped_column(
        ARRAY(String(30)), default=list, server_default=sql("'{}'")
    )
    field_codes: Mapped[list[str]] = mapped_column(ARRAY(String(4)), default=list, server_default=sql("'{}'"))
    min_bid_days: Mapped[int] = mapped_column(SmallInteger, default=20, server_default="20")
    notice_days: Mapped[int] = mapped_column(SmallInteger, default=5, server_default="5")
    # Questions are taken until so many days before the deadline for bids.
    question_days: Mapped[int] = mapped_column(SmallInteger, default=5, server_default="5")
    # What the formal check looks at, and how long a bidder has to complete what is missing.
    checklist: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default=sql("'{}'"))
    completion_days: Mapped[int] = mapped_column(SmallInteger, default=5, server_default="5")
    # What a bidder has to declare, one statement an entry.
    statements: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default=sql("'{}'"))
    # Largest attachment of a bid; None: the deployment's limit.
    max_file_mb: Mapped[int | None] = mapped_column(SmallInteger, default=None)
    # Without a review the poster chooses among the bids.
    needs_review: Mapped[Flag]
    panel_size: Mapped[int] = mapped_column(SmallInteger, default=5, server_default="5")
    # Reviewers may leave down to so many; None: the panel stays whole.
    min_panel_size: Mapped[int | None] = mapped_column(SmallInteger, default=None)
    # Least share of enterprise experts in a panel, a part of one.
    min_enterprise_expert_share: Mapped[Decimal] = mapped_column(
        Numeric(5, 4), default=Decimal(0), server_default="0"
    )
    review_days: Mapped[int] = mapped_column(SmallInteger, default=15, server_default="15")
    max_winners: Mapped[int] = mapped_column(SmallInteger, default=1, server_default="1")
    # How long the authority has to answer an objection, and the parties to sign the contract.
    answer_days: Mapped[int] = mapped_column(SmallInteger, default=10, server_default="10")
    contract_days: Mapped[int] = mapped_column(SmallInteger, default=30, server_default="30")
    # So much faster than the calendar the program's periods pass, for rehearsals: see `calendar`.
    clock_factor: Mapped[int] = mapped_column(default=1, server_default="1")
    is_open: Mapped[bool] = mapped_column(default=True, server_default=sql("true"))

    rules: Mapped[list["QuotaRule"]] = relationship(
        lazy="raise", back_populates="program", order_by="QuotaRule.version.desc()"
    )
    rounds: Mapped[list["Round"]] = relationship(
        lazy="raise", back_populates="program", order_by="Round.opens_on.desc()"
    )
    officers: Mapped[list["ProgramOfficer"]] = relationship(lazy="raise", cascade="all, delete-orphan")


class ProgramOfficer(Created, Base):
    __tablename__ = "program_officer"

    program_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("program.id", ondelete="CASCADE"), primary_key=True
    )
    person_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("person.id", ondelete="CASCADE"), primary_key=True, index=True
    )

    person: Mapped[Person] = relationship(lazy="raise")


class QuotaRule(Created, Base):
    """One version of a program's SME-participation rule; versions are added, never changed (a trigger refuses)."""

    __tablename__ = "quota_rule"
    __table_args__ = (
        UniqueConstraint("program_id", "version"),
        CheckConstraint(
            "min_sme_budget_share BETWEEN 0 AND 1 AND min_small_micro_share_of_sme BETWEEN 0 AND 1"
            " AND min_sme_member_share BETWEEN 0 AND 1",
            name="shares_between_0_and_1",
        ),
        CheckConstraint("min_sme_members >= 0 AND max_members >= 1", name="heads_plausible"),
    )

    id: Mapped[Key]
    program_id: Mapped[uuid.UUID] = reference("program.id")
    version: Mapped[int] = mapped_column(SmallInteger)
    effective_on: Mapped[date]
    applies_to: Mapped[AppliesTo] = enum_column(AppliesTo, default=AppliesTo.LARGE_LEAD)
    min_sme_budget_share: Mapped[Decimal | None] = mapped_column(Numeric(5, 4), default=None)
    min_small_micro_share_of_sme: Mapped[Decimal | None] = mapped_column(Numeric(5, 4), default=None)
    min_sme_members: Mapped[int | None] = mapped_column(SmallInteger, default=None)
    min_sme_member_share: Mapped[Decimal | None] = mapped_column(Numeric(5, 4), default=None)
    max_members: Mapped[int | None] = mapped_column(SmallInteger, default=None)
    note: Mapped[LongText] = mapped_column(default="")

    program: Mapped[Program] = relationship(lazy="raise", back_populates="rules")


class Round(Created, Base):
    """One published list of a program."""

    __tablename__ = "round"
    __table_args__ = (
        UniqueConstraint("program_id", "name"),
        CheckConstraint("closes_on >= opens_on", name="closes_after_it_opens"),
    )

    id: Mapped[Key]
    program_id: Mapped[uuid.UUID] = reference("program.id")
    name: Mapped[ShortText]
    # Needs may be submitted from `opens_on` to `closes_on`, days in Asia/Shanghai.
    opens_on: Mapped[date]
    closes_on: Mapped[date]

    program: Mapped[Program] = relationship(lazy="raise", back_populates="rounds")
