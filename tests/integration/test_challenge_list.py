import re
import xml.etree.ElementTree as ElementTree
from datetime import timedelta
from decimal import Decimal

import pytest

from challenges.models import Challenge, ChallengeState, InvitedSolver, Program
from challenges.postings.service import write_tokens
from core.accounts.models import Person
from core.clock import shanghai_today, utc_now
from core.revisions import next_revision
from solvers.models import Certificate, CertificateKind, Organization, SizeClass, Verification
from tests.conftest import Browser, BrowserOf
from tests.factories import Factory

ATOM = {"atom": "http://www.w3.org/2005/Atom"}


class Market:
    """Four public challenges, one restricted, one draft."""

    poster: Organization
    officer: Person
    program: Program
    blades: Challenge
    battery: Challenge
    sensor: Challenge
    past: Challenge
    restricted: Challenge
    draft: Challenge


@pytest.fixture
async def market(make: Factory) -> Market:
    made = Market()
    officer = made.officer = await make.officer()
    made.poster = await make.organization(size=SizeClass.LARGE, region_code="3301", name="杭州云岫动力集团")
    other = await make.organization(size=SizeClass.LARGE, region_code="4201", name="武汉砚桥通信集团")
    made.program = await make.program(officer, name="先进制造专项")
    second = await make.program(officer, name="新能源专项")
    now = utc_now()
    made.blades = await make.challenge(
        made.poster,
        made.program,
        title="单晶涡轮叶片铸造",
        difficulty="高温合金单晶叶片杂晶缺陷难以控制",
        content="定向凝固铸造工艺",
        subfield_code="0401",
        published_at=now - timedelta(days=3),
        deadline_at=now + timedelta(days=5),
        reward_wan=Decimal(600),
    )
    made.battery = await make.challenge(
        other,
        second,
        title="磷酸铁锂电池热失控预警",
        difficulty="储能电站电芯析锂产气早期信号微弱",
        content="多传感器融合预警算法",
        subfield_code="0603",
        published_at=now - timedelta(days=2),
        deadline_at=now + timedelta(days=20),
        reward_wan=Decimal(900),
    )
    made.sensor = await make.challenge(
        other,
        made.program,
        title="葡萄糖传感器",
        difficulty="酶电极灵敏度下降",
        content="外层限扩散膜",
        subfield_code="0205",
        published_at=now - timedelta(days=1),
        deadline_at=now + timedelta(days=60),
        reward_wan=Decimal(300),
    )
    made.past = await make.challenge(
        made.poster,
        made.program,
        title="焊接机器人轨迹规划",
        difficulty="大构件拼装误差",
        content="离线编程",
        subfield_code="0804",
        published_at=now - timedelta(days=50),
        deadline_at=now - timedelta(hours=1),
        reward_wan=Decimal(100),
    )
    made.restricted = await make.challenge(
        made.poster,
        made.program,
        title="涉密单晶叶片检测",
        difficulty="高温合金单晶叶片",
        content="定向揭榜内容",
        subfield_code="0401",
        is_public=False,
        published_at=now,
        deadline_at=now + timedelta(days=30),
    )
    made.draft = await make.challenge(
        made.poster, made.program, title="草稿里的单晶叶片", state=ChallengeState.DRAFT
    )
    for challenge in (made.blades, made.battery, made.sensor, made.past, made.restricted):
        await write_tokens(challenge)
        challenge.index_revision = await next_revision(make.session, "challenges")
    await make.session.commit()
    return made


async def titles(browser: Browser, query: str = "") -> list[str]:
    """Titles on the list, in their order."""
    page = await browser.get(f"/challenges{query}", headers={"hx-request": "true"})
    assert page.status_code == 200
    rows = page.text.split('<h2 class="h3 mb-1">')[1:]
    return [re.sub(r"<[^>]*>", "", row.split("</a>")[0]) for row in rows]


async def test_everybody_reads_public_challenges_newest_first(market: Market, browser_of: BrowserOf) -> None:
    assert await titles(await browser_of()) == [
        "葡萄糖传感器",
        "磷酸铁锂电池热失控预警",
        "单晶涡轮叶片铸造",
        "焊接机器人轨迹规划",
    ]


CASES: list[tuple[str, list[str] | None]] = [
    ("?field=04", ["单晶涡轮叶片铸造"]),
    ("?subfield=0603", ["磷酸铁锂电池热失控预警"]),
    ("?subfield=0602", []),
    ("?region=33", ["单晶涡轮叶片铸造", "焊接机器人轨迹规划"]),
    ("?region=4201", ["葡萄糖传感器", "磷酸铁锂电池热失控预警"]),
    ("?min=300&max=600", ["葡萄糖传感器", "单晶涡轮叶片铸造"]),
    ("?deadline=open", ["葡萄糖传感器", "磷酸铁锂电池热失控预警", "单晶涡轮叶片铸造"]),
    ("?deadline=7", ["单晶涡轮叶片铸造"]),
    ("?deadline=30", ["磷酸铁锂电池热失控预警", "单晶涡轮叶片铸造"]),
    ("?deadline=closed", ["焊接机器人轨迹规划"]),
    ("?state=closed", ["焊接机器人轨迹规划"]),
    ("?state=published&field=02", ["葡萄糖传感器"]),
    (
        "?sort=deadline",
        ["单晶涡轮叶片铸造", "磷酸铁锂电池热失控预警", "葡萄糖传感器", "焊接机器人轨迹规划"],
    ),
    (
        "?sort=budget",
        ["磷酸铁锂电池热失控预警", "单晶涡轮叶片铸造", "葡萄糖传感器", "焊接机器人轨迹规划"],
    ),
    ("?q=砚桥&deadline=30", ["磷酸铁锂电池热失控预警"]),
    ("?state=draft&program=x&min=abc&field=9999&page=0", None),
]


async def test_filters_and_orders(market: Market, browser_of: BrowserOf) -> None:
    browser = await browser_of()
    for query, expected in CASES:
        found = await titles(browser, query)
        # What means nothing filters nothing.
        assert found == expected if expected is not None else len(found) == 4, query


async def test_the_program_filters_and_its_choices_are_counted(market: Market, browser_of: BrowserOf) -> None:
    browser = await browser_of()
    assert len(await titles(browser, f"?program={market.program.id}")) == 3
    page = (await browser.get("/challenges?deadline=open")).text
    facet = re.search(rf"program={market.program.id}.*?</li>", page, re.DOTALL)
    assert facet is not None
    assert ">2</span>" in facet.group()


async def test_search_ranks_by_content_and_finds_nothing_for_nonsense(
    market: Market, browser_of: BrowserOf
) -> None:
    browser = await browser_of()
    assert (await titles(browser, "?q=高温合金叶片铸造缺陷"))[0] == "单晶涡轮叶片铸造"
    assert (await titles(browser, "?q=电芯产气预警"))[0] == "磷酸铁锂电池热失控预警"
    assert await titles(browser, "?q=唐诗宋词鉴赏") == []


async def test_what_was_searched_for_is_marked_where_it_stands(
    market: Market, make: Factory, browser_of: BrowserOf
) -> None:
    market.blades.content = "<b>定向凝固</b>铸造工艺"
    await make.session.commit()
    browser = await browser_of()
    page = (await browser.get("/challenges?q=单晶叶片")).text
    row = page.split('<h2 class="h3 mb-1">')[1]
    assert "<mark>单晶</mark>涡轮<mark>叶片</mark>铸造" in row
    assert "高温合金<mark>单晶叶片</mark>杂晶" in row
    # What is said in another of its texts is shown from there.
    row = (await browser.get("/challenges?q=定向凝固")).text.split('<h2 class="h3 mb-1">')[1]
    assert "&lt;b&gt;<mark>定向凝固</mark>&lt;/b&gt;" in row
    assert "杂晶" not in row
    assert "杭州<mark>云岫</mark>动力集团" in (await browser.get("/challenges?q=云岫")).text
    assert "<mark>" not in (await browser.get("/challenges")).text


async def test_a_whole_page_and_its_fragment_come_from_one_address(
    market: Market, browser_of: BrowserOf
) -> None:
    browser = await browser_of()
    whole = await browser.get("/challenges?field=04")
    part = await browser.get("/challenges?field=04", headers={"hx-request": "true"})
    assert "<html" in whole.text
    assert "<html" not in part.text
    assert 'hx-swap-oob="true"' in part.text
    assert 'hx-swap-oob="true"' not in whole.text


async def test_pages_do_not_overlap(make: Factory, market: Market, browser_of: BrowserOf) -> None:
    moment = utc_now()
    for number in range(25):
        await make.challenge(market.poster, market.program, title=f"同时发布{number}", published_at=moment)
    browser = await browser_of()
    seen = [*await titles(browser), *await titles(browser, "?page=2")]
    assert len(seen) == len(set(seen)) == 29


async def readers(make: Factory, market: Market, browser_of: BrowserOf) -> dict[str, Browser]:
    """Those who may read the restricted challenge of `market`."""
    invited, certified = await make.organization(), await make.organization()
    today = shanghai_today()
    make.session.add(InvitedSolver(challenge_id=market.restricted.id, organization_id=invited.id))
    make.session.add(
        Certificate(
            organization_id=certified.id,
            kind=CertificateKind.LITTLE_GIANT,
            number="1",
            valid_from=today - timedelta(days=10),
            valid_until=today,
        )
    )
    market.restricted.allowed_certificates = [CertificateKind.LITTLE_GIANT.value]
    await make.session.commit()
    return {
        "invited": await browser_of(await make.member(invited), invited),
        "certified": await browser_of(await make.member(certified), certified),
        "poster": await browser_of(await make.member(market.poster), market.poster),
        "officer": await browser_of(market.officer),
    }


async def test_a_restricted_challenge_is_shown_to_those_it_is_meant_for(
    make: Factory, market: Market, browser_of: BrowserOf
) -> None:
    for name, browser in (await readers(make, market, browser_of)).items():
        assert (await browser.get(f"/challenges/{market.restricted.id}")).status_code == 200, name
        assert "涉密单晶叶片检测" in await titles(browser), name
        assert "涉密单晶叶片检测" in await titles(browser, "?q=单晶叶片"), name
        saved = await browser.submit(f"/challenges/{market.restricted.id}/save")
        assert saved.status_code == 303, name


async def test_a_restricted_challenge_does_not_exist_for_anybody_else(
    make: Factory, market: Market, browser_of: BrowserOf
) -> None:
    await readers(make, market, browser_of)
    today = shanghai_today()
    stranger, expired, unverified = (
        await make.organization(),
        await make.organization(),
        await make.organization(verification=Verification.PENDING),
    )
    for organization, until in ((expired, today - timedelta(days=1)), (unverified, today)):
        make.session.add(
            Certificate(
                organization_id=organization.id,
                kind=CertificateKind.LITTLE_GIANT,
                number="2",
                valid_from=today - timedelta(days=400),
                valid_until=until,
            )
        )
    await make.session.commit()
    browsers = {
        "anonymous": await browser_of(),
        "stranger": await browser_of(await make.member(stranger), stranger),
        "expired certificate": await browser_of(await make.member(expired), expired),
        "unverified": await browser_of(await make.member(unverified), unverified),
        "officer of another program": await browser_of(await make.officer()),
        "administrator": await browser_of(await make.administrator()),
    }
    for name, browser in browsers.items():
        assert (await browser.get(f"/challenges/{market.restricted.id}")).status_code == 404, name
        assert "涉密单晶叶片检测" not in await titles(browser), name
        assert "涉密单晶叶片检测" not in await titles(browser, "?q=涉密单晶叶片检测"), name
        page = (await browser.get("/challenges")).text
        assert "共 4 个榜单项目" in page, name
        if name != "anonymous":
            saved = await browser.submit(f"/challenges/{market.restricted.id}/save")
            assert saved.status_code == 404, name


async def test_a_draft_stands_on_no_list_not_even_its_posters(
    make: Factory, market: Market, browser_of: BrowserOf
) -> None:
    owner = await browser_of(await make.member(market.poster), market.poster)
    assert "草稿里的单晶叶片" not in await titles(owner)
    assert "草稿里的单晶叶片" in (await owner.get("/my/challenges")).text


async def test_the_feed_tells_public_challenges_alone(market: Market, browser_of: BrowserOf) -> None:
    answer = await (await browser_of()).get("/challenges.atom")
    assert answer.headers["content-type"].startswith("application/atom+xml")
    feed = ElementTree.fromstring(answer.content)
    entries = [entry.findtext("atom:title", namespaces=ATOM) for entry in feed.findall("atom:entry", ATOM)]
    assert entries == [
        "葡萄糖传感器",
        "磷酸铁锂电池热失控预警",
        "单晶涡轮叶片铸造",
        "焊接机器人轨迹规划",
    ]
    for element in ("id", "title", "updated"):
        assert feed.findtext(f"atom:{element}", namespaces=ATOM)


async def test_a_person_saves_challenges_and_takes_them_off(
    make: Factory, market: Market, browser_of: BrowserOf
) -> None:
    browser = await browser_of(await make.person())
    path = f"/challenges/{market.blades.id}/save"
    for _ in range(2):
        assert (await browser.submit(path, {"saved": "1", "to": "/saved"})).headers["location"] == "/saved"
    assert "单晶涡轮叶片铸造" in (await browser.get("/saved")).text
    other = await browser_of(await make.person())
    assert "单晶涡轮叶片铸造" not in (await other.get("/saved")).text
    toggle = await browser.submit(path, {"saved": "0"}, headers={"hx-request": "true"})
    assert 'aria-pressed="false"' in toggle.text
    assert "单晶涡轮叶片铸造" not in (await browser.get("/saved")).text
    assert (await (await browser_of()).submit(path)).status_code == 401


async def test_similar_challenges_are_shown_while_writing_if_the_writer_may_read_them(
    make: Factory, market: Market, browser_of: BrowserOf
) -> None:
    writer = await make.organization(size=SizeClass.LARGE)
    draft = await make.challenge(
        writer,
        market.program,
        state=ChallengeState.DRAFT,
        title="单晶涡轮叶片",
        difficulty="高温合金单晶叶片杂晶缺陷",
        content="定向凝固铸造工艺",
    )
    browser = await browser_of(await make.member(writer), writer)
    text = (await browser.get(f"/challenges/{draft.id}/similar")).text
    assert text.index("单晶涡轮叶片铸造") < text.index("磷酸铁锂电池热失控预警")
    assert "涉密单晶叶片检测" not in text
