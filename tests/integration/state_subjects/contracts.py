"""Contracts and what is done under them."""

import uuid
from dataclasses import replace
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from challenges.acceptances.models import FinalAcceptance
from challenges.contracts.models import Contract, ContractVersion
from challenges.milestones.models import Milestone
from challenges.models import (
    ChallengeState,
)
from core.actor import SYSTEM, Actor
from core.clock import utc_now
from core.states import Role
from tests.factories import Factory
from tests.integration.contracting import Award, award, whole, written_contract
from tests.integration.matchmaking import actor_of
from tests.integration.state_subjects.subject import Subject, strangers_to


async def _signed_contract(make: Factory) -> tuple[Award, Contract, dict[Role, Actor], list[Actor]]:
    """The first of two teams of a horse race: the last one could not be eliminated."""
    case = await award(make, teams=2, state=ChallengeState.IN_PROGRESS)
    contracts = []
    for number, team in enumerate(case.teams, start=1):
        challenge, consortium = await whole(make.session, case.challenge, team.consortium)
        contracts.append(await written_contract(make, challenge, consortium, case.editor, number=number))
    await make.session.commit()
    first, second = case.teams
    actors = {
        Role.POSTER: case.poster_actor,
        Role.OFFICER: case.officer_actor,
        Role.TEAM: first.lead_actor,
        Role.MEMBER: first.member_actor,
        Role.SYSTEM: SYSTEM,
    }
    strangers = [
        actor_of(case.editor, case.poster, "viewer"),
        replace(first.lead_actor, organization_role="viewer"),
        second.lead_actor,
        second.member_actor,
        *await strangers_to(make),
    ]
    return case, contracts[0], actors, strangers


async def a_contract(make: Factory) -> Subject:
    _case, contract, actors, strangers = await _signed_contract(make)

    async def read() -> Any:
        await make.session.refresh(contract)
        return contract

    return Subject(Contract, contract.id, read, actors, strangers)


async def a_contract_version(make: Factory) -> Subject:
    _case, contract, actors, strangers = await _signed_contract(make)
    version = await make.session.scalar(
        select(ContractVersion).where(ContractVersion.contract_id == contract.id)
    )
    assert version is not None

    async def read() -> Any:
        await make.session.refresh(version)
        return version

    return Subject(ContractVersion, version.id, read, actors, strangers)


async def a_milestone(make: Factory) -> Subject:
    _case, contract, actors, strangers = await _signed_contract(make)
    milestone = Milestone(
        contract_id=contract.id,
        key=uuid.uuid4(),
        position=1,
        title="中期检查",
        deliverables="样件",
        payment_wan=Decimal(100),
        due_at=utc_now(),
    )
    make.session.add(milestone)
    await make.session.commit()

    async def read() -> Any:
        await make.session.refresh(milestone)
        return milestone

    return Subject(Milestone, milestone.id, read, actors, strangers)


async def a_final_acceptance(make: Factory) -> Subject:
    case, contract, actors, strangers = await _signed_contract(make)
    acceptance = FinalAcceptance(
        contract_id=contract.id, text="请验收", asked_by_id=case.editor.id, asked_at=utc_now()
    )
    make.session.add(acceptance)
    await make.session.commit()

    async def read() -> Any:
        await make.session.refresh(acceptance)
        return acceptance

    return Subject(FinalAcceptance, acceptance.id, read, actors, strangers)
