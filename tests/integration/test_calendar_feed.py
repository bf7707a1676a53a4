import re
from datetime import UTC, timedelta
from typing import Any

from challenges.models import InvitedSolver, SavedChallenge
from challenges.notices.queries import standing_notice
from core.clock import utc_now
from core.icalendar import Event, calendar_text
from solvers.models import SizeClass
from tests.conftest import Browser, BrowserOf
from tests.factories import Factory
from tests.integration.contracting import award
from tests.integration.reviewing import scoring_panel


def unfolded(text: str) -> str:
    return text.replace("\r\n ", "")


async def feed_path(browser: Browser) -> str:
    page = await browser.submit("/account/calendar")
    found = re.search(r'value="[^"]*(/calendar/[\w-]+\.ics)"', page.text)
    assert found is not None
    return found.group(1)


async def test_a_person_follows_the_deadlines_of_what_they_saved(
    make: Factory, browser_of: BrowserOf
) -> None:
    poster, solver = await make.organization(size=SizeClass.LARGE), await make.organization()
    person = await make.member(solver)
    program = await make.program(await make.officer())
    deadline = (utc_now() + timedelta(days=9)).replace(microsecond=0)
    saved = await make.challenge(poster, program, title="轴承；寿命, 预测", deadline_at=deadline)
    await make.challenge(poster, program, title="没有收藏")
    make.session.add(SavedChallenge(person_id=person.id, challenge_id=saved.id))
    await make.session.commit()
    path = await feed_path(await browser_of(person, solver))
    # Read by a calendar program, which has no login.
    answer = await (await browser_of()).get(path)
    assert answer.headers["content-type"].startswith("text/calendar")
    text = unfolded(answer.text)
    assert f"DTSTART:{deadline.astimezone(UTC):%Y%m%dT%H%M%SZ}" in text
    assert "轴承；寿命\\, 预测" in text
    assert f"/challenges/{saved.id}" in text
    assert "没有收藏" not in text
    assert text.count("BEGIN:VEVENT") == text.count("END:VEVENT") == 2
    assert f"DTSTART;VALUE=DATE:{program.rounds[0].opens_on:%Y%m%d}" in text


async def test_a_feed_shows_what_its_owner_may_see_now(make: Factory, browser_of: BrowserOf) -> None:
    poster, solver = await make.organization(size=SizeClass.LARGE), await make.organization()
    person = await make.member(solver)
    program = await make.program(await make.officer())
    hidden = await make.challenge(poster, program, title="定向项目", is_public=False)
    invited = InvitedSolver(challenge_id=hidden.id, organization_id=solver.id)
    make.session.add_all([invited, SavedChallenge(person_id=person.id, challenge_id=hidden.id)])
    await make.session.commit()
    path = await feed_path(await browser_of(person, solver))
    assert "定向项目" in unfolded((await (await browser_of()).get(path)).text)
    await make.session.delete(invited)
    await make.session.commit()
    assert "定向项目" not in unfolded((await (await browser_of()).get(path)).text)


async def test_an_officer_follows_the_program(make: Factory, browser_of: BrowserOf) -> None:
    officer, other = await make.officer(), await make.officer()
    poster = await make.organization(size=SizeClass.LARGE)
    await make.challenge(poster, await make.program(officer), title="主管的项目")
    texts = []
    for person in (officer, other):
        path = await feed_path(await browser_of(person))
        texts.append(unfolded((await (await browser_of()).get(path)).text))
    assert ["主管的项目" in text for text in texts] == [True, False]


async def test_a_new_address_or_none_ends_the_one_before(make: Factory, browser_of: BrowserOf) -> None:
    browser, reader = await browser_of(await make.person()), await browser_of()
    first = await feed_path(browser)
    second = await feed_path(browser)
    assert (await reader.get(first)).status_code == 404
    assert (await reader.get(second)).status_code == 200
    assert (await browser.submit("/account/calendar/revoke")).status_code == 303
    assert (await reader.get(second)).status_code == 404


def test_long_lines_are_folded_between_characters() -> None:
    event = Event("1", "高温合金" * 40, utc_now(), utc_now(), "https://example.com/", description="一\n二")
    text = calendar_text("日历", [event])
    assert max(len(line) for line in text.split(b"\r\n")) <= 75
    assert "SUMMARY:" + "高温合金" * 40 in unfolded(text.decode())
    assert "DESCRIPTION:一\\n二" in text.decode()


async def feed_of(browser_of: BrowserOf, *who: Any) -> str:
    path = await feed_path(await browser_of(*who))
    return unfolded((await (await browser_of()).get(path)).text)


async def test_a_reviewer_follows_the_deadline_until_the_scores_are_handed_in(
    make: Factory, browser_of: BrowserOf
) -> None:
    panel = await scoring_panel(make)
    uid = f"review-{panel.review_id}@jiebang"
    stage = panel.stage
    first, second = panel.people
    assert uid in await feed_of(browser_of, first)
    assert uid in await feed_of(browser_of, stage.officer)
    for who in (
        (await make.officer(),),
        (stage.poster_person, stage.poster),
        (stage.people[0], stage.bidders[0]),
    ):
        assert uid not in await feed_of(browser_of, *who)
    await panel.declare(0)
    await panel.score(0, 8, 6)
    await panel.hand_in(0)
    await make.session.commit()
    assert uid not in await feed_of(browser_of, first)
    assert uid in await feed_of(browser_of, second)


async def test_the_end_of_a_notice_is_for_who_follows_the_challenge_and_may_read_it(
    make: Factory, browser_of: BrowserOf
) -> None:
    case = await award(make)
    notice = await standing_notice(make.session, case.challenge.id)
    assert notice is not None
    uid = f"notice-{notice.id}@jiebang"
    solver = await make.organization()
    follower, other = await make.member(solver), await make.member(solver)
    make.session.add(SavedChallenge(person_id=follower.id, challenge_id=case.challenge.id))
    await make.session.commit()
    assert uid in await feed_of(browser_of, case.officer)
    assert uid in await feed_of(browser_of, case.editor, case.poster)
    assert uid in await feed_of(browser_of, follower, solver)
    assert uid not in await feed_of(browser_of, other, solver)
    case.challenge.is_public = False
    await make.session.commit()
    assert uid not in await feed_of(browser_of, follower, solver)
    assert uid in await feed_of(browser_of, case.editor, case.poster)
