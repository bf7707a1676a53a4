"""Parties of a contract and officers of a horse race that act at the same instant: one outcome, nothing lost."""

from typing import Any

import pytest
from sqlalchemy import func, select

from challenges.contracts import signing
from challenges.contracts.models import (
    Contract,
    ContractSignature,
    ContractState,
    ContractVersion,
    VersionState,
)
from challenges.contracts.policies import open_version
from challenges.contracts.standing import read_contract
from challenges.milestones import horse_race
from challenges.milestones.models import Elimination
from challenges.milestones.queries import milestones_of
from challenges.models import Challenge, ChallengeState, Milestone, ProgramOfficer
from core.accounts.models import PlatformRole
from core.actor import Actor
from core.audit import AuditEntry
from core.errors import ConflictError
from core.notifications.models import Notification
from core.process import Process
from core.settings import Settings
from tests.factories import Factory
from tests.integration.contracting import PDF, Award, at_work, award, drafted, offered, sign
from tests.integration.interleaving import race
from tests.integration.matchmaking import actor_of


async def count(make: Factory, model: Any, *conditions: Any) -> int:
    return await make.session.scalar(select(func.count()).select_from(model).where(*conditions)) or 0


async def acts(make: Factory, action: str) -> int:
    return await count(make, AuditEntry, AuditEntry.action == action)


async def waits_for(case: Award, settings: Settings, *signed: Actor) -> tuple[Contract, str]:
    """An offered contract that these have signed already, and the SHA-256 it is signed under."""
    (contract,) = await drafted(case)
    await offered(case, settings, contract)
    for actor in signed:
        await sign(case, settings, contract, actor)
    version = open_version((await read_contract(case.session, case.poster_actor, contract.id)).contract)
    assert version is not None
    assert version.sha256 is not None
    return contract, version.sha256


def signs(settings: Settings, contract: Contract, sha256: str, actor: Actor) -> Any:
    return lambda session: signing.sign_contract(
        session, settings, actor, contract.id, sha256=sha256, name="签字页.pdf", content=PDF
    )


@pytest.mark.parametrize("is_lead_first", [True, False])
async def test_the_last_two_parties_sign_at_once_and_the_work_begins_once(
    is_lead_first: bool, make: Factory, process: Process, settings: Settings
) -> None:
    case = await award(make)
    poster, *others = case.parties()
    first, second = others if is_lead_first else reversed(others)
    contract, sha256 = await waits_for(case, settings, poster)
    one, two = await race(
        process, signs(settings, contract, sha256, first), signs(settings, contract, sha256, second)
    )
    assert isinstance(one, ContractVersion), one
    assert isinstance(two, ContractVersion), two
    assert two.state is VersionState.SIGNED
    signatures = (await make.session.scalars(select(ContractSignature.organization_id))).all()
    assert len(signatures) == 3
    assert set(signatures) == {actor.organization_id for actor in case.parties()}
    assert await acts(make, "contract.party_signed") == 3
    assert await acts(make, "contract.signed") == 1
    async with process.transaction() as session:
        assert (await session.get_one(Contract, contract.id)).state is ContractState.SIGNED
        assert (await session.get_one(Challenge, case.challenge.id)).state is ChallengeState.IN_PROGRESS
    assert await count(make, Milestone) == 2
    statement = select(func.count()).where(Notification.kind == "contract.signed")
    told = (await make.session.execute(statement.group_by(Notification.person_id))).scalars().all()
    assert told
    assert set(told) == {1}


async def test_of_two_colleagues_that_sign_at_once_one_signs(
    make: Factory, process: Process, settings: Settings
) -> None:
    case = await award(make)
    poster, lead, _member = case.parties()
    contract, sha256 = await waits_for(case, settings, poster)
    colleague = actor_of(await make.member(case.teams[0].lead), case.teams[0].lead)
    await make.session.commit()
    one, two = await race(
        process, signs(settings, contract, sha256, lead), signs(settings, contract, sha256, colleague)
    )
    assert isinstance(one, ContractVersion), one
    assert isinstance(two, ConflictError), two
    assert await count(make, ContractSignature) == 2


@pytest.mark.parametrize("is_signed_first", [True, False])
async def test_a_signature_and_a_wish_for_changes_at_once_leave_a_draft_that_nobody_has_signed(
    is_signed_first: bool, make: Factory, process: Process, settings: Settings
) -> None:
    case = await award(make)
    poster, lead, member = case.parties()
    contract, sha256 = await waits_for(case, settings, poster, lead)
    last = signs(settings, contract, sha256, member)

    def wish(session: Any) -> Any:
        return signing.ask_for_changes(session, lead, contract.id, "请延后")

    one, two = await race(process, *((last, wish) if is_signed_first else (wish, last)))
    assert isinstance(one, ContractVersion), one
    assert isinstance(two, ConflictError), two
    async with process.transaction() as session:
        state = (await session.get_one(Contract, contract.id)).state
    valid = await count(make, ContractSignature, ContractSignature.is_void.is_(False))
    assert (state, valid) == ((ContractState.SIGNED, 3) if is_signed_first else (ContractState.DRAFT, 0))


async def second_officer(case: Award) -> Actor:
    person = await case.make.officer()
    case.session.add(ProgramOfficer(program_id=case.program.id, person_id=person.id))
    await case.session.commit()
    return Actor(person_id=person.id, name=person.name, roles=frozenset({PlatformRole.OFFICER}))


async def proposals(case: Award, *contracts: Contract) -> list[Elimination]:
    found = []
    for contract in contracts:
        stage = (await milestones_of(case.session, contract.id))[0]
        found.append(await horse_race.propose_elimination(case.session, case.poster_actor, stage.id, "落后"))
    await case.session.commit()
    return found


def answers(actor: Actor, proposal: Elimination, confirm: bool) -> Any:
    return lambda session: horse_race.answer_elimination(
        session, actor, proposal.id, confirm=confirm, reason="评估如此"
    )


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
async def test_two_officers_that_eliminate_the_last_two_teams_at_once_leave_one_of_them(
    order: tuple[int, int], make: Factory, process: Process, settings: Settings
) -> None:
    case, contracts = await at_work(make, settings, teams=2)
    colleague = await second_officer(case)
    both = await proposals(case, *contracts)
    one, two = await race(
        process,
        answers(case.officer_actor, both[order[0]], True),
        answers(colleague, both[order[1]], True),
    )
    assert isinstance(one, Elimination), one
    assert isinstance(two, ConflictError), two
    async with process.transaction() as session:
        states = [(await session.get_one(Contract, contracts[place].id)).state for place in order]
        assert (await session.get_one(Challenge, case.challenge.id)).state is ChallengeState.IN_PROGRESS
    assert states == [ContractState.ELIMINATED, ContractState.SIGNED]
    assert await acts(make, "contract.eliminated") == 1


@pytest.mark.parametrize(("first", "second"), [(True, False), (False, True), (True, True), (False, False)])
async def test_of_two_officers_that_answer_one_proposal_at_once_the_first_decides(
    first: bool, second: bool, make: Factory, process: Process, settings: Settings
) -> None:
    case, contracts = await at_work(make, settings, teams=2)
    colleague = await second_officer(case)
    (proposal,) = await proposals(case, contracts[1])
    one, two = await race(
        process,
        answers(case.officer_actor, proposal, first),
        answers(colleague, proposal, second),
    )
    assert isinstance(one, Elimination), one
    assert isinstance(two, ConflictError), two
    async with process.transaction() as session:
        stored = await session.get_one(Elimination, proposal.id)
        contract = await session.get_one(Contract, contracts[1].id)
    assert (stored.is_confirmed, stored.officer_id) == (first, case.officer.id)
    assert (contract.state is ContractState.ELIMINATED) is first
    assert await acts(make, "contract.eliminated") == first
    assert await acts(make, "contract.elimination_refused") == (not first)
