"""A change of a public challenge is found by everybody; one of a restricted challenge leaves no trace elsewhere."""

import re
from collections.abc import Awaitable, Callable

from sqlalchemy import select

from challenges.models import (
    ChallengeState,
    InvitedSolver,
    MatchRun,
    SavedChallenge,
)
from tests.conftest import BrowserOf
from tests.integration.changing import REASON, Changing
from tests.told import told


async def test_search_and_ranking_follow_a_change(
    changing: Changing, browser_of: BrowserOf, run_jobs: Callable[[], Awaitable[None]]
) -> None:
    before = await changing.challenge()
    revision, index_revision = before.revision, before.index_revision
    await changing.change(title="深海液压绞车减摇装置")
    challenge = await changing.challenge()
    assert challenge.revision == revision + 1
    assert challenge.index_revision > index_revision
    assert "绞车" in challenge.tokens
    anonymous = await browser_of()
    assert str(changing.key) in (await anonymous.get("/challenges?q=绞车")).text
    assert len(list(await changing.session.scalars(select(MatchRun)))) == 1
    await run_jobs()


async def test_the_feed_tells_of_a_change_of_a_public_challenge(
    changing: Changing, browser_of: BrowserOf
) -> None:
    amendment = await changing.change(title="新的题目")
    feed = (await (await browser_of()).get("/challenges.atom")).text
    assert f"urn:uuid:{amendment.id}" in feed
    assert REASON in feed
    assert f"/challenges/{changing.key}/changes" in feed


async def test_contacts_are_compared_for_people_who_are_logged_in(
    changing: Changing, browser_of: BrowserOf
) -> None:
    await changing.change(contact_phone="0571-99999999")
    path = f"/challenges/{changing.key}/changes"
    assert "99999999" not in (await (await browser_of()).get(path)).text
    reader = await changing.make.person()
    assert "99999999" in (await (await browser_of(reader)).get(path)).text


async def test_of_a_restricted_challenge_no_change_leaks(changing: Changing, browser_of: BrowserOf) -> None:
    stage, session = changing.stage, changing.session
    outsider = await changing.make.organization()
    person = await changing.make.member(outsider)
    challenge = await changing.challenge()
    challenge.is_public = False
    session.add_all(
        [
            InvitedSolver(challenge_id=challenge.id, organization_id=stage.sme.id),
            # Saved while it was public.
            SavedChallenge(person_id=person.id, challenge_id=challenge.id),
            SavedChallenge(person_id=stage.bidder.id, challenge_id=challenge.id),
        ]
    )
    await session.commit()
    before = {
        path: (await (await browser_of()).get(path)).text for path in ("/", "/challenges", "/statistics")
    }
    amendment = await changing.change(title="隐秘的深海液压绞车")
    assert await told(session, "challenge.changed") == [(stage.bidder.email, "challenge.changed")]
    anonymous, other = await browser_of(), await browser_of(person, outsider)
    for browser in (anonymous, other):
        for path in (f"/challenges/{changing.key}/changes", f"/challenges/{changing.key}/questions"):
            assert (await browser.get(path)).status_code == 404
        for path in ("/", "/challenges", "/challenges.atom", "/challenges?q=绞车", "/statistics"):
            page = (await browser.get(path)).text
            for secret in ("深海液压绞车", str(changing.key), str(amendment.id)):
                assert secret not in page, (path, secret)
    for path in ("/saved", "/notifications", "/my/recommendations"):
        page = (await other.get(path)).text
        assert "深海液压绞车" not in page
        assert str(changing.key) not in page
    # Numbers are as they were: nothing counts that its reader may not know of.
    for path, text_before in before.items():
        assert _numbers((await anonymous.get(path)).text) == _numbers(text_before), path
    # Another poster that writes of the same is not told of something similar.
    rival = await changing.make.organization()
    await session.refresh(stage.program, ["rounds"])
    draft = await changing.make.challenge(
        rival, stage.program, state=ChallengeState.DRAFT, title="隐秘的深海液压绞车", published_at=None
    )
    writer = await browser_of(await changing.make.member(rival), rival)
    similar = (await writer.get(f"/challenges/{draft.id}/similar")).text
    assert str(changing.key) not in similar
    invited = await browser_of(stage.bidder, stage.sme)
    assert (await invited.get(f"/challenges/{changing.key}/changes")).status_code == 200


def _numbers(page: str) -> list[str]:
    body = page.partition("<main")[2]
    return re.findall(r">\s*(\d[\d,.]*)\s*<", body)
