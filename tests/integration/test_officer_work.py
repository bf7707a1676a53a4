"""The work queue: due dates, filters, and what is done for several challenges at once."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from challenges.checks.service import begin_checks
from challenges.models import (
    Bid,
    BidMember,
    BidMemberState,
    BidOpening,
    BidState,
    Challenge,
    ChallengeState,
    CheckState,
)
from core.audit import AuditEntry
from core.clock import utc_now
from tests.conftest import BrowserOf
from tests.factories import Factory
from tests.integration.matchmaking import Market, open_market
from tests.integration.opened_round import opened_round

PUBLISHED, SUBMITTED = ChallengeState.PUBLISHED, ChallengeState.SUBMITTED
RETURNED, CLOSED = ChallengeState.RETURNED, ChallengeState.CLOSED


async def with_submitted(make: Factory, count: int = 3) -> tuple[Market, list[Challenge]]:
    """Challenges that wait for screening, the last of which cannot be published: its deadline is too near."""
    market = await open_market(make)
    challenges = [
        await make.challenge(
            market.poster,
            market.program,
            state=SUBMITTED,
            submitted_at=utc_now() - timedelta(days=number),
            deadline_at=utc_now() + (timedelta(days=2) if number == count else timedelta(days=60)),
        )
        for number in range(1, count + 1)
    ]
    return market, challenges


async def states(session: AsyncSession, challenges: list[Challenge]) -> list[ChallengeState]:
    for challenge in challenges:
        await session.refresh(challenge, ["state"])
    return [challenge.state for challenge in challenges]


def keys(challenges: list[Challenge]) -> list[str]:
    return [str(challenge.id) for challenge in challenges]


async def test_several_are_published_and_what_cannot_be_is_told_with_its_reason(
    make: Factory, session: AsyncSession, browser_of: BrowserOf
) -> None:
    market, challenges = await with_submitted(make)
    browser = await browser_of(market.officer)
    chosen = "&".join(f"key={key}" for key in keys(challenges))
    confirmation = (await browser.get(f"/officer/bulk?action=publish&{chosen}")).text
    assert all(challenge.title in confirmation for challenge in challenges)
    assert await states(session, challenges) == [SUBMITTED] * 3
    data = {"action": "publish", "key": keys(challenges)}
    answer = await browser.submit("/officer/bulk", data)
    assert answer.status_code == 200
    assert await states(session, challenges) == [PUBLISHED, PUBLISHED, SUBMITTED]
    assert answer.text.count("ti-check text-success") == 2
    assert answer.text.count("ti-x text-danger") == 1
    # Pressed again, nothing is done twice.
    again = await browser.submit("/officer/bulk", data)
    assert again.text.count("ti-check text-success") == 0
    published = await session.scalar(
        select(func.count()).select_from(AuditEntry).where(AuditEntry.action == "challenge.published")
    )
    assert published == 2


async def test_several_are_returned_with_one_comment_and_none_without(
    make: Factory, session: AsyncSession, browser_of: BrowserOf
) -> None:
    market, challenges = await with_submitted(make)
    browser = await browser_of(market.officer)
    data = {"action": "return", "key": keys(challenges[:2]), "note": " "}
    answer = await browser.submit("/officer/bulk", data)
    assert answer.status_code == 422
    assert challenges[0].title in answer.text
    assert await states(session, challenges) == [SUBMITTED] * 3
    answer = await browser.submit("/officer/bulk", {**data, "note": "请补充指标"})
    assert answer.status_code == 200
    assert await states(session, challenges) == [RETURNED, RETURNED, SUBMITTED]


async def test_another_programs_challenge_among_them_is_neither_touched_nor_named(
    make: Factory, session: AsyncSession, browser_of: BrowserOf
) -> None:
    market, challenges = await with_submitted(make)
    other = await make.officer()
    program = await make.program(other)
    own = await make.challenge(
        market.poster,
        program,
        state=SUBMITTED,
        submitted_at=utc_now(),
        deadline_at=utc_now() + timedelta(days=60),
    )
    browser = await browser_of(other)
    answer = await browser.submit("/officer/bulk", {"action": "publish", "key": keys([challenges[0], own])})
    assert await states(session, [challenges[0], own]) == [SUBMITTED, PUBLISHED]
    assert challenges[0].title not in answer.text
    assert own.title in answer.text


async def test_openings_are_asked_for_by_one_officer_and_done_by_another(
    make: Factory, session: AsyncSession, browser_of: BrowserOf
) -> None:
    market = await open_market(make)
    session.add(
        Bid(
            challenge_id=market.challenge.id,
            organization_id=market.coater.id,
            state=BidState.SUBMITTED,
            submitted_at=utc_now(),
            members=[BidMember(organization_id=market.coater.id, position=0, state=BidMemberState.CONFIRMED)],
        )
    )
    await session.commit()
    browser = await browser_of(market.officer)
    assert market.challenge.title in (await browser.get("/officer")).text
    data = {"action": "open", "key": keys([market.challenge])}
    first = await browser.submit("/officer/bulk", data)
    assert first.text.count("ti-check text-success") == 1
    second = await browser.submit("/officer/bulk", data)
    assert second.text.count("ti-x text-danger") == 1
    opening = (await session.scalars(select(BidOpening))).one()
    assert opening.opened_at is None


@pytest.mark.parametrize("path", ["/officer/bulk?action=unknown", "/officer/bulk"])
async def test_an_unknown_action_is_at_no_address(make: Factory, browser_of: BrowserOf, path: str) -> None:
    browser = await browser_of(await make.officer())
    assert (await browser.get(path)).status_code == 404


async def test_nothing_chosen_does_nothing(make: Factory, browser_of: BrowserOf) -> None:
    browser = await browser_of(await make.officer())
    assert (await browser.submit("/officer/bulk", {"action": "publish"})).status_code == 422
    assert (await browser.submit("/officer/bulk", {"action": "publish", "key": "none"})).status_code == 422


async def test_rows_are_filtered_by_program_and_ordered(make: Factory, browser_of: BrowserOf) -> None:
    market, challenges = await with_submitted(make)
    program = await make.program(market.officer)
    elsewhere = await make.challenge(
        market.poster,
        program,
        state=SUBMITTED,
        submitted_at=utc_now() - timedelta(days=30),
        deadline_at=utc_now() + timedelta(days=90),
    )
    browser = await browser_of(market.officer)
    everything = (await browser.get("/officer")).text
    narrowed = (await browser.get(f"/officer?program={program.id}")).text
    assert all(item.title in everything for item in [*challenges, elsewhere])
    assert elsewhere.title in narrowed
    assert not any(item.title in narrowed for item in challenges)
    by_age = (await browser.get("/officer?sort=age")).text
    places = [by_age.index(item.title) for item in [elsewhere, challenges[2], challenges[1], challenges[0]]]
    assert places == sorted(places)
    by_due = (await browser.get("/officer?sort=due")).text
    assert by_due.index(challenges[2].title) < by_due.index(elsewhere.title)


async def test_what_no_rule_dates_is_due_within_a_working_week_of_the_programs_clock(
    make: Factory, session: AsyncSession
) -> None:
    from web.officer_queue import sections_of

    market = await open_market(make, deadline_at=utc_now() - timedelta(days=6))
    sections = {item.anchor: item for item in await sections_of(session, market.officer_actor, utc_now())}
    (row,) = sections["closed"].rows
    assert row.due == row.since + timedelta(days=5)
    assert row.is_overdue(utc_now())
    market.program.clock_factor = 24
    await session.commit()
    sections = {item.anchor: item for item in await sections_of(session, market.officer_actor, utc_now())}
    (row,) = sections["closed"].rows
    assert row.due == row.since + timedelta(hours=5)


async def test_the_queue_and_its_actions_are_for_officers(make: Factory, browser_of: BrowserOf) -> None:
    market, challenges = await with_submitted(make)
    browser = await browser_of(market.editor, market.poster)
    assert (await browser.get("/officer")).status_code == 403
    answer = await browser.submit("/officer/bulk", {"action": "publish", "key": keys(challenges)})
    assert answer.status_code == 403


async def test_nobody_owes_a_consortium_while_officers_have_bids_to_settle(
    make: Factory, session: AsyncSession, browser_of: BrowserOf
) -> None:
    from web.officer_queue import sections_of

    opened = await opened_round(make, checklist=("申报书盖章齐全",))
    waits = f"/challenges/{opened.challenge.id}"

    async def owing() -> set[str]:
        sections = {item.anchor: item for item in await sections_of(session, opened.officer_actor, utc_now())}
        return {row.address for row in sections["closed"].rows}

    poster = await browser_of(opened.poster_person, opened.poster)
    assert waits not in await owing()
    assert "请选定联合体" not in (await poster.get("/")).text
    checks = await begin_checks(session, opened.officer_actor, await opened.read())
    await session.commit()
    assert waits not in await owing()
    for check in checks:
        check.points = [{**point, "met": True} for point in check.points]
        check.state, check.settled_at = CheckState.PASSED, utc_now()
    await session.commit()
    assert waits in await owing()
    assert "请选定联合体" in (await poster.get("/")).text
