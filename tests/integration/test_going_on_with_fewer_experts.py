"""A reviewer leaves and is not replaced: the review goes on with fewer, as long as the program's least numbers hold."""

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError

from challenges.models import Review, ReviewState
from challenges.reviews import panels, service
from core.audit import AuditEntry
from core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from solvers.models import Membership, MembershipRole
from tests.conftest import BrowserOf
from tests.factories import Factory
from tests.integration.opened_round import officer_actor
from tests.integration.reviewing import Panel, make_expert, scoring_panel

REASON = "李教授因病退出，库中再无可用专家"


async def short_panel(
    make: Factory, *, heads: int = 3, stay: int = 2, enterprise: int = 0, **program: Any
) -> Panel:
    """`stay` of the panel have scored, the others are off it; of those who stay so many are of enterprises."""
    panel = await scoring_panel(make, heads=heads, **program)
    for index in range(stay):
        await panel.declare(index)
        await panel.score(index, 8 - index, 6)
        await panel.hand_in(index)
    for index in range(stay, heads):
        await panels.excuse(make.session, panel.stage.officer_actor, panel.seat(index).id, "因病退出")
    if enterprise:
        # What an expert was when appointed is frozen; here the panel came about with them.
        await make.session.execute(text("ALTER TABLE panel_seat DISABLE TRIGGER USER"))
        for index in range(enterprise):
            panel.seat(index).is_enterprise = True
        await make.session.flush()
        await make.session.execute(text("ALTER TABLE panel_seat ENABLE TRIGGER USER"))
    await make.session.commit()
    await panel.read()
    return panel


async def go_on(panel: Panel, reason: str = REASON) -> Review:
    async with panel.session.begin_nested():
        await service.go_on_with_fewer(panel.session, panel.stage.officer_actor, panel.review_id, reason)
    await panel.session.commit()
    return await panel.read()


async def test_a_panel_goes_on_with_who_is_left_and_the_review_is_closed(make: Factory) -> None:
    panel = await short_panel(make, min_panel_size=2)
    free = await make_expert(make, "某研究院")
    review = await go_on(panel)
    # All who are left have scored: they discuss at once.
    assert (review.state, review.panel_size, review.fewer_note) == (ReviewState.DISCUSSING, 2, REASON)
    entry = (
        await make.session.scalars(select(AuditEntry).where(AuditEntry.action == "review.panel_reduced"))
    ).one()
    assert (entry.subject_type, entry.subject_id) == ("review", review.id)
    assert entry.changes == {"experts": [3, 2], "free_experts": 1, "reason": REASON}
    assert entry.person_id == panel.stage.officer.id
    await service.finish_review(make.session, panel.stage.officer_actor, review.id)
    await make.session.commit()
    review = await panel.read()
    assert review.state is ReviewState.FINISHED
    assert [item["rank"] for item in review.ranking] == [1, 2]
    assert free.is_active


async def test_who_has_not_scored_yet_is_waited_for(make: Factory) -> None:
    panel = await short_panel(make, heads=4, stay=2, min_panel_size=3)
    expert = await make_expert(make, "某研究院")
    await panels.seat_expert(make.session, panel.stage.officer_actor, panel.review_id, expert.id)
    review = await go_on(panel)
    assert (review.state, review.panel_size) == (ReviewState.SCORING, 3)


async def test_a_panel_that_discusses_is_closed_with_fewer(make: Factory) -> None:
    panel = await scoring_panel(make, heads=3, min_panel_size=2)
    await panel.everything((8, 6), (7, 5), (9, 4))
    await panels.excuse(make.session, panel.stage.officer_actor, panel.seat(2).id, "发现利益冲突")
    await make.session.commit()
    await panel.read()
    with pytest.raises(ConflictError):
        async with make.session.begin_nested():
            await service.finish_review(make.session, panel.stage.officer_actor, panel.review_id)
    await panel.read()
    await go_on(panel)
    finished = await service.finish_review(make.session, panel.stage.officer_actor, panel.review_id)
    assert finished.state is ReviewState.FINISHED


@pytest.mark.parametrize(
    ("program", "heads", "stay", "enterprise", "missing"),
    [
        ({}, 3, 2, 0, ("3", "2")),
        ({"min_panel_size": 3}, 4, 2, 0, ("3", "2")),
        ({"min_panel_size": 1, "min_enterprise_expert_share": Decimal(0)}, 2, 0, 0, ("1", "0")),
    ],
    ids=["a program that says nothing", "fewer than the least", "nobody"],
)
async def test_with_too_few_it_does_not_go_on_and_says_what_is_missing(
    make: Factory,
    program: dict[str, Any],
    heads: int,
    stay: int,
    enterprise: int,
    missing: tuple[str, ...],
) -> None:
    panel = await short_panel(make, heads=heads, stay=stay, enterprise=enterprise, **program)
    with pytest.raises(InvalidError) as refusal:
        await go_on(panel)
    assert all(number in str(refusal.value.errors["note"]) for number in missing)
    assert (await panel.read()).panel_size == heads


@pytest.mark.parametrize(("enterprise", "goes_on"), [(0, False), (1, True)])
async def test_the_share_of_enterprise_experts_holds_among_who_is_left(
    make: Factory, enterprise: int, goes_on: bool
) -> None:
    panel = await short_panel(make, min_panel_size=2, enterprise=enterprise)
    # As frozen into a review of a program that asks for 40 %: one of two, two of three.
    await make.session.execute(text("ALTER TABLE review DISABLE TRIGGER USER"))
    await make.session.execute(update(Review).values(min_enterprise_share=Decimal("0.4"), min_enterprise=2))
    await make.session.execute(text("ALTER TABLE review ENABLE TRIGGER USER"))
    await make.session.commit()
    await panel.read()
    if goes_on:
        review = await go_on(panel)
        assert (review.panel_size, review.min_enterprise) == (2, 1)
    else:
        with pytest.raises(InvalidError) as refusal:
            await go_on(panel)
        assert "1" in str(refusal.value.errors["note"])


async def test_a_reason_is_needed_and_a_whole_panel_does_not_shrink(make: Factory) -> None:
    panel = await short_panel(make, min_panel_size=2)
    with pytest.raises(InvalidError):
        await go_on(panel, "  ")
    whole = await scoring_panel(make, heads=2, min_panel_size=1)
    with pytest.raises(InvalidError):
        await go_on(whole)


async def test_only_officers_in_charge_without_an_interest_let_it_go_on(make: Factory) -> None:
    panel = await short_panel(make, min_panel_size=2)
    session, review_id = make.session, panel.review_id
    for actor in (
        officer_actor(await make.officer()),
        panel.stage.poster_actor,
        panel.stage.bidder_actor(0),
        panel.actor(0),
    ):
        with pytest.raises(NotFoundError):
            async with session.begin_nested():
                await service.go_on_with_fewer(session, actor, review_id, REASON)
    session.add(
        Membership(
            organization_id=panel.stage.bidders[0].id,
            person_id=panel.stage.officer.id,
            role=MembershipRole.VIEWER,
        )
    )
    await session.commit()
    with pytest.raises(ForbiddenError):
        async with session.begin_nested():
            await service.go_on_with_fewer(session, panel.stage.officer_actor, review_id, REASON)


@pytest.mark.parametrize(
    "change",
    [
        {"panel_size": 2},
        {"panel_size": 1, "fewer_note": REASON},
        {"panel_size": 4, "fewer_note": REASON},
        {"panel_size": 2, "min_enterprise": 1, "fewer_note": REASON},
        {"min_panel_size": 1},
        {"min_enterprise_share": Decimal("0.5")},
    ],
    ids=lambda change: ",".join(change),
)
async def test_the_database_lets_nothing_else_change_the_size_of_a_panel(
    make: Factory, change: dict[str, Any]
) -> None:
    panel = await short_panel(make, min_panel_size=2)
    with pytest.raises(DBAPIError):
        async with make.session.begin_nested():
            await make.session.execute(update(Review).where(Review.id == panel.review_id).values(**change))


async def test_the_officer_does_so_on_the_page_and_sees_what_is_missing_otherwise(
    make: Factory, browser_of: BrowserOf
) -> None:
    panel = await short_panel(make, min_panel_size=2)
    # Whoever reads it here holds it.
    await make.session.commit()
    challenge_id, review_id = panel.stage.challenge.id, panel.review_id
    browser = await browser_of(panel.stage.officer)
    page = await browser.get(f"/challenges/{challenge_id}/review")
    assert f"/reviews/{review_id}/fewer" in page.text
    refused = await browser.submit(f"/reviews/{review_id}/fewer", {"note": ""})
    assert refused.status_code == 422
    assert (await browser.submit(f"/reviews/{review_id}/fewer", {"note": REASON})).status_code == 303
    page = await browser.get(f"/challenges/{challenge_id}/review")
    assert REASON in page.text
    assert f"/reviews/{review_id}/fewer" not in page.text
    # The poster learns the ranking once it is fixed, and nothing of who has left.
    await browser.submit(f"/reviews/{review_id}/end")
    poster = await browser_of(panel.stage.poster_person, panel.stage.poster)
    for path in ("review", "history"):
        page = await poster.get(f"/challenges/{challenge_id}/{path}")
        assert page.status_code == 200
        assert "李教授" not in page.text

    other = await short_panel(make)
    await make.session.commit()
    browser = await browser_of(other.stage.officer)
    page = await browser.get(f"/challenges/{other.stage.challenge.id}/review")
    assert f"/reviews/{other.review_id}/fewer" not in page.text
    assert "至少 3 名专家" in page.text
    answer = await browser.submit(f"/reviews/{other.review_id}/fewer", {"note": REASON})
    assert answer.status_code == 422
    assert "至少 3 名专家" in answer.text
