"""The life of a contract, and of each of its versions."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.consortia.models import Consortium
from challenges.contracts.models import Contract, ContractState, ContractVersion, VersionState
from challenges.contracts.queries import member_ids
from challenges.postings.models import Challenge
from challenges.postings.states import present_roles
from core.actor import Actor
from core.states import Machine, Role, Transition

DRAFT, OFFERED, SIGNED = ContractState.DRAFT, ContractState.OFFERED, ContractState.SIGNED
COMPLETED, FAILED = ContractState.COMPLETED, ContractState.FAILED
TERMINATED, ELIMINATED = ContractState.TERMINATED, ContractState.ELIMINATED
POSTER = frozenset({Role.POSTER})
OFFICER = frozenset({Role.OFFICER})
POSTER_OR_OFFICER = frozenset({Role.POSTER, Role.OFFICER})
OFFICER_OR_SYSTEM = frozenset({Role.OFFICER, Role.SYSTEM})
WHOEVER_ENDS = frozenset({Role.POSTER, Role.OFFICER, Role.SYSTEM})
# Whoever signs last, or asks for a change.
PARTIES = frozenset({Role.POSTER, Role.TEAM, Role.MEMBER})


def _stamp_signing(contract: Contract, now: datetime) -> None:
    contract.signed_at = now


def _stamp_end(contract: Contract, now: datetime) -> None:
    contract.ended_at = now


async def roles_in(session: AsyncSession, actor: Actor, contract: Contract) -> frozenset[Role]:
    """The parts an actor plays in a contract now; of a team's members only those that have not left count."""
    challenge = await session.get_one(Challenge, contract.challenge_id)
    roles = set(await present_roles(session, actor, challenge))
    if actor.may_edit_for_organization:
        consortium = await session.get_one(Consortium, contract.consortium_id)
        if consortium.lead_id is not None and actor.acts_for(consortium.lead_id):
            roles.add(Role.TEAM)
        elif actor.organization_id in await member_ids(session, consortium.id):
            roles.add(Role.MEMBER)
    return frozenset(roles)


CONTRACT = Machine[Contract, ContractState](
    noun="contract",
    states=ContractState,
    initial=DRAFT,
    transitions=(
        Transition(DRAFT, OFFERED, POSTER, "contract.offered"),
        Transition(OFFERED, DRAFT, PARTIES, "contract.changes_asked", needs_note=True),
        # By the last signature; the database refuses while one is missing.
        Transition(OFFERED, SIGNED, PARTIES, "contract.signed", effect=_stamp_signing),
        # A team that does not sign is dropped; time closes what rests on an award that does not stand any more.
        Transition(
            DRAFT, TERMINATED, OFFICER_OR_SYSTEM, "contract.dropped", needs_note=True, effect=_stamp_end
        ),
        Transition(
            OFFERED, TERMINATED, OFFICER_OR_SYSTEM, "contract.dropped", needs_note=True, effect=_stamp_end
        ),
        Transition(SIGNED, COMPLETED, OFFICER, "contract.completed", effect=_stamp_end),
        Transition(SIGNED, FAILED, OFFICER, "contract.failed", needs_note=True, effect=_stamp_end),
        Transition(SIGNED, ELIMINATED, OFFICER, "contract.eliminated", needs_note=True, effect=_stamp_end),
        Transition(
            SIGNED,
            TERMINATED,
            POSTER_OR_OFFICER,
            "contract.terminated",
            needs_note=True,
            effect=_stamp_end,
        ),
    ),
    roles_of=roles_in,
    locked=("state", "challenge_id", "consortium_id"),
    note_column="state_note",
)


def _stamp_version(version: ContractVersion, now: datetime) -> None:
    version.signed_at = now


async def _roles_in_version(session: AsyncSession, actor: Actor, version: ContractVersion) -> frozenset[Role]:
    return await roles_in(session, actor, await session.get_one(Contract, version.contract_id))


VERSION = Machine[ContractVersion, VersionState](
    noun="contract_version",
    states=VersionState,
    initial=VersionState.DRAFT,
    transitions=(
        Transition(VersionState.DRAFT, VersionState.OFFERED, POSTER, "contract.version_offered"),
        Transition(
            VersionState.OFFERED,
            VersionState.DRAFT,
            PARTIES,
            "contract.version_changes_asked",
            needs_note=True,
        ),
        Transition(
            VersionState.OFFERED,
            VersionState.SIGNED,
            PARTIES,
            "contract.version_signed",
            effect=_stamp_version,
        ),
        # By the last signature under the next one.
        Transition(VersionState.SIGNED, VersionState.REPLACED, PARTIES, "contract.version_replaced"),
        # An amendment that is given up, or a text whose contract has ended.
        Transition(VersionState.DRAFT, VersionState.GIVEN_UP, WHOEVER_ENDS, "contract.version_given_up"),
        Transition(VersionState.OFFERED, VersionState.GIVEN_UP, WHOEVER_ENDS, "contract.version_given_up"),
    ),
    roles_of=_roles_in_version,
    locked=("state", "contract_id"),
    note_column="state_note",
)
