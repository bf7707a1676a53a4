"""Every table of states, walked completely: each allowed step works, each other is refused, for everybody."""

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import selectinload

from challenges.acceptances.models import FinalAcceptance
from challenges.amendments.content import content_of
from challenges.bids import queries as bid_queries
from challenges.checks import queries as check_queries
from challenges.checks import service as check_service
from challenges.checks.models import FormalCheck
from challenges.consortia.models import ConsortiumState
from challenges.contracts.models import Contract, ContractVersion
from challenges.milestones.models import Milestone
from challenges.models import (
    Amendment,
    Bid,
    BidMember,
    BidMemberState,
    BidState,
    Challenge,
    ChallengeState,
    Consortium,
    Effect,
    Notice,
    NoticeState,
    Objection,
    ObjectionState,
    PanelSeat,
    Question,
    Review,
    SeatState,
)
from challenges.programs.models import ProgramOfficer
from challenges.states import MACHINES
from core.accounts.models import PlatformRole
from core.actor import SYSTEM, Actor
from core.audit import AuditEntry
from core.clock import utc_now
from core.errors import ConflictError, ForbiddenError, InvalidError
from core.states import Machine, Role, move
from solvers.models import Organization
from tests.factories import Factory
from tests.integration.contracting import Award, award, whole, written_contract
from tests.integration.matchmaking import actor_of, open_market
from tests.integration.opened_round import opened_round
from tests.integration.reviewing import Panel as ScoringPanel
from tests.integration.reviewing import scoring_panel
from tests.integration.test_the_quota_in_the_database import submitted

BY_NOUN = {machine.noun: machine for machine in MACHINES}


@dataclass
class Subject:
    """One thing, and who plays which part towards it; `strangers` play none."""

    kind: Any
    id: Any
    read: Callable[[], Awaitable[Any]]
    actors: dict[Role, Actor]
    strangers: list[Actor]
    # What the database holds a state to, written with it.
    along: dict[Any, dict[str, Any]] = field(default_factory=dict)


async def subject_of(make: Factory, noun: str) -> Subject:
    return await {
        "challenge": _challenge,
        "question": _question,
        "amendment": _amendment,
        "bid": _bid,
        "bid_member": _bid_member,
        "check": _check,
        "review": _review,
        "seat": _seat,
        "consortium": _consortium,
        "contract": _contract,
        "contract_version": _contract_version,
        "milestone": _milestone,
        "final_acceptance": _final_acceptance,
        "notice": _notice,
        "objection": _objection,
    }[noun](make)


# States into which the database itself lets nothing come but from these.
ONLY_AFTER: dict[Any, tuple[Any, ...]] = {ConsortiumState.SUPERSEDED: (ConsortiumState.APPROVED,)}


async def walk(make: Factory, machine: Machine[Any, Any]) -> tuple[int, int]:
    """Try every step from every state for everybody; answers with how many passed and how many were refused."""
    session = make.session
    passed = refused = 0
    subject = await subject_of(make, machine.noun)
    everybody = [
        *((frozenset({role}), actor) for role, actor in subject.actors.items()),
        *((frozenset[Role](), actor) for actor in subject.strangers),
    ]
    for source in machine.every_state:
        # Taken back afterwards: the database itself holds some ends for final.
        at_source = await session.begin_nested()
        for state in (*ONLY_AFTER.get(source, ()), source):
            await session.execute(
                update(subject.kind)
                .where(subject.kind.id == subject.id)
                .values(state=state, **subject.along.get(state, {}))
            )
        for target in machine.every_state:
            step = machine.transition(source, target)
            for roles, actor in everybody:
                # A guard that demands what time brings is asked before and after it.
                outcomes = set()
                for now in (utc_now(), utc_now() + timedelta(days=400)):
                    thing = await subject.read()
                    savepoint = await session.begin_nested()
                    try:
                        await move(session, machine, actor, thing, target, note="理由", now=now)
                    except (ConflictError, ForbiddenError) as error:
                        outcomes.add(type(error))
                        refused += 1
                    else:
                        assert thing.state is target
                        outcomes.add(None)
                        passed += 1
                        await _assert_told(make, machine, thing, step, actor)
                    await savepoint.rollback()
                if step is None:
                    assert outcomes == {ConflictError}, (source, target, actor)
                elif not step.who & roles:
                    assert outcomes == {ForbiddenError}, (source, target, actor)
                else:
                    assert None in outcomes, (source, target, actor)
                    if step.guard is None:
                        assert outcomes == {None}, (source, target, actor)
        await at_source.rollback()
    return passed, refused


async def _assert_told(
    make: Factory, machine: Machine[Any, Any], thing: Any, step: Any, actor: Actor
) -> None:
    entry = await make.session.scalar(select(AuditEntry).order_by(AuditEntry.number.desc()).limit(1))
    assert entry is not None
    assert (entry.action, entry.person_id) == (step.action, actor.person_id)
    assert entry.changes["state"] == [step.source.value, step.target.value]
    assert (entry.subject_type, entry.subject_id) == (
        machine.audit_noun or machine.noun,
        machine.audit_id(thing),
    )


@pytest.mark.parametrize("noun", sorted(BY_NOUN))
async def test_every_step_of_the_table_works_and_every_other_is_refused(make: Factory, noun: str) -> None:
    passed, refused = await walk(make, BY_NOUN[noun])
    assert passed >= len(BY_NOUN[noun].transitions)
    assert refused > passed


@pytest.mark.parametrize("noun", sorted(BY_NOUN))
async def test_a_step_that_needs_a_reason_is_not_taken_without_one(make: Factory, noun: str) -> None:
    machine, session = BY_NOUN[noun], make.session
    subject = await subject_of(make, noun)
    for step in machine.transitions:
        if not step.needs_note:
            continue
        await session.execute(
            update(subject.kind)
            .where(subject.kind.id == subject.id)
            .values(state=step.source, **subject.along.get(step.source, {}))
        )
        actor = next(actor for role, actor in subject.actors.items() if role in step.who)
        before = await session.scalar(select(func.count()).select_from(AuditEntry))
        savepoint = await session.begin_nested()
        with pytest.raises(InvalidError) as caught:
            await move(session, machine, actor, await subject.read(), step.target, note="  ")
        assert set(caught.value.errors) == {"note"}
        await savepoint.rollback()
        assert await session.scalar(select(func.count()).select_from(AuditEntry)) == before


async def _strangers(make: Factory) -> list[Actor]:
    other = await make.organization()
    return [
        Actor(),
        actor_of(await make.member(other), other),
        Actor(person_id=(await make.officer()).id, roles=frozenset({PlatformRole.OFFICER})),
    ]


async def _challenge(make: Factory) -> Subject:
    market = await open_market(make, state=ChallengeState.PUBLISHED)
    challenge = market.challenge

    async def read() -> Any:
        await make.session.refresh(challenge)
        return challenge

    return Subject(
        kind=type(challenge),
        id=challenge.id,
        read=read,
        actors={Role.POSTER: market.poster_actor, Role.OFFICER: market.officer_actor, Role.SYSTEM: SYSTEM},
        strangers=[actor_of(market.editor, market.poster, "viewer"), *await _strangers(make)],
    )


async def _on_a_challenge(make: Factory, kind: Any, **values: Any) -> Subject:
    """A thing that hangs on an open challenge, and is moved by its poster, its officers and time."""
    market = await open_market(make, state=ChallengeState.PUBLISHED)
    challenge = market.challenge
    thing = kind(
        challenge_id=challenge.id,
        **{name: value(market) if callable(value) else value for name, value in values.items()},
    )
    make.session.add(thing)
    await make.session.commit()
    key = thing.id

    async def read() -> Any:
        statement = select(kind).where(kind.id == key).options(selectinload(kind.challenge))
        return await make.session.scalar(statement.execution_options(populate_existing=True))

    asker = actor_of(await make.member(market.coater), market.coater)
    return Subject(
        kind=kind,
        id=key,
        read=read,
        actors={Role.POSTER: market.poster_actor, Role.OFFICER: market.officer_actor, Role.SYSTEM: SYSTEM},
        strangers=[
            asker,
            actor_of(market.editor, market.poster, "viewer"),
            *await _strangers(make),
        ],
    )


async def _question(make: Factory) -> Subject:
    return await _on_a_challenge(
        make,
        Question,
        organization_id=lambda market: market.coater.id,
        text="合格率如何统计？",
        asked_at=utc_now(),
        # So that it may stand in every state.
        answered_at=utc_now(),
        note="理由",
    )


async def _amendment(make: Factory) -> Subject:
    return await _on_a_challenge(
        make,
        Amendment,
        version=1,
        explanation="用户提高了转速。",
        before=lambda market: content_of(market.challenge),
        after=lambda market: content_of(market.challenge),
        deadline_before=lambda market: market.challenge.deadline_at,
        deadline_after=lambda market: market.challenge.deadline_at,
        base_revision=1,
        proposed_by_id=lambda market: market.editor.id,
        proposed_at=utc_now(),
        decided_at=utc_now(),
        note="理由",
    )


async def _bid_with_partner(make: Factory) -> tuple[Bid, dict[Role, Actor], list[Actor]]:
    market = await open_market(make, state=ChallengeState.PUBLISHED)
    lead, partner = await make.member(market.coater), await make.member(market.tester)
    bid = Bid(
        challenge_id=market.challenge.id,
        organization_id=market.coater.id,
        state=BidState.DRAFT,
        submitted_at=utc_now(),
        members=[
            BidMember(organization_id=market.coater.id, position=0, state=BidMemberState.CONFIRMED),
            BidMember(organization_id=market.tester.id, position=1, state=BidMemberState.INVITED),
        ],
    )
    make.session.add(bid)
    await make.session.commit()
    strangers = [
        actor_of(lead, market.coater, "viewer"),
        actor_of(partner, market.tester, "viewer"),
        market.poster_actor,
        market.officer_actor,
        *await _strangers(make),
    ]
    actors = {
        Role.LEAD: actor_of(lead, market.coater),
        Role.PARTNER: actor_of(partner, market.tester),
        Role.SYSTEM: SYSTEM,
    }
    return bid, actors, strangers


async def _bid(make: Factory) -> Subject:
    bid, actors, strangers = await _bid_with_partner(make)
    key = bid.id

    async def read() -> Any:
        return await bid_queries.bid_by_id(make.session, key, lock=True)

    return Subject(Bid, key, read, actors, strangers)


async def _bid_member(make: Factory) -> Subject:
    bid, actors, strangers = await _bid_with_partner(make)
    bid_id, key, held = bid.id, bid.members[1].id, [bid]

    async def read() -> Any:
        found = await bid_queries.bid_by_id(make.session, bid_id, lock=True)
        assert found is not None
        # A part reaches its bid as long as somebody holds the bid.
        held[:] = [found]
        return found.members[1]

    return Subject(
        BidMember,
        key,
        read,
        {Role.PARTNER: actors[Role.PARTNER]},
        [actors[Role.LEAD], actors[Role.SYSTEM], *strangers],
    )


async def _check(make: Factory) -> Subject:
    stage = await opened_round(make, checklist=("签章齐全",))
    (check, _other) = await check_service.begin_checks(make.session, stage.officer_actor, await stage.read())
    # All that any of its states demands.
    check.points = [{**point, "met": True} for point in check.points]
    check.note = check.asked = "缺页"
    check.completion_due_at = check.completed_at = utc_now() + timedelta(days=5)
    await make.session.commit()
    key, held = check.id, [check]

    async def read() -> Any:
        found = await check_queries.check_by_id(make.session, key, lock=True)
        assert found is not None
        held[:] = [found]
        return found

    return Subject(
        FormalCheck,
        key,
        read,
        {Role.OFFICER: stage.officer_actor, Role.LEAD: stage.bidder_actor(0), Role.SYSTEM: SYSTEM},
        [
            stage.poster_actor,
            stage.bidder_actor(1),
            actor_of(stage.people[0], stage.bidders[0], "viewer"),
            *await _strangers(make),
        ],
    )


async def _scored_review(make: Factory) -> tuple[ScoringPanel, list[Actor]]:
    """One reviewer, who has scored the only bid: whatever the database asks of any state is there."""
    panel = await scoring_panel(make, heads=1, bids=1)
    await panel.declare(0)
    await panel.score(0, 5)
    await make.session.commit()
    stage = panel.stage
    return panel, [stage.poster_actor, stage.bidder_actor(0), *await _strangers(make)]


async def _review(make: Factory) -> Subject:
    panel, strangers = await _scored_review(make)
    await make.session.execute(update(PanelSeat).values(state=SeatState.HANDED_IN, handed_in_at=utc_now()))
    await make.session.execute(update(Review).values(ranking=[{"bid": "x"}]))
    await make.session.commit()

    return Subject(
        Review,
        panel.review_id,
        panel.read,
        {Role.OFFICER: panel.stage.officer_actor, Role.SYSTEM: SYSTEM},
        [panel.actor(0), *strangers],
    )


async def _seat(make: Factory) -> Subject:
    panel, strangers = await _scored_review(make)
    await make.session.execute(
        update(PanelSeat).values(note="理由", handed_in_at=utc_now(), asked_at=utc_now())
    )
    await make.session.commit()
    reviewer = panel.actor(0)

    async def read() -> Any:
        return (await panel.read()).seats[0]

    await panel.read()
    return Subject(
        PanelSeat,
        panel.review.seats[0].id,
        read,
        {Role.OFFICER: panel.stage.officer_actor, Role.REVIEWER: reviewer},
        [SYSTEM, *strangers],
    )


async def _consortium(make: Factory) -> Subject:
    consortium, program, (lead, _small) = await submitted(make, sme_budget=100)
    challenge = await make.session.get_one(Challenge, consortium.challenge_id)
    poster = await make.session.get_one(Organization, challenge.organization_id)
    officer = await make.officer()
    make.session.add(ProgramOfficer(program_id=program.id, person_id=officer.id))
    await make.session.commit()
    editor = await make.member(poster)

    async def read() -> Any:
        await make.session.refresh(consortium)
        await make.session.refresh(challenge)
        return consortium

    return Subject(
        kind=Consortium,
        id=consortium.id,
        read=read,
        actors={
            Role.POSTER: actor_of(editor, poster),
            Role.OFFICER: Actor(person_id=officer.id, roles=frozenset({PlatformRole.OFFICER})),
            Role.SYSTEM: SYSTEM,
        },
        strangers=[
            actor_of(editor, poster, "viewer"),
            actor_of(await make.member(lead), lead),
            *await _strangers(make),
        ],
    )


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
        *await _strangers(make),
    ]
    return case, contracts[0], actors, strangers


async def _contract(make: Factory) -> Subject:
    _case, contract, actors, strangers = await _signed_contract(make)

    async def read() -> Any:
        await make.session.refresh(contract)
        return contract

    return Subject(Contract, contract.id, read, actors, strangers)


async def _contract_version(make: Factory) -> Subject:
    _case, contract, actors, strangers = await _signed_contract(make)
    version = await make.session.scalar(
        select(ContractVersion).where(ContractVersion.contract_id == contract.id)
    )
    assert version is not None

    async def read() -> Any:
        await make.session.refresh(version)
        return version

    return Subject(ContractVersion, version.id, read, actors, strangers)


async def _notice_of(make: Factory) -> tuple[Notice, Subject]:
    """A notice that runs, with the people of its challenge."""
    subject = await _consortium(make)
    consortium = await make.session.get_one(Consortium, subject.id)
    notice = Notice(
        challenge_id=consortium.challenge_id,
        content={"teams": []},
        begun_at=utc_now(),
        ends_at=utc_now() + timedelta(days=5),
        published_by_id=subject.actors[Role.OFFICER].person_id,
        note="理由",
    )
    make.session.add(notice)
    await make.session.commit()
    return notice, subject


async def _notice(make: Factory) -> Subject:
    notice, around = await _notice_of(make)

    async def read() -> Any:
        await make.session.refresh(notice)
        return notice

    ended = {"ended_at": utc_now()}
    return Subject(
        kind=Notice,
        id=notice.id,
        read=read,
        actors={Role.OFFICER: around.actors[Role.OFFICER], Role.SYSTEM: SYSTEM},
        strangers=[around.actors[Role.POSTER], *around.strangers[3:]],
        along={NoticeState.ENDED: ended, NoticeState.WITHDRAWN: ended},
    )


async def _objection(make: Factory) -> Subject:
    notice, around = await _notice_of(make)
    objector = await make.organization()
    person = await make.member(objector)
    objection = Objection(
        notice_id=notice.id,
        challenge_id=notice.challenge_id,
        organization_id=objector.id,
        person_id=person.id,
        text="牵头单位不具备条件",
        raised_at=utc_now(),
        due_at=utc_now() + timedelta(days=10),
        answer="经核实",
        summary="有单位对牵头单位条件提出异议",
        effect=Effect.RETURNED,
        answered_by_id=around.actors[Role.OFFICER].person_id,
    )
    make.session.add(objection)
    await make.session.commit()

    async def read() -> Any:
        await make.session.refresh(objection)
        return objection

    answered = {"answered_at": utc_now()}
    return Subject(
        kind=Objection,
        id=objection.id,
        read=read,
        actors={
            Role.OFFICER: around.actors[Role.OFFICER],
            Role.SYSTEM: SYSTEM,
            Role.OBJECTOR: actor_of(person, objector),
        },
        strangers=[
            around.actors[Role.POSTER],
            actor_of(person, objector, "viewer"),
            *around.strangers[3:],
        ],
        along={
            ObjectionState.UPHELD: answered,
            ObjectionState.DISMISSED: {**answered, "effect": Effect.STANDS},
        },
    )


async def _milestone(make: Factory) -> Subject:
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


async def _final_acceptance(make: Factory) -> Subject:
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
