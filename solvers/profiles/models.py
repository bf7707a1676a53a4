"""Capability profiles and their evidence items."""

import uuid
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    SmallInteger,
    String,
    Text,
)
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.database import (
    Base,
    Key,
    LongText,
    ShortText,
    Updated,
    enum_column,
    reference,
    tokenizer_column,
)
from solvers.organizations.models import Organization


class EvidenceKind(StrEnum):
    CAPABILITY = "capability"
    PATENT = "patent"
    PAPER = "paper"
    PROJECT = "project"
    PRODUCT = "product"
    EQUIPMENT = "equipment"
    STANDARD = "standard"


class Visibility(StrEnum):
    """Who may read a profile: everybody, verified organizations, or the matcher and officers alone."""

    PUBLIC = "public"
    VERIFIED = "verified"
    MATCHER = "matcher"


class CapabilityProfile(Updated, Base):
    __tablename__ = "capability_profile"

    id: Mapped[Key]
    organization_id: Mapped[uuid.UUID] = reference("organization.id", unique=True)
    summary: Mapped[LongText] = mapped_column(default="")
    team: Mapped[LongText] = mapped_column(default="")
    keywords: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default=sql("'{}'"))
    subfield_codes: Mapped[list[str]] = mapped_column(
        ARRAY(String(4)), default=list, server_default=sql("'{}'")
    )
    visibility: Mapped[Visibility] = enum_column(Visibility, default=Visibility.PUBLIC)
    # Position in the order of changes of all profiles: an index reads on from the highest it knows.
    index_revision: Mapped[int] = mapped_column(BigInteger, index=True, default=0, server_default="0")
    # Tokens of the summary, team and keywords, written when saved: an index never tokenizes again.
    tokens: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default=sql("'{}'"))
    # What made the tokens: those of another tokenizer are made again, never mixed in.
    tokenizer: Mapped[str] = tokenizer_column()

    organization: Mapped[Organization] = relationship(lazy="raise", back_populates="profile")
    evidence: Mapped[list["EvidenceItem"]] = relationship(
        lazy="raise",
        cascade="all, delete-orphan",
        back_populates="profile",
        order_by="(EvidenceItem.year.desc().nulls_last(), EvidenceItem.created_at, EvidenceItem.id)",
    )


class EvidenceItem(Updated, Base):
    __tablename__ = "evidence_item"
    __table_args__ = (CheckConstraint("year BETWEEN 1950 AND 2100", name="year_plausible"),)

    id: Mapped[Key]
    profile_id: Mapped[uuid.UUID] = reference("capability_profile.id")
    kind: Mapped[EvidenceKind] = enum_column(EvidenceKind)
    title: Mapped[ShortText]
    text: Mapped[LongText] = mapped_column(default="")
    year: Mapped[int | None] = mapped_column(SmallInteger, default=None)
    keywords: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default=sql("'{}'"))
    tokens: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default=sql("'{}'"))
    tokenizer: Mapped[str] = tokenizer_column()

    profile: Mapped[CapabilityProfile] = relationship(lazy="raise", back_populates="evidence")
