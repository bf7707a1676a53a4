"""A poster names one to three bids as winners; they are handed in together and decided on one by one."""

import asyncio
import itertools
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncSession

from challenges.awards import offers, policies, queries, service
from challenges.awards.offers import Place
from challenges.consortia import decisions, from_bids, submission, waivers
from challenges.consortia.decisions import challenge_state_after
from challenges.models import ChallengeState, ConsortiumState, Outcome
from core.errors import ConflictError, ForbiddenError, InvalidError
from core.process import Process
from tests.conftest import BrowserOf
from tests.factories import Factory
from tests.integration.winners import (
    Contest,
    award,
    decide,
    hand_in,
    name_winners,
    open_contest,
    reload,
    seen,
    teams_of,
)
from tests.told import told


@pytest.mark.parametrize("names", [("coater",), ("coater", "tester"), ("coater", "tester", "institute")])
async def test_each_winning_bid_becomes_a_team_and_the_last_approval_awards(
    make: Factory, session: AsyncSession, names: tuple[str, ...]
) -> None:
    contest = await open_contest(make)
    teams = await hand_in(session, contest, *names)
    assert [team.team for team in teams] == list(range(1, len(names) + 1))
    assert {team.bid_id for team in teams} == {contest.bids[name].id for name in names}
    assert {team.state for team in teams} == {ConsortiumState.SUBMITTED}
    assert contest.market.challenge.state is ChallengeState.MATCH_PROPOSED
    for position, team in enumerate(teams, start=1):
        state = await decide(session, contest, team, Outcome.APPROVED)
        assert state is (ChallengeState.AWARDED if position == len(teams) else ChallengeState.MATCH_PROPOSED)
    approved = await queries.approved_teams(session, contest.market.challenge.id)
    assert [team.members[0].organization.name for team in approved] == [
        getattr(contest.market, name).name for name in names
    ]


async def test_more_than_the_program_allows_or_none_is_refused(make: Factory, session: AsyncSession) -> None:
    contest = await open_contest(make, max_winners=2)
    for names in ((), ("coater", "tester", "institute")):
        with pytest.raises(InvalidError) as caught:
            await name_winners(session, contest, *names)
        assert set(caught.value.errors) == {"bids"}
        await session.rollback()
        await reload(session, contest)
    assert len(await name_winners(session, contest, "coater", "tester")) == 2


async def test_a_rejected_team_does_not_hold_up_the_award_of_the_others(
    make: Factory, session: AsyncSession
) -> None:
    contest = await open_contest(make)
    first, second = await hand_in(session, contest, "coater", "tester")
    assert await decide(session, contest, first, Outcome.REJECTED) is ChallengeState.MATCH_PROPOSED
    assert await decide(session, contest, second, Outcome.APPROVED) is ChallengeState.AWARDED


async def test_with_all_rejected_others_are_named_and_never_the_rejected(
    make: Factory, session: AsyncSession
) -> None:
    contest = await open_contest(make)
    (team,) = await hand_in(session, contest, "coater")
    assert await decide(session, contest, team, Outcome.REJECTED) is ChallengeState.CLOSED
    with pytest.raises(InvalidError):
        await name_winners(session, contest, "coater")
    await session.rollback()
    await reload(session, contest)
    (other,) = await name_winners(session, contest, "tester")
    assert other.team == 1


async def test_a_returned_team_sends_the_challenge_back_and_leaves_the_approved_one(
    make: Factory, session: AsyncSession
) -> None:
    contest = await open_contest(make)
    first, second = await hand_in(session, contest, "coater", "tester")
    assert await decide(session, contest, first, Outcome.RETURNED) is ChallengeState.MATCH_PROPOSED
    assert await decide(session, contest, second, Outcome.APPROVED) is ChallengeState.CLOSED
    first, second = await teams_of(session, contest)
    assert (first.state, second.state) == (ConsortiumState.RETURNED, ConsortiumState.APPROVED)
    # Another bid takes the place of the returned one.
    teams = await hand_in(session, contest, "institute")
    assert [(team.team, team.state) for team in teams] == [
        (1, ConsortiumState.SUBMITTED),
        (2, ConsortiumState.APPROVED),
    ]
    await session.refresh(first, ["state"])
    assert first.state is ConsortiumState.WITHDRAWN
    assert await decide(session, contest, teams[0], Outcome.APPROVED) is ChallengeState.AWARDED


async def test_the_returned_team_itself_is_mended_and_handed_in_again(
    make: Factory, session: AsyncSession
) -> None:
    contest = await open_contest(make)
    first, second = await hand_in(session, contest, "coater", "tester")
    await decide(session, contest, second, Outcome.APPROVED)
    assert await decide(session, contest, first, Outcome.RETURNED) is ChallengeState.CLOSED
    await service.submit_winners(
        session, contest.poster, contest.market.challenge.id, "已补充", await seen(session, contest)
    )
    await session.commit()
    again, _other = await teams_of(session, contest)
    assert (again.id, again.state, again.note) == (first.id, ConsortiumState.SUBMITTED, "已补充")
    assert await decide(session, contest, again, Outcome.APPROVED) is ChallengeState.AWARDED


async def test_the_poster_may_go_on_with_the_approved_team_alone(
    make: Factory, session: AsyncSession, browser_of: BrowserOf
) -> None:
    contest = await open_contest(make)
    first, second = await hand_in(session, contest, "coater", "tester")
    await decide(session, contest, first, Outcome.RETURNED)
    await decide(session, contest, second, Outcome.APPROVED)
    challenge_id = contest.market.challenge.id
    with pytest.raises(ConflictError):
        await service.award_rest(session, contest.officer, challenge_id)
    await session.rollback()
    await reload(session, contest)
    poster = await browser_of(contest.market.editor, contest.market.poster)
    path = f"/challenges/{challenge_id}/award"
    assert f"{path}/drop" in (await poster.get(path)).text
    answer = await poster.submit(f"{path}/drop", {"seen": await seen(session, contest)})
    assert answer.status_code == 303
    (left,) = await teams_of(session, contest)
    assert left.id == second.id
    assert contest.market.challenge.state is ChallengeState.MATCH_PROPOSED
    officer = await browser_of(contest.market.officer)
    assert f"{path}/confirm" in (await officer.get(path)).text
    assert (await officer.submit(f"{path}/confirm", {})).status_code == 303
    await teams_of(session, contest)
    assert contest.market.challenge.state is ChallengeState.AWARDED


async def test_two_officers_deciding_on_two_teams_at_once_award_exactly_once(
    make: Factory, session: AsyncSession, process: Process
) -> None:
    contest = await open_contest(make)
    first, second = await hand_in(session, contest, "coater", "tester")
    keys = [(first.id, first.revision), (second.id, second.revision)]

    async def one(actor: object, key: object, revision: int) -> None:
        async with process.transaction() as own:
            await decisions.decide_consortium(own, actor, key, Outcome.APPROVED, "", revision)  # type: ignore[arg-type]

    await asyncio.gather(one(contest.officer, *keys[0]), one(contest.second, *keys[1]))
    teams = await teams_of(session, contest)
    assert {team.state for team in teams} == {ConsortiumState.APPROVED}
    assert contest.market.challenge.state is ChallengeState.AWARDED


async def test_one_of_the_teams_is_approved_with_a_waiver(make: Factory, session: AsyncSession) -> None:
    contest = await open_contest(make)
    await name_winners(session, contest, "coater", "lead")
    challenge_id = contest.market.challenge.id
    for asks, note, field in ((False, "", ""), (True, " ", "note")):
        with pytest.raises(InvalidError) as caught:
            await service.submit_winners(
                session, contest.poster, challenge_id, note, await seen(session, contest), asks_waiver=asks
            )
        assert set(caught.value.errors) == {field}
        await session.rollback()
        await reload(session, contest)
    await service.submit_winners(
        session, contest.poster, challenge_id, "国内仅此一家", await seen(session, contest), asks_waiver=True
    )
    await session.commit()
    first, second = await teams_of(session, contest)
    assert await decide(session, contest, first, Outcome.APPROVED) is ChallengeState.MATCH_PROPOSED
    with pytest.raises(ConflictError):
        await decide(session, contest, second, Outcome.APPROVED)
    await session.rollback()
    _first, second = await teams_of(session, contest)
    waiver = await waivers.request_waiver(
        session, contest.officer, second.id, "国内仅此一家", second.revision
    )
    await session.commit()
    await waivers.answer_waiver(session, contest.second, waiver.id, is_confirmed=True, reason="")
    await session.commit()
    session.expire_all()
    await reload(session, contest)
    _first, second = await teams_of(session, contest)
    assert await decide(session, contest, second, Outcome.APPROVED) is ChallengeState.AWARDED


def reviewed(contest: Contest, *names: str) -> dict[object, Place]:
    return {contest.bids[name].id: Place(rank, 100 - rank * 10) for rank, name in enumerate(names, start=1)}


async def test_winners_are_named_after_the_review_and_in_its_order(
    make: Factory, session: AsyncSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    contest = await open_contest(make, program_values={"needs_review": True})
    with pytest.raises(ConflictError):
        await name_winners(session, contest, "coater")
    await session.rollback()
    await reload(session, contest)
    places = reviewed(contest, "tester", "coater", "institute")

    async def ranking_of(*_: object) -> dict[object, Place]:
        return places

    monkeypatch.setattr(offers, "ranking_of", ranking_of)
    # Not in the order, with a bid that has no place, and in the order.
    for names, field in ((("coater",), "reason"), (("tester", "institute"), "reason"), (("lead",), "bids")):
        with pytest.raises(InvalidError) as caught:
            await name_winners(session, contest, *names)
        assert set(caught.value.errors) == {field}
        await session.rollback()
        await reload(session, contest)
    teams = await name_winners(session, contest, "coater", "tester")
    assert [team.bid_id for team in teams] == [contest.bids["tester"].id, contest.bids["coater"].id]
    teams = await name_winners(session, contest, "coater", reason="试制条件更好")
    choice = (await queries.choices_of(session, contest.market.challenge.id))[teams[0].id]
    assert (choice.rank, choice.score, choice.departs, choice.reason) == (2, 80.0, True, "试制条件更好")


async def test_the_workbench_does_not_pass_over_the_review(make: Factory, session: AsyncSession) -> None:
    contest = await open_contest(make, program_values={"needs_review": True})
    with pytest.raises(ConflictError, match=r"评审|review"):
        await from_bids.consortium_from_bid(session, contest.poster, contest.bids["coater"].id)


async def test_a_choice_made_on_an_old_page_is_refused(make: Factory, session: AsyncSession) -> None:
    contest = await open_contest(make)
    before = await seen(session, contest)
    await name_winners(session, contest, "coater")
    with pytest.raises(ConflictError):
        await service.choose_winners(
            session,
            contest.poster,
            contest.market.challenge.id,
            [contest.bids["tester"].id],
            "",
            before,
        )


async def test_several_teams_are_not_changed_on_the_workbench(
    make: Factory, session: AsyncSession, browser_of: BrowserOf
) -> None:
    contest = await open_contest(make)
    await name_winners(session, contest, "coater", "tester")
    challenge_id = contest.market.challenge.id
    with pytest.raises(ConflictError):
        await from_bids.consortium_from_bid(session, contest.poster, contest.bids["institute"].id)
    await session.rollback()
    await reload(session, contest)
    browser = await browser_of(contest.market.editor, contest.market.poster)
    answer = await browser.get(f"/challenges/{challenge_id}/consortium")
    assert answer.url.path == f"/challenges/{challenge_id}/award"


async def test_taking_back_takes_back_every_team_that_is_not_decided(
    make: Factory, session: AsyncSession
) -> None:
    contest = await open_contest(make)
    first, _second, _third = await hand_in(session, contest, "coater", "tester", "institute")
    await decide(session, contest, first, Outcome.APPROVED)
    await submission.take_back_consortium(session, contest.poster, contest.market.challenge.id)
    await session.commit()
    assert [team.state for team in await teams_of(session, contest)] == [
        ConsortiumState.APPROVED,
        ConsortiumState.PROPOSED,
        ConsortiumState.PROPOSED,
    ]
    assert contest.market.challenge.state is ChallengeState.CLOSED


async def test_the_poster_names_and_submits_on_the_page_and_officers_are_told_once(
    make: Factory, session: AsyncSession, browser_of: BrowserOf
) -> None:
    contest = await open_contest(make)
    poster = await browser_of(contest.market.editor, contest.market.poster)
    path = f"/challenges/{contest.market.challenge.id}/award"
    page = (await poster.get(path)).text
    for name in contest.bids:
        assert getattr(contest.market, name).name in page
    assert (await poster.submit(f"{path}/choose", {"seen": "x", "bids": ""})).status_code == 409
    current = await seen(session, contest)
    answer = await poster.submit(f"{path}/choose", {"seen": current})
    assert answer.status_code == 422
    answer = await poster.submit(f"{path}/choose", {"seen": current, "bids": str(contest.bids["coater"].id)})
    assert answer.status_code == 303
    await teams_of(session, contest)
    answer = await poster.submit(f"{path}/submit", {"seen": await seen(session, contest), "note": "请审定"})
    assert answer.status_code == 303
    assert {address for address, _kind in await told(session, "award.submitted")} >= {
        contest.market.officer.email
    }
    officer = await browser_of(contest.market.officer)
    page = (await officer.get(path)).text
    assert "/award/choose" in page
    assert 'name="bids"' not in page


async def test_only_editors_of_the_poster_name_winners(make: Factory, session: AsyncSession) -> None:
    contest = await open_contest(make)
    with pytest.raises(ForbiddenError):
        await service.choose_winners(
            session,
            contest.officer,
            contest.market.challenge.id,
            [contest.bids["coater"].id],
            "",
            await seen(session, contest),
        )


async def test_an_award_is_shown_with_each_team(
    make: Factory, session: AsyncSession, browser_of: BrowserOf
) -> None:
    contest = await open_contest(make)
    teams = await award(session, contest, "coater", "tester")
    officer = await browser_of(contest.market.officer)
    page = (await officer.get(f"/consortia/{teams[1].id}")).text
    assert f"/challenges/{contest.market.challenge.id}/award" in page


@given(
    ranks=st.lists(st.integers(1, 4), min_size=1, max_size=6),
    data=st.data(),
)
def test_a_choice_departs_exactly_where_a_better_placed_bid_is_left_out(
    ranks: list[int], data: st.DataObject
) -> None:
    keys = [uuid.UUID(int=number) for number in range(len(ranks))]
    places = dict(zip(keys, ranks, strict=True))
    named = data.draw(st.sets(st.sampled_from(keys), min_size=1))
    passed = data.draw(st.sets(st.sampled_from(keys)))
    expected = any(
        places[left] < places[chosen] for left, chosen in itertools.product(set(keys) - named - passed, named)
    )
    assert policies.departs(named, places, passed) is expected


@given(
    st.lists(
        st.sampled_from(
            [
                ConsortiumState.SUBMITTED,
                ConsortiumState.RETURNED,
                ConsortiumState.APPROVED,
                ConsortiumState.REJECTED,
            ]
        ),
        min_size=1,
        max_size=3,
    )
)
def test_the_challenge_follows_its_teams(states: list[ConsortiumState]) -> None:
    after = challenge_state_after(states)
    if ConsortiumState.SUBMITTED in states:
        assert after is None
    else:
        is_awarded = ConsortiumState.APPROVED in states and ConsortiumState.RETURNED not in states
        assert after is (ChallengeState.AWARDED if is_awarded else ChallengeState.CLOSED)
