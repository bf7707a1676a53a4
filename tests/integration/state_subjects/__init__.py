"""A thing of every noun that has a table of states, as it stands in the product."""

from typing import Any

from challenges.consortia.models import ConsortiumState
from challenges.states import MACHINES
from tests.factories import Factory
from tests.integration.state_subjects import awards, bidding, contracts
from tests.integration.state_subjects.subject import Subject

BY_NOUN = {machine.noun: machine for machine in MACHINES}

# States into which the database itself lets nothing come but from these.
ONLY_AFTER: dict[Any, tuple[Any, ...]] = {ConsortiumState.SUPERSEDED: (ConsortiumState.APPROVED,)}


async def subject_of(make: Factory, noun: str) -> Subject:
    return await {
        "challenge": bidding.a_challenge,
        "question": bidding.a_question,
        "amendment": bidding.an_amendment,
        "bid": bidding.a_bid,
        "bid_member": bidding.a_bid_member,
        "check": awards.a_check,
        "review": awards.a_review,
        "seat": awards.a_seat,
        "consortium": awards.a_consortium,
        "contract": contracts.a_contract,
        "contract_version": contracts.a_contract_version,
        "milestone": contracts.a_milestone,
        "final_acceptance": contracts.a_final_acceptance,
        "notice": awards.a_notice,
        "objection": awards.an_objection,
    }[noun](make)
