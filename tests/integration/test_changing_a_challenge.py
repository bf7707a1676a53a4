"""A published challenge changes only by amendments: proposed on a form, confirmed or refused by an officer, for ever."""

import asyncio
import uuid
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from challenges.amendments import queries, service
from challenges.amendments.content import amended_content, content_of
from challenges.models import (
    Amendment,
    Requirement,
)
from challenges.postings.forms import TypedDraft, TypedRequirement
from core.accounts.models import Person
from core.actor import Actor
from core.audit import AuditEntry
from core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from core.process import Process
from solvers.models import Membership, MembershipRole
from tests.conftest import BrowserOf
from tests.integration.changing import REASON, Changing, acting, fields_of
from tests.integration.matchmaking import actor_of
from tests.told import told


async def test_a_change_proposed_on_the_page_is_in_force_once_an_officer_has_confirmed_it(
    changing: Changing, browser_of: BrowserOf
) -> None:
    stage = changing.stage
    poster = await browser_of(stage.poster_person, stage.poster)
    challenge = await changing.challenge()
    path = f"/challenges/{challenge.id}/changes"
    form = (await poster.get(f"{path}/new")).text
    assert challenge.indicators in form
    answer = await poster.submit(f"{path}/new", fields_of(challenge, indicators="合格率不低于90%。"))
    assert answer.status_code == 303, answer.text
    await changing.session.refresh(challenge)
    assert challenge.indicators == "合格率不低于85%。"
    # Until then nobody but poster and officers knows of it.
    assert "变更申请" not in (await (await browser_of()).get(path)).text
    officer = await browser_of(stage.officer)
    assert path in (await officer.get("/officer")).text
    amendment = await changing.session.scalar(select(Amendment))
    assert amendment is not None
    answer = await officer.submit(f"/amendments/{amendment.id}/confirm")
    assert answer.status_code == 303, answer.text
    await changing.session.refresh(challenge)
    assert challenge.indicators == "合格率不低于90%。"
    page = (await (await browser_of()).get(path)).text
    assert "<del>85</del><ins>90</ins>" in page
    assert REASON in page
    assert f"{path}#version-1" in (await (await browser_of()).get(f"/challenges/{challenge.id}")).text


async def test_only_the_posters_editors_propose_and_only_officers_in_charge_decide(
    changing: Changing,
) -> None:
    stage, session = changing.stage, changing.session
    content = await changing.content(later=1)
    viewer = actor_of(await changing.make.member(stage.poster, MembershipRole.VIEWER), stage.poster, "viewer")
    for actor in (viewer, changing.officer, actor_of(stage.bidder, stage.sme)):
        with pytest.raises(ForbiddenError):
            await service.propose(session, actor, changing.key, content, explanation=REASON, revision=1)
    amendment = await changing.propose(later=1)
    stranger = acting(await changing.make.officer())
    for actor in (stranger, actor_of(stage.bidder, stage.sme)):
        with pytest.raises(NotFoundError):
            await service.confirm(session, actor, amendment.id)
    with pytest.raises(ForbiddenError):
        await service.confirm(session, changing.poster, amendment.id)
    with pytest.raises(ForbiddenError):
        await service.take_back(session, changing.officer, amendment.id)
    session.add(
        Membership(organization_id=stage.poster.id, person_id=stage.officer.id, role=MembershipRole.VIEWER)
    )
    await session.commit()
    with pytest.raises(ForbiddenError):
        await service.confirm(session, changing.officer, amendment.id)
    await service.confirm(session, acting(changing.second), amendment.id)


async def test_one_change_waits_at_a_time_and_may_be_taken_back_and_proposed_again(
    changing: Changing, browser_of: BrowserOf
) -> None:
    key = (await changing.propose(title="新的题目")).id
    with pytest.raises(ConflictError):
        await changing.propose(later=1)
    await changing.session.rollback()
    await changing.session.refresh(changing.stage.poster)
    await changing.session.refresh(changing.stage.poster_person)
    poster = await browser_of(changing.stage.poster_person, changing.stage.poster)
    assert (await poster.submit(f"/amendments/{key}/take-back")).status_code == 303
    path = f"/challenges/{changing.key}/changes"
    assert "发榜方已撤回" in (await poster.get(path)).text
    again = (await poster.get(f"{path}/new?again={key}")).text
    assert "新的题目" in again
    assert REASON in again


async def test_a_refusal_takes_a_reason_which_the_poster_is_told(changing: Changing) -> None:
    amendment = await changing.propose(title="新的题目")
    with pytest.raises(InvalidError) as caught:
        await service.refuse(changing.session, changing.officer, amendment.id, note=" ")
    assert set(caught.value.errors) == {"note"}
    await service.refuse(changing.session, changing.officer, amendment.id, note="偏离榜单方向")
    challenge = await changing.challenge()
    assert challenge.title != "新的题目"
    assert await told(changing.session, "amendment.refused") == [
        (changing.stage.poster_person.email, "amendment.refused")
    ]


async def test_what_lacks_or_does_not_add_up_is_said_at_its_field_and_nothing_typed_is_lost(
    changing: Changing, browser_of: BrowserOf
) -> None:
    poster = await browser_of(changing.stage.poster_person, changing.stage.poster)
    challenge = await changing.challenge()
    path = f"/challenges/{challenge.id}/changes/new"
    typed = {"title": "只改了题目", "requirements-0-budget_wan": "250", "explanation": ""}
    answer = await poster.submit(path, fields_of(challenge, **typed))
    assert answer.status_code == 422
    assert "只改了题目" in answer.text
    answer = await poster.submit(path, fields_of(challenge, **{**typed, "explanation": REASON}))
    assert answer.status_code == 422
    assert "各指标经费合计" in answer.text
    assert 'value="250"' in answer.text
    answer = await poster.submit(path, fields_of(challenge))
    assert answer.status_code == 422
    assert "没有任何不同" in answer.text
    assert await queries.waiting_of(changing.session, challenge.id) is None


async def test_rows_are_added_moved_and_removed_without_being_stored(
    changing: Changing, browser_of: BrowserOf
) -> None:
    poster = await browser_of(changing.stage.poster_person, changing.stage.poster)
    challenge = await changing.challenge()
    path = f"/challenges/{challenge.id}/changes/new"
    page = (await poster.submit(path, fields_of(challenge, title="半成品", do="add"))).text
    assert "requirements-2-text" in page
    assert "半成品" in page
    first, second = (row.id for row in challenge.requirements)
    page = (await poster.submit(path, fields_of(challenge, do="down:0"))).text
    assert page.index(str(second)) < page.index(str(first))
    page = (await poster.submit(path, fields_of(challenge, do="remove:0"))).text
    assert str(first) not in page
    assert await queries.waiting_of(changing.session, challenge.id) is None


async def test_requirements_that_stay_keep_their_ids_and_no_foreign_id_is_taken(changing: Changing) -> None:
    challenge = await changing.challenge()
    first, second = challenge.requirements
    await changing.session.refresh(changing.stage.program, ["rounds"])
    other = await changing.make.challenge(changing.stage.poster, changing.stage.program, budgets=(10,))
    foreign = other.requirements[0].id

    def row(key: uuid.UUID, text: str, weight: int, budget_wan: int) -> TypedRequirement:
        values = {
            "text": text,
            "target": "合格",
            "weight": Decimal(weight),
            "budget_wan": Decimal(budget_wan),
        }
        return TypedRequirement(key, values, {})

    typed = TypedDraft(
        values={name: getattr(challenge, name) for name in content_of(challenge) if name != "requirements"},
        unparsed={},
        requirements=[row(second.id, "叶片热障涂层制备与评价", 60, 300), row(foreign, "装配", 40, 200)],
    )
    await changing.change(**amended_content(challenge, typed))
    changed = await changing.challenge()
    ids = [item.id for item in changed.requirements]
    assert ids[0] == second.id
    assert ids[1] not in {first.id, foreign}
    assert changed.requirements[0].text == "叶片热障涂层制备与评价"
    untouched = await changing.session.get_one(Requirement, foreign)
    assert untouched.challenge_id == other.id


async def test_of_two_officers_at_once_one_confirms_and_the_change_is_made_once(
    changing: Changing, process: Process
) -> None:
    amendment = await changing.propose(later=3)
    key, revision = amendment.id, (await changing.challenge()).revision
    await changing.session.commit()

    async def confirm(person: Person) -> bool:
        try:
            async with process.transaction() as session:
                await service.confirm(session, acting(person), key)
        except ConflictError:
            return False
        return True

    outcomes = await asyncio.gather(confirm(changing.stage.officer), confirm(changing.second))
    assert sorted(outcomes) == [False, True]
    assert (await changing.challenge()).revision == revision + 1
    entries = await changing.session.scalars(
        select(AuditEntry).where(AuditEntry.action == "amendment.confirmed")
    )
    assert len(list(entries)) == 1


async def test_confirming_and_taking_back_at_once_have_one_outcome(
    changing: Changing, process: Process
) -> None:
    amendment = await changing.propose(title="新的题目")
    key = amendment.id

    async def attempt(act: Any, actor: Actor) -> bool:
        try:
            async with process.transaction() as session:
                await act(session, actor, key)
        # Taken back, it is nothing that an officer could find; confirmed, nothing that could be taken back.
        except (ConflictError, NotFoundError):
            return False
        return True

    outcomes = await asyncio.gather(
        attempt(service.confirm, changing.officer), attempt(service.take_back, changing.poster)
    )
    assert sorted(outcomes) == [False, True]
    challenge = await changing.challenge()
    assert (challenge.title == "新的题目") is outcomes[0]


async def test_what_was_decided_stays_as_it_was(changing: Changing) -> None:
    await changing.change(later=1)
    for statement in (
        "UPDATE amendment SET explanation = '别的'",
        "UPDATE amendment SET state = 'refused', note = '不妥'",
        "DELETE FROM amendment",
        "TRUNCATE amendment CASCADE",
    ):
        savepoint = await changing.session.begin_nested()
        with pytest.raises(DBAPIError):
            await changing.session.execute(text(statement))
        await savepoint.rollback()
