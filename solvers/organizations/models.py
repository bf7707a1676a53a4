"""Organizations, their people, size, certificates and control relations."""

import uuid
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import (
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    Numeric,
    String,
    UniqueConstraint,
)
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.accounts.models import Person
from core.database import Base, Created, Key, LongText, Moment, ShortText, Updated, enum_column, reference

if TYPE_CHECKING:
    from solvers.profiles.models import CapabilityProfile


class OrganizationKind(StrEnum):
    ENTERPRISE = "enterprise"
    RESEARCH_INSTITUTE = "research_institute"
    UNIVERSITY = "university"


class SizeClass(StrEnum):
    LARGE = "large"
    MEDIUM = "medium"
    SMALL = "small"
    MICRO = "micro"


class Verification(StrEnum):
    """`pending` waits for an administrator; `rejected` was sent back with a reason and may be handed in again."""

    DRAFT = "draft"
    PENDING = "pending"
    VERIFIED = "verified"
    REJECTED = "rejected"


class MembershipRole(StrEnum):
    OWNER = "owner"
    EDITOR = "editor"
    VIEWER = "viewer"


class ControlKind(StrEnum):
    CONTROL = "control"
    SAME_LEGAL_REPRESENTATIVE = "same_legal_representative"


class CertificateKind(StrEnum):
    HIGH_TECH = "high_tech"
    TECH_SME = "tech_sme"
    INNOVATIVE_SME = "innovative_sme"
    SPECIALIZED = "specialized"
    LITTLE_GIANT = "little_giant"
    CHAMPION = "champion"


class Organization(Updated, Base):
    __tablename__ = "organization"
    __table_args__ = (
        CheckConstraint("kind = 'enterprise' OR size_class IS NULL", name="only_enterprises_have_a_size"),
        CheckConstraint(
            "employees >= 0 AND revenue_wan >= 0 AND assets_wan >= 0", name="figures_not_negative"
        ),
    )

    id: Mapped[Key]
    name: Mapped[ShortText]
    credit_code: Mapped[str] = mapped_column(String(18), unique=True)
    kind: Mapped[OrganizationKind] = enum_column(OrganizationKind, index=True)
    region_code: Mapped[str] = mapped_column(String(6), index=True)
    address: Mapped[str] = mapped_column(String(300), default="", server_default="")
    website: Mapped[str] = mapped_column(String(300), default="", server_default="")
    legal_representative: Mapped[str] = mapped_column(String(100), default="", server_default="")
    # Enterprises only: a GB/T 4754-2017 code and the figures that decide the size.
    industry_code: Mapped[str | None] = mapped_column(String(5), default=None)
    employees: Mapped[int | None] = mapped_column(default=None)
    revenue_wan: Mapped[Decimal | None] = mapped_column(Numeric(14, 2), default=None)
    assets_wan: Mapped[Decimal | None] = mapped_column(Numeric(14, 2), default=None)
    # Kept beside the figures so that queries can filter; `service` alone writes it, from `size.classify`.
    size_class: Mapped[SizeClass | None] = enum_column(SizeClass, index=True, default=None)
    verification: Mapped[Verification] = enum_column(Verification, index=True, default=Verification.DRAFT)
    verification_note: Mapped[LongText] = mapped_column(default="")
    submitted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
    verified_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
    verified_by_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("person.id", ondelete="SET NULL"), default=None
    )

    certificates: Mapped[list["Certificate"]] = relationship(
        lazy="raise", cascade="all, delete-orphan", order_by="Certificate.valid_until.desc()"
    )
    controllers: Mapped[list["ControlRelation"]] = relationship(
        lazy="raise",
        cascade="all, delete-orphan",
        foreign_keys="ControlRelation.organization_id",
        back_populates="organization",
    )
    memberships: Mapped[list["Membership"]] = relationship(lazy="raise", back_populates="organization")
    profile: Mapped["CapabilityProfile | None"] = relationship(lazy="raise", back_populates="organization")

    @property
    def is_verified(self) -> bool:
        return self.verification is Verification.VERIFIED


class Certificate(Created, Base):
    __tablename__ = "certificate"
    __table_args__ = (
        UniqueConstraint("organization_id", "kind", "number"),
        CheckConstraint("valid_until >= valid_from", name="ends_after_it_begins"),
    )

    id: Mapped[Key]
    organization_id: Mapped[uuid.UUID] = reference("organization.id")
    kind: Mapped[CertificateKind] = enum_column(CertificateKind)
    number: Mapped[str] = mapped_column(String(60))
    valid_from: Mapped[date]
    valid_until: Mapped[date]


class ControlRelation(Created, Base):
    """`organization` is controlled by `controller`, or shares its legal representative.

    A controller that is not registered is named with its declared size.
    """

    __tablename__ = "control_relation"
    __table_args__ = (
        CheckConstraint("controller_id <> organization_id", name="not_itself"),
        CheckConstraint("(controller_id IS NULL) <> (controller_name = '')", name="registered_or_named"),
        Index(
            "uq_control_relation_pair",
            "organization_id",
            "controller_id",
            "kind",
            unique=True,
            postgresql_where=sql("controller_id IS NOT NULL"),
        ),
    )

    id: Mapped[Key]
    organization_id: Mapped[uuid.UUID] = reference("organization.id")
    controller_id: Mapped[uuid.UUID | None] = reference("organization.id", default=None)
    controller_name: Mapped[str] = mapped_column(String(200), default="", server_default="")
    controller_size: Mapped[SizeClass | None] = enum_column(SizeClass, default=None)
    kind: Mapped[ControlKind] = enum_column(ControlKind)

    organization: Mapped[Organization] = relationship(
        lazy="raise", foreign_keys=[organization_id], back_populates="controllers"
    )
    controller: Mapped[Organization | None] = relationship(lazy="raise", foreign_keys=[controller_id])


class Membership(Created, Base):
    __tablename__ = "membership"
    __table_args__ = (UniqueConstraint("organization_id", "person_id"),)

    id: Mapped[Key]
    organization_id: Mapped[uuid.UUID] = reference("organization.id")
    person_id: Mapped[uuid.UUID] = reference("person.id")
    role: Mapped[MembershipRole] = enum_column(MembershipRole)

    organization: Mapped[Organization] = relationship(lazy="raise", back_populates="memberships")
    person: Mapped[Person] = relationship(lazy="raise")


class Invitation(Created, Base):
    """An offer by mail to join an organization; the link carries a token of which only the hash is kept."""

    __tablename__ = "invitation"

    id: Mapped[Key]
    organization_id: Mapped[uuid.UUID] = reference("organization.id")
    email: Mapped[str] = mapped_column(String(254), index=True)
    role: Mapped[MembershipRole] = enum_column(MembershipRole)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    invited_by_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"))
    expires_at: Mapped[Moment]
    accepted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)

    organization: Mapped[Organization] = relationship(lazy="raise")
