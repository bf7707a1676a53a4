"""What everybody reads of the teams that hold an award: the state of their contracts, and who left the race where."""

from typing import Any

from sqlalchemy import select, text, update

from challenges.milestones import horse_race
from challenges.milestones.queries import milestones_of
from challenges.models import Notice
from core.clock import utc_now
from core.settings import Settings
from tests.conftest import BrowserOf
from tests.factories import Factory
from tests.integration.contracting import Award, Team, at_work, award, drafted


def shown(number: int, team: Team) -> dict[str, Any]:
    return {
        "team": number,
        "consortium": str(team.consortium.id),
        "lead": team.lead.name,
        "members": [],
        "budget_wan": "200",
        "quota": {"applies": False, "parts": {}},
        "rule": None,
        "waiver": None,
        "review_rank": None,
        "decided_at": utc_now().isoformat(),
    }


async def name_teams(case: Award) -> None:
    """Let the notice of the scene name its teams."""
    for team in case.teams:
        await case.session.refresh(team.consortium)
        await case.session.refresh(team.lead)
    content = await case.session.scalar(select(Notice.content))
    assert content is not None
    teams = [shown(number, team) for number, team in enumerate(case.teams, start=1)]
    await case.session.execute(text("ALTER TABLE notice DISABLE TRIGGER notice_guard"))
    await case.session.execute(update(Notice).values(content={**content, "teams": teams}))
    await case.session.execute(text("ALTER TABLE notice ENABLE ALWAYS TRIGGER notice_guard"))
    await case.session.commit()


async def test_a_result_shows_whose_contract_is_in_force_and_who_was_eliminated_where(
    make: Factory, settings: Settings, browser_of: BrowserOf
) -> None:
    case, (_one, two) = await at_work(make, settings, teams=2)
    await name_teams(case)
    stage = (await milestones_of(case.session, two.id))[0]
    proposal = await horse_race.propose_elimination(case.session, case.poster_actor, stage.id, "样件不达标")
    await case.session.commit()
    anybody, address = await browser_of(), f"/results/{case.challenge.id}"
    # What is proposed is between the poster and the officers.
    assert (await anybody.get(address)).text.count("任务书已生效") == 2
    await horse_race.answer_elimination(case.session, case.officer_actor, proposal.id, confirm=True)
    await case.session.commit()
    page = (await anybody.get(address)).text
    assert page.count("任务书已生效") == 1
    assert page.count("赛马淘汰") == 1
    assert "里程碑 1 阶段评估后" in page
    assert "样件不达标" not in page
    assert stage.title not in page


async def test_how_far_a_contract_is_before_it_is_signed_is_not_shown(
    make: Factory, browser_of: BrowserOf
) -> None:
    case = await award(make)
    await name_teams(case)
    anybody, address = await browser_of(), f"/results/{case.challenge.id}"
    assert "任务书尚未签订" not in (await anybody.get(address)).text
    await drafted(case)
    page = (await anybody.get(address)).text
    assert "任务书尚未签订" in page
    assert "任务书编制中" not in page
