"""Every page about a contract shows where it is: among the challenge's pages, and among the contract's own."""

import re

from challenges.milestones.queries import milestones_of
from core.settings import Settings
from tests.conftest import BrowserOf
from tests.factories import Factory
from tests.integration.contracting import at_work, award, drafted


def here(page: str) -> list[str]:
    """Addresses of the tabs that are the present page's."""
    found = re.findall(
        r'<a class="(?:nav-link|btn) [^"]*active[^"]*"\s+href="([^"]+)"\s+aria-current="page"', page
    )
    return [address for address in found if "/challenges/" in address or "/contracts/" in address]


async def test_each_page_of_a_contract_in_force_has_its_tabs(
    make: Factory, settings: Settings, browser_of: BrowserOf
) -> None:
    case, (contract,) = await at_work(make, settings)
    poster = await browser_of(case.editor, case.poster)
    root, all_of_them = f"/contracts/{contract.id}", f"/challenges/{case.challenge.id}/contracts"
    assert here((await poster.get(all_of_them)).text) == [all_of_them]
    for page, own in {
        root: root,
        f"{root}/versions/1": root,
        f"{root}/milestones": f"{root}/milestones",
        f"{root}/acceptance": f"{root}/acceptance",
    }.items():
        assert here((await poster.get(page)).text) == [all_of_them, own]


async def test_a_page_with_messages_stays_at_its_tab(
    make: Factory, settings: Settings, browser_of: BrowserOf
) -> None:
    case, (contract,) = await at_work(make, settings)
    team = case.teams[0]
    lead = await browser_of(
        await case.session.get_one(type(case.editor), team.lead_actor.person_id), team.lead
    )
    (first, *_others) = await milestones_of(case.session, contract.id)
    answer = await lead.submit(f"/milestones/{first.id}/report", {"text": ""})
    assert answer.status_code == 422
    assert here(answer.text) == [
        f"/challenges/{case.challenge.id}/contracts",
        f"/contracts/{contract.id}/milestones",
    ]


async def test_while_it_is_written_a_contract_has_one_page_and_no_tabs_of_its_own(
    make: Factory, browser_of: BrowserOf
) -> None:
    case = await award(make)
    (contract,) = await drafted(case)
    poster = await browser_of(case.editor, case.poster)
    for page in (f"/contracts/{contract.id}", f"/contracts/{contract.id}/edit"):
        assert here((await poster.get(page)).text) == [f"/challenges/{case.challenge.id}/contracts"]
