"""The formal check: against the program's list, with one completion in time, before anybody reviews or chooses."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

import challenges.checks.jobs  # noqa: F401 -- registers what is due
from challenges.amendments.models import Amendment, AmendmentState, BidConfirmation
from challenges.checks import queries, service
from challenges.checks.models import CheckState, FormalCheck
from challenges.postings.models import Challenge, ChallengeState
from challenges.programs.calendar import earliest_end
from core.attachments import Attachment
from core.clock import utc_now
from core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from core.schedule import catch_up
from solvers.models import Membership, MembershipRole
from tests.conftest import Browser, BrowserOf
from tests.factories import Factory
from tests.integration.opened_round import OpenedRound, officer_actor, opened_round
from tests.told import told
from web.officer_queue import sections_of
from web.officer_sections import Section
from web.templating import show_datetime

LIST = ("申报书签章齐全", "联合体协议完整")
PDF = b"%PDF-1.7 completion"


async def begun(make: Factory, **program: Any) -> tuple[OpenedRound, list[FormalCheck]]:
    stage = await opened_round(make, checklist=LIST, **program)
    checks = await service.begin_checks(make.session, stage.officer_actor, await stage.read())
    await make.session.commit()
    return stage, checks


async def requested(make: Factory) -> tuple[OpenedRound, FormalCheck]:
    stage, (check, _other) = await begun(make)
    actor = stage.officer_actor
    await service.save_points(
        make.session, actor, check.id, [(True, ""), (False, "缺页")], "请补交第三页", check.revision
    )
    await service.settle(make.session, actor, check.id, CheckState.COMPLETION_REQUESTED)
    await make.session.commit()
    return stage, check


def fields(check: FormalCheck, act: str, *met: str, note: str = "") -> dict[str, str]:
    return {
        "revision": str(check.revision),
        "act": act,
        "note": note,
        **{f"point-{index}-met": value for index, value in enumerate(met)},
        "point-0-remark": "见第二页",
    }


async def test_where_the_program_has_no_list_every_opened_bid_is_admitted(make: Factory) -> None:
    stage = await opened_round(make)
    admitted = await queries.admitted_bids(make.session, stage.challenge.id)
    assert {bid.id for bid in admitted} == {bid.id for bid in stage.bids}
    assert await queries.is_everything_settled(make.session, stage.challenge)
    with pytest.raises(ConflictError):
        await service.begin_checks(make.session, stage.officer_actor, await stage.read())


async def test_no_bid_is_admitted_before_it_is_opened(make: Factory) -> None:
    poster, program = await make.organization(), await make.program()
    challenge = await make.challenge(poster, program, state=ChallengeState.CLOSED)
    assert await queries.admitted_bids(make.session, challenge.id) == []
    assert not await queries.is_everything_settled(make.session, challenge)


async def test_an_officer_passes_one_bid_and_fails_another_and_the_bidders_are_told(
    make: Factory, browser_of: BrowserOf
) -> None:
    stage = await opened_round(make, checklist=LIST)
    browser = await browser_of(stage.officer)
    address = f"/challenges/{stage.challenge.id}/checks"
    assert (await browser.submit(address)).status_code == 303
    first, second = await queries.checks_of(make.session, stage.challenge.id)
    assert await queries.admitted_bids(make.session, stage.challenge.id) == []
    page = await browser.get(f"/checks/{first.id}")
    assert LIST[0] in page.text
    answer = await browser.submit(f"/checks/{first.id}", fields(first, "pass", "met", "met"))
    assert answer.status_code == 303, answer.text
    assert not await queries.is_everything_settled(make.session, stage.challenge)
    answer = await browser.submit(
        f"/checks/{second.id}", fields(second, "fail", "met", "not_met", note="无联合体协议")
    )
    assert answer.status_code == 303
    admitted = await queries.admitted_bids(make.session, stage.challenge.id)
    assert [bid.id for bid in admitted] == [first.bid_id]
    assert await queries.is_everything_settled(make.session, stage.challenge)
    assert await told(make.session, "check.passed") == [(stage.people[0].email, "check.passed")]
    assert await told(make.session, "check.failed") == [(stage.people[1].email, "check.failed")]


async def test_a_bid_does_not_pass_with_an_open_point_nor_fail_without_a_reason(
    make: Factory, browser_of: BrowserOf
) -> None:
    stage, (check, _other) = await begun(make)
    browser = await browser_of(stage.officer)
    answer = await browser.submit(f"/checks/{check.id}", fields(check, "pass", "met", ""))
    assert answer.status_code == 422
    assert "见第二页" in answer.text
    answer = await browser.submit(f"/checks/{check.id}", fields(check, "fail", "met", "not_met"))
    assert answer.status_code == 422
    await make.session.refresh(check)
    assert check.state is CheckState.BEGUN
    # Nor by any other way.
    with pytest.raises(DBAPIError):
        await make.session.execute(
            update(FormalCheck).where(FormalCheck.id == check.id).values(state=CheckState.PASSED)
        )


async def test_two_officers_do_not_overwrite_each_other(make: Factory, browser_of: BrowserOf) -> None:
    stage, (check, _other) = await begun(make)
    first, second = await browser_of(stage.officer), await browser_of(stage.second_officer)
    seen = fields(check, "save", "met", "")
    assert (await first.submit(f"/checks/{check.id}", seen)).status_code == 303
    assert (await second.submit(f"/checks/{check.id}", seen)).status_code == 409


async def test_the_list_is_frozen_when_the_check_begins(make: Factory) -> None:
    stage, (check, _other) = await begun(make)
    stage.program.checklist = ["另一条"]
    await make.session.commit()
    await make.session.refresh(check)
    assert [point["text"] for point in check.points] == list(LIST)
    with pytest.raises(DBAPIError):
        await make.session.execute(
            update(FormalCheck).where(FormalCheck.id == check.id).values(points=[{"text": "另一条"}])
        )


async def test_the_lead_completes_once_in_time_with_a_file_and_the_officer_settles(
    make: Factory, browser_of: BrowserOf
) -> None:
    stage, check = await requested(make)
    assert await told(make.session, "check.completion_requested")
    officer, bidder = await browser_of(stage.officer), await browser_of(stage.people[0], stage.bidders[0])
    rival = await browser_of(stage.people[1], stage.bidders[1])
    address = f"/checks/{check.id}/completion"
    page = (await bidder.get(f"/checks/{check.id}")).text
    assert "请补交第三页" in page
    assert (await rival.get(f"/checks/{check.id}")).status_code == 404
    assert (await rival.submit(address, {"text": "x"})).status_code == 404
    saved = await bidder.submit(
        address, {"text": "现补交", "act": "save"}, files={"file": ("第三页.pdf", PDF, "application/pdf")}
    )
    assert saved.status_code == 303, saved.text
    file = await make.session.scalar(select(Attachment).where(Attachment.subject_type == "completion"))
    assert file is not None
    # Until it is handed in it is the bidder's alone.
    assert (await officer.get(f"/attachments/{file.id}")).status_code == 404
    assert "现补交" not in (await officer.get(f"/checks/{check.id}")).text
    assert (await bidder.submit(address, {"text": "", "act": "hand_in"})).status_code == 422
    assert (await bidder.submit(address, {"text": "现补交", "act": "hand_in"})).status_code == 303
    assert (await officer.get(f"/attachments/{file.id}")).content == PDF
    assert (await rival.get(f"/attachments/{file.id}")).status_code == 404
    assert (await bidder.submit(address, {"text": "再补", "act": "hand_in"})).status_code == 409
    await make.session.refresh(check)
    assert (check.state, check.completion_text) == (CheckState.COMPLETED, "现补交")
    assert await told(make.session, "check.completed")
    assert "现补交" in (await officer.get(f"/checks/{check.id}")).text
    answer = await officer.submit(f"/checks/{check.id}", fields(check, "request", "met", "met", note="再补"))
    assert answer.status_code == 409
    answer = await officer.submit(f"/checks/{check.id}", fields(check, "pass", "met", "met"))
    assert answer.status_code == 303


async def test_after_its_deadline_nothing_is_completed_and_time_ends_it_once(make: Factory) -> None:
    stage, check = await requested(make)
    await make.session.execute(
        update(FormalCheck)
        .where(FormalCheck.id == check.id)
        .values(completion_due_at=utc_now() - timedelta(milliseconds=1))
    )
    await make.session.commit()
    # Refused from that moment on, before any worker has looked.
    with pytest.raises(ConflictError):
        async with make.session.begin_nested():
            await service.hand_in_completion(make.session, stage.bidder_actor(0), check.id)
    await make.session.commit()
    await catch_up()
    await catch_up()
    await make.session.refresh(check)
    assert check.state is CheckState.LAPSED
    # Two officers opened the bids besides the two of the program.
    assert len(await told(make.session, "check.lapsed")) == 4
    assert await told(make.session, "check.lapsed_for_us") == [(stage.people[0].email, "check.lapsed_for_us")]


async def test_a_completion_that_is_not_due_yet_is_left_alone(make: Factory) -> None:
    _stage, check = await requested(make)
    await catch_up()
    await make.session.refresh(check)
    assert check.state is CheckState.COMPLETION_REQUESTED


async def test_the_time_for_completion_passes_on_the_programs_clock(make: Factory) -> None:
    stage = await opened_round(make, checklist=LIST, completion_days=5, clock_factor=86_400)
    begin = utc_now()
    assert earliest_end(stage.program, 5, begin) - begin == timedelta(seconds=5)
    (check, _other) = await service.begin_checks(make.session, stage.officer_actor, await stage.read())
    await service.save_points(
        make.session, stage.officer_actor, check.id, [(True, ""), (None, "")], "补", check.revision
    )
    await service.settle(make.session, stage.officer_actor, check.id, CheckState.COMPLETION_REQUESTED)
    assert check.completion_due_at is not None
    assert timedelta(0) < check.completion_due_at - begin < timedelta(minutes=1)


async def test_a_settled_check_is_reopened_with_a_reason_while_nothing_rests_on_it(make: Factory) -> None:
    stage, (check, _other) = await begun(make)
    actor = stage.officer_actor
    await service.save_points(
        make.session, actor, check.id, [(True, ""), (False, "")], "无协议", check.revision
    )
    await service.settle(make.session, actor, check.id, CheckState.FAILED)
    with pytest.raises(InvalidError):
        async with make.session.begin_nested():
            await service.reopen(make.session, actor, check.id, " ")
    await service.reopen(make.session, actor, check.id, "附件中已有")
    assert check.state is CheckState.REOPENED
    await service.save_points(make.session, actor, check.id, [(True, ""), (True, "")], "", check.revision)
    await service.settle(make.session, actor, check.id, CheckState.PASSED)
    await make.session.execute(
        update(Challenge).where(Challenge.id == stage.challenge.id).values(state=ChallengeState.IN_REVIEW)
    )
    await make.session.commit()
    with pytest.raises(ConflictError):
        await service.reopen(make.session, actor, check.id, "太迟")


async def test_who_is_not_in_charge_or_belongs_to_a_bidder_checks_nothing(make: Factory) -> None:
    stage, (check, _other) = await begun(make)
    for stranger in (stage.poster_actor, stage.bidder_actor(1), officer_actor(await make.officer())):
        with pytest.raises(NotFoundError):
            await service.save_points(make.session, stranger, check.id, [], "", 1)
    make.session.add(
        Membership(
            organization_id=stage.bidders[1].id,
            person_id=stage.second_officer.id,
            role=MembershipRole.VIEWER,
        )
    )
    await make.session.commit()
    with pytest.raises(ForbiddenError):
        await service.save_points(
            make.session, officer_actor(stage.second_officer), check.id, [(True, ""), (True, "")], "", 1
        )


async def test_the_queue_and_the_pages_show_what_waits(make: Factory, browser_of: BrowserOf) -> None:
    stage = await opened_round(make, checklist=LIST)
    officer: Browser = await browser_of(stage.officer)
    assert f"/challenges/{stage.challenge.id}/checks" in (await officer.get("/officer")).text
    (check, _other) = await service.begin_checks(make.session, stage.officer_actor, await stage.read())
    await make.session.commit()
    assert f"/checks/{check.id}" in (await officer.get("/officer")).text
    poster = await browser_of(stage.poster_person, stage.poster)
    page = await poster.get(f"/challenges/{stage.challenge.id}/checks")
    assert stage.bidders[0].name in page.text
    assert f"/checks/{check.id}" not in page.text
    assert (await poster.get(f"/checks/{check.id}")).status_code == 404
    bidder = await browser_of(stage.people[0], stage.bidders[0])
    assert f"/checks/{check.id}" in (await bidder.get(f"/challenges/{stage.challenge.id}")).text
    assert (await bidder.get(f"/challenges/{stage.challenge.id}/checks")).status_code == 404


async def test_an_officer_sees_which_bids_were_not_confirmed_after_a_change(
    make: Factory, browser_of: BrowserOf
) -> None:
    stage, (first, second) = await begun(make)
    make.session.add(amendment := amendment_of(stage))
    await make.session.flush()
    make.session.add(
        BidConfirmation(
            bid_id=second.bid_id, amendment_id=amendment.id, at=utc_now(), person_id=stage.people[1].id
        )
    )
    await make.session.commit()
    browser = await browser_of(stage.officer)
    await browser.get("/locale/en")
    page = (await browser.get(f"/challenges/{stage.challenge.id}/checks")).text
    assert page.count("not confirmed after change 1") == 1
    words = "Not confirmed after change 1."
    assert words in (await browser.get(f"/checks/{first.id}")).text
    assert words not in (await browser.get(f"/checks/{second.id}")).text


def amendment_of(stage: OpenedRound) -> Amendment:
    return Amendment(
        challenge_id=stage.challenge.id,
        state=AmendmentState.CONFIRMED,
        version=1,
        explanation="改了指标",
        before={},
        after={},
        deadline_before=utc_now(),
        deadline_after=utc_now(),
        is_substantial=True,
        base_revision=1,
        proposed_by_id=stage.poster_person.id,
        proposed_at=utc_now(),
        decided_at=utc_now() + timedelta(seconds=1),
    )


async def test_a_check_is_due_in_the_queue_from_the_moment_it_waits_for_the_officer(
    make: Factory, browser_of: BrowserOf
) -> None:
    stage, check = await requested(make)
    _first, other = await queries.checks_of(make.session, stage.challenge.id)

    async def due() -> dict[str, datetime | None]:
        section = await _checks_section(make.session, stage)
        return {row.address: row.due for row in section.rows}

    asked = await due()
    assert asked[f"/checks/{check.id}"] == check.completion_due_at
    assert asked[f"/checks/{other.id}"] == other.created_at + timedelta(days=5)
    check = await queries.check_by_id(make.session, check.id, lock=True) or check
    completed = utc_now() + timedelta(hours=1)
    check.state, check.completed_at = CheckState.COMPLETED, completed
    await make.session.commit()
    assert (await due())[f"/checks/{check.id}"] == completed + timedelta(days=5)
    page = (await (await browser_of(stage.officer)).get(f"/challenges/{stage.challenge.id}/checks")).text
    for moment in (other.created_at, completed):
        assert show_datetime(moment + timedelta(days=5)) in page


async def _checks_section(session: AsyncSession, stage: OpenedRound) -> Section:
    sections = await sections_of(session, stage.officer_actor, utc_now())
    return next(item for item in sections if item.anchor == "checks")
