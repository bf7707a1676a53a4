"""Searches that people save, and being told of new challenges: once, and only of what one may read."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

import challenges.searches.jobs  # noqa: F401 -- registers what is due
from challenges.models import (
    Challenge,
    ChallengeAnnouncement,
    ChallengeState,
    InvitedSolver,
    Match,
    MatchRun,
    MatchRunState,
    SavedSearch,
)
from challenges.postings.screening import publish_challenge
from challenges.searches.service import MAX_SEARCHES
from core.accounts.models import Person
from core.clock import utc_now
from core.notifications.models import Delivery, Notification
from core.schedule import catch_up
from solvers.models import Organization, Verification
from tests.conftest import BrowserOf
from tests.factories import Factory
from tests.integration.matchmaking import open_market
from tests.told import told

FOUND, FITS = "search.found", "search.fits_profile"


async def searching(make: Factory, organization: Organization | None = None, **filters: str) -> Person:
    person = await (make.member(organization) if organization else make.person())
    make.session.add(
        SavedSearch(
            person_id=person.id,
            name="找叶片",
            filters=filters or {"text": "叶片"},
            created_at=utc_now() - timedelta(days=1),
        )
    )
    await make.session.commit()
    return person


async def new_challenge(make: Factory, *ranked: Organization, **values: Any) -> Challenge:
    """Published just now, with a finished ranking."""
    poster = await make.organization()
    challenge = await make.challenge(
        poster, await make.program(), tokens=["叶片", "铸造"], title="单晶叶片", **values
    )
    run = MatchRun(challenge_id=challenge.id, state=MatchRunState.DONE, index_info={})
    make.session.add(run)
    await make.session.flush()
    make.session.add_all(
        Match(
            run_id=run.id,
            organization_id=organization.id,
            rank=rank,
            score=0.4 if rank < 90 else 0.01,
            requirement_scores={},
            terms=[],
        )
        for rank, organization in enumerate(ranked, start=1)
    )
    await make.session.commit()
    return challenge


async def test_a_search_is_saved_from_the_list_and_dropped_again(
    make: Factory, session: AsyncSession, browser_of: BrowserOf
) -> None:
    person = await make.person()
    browser = await browser_of(person)
    assert "/searches/new?q=" in (await browser.get("/challenges?q=叶片&field=04")).text
    assert "叶片" in (await browser.get("/searches/new?q=叶片&field=04")).text
    answer = await browser.submit("/searches/new", {"q": "叶片", "field": "04", "name": "  叶片   铸造 "})
    assert answer.status_code == 303
    search = await session.scalar(select(SavedSearch))
    assert search is not None
    assert (search.name, search.filters) == ("叶片 铸造", {"text": "叶片", "field": "04"})
    assert "叶片 铸造" in (await browser.get("/searches")).text
    stranger = await browser_of(await make.person())
    assert "叶片 铸造" not in (await stranger.get("/searches")).text
    assert (await stranger.submit(f"/searches/{search.id}/remove")).status_code == 404
    assert (await browser.submit(f"/searches/{search.id}/remove")).status_code == 303
    assert await session.scalar(select(SavedSearch.id)) is None


async def test_a_search_without_name_or_filter_comes_back_with_what_was_typed(
    make: Factory, session: AsyncSession, browser_of: BrowserOf
) -> None:
    browser = await browser_of(await make.person())
    without_name = await browser.submit("/searches/new", {"q": "叶片", "name": " "})
    assert without_name.status_code == 422
    assert 'value="叶片"' in without_name.text
    without_filter = await browser.submit("/searches/new", {"name": "全部"})
    assert without_filter.status_code == 422
    assert 'value="全部"' in without_filter.text
    assert await session.scalar(select(SavedSearch.id)) is None


async def test_the_same_name_twice_and_too_many_are_refused(make: Factory, browser_of: BrowserOf) -> None:
    browser = await browser_of(await make.person())
    for number in range(MAX_SEARCHES):
        answer = await browser.submit("/searches/new", {"q": "叶片", "name": f"第{number}个"})
        assert answer.status_code == 303
    assert (await browser.submit("/searches/new", {"q": "叶片", "name": "第0个"})).status_code == 422
    assert (await browser.submit("/searches/new", {"q": "叶片", "name": "再一个"})).status_code == 422


async def test_who_searches_for_it_is_told_once_of_a_new_challenge(
    make: Factory, session: AsyncSession
) -> None:
    person = await searching(make)
    other = await searching(make, text="发酵乳")
    wide = await searching(make, field="04")
    challenge = await new_challenge(make)
    for _again in range(3):
        await catch_up()
    assert await told(session, FOUND) == sorted([(person.email, FOUND), (wide.email, FOUND)])
    assert other.email not in {email for email, _kind in await told(session)}
    announcement = await session.get(ChallengeAnnouncement, challenge.id)
    assert announcement is not None
    assert announcement.people == 2
    deliveries = set(await session.scalars(select(Notification.delivery)))
    assert deliveries == {Delivery.DAILY}


async def test_two_searches_and_a_fitting_profile_tell_one_person_once(
    make: Factory, session: AsyncSession
) -> None:
    solver = await make.organization()
    person = await searching(make, solver)
    session.add(
        SavedSearch(
            person_id=person.id,
            name="铸造",
            filters={"text": "铸造"},
            created_at=utc_now() - timedelta(hours=1),
        )
    )
    await session.commit()
    await new_challenge(make, solver)
    await catch_up()
    assert await told(session) == [(person.email, FOUND)]


async def test_a_search_saved_after_the_publication_and_a_deleted_announcement_row_tell_nothing_new(
    make: Factory, session: AsyncSession
) -> None:
    person = await searching(make)
    await new_challenge(make)
    await catch_up()
    late = await searching(make)
    await session.execute(
        update(SavedSearch).where(SavedSearch.person_id == late.id).values(created_at=utc_now())
    )
    await session.delete((await session.scalars(select(ChallengeAnnouncement))).one())
    await session.commit()
    await catch_up()
    assert await told(session) == [(person.email, FOUND)]


async def test_a_restricted_challenge_is_told_to_the_invited_alone(
    make: Factory, session: AsyncSession
) -> None:
    invited, stranger = await make.organization(), await make.organization()
    guest, outsider = await searching(make, invited), await searching(make, stranger)
    nobody = await searching(make)
    challenge = await new_challenge(make, stranger, invited, is_public=False)
    session.add(InvitedSolver(challenge_id=challenge.id, organization_id=invited.id))
    await session.commit()
    await catch_up()
    assert await told(session) == [(guest.email, FOUND)]
    assert outsider.email != nobody.email


async def test_the_posters_own_people_are_not_told(make: Factory, session: AsyncSession) -> None:
    person = await searching(make)
    challenge = await new_challenge(make)
    poster = await session.get_one(Organization, challenge.organization_id)
    await searching(make, poster)
    await catch_up()
    assert await told(session) == [(person.email, FOUND)]


async def test_the_first_of_the_ranking_are_told_that_it_fits_and_the_rest_are_not(
    make: Factory, session: AsyncSession
) -> None:
    solvers = [await make.organization() for _ in range(11)]
    people = [await make.member(solver) for solver in solvers]
    solvers[3].verification = Verification.PENDING
    await session.commit()
    await new_challenge(make, *solvers)
    await catch_up()
    expected = {people[place].email for place in range(10) if place != 3}
    assert {email for email, kind in await told(session, FITS)} == expected


async def test_it_waits_for_the_ranking_and_then_for_no_longer_than_ten_minutes(
    make: Factory, session: AsyncSession
) -> None:
    person = await searching(make)
    challenge = await new_challenge(make)
    await session.execute(update(MatchRun).values(state=MatchRunState.RUNNING))
    await session.commit()
    await catch_up()
    assert await told(session) == []
    await session.execute(
        update(Challenge)
        .where(Challenge.id == challenge.id)
        .values(published_at=utc_now() - timedelta(minutes=11))
    )
    await session.commit()
    await catch_up()
    assert await told(session) == [(person.email, FOUND)]


async def test_publishing_ranks_and_tells_through_real_jobs(
    make: Factory, session: AsyncSession, run_jobs: object
) -> None:
    market = await open_market(
        make,
        state=ChallengeState.SUBMITTED,
        deadline_at=utc_now() + timedelta(days=40),
        submitted_at=utc_now(),
    )
    person = await searching(make)
    caster = await make.member(market.lead)
    await publish_challenge(session, market.officer_actor, market.challenge.id)
    await session.commit()
    await run_jobs()  # type: ignore[operator]
    for _again in range(2):
        await catch_up()
    assert await told(session, FOUND) == [(person.email, FOUND)]
    assert (caster.email, FITS) in await told(session, FITS)


@pytest.mark.parametrize("bounds", [{"min_wan": "700"}, {"max_wan": "100"}, {"region": "11"}])
async def test_every_filter_of_the_search_has_to_let_it_through(
    make: Factory, session: AsyncSession, bounds: dict[str, Any]
) -> None:
    await searching(make, text="叶片", **bounds)
    await new_challenge(make)
    await catch_up()
    assert await told(session) == []
