"""All parties sign what was offered, or ask for changes; amendments are signed anew."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select

import challenges.contracts.jobs  # noqa: F401 -- what time does is registered
from challenges.contracts import service, signing
from challenges.contracts.document import differences
from challenges.contracts.models import ContractState, VersionState
from challenges.contracts.policies import version_in_force
from challenges.contracts.standing import book_of, read_contract
from challenges.models import ChallengeState, MemberDeparture
from core.clock import shanghai_today, utc_now
from core.errors import ConflictError, ForbiddenError, InvalidError
from core.notifications.models import Notification
from core.schedule import catch_up
from core.settings import Settings
from solvers.models import SizeClass
from tests.factories import Factory
from tests.integration.contracting import PDF, Award, award, book, drafted, offered, sign, signed, told


@pytest.fixture
async def case(make: Factory) -> Award:
    return await award(make)


async def test_the_last_signature_puts_it_in_force_and_the_work_begins(
    case: Award, settings: Settings
) -> None:
    (contract,) = await drafted(case)
    await offered(case, settings, contract)
    poster, lead, member = case.parties()
    assert await told(case.session, "contract.offered") == {lead.person_id, member.person_id}
    await sign(case, settings, contract, lead)
    await sign(case, settings, contract, poster)
    assert contract.state is ContractState.OFFERED
    with pytest.raises(ConflictError, match="已签署"):
        async with case.session.begin_nested():
            await sign(case, settings, contract, poster)
    await sign(case, settings, contract, member)
    await case.session.refresh(contract)
    await case.session.refresh(case.challenge)
    assert contract.state is ContractState.SIGNED
    assert case.challenge.state is ChallengeState.IN_PROGRESS
    assert case.officer.id in await told(case.session, "contract.signed")
    assert lead.person_id in await told(case.session, "contract.begun")


async def test_the_work_begins_on_its_day_once(case: Award, settings: Settings) -> None:
    (contract,) = await drafted(case)
    await signed(case, settings, contract, starts_on=shanghai_today() + timedelta(days=3))
    await case.session.refresh(case.challenge)
    assert case.challenge.state is ChallengeState.CONTRACTED
    await catch_up()
    await case.session.refresh(case.challenge)
    assert case.challenge.state is ChallengeState.CONTRACTED
    contract.begins_at = utc_now() - timedelta(minutes=1)
    await case.session.commit()
    await catch_up()
    await catch_up()
    await case.session.refresh(case.challenge)
    assert case.challenge.state is ChallengeState.IN_PROGRESS
    count = await case.session.scalar(
        select(func.count()).select_from(Notification).where(Notification.kind == "contract.begun")
    )
    assert count == 3


async def test_a_signature_names_the_hash_of_what_is_offered_and_carries_a_copy(
    case: Award, settings: Settings
) -> None:
    (contract,) = await drafted(case)
    await offered(case, settings, contract)
    sha256 = (await read_contract(case.session, case.poster_actor, contract.id)).contract.versions[0].sha256
    lead = case.teams[0].lead_actor

    async def attempt(actor: object, sha: str, content: bytes) -> None:
        async with case.session.begin_nested():
            await signing.sign_contract(
                case.session,
                settings,
                actor,  # type: ignore[arg-type]
                contract.id,
                sha256=sha,
                name="a.pdf",
                content=content,
            )

    with pytest.raises(ConflictError):
        await attempt(lead, "0" * 64, PDF)
    for content in (b"", b"text", b"PK\x03\x04zip"):
        with pytest.raises(InvalidError) as caught:
            await attempt(lead, sha256, content)
        assert "file" in caught.value.errors
    with pytest.raises(ForbiddenError):
        await attempt(case.officer_actor, sha256, PDF)
    with pytest.raises(ForbiddenError):
        await attempt(replace(lead, organization_role="viewer"), sha256, PDF)


async def test_a_party_asks_for_changes_and_signatures_count_no_more(case: Award, settings: Settings) -> None:
    (contract,) = await drafted(case)
    await offered(case, settings, contract)
    poster, lead, member = case.parties()
    await sign(case, settings, contract, poster)
    with pytest.raises(InvalidError):
        await signing.ask_for_changes(case.session, lead, contract.id, " ")
    await signing.ask_for_changes(case.session, member, contract.id, "里程碑太早")
    await case.session.commit()
    assert contract.state is ContractState.DRAFT
    assert {poster.person_id, lead.person_id} <= await told(case.session, "contract.changes_asked")
    await offered(case, settings, contract, other_terms="里程碑推迟")
    standing = await read_contract(case.session, poster, contract.id)
    assert standing.missing(standing.contract.versions[0]) == standing.party_ids
    for actor in (member, lead, poster):
        await sign(case, settings, contract, actor)
    assert contract.state is ContractState.SIGNED


async def test_nothing_is_signed_while_the_quota_is_to_be_settled(case: Award, settings: Settings) -> None:
    (contract,) = await drafted(case)
    await offered(case, settings, contract)
    case.teams[0].member.size_class = SizeClass.LARGE
    await case.session.commit()
    for _tick in range(2):
        with pytest.raises(ConflictError):
            async with case.session.begin_nested():
                await sign(case, settings, contract, case.poster_actor)
        await catch_up()


async def test_an_amendment_is_signed_by_all_again_and_can_be_compared(
    case: Award, settings: Settings
) -> None:
    (contract,) = await drafted(case)
    await signed(case, settings, contract)
    with pytest.raises(ForbiddenError):
        await service.begin_amendment(case.session, case.teams[0].lead_actor, contract.id, "延期")
    with pytest.raises(InvalidError):
        await service.begin_amendment(case.session, case.poster_actor, contract.id, "")
    await service.begin_amendment(case.session, case.poster_actor, contract.id, "材料供应延期")
    await case.session.commit()
    with pytest.raises(ConflictError):
        await service.begin_amendment(case.session, case.poster_actor, contract.id, "又一次")
    first, second = (await book(case, contract)).stages
    await offered(case, settings, contract, stages=(replace(first, days=first.days + 10), second))
    poster, lead, member = case.parties()
    await sign(case, settings, contract, poster)
    await sign(case, settings, contract, lead)
    standing = await read_contract(case.session, poster, contract.id)
    in_force = version_in_force(standing.contract)
    assert in_force is not None
    assert in_force.number == 1
    await sign(case, settings, contract, member)
    standing = await read_contract(case.session, poster, contract.id, lock=True)
    old, new = standing.contract.versions
    assert (old.state, new.state) == (VersionState.REPLACED, VersionState.SIGNED)
    assert contract.state is ContractState.SIGNED
    (change,) = differences(book_of(old), book_of(new))
    assert str(first.days) in change.before
    assert str(first.days + 10) in change.after


async def test_an_amendment_can_be_given_up(case: Award, settings: Settings) -> None:
    (contract,) = await drafted(case)
    with pytest.raises(ConflictError):
        await service.drop_amendment(case.session, case.poster_actor, contract.id)
    await signed(case, settings, contract)
    await service.begin_amendment(case.session, case.poster_actor, contract.id, "试一试")
    await service.drop_amendment(case.session, case.poster_actor, contract.id)
    standing = await read_contract(case.session, case.poster_actor, contract.id, lock=True)
    assert [item.state for item in standing.contract.versions] == [
        VersionState.SIGNED,
        VersionState.GIVEN_UP,
    ]
    await service.begin_amendment(case.session, case.poster_actor, contract.id, "再来")


async def test_who_has_left_does_not_sign_and_is_not_waited_for(case: Award, settings: Settings) -> None:
    case.session.add(
        MemberDeparture(
            consortium_id=case.teams[0].consortium.id,
            organization_id=case.teams[0].member.id,
            left_at=utc_now(),
            reason="退出",
            person_id=case.teams[0].member_actor.person_id,
        )
    )
    await case.session.commit()
    with pytest.raises(ConflictError):
        await drafted(case)


async def test_who_has_not_signed_in_time_is_told_once(case: Award, settings: Settings) -> None:
    (contract,) = await drafted(case)
    await offered(case, settings, contract)
    await sign(case, settings, contract, case.teams[0].lead_actor)
    contract.sign_by = utc_now() - timedelta(minutes=1)
    await case.session.commit()
    await catch_up()
    await catch_up()
    assert await told(case.session, "contract.signing_overdue") == {
        case.officer.id,
        case.editor.id,
        case.teams[0].member_actor.person_id,
    }
