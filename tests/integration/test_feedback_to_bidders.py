"""What a bidder reads of its own bid after the decision: score, rank, means and comments; never who said so."""

import pytest
from sqlalchemy import update

from challenges.models import BidMember, BidMemberState, Challenge, ChallengeState
from challenges.reviews import scoring, service
from tests.conftest import BrowserOf
from tests.factories import Factory
from tests.integration.reviewing import Panel, scoring_panel


async def finished_panel(make: Factory) -> Panel:
    panel = await scoring_panel(make)
    for number, person in enumerate(panel.people):
        person.name = f"评审人{number}欧阳"
    await make.session.commit()
    await panel.read()
    await panel.everything((8, 6), (7, 5))
    await scoring.remark(make.session, panel.actor(0), panel.seat(0).id, "讨论中的内部意见")
    await service.finish_review(make.session, panel.stage.officer_actor, panel.review_id)
    await make.session.commit()
    await panel.read()
    await make.session.commit()
    return panel


async def decided(panel: Panel, state: ChallengeState = ChallengeState.AWARDED) -> None:
    await panel.session.execute(
        update(Challenge).where(Challenge.id == panel.stage.challenge.id).values(state=state)
    )
    await panel.session.commit()


@pytest.mark.parametrize("state", [ChallengeState.AWARDED, ChallengeState.NO_AWARD])
async def test_bidders_read_score_rank_and_comments_after_the_decision_without_names(
    make: Factory, browser_of: BrowserOf, state: ChallengeState
) -> None:
    panel = await finished_panel(make)
    stage = panel.stage
    first, second = [
        await browser_of(person, bidder) for person, bidder in zip(stage.people, stage.bidders, strict=True)
    ]
    paths = [f"/bids/{bid.id}/review" for bid in stage.bids]
    # Finished and not decided yet: the ranking is the officers' and the poster's.
    assert (await first.get(paths[0])).status_code == 404
    await decided(panel, state)
    for browser, path, own, other in (
        (first, paths[0], "平均 7.5 分", "平均 5.5 分"),
        (second, paths[1], "平均 5.5 分", "平均 7.5 分"),
    ):
        page = await browser.get(path)
        assert page.status_code == 200
        assert own in page.text, page.text[page.text.index("<main") :][:1500]
        assert other not in page.text
        assert {"意见0" in page.text, "意见1" in page.text} == {True}
        assert "欧阳" not in page.text
        assert "内部意见" not in page.text
    assert (await first.get(paths[1])).status_code == 404
    assert (await second.get(paths[0])).status_code == 404


async def test_whoever_has_a_part_in_the_bid_reads_it_and_nobody_else(
    make: Factory, browser_of: BrowserOf
) -> None:
    panel = await finished_panel(make)
    stage = panel.stage
    partner, asked = await make.organization(), await make.organization()
    for position, (organization, state) in enumerate(
        ((partner, BidMemberState.CONFIRMED), (asked, BidMemberState.DECLINED)), start=1
    ):
        make.session.add(
            BidMember(
                bid_id=stage.bids[0].id, organization_id=organization.id, position=position, state=state
            )
        )
    await make.session.commit()
    await decided(panel)
    path = f"/bids/{stage.bids[0].id}/review"
    own = await browser_of(await make.member(partner), partner)
    assert (await own.get(path)).status_code == 200
    for person, organization in (
        (await make.member(asked), asked),
        (stage.poster_person, stage.poster),
        (stage.officer, None),
        (panel.people[0], None),
        (await make.administrator(), None),
        (await make.person(), None),
    ):
        browser = await browser_of(person, organization)
        assert (await browser.get(path)).status_code == 404, person.name
    assert (await (await browser_of()).get(path)).status_code == 401


async def test_without_a_finished_review_there_is_nothing_to_read(
    make: Factory, browser_of: BrowserOf
) -> None:
    panel = await scoring_panel(make)
    await make.session.commit()
    await decided(panel)
    browser = await browser_of(panel.stage.people[0], panel.stage.bidders[0])
    assert (await browser.get(f"/bids/{panel.stage.bids[0].id}/review")).status_code == 404
