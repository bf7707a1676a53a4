"""A contract with what its reader may know and do: how every use case begins."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.consortia.policies import has_interest
from challenges.contracts import policies, queries
from challenges.contracts.content import TaskBook
from challenges.contracts.models import Contract, ContractVersion, PartyRole
from challenges.postings.models import Challenge
from challenges.postings.policies import is_officer_in_charge
from challenges.postings.queries import challenge_by_id
from core.actor import Actor
from core.errors import ForbiddenError, NotFoundError
from core.i18n import lazy_gettext as _
from core.notifications.kinds import Kind
from core.notifications.service import notify
from solvers.organizations import queries as organization_queries


@dataclass(frozen=True)
class Standing:
    """`members`: organizations of the team that have not left it."""

    contract: Contract
    members: frozenset[uuid.UUID]

    @property
    def challenge(self) -> Challenge:
        return self.contract.challenge

    def role_of(self, organization_id: uuid.UUID | None) -> PartyRole | None:
        if organization_id == self.challenge.organization_id:
            return PartyRole.POSTER
        if organization_id not in self.members:
            return None
        return PartyRole.LEAD if organization_id == self.contract.consortium.lead_id else PartyRole.MEMBER

    @property
    def party_ids(self) -> frozenset[uuid.UUID]:
        return self.members | {self.challenge.organization_id}

    def missing(self, version: ContractVersion) -> frozenset[uuid.UUID]:
        """Parties that have not signed a version."""
        return self.party_ids - policies.signed_ids(version)

    def name_of(self, organization_id: uuid.UUID) -> str:
        if organization_id == self.challenge.organization_id:
            return self.challenge.organization.name
        return next(
            (
                member.organization.name
                for member in self.contract.consortium.members
                if member.organization_id == organization_id
            ),
            "",
        )


async def read_contract(
    session: AsyncSession, actor: Actor, contract_id: uuid.UUID, *, lock: bool = False
) -> Standing:
    """A contract that the actor may see; for everybody else it does not exist. `lock` holds challenge and contract."""
    if lock and (challenge_id := await queries.challenge_id_of(session, contract_id)) is not None:
        await challenge_by_id(session, challenge_id, lock=True)
    contract = await queries.contract_by_id(session, contract_id, lock=lock)
    if contract is None:
        raise NotFoundError(_("There is no such contract."))
    standing = Standing(contract, await queries.member_ids(session, contract.consortium_id))
    if not policies.may_see_contract(actor, contract, standing.members):
        raise NotFoundError(_("There is no such contract."))
    return standing


async def require_officer(session: AsyncSession, actor: Actor, standing: Standing) -> None:
    """An officer of the program who belongs neither to a member of the team nor to the poster."""
    own = await organization_queries.organization_ids_of(session, actor.person_id)
    if not is_officer_in_charge(actor, standing.challenge) or has_interest(
        own, standing.challenge, standing.contract.consortium
    ):
        raise ForbiddenError(_("This takes an officer of the program without an interest."))


def book_of(version: ContractVersion) -> TaskBook:
    return TaskBook.from_json(version.content)


async def tell(
    session: AsyncSession,
    actor: Actor,
    kind: Kind,
    standing: Standing,
    event: str,
    organizations: Iterable[uuid.UUID] = (),
    *,
    officers: bool = False,
    **texts: str,
) -> None:
    """Tell people of these organizations, and the officers if so, once for `event`; never who has just done it."""
    people = await organization_queries.editor_ids(session, *organizations)
    if officers:
        people |= (
            {item.person_id for item in standing.challenge.program.officers}
            if standing.challenge.program
            else set()
        )
    await notify(
        session,
        f"{kind.name}:{standing.contract.id}:{event}",
        kind,
        people - {actor.person_id},
        standing.contract,
        {"title": standing.challenge.title, **texts},
    )
