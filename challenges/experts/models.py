"""The expert base: who may be appointed to a panel, what they know, and whom they work or have worked for."""

import uuid

from sqlalchemy import CheckConstraint, ForeignKey, SmallInteger, String
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.accounts.models import Person
from core.database import Base, Flag, Key, LongText, Updated, reference
from solvers.organizations.models import Organization


class Expert(Updated, Base):
    """A person with the reviewer's role. The employer is an organization that is registered, or a name."""

    __tablename__ = "expert"
    __table_args__ = (
        CheckConstraint("organization_id IS NOT NULL OR organization_name <> ''", name="has_an_employer"),
    )

    id: Mapped[Key]
    person_id: Mapped[uuid.UUID] = reference("person.id", ondelete="RESTRICT", unique=True)
    organization_id: Mapped[uuid.UUID | None] = reference(
        "organization.id", ondelete="RESTRICT", default=None
    )
    # What the employer is called; of a registered one as it was typed.
    organization_name: Mapped[str] = mapped_column(String(200), default="", server_default="")
    title: Mapped[str] = mapped_column(String(100), default="", server_default="")
    # Subfields of technology.
    fields: Mapped[list[str]] = mapped_column(ARRAY(String(4)), default=list, server_default=sql("'{}'"))
    strengths: Mapped[LongText] = mapped_column(default="")
    # Of an enterprise: panels need a share of them.
    is_enterprise: Mapped[Flag]
    is_active: Mapped[bool] = mapped_column(default=True, server_default=sql("true"))
    created_by_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("person.id", ondelete="SET NULL"), default=None
    )
    revision: Mapped[int] = mapped_column(default=1, server_default="1")

    person: Mapped[Person] = relationship(lazy="raise", foreign_keys=[person_id])
    organization: Mapped[Organization | None] = relationship(lazy="raise")
    past_employers: Mapped[list["PastEmployer"]] = relationship(
        lazy="raise", cascade="all, delete-orphan", order_by="PastEmployer.until_year.desc()"
    )

    @property
    def employer(self) -> str:
        return self.organization.name if self.organization is not None else self.organization_name


class PastEmployer(Base):
    """Whom an expert has worked for until some year."""

    __tablename__ = "past_employer"
    __table_args__ = (
        CheckConstraint("organization_id IS NOT NULL OR organization_name <> ''", name="is_somebody"),
        CheckConstraint("until_year BETWEEN 1950 AND 2100", name="year_plausible"),
    )

    id: Mapped[Key]
    expert_id: Mapped[uuid.UUID] = reference("expert.id")
    organization_id: Mapped[uuid.UUID | None] = reference(
        "organization.id", ondelete="RESTRICT", default=None
    )
    organization_name: Mapped[str] = mapped_column(String(200), default="", server_default="")
    until_year: Mapped[int] = mapped_column(SmallInteger)
