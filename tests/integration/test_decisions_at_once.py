"""Two officers that decide at once: the first decides, the second learns of it."""

import pytest
from sqlalchemy import select

from challenges.consortia import decisions
from challenges.consortia.models import ConsortiumState
from challenges.models import Challenge, ChallengeState, Consortium, Decision, Outcome, ProgramOfficer
from core.errors import ConflictError
from core.notifications.models import Notification
from core.process import Process
from core.settings import Settings
from tests.factories import Factory
from tests.integration.consortia import RunJobs, submit
from tests.integration.interleaving import race
from tests.integration.matchmaking import open_market
from tests.integration.together import actions, count, officer_of


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (Outcome.APPROVED, Outcome.REJECTED),
        (Outcome.REJECTED, Outcome.APPROVED),
        (Outcome.APPROVED, Outcome.APPROVED),
        (Outcome.RETURNED, Outcome.APPROVED),
    ],
)
async def test_of_two_officers_that_decide_at_once_the_first_decides_and_the_second_learns_of_it(
    first: Outcome,
    second: Outcome,
    make: Factory,
    process: Process,
    settings: Settings,
    run_jobs: RunJobs,
) -> None:
    market = await open_market(make)
    colleague = await make.officer()
    make.session.add(ProgramOfficer(program_id=market.program.id, person_id=colleague.id))
    await make.session.commit()
    officers = ((market.officer_actor, first), (officer_of(colleague), second))
    consortium = await submit(market, make.session, settings, run_jobs)
    key, revision = consortium.id, consortium.revision
    one, two = await race(
        process,
        *(
            lambda session, actor=actor, outcome=outcome: decisions.decide_consortium(
                session, actor, key, outcome, "理由", revision
            )
            for actor, outcome in officers
        ),
    )
    assert isinstance(one, Decision)
    assert isinstance(two, ConflictError), two
    state = decisions.STATE_AFTER[first]
    challenge_state = ChallengeState.AWARDED if first is Outcome.APPROVED else ChallengeState.CLOSED
    async with process.transaction() as session:
        stored = await session.get_one(Consortium, key)
        challenge = await session.get_one(Challenge, stored.challenge_id)
    assert (stored.state, challenge.state) == (state, challenge_state)
    assert await count(make, Decision) == 1
    assert len(await actions(make, *(f"consortium.{outcome.value}" for outcome in Outcome))) == 1
    told = {f"consortium.{outcome.value}" for outcome in Outcome}
    kinds = set(await make.session.scalars(select(Notification.kind).where(Notification.kind.in_(told))))
    assert kinds == {f"consortium.{first.value}"}
    assert stored.state is not ConsortiumState.SUBMITTED
