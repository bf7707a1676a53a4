"""Questions about a challenge, asked before its deadline and shown without who asked."""

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, SmallInteger, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from challenges.postings.models import Challenge
from core.database import Base, Key, LongText, Moment, enum_column, reference


class QuestionState(StrEnum):
    ASKED = "asked"
    ANSWERED = "answered"
    HIDDEN = "hidden"


class Question(Base):
    """Everybody who may read the challenge reads it; who asked is for the asker's own organization alone.

    Text and asker are never changed, and no question is deleted (a trigger refuses).
    """

    __tablename__ = "question"
    __table_args__ = (
        CheckConstraint("text <> ''", name="asks_something"),
        CheckConstraint("state <> 'answered' OR answered_at IS NOT NULL", name="answered_has_a_time"),
        CheckConstraint("state <> 'hidden' OR note <> ''", name="hidden_with_a_reason"),
        Index("ix_question_challenge_id_asked_at", "challenge_id", "asked_at"),
    )

    id: Mapped[Key]
    challenge_id: Mapped[uuid.UUID] = reference("challenge.id", ondelete="RESTRICT")
    # The asker.
    organization_id: Mapped[uuid.UUID] = reference("organization.id", ondelete="RESTRICT")
    person_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("person.id", ondelete="SET NULL"), default=None
    )
    state: Mapped[QuestionState] = enum_column(QuestionState, default=QuestionState.ASKED)
    text: Mapped[LongText]
    asked_at: Mapped[Moment]
    # When it was answered first.
    answered_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
    # Why an officer has hidden it.
    note: Mapped[LongText] = mapped_column(default="")

    challenge: Mapped[Challenge] = relationship(lazy="raise")
    answers: Mapped[list["Answer"]] = relationship(
        lazy="raise", order_by="Answer.version.desc()", back_populates="question"
    )


class Answer(Base):
    """The poster's answer; a correction is another version, and all of them stay (a trigger refuses changes)."""

    __tablename__ = "question_answer"
    __table_args__ = (
        UniqueConstraint("question_id", "version"),
        CheckConstraint("text <> '' AND version >= 1", name="says_something"),
    )

    id: Mapped[Key]
    question_id: Mapped[uuid.UUID] = reference("question.id", ondelete="RESTRICT")
    version: Mapped[int] = mapped_column(SmallInteger)
    text: Mapped[LongText]
    person_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("person.id", ondelete="RESTRICT"), default=None
    )
    at: Mapped[Moment]

    question: Mapped[Question] = relationship(lazy="raise", back_populates="answers")
