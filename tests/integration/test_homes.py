from datetime import timedelta

from challenges.models import ChallengeState
from core.clock import utc_now
from solvers.models import SizeClass, Verification
from tests.conftest import BrowserOf
from tests.factories import Factory


async def test_the_public_reads_figures_and_the_newest_public_challenges(
    make: Factory, browser_of: BrowserOf
) -> None:
    poster = await make.organization(size=SizeClass.LARGE)
    program = await make.program(await make.officer())
    await make.challenge(poster, program, title="公开的难题")
    await make.challenge(poster, program, title="定向的难题", is_public=False)
    await make.challenge(poster, program, title="草稿", state=ChallengeState.DRAFT)
    page = (await (await browser_of()).get("/")).text
    assert "公开的难题" in page
    assert "定向的难题" not in page
    assert ">1</div>" in page


async def test_a_poster_finds_what_waits_for_it_and_not_what_is_others(
    make: Factory, browser_of: BrowserOf
) -> None:
    poster, other = (
        await make.organization(size=SizeClass.LARGE),
        await make.organization(size=SizeClass.LARGE),
    )
    program = await make.program(await make.officer())
    past = utc_now() - timedelta(days=1)
    for organization, prefix in ((poster, "我方"), (other, "他方")):
        for state, title in (
            (ChallengeState.RETURNED, "退回"),
            (ChallengeState.DRAFT, "草稿"),
            (ChallengeState.CLOSED, "截止"),
        ):
            await make.challenge(
                organization, program, title=prefix + title, state=state, is_public=False, deadline_at=past
            )
    page = (await (await browser_of(await make.member(poster), poster)).get("/")).text
    for title in ("我方退回", "我方草稿", "我方截止"):
        assert title in page
    assert "他方" not in page


async def test_an_officer_finds_the_queue_of_the_own_programs(make: Factory, browser_of: BrowserOf) -> None:
    officer = await make.officer()
    poster = await make.organization(size=SizeClass.LARGE)
    own, other = await make.program(officer), await make.program(await make.officer())
    for program, title in ((own, "本专项待初审"), (other, "别的专项待初审")):
        await make.challenge(
            poster, program, title=title, state=ChallengeState.SUBMITTED, submitted_at=utc_now()
        )
    browser = await browser_of(officer)
    for path in ("/", "/officer"):
        page = (await browser.get(path)).text
        assert "本专项待初审" in page
        assert "别的专项待初审" not in page
    assert (await (await browser_of(await make.person())).get("/officer")).status_code == 403


async def test_an_administrator_finds_the_organizations_to_verify(
    make: Factory, browser_of: BrowserOf
) -> None:
    await make.organization(name="待核验的公司", verification=Verification.PENDING, submitted_at=utc_now())
    await make.organization(name="已核验的公司")
    page = (await (await browser_of(await make.administrator())).get("/")).text
    assert "待核验的公司" in page
    assert "已核验的公司" not in page


async def test_a_solver_finds_its_profile_and_bids(make: Factory, browser_of: BrowserOf) -> None:
    solver = await make.organization()
    await make.profile(solver, "叶片铸造")
    page = await (await browser_of(await make.member(solver), solver)).get("/")
    assert page.status_code == 200
    assert "/organization/profile" in page.text
    assert "/my/bids" in page.text


async def test_a_person_without_an_organization_is_told_what_to_do(
    make: Factory, browser_of: BrowserOf
) -> None:
    page = (await (await browser_of(await make.person())).get("/")).text
    assert 'href="/organizations/new"' in page
