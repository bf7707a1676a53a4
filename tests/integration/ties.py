"""Experts tied to the poster or a bidder of a round, in every way that is a conflict of interest."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from decimal import Decimal

from challenges.experts.models import Expert, PastEmployer
from challenges.models import (
    ChallengeState,
    Consortium,
    ConsortiumMember,
    ConsortiumState,
)
from challenges.reviews.conflicts import ConflictKind
from core.clock import shanghai_today, utc_now
from solvers.models import ControlKind, ControlRelation, Membership, MembershipRole, Organization, SizeClass
from tests.factories import Factory
from tests.integration.opened_round import OpenedRound, add_bid
from tests.integration.reviewing import make_expert

Tie = Callable[[Factory, OpenedRound], Awaitable[Expert]]


async def _employer(make: Factory, stage: OpenedRound) -> Expert:
    return await make_expert(make, stage.bidders[0])


async def _poster(make: Factory, stage: OpenedRound) -> Expert:
    return await make_expert(make, stage.poster)


async def _former(make: Factory, stage: OpenedRound) -> Expert:
    return await make_expert(make, past=((stage.bidders[1], shanghai_today().year - 5),))


async def _membership(make: Factory, stage: OpenedRound) -> Expert:
    expert = await make_expert(make)
    make.session.add(
        Membership(
            organization_id=stage.bidders[0].id, person_id=expert.person_id, role=MembershipRole.VIEWER
        )
    )
    await make.session.commit()
    return expert


async def _control(make: Factory, stage: OpenedRound) -> Expert:
    parent = await make.organization()
    make.session.add(
        ControlRelation(
            organization_id=stage.bidders[0].id, controller_id=parent.id, kind=ControlKind.CONTROL
        )
    )
    await make.session.commit()
    return await make_expert(make, parent)


async def _control_by_name(make: Factory, stage: OpenedRound) -> Expert:
    await _controls(make, stage.bidders[0], "北方 控股（集团）公司")
    return await make_expert(make, "北方控股(集团)公司")


async def _controlled(make: Factory, stage: OpenedRound) -> Expert:
    employer = await make.organization()
    await _controls(make, employer, stage.poster)
    return await make_expert(make, employer)


async def _same_controller(make: Factory, stage: OpenedRound) -> Expert:
    employer, parent = await make.organization(), await make.organization()
    for organization in (employer, stage.bidders[1]):
        await _controls(make, organization, parent)
    return await make_expert(make, employer)


async def _same_controller_by_name(make: Factory, stage: OpenedRound) -> Expert:
    employer = await make.organization()
    for organization in (employer, stage.bidders[1]):
        await _controls(make, organization, "北方控股公司")
    return await make_expert(make, employer)


async def _controls(make: Factory, organization: Organization, controller: Organization | str) -> None:
    named = isinstance(controller, str)
    make.session.add(
        ControlRelation(
            organization_id=organization.id,
            controller_id=None if named else controller.id,
            controller_name=controller if named else "",
            controller_size=SizeClass.LARGE if named else None,
            kind=ControlKind.CONTROL,
        )
    )
    await make.session.commit()


async def _employer_by_name(make: Factory, stage: OpenedRound) -> Expert:
    return await make_expert(make, f" {stage.bidders[0].name}\u3000")


async def _former_by_name(make: Factory, stage: OpenedRound) -> Expert:
    expert = await make_expert(make)
    past = PastEmployer(
        expert_id=expert.id, organization_name=stage.poster.name, until_year=shanghai_today().year - 1
    )
    make.session.add(past)
    await make.session.commit()
    await make.session.refresh(expert, ["past_employers"])
    return expert


async def _fellow_bidder(make: Factory, stage: OpenedRound) -> Expert:
    """Of an organization that has bid elsewhere together with a bidder, in a bid that is opened."""
    fellow = await make.organization()
    await bid_together(make, stage, fellow, is_opened=True)
    return await make_expert(make, fellow)


async def bid_together(make: Factory, stage: OpenedRound, fellow: Organization, *, is_opened: bool) -> None:
    other = await make.challenge(
        stage.poster,
        await make.program(),
        state=ChallengeState.CLOSED,
        deadline_at=utc_now() - timedelta(hours=1),
    )
    await add_bid(make, other, fellow, stage.bidders[0])
    if is_opened:
        await make.opened(other)


async def consort_with(make: Factory, stage: OpenedRound, state: ConsortiumState) -> Expert:
    """Of an organization that forms a consortium of another challenge with the stage's first bidder."""
    partner = await make.organization()
    program = await make.program()
    other = await make.challenge(stage.poster, program)
    make.session.add(
        Consortium(
            challenge_id=other.id,
            state=state,
            lead_id=partner.id,
            rule_id=program.rules[0].id,
            submitted_at=other.published_at if state is ConsortiumState.SUBMITTED else None,
            members=[
                ConsortiumMember(
                    organization_id=item.id,
                    position=place,
                    kind=item.kind,
                    size_class=item.size_class,
                    counted_sme=True,
                    budget_wan=Decimal(100),
                    requirement_ids=[],
                )
                for place, item in enumerate((partner, stage.bidders[0]))
            ],
        )
    )
    await make.session.commit()
    return await make_expert(make, partner)


async def _partner(make: Factory, stage: OpenedRound) -> Expert:
    return await consort_with(make, stage, ConsortiumState.SUBMITTED)


async def _mail(make: Factory, stage: OpenedRound) -> Expert:
    person = stage.people[0]
    person.email = "chief@mz-drive.example"
    await make.session.commit()
    return await make_expert(make, email="expert@mz-drive.example")


async def _officer(make: Factory, stage: OpenedRound) -> Expert:
    expert = await make_expert(make)
    expert.person_id = stage.second_officer.id
    await make.session.commit()
    return expert


def name_of(item: object) -> str:
    return getattr(item, "__name__", str(item))


TIES: dict[ConflictKind, list[Tie]] = {
    ConflictKind.SAME_ORGANIZATION: [_employer, _poster, _membership, _employer_by_name],
    ConflictKind.FORMER_EMPLOYER: [_former, _former_by_name],
    ConflictKind.CONTROL: [
        _control,
        _control_by_name,
        _controlled,
        _same_controller,
        _same_controller_by_name,
    ],
    ConflictKind.CO_MEMBER: [_partner, _fellow_bidder],
    ConflictKind.SAME_MAIL_DOMAIN: [_mail],
    ConflictKind.IN_CHARGE: [_officer],
}
