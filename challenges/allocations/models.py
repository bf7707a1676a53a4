"""Computed assignments of solvers to all challenges of a program at once."""

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import DateTime, ForeignKey, Index, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.accounts.models import Person
from core.database import Base, Created, JsonObject, Key, LongText, enum_column, reference


class AllocationState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class SolverGroup(StrEnum):
    """Whom a group rule counts."""

    COUNTED_SME = "counted_sme"
    SMALL_MICRO = "small_micro"
    LARGE = "large"
    RESEARCH_INSTITUTE = "research_institute"
    UNIVERSITY = "university"


class AllocationRun(Created, Base):
    """One question of an officer and its answer. Kept as it was: a new question is a new run."""

    __tablename__ = "allocation_run"
    __table_args__ = (Index("ix_allocation_run_program_id_created_at", "program_id", "created_at"),)

    id: Mapped[Key]
    program_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("program.id", ondelete="CASCADE"))
    asked_by_id: Mapped[uuid.UUID | None] = reference("person.id", ondelete="SET NULL", default=None)
    state: Mapped[AllocationState] = enum_column(AllocationState, default=AllocationState.QUEUED)
    progress: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    started_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
    failure: Mapped[LongText] = mapped_column(default="")
    # What was asked, see `question.Question`.
    question: Mapped[JsonObject]
    # What it was computed from: match runs, challenges, solvers with sizes and scores, see `problem.Inputs`.
    inputs: Mapped[JsonObject]
    result: Mapped[JsonObject]

    asked_by: Mapped[Person | None] = relationship(lazy="raise")
