"""A bid's lists and sums, the draft that saves itself, statements, and one bid for each organization and challenge."""

import asyncio
import hashlib
import json
import uuid
from dataclasses import replace
from decimal import Decimal

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from challenges.bids import service
from challenges.bids.completeness import budget_table, shortcomings
from challenges.bids.content import FIRST_VERSION, BidContent, Part
from challenges.bids.models import Bid, BidState
from challenges.bids.receipts import published_receipts
from challenges.bids.sealing import break_seal, content_of, seal_content
from challenges.programs.models import Program
from core.actor import Actor
from core.audit import AuditEntry
from core.errors import ConflictError
from core.process import Process
from tests.conftest import Browser, BrowserOf
from tests.factories import Factory
from tests.integration.test_bidding import (
    TEXTS,
    Stage,
    end_bidding,
    partner_of,
    refreshed,
    start,
)
from tests.told import told

STATEMENT = "我单位及项目负责人无在惩的科研失信记录。"


@pytest.fixture
async def stage(make: Factory) -> Stage:
    return await Stage(make).set()


async def begun(stage: Stage, browser_of: BrowserOf) -> tuple[Browser, Bid]:
    browser = await browser_of(stage.bidder, stage.sme)
    return browser, await start(stage, browser)


async def compared(process: Process, challenge_id: uuid.UUID, change: str = "SELECT 1") -> list[bool | None]:
    """Whether each opened bid agrees with its receipt, as it stands in the database after a change that is undone."""
    async with process.maker() as session:
        await session.execute(text(change))
        return [item.agrees for item in await published_receipts(session, challenge_id)]


async def test_the_whole_bid_is_kept_and_its_sums_agree_both_ways(
    stage: Stage, browser_of: BrowserOf
) -> None:
    browser, bid = await begun(stage, browser_of)
    answer = await browser.submit(f"/bids/{bid.id}", stage.fields(bid, **{"parts-0-budget_wan": ""}))
    assert answer.status_code == 303, answer.text
    await refreshed(stage, bid)
    content = content_of(bid)
    assert content.parts[0].budget_wan == Decimal("500.50")
    assert content.parts[0].years == (Decimal("300.00"), Decimal("200.50"))
    assert [(step.name, step.from_month, step.to_month) for step in content.steps] == [("工艺验证", 1, 6)]
    assert [(person.name, person.person_months) for person in content.people] == [("陈工", Decimal("12.0"))]
    table = budget_table(bid)
    assert table.total == sum(table.by_year) == Decimal("500.50")
    row = (await stage.make.session.execute(text("SELECT * FROM bid"))).mappings().one()
    assert (row["steps"], row["people"], row["statements"]) == ([], [], [])


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"parts-0-budget_wan": "500"}, "parts-0-budget_wan"),
        ({"parts-0-years-2": "1", "parts-0-budget_wan": "501.50"}, "parts-0-years-2"),
        ({"parts-0-years-1": "二百"}, "parts-0-years-1"),
        ({"steps-0-to_month": "19"}, "steps-0-to_month"),
        ({"steps-0-from_month": "7"}, "steps-0-to_month"),
        ({"steps-0-deliverable": ""}, "steps-0-deliverable"),
        ({"people-0-person_months": "18.1"}, "people-0-person_months"),
        ({"people-0-role": ""}, "people-0-role"),
        ({"technical_plan": "长" * 8001}, "technical_plan"),
    ],
)
async def test_what_does_not_agree_is_told_at_its_field_and_not_handed_in(
    stage: Stage, browser_of: BrowserOf, change: dict[str, str], field: str
) -> None:
    browser, bid = await begun(stage, browser_of)
    answer = await browser.submit(f"/bids/{bid.id}", stage.fields(bid, **change))
    assert answer.status_code == 422
    await refreshed(stage, bid)
    assert bid.state is BidState.DRAFT
    assert field in shortcomings(bid)
    # Whatever was typed stands in the page again.
    assert next(iter(change.values())) in answer.text


async def test_everything_that_is_missing_is_told_at_once(stage: Stage, browser_of: BrowserOf) -> None:
    stage.program.statements = [STATEMENT]
    await stage.make.session.commit()
    browser, bid = await begun(stage, browser_of)
    answer = await browser.submit(f"/bids/{bid.id}", {"revision": bid.revision, "action": "submit"})
    assert answer.status_code == 422
    await refreshed(stage, bid)
    missing = shortcomings(bid)
    requirements = {f"requirement-{item.id}" for item in stage.challenge.requirements}
    assert set(missing) == requirements | {
        "technical_plan",
        "ability",
        "contact_name",
        "contact_phone",
        "parts-0-requirement_ids",
        "budget",
        "steps-0-name",
        "people-0-name",
        "statements",
    }
    # Each stands in the list beside the form, with a link to its field.
    for name in ("technical_plan", "steps-0-name", "people-0-name", "statements"):
        assert f'href="#{name}"' in answer.text


async def test_a_draft_saves_itself_also_what_cannot_be_read(stage: Stage, browser_of: BrowserOf) -> None:
    browser, bid = await begun(stage, browser_of)
    typed = {
        "revision": bid.revision,
        "technical_plan": "写到一半",
        "parts-0-organization_id": str(stage.sme.id),
        "parts-0-years-0": "三百",
        "steps-0-from_month": "年初",
        "people-0-person_months": "半年",
    }
    answer = await browser.submit(f"/bids/{bid.id}/autosave", typed)
    assert answer.status_code == 200
    page = (await browser.get(f"/bids/{bid.id}")).text
    for value in ("写到一半", "三百", "年初", "半年"):
        assert value in page
    actions = set(await stage.make.session.scalars(select(AuditEntry.action)))
    assert "bid.saved" not in actions
    # What nobody can read is not handed in.
    await refreshed(stage, bid)
    assert {"parts-0-years-0", "steps-0-from_month", "people-0-person_months"} <= set(shortcomings(bid))


async def test_a_draft_saved_elsewhere_is_not_overwritten_unless_asked(
    stage: Stage, browser_of: BrowserOf
) -> None:
    browser, bid = await begun(stage, browser_of)
    opened = bid.revision
    first = stage.fields(bid, action="save")
    assert (await browser.submit(f"/bids/{bid.id}/autosave", first)).status_code == 200
    mine = {**first, "ability": "另一窗口的内容"}
    stale = await browser.submit(f"/bids/{bid.id}/autosave", mine)
    assert stale.status_code == 409
    assert stale.headers["hx-trigger"] == "draft-stale"
    page = await browser.submit(f"/bids/{bid.id}", mine)
    assert page.status_code == 409
    assert "另一窗口的内容" in page.text
    await refreshed(stage, bid)
    assert bid.revision == opened + 1
    assert bid.ability == TEXTS["ability"]
    answer = await browser.submit(f"/bids/{bid.id}", {**mine, "action": "", "overwrite": bid.revision})
    assert answer.status_code == 303
    assert (await refreshed(stage, bid)).ability == "另一窗口的内容"


async def test_a_bid_handed_in_is_replaced_by_its_button_alone(stage: Stage, browser_of: BrowserOf) -> None:
    browser, bid = await begun(stage, browser_of)
    assert (await browser.submit(f"/bids/{bid.id}", stage.fields(bid))).status_code == 303
    await refreshed(stage, bid)
    changed = {**stage.fields(bid, action=""), "ability": "改写中"}
    assert (await browser.submit(f"/bids/{bid.id}/autosave", changed)).status_code == 409
    for command in ("", "add:steps"):
        shown = await browser.submit(f"/bids/{bid.id}", {**changed, "do": command})
        assert shown.status_code == 200
        assert "改写中" in shown.text
        assert (await refreshed(stage, bid)).ability == TEXTS["ability"]
    replaced = await browser.submit(f"/bids/{bid.id}", {**changed, "action": "save"})
    assert replaced.status_code == 303
    assert (await refreshed(stage, bid)).ability == "改写中"


async def test_rows_are_added_and_taken_out_and_what_was_typed_stays(
    stage: Stage, browser_of: BrowserOf
) -> None:
    browser, bid = await begun(stage, browser_of)
    fields = stage.fields(bid, **{"steps-1-name": "第二步", "steps-1-from_month": "七", "action": ""})
    page = await browser.submit(f"/bids/{bid.id}", {**fields, "do": "add:steps"})
    assert page.status_code == 200
    assert 'name="steps-2-name"' in page.text
    await refreshed(stage, bid)
    answer = await browser.submit(
        f"/bids/{bid.id}", {**fields, "revision": bid.revision, "do": "remove:steps:0"}
    )
    assert answer.status_code == 200
    assert 'name="steps-1-name"' not in answer.text
    await refreshed(stage, bid)
    content = content_of(bid)
    assert [step.name for step in content.steps] == ["第二步"]
    assert content.unparsed == {"steps-0-from_month": "七"}
    assert content.people[0].name == "陈工"


async def test_a_row_left_blank_is_not_handed_in(stage: Stage, browser_of: BrowserOf) -> None:
    browser, bid = await begun(stage, browser_of)
    fields = stage.fields(bid, **{"steps-1-name": "", "people-1-name": ""})
    assert (await browser.submit(f"/bids/{bid.id}", fields)).status_code == 303
    await refreshed(stage, bid)
    assert (len(bid.steps), len(bid.people)) == (1, 1)


async def test_statements_are_sealed_as_they_were_worded_and_another_wording_asks_again(
    stage: Stage, browser_of: BrowserOf
) -> None:
    stage.program.statements = [STATEMENT]
    await stage.make.session.commit()
    browser, bid = await begun(stage, browser_of)
    page = (await browser.get(f"/bids/{bid.id}")).text
    key = page.split('name="statements"')[1].split('value="')[1].split('"')[0]
    assert (await browser.submit(f"/bids/{bid.id}", stage.fields(bid))).status_code == 422
    await refreshed(stage, bid)
    assert (await browser.submit(f"/bids/{bid.id}", stage.fields(bid, statements=[key]))).status_code == 303
    await refreshed(stage, bid)
    (accepted,) = bid.statements
    assert accepted["text"] == STATEMENT
    written = (await browser.get(f"/bids/{bid.id}/content")).json()
    assert written["statements"] == bid.statements
    # Saved again, it keeps the time at which it was accepted first.
    fields = stage.fields(bid, statements=[key], action="save")
    assert (await browser.submit(f"/bids/{bid.id}", fields)).status_code == 303
    assert (await refreshed(stage, bid)).statements == [accepted]
    program = await stage.make.session.get(Program, stage.program.id)
    assert program is not None
    program.statements = ["改过的声明。"]
    await stage.make.session.commit()
    again = stage.fields(bid, statements=[key], action="save")
    assert (await browser.submit(f"/bids/{bid.id}", again)).status_code == 422


async def test_a_bid_of_the_first_version_opens_and_verifies_as_it_was_hashed(
    stage: Stage, browser_of: BrowserOf, process: Process
) -> None:
    """What the version before has written: no years, steps, people or statements, and its own way of hashing."""
    _browser, bid = await begun(stage, browser_of)
    session = stage.make.session
    await refreshed(stage, bid)
    content = replace(
        BidContent(),
        **TEXTS,
        version=FIRST_VERSION,
        nonce="00" * 16,
        parts=(Part(stage.sme.id, "总体", (str(stage.challenge.requirements[0].id),), Decimal("500.5")),),
    )
    assert set(content.as_json()) == {*TEXTS, "nonce", "parts"}
    await seal_content(session, bid, content)
    await session.commit()
    await refreshed(stage, bid)
    kept = content_of(bid)
    assert kept.version == FIRST_VERSION
    written = json.dumps(
        {
            **TEXTS,
            "version": 1,
            "bid": str(bid.id),
            "challenge": str(bid.challenge_id),
            "lead": str(stage.sme.id),
            "nonce": "00" * 16,
            "parts": [
                {
                    "organization_id": str(stage.sme.id),
                    "role_text": "总体",
                    "requirement_ids": [str(stage.challenge.requirements[0].id)],
                    "budget_wan": "500.50",
                }
            ],
            "files": [],
        },
        ensure_ascii=False,
        sort_keys=True,
        separators=(",", ":"),
    ).encode()
    await session.execute(text("UPDATE bid SET state = 'submitted', submitted_at = now()"))
    await session.execute(
        text(
            "INSERT INTO bid_receipt (id, bid_id, challenge_id, act, content_sha256, at)"
            " SELECT gen_random_uuid(), id, challenge_id, 'submitted', :hash, now() FROM bid"
        ),
        {"hash": hashlib.sha256(written).hexdigest()},
    )
    await session.commit()
    await end_bidding(stage)
    await stage.make.opened(stage.challenge)
    await refreshed(stage, bid)
    await break_seal(session, bid)
    await session.commit()
    assert await compared(process, stage.challenge.id) == [True]
    poster = await browser_of(stage.poster_person, stage.poster)
    assert TEXTS["timeline"] in (await poster.get(f"/bids/{bid.id}")).text


async def test_opened_the_lists_stand_in_the_clear_and_a_change_of_one_is_seen(
    stage: Stage, browser_of: BrowserOf, process: Process
) -> None:
    browser, bid = await begun(stage, browser_of)
    await browser.submit(f"/bids/{bid.id}", stage.fields(bid))
    await end_bidding(stage)
    await stage.make.opened(stage.challenge)
    session = stage.make.session
    await refreshed(stage, bid)
    await break_seal(session, bid)
    await session.commit()
    assert await compared(process, stage.challenge.id) == [True]
    poster = await browser_of(stage.poster_person, stage.poster)
    page = (await poster.get(f"/bids/{bid.id}")).text
    assert "工艺验证报告" in page
    assert "200.5" in page
    for change in (
        'UPDATE bid_member SET years = \'["300.00", "200.51"]\'',
        "UPDATE bid SET people = '[]'",
    ):
        assert await compared(process, stage.challenge.id, change) == [False]


async def test_a_sealed_bid_cannot_have_lists_in_the_clear(stage: Stage, browser_of: BrowserOf) -> None:
    await begun(stage, browser_of)
    for attack in (
        "UPDATE bid SET steps = '[{}]'",
        "UPDATE bid SET statements = '[1]'",
        "UPDATE bid_member SET years = '[\"1\"]'",
    ):
        with pytest.raises(IntegrityError):
            await stage.make.session.execute(text(attack))
        await stage.make.session.rollback()


async def test_a_partner_that_leaves_after_handing_in_reopens_the_draft_and_the_lead_is_told(
    stage: Stage, browser_of: BrowserOf
) -> None:
    browser, bid = await begun(stage, browser_of)
    partner, person = await partner_of(stage)
    await browser.submit(f"/bids/{bid.id}/members", {"organization_id": str(partner.id)})
    invited = await browser_of(person, partner)
    requirements = [str(item.id) for item in stage.challenge.requirements]
    await refreshed(stage, bid)
    opened = bid.revision
    fields = stage.fields(
        bid,
        **{
            "parts-0-requirement_ids": requirements[:1],
            "parts-1-organization_id": str(partner.id),
            "parts-1-requirement_ids": requirements[1:],
            "parts-1-years-0": "10",
        },
    )
    await invited.submit(f"/bids/{bid.id}/answer", {"answer": "confirm"})
    await refreshed(stage, bid)
    # The answer does not make the form stale that the lead has open.
    assert bid.revision == opened
    assert (await browser.submit(f"/bids/{bid.id}", fields)).status_code == 303
    assert (await refreshed(stage, bid)).state is BidState.SUBMITTED
    assert (await invited.submit(f"/bids/{bid.id}/answer", {"answer": "decline"})).status_code == 303
    assert (await refreshed(stage, bid)).state is BidState.DRAFT
    assert (stage.bidder.email, "bid.member_declined") in await told(stage.make.session)
    assert "parts-1-organization_id" in shortcomings(bid)


async def test_the_database_refuses_a_second_part_of_an_organization_in_a_challenge(
    stage: Stage, browser_of: BrowserOf
) -> None:
    _browser, bid = await begun(stage, browser_of)
    other = await stage.make.organization()
    second = await start(stage, await browser_of(await stage.make.member(other), other))
    session = stage.make.session
    ids = {"first": bid.id, "second": second.id, "organization": stage.sme.id}
    add = text(
        "INSERT INTO bid_member (id, bid_id, organization_id, position, state, role_text)"
        " VALUES (gen_random_uuid(), :second, :organization, 1, 'confirmed', '')"
    )
    with pytest.raises(IntegrityError, match="one bid of a challenge"):
        await session.execute(add, ids)
    await session.rollback()
    # Withdrawn, the first holds nobody back.
    await session.execute(text("UPDATE bid SET state = 'withdrawn' WHERE id = :first"), ids)
    await session.execute(add, ids)


async def test_of_two_bids_confirmed_at_the_same_instant_one_gets_the_partner(
    stage: Stage, browser_of: BrowserOf, process: Process
) -> None:
    browser, bid = await begun(stage, browser_of)
    other = await stage.make.organization()
    rival = await browser_of(await stage.make.member(other), other)
    second = await start(stage, rival)
    partner, person = await partner_of(stage)
    for lead, asked in ((browser, bid), (rival, second)):
        await lead.submit(f"/bids/{asked.id}/members", {"organization_id": str(partner.id)})
    actor = Actor(
        person_id=person.id,
        name=person.name,
        organization_id=partner.id,
        organization_name=partner.name,
        organization_role="owner",
        organization_verified=True,
    )

    async def confirm(asked: Bid) -> bool:
        try:
            async with process.transaction() as session:
                await service.answer_invitation(session, actor, asked.id, accept=True)
                await asyncio.sleep(0.2)
        except ConflictError:
            return False
        return True

    assert sorted(await asyncio.gather(confirm(bid), confirm(second))) == [False, True]


async def test_the_sealed_content_tells_everything_of_the_draft_back(
    stage: Stage, browser_of: BrowserOf
) -> None:
    _browser, bid = await begun(stage, browser_of)
    await refreshed(stage, bid)
    content = replace(content_of(bid), unparsed={"steps-0-to_month": "年底"}, team="备注")
    await seal_content(stage.make.session, bid, content)
    await stage.make.session.commit()
    stage.make.session.expire_all()
    assert content_of(await refreshed(stage, bid)) == content
