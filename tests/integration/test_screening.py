from datetime import timedelta

import pytest
from sqlalchemy import select

from challenges.models import Challenge, ChallengeState, MatchRun, Program
from challenges.postings.states import move
from core.accounts.models import Person, PlatformRole
from core.actor import Actor
from core.audit import AuditEntry
from core.clock import shanghai_today, utc_now
from core.errors import InvalidError
from solvers.models import MembershipRole, Organization, SizeClass
from tests.conftest import BrowserOf
from tests.factories import Factory
from tests.told import told


class Setting:
    poster: Organization
    owner: Person
    officer: Person
    program: Program
    challenge: Challenge


@pytest.fixture
async def setting(make: Factory) -> Setting:
    """A challenge that waits for screening."""
    made = Setting()
    made.poster = await make.organization(size=SizeClass.LARGE)
    made.owner = await make.member(made.poster)
    made.officer = await make.officer()
    made.program = await make.program(made.officer)
    made.challenge = await make.challenge(
        made.poster, made.program, state=ChallengeState.SUBMITTED, submitted_at=utc_now()
    )
    return made


async def state_of(make: Factory, challenge: Challenge) -> ChallengeState:
    await make.session.refresh(challenge)
    state = challenge.state
    await make.session.commit()
    return state


def poster_actor(setting: Setting, role: MembershipRole = MembershipRole.OWNER) -> Actor:
    return Actor(
        person_id=setting.owner.id,
        organization_id=setting.poster.id,
        organization_role=role.value,
        organization_verified=True,
    )


def officer_actor(person: Person) -> Actor:
    return Actor(person_id=person.id, roles=frozenset({PlatformRole.OFFICER}))


async def test_an_officer_publishes_and_matching_is_queued_and_the_poster_told(
    make: Factory, setting: Setting, browser_of: BrowserOf
) -> None:
    browser = await browser_of(setting.officer)
    assert setting.challenge.title in (await browser.get("/officer")).text
    answer = await browser.submit(f"/challenges/{setting.challenge.id}/publish")
    assert answer.status_code == 303
    assert await state_of(make, setting.challenge) is ChallengeState.PUBLISHED
    assert setting.challenge.published_at is not None
    assert setting.challenge.index_revision > 0
    assert setting.challenge.tokens
    runs = await make.session.scalars(select(MatchRun.challenge_id))
    assert list(runs) == [setting.challenge.id]
    assert await told(make.session) == [(setting.owner.email, "challenge.published")]
    assert (await (await browser_of()).get(f"/challenges/{setting.challenge.id}")).status_code == 200


async def test_nobody_but_officers_of_the_program_screens(
    make: Factory, setting: Setting, browser_of: BrowserOf
) -> None:
    path = f"/challenges/{setting.challenge.id}"
    other_officer = await browser_of(await make.officer())
    owner = await browser_of(setting.owner, setting.poster)
    for step in ("publish", "return"):
        assert (await other_officer.submit(f"{path}/{step}", {"note": "x"})).status_code == 404
        assert (await owner.submit(f"{path}/{step}", {"note": "x"})).status_code == 403
        assert (await (await browser_of()).submit(f"{path}/{step}", {"note": "x"})).status_code == 401
    assert setting.challenge.title not in (await other_officer.get("/officer")).text
    assert await state_of(make, setting.challenge) is ChallengeState.SUBMITTED


async def test_a_deadline_that_is_too_near_keeps_a_challenge_from_the_list(
    make: Factory, setting: Setting, browser_of: BrowserOf
) -> None:
    setting.challenge.deadline_at = utc_now() + timedelta(days=setting.program.min_bid_days - 1)
    await make.session.commit()
    browser = await browser_of(setting.officer)
    answer = await browser.submit(f"/challenges/{setting.challenge.id}/publish")
    assert answer.status_code == 422
    assert str(setting.program.min_bid_days) in answer.text
    assert await state_of(make, setting.challenge) is ChallengeState.SUBMITTED
    assert (await make.session.scalars(select(MatchRun))).all() == []


async def test_a_program_without_a_rule_in_force_publishes_nothing(
    make: Factory, setting: Setting, browser_of: BrowserOf
) -> None:
    tomorrow = shanghai_today() + timedelta(days=1)
    program = await make.program(setting.officer, rule={"effective_on": tomorrow, "max_members": 5})
    challenge = await make.challenge(
        setting.poster, program, state=ChallengeState.SUBMITTED, submitted_at=utc_now()
    )
    browser = await browser_of(setting.officer)
    assert (await browser.submit(f"/challenges/{challenge.id}/publish")).status_code == 422
    assert await state_of(make, challenge) is ChallengeState.SUBMITTED


async def test_a_return_needs_comments_which_the_poster_reads_and_may_act_on(
    make: Factory, setting: Setting, browser_of: BrowserOf
) -> None:
    path = f"/challenges/{setting.challenge.id}"
    browser = await browser_of(setting.officer)
    assert (await browser.submit(path + "/return", {"note": "  "})).status_code == 422
    assert await state_of(make, setting.challenge) is ChallengeState.SUBMITTED
    assert (await browser.submit(path + "/return", {"note": "指标不可考核"})).status_code == 303
    assert await state_of(make, setting.challenge) is ChallengeState.RETURNED
    owner = await browser_of(setting.owner, setting.poster)
    assert "指标不可考核" in (await owner.get(path + "/edit")).text
    assert "指标不可考核" in (await owner.get("/")).text
    assert await told(make.session) == [(setting.owner.email, "challenge.returned")]
    assert "指标不可考核" in (await owner.get("/notifications")).text


@pytest.mark.parametrize("who", ["owner", "officer"])
async def test_poster_and_officer_withdraw_with_a_reason(
    make: Factory, setting: Setting, browser_of: BrowserOf, who: str
) -> None:
    challenge = await make.challenge(setting.poster, setting.program)
    path = f"/challenges/{challenge.id}/withdraw"
    browser = (
        await browser_of(setting.owner, setting.poster)
        if who == "owner"
        else await browser_of(setting.officer)
    )
    assert (await browser.submit(path, {"note": ""})).status_code == 422
    assert (await browser.submit(path, {"note": "需求已变化"})).status_code == 303
    assert await state_of(make, challenge) is ChallengeState.WITHDRAWN
    # Withdrawn after publication: the list tells why.
    assert "需求已变化" in (await (await browser_of()).get(f"/challenges/{challenge.id}")).text


async def test_strangers_and_viewers_withdraw_nothing(
    make: Factory, setting: Setting, browser_of: BrowserOf
) -> None:
    challenge = await make.challenge(setting.poster, setting.program)
    viewer = await make.member(setting.poster, MembershipRole.VIEWER)
    solver = await make.organization()
    for browser in (
        await browser_of(viewer, setting.poster),
        await browser_of(await make.member(solver), solver),
        await browser_of(await make.officer()),
    ):
        answer = await browser.submit(f"/challenges/{challenge.id}/withdraw", {"note": "x"})
        assert answer.status_code == 403
    assert await state_of(make, challenge) is ChallengeState.PUBLISHED


async def test_a_closed_challenge_may_end_without_an_award_by_an_officer_alone(
    make: Factory, setting: Setting, browser_of: BrowserOf
) -> None:
    challenge = await make.challenge(
        setting.poster,
        setting.program,
        state=ChallengeState.CLOSED,
        deadline_at=utc_now() - timedelta(days=1),
    )
    path = f"/challenges/{challenge.id}/no-award"
    owner = await browser_of(setting.owner, setting.poster)
    assert (await owner.submit(path, {"note": "无人揭榜"})).status_code == 403
    officer = await browser_of(setting.officer)
    assert (await officer.submit(path, {"note": "无人揭榜"})).status_code == 303
    assert await state_of(make, challenge) is ChallengeState.NO_AWARD


async def test_a_step_and_its_audit_entry_are_written_together(make: Factory, setting: Setting) -> None:
    officer = officer_actor(setting.officer)
    with pytest.raises(InvalidError):
        await move(make.session, officer, setting.challenge, ChallengeState.RETURNED)
    await make.session.rollback()
    await make.session.refresh(setting.challenge)
    await move(make.session, officer, setting.challenge, ChallengeState.RETURNED, note="修改指标")
    await make.session.rollback()
    assert (await make.session.scalars(select(AuditEntry))).all() == []
    await make.session.refresh(setting.challenge)
    assert setting.challenge.state is ChallengeState.SUBMITTED
    await move(make.session, officer, setting.challenge, ChallengeState.RETURNED, note="修改指标")
    await make.session.commit()
    entry = (await make.session.scalars(select(AuditEntry))).one()
    assert entry.action == "challenge.returned"
    assert entry.changes == {"state": ["submitted", "returned"], "note": "修改指标"}


async def test_the_history_is_told_to_poster_and_officer_and_to_nobody_else(
    make: Factory, setting: Setting, browser_of: BrowserOf
) -> None:
    officer = await browser_of(setting.officer)
    await officer.submit(f"/challenges/{setting.challenge.id}/publish")
    path = f"/challenges/{setting.challenge.id}"
    owner = await browser_of(setting.owner, setting.poster)
    for browser in (officer, owner):
        assert 'id="history"' in (await browser.get(path)).text
    solver = await make.organization()
    for browser in (await browser_of(), await browser_of(await make.member(solver), solver)):
        assert 'id="history"' not in (await browser.get(path)).text
