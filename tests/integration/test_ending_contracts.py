"""Contracts that end before they were carried out."""

import pytest

import challenges.contracts.jobs  # noqa: F401 -- what time does is registered
from challenges.contracts import ending
from challenges.contracts.models import ContractState
from challenges.models import ChallengeState
from core.errors import ForbiddenError, InvalidError
from core.schedule import catch_up
from core.settings import Settings
from solvers.models import Membership, MembershipRole
from tests.factories import Factory
from tests.integration.contracting import Award, award, drafted, signed


@pytest.fixture
async def case(make: Factory) -> Award:
    return await award(make)


async def test_of_two_teams_one_is_dropped_and_the_other_goes_on(make: Factory, settings: Settings) -> None:
    case = await award(make, teams=2)
    one, two = await drafted(case)
    await signed(case, settings, one)
    await case.session.refresh(case.challenge)
    assert case.challenge.state is ChallengeState.IN_NOTICE
    with pytest.raises(ForbiddenError):
        await ending.end_contract(case.session, case.poster_actor, two.id, "不签")
    with pytest.raises(InvalidError):
        await ending.end_contract(case.session, case.officer_actor, two.id, "")
    await ending.end_contract(case.session, case.officer_actor, two.id, "逾期未签")
    await case.session.commit()
    await case.session.refresh(case.challenge)
    assert two.state is ContractState.TERMINATED
    assert case.challenge.state is ChallengeState.IN_PROGRESS


async def test_where_every_team_is_dropped_there_is_no_award(case: Award) -> None:
    (contract,) = await drafted(case)
    await ending.end_contract(case.session, case.officer_actor, contract.id, "放弃")
    await case.session.refresh(case.challenge)
    assert (case.challenge.state, case.challenge.state_note) == (ChallengeState.NO_AWARD, "放弃")


@pytest.mark.parametrize("who", ["poster_actor", "officer_actor"])
async def test_the_only_contract_that_ends_early_ends_the_challenge(
    case: Award, settings: Settings, who: str
) -> None:
    (contract,) = await drafted(case)
    await signed(case, settings, contract)
    with pytest.raises(ForbiddenError):
        await ending.end_contract(case.session, case.teams[0].lead_actor, contract.id, "不做了")
    await ending.end_contract(case.session, getattr(case, who), contract.id, "需求取消")
    await case.session.refresh(case.challenge)
    assert case.challenge.state is ChallengeState.FAILED
    assert contract.ended_at is not None


async def test_an_officer_with_an_interest_ends_nothing(make: Factory, case: Award) -> None:
    (contract,) = await drafted(case)
    case.session.add(
        Membership(
            organization_id=case.teams[0].member.id, person_id=case.officer.id, role=MembershipRole.VIEWER
        )
    )
    await case.session.commit()
    with pytest.raises(ForbiddenError):
        await ending.end_contract(case.session, case.officer_actor, contract.id, "放弃")


async def test_a_contract_whose_award_is_gone_ends_by_itself_once(case: Award) -> None:
    (contract,) = await drafted(case)
    await catch_up()
    await case.session.refresh(contract)
    assert contract.state is ContractState.DRAFT
    case.challenge.state = ChallengeState.CLOSED
    await case.session.commit()
    await catch_up()
    await catch_up()
    await case.session.refresh(contract)
    assert contract.state is ContractState.TERMINATED
