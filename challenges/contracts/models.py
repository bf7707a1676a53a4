"""Contracts (任务书、军令状): one per awarded team, in versions that each party signs."""

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, DateTime, Index, SmallInteger, String, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column, relationship

from challenges.consortia.models import Consortium
from challenges.postings.models import Challenge
from core.accounts.models import Person
from core.attachments import Attachment
from core.database import Base, Created, JsonObject, Key, LongText, Moment, Updated, enum_column, reference
from solvers.organizations.models import Organization


class ContractState(StrEnum):
    DRAFT = "draft"
    OFFERED = "offered"
    SIGNED = "signed"
    COMPLETED = "completed"
    FAILED = "failed"
    TERMINATED = "terminated"
    # Left the horse race at a stage review.
    ELIMINATED = "eliminated"


class VersionState(StrEnum):
    DRAFT = "draft"
    OFFERED = "offered"
    SIGNED = "signed"
    # A later one was signed by all.
    REPLACED = "replaced"
    GIVEN_UP = "given_up"


class PartyRole(StrEnum):
    POSTER = "poster"
    LEAD = "lead"
    MEMBER = "member"


class Contract(Updated, Base):
    """What one awarded team promises. A trigger refuses to eliminate the last team of a challenge."""

    __tablename__ = "contract"
    __table_args__ = (
        UniqueConstraint("challenge_id", "team_number"),
        CheckConstraint("team_number >= 1", name="team_number_counts"),
        CheckConstraint(
            "state NOT IN ('signed', 'completed', 'failed', 'eliminated') OR signed_at IS NOT NULL",
            name="signed_has_a_time",
        ),
    )

    id: Mapped[Key]
    challenge_id: Mapped[uuid.UUID] = reference("challenge.id", ondelete="RESTRICT")
    consortium_id: Mapped[uuid.UUID] = reference("consortium.id", ondelete="RESTRICT", unique=True)
    team_number: Mapped[int] = mapped_column(SmallInteger)
    state: Mapped[ContractState] = enum_column(ContractState, default=ContractState.DRAFT)
    # Why changes were asked for, or why it ended.
    state_note: Mapped[LongText] = mapped_column(default="")
    # Until when all parties are to have signed, by the program's clock.
    sign_by: Mapped[Moment]
    # When everybody was told that it was not.
    overdue_told_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
    signed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
    # When the work begins; known once it is signed.
    begins_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)

    challenge: Mapped[Challenge] = relationship(lazy="raise")
    consortium: Mapped[Consortium] = relationship(lazy="raise")
    versions: Mapped[list["ContractVersion"]] = relationship(
        lazy="raise", back_populates="contract", order_by="ContractVersion.number"
    )


class ContractVersion(Updated, Base):
    """One text of a contract. Once offered it is fixed, and named by the SHA-256 of its PDF (a trigger refuses)."""

    __tablename__ = "contract_version"
    __table_args__ = (
        UniqueConstraint("contract_id", "number"),
        Index(
            "uq_contract_version_open",
            "contract_id",
            unique=True,
            postgresql_where=sql("state IN ('draft', 'offered')"),
        ),
        CheckConstraint(
            "state NOT IN ('offered', 'signed', 'replaced')"
            " OR (sha256 <> '' AND document_id IS NOT NULL AND offered_at IS NOT NULL)",
            name="offered_has_a_document",
        ),
        CheckConstraint("number = 1 OR reason <> ''", name="amendment_has_a_reason"),
    )

    id: Mapped[Key]
    contract_id: Mapped[uuid.UUID] = reference("contract.id", ondelete="RESTRICT")
    number: Mapped[int] = mapped_column(SmallInteger)
    state: Mapped[VersionState] = enum_column(VersionState, default=VersionState.DRAFT)
    # What a party asked to be changed when it was offered last.
    state_note: Mapped[LongText] = mapped_column(default="")
    # Why the contract is amended; empty in the first version.
    reason: Mapped[LongText] = mapped_column(default="")
    # challenges.contracts.content.TaskBook
    content: Mapped[JsonObject]
    document_id: Mapped[uuid.UUID | None] = reference("attachment.id", ondelete="RESTRICT", default=None)
    sha256: Mapped[str] = mapped_column(String(64), default="", server_default="")
    offered_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
    signed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
    # Rises at each save: a form opened before another save is told so.
    revision: Mapped[int] = mapped_column(default=1, server_default="1")

    contract: Mapped[Contract] = relationship(lazy="raise_on_sql", back_populates="versions")
    document: Mapped[Attachment | None] = relationship(lazy="raise")
    signatures: Mapped[list["ContractSignature"]] = relationship(
        lazy="raise", back_populates="version", order_by="ContractSignature.signed_at"
    )


class ContractSignature(Created, Base):
    """A party's signature: the signed copy, and the SHA-256 that the party has confirmed. Never changed or deleted.

    A trigger takes it for an offered version alone, with the SHA-256 of its document. When a party asks for changes
    the version goes back, and what was signed before counts no more (`is_void`).
    """

    __tablename__ = "contract_signature"
    __table_args__ = (
        Index(
            "uq_contract_signature_valid",
            "version_id",
            "organization_id",
            unique=True,
            postgresql_where=sql("NOT is_void"),
        ),
    )

    id: Mapped[Key]
    version_id: Mapped[uuid.UUID] = reference("contract_version.id", ondelete="RESTRICT")
    organization_id: Mapped[uuid.UUID] = reference("organization.id", ondelete="RESTRICT")
    role: Mapped[PartyRole] = enum_column(PartyRole)
    sha256: Mapped[str] = mapped_column(String(64))
    copy_id: Mapped[uuid.UUID] = reference("attachment.id", ondelete="RESTRICT")
    person_id: Mapped[uuid.UUID] = reference("person.id", ondelete="RESTRICT")
    signed_at: Mapped[Moment]
    is_void: Mapped[bool] = mapped_column(default=False, server_default=sql("false"))

    version: Mapped[ContractVersion] = relationship(lazy="raise_on_sql", back_populates="signatures")
    organization: Mapped[Organization] = relationship(lazy="raise")
    signed_copy: Mapped[Attachment] = relationship(lazy="raise")
    person: Mapped[Person] = relationship(lazy="raise")
