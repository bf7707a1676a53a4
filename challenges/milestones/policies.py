"""Who reports, answers, pays and eliminates. Asked of who may see the contract."""

from challenges.contracts.models import Contract, ContractState
from challenges.contracts.policies import leads_team
from challenges.milestones.models import Milestone, MilestoneState
from challenges.postings.models import ChallengeState
from challenges.postings.policies import is_officer_in_charge, is_poster_editor
from core.actor import Actor


def is_at_work(contract: Contract) -> bool:
    return contract.state is ContractState.SIGNED and contract.challenge.state is ChallengeState.IN_PROGRESS


def may_report(actor: Actor, contract: Contract, milestone: Milestone) -> bool:
    return (
        is_at_work(contract)
        and actor.may_edit_for_organization
        and leads_team(actor, contract)
        and milestone.state in {MilestoneState.PLANNED, MilestoneState.REWORK}
    )


def may_answer(actor: Actor, contract: Contract, milestone: Milestone) -> bool:
    return (
        is_at_work(contract)
        and is_poster_editor(actor, contract.challenge)
        and milestone.state is MilestoneState.REPORTED
    )


def may_pay(actor: Actor, contract: Contract, milestone: Milestone) -> bool:
    """What is accepted is owed, whatever becomes of the contract."""
    return (
        is_poster_editor(actor, contract.challenge)
        and milestone.state is MilestoneState.ACCEPTED
        and milestone.payment_wan > 0
        and milestone.paid_at is None
    )


def may_confirm_payment(actor: Actor, contract: Contract, milestone: Milestone) -> bool:
    return (
        actor.may_edit_for_organization
        and leads_team(actor, contract)
        and milestone.paid_at is not None
        and milestone.received_at is None
    )


def may_propose_elimination(actor: Actor, contract: Contract, milestone: Milestone) -> bool:
    """At a milestone with a stage review."""
    return (
        is_at_work(contract)
        and is_poster_editor(actor, contract.challenge)
        and milestone.is_stage
        and milestone.state is not MilestoneState.CANCELLED
    )


def may_answer_elimination(actor: Actor, contract: Contract) -> bool:
    return contract.state is ContractState.SIGNED and is_officer_in_charge(actor, contract.challenge)
