"""A consortium that breaks the quota is approved by two officers or not at all, whoever asks, however it is tried."""

import asyncio
import uuid
from dataclasses import dataclass
from decimal import Decimal

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from challenges import waiting_queries
from challenges.consortia import decisions, service, submission, waivers
from challenges.consortia.queries import decision_by_id
from challenges.consortia.replay import replay_decision
from challenges.models import (
    Consortium,
    ConsortiumState,
    Outcome,
    ProgramOfficer,
    Waiver,
    WaiverAnswer,
)
from core.accounts.models import Person
from core.actor import Actor
from core.errors import ConflictError, DomainError, InvalidError
from core.mail import MailMessage
from core.process import Process
from solvers.models import Membership, MembershipRole, SizeClass
from tests.conftest import BrowserOf
from tests.factories import Factory
from tests.integration.consortia import RunJobs, present, propose
from tests.integration.matchmaking import Market, open_market

STRICT = {"min_sme_budget_share": Decimal("0.5"), "max_members": 5}
REASON = "国内仅此一家大企业具备铸造条件"


def officer_of(person: Person) -> Actor:
    return Actor(person_id=person.id, name=person.name, roles=frozenset(role.role for role in person.roles))


@dataclass
class Case:
    """A submitted consortium whose SMEs hold 40% of the money where 50% are asked for."""

    market: Market
    key: uuid.UUID
    revision: int
    first: Actor
    second: Actor
    second_person: Person


async def broken(make: Factory, session: AsyncSession, run_jobs: RunJobs) -> Case:
    market = await open_market(make, budgets=(120, 50, 30), rule=STRICT)
    person = await make.officer()
    session.add(ProgramOfficer(program_id=market.program.id, person_id=person.id))
    await session.commit()
    consortium = await propose(market, session, run_jobs)
    ids = [str(item.id) for item in market.challenge.requirements]
    revision = consortium.revision
    for organization in (market.lead, market.coater, market.tester):
        if organization.id not in {m.organization_id for m in consortium.members}:
            await service.add_member(
                session, market.poster_actor, market.challenge.id, revision, organization.id
            )
            await session.commit()
            revision = (await present(market, session)).revision
    wanted = dict(zip(ids, (market.lead.id, market.coater.id, market.tester.id), strict=True))
    await service.assign_requirements(
        session, market.poster_actor, market.challenge.id, revision, wanted, market.lead.id
    )
    await session.commit()
    consortium = await present(market, session)
    for member in consortium.members:
        if not member.requirement_ids:
            await service.remove_member(
                session,
                market.poster_actor,
                market.challenge.id,
                consortium.revision,
                member.organization_id,
            )
            await session.commit()
            consortium = await present(market, session)
    await submission.submit_consortium(
        session,
        market.poster_actor,
        market.challenge.id,
        consortium.revision,
        "请准予豁免",
        asks_waiver=True,
    )
    await session.commit()
    consortium = await present(market, session)
    await session.refresh(person, ["id", "name", "email", "roles"])
    return Case(market, consortium.id, consortium.revision, market.officer_actor, officer_of(person), person)


async def rolled_back(session: AsyncSession, case: Case) -> None:
    """A refused use case leaves nothing; what the test holds is read again."""
    await session.rollback()
    await present(case.market, session)
    await session.refresh(case.second_person, ["id", "name", "email", "roles"])


async def ask(session: AsyncSession, case: Case) -> Waiver:
    waiver = await waivers.request_waiver(session, case.first, case.key, REASON, case.revision)
    await session.commit()
    return waiver


async def approve(session: AsyncSession, case: Case) -> uuid.UUID:
    decision = await decisions.decide_consortium(
        session,
        case.first,
        case.key,
        Outcome.APPROVED,
        "",
        case.revision,
    )
    await session.commit()
    return decision.id


async def test_two_officers_waive_and_everybody_sees_it(
    make: Factory, session: AsyncSession, run_jobs: RunJobs, browser_of: BrowserOf
) -> None:
    case = await broken(make, session, run_jobs)
    challenge_id, path = case.market.challenge.id, f"/consortia/{case.key}"
    with pytest.raises(ConflictError):
        await approve(session, case)
    await rolled_back(session, case)
    first, second = await browser_of(case.market.officer), await browser_of(case.second_person)
    page = (await first.get(path)).text
    assert f"{path}/waiver" in page
    revision = str(case.revision)
    assert (await first.submit(f"{path}/waiver", {"reason": " ", "revision": revision})).status_code == 422
    answer = await first.submit(f"{path}/waiver", {"reason": REASON, "revision": revision})
    assert answer.status_code == 303
    waiver = await session.scalar(select(Waiver))
    assert waiver is not None
    assert waiver.parts == ["min_sme_budget_share"]
    await run_jobs()
    mails = list(
        await session.scalars(select(MailMessage).where(MailMessage.recipient == case.second_person.email))
    )
    assert any(REASON in mail.body for mail in mails)
    assert REASON in (await second.get("/officer")).text
    assert await waiting_queries.waivers_waiting(session, case.first) == []
    # A request alone excuses nothing.
    with pytest.raises(ConflictError):
        await approve(session, case)
    await rolled_back(session, case)
    answers = f"/waivers/{waiver.id}/answer"
    assert answers not in (await first.get(path)).text
    assert (await first.submit(answers, {"answer": "confirm"})).status_code == 403
    assert answers in (await second.get(path)).text
    assert (await second.submit(answers, {"answer": "refuse", "reason": ""})).status_code == 422
    assert (await second.submit(answers, {"answer": "confirm"})).status_code == 303
    assert (await second.submit(answers, {"answer": "refuse", "reason": "x"})).status_code == 409
    anybody = await browser_of()
    assert REASON not in (await anybody.get(f"/challenges/{challenge_id}")).text
    key = await approve(session, case)
    page = (await anybody.get(f"/challenges/{challenge_id}")).text
    for shown in (REASON, case.first.name, case.second.name, "40%"):
        assert shown in page
    assert REASON in (await first.get(f"{path}/decision")).text
    decision = await decision_by_id(session, key)
    assert decision is not None
    assert (await replay_decision(session, decision, 30)).is_same


async def test_a_refused_waiver_excuses_nothing_and_is_not_asked_for_again(
    make: Factory, session: AsyncSession, run_jobs: RunJobs
) -> None:
    case = await broken(make, session, run_jobs)
    waiver_id = (await ask(session, case)).id
    await waivers.answer_waiver(session, case.second, waiver_id, is_confirmed=False, reason="理由不足")
    await session.commit()
    for attempt in (approve, ask):
        with pytest.raises(ConflictError):
            await attempt(session, case)
        await rolled_back(session, case)


async def test_an_officer_of_a_member_or_of_another_program_neither_asks_nor_confirms(
    make: Factory, session: AsyncSession, run_jobs: RunJobs
) -> None:
    case = await broken(make, session, run_jobs)
    waiver_id = (await ask(session, case)).id
    session.add(
        Membership(
            organization_id=case.market.coater.id,
            person_id=case.second_person.id,
            role=MembershipRole.VIEWER,
        )
    )
    await session.commit()
    outsider = officer_of(await make.officer())
    for actor in (case.first, case.second, outsider):
        with pytest.raises(DomainError):
            await waivers.answer_waiver(session, actor, waiver_id, is_confirmed=True, reason="")
        await session.rollback()
    assert await session.scalar(select(func.count()).select_from(WaiverAnswer)) == 0


async def test_structure_is_never_waived(make: Factory, session: AsyncSession, run_jobs: RunJobs) -> None:
    case = await broken(make, session, run_jobs)
    case.market.tester.size_class = SizeClass.SMALL
    await session.commit()
    with pytest.raises(ConflictError):
        await ask(session, case)


async def test_a_consortium_that_changed_since_needs_another_waiver(
    make: Factory, session: AsyncSession, run_jobs: RunJobs
) -> None:
    case = await broken(make, session, run_jobs)
    waiver_id = (await ask(session, case)).id
    await service.refresh_consortium(session, case.first, case.market.challenge.id, case.revision)
    await session.commit()
    with pytest.raises(ConflictError):
        await waivers.answer_waiver(session, case.second, waiver_id, is_confirmed=True, reason="")
    await session.rollback()
    assert await waiting_queries.waivers_waiting(session, case.second) == []


async def test_of_two_officers_at_once_one_asks_and_of_two_one_answers(
    make: Factory, session: AsyncSession, run_jobs: RunJobs, process: Process
) -> None:
    case = await broken(make, session, run_jobs)
    key, revision = case.key, case.revision

    async def asks(actor: Actor) -> bool:
        try:
            async with process.transaction() as own:
                await waivers.request_waiver(own, actor, key, REASON, revision)
        except ConflictError:
            return False
        return True

    assert sorted(await asyncio.gather(asks(case.first), asks(case.second))) == [False, True]
    waiver = await session.scalar(select(Waiver))
    assert waiver is not None
    waiver_id = waiver.id
    other = case.second if waiver.requested_by_id == case.first.person_id else case.first

    async def answers(is_confirmed: bool) -> bool:
        try:
            async with process.transaction() as own:
                await waivers.answer_waiver(own, other, waiver_id, is_confirmed=is_confirmed, reason="理由")
        except ConflictError:
            return False
        return True

    assert sorted(await asyncio.gather(answers(True), answers(False))) == [False, True]
    assert await session.scalar(select(func.count()).select_from(WaiverAnswer)) == 1


async def test_a_submission_that_breaks_the_quota_says_why(
    make: Factory, session: AsyncSession, run_jobs: RunJobs
) -> None:
    case = await broken(make, session, run_jobs)
    await submission.take_back_consortium(session, case.market.poster_actor, case.market.challenge.id)
    await session.commit()
    consortium = await present(case.market, session)
    for note, asks_waiver in (("理由", False), (" ", True)):
        with pytest.raises(InvalidError):
            await submission.submit_consortium(
                session,
                case.market.poster_actor,
                case.market.challenge.id,
                consortium.revision,
                note,
                asks_waiver=asks_waiver,
            )
        await rolled_back(session, case)
        consortium = await present(case.market, session)


async def test_the_database_refuses_every_way_around(
    make: Factory, session: AsyncSession, run_jobs: RunJobs
) -> None:
    case = await broken(make, session, run_jobs)
    outsider = (await make.officer()).id
    consortium_id, revision = case.key, case.revision
    first, second = case.first.person_id, case.second.person_id
    coater_id = case.market.coater.id

    async def refused(statement: str, match: str, **values: object) -> None:
        with pytest.raises(IntegrityError, match=match):
            await session.execute(text(statement), {"id": consortium_id, **values})
        await session.rollback()

    insert = (
        "INSERT INTO waiver (id, consortium_id, consortium_revision, parts, reason, requested_by_id, requested_at)"
        " VALUES (gen_random_uuid(), :id, :revision, CAST(:parts AS varchar[]), :reason, :officer, now())"
    )
    good = {"revision": revision, "parts": ["min_sme_budget_share"], "reason": "理由", "officer": first}
    await refused(insert, "not an officer", **{**good, "officer": outsider})
    await refused(insert, "not the consortium", **{**good, "revision": revision + 1})
    await refused(insert, "names the broken parts", **{**good, "parts": ["max_members"]})
    await refused(
        insert, "names the broken parts", **{**good, "parts": ["min_sme_budget_share", "max_members"]}
    )
    await refused(insert, "has_a_reason", **{**good, "reason": ""})
    session.add(Membership(organization_id=coater_id, person_id=second, role=MembershipRole.VIEWER))
    await session.commit()
    await refused(insert, "belongs to a member", **{**good, "officer": second})

    waiver_id = (await ask(session, case)).id
    answer = (
        "INSERT INTO waiver_answer (waiver_id, is_confirmed, officer_id, answered_at)"
        " VALUES (:waiver, :confirmed, :officer, now())"
    )
    await refused(answer, "second officer", waiver=waiver_id, confirmed=True, officer=first)
    await refused(answer, "not an officer", waiver=waiver_id, confirmed=True, officer=outsider)
    await refused(answer, "belongs to a member", waiver=waiver_id, confirmed=True, officer=second)
    await session.execute(text("DELETE FROM membership WHERE person_id = :id"), {"id": second})
    await session.commit()
    await refused(answer, "refusals_have_a_reason", waiver=waiver_id, confirmed=False, officer=second)
    approval = "UPDATE consortium SET state = 'approved' WHERE id = :id"
    await refused(approval, "min_sme_budget_share")
    await session.execute(text(answer), {"waiver": waiver_id, "confirmed": True, "officer": second})
    await session.commit()
    for statement in (
        "UPDATE waiver SET reason = 'x'",
        "DELETE FROM waiver",
        "TRUNCATE waiver CASCADE",
        "UPDATE waiver_answer SET is_confirmed = false",
        "DELETE FROM waiver_answer",
    ):
        await refused(statement, "append-only")
    # The confirmed waiver is for these members with this money, and for this revision.
    shifted = (
        "UPDATE consortium_member SET budget_wan = CASE position WHEN 0 THEN budget_wan + 1 ELSE budget_wan END"
        " WHERE consortium_id = :id"
    )
    await session.execute(text(shifted), {"id": consortium_id})
    await session.execute(
        text(
            "UPDATE requirement SET budget_wan = budget_wan + 1 WHERE challenge_id ="
            " (SELECT challenge_id FROM consortium WHERE id = :id) AND position = 0"
        ),
        {"id": consortium_id},
    )
    with pytest.raises(IntegrityError, match="min_sme_budget_share"):
        await session.execute(text(approval), {"id": consortium_id})
    await session.rollback()
    await session.execute(
        text("UPDATE consortium SET revision = revision + 1 WHERE id = :id"), {"id": consortium_id}
    )
    with pytest.raises(IntegrityError, match="min_sme_budget_share"):
        await session.execute(text(approval), {"id": consortium_id})
    await session.rollback()
    await session.execute(text(approval), {"id": consortium_id})
    await session.commit()
    state = await session.scalar(select(Consortium.state).where(Consortium.id == consortium_id))
    assert state is ConsortiumState.APPROVED
