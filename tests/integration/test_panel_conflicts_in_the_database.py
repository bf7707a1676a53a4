"""Who has a conflict of interest gets no seat by writing to the database either; who has none does."""

from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from challenges.experts.models import Expert
from challenges.models import (
    ConsortiumState,
    PanelSeat,
    SeatState,
)
from challenges.reviews import panels, queries
from challenges.reviews.conflicts import ConflictKind
from core.accounts.models import Person
from core.clock import shanghai_today
from core.errors import InvalidError
from solvers.models import ControlKind, ControlRelation, Organization
from tests.factories import Factory
from tests.integration.opened_round import OpenedRound
from tests.integration.reviewing import make_expert, prepared_review
from tests.integration.ties import TIES, Tie, bid_together, consort_with, name_of

INSERT = text(
    "INSERT INTO panel_seat (id, review_id, expert_id, state, note)"
    " VALUES (gen_random_uuid(), :review, :expert, :state, :note)"
)
# See docs/decisions/0009: the service alone knows which domains are everybody's.
BY_THE_SERVICE_ALONE = ConflictKind.SAME_MAIL_DOMAIN


@pytest.mark.parametrize(
    "tie",
    [tie for kind, ties in TIES.items() if kind is not BY_THE_SERVICE_ALONE for tie in ties],
    ids=name_of,
)
async def test_nobody_is_seated_against_a_tie_by_writing_to_the_database(make: Factory, tie: Tie) -> None:
    stage, review = await prepared_review(make, heads=1)
    expert = await tie(make, stage)
    seat = {"review": review.id, "expert": expert.id}
    for state in (SeatState.PROPOSED, SeatState.ASKED):
        with pytest.raises(IntegrityError, match=r"the expert|control ties"):
            async with make.session.begin_nested():
                await make.session.execute(INSERT, {**seat, "state": state, "note": ""})
    # Who has declared a conflict is written down all the same.
    await make.session.execute(INSERT, {**seat, "state": SeatState.EXCLUDED, "note": "本人声明"})


async def _stranger(make: Factory, stage: OpenedRound) -> Expert:
    return await make_expert(make)


async def _left_long_ago(make: Factory, stage: OpenedRound) -> Expert:
    return await make_expert(make, past=((stage.bidders[1], shanghai_today().year - 6),))


async def _sketch_in_common(make: Factory, stage: OpenedRound) -> Expert:
    """A consortium that was never handed in ties nobody."""
    return await consort_with(make, stage, ConsortiumState.PROPOSED)


async def _sealed_bid_in_common(make: Factory, stage: OpenedRound) -> Expert:
    fellow = await make.organization()
    await bid_together(make, stage, fellow, is_opened=False)
    return await make_expert(make, fellow)


async def _sibling_of_a_stranger(make: Factory, stage: OpenedRound) -> Expert:
    employer, parent, sibling = [await make.organization() for _number in range(3)]
    for organization in (employer, sibling):
        make.session.add(
            ControlRelation(
                organization_id=organization.id, controller_id=parent.id, kind=ControlKind.CONTROL
            )
        )
    await make.session.commit()
    return await make_expert(make, employer)


async def _in_charge_elsewhere(make: Factory, stage: OpenedRound) -> Expert:
    expert = await make_expert(make)
    await make.program(await make.session.get_one(Person, expert.person_id))
    return expert


FREE: list[Callable[[Factory, OpenedRound], Awaitable[Expert]]] = [
    _stranger,
    _left_long_ago,
    _sketch_in_common,
    _sealed_bid_in_common,
    _sibling_of_a_stranger,
    _in_charge_elsewhere,
]


@pytest.mark.parametrize("nearly", FREE, ids=name_of)
async def test_who_has_no_tie_may_be_seated_as_the_service_says(
    make: Factory, nearly: Callable[[Factory, OpenedRound], Awaitable[Expert]]
) -> None:
    stage, review = await prepared_review(make, heads=1)
    expert = await nearly(make, stage)
    read = await queries.review_by_id(make.session, review.id)
    assert read is not None
    (found,) = await panels.prospects_of(make.session, read)
    assert found.conflicts == []
    make.session.add(PanelSeat(review_id=review.id, expert_id=expert.id, conflicting_bids=[]))
    await make.session.flush()


async def test_a_shared_mail_domain_is_refused_by_the_service_alone(make: Factory) -> None:
    stage, review = await prepared_review(make, heads=1)
    (tie,) = TIES[BY_THE_SERVICE_ALONE]
    expert = await tie(make, stage)
    with pytest.raises(InvalidError):
        await panels.seat_expert(make.session, stage.officer_actor, review.id, expert.id)
    make.session.add(PanelSeat(review_id=review.id, expert_id=expert.id, conflicting_bids=[]))
    await make.session.flush()


async def test_a_tie_that_comes_later_does_not_stop_who_is_seated(make: Factory) -> None:
    stage, review = await prepared_review(make, heads=1)
    employer: Organization = await make.organization()
    expert = await make_expert(make, employer)
    seat = await panels.seat_expert(make.session, stage.officer_actor, review.id, expert.id)
    await make.session.commit()
    await bid_together(make, stage, employer, is_opened=True)
    await panels.ask(make.session, stage.officer_actor, seat)
    await make.session.commit()
    assert seat.state is SeatState.ASKED
