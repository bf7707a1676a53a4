"""What is checked, reviewed, chosen and objected to."""

from datetime import timedelta
from typing import Any

from sqlalchemy import update

from challenges.checks import queries as check_queries
from challenges.checks import service as check_service
from challenges.checks.models import FormalCheck
from challenges.models import (
    Challenge,
    Consortium,
    Effect,
    Notice,
    NoticeState,
    Objection,
    ObjectionState,
    PanelSeat,
    Review,
    SeatState,
)
from challenges.programs.models import ProgramOfficer
from core.accounts.models import PlatformRole
from core.actor import SYSTEM, Actor
from core.clock import utc_now
from core.states import Role
from solvers.models import Organization
from tests.factories import Factory
from tests.integration.matchmaking import actor_of
from tests.integration.opened_round import opened_round
from tests.integration.reviewing import Panel as ScoringPanel
from tests.integration.reviewing import scoring_panel
from tests.integration.state_subjects.subject import Subject, strangers_to
from tests.integration.test_the_quota_in_the_database import submitted


async def a_check(make: Factory) -> Subject:
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
            *await strangers_to(make),
        ],
    )


async def _scored_review(make: Factory) -> tuple[ScoringPanel, list[Actor]]:
    """One reviewer, who has scored the only bid: whatever the database asks of any state is there."""
    panel = await scoring_panel(make, heads=1, bids=1)
    await panel.declare(0)
    await panel.score(0, 5)
    await make.session.commit()
    stage = panel.stage
    return panel, [stage.poster_actor, stage.bidder_actor(0), *await strangers_to(make)]


async def a_review(make: Factory) -> Subject:
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


async def a_seat(make: Factory) -> Subject:
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


async def a_consortium(make: Factory) -> Subject:
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
            *await strangers_to(make),
        ],
    )


async def _notice_of(make: Factory) -> tuple[Notice, Subject]:
    """A notice that runs, with the people of its challenge."""
    subject = await a_consortium(make)
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


async def a_notice(make: Factory) -> Subject:
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


async def an_objection(make: Factory) -> Subject:
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
