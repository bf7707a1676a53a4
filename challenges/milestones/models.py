"""Milestones of a signed contract, the reports on them, and eliminations in a horse race."""

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, DateTime, Index, SmallInteger, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column, relationship

from challenges.contracts.models import Contract
from core.accounts.models import Person
from core.database import Base, Flag, Key, LongText, Moment, ShortText, Updated, Wan, enum_column, reference


class MilestoneState(StrEnum):
    PLANNED = "planned"
    REPORTED = "reported"
    ACCEPTED = "accepted"
    REWORK = "rework"
    CANCELLED = "cancelled"


class Milestone(Updated, Base):
    """One milestone as the version in force has it; `key` names it in the text of the contract."""

    __tablename__ = "milestone"
    __table_args__ = (
        UniqueConstraint("contract_id", "key"),
        CheckConstraint("payment_wan >= 0", name="payment_not_negative"),
        CheckConstraint("received_at IS NULL OR paid_at IS NOT NULL", name="received_what_was_paid"),
        Index("ix_milestone_state_due_at", "state", "due_at"),
    )

    id: Mapped[Key]
    contract_id: Mapped[uuid.UUID] = reference("contract.id", ondelete="RESTRICT")
    key: Mapped[uuid.UUID]
    position: Mapped[int] = mapped_column(SmallInteger)
    title: Mapped[ShortText]
    deliverables: Mapped[LongText]
    payment_wan: Mapped[Wan]
    is_stage: Mapped[Flag]
    due_at: Mapped[Moment]
    state: Mapped[MilestoneState] = enum_column(MilestoneState, default=MilestoneState.PLANNED)
    # Why rework is asked for, or why it was cancelled.
    state_note: Mapped[LongText] = mapped_column(default="")
    reported_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
    accepted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
    # Said by the poster, and confirmed by the lead.
    paid_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
    received_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
    # When the parties were told that it is due soon, and that it is overdue.
    soon_told_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
    overdue_told_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)

    contract: Mapped[Contract] = relationship(lazy="raise")
    reports: Mapped[list["MilestoneReport"]] = relationship(
        lazy="raise", back_populates="milestone", order_by="MilestoneReport.reported_at.desc()"
    )


class MilestoneReport(Base):
    """What the lead reported, and what the poster answered. Files belong to it."""

    __tablename__ = "milestone_report"
    __table_args__ = (
        CheckConstraint("is_accepted IS NULL OR is_accepted OR reason <> ''", name="rework_has_a_reason"),
        CheckConstraint("(is_accepted IS NULL) = (answered_at IS NULL)", name="answered_somehow"),
    )

    id: Mapped[Key]
    milestone_id: Mapped[uuid.UUID] = reference("milestone.id", ondelete="RESTRICT")
    text: Mapped[LongText]
    person_id: Mapped[uuid.UUID] = reference("person.id", ondelete="RESTRICT")
    reported_at: Mapped[Moment]
    is_accepted: Mapped[bool | None] = mapped_column(default=None)
    reason: Mapped[LongText] = mapped_column(default="")
    answered_by_id: Mapped[uuid.UUID | None] = reference("person.id", ondelete="RESTRICT", default=None)
    answered_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)

    milestone: Mapped[Milestone] = relationship(lazy="raise", back_populates="reports")
    person: Mapped[Person] = relationship(lazy="raise", foreign_keys=[person_id])


class Elimination(Base):
    """The poster's proposal to let a team go after a stage review, and an officer's answer."""

    __tablename__ = "elimination"
    __table_args__ = (
        Index(
            "uq_elimination_open",
            "contract_id",
            unique=True,
            postgresql_where=sql("answered_at IS NULL"),
        ),
        CheckConstraint("reason <> ''", name="has_a_reason"),
        CheckConstraint("(is_confirmed IS NULL) = (answered_at IS NULL)", name="answered_somehow"),
        CheckConstraint("is_confirmed IS NULL OR is_confirmed OR answer <> ''", name="refusal_has_a_reason"),
    )

    id: Mapped[Key]
    contract_id: Mapped[uuid.UUID] = reference("contract.id", ondelete="RESTRICT")
    milestone_id: Mapped[uuid.UUID] = reference("milestone.id", ondelete="RESTRICT")
    reason: Mapped[LongText]
    proposed_by_id: Mapped[uuid.UUID] = reference("person.id", ondelete="RESTRICT")
    proposed_at: Mapped[Moment]
    is_confirmed: Mapped[bool | None] = mapped_column(default=None)
    answer: Mapped[LongText] = mapped_column(default="")
    officer_id: Mapped[uuid.UUID | None] = reference("person.id", ondelete="RESTRICT", default=None)
    answered_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)

    contract: Mapped[Contract] = relationship(lazy="raise")
    milestone: Mapped[Milestone] = relationship(lazy="raise")
