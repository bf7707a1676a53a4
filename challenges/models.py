"""Programs, rounds, challenges, matches, bids, consortia and decisions."""

import uuid
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Numeric,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.accounts.models import Person
from core.database import (
    Base,
    Created,
    Flag,
    JsonArray,
    JsonObject,
    Key,
    LongText,
    ShortText,
    Updated,
    Wan,
    enum_column,
    reference,
)
from solvers.models import Organization, OrganizationKind, SizeClass


class AppliesTo(StrEnum):
    LARGE_LEAD = "large_lead"
    ALL = "all"


class ChallengeState(StrEnum):
    DRAFT = "draft"
    SUBMITTED = "submitted"
    RETURNED = "returned"
    PUBLISHED = "published"
    CLOSED = "closed"
    MATCH_PROPOSED = "match_proposed"
    AWARDED = "awarded"
    WITHDRAWN = "withdrawn"
    NO_AWARD = "no_award"


class NeedSource(StrEnum):
    """Where the need comes from (大企业技术创新需求表, 需求来源)."""

    PRODUCTION = "production"
    PRODUCT_UPGRADE = "product_upgrade"
    IMPORT_SUBSTITUTION = "import_substitution"
    SAFETY_ENVIRONMENT = "safety_environment"
    OTHER = "other"


class Cooperation(StrEnum):
    SHORT_TERM = "short_term"
    LONG_TERM = "long_term"


class MatchRunState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class BidState(StrEnum):
    DRAFT = "draft"
    SUBMITTED = "submitted"
    WITHDRAWN = "withdrawn"


class BidMemberState(StrEnum):
    INVITED = "invited"
    CONFIRMED = "confirmed"
    DECLINED = "declined"


class ConsortiumState(StrEnum):
    PROPOSED = "proposed"
    SUBMITTED = "submitted"
    RETURNED = "returned"
    APPROVED = "approved"
    REJECTED = "rejected"


class Outcome(StrEnum):
    APPROVED = "approved"
    RETURNED = "returned"
    REJECTED = "rejected"


class Program(Updated, Base):
    """A funding line of an authority. Only its officers act in it."""

    __tablename__ = "program"

    id: Mapped[Key]
    code: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[ShortText]
    authority: Mapped[ShortText]
    description: Mapped[LongText] = mapped_column(default="")
    # Who may post and bid. An empty list allows every kind or size.
    poster_sizes: Mapped[list[str]] = mapped_column(
        ARRAY(String(20)), default=list, server_default=sql("'{}'")
    )
    bidder_kinds: Mapped[list[str]] = mapped_column(
        ARRAY(String(30)), default=list, server_default=sql("'{}'")
    )
    field_codes: Mapped[list[str]] = mapped_column(ARRAY(String(4)), default=list, server_default=sql("'{}'"))
    min_bid_days: Mapped[int] = mapped_column(SmallInteger, default=20, server_default="20")
    notice_days: Mapped[int] = mapped_column(SmallInteger, default=5, server_default="5")
    is_open: Mapped[bool] = mapped_column(default=True, server_default=sql("true"))

    rules: Mapped[list["QuotaRule"]] = relationship(
        lazy="raise", back_populates="program", order_by="QuotaRule.version.desc()"
    )
    rounds: Mapped[list["Round"]] = relationship(
        lazy="raise", back_populates="program", order_by="Round.opens_on.desc()"
    )
    officers: Mapped[list["ProgramOfficer"]] = relationship(lazy="raise", cascade="all, delete-orphan")


class ProgramOfficer(Created, Base):
    __tablename__ = "program_officer"

    program_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("program.id", ondelete="CASCADE"), primary_key=True
    )
    person_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("person.id", ondelete="CASCADE"), primary_key=True, index=True
    )

    person: Mapped[Person] = relationship(lazy="raise")


class QuotaRule(Created, Base):
    """One version of a program's SME-participation rule; versions are added, never changed (a trigger refuses)."""

    __tablename__ = "quota_rule"
    __table_args__ = (
        UniqueConstraint("program_id", "version"),
        CheckConstraint(
            "min_sme_budget_share BETWEEN 0 AND 1 AND min_small_micro_share_of_sme BETWEEN 0 AND 1"
            " AND min_sme_member_share BETWEEN 0 AND 1",
            name="shares_between_0_and_1",
        ),
        CheckConstraint("min_sme_members >= 0 AND max_members >= 1", name="heads_plausible"),
    )

    id: Mapped[Key]
    program_id: Mapped[uuid.UUID] = reference("program.id")
    version: Mapped[int] = mapped_column(SmallInteger)
    effective_on: Mapped[date]
    applies_to: Mapped[AppliesTo] = enum_column(AppliesTo, default=AppliesTo.LARGE_LEAD)
    min_sme_budget_share: Mapped[Decimal | None] = mapped_column(Numeric(5, 4), default=None)
    min_small_micro_share_of_sme: Mapped[Decimal | None] = mapped_column(Numeric(5, 4), default=None)
    min_sme_members: Mapped[int | None] = mapped_column(SmallInteger, default=None)
    min_sme_member_share: Mapped[Decimal | None] = mapped_column(Numeric(5, 4), default=None)
    max_members: Mapped[int | None] = mapped_column(SmallInteger, default=None)
    note: Mapped[LongText] = mapped_column(default="")

    program: Mapped[Program] = relationship(lazy="raise", back_populates="rules")


class Round(Created, Base):
    """One published list of a program."""

    __tablename__ = "round"
    __table_args__ = (
        UniqueConstraint("program_id", "name"),
        CheckConstraint("closes_on >= opens_on", name="closes_after_it_opens"),
    )

    id: Mapped[Key]
    program_id: Mapped[uuid.UUID] = reference("program.id")
    name: Mapped[ShortText]
    # Needs may be submitted from `opens_on` to `closes_on`, days in Asia/Shanghai.
    opens_on: Mapped[date]
    closes_on: Mapped[date]

    program: Mapped[Program] = relationship(lazy="raise", back_populates="rounds")


class Challenge(Updated, Base):
    __tablename__ = "challenge"
    __table_args__ = (
        CheckConstraint("investment_wan >= 0 AND reward_wan >= 0", name="money_not_negative"),
        CheckConstraint("time_limit_months BETWEEN 1 AND 120", name="time_limit_plausible"),
        CheckConstraint(
            "state NOT IN ('published', 'closed', 'match_proposed', 'awarded')"
            " OR (published_at IS NOT NULL AND deadline_at IS NOT NULL AND round_id IS NOT NULL)",
            name="published_complete",
        ),
        Index("ix_challenge_state_deadline_at", "state", "deadline_at"),
    )

    id: Mapped[Key]
    organization_id: Mapped[uuid.UUID] = reference("organization.id")
    program_id: Mapped[uuid.UUID | None] = reference("program.id", ondelete="RESTRICT", default=None)
    round_id: Mapped[uuid.UUID | None] = reference("round.id", ondelete="RESTRICT", default=None)
    state: Mapped[ChallengeState] = enum_column(ChallengeState, default=ChallengeState.DRAFT)
    created_by_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("person.id", ondelete="SET NULL"), default=None
    )
    contact_name: Mapped[str] = mapped_column(String(100), default="", server_default="")
    contact_phone: Mapped[str] = mapped_column(String(40), default="", server_default="")
    contact_email: Mapped[str] = mapped_column(String(254), default="", server_default="")
    title: Mapped[str] = mapped_column(String(200), default="", server_default="")
    subfield_code: Mapped[str | None] = mapped_column(String(4), index=True, default=None)
    difficulty: Mapped[LongText] = mapped_column(default="")
    indicators: Mapped[LongText] = mapped_column(default="")
    content: Mapped[LongText] = mapped_column(default="")
    investment_wan: Mapped[Decimal | None] = mapped_column(Numeric(14, 2), default=None)
    reward_wan: Mapped[Decimal | None] = mapped_column(Numeric(14, 2), default=None)
    time_limit_months: Mapped[int | None] = mapped_column(SmallInteger, default=None)
    need_source: Mapped[NeedSource | None] = enum_column(NeedSource, default=None)
    cooperation: Mapped[Cooperation | None] = enum_column(Cooperation, default=None)
    conditions: Mapped[LongText] = mapped_column(default="")
    ip_terms: Mapped[LongText] = mapped_column(default="")
    benefit_terms: Mapped[LongText] = mapped_column(default="")
    # A restricted challenge (定向揭榜) exists for invited and certified organizations alone.
    is_public: Mapped[bool] = mapped_column(default=True, server_default=sql("true"))
    allowed_certificates: Mapped[list[str]] = mapped_column(
        ARRAY(String(20)), default=list, server_default=sql("'{}'")
    )
    deadline_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
    submitted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
    published_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
    # The officer's comments at a return, or the reason of a withdrawal.
    state_note: Mapped[LongText] = mapped_column(default="")
    # Rises at each save: a form that was opened before another save is told so, never overwrites it.
    revision: Mapped[int] = mapped_column(default=1, server_default="1")
    # Position in the order of changes of all challenges: an index reads on from the highest it knows.
    index_revision: Mapped[int] = mapped_column(BigInteger, index=True, default=0, server_default="0")
    # Written when saved: search and matching never tokenize a challenge again.
    tokens: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default=sql("'{}'"))

    organization: Mapped[Organization] = relationship(lazy="raise")
    program: Mapped[Program | None] = relationship(lazy="raise")
    round: Mapped[Round | None] = relationship(lazy="raise")
    requirements: Mapped[list["Requirement"]] = relationship(
        lazy="raise",
        cascade="all, delete-orphan",
        order_by="Requirement.position",
        back_populates="challenge",
    )
    invited: Mapped[list["InvitedSolver"]] = relationship(lazy="raise", cascade="all, delete-orphan")


class Requirement(Base):
    __tablename__ = "requirement"
    __table_args__ = (
        CheckConstraint("weight >= 0 AND budget_wan >= 0", name="not_negative"),
        UniqueConstraint("challenge_id", "position", deferrable=True, initially="DEFERRED"),
    )

    id: Mapped[Key]
    challenge_id: Mapped[uuid.UUID] = reference("challenge.id")
    position: Mapped[int] = mapped_column(SmallInteger)
    text: Mapped[LongText] = mapped_column(default="")
    target: Mapped[LongText] = mapped_column(default="")
    # Percentage points as typed; matching divides by their sum.
    weight: Mapped[Decimal | None] = mapped_column(Numeric(7, 4), default=None)
    budget_wan: Mapped[Decimal | None] = mapped_column(Numeric(14, 2), default=None)

    challenge: Mapped[Challenge] = relationship(lazy="raise", back_populates="requirements")


class InvitedSolver(Created, Base):
    """An organization that a restricted challenge is shown to."""

    __tablename__ = "invited_solver"

    challenge_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("challenge.id", ondelete="CASCADE"), primary_key=True
    )
    organization_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("organization.id", ondelete="CASCADE"), primary_key=True, index=True
    )

    organization: Mapped[Organization] = relationship(lazy="raise")


class SavedChallenge(Created, Base):
    __tablename__ = "saved_challenge"

    person_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("person.id", ondelete="CASCADE"), primary_key=True
    )
    challenge_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("challenge.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class MatchRun(Created, Base):
    """One computation of a challenge's ranking; the newest done one is shown."""

    __tablename__ = "match_run"
    __table_args__ = (Index("ix_match_run_challenge_id_created_at", "challenge_id", "created_at"),)

    id: Mapped[Key]
    challenge_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("challenge.id", ondelete="CASCADE"))
    state: Mapped[MatchRunState] = enum_column(MatchRunState, default=MatchRunState.QUEUED)
    progress: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    started_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
    failure: Mapped[LongText] = mapped_column(default="")
    # What it was computed from: solvers seen, tokenizer and index version.
    index_info: Mapped[JsonObject]

    matches: Mapped[list["Match"]] = relationship(lazy="raise", order_by="Match.rank", back_populates="run")


class Match(Base):
    """One ranked candidate. `terms` and `requirement_scores` hold the explanation: parts sum to the score."""

    __tablename__ = "match"
    __table_args__ = (
        UniqueConstraint("run_id", "organization_id"),
        UniqueConstraint("run_id", "rank"),
    )

    id: Mapped[Key]
    run_id: Mapped[uuid.UUID] = reference("match_run.id")
    organization_id: Mapped[uuid.UUID] = reference("organization.id")
    rank: Mapped[int]
    score: Mapped[float] = mapped_column(Float)
    requirement_scores: Mapped[JsonObject]  # requirement id -> score
    terms: Mapped[JsonArray]  # [[term, part], …]
    evidence: Mapped[JsonArray]  # [[evidence item id, part], …]

    run: Mapped[MatchRun] = relationship(lazy="raise", back_populates="matches")
    organization: Mapped[Organization] = relationship(lazy="raise")


class Bid(Updated, Base):
    """A sealed offer. Until the deadline nobody but the bidding organizations reads it, by any route."""

    __tablename__ = "bid"
    __table_args__ = (
        Index(
            "uq_bid_live",
            "challenge_id",
            "organization_id",
            unique=True,
            postgresql_where=sql("state <> 'withdrawn'"),
        ),
        CheckConstraint("state <> 'submitted' OR submitted_at IS NOT NULL", name="submitted_has_a_time"),
    )

    id: Mapped[Key]
    challenge_id: Mapped[uuid.UUID] = reference("challenge.id", ondelete="RESTRICT")
    # The lead; partners are members.
    organization_id: Mapped[uuid.UUID] = reference("organization.id", ondelete="RESTRICT")
    state: Mapped[BidState] = enum_column(BidState, default=BidState.DRAFT)
    technical_plan: Mapped[LongText] = mapped_column(default="")
    team: Mapped[LongText] = mapped_column(default="")
    ability: Mapped[LongText] = mapped_column(default="")
    timeline: Mapped[LongText] = mapped_column(default="")
    contact_name: Mapped[str] = mapped_column(String(100), default="", server_default="")
    contact_phone: Mapped[str] = mapped_column(String(40), default="", server_default="")
    submitted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
    created_by_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("person.id", ondelete="SET NULL"), default=None
    )
    revision: Mapped[int] = mapped_column(default=1, server_default="1")

    challenge: Mapped[Challenge] = relationship(lazy="raise")
    organization: Mapped[Organization] = relationship(lazy="raise")
    members: Mapped[list["BidMember"]] = relationship(
        lazy="raise", cascade="all, delete-orphan", back_populates="bid", order_by="BidMember.position"
    )


class BidMember(Created, Base):
    """The lead's and each partner's part of a bid. The lead's row is confirmed from the start."""

    __tablename__ = "bid_member"
    __table_args__ = (
        UniqueConstraint("bid_id", "organization_id"),
        CheckConstraint("budget_wan >= 0", name="budget_not_negative"),
    )

    id: Mapped[Key]
    bid_id: Mapped[uuid.UUID] = reference("bid.id")
    organization_id: Mapped[uuid.UUID] = reference("organization.id", ondelete="RESTRICT")
    position: Mapped[int] = mapped_column(SmallInteger)
    state: Mapped[BidMemberState] = enum_column(BidMemberState, default=BidMemberState.INVITED)
    role_text: Mapped[LongText] = mapped_column(default="")
    requirement_ids: Mapped[JsonArray]
    budget_wan: Mapped[Wan] = mapped_column(default=Decimal(0), server_default="0")
    answered_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)

    bid: Mapped[Bid] = relationship(lazy="raise", back_populates="members")
    organization: Mapped[Organization] = relationship(lazy="raise")


class Consortium(Updated, Base):
    """A lead and members with every requirement assigned, and the quota computation they were shown.

    A trigger refuses `approved` where the rule is broken, and any change of an approved one's members.
    """

    __tablename__ = "consortium"
    __table_args__ = (
        Index(
            "uq_consortium_open",
            "challenge_id",
            unique=True,
            postgresql_where=sql("state IN ('proposed', 'submitted', 'returned')"),
        ),
        CheckConstraint("state <> 'approved' OR rule_id IS NOT NULL", name="approved_under_a_rule"),
    )

    id: Mapped[Key]
    challenge_id: Mapped[uuid.UUID] = reference("challenge.id", ondelete="RESTRICT")
    state: Mapped[ConsortiumState] = enum_column(ConsortiumState, default=ConsortiumState.PROPOSED)
    lead_id: Mapped[uuid.UUID] = reference("organization.id", ondelete="RESTRICT")
    rule_id: Mapped[uuid.UUID | None] = reference("quota_rule.id", ondelete="RESTRICT", default=None)
    run_id: Mapped[uuid.UUID | None] = reference("match_run.id", ondelete="SET NULL", default=None)
    bid_id: Mapped[uuid.UUID | None] = reference("bid.id", ondelete="SET NULL", default=None)
    objective: Mapped[float | None] = mapped_column(Float, default=None)
    # The solver's answer: status, bound, conflict, alternatives; frozen with the decision.
    computation: Mapped[JsonObject]
    note: Mapped[LongText] = mapped_column(default="")
    submitted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
    submitted_by_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("person.id", ondelete="SET NULL"), default=None
    )
    revision: Mapped[int] = mapped_column(default=1, server_default="1")

    challenge: Mapped[Challenge] = relationship(lazy="raise")
    lead: Mapped[Organization] = relationship(lazy="raise")
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
