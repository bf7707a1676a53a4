"""Objections against an award on public notice, and what was answered."""

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, DateTime, Index
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column, relationship

from challenges.consortia.models import Consortium
from challenges.notices.models import Notice
from challenges.postings.models import Challenge
from core.accounts.models import Person
from core.database import Base, JsonArray, Key, LongText, Moment, Updated, enum_column, reference
from solvers.organizations.models import Organization


class ObjectionState(StrEnum):
    RAISED = "raised"
    UPHELD = "upheld"
    DISMISSED = "dismissed"
    WITHDRAWN = "withdrawn"
    # The award was taken back for another reason before it was answered.
    LAPSED = "lapsed"


class Effect(StrEnum):
    """What an answer does to the decision that was objected to."""

    STANDS = "stands"
    RETURNED = "returned"
    ANNULLED = "annulled"


class Objection(Updated, Base):
    """What an organization says against an award, until the notice ends (a trigger); answered once by an officer.

    Who raised it is for officers and the objector alone.
    """

    __tablename__ = "objection"
    __table_args__ = (
        Index(
            "uq_objection_raised",
            "notice_id",
            "organization_id",
            unique=True,
            postgresql_where=sql("state = 'raised'"),
        ),
        CheckConstraint("text <> ''", name="says_something"),
        CheckConstraint(
            "(state IN ('upheld', 'dismissed')) = (answered_at IS NOT NULL)", name="answered_at_some_time"
        ),
        CheckConstraint(
            "answered_at IS NULL OR answer <> '' AND summary <> '' AND answered_by_id IS NOT NULL",
            name="answered_in_words",
        ),
        CheckConstraint(
            "answered_at IS NULL OR (state = 'upheld') = (effect IS NOT NULL AND effect <> 'stands')",
            name="upheld_has_an_effect",
        ),
    )

    id: Mapped[Key]
    notice_id: Mapped[uuid.UUID] = reference("notice.id", ondelete="RESTRICT")
    challenge_id: Mapped[uuid.UUID] = reference("challenge.id", ondelete="RESTRICT")
    organization_id: Mapped[uuid.UUID] = reference("organization.id", ondelete="RESTRICT")
    person_id: Mapped[uuid.UUID] = reference("person.id", ondelete="RESTRICT")
    # The team that it is about, None where it is about the whole decision.
    consortium_id: Mapped[uuid.UUID | None] = reference("consortium.id", ondelete="RESTRICT", default=None)
    state: Mapped[ObjectionState] = enum_column(ObjectionState, default=ObjectionState.RAISED)
    text: Mapped[LongText]
    raised_at: Mapped[Moment]
    due_at: Mapped[Moment]
    # To the objector, the poster and the winners.
    answer: Mapped[LongText] = mapped_column(default="")
    # What everybody reads of objection and answer.
    summary: Mapped[LongText] = mapped_column(default="")
    effect: Mapped[Effect | None] = enum_column(Effect, default=None)
    # Ids (texts) of the teams that lost the award by it.
    gave_way: Mapped[JsonArray]
    answered_by_id: Mapped[uuid.UUID | None] = reference("person.id", ondelete="RESTRICT", default=None)
    answered_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)

    notice: Mapped[Notice] = relationship(lazy="raise")
    challenge: Mapped[Challenge] = relationship(lazy="raise")
    organization: Mapped[Organization] = relationship(lazy="raise")
    person: Mapped[Person] = relationship(lazy="raise", foreign_keys=[person_id])
    consortium: Mapped[Consortium | None] = relationship(lazy="raise")
    answered_by: Mapped[Person | None] = relationship(lazy="raise", foreign_keys=[answered_by_id])
