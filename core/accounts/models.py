"""People, what they may do on the platform, and their logins."""

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import DateTime, ForeignKey, Index, LargeBinary, String, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.database import Base, Created, Flag, Key, Moment, ShortText, enum_column, reference


class PlatformRole(StrEnum):
    """A role of the authority; roles within an organization are memberships of `solvers`."""

    OFFICER = "officer"
    ADMINISTRATOR = "administrator"
    REVIEWER = "reviewer"


class Person(Created, Base):
    __tablename__ = "person"

    id: Mapped[Key]
    # Stored in lower case by the service; two spellings of one address are one account.
    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[ShortText]
    phone: Mapped[str] = mapped_column(String(40), server_default="", default="")
    password_hash: Mapped[str] = mapped_column(String(200))
    locale: Mapped[str] = mapped_column(String(10), server_default="zh_CN", default="zh_CN")
    is_disabled: Mapped[Flag]

    roles: Mapped[list["PersonRole"]] = relationship(lazy="raise", cascade="all, delete-orphan")


class PersonRole(Base):
    __tablename__ = "person_role"

    person_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("person.id", ondelete="CASCADE"), primary_key=True
    )
    role: Mapped[PlatformRole] = enum_column(PlatformRole, primary_key=True)


class Login(Created, Base):
    """A server-side session. The cookie holds a random token, the table only its SHA-256."""

    __tablename__ = "login"

    id: Mapped[Key]
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    person_id: Mapped[uuid.UUID] = reference("person.id")
    # The organization this login acts for; checked against memberships at each request.
    organization_id: Mapped[uuid.UUID | None] = reference(
        "organization.id", ondelete="SET NULL", default=None
    )
    last_seen_at: Mapped[Moment]
    expires_at: Mapped[Moment]
    address: Mapped[str] = mapped_column(String(64), default="")
    user_agent: Mapped[str] = mapped_column(String(300), default="")

    person: Mapped[Person] = relationship(lazy="raise")


class LoginAttempt(Base):
    """A failed login, kept for throttling by account and by address."""

    __tablename__ = "login_attempt"
    __table_args__ = (
        Index("ix_login_attempt_email_at", "email", "at"),
        Index("ix_login_attempt_address_at", "address", "at"),
    )

    id: Mapped[Key]
    email: Mapped[str] = mapped_column(String(254))
    address: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class PasswordReset(Created, Base):
    __tablename__ = "password_reset"
    __table_args__ = (UniqueConstraint("token_hash"),)

    id: Mapped[Key]
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    person_id: Mapped[uuid.UUID] = reference("person.id")
    expires_at: Mapped[Moment]
    used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
