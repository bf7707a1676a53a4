"""A complete round on the accelerated clock in a real browser: from sealed bids to an accepted contract.

Three bidders, one of them a consortium; two officers; four reviewers, one with a conflict; an objection that is upheld;
two winners in a horse race, of which one is eliminated. People and organizations are made beforehand; everything else is
done on pages. With ROUND_PICTURES naming a directory, every page on the way is pictured in both languages and widths.
"""

import pytest
from playwright.async_api import expect

from challenges.models import ChallengeState, Contract, ContractState
from tests.browser.complete_round import awarding, bidding, contracting, reviewing
from tests.browser.complete_round.people import Round, RunJobs
from tests.browser.conftest import LogIn
from tests.factories import Factory

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]


async def test_a_complete_round_from_the_publication_to_the_acceptance(
    make: Factory, log_in: LogIn, run_jobs: RunJobs
) -> None:
    way = Round(make, log_in, run_jobs)
    await way.begin()
    people = [person for _organization, person in way.bidders]

    await bidding.publish(way)
    await bidding.ask(way)
    first = await bidding.bid(way, way.bidders[0], way.partner)
    second = await bidding.bid(way, way.bidders[1])
    third = await bidding.bid(way, way.bidders[2])
    await bidding.open_and_check(way)

    await reviewing.review(way, [first, second, third])

    await awarding.award(way, [first, second])
    notice = await awarding.publish_notice(way, [first, second])
    await awarding.object_to(way, notice, way.bidders[2], second)
    await awarding.award(way, [first, third], reason="第二名的业绩经异议核实不实。")
    await awarding.let_notice_pass(way, await awarding.publish_notice(way, [first, third]))

    winner, loser = await contracting.contracts(way, [people[0], way.partner[1]], [people[2]])
    assert await way.state() is ChallengeState.IN_PROGRESS
    await contracting.race(way, winner, [people[0], people[2]], loser)
    await contracting.accept(way, winner, people[0])
    assert await way.state() is ChallengeState.ACCEPTED
    await contracting.pay(way, winner, people[0])
    await contracting.rate(way, winner, people[0])
    page = await way.window(None, f"/results/{way.challenge.id}")
    await expect(page.locator("main")).to_contain_text(way.name_of(first))
    states = [contract.state for contract in await way.all(Contract, by=Contract.team_number)]
    assert states == [ContractState.COMPLETED, ContractState.ELIMINATED]
