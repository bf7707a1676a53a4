"""Lines of notices and objections in the history of a challenge: the poster reads of notices, officers of both."""

import csv
import io

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from challenges.models import Effect, NoticeState, ObjectionState
from challenges.objections import service
from core.i18n import use_locale
from core.settings import Settings
from tests.conftest import Browser, BrowserOf
from tests.factories import Factory
from tests.integration.test_objections import object_to, on_notice
from web.labels import label


async def page_and_file(browser: Browser, path: str) -> tuple[str, str]:
    """The history as a page, and all cells of its file."""
    page, file = await browser.get(path), await browser.get(f"{path}.csv")
    assert (page.status_code, file.status_code) == (200, 200)
    rows = csv.reader(io.StringIO(file.content.decode("utf-8-sig")))
    return page.text, "\n".join(cell for row in rows for cell in row)


@pytest.mark.parametrize(
    ("effect", "state"),
    [(Effect.STANDS, ObjectionState.DISMISSED), (Effect.ANNULLED, ObjectionState.UPHELD)],
)
async def test_officers_read_of_notices_and_objections_and_posters_of_notices_alone(
    make: Factory,
    session: AsyncSession,
    settings: Settings,
    browser_of: BrowserOf,
    effect: Effect,
    state: ObjectionState,
) -> None:
    contest, notice, objector, second = await on_notice(make, session)
    market, notice_id = contest.market, notice.id
    objection_id = (await object_to(session, settings, objector, notice_id)).id
    await service.answer_objection(session, second, objection_id, effect, "经核实的答复", "公开摘要")
    await session.commit()
    path = f"/challenges/{market.challenge.id}/history"
    with use_locale("zh_CN"):
        published, answered = label(NoticeState.OPEN), label(state)
    page, file = await page_and_file(await browser_of(market.officer), path)
    assert f'href="/notices/{notice_id}"' in page
    assert f'href="/objections/{objection_id}"' in page
    assert objector.name in page
    for words in (published, answered):
        assert words in page
        assert words in file
    page, file = await page_and_file(await browser_of(market.editor, market.poster), path)
    assert f'href="/notices/{notice_id}"' in page
    assert published in page
    for told in (page, file):
        for hidden in (str(objection_id), objector.name, objector.organization_name, "经核实的答复"):
            assert hidden not in told


async def test_an_objection_that_waits_or_was_withdrawn_is_the_officers_alone_too(
    make: Factory, session: AsyncSession, settings: Settings, browser_of: BrowserOf
) -> None:
    contest, notice, objector, _second = await on_notice(make, session)
    market, notice_id = contest.market, notice.id
    path = f"/challenges/{market.challenge.id}/history"
    officer = await browser_of(market.officer)
    poster = await browser_of(market.editor, market.poster)
    page, _file = await page_and_file(officer, path)
    assert "/objections/" not in page
    objection_id = (await object_to(session, settings, objector, notice_id)).id
    for withdrawn in (False, True):
        if withdrawn:
            await service.withdraw_objection(session, objector, objection_id)
            await session.commit()
        page, _file = await page_and_file(officer, path)
        assert f'href="/objections/{objection_id}"' in page
        for told in await page_and_file(poster, path):
            assert str(objection_id) not in told
            assert objector.name not in told
    with use_locale("zh_CN"):
        assert label(ObjectionState.WITHDRAWN) in (await page_and_file(officer, path))[1]
