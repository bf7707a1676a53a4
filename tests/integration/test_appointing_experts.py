"""Experts are registered, found, and proposed for panels; nobody is seated against a conflict, by any way."""

import pytest
from sqlalchemy import select

from challenges.experts.models import Expert
from challenges.models import (
    Review,
)
from challenges.reviews import panels, queries
from challenges.reviews.assignment import MOST_OPEN
from challenges.reviews.conflicts import ConflictKind
from core.accounts.models import Person, PersonRole, PlatformRole
from core.clock import shanghai_today
from core.errors import InvalidError
from core.mail import MailMessage
from tests.conftest import BrowserOf
from tests.factories import Factory
from tests.integration.reviewing import make_expert, prepared_review
from tests.integration.ties import TIES, Tie, name_of

FIELDS = {
    "name": "周教授",
    "email": "zhou@donghai.example",
    "employer": "东海大学",
    "title": "教授",
    "fields": "0401",
    "strengths": "高温合金",
    "past_employers": "北方研究院，2019",
}


async def test_an_officer_registers_an_expert_who_gets_a_link_by_mail(
    make: Factory, browser_of: BrowserOf
) -> None:
    browser = await browser_of(await make.officer())
    answer = await browser.submit("/experts/new", FIELDS)
    assert answer.status_code == 303, answer.text
    expert = (await make.session.scalars(select(Expert))).one()
    person = await make.session.get_one(Person, expert.person_id)
    assert person.email == FIELDS["email"]
    roles = set(await make.session.scalars(select(PersonRole.role).where(PersonRole.person_id == person.id)))
    assert roles == {PlatformRole.REVIEWER}
    mail = (await make.session.scalars(select(MailMessage))).one()
    assert mail.recipient == FIELDS["email"]
    assert "周教授" in (await browser.get("/experts?q=高温")).text
    assert "周教授" not in (await browser.get("/experts?q=酸奶")).text
    assert "北方研究院，2019" in (await browser.get(f"/experts/{expert.id}")).text


async def test_an_account_that_is_there_becomes_a_reviewer_and_nobody_stands_in_the_base_twice(
    make: Factory, browser_of: BrowserOf
) -> None:
    person = await make.person(email="zhou@donghai.example")
    browser = await browser_of(await make.administrator())
    assert (await browser.submit("/experts/new", FIELDS)).status_code == 303
    again = await browser.submit("/experts/new", FIELDS)
    assert again.status_code == 422
    assert "北方研究院，2019" in again.text
    expert = (await make.session.scalars(select(Expert))).one()
    assert expert.person_id == person.id


async def test_what_cannot_be_read_of_earlier_employers_is_told_and_kept(
    make: Factory, browser_of: BrowserOf
) -> None:
    browser = await browser_of(await make.officer())
    for wrong in ("北方研究院", "北方研究院，2099", "北方研究院，1900"):
        answer = await browser.submit("/experts/new", {**FIELDS, "past_employers": wrong})
        assert answer.status_code == 422
        assert wrong in answer.text


async def test_others_do_not_look_into_the_expert_base(make: Factory, browser_of: BrowserOf) -> None:
    organization = await make.organization()
    browser = await browser_of(await make.member(organization), organization)
    assert (await browser.get("/experts")).status_code == 403
    assert (await browser.submit("/experts/new", FIELDS)).status_code == 403


async def test_two_who_change_an_expert_do_not_overwrite_each_other(
    make: Factory, browser_of: BrowserOf
) -> None:
    expert = await make_expert(make)
    browser = await browser_of(await make.officer())
    typed = {**FIELDS, "revision": "1", "employer": "新单位"}
    assert (await browser.submit(f"/experts/{expert.id}", typed)).status_code == 303
    assert (await browser.submit(f"/experts/{expert.id}", typed)).status_code == 409
    await make.session.refresh(expert)
    assert expert.organization_name == "新单位"


async def test_who_is_not_active_is_appointed_to_no_new_panel(make: Factory, browser_of: BrowserOf) -> None:
    stage, review = await prepared_review(make)
    expert = await make_expert(make)
    browser = await browser_of(stage.officer)
    answer = await browser.submit(f"/experts/{expert.id}/activity", {"active": "0"})
    assert answer.status_code == 303
    with pytest.raises(InvalidError):
        await panels.seat_expert(make.session, stage.officer_actor, review.id, expert.id)


@pytest.mark.parametrize(
    ("kind", "tie"), [(kind, tie) for kind, ties in TIES.items() for tie in ties], ids=name_of
)
async def test_nobody_is_appointed_against_a_conflict(make: Factory, kind: ConflictKind, tie: Tie) -> None:
    stage, review = await prepared_review(make, heads=1)
    expert = await tie(make, stage)
    (found,) = await panels.prospects_of(make.session, await _read(make, review))
    assert kind in {item.kind for item in found.conflicts}
    proposal = await panels.propose(make.session, stage.officer_actor, review.id)
    assert proposal.chosen[str(review.id)] == ()
    assert proposal.missing[str(review.id)] == 1
    with pytest.raises(InvalidError):
        await panels.seat_expert(make.session, stage.officer_actor, review.id, expert.id)


async def test_who_left_longer_ago_than_five_years_may_be_appointed(make: Factory) -> None:
    stage, review = await prepared_review(make, heads=1)
    expert = await make_expert(make, past=((stage.bidders[1], shanghai_today().year - 6),))
    proposal = await panels.propose(make.session, stage.officer_actor, review.id)
    assert proposal.chosen[str(review.id)] == (str(expert.id),)


async def _read(make: Factory, review: Review) -> Review:
    found = await queries.review_by_id(make.session, review.id)
    assert found is not None
    return found


async def test_a_whole_round_is_filled_as_one_question_within_everybodys_room(make: Factory) -> None:
    stage, first = await prepared_review(make, heads=2)
    other, _unused = await prepared_review(make, heads=1)
    assert other.program.id != stage.program.id
    assert stage.challenge.round_id is not None
    for _number in range(3):
        await make_expert(make, f"第{_number}大学")
    proposal = await panels.propose_for_round(make.session, stage.officer_actor, stage.challenge.round_id)
    # Reviews of other programs are left alone.
    assert set(proposal.chosen) == {str(first.id)}
    assert len(proposal.chosen[str(first.id)]) == 2


async def test_who_sits_on_enough_panels_gets_no_more(make: Factory) -> None:
    expert = await make_expert(make)
    for _number in range(MOST_OPEN):
        stage, review = await prepared_review(make, heads=1)
        await panels.seat_expert(make.session, stage.officer_actor, review.id, expert.id)
        await make.session.commit()
    stage, review = await prepared_review(make, heads=1)
    with pytest.raises(InvalidError):
        await panels.seat_expert(make.session, stage.officer_actor, review.id, expert.id)
    proposal = await panels.propose(make.session, stage.officer_actor, review.id)
    assert proposal.missing[str(review.id)] == 1


async def test_the_better_fit_is_proposed(make: Factory) -> None:
    stage, review = await prepared_review(make, heads=1)
    await make_expert(make, "甲大学", fields=["0901"], strengths="发酵乳")
    fitting = await make_expert(make, "乙大学", fields=["0401"], strengths="单晶涡轮叶片铸造")
    proposal = await panels.propose(make.session, stage.officer_actor, review.id)
    assert proposal.chosen[str(review.id)] == (str(fitting.id),)
