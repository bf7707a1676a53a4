"""Who may see, write, sign and end a contract.

Pure: contracts come as `queries.contract_by_id` loads them. `members`: the team's organizations that have not left.
"""

import uuid
from collections.abc import Collection

from challenges.contracts.models import Contract, ContractState, ContractVersion, VersionState
from challenges.postings.models import Challenge, ChallengeState
from challenges.postings.policies import is_officer_in_charge, is_poster, is_poster_editor
from core.actor import Actor

# The way of a challenge from the moment contracts are made.
UNDER_CONTRACT = frozenset(
    {
        ChallengeState.IN_NOTICE,
        ChallengeState.CONTRACTED,
        ChallengeState.IN_PROGRESS,
        ChallengeState.ACCEPTED,
        ChallengeState.FAILED,
    }
)
# What is still to be signed, carried out or judged.
OPEN = frozenset({ContractState.DRAFT, ContractState.OFFERED, ContractState.SIGNED})
# What has once been shown to all parties.
SHOWN = frozenset({VersionState.OFFERED, VersionState.SIGNED, VersionState.REPLACED})


def may_see_all(actor: Actor, challenge: Challenge) -> bool:
    """Every team's contract: the poster, and officers of the program."""
    return is_poster(actor, challenge) or is_officer_in_charge(actor, challenge)


def is_of_team(actor: Actor, contract: Contract, members: Collection[uuid.UUID]) -> bool:
    return actor.organization_id is not None and actor.organization_id in members


def leads_team(actor: Actor, contract: Contract) -> bool:
    lead_id = contract.consortium.lead_id
    return lead_id is not None and actor.acts_for(lead_id)


def may_see_contract(actor: Actor, contract: Contract, members: Collection[uuid.UUID]) -> bool:
    """A team sees its own contract alone, once it was offered for the first time."""
    return may_see_all(actor, contract.challenge) or (
        is_of_team(actor, contract, members)
        and any(version.offered_at is not None for version in contract.versions)
    )


def may_see_version(actor: Actor, contract: Contract, version: ContractVersion) -> bool:
    """Drafts are between the poster and the officers. Asked of who may see the contract."""
    return version.state in SHOWN or may_see_all(actor, contract.challenge)


def may_generate(actor: Actor, challenge: Challenge) -> bool:
    return challenge.state is ChallengeState.IN_NOTICE and (
        is_poster_editor(actor, challenge) or is_officer_in_charge(actor, challenge)
    )


def open_version(contract: Contract) -> ContractVersion | None:
    return next(
        (item for item in contract.versions if item.state in {VersionState.DRAFT, VersionState.OFFERED}), None
    )


def version_in_force(contract: Contract) -> ContractVersion | None:
    return next((item for item in contract.versions if item.state is VersionState.SIGNED), None)


def may_edit_contract(actor: Actor, contract: Contract) -> bool:
    version = open_version(contract)
    return (
        is_poster_editor(actor, contract.challenge)
        and contract.state in OPEN
        and version is not None
        and version.state is VersionState.DRAFT
    )


def may_amend(actor: Actor, contract: Contract) -> bool:
    """The poster writes the amendment; every party signs it as it signed the contract."""
    return (
        is_poster_editor(actor, contract.challenge)
        and contract.state is ContractState.SIGNED
        and open_version(contract) is None
    )


def is_party(actor: Actor, contract: Contract, members: Collection[uuid.UUID]) -> bool:
    return actor.may_edit_for_organization and (
        is_poster(actor, contract.challenge) or is_of_team(actor, contract, members)
    )


def may_ask_for_changes(actor: Actor, contract: Contract, members: Collection[uuid.UUID]) -> bool:
    version = open_version(contract)
    return (
        is_party(actor, contract, members)
        and contract.state in OPEN
        and version is not None
        and version.state is VersionState.OFFERED
    )


def may_sign(actor: Actor, contract: Contract, members: Collection[uuid.UUID]) -> bool:
    """Each party once for each version."""
    version = open_version(contract)
    return (
        may_ask_for_changes(actor, contract, members)
        and version is not None
        and actor.organization_id not in signed_ids(version)
    )


def signed_ids(version: ContractVersion) -> frozenset[uuid.UUID]:
    return frozenset(item.organization_id for item in version.signatures if not item.is_void)


def may_end(actor: Actor, contract: Contract) -> bool:
    """Before it is signed an officer drops the team; afterwards poster or officer end it early."""
    if contract.state in {ContractState.DRAFT, ContractState.OFFERED}:
        return is_officer_in_charge(actor, contract.challenge)
    return contract.state is ContractState.SIGNED and (
        is_poster_editor(actor, contract.challenge) or is_officer_in_charge(actor, contract.challenge)
    )
