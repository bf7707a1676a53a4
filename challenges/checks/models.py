"""The formal check of a bid: the points of its program's list, and what came of it."""

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, DateTime
from sqlalchemy.orm import Mapped, mapped_column, relationship

from challenges.bids.models import Bid
from challenges.postings.models import Challenge
from core.accounts.models import Person
from core.database import Base, JsonArray, Key, LongText, Updated, enum_column, reference


class CheckState(StrEnum):
    BEGUN = "begun"
    # The bidder has been asked, once, to complete its bid.
    COMPLETION_REQUESTED = "completion_requested"
    COMPLETED = "completed"
    # The time for it has passed without a completion.
    LAPSED = "lapsed"
    PASSED = "passed"
    FAILED = "failed"
    # An officer looks at a settled check again.
    REOPENED = "reopened"


class FormalCheck(Updated, Base):
    """One per opened bid. `points` are frozen when it is begun: [{text, met: true, false or null, remark}]."""

    __tablename__ = "formal_check"
    __table_args__ = (
        CheckConstraint(
            "state <> 'passed' OR NOT jsonb_path_exists(points, '$[*] ? (@.met != true)')",
            name="passed_meets_every_point",
        ),
        CheckConstraint("state <> 'failed' OR note <> ''", name="failed_has_a_reason"),
        CheckConstraint(
            "state NOT IN ('completion_requested', 'completed', 'lapsed') OR completion_due_at IS NOT NULL",
            name="completion_has_a_deadline",
        ),
        CheckConstraint("state <> 'completed' OR completed_at IS NOT NULL", name="completed_at_some_time"),
    )

    id: Mapped[Key]
    bid_id: Mapped[uuid.UUID] = reference("bid.id", ondelete="RESTRICT", unique=True)
    challenge_id: Mapped[uuid.UUID] = reference("challenge.id", ondelete="RESTRICT")
    state: Mapped[CheckState] = enum_column(CheckState, default=CheckState.BEGUN)
    points: Mapped[JsonArray]
    # Why it failed.
    note: Mapped[LongText] = mapped_column(default="")
    # What the bidder was asked to complete.
    asked: Mapped[LongText] = mapped_column(default="")
    begun_by_id: Mapped[uuid.UUID] = reference("person.id", ondelete="RESTRICT")
    completion_due_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
    completion_text: Mapped[LongText] = mapped_column(default="")
    completed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
    settled_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
    revision: Mapped[int] = mapped_column(default=1, server_default="1")

    bid: Mapped[Bid] = relationship(lazy="raise")
    challenge: Mapped[Challenge] = relationship(lazy="raise")
    begun_by: Mapped[Person] = relationship(lazy="raise")

    @property
    def is_settled(self) -> bool:
        return self.state in (CheckState.PASSED, CheckState.FAILED)
