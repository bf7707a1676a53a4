"""Computed rankings of solvers for a challenge."""

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    DateTime,
    Float,
    ForeignKey,
    Index,
    SmallInteger,
    UniqueConstraint,
)
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.database import (
    Base,
    Created,
    JsonArray,
    JsonObject,
    Key,
    LongText,
    enum_column,
    reference,
)
from solvers.organizations.models import Organization


class MatchRunState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class MatchRun(Created, Base):
    """One computation of a challenge's ranking; the newest done one is shown."""

    __tablename__ = "match_run"
    __table_args__ = (
        Index("ix_match_run_challenge_id_created_at", "challenge_id", "created_at"),
        # A second run that waits would read the same profiles as the first.
        Index("uq_match_run_waiting", "challenge_id", unique=True, postgresql_where=sql("state = 'queued'")),
    )

    id: Mapped[Key]
    challenge_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("challenge.id", ondelete="CASCADE"))
    state: Mapped[MatchRunState] = enum_column(MatchRunState, default=MatchRunState.QUEUED)
    progress: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    started_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
    failure: Mapped[LongText] = mapped_column(default="")
    # What it was computed from: solvers seen, tokenizer and index version.
    index_info: Mapped[JsonObject]

    matches: Mapped[list["Match"]] = relationship(lazy="raise", order_by="Match.rank", back_populates="run")


class Match(Base):
    """One ranked candidate. `terms` and `requirement_scores` hold the explanation: parts sum to the score."""

    __tablename__ = "match"
    __table_args__ = (
        UniqueConstraint("run_id", "organization_id"),
        UniqueConstraint("run_id", "rank"),
    )

    id: Mapped[Key]
    run_id: Mapped[uuid.UUID] = reference("match_run.id")
    organization_id: Mapped[uuid.UUID] = reference("organization.id")
    rank: Mapped[int]
    score: Mapped[float] = mapped_column(Float)
    requirement_scores: Mapped[JsonObject]  # requirement id -> score
    terms: Mapped[JsonArray]  # [[term, part], …]
    evidence: Mapped[JsonArray]  # [[evidence item id, part], …]

    run: Mapped[MatchRun] = relationship(lazy="raise", back_populates="matches")
    organization: Mapped[Organization] = relationship(lazy="raise")
