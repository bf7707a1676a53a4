"""Who is acting: handed to every use case and policy."""

import uuid
from dataclasses import dataclass, field

from core.accounts.models import PlatformRole


@dataclass(frozen=True, kw_only=True)
class Actor:
    """A person in one request, acting for at most one organization.

    `organization_role` is the membership's role (owner, editor, viewer) in `organization_id`.
    """

    person_id: uuid.UUID | None = None
    name: str = ""
    email: str = ""
    roles: frozenset[PlatformRole] = field(default_factory=frozenset)
    organization_id: uuid.UUID | None = None
    organization_name: str = ""
    organization_role: str | None = None
    organization_verified: bool = False
    login_id: uuid.UUID | None = None
    address: str = ""

    @property
    def is_anonymous(self) -> bool:
        return self.person_id is None

    @property
    def is_officer(self) -> bool:
        return PlatformRole.OFFICER in self.roles

    @property
    def is_administrator(self) -> bool:
        return PlatformRole.ADMINISTRATOR in self.roles

    @property
    def is_reviewer(self) -> bool:
        return PlatformRole.REVIEWER in self.roles

    @property
    def may_edit_for_organization(self) -> bool:
        return self.organization_id is not None and self.organization_role in {"owner", "editor"}

    @property
    def is_owner(self) -> bool:
        return self.organization_id is not None and self.organization_role == "owner"

    def acts_for(self, organization_id: uuid.UUID) -> bool:
        return self.organization_id == organization_id


ANONYMOUS = Actor()
SYSTEM = Actor(name="system")
