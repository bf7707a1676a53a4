"""The review of a challenge's bids by a panel of experts."""

import uuid
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import (
    CheckConstraint,
    DateTime,
    Index,
    Numeric,
    SmallInteger,
    String,
    UniqueConstraint,
)
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column, relationship

from challenges.bids.models import Bid
from challenges.experts.models import Expert
from challenges.postings.models import Challenge
from core.accounts.models import Person
from core.database import Base, Created, Flag, JsonArray, Key, LongText, Updated, enum_column, reference


class ReviewState(StrEnum):
    # The panel is being put together.
    PREPARING = "preparing"
    SCORING = "scoring"
    # All have scored: they see each other's scores and may revise their own.
    DISCUSSING = "discussing"
    FINISHED = "finished"
    BROKEN_OFF = "broken_off"


class SeatState(StrEnum):
    PROPOSED = "proposed"
    # Told of it, and asked for conflicts.
    ASKED = "asked"
    DECLARED = "declared"
    HANDED_IN = "handed_in"
    # Has declared a conflict.
    EXCLUDED = "excluded"
    # Taken off the panel by an officer.
    EXCUSED = "excused"


# Seats that count towards the panel.
SEATED = (SeatState.PROPOSED, SeatState.ASKED, SeatState.DECLARED, SeatState.HANDED_IN)


class ReviewCriterion(Base):
    """What a program's reviewers score: frozen into each review when it begins."""

    __tablename__ = "review_criterion"
    __table_args__ = (
        UniqueConstraint("program_id", "position", deferrable=True, initially="DEFERRED"),
        CheckConstraint("weight > 0 AND weight <= 1000", name="weight_plausible"),
        CheckConstraint("max_points BETWEEN 1 AND 100", name="scale_plausible"),
    )

    id: Mapped[Key]
    program_id: Mapped[uuid.UUID] = reference("program.id")
    position: Mapped[int] = mapped_column(SmallInteger)
    name: Mapped[str] = mapped_column(String(100))
    description: Mapped[LongText] = mapped_column(default="")
    weight: Mapped[Decimal] = mapped_column(Numeric(7, 2))
    # Points are given from 0 to this, in halves.
    max_points: Mapped[int] = mapped_column(SmallInteger, default=10, server_default="10")


class Review(Updated, Base):
    """`criteria` are frozen: [{name, description, weight, max_points}]; `bid_ids` are those admitted at the beginning.

    `ranking` is written when the review is finished.
    """

    __tablename__ = "review"
    __table_args__ = (
        Index(
            "uq_review_live",
            "challenge_id",
            unique=True,
            postgresql_where=sql("state IN ('preparing', 'scoring', 'discussing')"),
        ),
        CheckConstraint(
            "state NOT IN ('scoring', 'discussing') OR due_at IS NOT NULL", name="has_a_deadline"
        ),
        CheckConstraint(
            "jsonb_array_length(criteria) > 0 AND jsonb_array_length(bid_ids) > 0", name="is_about_something"
        ),
        CheckConstraint(
            "state <> 'finished' OR jsonb_array_length(ranking) > 0", name="finished_with_a_ranking"
        ),
        CheckConstraint(
            "panel_size >= 1 AND min_enterprise BETWEEN 0 AND panel_size", name="panel_plausible"
        ),
        CheckConstraint(
            "min_panel_size BETWEEN 1 AND panel_size AND min_enterprise_share BETWEEN 0 AND 1",
            name="fewest_experts_plausible",
        ),
    )

    id: Mapped[Key]
    challenge_id: Mapped[uuid.UUID] = reference("challenge.id", ondelete="RESTRICT")
    state: Mapped[ReviewState] = enum_column(ReviewState, default=ReviewState.PREPARING)
    criteria: Mapped[JsonArray]
    bid_ids: Mapped[JsonArray]
    panel_size: Mapped[int] = mapped_column(SmallInteger)
    # Enterprise experts, heads.
    min_enterprise: Mapped[int] = mapped_column(SmallInteger)
    # What the program asked for when the review began: the fewest experts (None: the whole panel), and of any number of
    # them the share of enterprise experts.
    min_panel_size: Mapped[int | None] = mapped_column(SmallInteger, default=None)
    min_enterprise_share: Mapped[Decimal] = mapped_column(
        Numeric(5, 4), default=Decimal(0), server_default="0"
    )
    # Why it went on with fewer experts than it began with.
    fewer_note: Mapped[LongText] = mapped_column(default="")
    # Of each bid the highest and the lowest total are not counted.
    drops_extremes: Mapped[Flag]
    begun_by_id: Mapped[uuid.UUID] = reference("person.id", ondelete="RESTRICT")
    due_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
    # When who has not scored is reminded; empty once that is done.
    remind_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
    # When time has told that the deadline passed with scores missing.
    overdue_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
    ranking: Mapped[JsonArray]
    # Why it was broken off.
    note: Mapped[LongText] = mapped_column(default="")
    revision: Mapped[int] = mapped_column(default=1, server_default="1")

    challenge: Mapped[Challenge] = relationship(lazy="raise")
    begun_by: Mapped[Person] = relationship(lazy="raise")
    seats: Mapped[list["PanelSeat"]] = relationship(
        lazy="raise", cascade="all, delete-orphan", back_populates="review", order_by="PanelSeat.created_at"
    )

    @property
    def seated(self) -> list["PanelSeat"]:
        """Who is on the panel now."""
        return [seat for seat in self.seats if seat.state in SEATED]


class PanelSeat(Created, Base):
    """One expert on a panel. A trigger refuses who has a conflict that the database knows of."""

    __tablename__ = "panel_seat"
    __table_args__ = (
        UniqueConstraint("review_id", "expert_id"),
        CheckConstraint("state NOT IN ('excluded', 'excused') OR note <> ''", name="left_for_a_reason"),
        CheckConstraint(
            "state NOT IN ('declared', 'handed_in') OR declared_at IS NOT NULL", name="declared_at_some_time"
        ),
        CheckConstraint("state <> 'handed_in' OR handed_in_at IS NOT NULL", name="handed_in_at_some_time"),
    )

    id: Mapped[Key]
    review_id: Mapped[uuid.UUID] = reference("review.id", ondelete="RESTRICT")
    expert_id: Mapped[uuid.UUID] = reference("expert.id", ondelete="RESTRICT")
    state: Mapped[SeatState] = enum_column(SeatState, default=SeatState.PROPOSED)
    # The employer's kind when appointed, which the panel's share counts.
    is_enterprise: Mapped[Flag]
    # Bids that a conflict was declared for, and the reason; or why an officer has taken the expert off.
    conflicting_bids: Mapped[JsonArray]
    note: Mapped[LongText] = mapped_column(default="")
    asked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
    declared_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
    handed_in_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)

    # The review has been loaded wherever its seats were.
    review: Mapped[Review] = relationship(lazy="raise_on_sql", back_populates="seats")
    expert: Mapped[Expert] = relationship(lazy="raise")
    scores: Mapped[list["Score"]] = relationship(lazy="raise", cascade="all, delete-orphan")


class Score(Updated, Base):
    """What one expert gives one bid for one criterion; a draft until the seat is handed in."""

    __tablename__ = "score"
    __table_args__ = (
        UniqueConstraint("seat_id", "bid_id", "criterion"),
        CheckConstraint("points >= 0 AND points <= 100 AND points * 2 = trunc(points * 2)", name="in_halves"),
    )

    id: Mapped[Key]
    seat_id: Mapped[uuid.UUID] = reference("panel_seat.id")
    bid_id: Mapped[uuid.UUID] = reference("bid.id", ondelete="RESTRICT")
    # Its place in the review's criteria.
    criterion: Mapped[int] = mapped_column(SmallInteger)
    points: Mapped[Decimal | None] = mapped_column(Numeric(4, 1), default=None)
    comment: Mapped[LongText] = mapped_column(default="")


class ScoreRevision(Created, Base):
    """A score that was changed in the discussion, with the reason. Never changed (a trigger refuses)."""

    __tablename__ = "score_revision"
    __table_args__ = (CheckConstraint("reason <> ''", name="has_a_reason"),)

    id: Mapped[Key]
    seat_id: Mapped[uuid.UUID] = reference("panel_seat.id", ondelete="RESTRICT")
    bid_id: Mapped[uuid.UUID] = reference("bid.id", ondelete="RESTRICT")
    criterion: Mapped[int] = mapped_column(SmallInteger)
    before: Mapped[Decimal] = mapped_column(Numeric(4, 1))
    after: Mapped[Decimal] = mapped_column(Numeric(4, 1))
    reason: Mapped[LongText]


class ReviewRemark(Created, Base):
    """What panel and officer say to each other in the discussion."""

    __tablename__ = "review_remark"
    __table_args__ = (CheckConstraint("text <> ''", name="says_something"),)

    id: Mapped[Key]
    review_id: Mapped[uuid.UUID] = reference("review.id", ondelete="RESTRICT")
    person_id: Mapped[uuid.UUID] = reference("person.id", ondelete="RESTRICT")
    bid_id: Mapped[uuid.UUID | None] = reference("bid.id", ondelete="RESTRICT", default=None)
    text: Mapped[LongText]

    person: Mapped[Person] = relationship(lazy="raise")
    bid: Mapped[Bid | None] = relationship(lazy="raise")
