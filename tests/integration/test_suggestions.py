from sqlalchemy.ext.asyncio import AsyncSession

from challenges.models import InvitedSolver
from challenges.postings.service import write_tokens
from core.revisions import next_revision
from solvers.models import Visibility
from tests.conftest import BrowserOf
from tests.factories import Factory
from tests.integration.matchmaking import open_market, publish_profile


async def test_a_mistyped_word_is_answered_with_one_that_the_reader_may_find(
    make: Factory, session: AsyncSession, browser_of: BrowserOf
) -> None:
    await publish_profile(make, await make.organization(), "基于 tensorflow 的缺陷识别。")
    hidden = await make.organization()
    await publish_profile(make, hidden, "采用 wolframite 矿石。", visibility=Visibility.MATCHER)
    browser = await browser_of()
    page = await browser.get("/solvers?q=tensrflow")
    assert "q=tensorflow" in page.text
    page = await browser.get("/solvers?q=wolfromite")
    assert "wolframite" not in page.text
    member = await browser_of(await make.officer())
    assert "wolframite" in (await member.get("/solvers?q=wolfromite")).text


async def test_a_restricted_challenge_lends_no_word(
    make: Factory, session: AsyncSession, browser_of: BrowserOf
) -> None:
    market = await open_market(make, title="基于 tensorflow 的缺陷识别")
    restricted = await make.challenge(
        market.poster, market.program, title="采用 wolframite 的涂层", is_public=False
    )
    for challenge in (market.challenge, restricted):
        await write_tokens(challenge)
        challenge.index_revision = await next_revision(session, "challenges")
    await session.commit()
    browser = await browser_of()
    assert "q=tensorflow" in (await browser.get("/challenges?q=tensrflow")).text
    assert "wolframite" not in (await browser.get("/challenges?q=wolfromite")).text


async def test_an_invited_reader_is_not_asked_about_words_of_the_restricted_challenge_alone(
    make: Factory, session: AsyncSession, browser_of: BrowserOf
) -> None:
    market = await open_market(make, title="采用 wolframit 的涂层")
    restricted = await make.challenge(
        market.poster, market.program, title="采用 wolframite 的涂层", is_public=False
    )
    for challenge in (market.challenge, restricted):
        await write_tokens(challenge)
        challenge.index_revision = await next_revision(session, "challenges")
    session.add(InvitedSolver(challenge_id=restricted.id, organization_id=market.lead.id))
    await session.commit()
    readers = {
        "invited": await browser_of(await make.member(market.lead), market.lead),
        "poster": await browser_of(market.editor, market.poster),
        "officer": await browser_of(market.officer),
    }
    others = {
        "solver": await browser_of(await make.member(market.coater), market.coater),
        "other officer": await browser_of(await make.officer()),
        "anybody": await browser_of(),
    }
    for name, browser in readers.items():
        assert 'q=wolframit"' not in (await browser.get("/challenges?q=wolframite")).text, name
        # The word that only they may read is what they can have meant.
        assert 'q=wolframite"' in (await browser.get("/challenges?q=wolframitte")).text, name
    # Nobody else can tell from the answer that such a challenge exists, before or after its readers have asked.
    for name, browser in others.items():
        page = (await browser.get("/challenges?q=wolframite")).text
        assert 'q=wolframit"' in page, name
        assert 'q=wolframite"' not in (await browser.get("/challenges?q=wolframitte")).text, name
