"""Consortia, their members and the officers' decisions."""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    DateTime,
    Float,
    ForeignKey,
    Index,
    SmallInteger,
    String,
    UniqueConstraint,
)
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from challenges.postings.models import Challenge
from challenges.programs.models import QuotaRule
from core.accounts.models import Person
from core.database import (
    Base,
    Flag,
    JsonArray,
    JsonObject,
    Key,
    LongText,
    Moment,
    Updated,
    Wan,
    enum_column,
    reference,
)
from solvers.organizations.models import Organization, OrganizationKind, SizeClass


class ConsortiumState(StrEnum):
    PROPOSED = "proposed"
    SUBMITTED = "submitted"
    RETURNED = "returned"
    APPROVED = "approved"
    REJECTED = "rejected"
    # Was approved; members have changed since, and another one takes its place.
    SUPERSEDED = "superseded"
    # Its challenge was withdrawn before it was decided.
    DROPPED = "dropped"
    # The poster has named another winner before an officer had approved this one.
    WITHDRAWN = "withdrawn"


class Settlement(StrEnum):
    """How a recheck of the quota ended."""

    KEPT = "kept"
    SUPERSEDED = "superseded"
    ENDED = "ended"
    # Things changed once more before it was settled: a newer recheck tells.
    FOUND_ANEW = "found_anew"


class Outcome(StrEnum):
    APPROVED = "approved"
    RETURNED = "returned"
    REJECTED = "rejected"


class Consortium(Updated, Base):
    """A lead and members with every requirement assigned, and the quota computation they were shown.

    A trigger refuses `approved` where the rule is broken, and any change of an approved one's members.
    """

    __tablename__ = "consortium"
    __table_args__ = (
        Index(
            "uq_consortium_team",
            "challenge_id",
            "team",
            unique=True,
            postgresql_where=sql("state IN ('proposed', 'submitted', 'returned', 'approved')"),
        ),
        CheckConstraint("team BETWEEN 1 AND 3", name="team_plausible"),
        CheckConstraint("state <> 'approved' OR rule_id IS NOT NULL", name="approved_under_a_rule"),
        CheckConstraint(
            "state IN ('proposed', 'returned', 'withdrawn', 'dropped') OR lead_id IS NOT NULL",
            name="submitted_has_a_lead",
        ),
    )

    id: Mapped[Key]
    challenge_id: Mapped[uuid.UUID] = reference("challenge.id", ondelete="RESTRICT")
    # Of up to three winners of one challenge; free again for another once this one is rejected or gives way.
    team: Mapped[int] = mapped_column(SmallInteger, default=1, server_default="1")
    state: Mapped[ConsortiumState] = enum_column(ConsortiumState, default=ConsortiumState.PROPOSED)
    # None while the solver works, where it finds nothing, and where the lead was taken out by hand.
    lead_id: Mapped[uuid.UUID | None] = reference("organization.id", ondelete="RESTRICT", default=None)
    rule_id: Mapped[uuid.UUID | None] = reference("quota_rule.id", ondelete="RESTRICT", default=None)
    run_id: Mapped[uuid.UUID | None] = reference("match_run.id", ondelete="SET NULL", default=None)
    bid_id: Mapped[uuid.UUID | None] = reference("bid.id", ondelete="SET NULL", default=None)
    objective: Mapped[float | None] = mapped_column(Float, default=None)
    # What the solver was asked and answered, and the control relations that the quota was computed with.
    computation: Mapped[JsonObject]
    note: Mapped[LongText] = mapped_column(default="")
    submitted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
    submitted_by_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("person.id", ondelete="SET NULL"), default=None
    )
    revision: Mapped[int] = mapped_column(default=1, server_default="1")
    # Digest of sizes, verification, control relations and departures at the approval, written by a trigger (SQL
    # function consortium_facts).
    approved_facts: Mapped[str | None] = mapped_column(String(32), default=None)

    challenge: Mapped[Challenge] = relationship(lazy="raise")
    lead: Mapped[Organization | None] = relationship(lazy="raise")
    rule: Mapped[QuotaRule | None] = relationship(lazy="raise")
    members: Mapped[list["ConsortiumMember"]] = relationship(
        lazy="raise",
        cascade="all, delete-orphan",
        back_populates="consortium",
        order_by="ConsortiumMember.position",
    )
    decisions: Mapped[list["Decision"]] = relationship(
        lazy="raise", back_populates="consortium", order_by="Decision.decided_at.desc()"
    )
    waivers: Mapped[list["Waiver"]] = relationship(
        lazy="raise", back_populates="consortium", order_by="Waiver.requested_at.desc()"
    )


class ConsortiumMember(Base):
    """A member with what the quota looks at, frozen when it was computed, and the requirements it answers for."""

    __tablename__ = "consortium_member"
    __table_args__ = (
        UniqueConstraint("consortium_id", "organization_id"),
        CheckConstraint("budget_wan >= 0", name="budget_not_negative"),
        CheckConstraint("counted_sme = false OR kind = 'enterprise'", name="only_enterprises_count"),
    )

    id: Mapped[Key]
    consortium_id: Mapped[uuid.UUID] = reference("consortium.id")
    organization_id: Mapped[uuid.UUID] = reference("organization.id", ondelete="RESTRICT")
    position: Mapped[int] = mapped_column(SmallInteger)
    kind: Mapped[OrganizationKind] = enum_column(OrganizationKind)
    size_class: Mapped[SizeClass | None] = enum_column(SizeClass, default=None)
    counted_sme: Mapped[Flag]
    # Why an SME is not counted: a code of matching.quota, empty where it is.
    not_counted_reason: Mapped[str] = mapped_column(String(60), default="", server_default="")
    budget_wan: Mapped[Wan]
    requirement_ids: Mapped[JsonArray]
    requirement_scores: Mapped[JsonObject]

    consortium: Mapped[Consortium] = relationship(lazy="raise", back_populates="members")
    organization: Mapped[Organization] = relationship(lazy="raise")


class Decision(Base):
    """An officer's decision on a consortium, with the rule's version and the computation it rests on.

    Rows are never changed or deleted (a trigger refuses).
    """

    __tablename__ = "decision"
    __table_args__ = (CheckConstraint("outcome = 'approved' OR reason <> ''", name="refusals_have_a_reason"),)

    id: Mapped[Key]
    consortium_id: Mapped[uuid.UUID] = reference("consortium.id", ondelete="RESTRICT")
    outcome: Mapped[Outcome] = enum_column(Outcome)
    reason: Mapped[LongText] = mapped_column(default="")
    officer_id: Mapped[uuid.UUID] = reference("person.id", ondelete="RESTRICT")
    rule_id: Mapped[uuid.UUID | None] = reference("quota_rule.id", ondelete="RESTRICT", default=None)
    decided_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    # Frozen: members, sizes, control relations, scores, rule, quota computation line by line.
    inputs: Mapped[dict[str, Any]] = mapped_column(JSONB)
    quota: Mapped[dict[str, Any]] = mapped_column(JSONB)

    consortium: Mapped[Consortium] = relationship(lazy="raise", back_populates="decisions")
    officer: Mapped[Person] = relationship(lazy="raise")
    rule: Mapped[QuotaRule | None] = relationship(lazy="raise")


class Waiver(Base):
    """A first officer's request to approve one revision of a consortium though it breaks the named parts of the quota.

    Rows are never changed or deleted. A trigger checks officer, revision and parts, and writes `content`, a digest of
    lead, members and money: whatever changes in them, the waiver is for another consortium.
    """

    __tablename__ = "waiver"
    __table_args__ = (
        UniqueConstraint("consortium_id", "consortium_revision"),
        CheckConstraint("reason <> ''", name="has_a_reason"),
        CheckConstraint("cardinality(parts) > 0", name="names_parts"),
    )

    id: Mapped[Key]
    consortium_id: Mapped[uuid.UUID] = reference("consortium.id", ondelete="RESTRICT")
    consortium_revision: Mapped[int]
    # Names of matching.quota parts.
    parts: Mapped[list[str]] = mapped_column(ARRAY(String(40)))
    reason: Mapped[LongText]
    requested_by_id: Mapped[uuid.UUID] = reference("person.id", ondelete="RESTRICT")
    requested_at: Mapped[Moment]
    content: Mapped[str] = mapped_column(String(32), default="", server_default="")

    consortium: Mapped[Consortium] = relationship(lazy="raise", back_populates="waivers")
    requested_by: Mapped[Person] = relationship(lazy="raise")
    answer: Mapped["WaiverAnswer | None"] = relationship(lazy="raise", back_populates="waiver")


class WaiverAnswer(Base):
    """What the second officer says to a waiver. Never changed or deleted; a trigger refuses the first officer."""

    __tablename__ = "waiver_answer"
    __table_args__ = (CheckConstraint("is_confirmed OR reason <> ''", name="refusals_have_a_reason"),)

    waiver_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("waiver.id", ondelete="RESTRICT"), primary_key=True
    )
    is_confirmed: Mapped[bool]
    reason: Mapped[LongText] = mapped_column(default="")
    officer_id: Mapped[uuid.UUID] = reference("person.id", ondelete="RESTRICT")
    answered_at: Mapped[Moment]

    waiver: Mapped[Waiver] = relationship(lazy="raise", back_populates="answer")
    officer: Mapped[Person] = relationship(lazy="raise")


class MemberDeparture(Base):
    """A member has left an approved consortium. Never changed or deleted."""

    __tablename__ = "member_departure"
    __table_args__ = (CheckConstraint("reason <> ''", name="has_a_reason"),)

    consortium_id: Mapped[uuid.UUID] = reference("consortium.id", ondelete="RESTRICT", primary_key=True)
    organization_id: Mapped[uuid.UUID] = reference("organization.id", ondelete="RESTRICT", primary_key=True)
    left_at: Mapped[Moment]
    reason: Mapped[LongText]
    person_id: Mapped[uuid.UUID] = reference("person.id", ondelete="RESTRICT")


class QuotaRecheck(Base):
    """What was found when members of an approved consortium had changed, and how an officer settled it, once.

    While one is unsettled a trigger refuses to take the challenge on to its contract.
    """

    __tablename__ = "quota_recheck"
    __table_args__ = (
        Index(
            "uq_quota_recheck_unsettled",
            "consortium_id",
            unique=True,
            postgresql_where=sql("settled_at IS NULL"),
        ),
        CheckConstraint("settlement <> 'kept' OR holds", name="kept_holds"),
        CheckConstraint("(settled_at IS NULL) = (settlement IS NULL)", name="settled_somehow"),
        CheckConstraint(
            "settlement IS NULL OR settlement = 'found_anew' OR reason <> '' AND settled_by_id IS NOT NULL",
            name="settled_with_a_reason",
        ),
    )

    id: Mapped[Key]
    consortium_id: Mapped[uuid.UUID] = reference("consortium.id", ondelete="RESTRICT")
    found_at: Mapped[Moment]
    # [{"organization", "name", "what", "before", "after"}]
    changes: Mapped[JsonArray]
    # As Decision.quota, of the members that remain.
    quota: Mapped[JsonObject]
    holds: Mapped[bool]
    # Digest of what it looked at, written by a trigger.
    facts: Mapped[str] = mapped_column(String(32), default="", server_default="")
    settled_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
    settled_by_id: Mapped[uuid.UUID | None] = reference("person.id", ondelete="RESTRICT", default=None)
    settlement: Mapped[Settlement | None] = enum_column(Settlement, default=None)
    reason: Mapped[LongText] = mapped_column(default="")

    consortium: Mapped[Consortium] = relationship(lazy="raise")
    settled_by: Mapped[Person | None] = relationship(lazy="raise")
