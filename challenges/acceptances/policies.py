"""Who asks for the acceptance, answers, confirms and rates. Asked of who may see the contract."""

import uuid
from collections.abc import Collection, Sequence

from challenges.acceptances.models import AcceptanceState, FinalAcceptance, Rating, Side
from challenges.contracts.models import Contract, ContractState
from challenges.contracts.policies import leads_team, open_version
from challenges.milestones.models import Milestone, MilestoneState
from challenges.milestones.policies import is_at_work
from challenges.postings.policies import is_officer_in_charge, is_poster_editor
from core.actor import Actor

OPEN = frozenset({AcceptanceState.ASKED, AcceptanceState.ACCEPTED})


def open_acceptance(acceptances: Sequence[FinalAcceptance]) -> FinalAcceptance | None:
    return next((item for item in acceptances if item.state in OPEN), None)


def is_ready(
    contract: Contract, milestones: Sequence[Milestone], acceptances: Sequence[FinalAcceptance]
) -> bool:
    """Every milestone is accepted, no amendment is under way, and nothing is asked for already."""
    left = [item for item in milestones if item.state is not MilestoneState.CANCELLED]
    return (
        is_at_work(contract)
        and bool(left)
        and all(item.state is MilestoneState.ACCEPTED for item in left)
        and open_version(contract) is None
        and open_acceptance(acceptances) is None
    )


def is_lead_editor(actor: Actor, contract: Contract) -> bool:
    return actor.may_edit_for_organization and leads_team(actor, contract)


def may_answer(actor: Actor, contract: Contract, acceptance: FinalAcceptance | None) -> bool:
    return (
        acceptance is not None
        and is_at_work(contract)
        and acceptance.state is AcceptanceState.ASKED
        and is_poster_editor(actor, contract.challenge)
    )


def may_confirm(actor: Actor, contract: Contract, acceptance: FinalAcceptance | None) -> bool:
    return (
        acceptance is not None
        and is_at_work(contract)
        and acceptance.state is AcceptanceState.ACCEPTED
        and is_officer_in_charge(actor, contract.challenge)
    )


def may_declare_failed(actor: Actor, contract: Contract, acceptances: Sequence[FinalAcceptance]) -> bool:
    """After a final acceptance was refused; earlier a contract is ended, not failed."""
    return (
        contract.state is ContractState.SIGNED
        and is_officer_in_charge(actor, contract.challenge)
        and bool(acceptances)
        and acceptances[0].state is AcceptanceState.REFUSED
    )


def side_of(actor: Actor, contract: Contract) -> Side | None:
    """The side that this person's organization rates for."""
    if is_poster_editor(actor, contract.challenge):
        return Side.POSTER
    return Side.TEAM if is_lead_editor(actor, contract) else None


def may_rate(actor: Actor, contract: Contract, ratings: Sequence[Rating]) -> bool:
    """Once a contract that was signed has ended, whatever its end; each side once."""
    side = side_of(actor, contract)
    return (
        side is not None
        and contract.signed_at is not None
        and contract.ended_at is not None
        and all(item.side is not side for item in ratings)
    )


def may_read_rating(actor: Actor, contract: Contract, rating: Rating, now_shown: bool) -> bool:
    """One's own at once; the other's when both have rated or the time is over. Officers read with the rated side."""
    own = (
        actor.acts_for(contract.challenge.organization_id)
        if rating.side is Side.POSTER
        else leads_team(actor, contract)
    )
    return own or now_shown


def may_answer_delivery(actor: Actor, contract: Contract, members: Collection[uuid.UUID]) -> bool:
    return (
        contract.state is ContractState.COMPLETED
        and actor.may_edit_for_organization
        and actor.organization_id in members
    )
