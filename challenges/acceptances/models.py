"""The final acceptance of a contract, the ratings of both sides, and what becomes of it in the members' profiles."""

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, DateTime, Index, SmallInteger, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column, relationship

from challenges.contracts.models import Contract
from core.database import Base, Key, LongText, Moment, enum_column, reference
from solvers.organizations.models import Organization


class AcceptanceState(StrEnum):
    ASKED = "asked"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    CONFIRMED = "confirmed"


class Side(StrEnum):
    POSTER = "poster"
    TEAM = "team"


class FinalAcceptance(Base):
    """Asked for by the lead, accepted or refused by the poster, confirmed by an officer."""

    __tablename__ = "final_acceptance"
    __table_args__ = (
        Index(
            "uq_final_acceptance_open",
            "contract_id",
            unique=True,
            postgresql_where=sql("state IN ('asked', 'accepted')"),
        ),
    )

    id: Mapped[Key]
    contract_id: Mapped[uuid.UUID] = reference("contract.id", ondelete="RESTRICT")
    state: Mapped[AcceptanceState] = enum_column(AcceptanceState, default=AcceptanceState.ASKED)
    state_note: Mapped[LongText] = mapped_column(default="")
    text: Mapped[LongText]
    asked_by_id: Mapped[uuid.UUID] = reference("person.id", ondelete="RESTRICT")
    asked_at: Mapped[Moment]
    answered_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
    confirmed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)

    contract: Mapped[Contract] = relationship(lazy="raise")


class Rating(Base):
    """What one side says of the other, once. Never changed; `told_at`: when the rated side could read it."""

    __tablename__ = "rating"
    __table_args__ = (
        UniqueConstraint("contract_id", "side"),
        CheckConstraint("stars BETWEEN 1 AND 5", name="stars_from_1_to_5"),
        Index("ix_rating_untold", "rated_at", postgresql_where=sql("told_at IS NULL")),
    )

    id: Mapped[Key]
    contract_id: Mapped[uuid.UUID] = reference("contract.id", ondelete="RESTRICT")
    # Who rates; the other side is rated: the poster's organization, or the lead of the team.
    side: Mapped[Side] = enum_column(Side)
    rated_id: Mapped[uuid.UUID] = reference("organization.id", ondelete="RESTRICT")
    stars: Mapped[int] = mapped_column(SmallInteger)
    comment: Mapped[LongText]
    person_id: Mapped[uuid.UUID] = reference("person.id", ondelete="RESTRICT")
    rated_at: Mapped[Moment]
    told_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)

    contract: Mapped[Contract] = relationship(lazy="raise")
    rated: Mapped[Organization] = relationship(lazy="raise")


class Delivery(Base):
    """A member's answer whether a completed contract may be shown in its profile and on its page."""

    __tablename__ = "delivery"

    contract_id: Mapped[uuid.UUID] = reference("contract.id", ondelete="RESTRICT", primary_key=True)
    organization_id: Mapped[uuid.UUID] = reference("organization.id", ondelete="RESTRICT", primary_key=True)
    is_shown: Mapped[bool]
    evidence_id: Mapped[uuid.UUID | None] = reference("evidence_item.id", ondelete="SET NULL", default=None)
    person_id: Mapped[uuid.UUID] = reference("person.id", ondelete="RESTRICT")
    answered_at: Mapped[Moment]
