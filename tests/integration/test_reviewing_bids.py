"""A panel reviews: conflicts are declared before anything is read, nobody sees others' scores too early, a ranking stays."""

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import DBAPIError

import challenges.reviews.jobs  # noqa: F401 -- registers what is due
from challenges.models import ChallengeState, PanelSeat, Review, ReviewState, Score, ScoreRevision, SeatState
from challenges.programs.calendar import period
from challenges.reviews import panels, queries, scoring, service
from challenges.reviews.scoring import Given
from core.audit import AuditEntry
from core.clock import utc_now
from core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from core.schedule import catch_up
from tests.factories import Factory
from tests.integration.opened_round import officer_actor, opened_round
from tests.integration.reviewing import make_expert, prepared_review, scoring_panel
from tests.told import told


async def test_a_review_goes_its_way_to_a_ranking(make: Factory) -> None:
    panel = await scoring_panel(make, heads=3)
    stage = panel.stage
    assert stage.challenge.state is ChallengeState.IN_REVIEW
    assert len(await told(make.session, "review.asked")) == 3
    assert await queries.finished_ranking(make.session, stage.challenge.id) is None
    review = await panel.everything((6, 8), (7, 9), (5, 10))
    # The last one has handed in: the discussion begins by itself.
    assert review.state is ReviewState.DISCUSSING
    assert len(await told(make.session, "review.discussion_begun")) == 3
    assert await queries.finished_ranking(make.session, stage.challenge.id) is None
    await service.finish_review(make.session, stage.officer_actor, review.id)
    await make.session.commit()
    assert await queries.finished_ranking(make.session, stage.challenge.id) == [
        (stage.bids[1].id, 1, Decimal("90.00")),
        (stage.bids[0].id, 2, Decimal("60.00")),
    ]
    assert len(await told(make.session, "review.finished")) == 1
    await make.session.refresh(stage.challenge)
    assert stage.challenge.state is ChallengeState.IN_REVIEW
    with pytest.raises(DBAPIError):
        await make.session.execute(update(Review).where(Review.id == review.id).values(ranking=[{"bid": 1}]))


async def test_a_review_begins_only_when_every_check_is_settled_and_the_program_wants_one(
    make: Factory,
) -> None:
    unwanted = await opened_round(make)
    with pytest.raises(ConflictError):
        await service.begin_review(
            make.session, unwanted.officer_actor, await unwanted.read(), drops_extremes=False
        )
    unchecked = await opened_round(make, needs_review=True, checklist=("签章",))
    with pytest.raises(ConflictError):
        await service.begin_review(
            make.session, unchecked.officer_actor, await unchecked.read(), drops_extremes=False
        )
    with pytest.raises(ForbiddenError):
        await service.begin_review(
            make.session, officer_actor(await make.officer()), await unchecked.read(), drops_extremes=False
        )
    empty = await opened_round(make, needs_review=True, bids=0)
    with pytest.raises(ConflictError):
        await service.begin_review(
            make.session, empty.officer_actor, await empty.read(), drops_extremes=False
        )


async def test_nobody_scores_before_the_panel_is_complete(make: Factory) -> None:
    stage, review = await prepared_review(make, heads=2)
    expert = await make_expert(make)
    await panels.seat_expert(make.session, stage.officer_actor, review.id, expert.id)
    key = review.id
    with pytest.raises(ConflictError):
        async with make.session.begin_nested():
            await service.begin_scoring(make.session, stage.officer_actor, key)
    with pytest.raises(DBAPIError):
        async with make.session.begin_nested():
            await make.session.execute(
                update(Review)
                .where(Review.id == key)
                .values(state=ReviewState.SCORING, due_at=utc_now() + timedelta(days=1))
            )


async def test_a_panel_keeps_its_share_of_enterprise_experts(make: Factory) -> None:
    stage, review = await prepared_review(make, heads=2, min_enterprise_expert_share=Decimal("0.3"))
    assert review.min_enterprise == 1
    for number in range(2):
        expert = await make_expert(make, f"第{number}学院")
        await panels.seat_expert(make.session, stage.officer_actor, review.id, expert.id)
    with pytest.raises(ConflictError):
        async with make.session.begin_nested():
            await service.begin_scoring(make.session, stage.officer_actor, review.id)
    (first, _second) = (await make.session.scalars(select(PanelSeat))).all()
    await panels.excuse(make.session, stage.officer_actor, first.id, "")
    enterprise = await make_expert(make, "某企业", is_enterprise=True)
    await panels.seat_expert(make.session, stage.officer_actor, review.id, enterprise.id)
    review = await service.begin_scoring(make.session, stage.officer_actor, review.id)
    assert review.state is ReviewState.SCORING


async def test_content_is_read_only_after_declaring_and_not_by_who_has_a_conflict(make: Factory) -> None:
    panel = await scoring_panel(make)
    bid = panel.stage.bids[0]
    session = make.session
    for index in range(2):
        assert not await scoring.may_read_bid(session, panel.actor(index), bid.id)
        with pytest.raises(NotFoundError):
            await scoring.save_scores(session, panel.actor(index), panel.seat(index).id, bid.id, [])
    await panel.declare(0)
    assert await scoring.may_read_bid(session, panel.actor(0), bid.id)
    # Nobody sits in another's seat.
    with pytest.raises(NotFoundError):
        await scoring.declare(session, panel.actor(0), panel.seat(1).id, has_conflict=False)
    with pytest.raises(InvalidError):
        async with session.begin_nested():
            await scoring.declare(session, panel.actor(1), panel.seat(1).id, has_conflict=True)
    await scoring.declare(
        session,
        panel.actor(1),
        panel.seat(1).id,
        has_conflict=True,
        bid_ids=[str(bid.id), "other"],
        reason="曾指导其博士",
    )
    await session.commit()
    await panel.read()
    assert panel.seat(1).state is SeatState.EXCLUDED
    assert panel.seat(1).conflicting_bids == [str(bid.id)]
    assert not await scoring.may_read_bid(session, panel.actor(1), bid.id)
    assert await told(session, "review.conflict_declared")


async def test_who_has_a_conflict_is_replaced_and_the_replacement_is_asked(make: Factory) -> None:
    panel = await scoring_panel(make)
    await panel.declare(0)
    await panel.score(0, 5, 6)
    await panel.hand_in(0)
    await scoring.declare(
        make.session, panel.actor(1), panel.seat(1).id, has_conflict=True, reason="亲属在该单位"
    )
    await make.session.commit()
    assert (await panel.read()).state is ReviewState.SCORING
    substitute = await make_expert(make, "替补大学")
    proposal = await panels.propose(make.session, panel.stage.officer_actor, panel.review.id)
    await make.session.commit()
    assert proposal.chosen[str(panel.review.id)] == (str(substitute.id),)
    await panel.read()
    seat = next(item for item in panel.review.seats if item.expert_id == substitute.id)
    assert seat.state is SeatState.ASKED
    assert seat.expert.person.email in {email for email, _kind in await told(make.session, "review.asked")}


async def test_scores_are_within_their_scale_and_complete_before_they_are_handed_in(make: Factory) -> None:
    panel = await scoring_panel(make)
    await panel.declare(0)
    bid, seat = panel.stage.bids[0], panel.seat(0)
    for bad in (Decimal("10.5"), Decimal(-1), Decimal("1.3"), Decimal("NaN")):
        with pytest.raises(InvalidError):
            await scoring.save_scores(make.session, panel.actor(0), seat.id, bid.id, [Given(bad)] * 4)
    await scoring.save_scores(make.session, panel.actor(0), seat.id, bid.id, [Given(Decimal("7.5"))] * 4)
    with pytest.raises(InvalidError):
        await scoring.hand_in(make.session, panel.actor(0), seat.id)
    with pytest.raises(DBAPIError):
        async with make.session.begin_nested():
            await make.session.execute(
                update(PanelSeat)
                .where(PanelSeat.id == seat.id)
                .values(state=SeatState.HANDED_IN, handed_in_at=utc_now())
            )
    with pytest.raises(DBAPIError):
        async with make.session.begin_nested():
            await make.session.execute(update(Score).values(points=Decimal(50)))
    await panel.score(0, 7.5, 3)
    await panel.hand_in(0)
    # Handed in is handed in, until all have scored.
    with pytest.raises(ConflictError):
        await panel.score(0, 1, 1)
    with pytest.raises(ConflictError):
        await scoring.revise(make.session, panel.actor(0), seat.id, bid.id, [Given(Decimal(1))] * 4, "想改")
    with pytest.raises(ConflictError):
        await scoring.remark(make.session, panel.actor(0), seat.id, "太早")


async def test_a_revision_in_the_discussion_keeps_what_was_before(make: Factory) -> None:
    panel = await scoring_panel(make)
    await panel.everything((5, 6), (7, 8))
    bid, session = panel.stage.bids[0], make.session
    given = [Given(Decimal(9), "更正")] + [Given(Decimal(5))] * 3
    with pytest.raises(InvalidError):
        await scoring.revise(session, panel.actor(0), panel.seat(0).id, bid.id, given, " ")
    await scoring.revise(session, panel.actor(0), panel.seat(0).id, bid.id, given, "漏看附件")
    await session.commit()
    (kept,) = (await session.scalars(select(ScoreRevision))).all()
    assert (kept.before, kept.after, kept.reason, kept.criterion) == (5, 9, "漏看附件", 0)
    with pytest.raises(DBAPIError):
        async with session.begin_nested():
            await session.execute(delete(ScoreRevision))
    await panel.read()
    await scoring.remark(session, panel.actor(0), panel.seat(0).id, "请看附件三", bid.id)
    # Each is a request of its own, and so has its own moment.
    await session.commit()
    await scoring.remark_as_officer(session, panel.stage.officer_actor, panel.review.id, "请充分讨论")
    await session.commit()
    assert [item.text for item in await queries.remarks_of(session, panel.review.id)] == [
        "请看附件三",
        "请充分讨论",
    ]
    # The one who spoke is not told of their own words.
    assert len(await told(session, "review.remark")) == 3


async def test_what_a_reviewer_sends_twice_is_done_once(make: Factory) -> None:
    panel = await scoring_panel(make)
    session, bid = make.session, panel.stage.bids[0]

    async def entries(action: str) -> int:
        count = select(func.count()).select_from(AuditEntry).where(AuditEntry.action == action)
        return await session.scalar(count) or 0

    await panel.declare(0)
    seat = panel.seat(0)
    for comment in ("可行", "可行 ", "欠详"):
        given = [Given(Decimal(7), comment) for _ in panel.review.criteria]
        await scoring.save_scores(session, panel.actor(0), seat.id, bid.id, given)
        await session.commit()
    assert await entries("seat.scores_saved") == 2

    await panel.score(0, 5, 6)
    await panel.hand_in(0)
    await panel.declare(1)
    await panel.score(1, 5, 6)
    await panel.hand_in(1)
    await session.commit()
    await panel.read()
    for points in (9, 9, 8):
        given = [Given(Decimal(points), "意见0") for _ in panel.review.criteria]
        await scoring.revise(session, panel.actor(0), panel.seat(0).id, bid.id, given, "漏看附件")
        await session.commit()
        await panel.read()
    assert await entries("seat.scores_revised") == 2
    for index, text in ((0, "同意"), (0, " 同意"), (1, "同意"), (0, "同意")):
        await scoring.remark(session, panel.actor(index), panel.seat(index).id, text)
        await session.commit()
    # After somebody else has spoken the same words say something again.
    said = await queries.remarks_of(session, panel.review_id)
    assert [item.person_id for item in said] == [panel.people[index].id for index in (0, 1, 0)]
    assert await entries("review.remark") == 3


async def test_after_the_deadline_nothing_is_lost_and_nothing_handed_in_until_it_is_extended(
    make: Factory,
) -> None:
    panel = await scoring_panel(make)
    await panel.declare(0)
    await panel.score(0, 5, 6)
    await make.session.execute(
        update(Review).values(due_at=utc_now() - timedelta(milliseconds=1), remind_at=None)
    )
    await make.session.commit()
    with pytest.raises(ConflictError):
        async with make.session.begin_nested():
            await panel.hand_in(0)
    await panel.score(0, 7, 8)
    await make.session.commit()
    await catch_up()
    await catch_up()
    assert len(await told(make.session, "review.overdue_for_me")) == 2
    assert len(await told(make.session, "review.overdue")) == 4
    await panel.read()
    assert {score.points for score in panel.seat(0).scores} == {7, 8}
    officer = panel.stage.officer_actor
    with pytest.raises(InvalidError):
        await service.extend(make.session, officer, panel.review.id, utc_now() - timedelta(days=1))
    await service.extend(make.session, officer, panel.review.id, utc_now() + timedelta(days=1))
    await panel.hand_in(0)
    await make.session.commit()
    assert (await panel.read()).overdue_at is None
    assert panel.seat(0).state is SeatState.HANDED_IN


async def test_who_has_not_scored_is_reminded_once(make: Factory) -> None:
    panel = await scoring_panel(make)
    program = panel.stage.program
    assert panel.review.due_at is not None
    assert panel.review.remind_at == panel.review.due_at - period(program, program.review_days) / 5
    await panel.declare(0)
    await panel.score(0, 5, 6)
    await panel.hand_in(0)
    await make.session.execute(update(Review).values(remind_at=utc_now() - timedelta(seconds=1)))
    await make.session.commit()
    await catch_up()
    await catch_up()
    assert await told(make.session, "review.reminder") == [(panel.people[1].email, "review.reminder")]


async def test_a_review_that_is_broken_off_leaves_the_challenge_closed_for_another(make: Factory) -> None:
    panel = await scoring_panel(make)
    officer, session = panel.stage.officer_actor, make.session
    with pytest.raises(InvalidError):
        async with session.begin_nested():
            await service.break_off(session, officer, panel.review.id, " ")
    await panel.read()
    await service.break_off(session, officer, panel.review.id, "专家名单泄露")
    await session.commit()
    await session.refresh(panel.stage.challenge)
    assert panel.stage.challenge.state is ChallengeState.CLOSED
    assert len(await told(session, "review.broken_off")) == 2
    await panel.read()
    with pytest.raises(ConflictError):
        async with session.begin_nested():
            await panel.declare(0)
    await panel.read()
    again = await service.begin_review(session, officer, await panel.stage.read(), drops_extremes=False)
    assert again.id != panel.review.id


async def test_what_a_review_goes_by_is_frozen(make: Factory) -> None:
    panel = await scoring_panel(make)
    assert [item["name"] for item in panel.review.criteria] == [
        "团队",
        "研发能力",
        "实施方案",
        "与需求的契合度",
    ]
    for change in ({"criteria": [{"name": "x"}]}, {"panel_size": 1}, {"drops_extremes": True}):
        with pytest.raises(DBAPIError):
            async with make.session.begin_nested():
                await make.session.execute(update(Review).values(**change))
    assert await make.session.scalar(select(func.count()).select_from(PanelSeat)) == 2
    with pytest.raises(DBAPIError):
        async with make.session.begin_nested():
            await make.session.execute(delete(PanelSeat))
