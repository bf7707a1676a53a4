"""The program dashboard and the public statistics, against worlds whose numbers were computed by hand."""

import csv
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from io import BytesIO, StringIO

import pytest
from openpyxl import load_workbook

from challenges.models import ConsortiumState, Program, Round
from challenges.statistics.figures import MemberClass, Selection
from challenges.statistics.service import read_dashboard, read_public_statistics
from core.accounts.models import Person
from core.actor import Actor
from core.errors import ForbiddenError
from solvers.models import Organization, OrganizationKind, SizeClass
from tests.conftest import BrowserOf
from tests.factories import Factory
from tests.integration.awards import approve, rank

EVERYTHING = Selection()


@dataclass
class World:
    """Three approved consortia of one program:

    | month | large | small | micro | institute | price | round |
    | 2026-03 | 600 | 300 | 100 | – | 0.05 | first |
    | 2026-05 | 500 | 500 (the same) | – | – | 0 | first |
    | 2026-05 | – | – | 250 (another) | 750 | from a bid | second |

    Money 3000, SMEs 300+100+500+250 = 1150; 7 members, 4 SMEs. Organizations: large 1100, small 800, micro 100,
    micro 250, institute 750.
    """

    make: Factory
    officer: Person
    program: Program
    second_round: Round
    poster: Organization
    large: Organization
    small: Organization
    micro: Organization
    other_micro: Organization
    institute: Organization

    @property
    def actor(self) -> Actor:
        return actor_of(self.officer)


def actor_of(officer: Person) -> Actor:
    return Actor(
        person_id=officer.id, name=officer.name, roles=frozenset(item.role for item in officer.roles)
    )


@pytest.fixture
async def world(make: Factory) -> World:
    officer = await make.officer()
    program = await make.program(officer, rule={"min_sme_budget_share": Decimal("0.2"), "max_members": 5})
    second_round = Round(
        program_id=program.id,
        name="第二批",
        opens_on=program.rounds[0].opens_on,
        closes_on=program.rounds[0].closes_on,
    )
    make.session.add(second_round)
    poster = await make.organization(size=SizeClass.LARGE)
    world = World(
        make,
        officer,
        program,
        second_round,
        poster,
        await make.organization(size=SizeClass.LARGE, name="大型企业", region_code="3301"),
        await make.organization(size=SizeClass.SMALL, name="=小型企业", region_code="3301"),
        await make.organization(size=SizeClass.MICRO, name="微型企业", region_code="3101"),
        await make.organization(size=SizeClass.MICRO, name="另一微型企业", region_code="3101"),
        await make.organization(kind=OrganizationKind.RESEARCH_INSTITUTE, name="研究院", region_code="3101"),
    )
    # 17:00 UTC on the last of February is the first of March in Shanghai.
    march = datetime(2026, 2, 28, 17, tzinfo=UTC)
    may = datetime(2026, 5, 20, tzinfo=UTC)
    parts = [(world.large, 600), (world.small, 300), (world.micro, 100)]
    await approve(make, program, poster, officer, march, *parts, price=0.05, title="三月项目")
    await approve(
        make, program, poster, officer, may, (world.large, 500), (world.small, 500), title="五月项目甲"
    )
    await approve(
        make,
        program,
        poster,
        officer,
        may,
        (world.institute, 750),
        (world.other_micro, 250),
        price=None,
        title="五月项目乙",
        round_id=second_round.id,
    )
    return world


async def test_money_and_heads_are_those_of_approved_consortia(world: World) -> None:
    make = world.make
    may = datetime(2026, 5, 21, tzinfo=UTC)
    parts = (world.large, 5000), (world.small, 5000)
    for state in (ConsortiumState.SUBMITTED, ConsortiumState.REJECTED, ConsortiumState.RETURNED):
        await approve(make, world.program, world.poster, world.officer, may, *parts, state=state)
    await approve(make, await make.program(), world.poster, world.officer, may, *parts)
    totals = (await read_dashboard(make.session, world.actor, world.program.id, EVERYTHING)).totals
    assert (totals.consortia, totals.members, totals.organizations, totals.sme_members) == (3, 7, 5, 4)
    assert (totals.wan, totals.sme_wan) == (3000, 1150)
    assert totals.sme_money_share == Fraction(1150, 3000)
    assert totals.sme_member_share == Fraction(4, 7)


async def test_months_are_those_of_shanghai_and_none_is_left_out(world: World) -> None:
    dashboard = await read_dashboard(world.make.session, world.actor, world.program.id, EVERYTHING)
    assert [
        (line.key, line.totals.consortia, line.totals.wan, line.totals.sme_wan, line.first_time_members)
        for line in dashboard.by_month
    ] == [("2026-03", 1, 1000, 400, 3), ("2026-04", 0, 0, 0, 0), ("2026-05", 2, 2000, 750, 2)]


async def test_classes_regions_and_newcomers(world: World) -> None:
    dashboard = await read_dashboard(world.make.session, world.actor, world.program.id, EVERYTHING)
    assert [
        (line.key, line.totals.members, line.totals.wan, line.money_share) for line in dashboard.by_class
    ] == [
        ("large", 2, 1100, Fraction(1100, 3000)),
        ("small", 2, 800, Fraction(800, 3000)),
        ("micro", 2, 350, Fraction(350, 3000)),
        ("research_institute", 1, 750, Fraction(750, 3000)),
    ]
    assert [
        (line.key, line.totals.organizations, line.totals.wan, line.totals.sme_money_share)
        for line in dashboard.by_region
    ] == [("33", 2, 1900, Fraction(800, 1900)), ("31", 3, 1100, Fraction(350, 1100))]
    assert [(line.key, line.totals.members, line.totals.wan) for line in dashboard.by_participation] == [
        ("first_time", 5, 2000),
        ("returning", 2, 1000),
    ]
    assert dashboard.first_time_organizations == 5


async def test_how_often_the_quota_changed_the_outcome_and_at_what_price(world: World) -> None:
    quota = (await read_dashboard(world.make.session, world.actor, world.program.id, EVERYTHING)).quota
    assert (quota.changed, quota.unchanged, quota.unproven) == (1, 1, 1)
    assert quota.mean_price_where_changed == quota.largest_price == 0.05


async def test_who_gets_how_much(world: World) -> None:
    dashboard = await read_dashboard(world.make.session, world.actor, world.program.id, EVERYTHING)
    assert [(item.name, item.wan, item.consortia) for item in dashboard.holdings] == [
        ("大型企业", 1100, 2),
        ("=小型企业", 800, 2),
        ("研究院", 750, 1),
        ("另一微型企业", 250, 1),
        ("微型企业", 100, 1),
    ]
    assert dashboard.holdings[1].cumulative_share == Fraction(1900, 3000)
    # Ascending 100, 250, 750, 800, 1100: (−4·100 − 2·250 + 0·750 + 2·800 + 4·1100) / (5 · 3000).
    assert dashboard.gini == Fraction(5100, 15000)
    assert dashboard.herfindahl == Fraction(1100**2 + 800**2 + 750**2 + 250**2 + 100**2, 3000**2)


async def test_a_period_and_a_round_narrow_it_but_a_first_time_stays_the_first(world: World) -> None:
    read = lambda selection: read_dashboard(world.make.session, world.actor, world.program.id, selection)  # noqa: E731
    may = await read(Selection(first="2026-04"))
    assert (may.totals.consortia, may.totals.wan) == (2, 2000)
    # The large and the small one took part in March already.
    assert may.first_time_organizations == 2
    assert (await read(Selection(last="2026-04"))).totals.wan == 1000
    second = await read(Selection(round_id=world.second_round.id))
    assert [line.award.title for line in second.awards] == ["五月项目乙"]
    assert (await read(Selection(first="2027-01"))).totals.consortia == 0


async def test_who_is_shown_and_who_is_chosen(world: World) -> None:
    make = world.make
    challenge = await make.challenge(world.poster, world.program)
    await rank(make, challenge, [world.micro])
    # The newest ranking counts, and of it ten places.
    await rank(
        make,
        challenge,
        [world.large, world.small, world.micro, *[await make.organization() for _ in range(8)]],
    )
    hidden = await make.challenge(world.poster, world.program, published_at=None, state="submitted")  # type: ignore[arg-type]
    await rank(make, hidden, [world.large])
    dashboard = await read_dashboard(make.session, world.actor, world.program.id, EVERYTHING)
    lines = {line.member_class: line for line in dashboard.exposure}
    assert {key: line.places for key, line in lines.items()} == {
        MemberClass.LARGE: 1,
        MemberClass.SMALL: 8,
        MemberClass.MICRO: 1,
        MemberClass.RESEARCH_INSTITUTE: 0,
    }
    # 1/log2(2) = 1 and 1/log2(4) = 0.5 of Σ_{r=1…10} 1/log2(1 + r) = 4.5436.
    assert lines[MemberClass.LARGE].attention_share == pytest.approx(1 / 4.5436, abs=1e-4)
    assert lines[MemberClass.MICRO].attention_share == pytest.approx(0.5 / 4.5436, abs=1e-4)
    assert lines[MemberClass.LARGE].chosen_share == Fraction(2, 7)


async def test_only_the_program_s_officers_see_it(world: World, browser_of: BrowserOf) -> None:
    make = world.make
    other = await make.officer()
    with pytest.raises(ForbiddenError):
        await read_dashboard(make.session, actor_of(other), world.program.id, EVERYTHING)
    path = f"/programs/{world.program.id}/dashboard"
    officer = await browser_of(world.officer)
    poster = await browser_of(await make.member(world.poster), world.poster)
    for address in (path, f"{path}/workbook", f"{path}/tables/months"):
        assert (await officer.get(address)).status_code == 200
        for browser, status in ((await browser_of(other), 403), (poster, 403), (await browser_of(), 401)):
            answer = await browser.get(address, follow_redirects=False)
            assert answer.status_code == status
            assert "五月项目甲" not in answer.text
    assert (await officer.get(f"{path}/tables/unknown")).status_code == 404
    # The way there stands on the program's page, for its officers.
    assert path in (await officer.get(f"/programs/{world.program.id}")).text
    assert path not in (await poster.get(f"/programs/{world.program.id}")).text


async def test_the_page_shows_tables_and_charts_of_the_chosen_period(
    world: World, browser_of: BrowserOf
) -> None:
    browser = await browser_of(world.officer)
    page = (await browser.get(f"/programs/{world.program.id}/dashboard?first=2026-04&last=nonsense")).text
    assert "五月项目甲" in page
    assert "三月项目" not in page
    assert "data-chart=" in page
    assert "style=" not in page.partition("<main")[2].partition("</main>")[0]
    assert f"/programs/{world.program.id}/dashboard/tables/months?first=2026-04" in page
    empty = (await browser.get(f"/programs/{world.program.id}/dashboard?first=2027-01")).text
    assert "data-chart=" not in empty


async def test_files_hold_the_same_tables(world: World, browser_of: BrowserOf) -> None:
    browser = await browser_of(world.officer)
    path = f"/programs/{world.program.id}/dashboard"
    answer = await browser.get(f"{path}/tables/concentration")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(StringIO(answer.content.decode("utf-8-sig"))))
    assert rows[1][0] == "大型企业"
    assert rows[1][2:] == ["2", "1100.00", "0.3667", "0.3667"]
    # A name that a spreadsheet would run as a formula.
    assert rows[2][0] == "'=小型企业"
    answer = await browser.get(f"{path}/workbook?first=2026-05")
    assert answer.headers["content-type"].endswith("spreadsheetml.sheet")
    workbook = load_workbook(BytesIO(answer.content))
    assert len(workbook.sheetnames) == 8
    months = workbook.worksheets[0]
    assert [cell.value for cell in months[2]][:4] == ["2026-05", 2, 2000, 750]
    assert months.max_row == 3  # the heading, May and the sum


async def test_the_public_is_told_no_share_of_few(world: World, browser_of: BrowserOf) -> None:
    """Three consortia in all: their share may be told, that of one month, program or class of them not."""
    make = world.make
    statistics = await read_public_statistics(make.session)
    assert statistics.consortia == 3
    assert statistics.totals is not None
    assert statistics.by_month.gaps == {"2026-03", "2026-05"}
    assert statistics.by_class.gaps == {"large", "small", "micro", "research_institute"}
    page = (await (await browser_of()).get("/statistics")).text
    # 1150 of 3000 is 38.33%, told in whole percent and without the amount.
    assert "38%" in page
    for secret in ("38.3", "1,150", "三月项目", "另一微型企业", "40%"):
        assert secret not in page


async def test_of_less_than_three_consortia_the_public_learns_their_number_alone(make: Factory) -> None:
    officer, poster = await make.officer(), await make.organization(size=SizeClass.LARGE)
    program = await make.program(officer)
    solvers = [await make.organization() for _ in range(4)]
    day = datetime(2026, 5, 20, tzinfo=UTC)
    for _ in range(2):
        await approve(make, program, poster, officer, day, *[(solver, 100) for solver in solvers])
    statistics = await read_public_statistics(make.session)
    assert statistics.consortia == 2
    assert statistics.totals is None
    assert statistics.by_class.gaps == {"small"}


async def test_restricted_challenges_and_what_is_not_decided_are_not_counted(make: Factory) -> None:
    officer, poster = await make.officer(), await make.organization(size=SizeClass.LARGE)
    program = await make.program(officer)
    solver = await make.organization()
    day = datetime(2026, 5, 20, tzinfo=UTC)
    await approve(make, program, poster, officer, day, (solver, 100), is_public=False)
    await approve(make, program, poster, officer, day, (solver, 100), state=ConsortiumState.SUBMITTED)
    await make.challenge(poster, program, state="draft")  # type: ignore[arg-type]
    statistics = await read_public_statistics(make.session)
    assert (statistics.consortia, statistics.challenges) == (0, 1)
    assert statistics.investment_wan == 100


async def test_a_year_that_is_small_takes_another_with_it(world: World) -> None:
    """The share of 2025 would follow from that of both years and that of 2026."""
    make = world.make
    solvers = [await make.organization() for _ in range(3)]
    day = datetime(2025, 12, 1, tzinfo=UTC)
    await approve(
        make, world.program, world.poster, world.officer, day, *[(solver, 100) for solver in solvers]
    )
    assert (await read_public_statistics(make.session)).totals is not None
    assert (await read_public_statistics(make.session, "2025")).totals is None
    assert (await read_public_statistics(make.session, "2026")).totals is None
    assert (await read_public_statistics(make.session, "1999")).year == ""


async def test_the_public_files_withhold_the_same(world: World, browser_of: BrowserOf) -> None:
    browser = await browser_of()
    rows = (await browser.get("/statistics/tables/months")).content.decode("utf-8-sig").splitlines()
    assert rows[1] == "2026-03,1,不予公布,不予公布"
    workbook = load_workbook(BytesIO((await browser.get("/statistics/workbook")).content))
    assert len(workbook.sheetnames) == 7
    assert (await browser.get("/statistics/tables/challenges")).status_code == 404
