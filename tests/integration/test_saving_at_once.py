"""Two editors that save at once: the second is told, and nothing that was written is lost."""

from typing import Any

from challenges.bids import service
from challenges.bids.models import Bid, BidMemberState
from challenges.models import Challenge, ChallengeState
from challenges.postings import service as postings
from challenges.postings.forms import TypedDraft
from challenges.postings.service import read_challenge
from core.actor import Actor
from core.errors import ConflictError, StaleError
from core.process import Process
from solvers.models import SizeClass
from tests.factories import Factory
from tests.integration.interleaving import race
from tests.integration.matchmaking import actor_of
from tests.integration.together import Together, count


async def test_of_two_editors_that_save_one_bid_the_second_is_told_and_nothing_is_overwritten(
    together: Together, process: Process
) -> None:
    bid = await together.start(process, together.lead)
    one, two = await race(
        process,
        lambda session: service.save_bid(
            session, together.lead, bid.id, together.content("甲的方案"), bid.revision
        ),
        lambda session: service.save_bid(
            session, together.colleague, bid.id, together.content("乙的方案"), bid.revision
        ),
    )
    assert isinstance(one, Bid), one
    assert isinstance(two, ConflictError), two
    read = await together.read()
    assert read.technical_plan == "甲的方案"
    assert read.revision == bid.revision + 1


async def test_a_member_that_confirms_while_the_lead_saves_is_kept_and_the_leads_words_are_too(
    together: Together, process: Process
) -> None:
    bid = await together.start(process, together.lead, together.partners[0])
    one, two = await race(
        process,
        lambda session: service.save_bid(
            session, together.lead, bid.id, together.content("甲的方案"), bid.revision
        ),
        lambda session: service.answer_invitation(session, together.answering[0], bid.id, accept=True),
    )
    assert (type(one), type(two)) == (Bid, Bid), (one, two)
    read = await together.read()
    assert read.technical_plan == "甲的方案"
    assert read.members[1].state is BidMemberState.CONFIRMED


async def test_of_two_colleagues_that_start_a_bid_one_starts_it(together: Together, process: Process) -> None:
    def begin(actor: Actor) -> Any:
        async def act(session: Any) -> Bid:
            challenge = await read_challenge(session, actor, together.challenge.id)
            return await service.start_bid(session, actor, challenge)

        return act

    one, two = await race(process, begin(together.lead), begin(together.colleague))
    assert isinstance(one, Bid), one
    assert isinstance(two, ConflictError) or two.id == one.id
    assert await count(together.make, Bid) == 1


async def test_of_two_editors_that_save_one_challenge_the_second_is_told_and_nothing_is_overwritten(
    make: Factory, process: Process
) -> None:
    poster = await make.organization(size=SizeClass.LARGE)
    challenge = await make.challenge(poster, await make.program(), state=ChallengeState.DRAFT)
    actors = [actor_of(await make.member(poster), poster) for _ in range(2)]

    def save(actor: Actor, title: str) -> Any:
        async def act(session: Any) -> Challenge:
            typed = TypedDraft(values={"title": title, "round_id": challenge.round_id}, unparsed={})
            return await postings.save_draft(session, actor, challenge.id, typed, revision=1)

        return act

    one, two = await race(process, save(actors[0], "甲写的题目"), save(actors[1], "乙写的题目"))
    assert isinstance(one, Challenge), one
    assert isinstance(two, StaleError), two
    await make.session.refresh(challenge)
    assert (challenge.title, challenge.revision) == ("甲写的题目", 2)
