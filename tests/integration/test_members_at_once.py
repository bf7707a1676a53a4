"""Organizations that answer for bids at once: every word is kept, and none takes part twice."""

from typing import Any

from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from challenges.bids import service
from challenges.bids.models import Bid, BidMember, BidMemberState
from challenges.postings.service import read_challenge
from core.errors import ConflictError
from core.notifications.models import Notification
from core.process import Process
from tests.integration.interleaving import attempt, race
from tests.integration.matchmaking import actor_of
from tests.integration.together import Together, actions, count


async def test_two_members_that_confirm_at_once_are_both_kept(together: Together, process: Process) -> None:
    bid = await together.start(process, together.lead, *together.partners)
    one, two = await race(
        process,
        lambda session: service.answer_invitation(session, together.answering[0], bid.id, accept=True),
        lambda session: service.answer_invitation(session, together.answering[2], bid.id, accept=True),
    )
    assert (type(one), type(two)) == (Bid, Bid), (one, two)
    read = await together.read()
    assert [member.state for member in read.members] == [BidMemberState.CONFIRMED] * 3
    assert await actions(together.make, "bid.member_confirmed") == ["bid.member_confirmed"] * 2
    told = await together.make.session.scalars(
        select(Notification).where(
            Notification.kind == "bid.member_confirmed", Notification.person_id == together.lead.person_id
        )
    )
    assert {item.parameters["member"] for item in told} == {partner.name for partner in together.partners}


async def test_two_editors_of_one_member_that_confirm_at_once_confirm_once(
    together: Together, process: Process
) -> None:
    bid = await together.start(process, together.lead, *together.partners)
    one, two = await race(
        process,
        lambda session: service.answer_invitation(session, together.answering[0], bid.id, accept=True),
        lambda session: service.answer_invitation(session, together.answering[1], bid.id, accept=True),
    )
    assert (type(one), type(two)) == (Bid, Bid), (one, two)
    assert await actions(together.make, "bid.member_confirmed") == ["bid.member_confirmed"]
    assert (
        await count(
            together.make,
            Notification,
            Notification.kind == "bid.member_confirmed",
            Notification.person_id == together.lead.person_id,
        )
        == 1
    )


async def test_one_confirms_while_another_declines(together: Together, process: Process) -> None:
    bid = await together.start(process, together.lead, *together.partners)
    await race(
        process,
        lambda session: service.answer_invitation(session, together.answering[0], bid.id, accept=True),
        lambda session: service.answer_invitation(session, together.answering[2], bid.id, accept=False),
    )
    read = await together.read()
    assert [member.state for member in read.members] == [
        BidMemberState.CONFIRMED,
        BidMemberState.CONFIRMED,
        BidMemberState.DECLINED,
    ]


async def test_an_organization_that_confirms_in_two_bids_at_once_takes_part_in_one(
    together: Together, process: Process
) -> None:
    make, partner = together.make, together.partners[0]
    rival = await make.organization()
    first = await together.start(process, together.lead, partner)
    second = await together.start(process, actor_of(await make.member(rival), rival), partner)
    one, two = await race(
        process,
        lambda session: service.answer_invitation(session, together.answering[0], first.id, accept=True),
        lambda session: service.answer_invitation(session, together.answering[1], second.id, accept=True),
    )
    assert isinstance(one, Bid), one
    assert isinstance(two, ConflictError), two
    confirmed = [
        item.bid_id
        for item in await make.session.scalars(
            select(BidMember).where(BidMember.organization_id == partner.id)
        )
        if item.state is BidMemberState.CONFIRMED
    ]
    assert confirmed == [first.id]


async def test_an_organization_that_confirms_and_begins_a_bid_of_its_own_at_once_takes_part_in_one(
    together: Together, process: Process
) -> None:
    make, partner = together.make, together.partners[0]
    bid = await together.start(process, together.lead, partner)

    async def begin(session: Any) -> Bid:
        challenge = await read_challenge(session, together.answering[1], together.challenge.id)
        return await service.start_bid(session, together.answering[1], challenge)

    one, two = await race(
        process,
        lambda session: service.answer_invitation(session, together.answering[0], bid.id, accept=True),
        begin,
    )
    assert isinstance(one, Bid), one
    assert isinstance(two, ConflictError), two
    states = list(
        await make.session.scalars(select(BidMember.state).where(BidMember.organization_id == partner.id))
    )
    assert states == [BidMemberState.CONFIRMED]


async def test_the_database_itself_lets_no_organization_into_two_bids(
    together: Together, process: Process
) -> None:
    make, partner = together.make, together.partners[0]
    rival = await make.organization()
    first = await together.start(process, together.lead, partner)
    second = await together.start(process, actor_of(await make.member(rival), rival), partner)

    def confirm(key: Any) -> Any:
        async def act(session: Any) -> str:
            await session.execute(
                text(
                    "UPDATE bid_member SET state = 'confirmed' WHERE bid_id = :bid AND organization_id = :partner"
                ),
                {"bid": key, "partner": partner.id},
            )
            return "done"

        return act

    one, two = await race(process, confirm(first.id), confirm(second.id))
    assert one == "done"
    assert isinstance(two, IntegrityError), two
    # What was withdrawn stands in nobody's way.
    async with process.transaction() as session:
        await service.withdraw_bid(session, together.lead, first.id)
    assert await attempt(process, confirm(second.id)) == "done"
