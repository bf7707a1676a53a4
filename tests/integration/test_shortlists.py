import csv
import io
from decimal import Decimal

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from challenges.matches.shortlist import Shortlist, newest_shortlist
from challenges.models import Match, MatchRun, MatchRunState
from core.clock import utc_now
from solvers.models import Organization, OrganizationKind, SizeClass
from tests.conftest import BrowserOf
from tests.factories import Factory
from tests.integration.matchmaking import Market, open_market

SHARE = {"min_sme_member_share": Decimal("0.5")}


async def ranked_market(
    make: Factory, session: AsyncSession, rule: dict[str, Decimal] | None = None
) -> Market:
    """Ranked by hand: two large enterprises, an institute, then a small and a micro enterprise."""
    market = await open_market(make, rule=SHARE if rule is None else rule)
    second = await make.organization(size=SizeClass.LARGE, name="重型装备集团")
    await rank_by_hand(session, market, [market.lead, second, market.institute, market.coater, market.tester])
    return market


async def rank_by_hand(session: AsyncSession, market: Market, order: list[Organization]) -> None:
    now = utc_now()
    run = MatchRun(
        challenge_id=market.challenge.id, state=MatchRunState.DONE, started_at=now, finished_at=now
    )
    session.add(run)
    await session.flush()
    for rank, organization in enumerate(order, start=1):
        session.add(
            Match(
                run_id=run.id,
                organization_id=organization.id,
                rank=rank,
                score=0.5 - 0.05 * rank,
                requirement_scores={},
                terms=[],
                evidence=[],
            )
        )
    await session.commit()


async def found(session: AsyncSession, market: Market, length: int) -> Shortlist:
    from challenges.postings import queries

    challenge = await queries.challenge_by_id(session, market.challenge.id)
    assert challenge is not None
    shortlist = await newest_shortlist(session, challenge, length)
    assert shortlist is not None
    return shortlist


async def test_every_prefix_holds_its_share_and_the_list_says_what_that_cost(
    make: Factory, session: AsyncSession
) -> None:
    market = await ranked_market(make, session)
    shortlist = await found(session, market, 4)
    assert [place.row.organization.name for place in shortlist.places] == [
        "精铸重工",
        "热障涂层科技",
        "重型装备集团",
        "超声检测技术",
    ]
    assert [place.entry.moved_up for place in shortlist.places] == [0, 2, -1, 1]
    assert [(rank, row.organization.name) for rank, row in shortlist.left_out] == [(3, "高温材料研究院")]
    assert shortlist.cost > 0
    assert shortlist.moved == 4


async def test_who_is_not_admitted_is_on_no_shortlist(make: Factory, session: AsyncSession) -> None:
    market = await ranked_market(make, session)
    market.program.bidder_kinds = [OrganizationKind.ENTERPRISE.value]
    await session.commit()
    shortlist = await found(session, market, 5)
    assert market.institute.id not in {place.row.organization.id for place in shortlist.places}
    assert shortlist.admitted == 4


async def test_the_page_shows_who_was_moved_and_the_file_holds_the_same(
    make: Factory, session: AsyncSession, browser_of: BrowserOf
) -> None:
    market = await ranked_market(make, session)
    browser = await browser_of(market.officer)
    path = f"/challenges/{market.challenge.id}/candidates"
    page = await browser.get(f"{path}?length=4")
    assert "该规则移动了 4" in page.text or "The rule moved 4" in page.text
    fragment = await browser.get(f"{path}/shortlist?length=2")
    assert "热障涂层科技" in fragment.text
    assert "超声检测技术" not in fragment.text
    file = await browser.get(f"{path}/shortlist.csv?length=4")
    rows = list(csv.reader(io.StringIO(file.content.decode("utf-8-sig"))))
    assert [row[:4] for row in rows[1:]] == [
        ["1", "1", "0", "精铸重工"],
        ["2", "4", "2", "热障涂层科技"],
        ["3", "2", "-1", "重型装备集团"],
        ["4", "5", "1", "超声检测技术"],
        ["", "3", "", "高温材料研究院"],
    ]


@pytest.mark.parametrize("length", ["0", "-1", "x", "9999", "١"])
async def test_a_length_out_of_bounds_is_brought_within(
    make: Factory, session: AsyncSession, browser_of: BrowserOf, length: str
) -> None:
    market = await ranked_market(make, session)
    browser = await browser_of(market.officer)
    page = await browser.get(f"/challenges/{market.challenge.id}/candidates/shortlist?length={length}")
    assert page.status_code == 200


async def test_without_a_share_of_members_there_is_no_shortlist(
    make: Factory, session: AsyncSession, browser_of: BrowserOf
) -> None:
    market = await ranked_market(make, session, {"min_sme_budget_share": Decimal("0.3")})
    browser = await browser_of(market.officer)
    path = f"/challenges/{market.challenge.id}/candidates"
    assert 'id="shortlist"' not in (await browser.get(path)).text
    assert (await browser.get(f"{path}/shortlist.csv")).status_code == 404
