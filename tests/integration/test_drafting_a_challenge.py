import re
import uuid
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from challenges.models import Challenge, ChallengeState, Program, Requirement
from core.accounts.models import Person
from core.audit import AuditEntry
from core.clock import to_shanghai, utc_now
from solvers.models import MembershipRole, Organization, SizeClass, Verification
from tests.conftest import Browser, BrowserOf
from tests.factories import Factory
from tests.told import told


class Draft:
    """A draft of a large enterprise's owner, and the form that its page would send."""

    def __init__(self, make: Factory, browser: Browser, challenge_id: uuid.UUID) -> None:
        self.make, self.browser, self.id = make, browser, challenge_id
        self.fields: dict[str, Any] = {"revision": "1", "visibility": "public"}

    @property
    def path(self) -> str:
        return f"/challenges/{self.id}"

    async def stored(self) -> Challenge:
        challenge = await self.make.session.scalar(
            select(Challenge)
            .where(Challenge.id == self.id)
            .options(selectinload(Challenge.requirements), selectinload(Challenge.invited))
            .execution_options(populate_existing=True)
        )
        assert challenge is not None
        await self.make.session.commit()
        return challenge


class Setting:
    poster: Organization
    owner: Person
    officer: Person
    program: Program


@pytest.fixture
async def setting(make: Factory) -> Setting:
    made = Setting()
    made.poster = await make.organization(size=SizeClass.LARGE)
    made.owner = await make.member(made.poster)
    made.officer = await make.officer()
    made.program = await make.program(made.officer)
    return made


@pytest.fixture
async def draft(make: Factory, setting: Setting, browser_of: BrowserOf) -> Draft:
    browser = await browser_of(setting.owner, setting.poster)
    answer = await browser.submit("/challenges/new", {"title": "单晶叶片", "round_id": ""})
    assert answer.status_code == 303
    found = re.fullmatch(r"/challenges/([0-9a-f-]{36})/edit", answer.headers["location"])
    assert found is not None
    return Draft(make, browser, uuid.UUID(found.group(1)))


def complete(setting: Setting) -> dict[str, str]:
    """Everything that a submission needs, in the spelling of the form."""
    deadline = to_shanghai(utc_now() + timedelta(days=40)).strftime("%Y-%m-%dT17:00")
    return {
        "round_id": str(setting.program.rounds[0].id),
        "title": "单晶涡轮叶片制造",
        "subfield_code": "0401",
        "difficulty": "杂晶难以控制。",
        "indicators": "合格率不低于85%。",
        "content": "研究铸造工艺。",
        "investment_wan": "1,500",
        "reward_wan": "300",
        "time_limit_months": "18",
        "need_source": "production",
        "cooperation": "long_term",
        "conditions": "独立法人。",
        "ip_terms": "共有。",
        "benefit_terms": "按投入分配。",
        "contact_name": "王工",
        "contact_phone": "0571-88888888",
        "contact_email": "contact@example.com",
        "deadline_at": deadline,
        "visibility": "public",
        "requirements-0-text": "铸造工艺",
        "requirements-0-target": "合格率85%",
        "requirements-0-weight": "60",
        "requirements-0-budget_wan": "200",
        "requirements-1-text": "无损检测",
        "requirements-1-target": "检出率99%",
        "requirements-1-weight": "40",
        "requirements-1-budget_wan": "100",
    }


async def test_a_draft_is_begun_by_a_verified_large_enterprise_with_its_contact_filled_in(
    draft: Draft, setting: Setting
) -> None:
    challenge = await draft.stored()
    assert challenge.state is ChallengeState.DRAFT
    assert (challenge.title, challenge.contact_name) == ("单晶叶片", setting.owner.name)
    page = await draft.browser.get(draft.path + "/edit")
    assert page.status_code == 200
    assert setting.program.rounds[0].name in page.text
    # What is empty is not wrong before it is submitted.
    assert "is-invalid" not in page.text


@pytest.mark.parametrize(
    ("size", "verification", "role"),
    [
        (SizeClass.SMALL, Verification.VERIFIED, MembershipRole.OWNER),
        (SizeClass.LARGE, Verification.PENDING, MembershipRole.OWNER),
        (SizeClass.LARGE, Verification.VERIFIED, MembershipRole.VIEWER),
    ],
)
async def test_others_do_not_begin_a_draft(
    make: Factory,
    setting: Setting,
    browser_of: BrowserOf,
    size: SizeClass,
    verification: Verification,
    role: MembershipRole,
) -> None:
    organization = await make.organization(size=size, verification=verification)
    browser = await browser_of(await make.member(organization, role), organization)
    answer = await browser.submit("/challenges/new", {"title": "不应建立", "round_id": ""})
    assert answer.status_code == 403
    assert await make.session.scalar(select(Challenge).where(Challenge.title == "不应建立")) is None


async def test_a_program_may_admit_smaller_posters(make: Factory, browser_of: BrowserOf) -> None:
    await make.program(poster_sizes=["medium"])
    organization = await make.organization(size=SizeClass.MEDIUM)
    browser = await browser_of(await make.member(organization), organization)
    assert (await browser.submit("/challenges/new", {"title": "", "round_id": ""})).status_code == 303


async def test_autosave_keeps_values_and_says_when(draft: Draft) -> None:
    answer = await draft.browser.submit(
        draft.path + "/autosave",
        {
            **draft.fields,
            "title": "单晶叶片制造",
            "investment_wan": "1,200.5",
            "requirements-0-weight": "33.33",
        },
        headers={"hx-request": "true"},
    )
    assert answer.status_code == 200
    assert re.search(r"已于 \d\d:\d\d 保存", answer.text)
    assert 'value="2"' in answer.text
    challenge = await draft.stored()
    assert challenge.title == "单晶叶片制造"
    assert str(challenge.investment_wan) == "1200.50"
    assert str(challenge.requirements[0].weight) == "33.3300"
    assert challenge.revision == 2


async def test_what_cannot_be_read_is_kept_and_shown_again(draft: Draft) -> None:
    typed = {
        "investment_wan": "一千二百",
        "time_limit_months": "十八个月",
        "contact_email": "not an address",
        "title": "长" * 300,
        "requirements-0-budget_wan": "1.234",
        "requirements-0-weight": "NaN",
        "difficulty": "可以读的内容",
    }
    answer = await draft.browser.submit(draft.path + "/autosave", {**draft.fields, **typed})
    assert answer.status_code == 200
    challenge = await draft.stored()
    assert challenge.difficulty == "可以读的内容"
    assert challenge.investment_wan is None
    assert challenge.unparsed["investment_wan"] == "一千二百"
    page = (await draft.browser.get(draft.path + "/edit")).text
    for text in typed.values():
        assert text in page


async def test_a_value_that_can_be_read_again_replaces_the_text(draft: Draft) -> None:
    await draft.browser.submit(draft.path + "/autosave", {**draft.fields, "investment_wan": "很多"})
    await draft.browser.submit(
        draft.path + "/autosave", {**draft.fields, "revision": "2", "investment_wan": "90"}
    )
    challenge = await draft.stored()
    assert challenge.unparsed == {}
    assert challenge.investment_wan == 90


async def test_a_character_that_the_database_cannot_keep_does_no_harm(draft: Draft) -> None:
    answer = await draft.browser.submit(draft.path + "/autosave", {**draft.fields, "title": "标\0题"})
    assert answer.status_code == 200
    assert (await draft.stored()).title == "标题"


async def test_a_stale_tab_is_told_and_overwrites_nothing(draft: Draft) -> None:
    await draft.browser.submit(draft.path + "/autosave", {**draft.fields, "title": "第一个窗口"})
    stale = await draft.browser.submit(draft.path + "/autosave", {**draft.fields, "title": "第二个窗口"})
    assert stale.status_code == 409
    assert (await draft.stored()).title == "第一个窗口"
    # Saving by button tells too, and keeps what was typed on the page.
    page = await draft.browser.submit(draft.path + "/edit", {**draft.fields, "title": "第二个窗口"})
    assert page.status_code == 409
    assert "第二个窗口" in page.text
    assert (await draft.stored()).title == "第一个窗口"
    # Only its writer's decision replaces the other version.
    decided = await draft.browser.submit(
        draft.path + "/edit", {**draft.fields, "title": "第二个窗口", "overwrite": "2"}
    )
    assert decided.status_code == 303
    assert (await draft.stored()).title == "第二个窗口"


async def test_rows_are_added_moved_and_removed_without_losing_what_they_hold(draft: Draft) -> None:
    rows = {
        "requirements-0-text": "甲",
        "requirements-0-weight": "六十",
        "requirements-1-text": "乙",
    }
    answer = await draft.browser.submit(draft.path + "/edit", {**draft.fields, **rows, "do": "add"})
    assert answer.headers["location"].endswith("/edit#requirements")
    challenge = await draft.stored()
    assert [row.text for row in challenge.requirements] == ["甲", "乙", ""]
    ids = {f"requirements-{n}-id": str(row.id) for n, row in enumerate(challenge.requirements)}
    await draft.browser.submit(
        draft.path + "/edit", {**draft.fields, **rows, **ids, "revision": "2", "do": "down:0"}
    )
    challenge = await draft.stored()
    assert [row.text for row in challenge.requirements] == ["乙", "甲", ""]
    assert challenge.requirements[1].unparsed == {"weight": "六十"}
    assert str(challenge.requirements[1].id) == ids["requirements-0-id"]
    ids = {f"requirements-{n}-id": str(row.id) for n, row in enumerate(challenge.requirements)}
    fields = {"requirements-0-text": "乙", "requirements-1-text": "甲", "requirements-2-text": ""}
    htmx = await draft.browser.submit(
        draft.path + "/edit",
        {**draft.fields, **fields, **ids, "revision": "3", "do": "remove:0"},
        headers={"hx-request": "true"},
    )
    assert htmx.status_code == 200
    assert "<html" not in htmx.text
    assert [row.text for row in (await draft.stored()).requirements] == ["甲", ""]


async def test_a_row_of_another_challenge_cannot_be_taken_over(
    make: Factory, draft: Draft, setting: Setting
) -> None:
    other = await make.challenge(await make.organization(size=SizeClass.LARGE), setting.program)
    foreign = str(other.requirements[0].id)
    await draft.browser.submit(
        draft.path + "/autosave",
        {**draft.fields, "requirements-0-id": foreign, "requirements-0-text": "抢占"},
    )
    assert str((await draft.stored()).requirements[0].id) != foreign
    row = await make.session.get(Requirement, uuid.UUID(foreign), populate_existing=True)
    assert row is not None
    assert row.challenge_id == other.id


async def test_only_the_posters_editors_write(
    make: Factory, draft: Draft, setting: Setting, browser_of: BrowserOf
) -> None:
    viewer = await browser_of(await make.member(setting.poster, MembershipRole.VIEWER), setting.poster)
    other = await make.organization(size=SizeClass.LARGE)
    stranger = await browser_of(await make.member(other), other)
    officer = await browser_of(setting.officer)
    for path in ("/edit", "/autosave", "/submit"):
        assert (await viewer.submit(draft.path + path, draft.fields)).status_code == 403
        assert (await stranger.submit(draft.path + path, draft.fields)).status_code == 404
        assert (await officer.submit(draft.path + path, draft.fields)).status_code in {403, 404}
    assert (await viewer.get(draft.path)).status_code == 200
    for browser in (stranger, officer, await browser_of()):
        assert (await browser.get(draft.path)).status_code == 404


async def test_an_incomplete_draft_is_not_submitted_and_says_what_lacks_where(
    draft: Draft, setting: Setting
) -> None:
    fields = {**draft.fields, **complete(setting), "indicators": "", "requirements-1-weight": "30"}
    answer = await draft.browser.submit(draft.path + "/submit", fields)
    assert answer.status_code == 422
    assert 'id="indicators-error"' in answer.text
    assert "权重合计为 90，应为 100。" in answer.text
    challenge = await draft.stored()
    assert challenge.state is ChallengeState.DRAFT
    assert challenge.title == "单晶涡轮叶片制造"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"reward_wan": "299"}, "requirements"),
        ({"reward_wan": "1600"}, "reward_wan"),
        ({"deadline_at": "2020-01-01T10:00"}, "deadline_at"),
        ({"round_id": ""}, "round_id"),
        ({"requirements-0-target": ""}, "requirements-0-target"),
        ({"investment_wan": "abc"}, "investment_wan"),
        ({"visibility": "restricted"}, "visibility"),
    ],
)
async def test_each_rule_of_a_submission_is_checked(
    draft: Draft, setting: Setting, change: dict[str, str], field: str
) -> None:
    answer = await draft.browser.submit(
        draft.path + "/submit", {**draft.fields, **complete(setting), **change}
    )
    assert answer.status_code == 422
    if field != "requirements":
        assert f'id="{field}-error"' in answer.text
    assert (await draft.stored()).state is ChallengeState.DRAFT


async def test_a_complete_draft_is_submitted_and_its_officers_are_told(
    make: Factory, draft: Draft, setting: Setting
) -> None:
    answer = await draft.browser.submit(draft.path + "/submit", {**draft.fields, **complete(setting)})
    assert answer.status_code == 303
    challenge = await draft.stored()
    assert challenge.state is ChallengeState.SUBMITTED
    assert challenge.submitted_at is not None
    assert challenge.program_id == setting.program.id
    assert challenge.tokens
    assert await told(make.session) == [(setting.officer.email, "challenge.submitted")]
    entry = await make.session.scalar(select(AuditEntry).where(AuditEntry.action == "challenge.submitted"))
    assert entry is not None
    assert entry.changes["state"] == ["draft", "submitted"]
    # What is being screened stands still.
    late = await draft.browser.submit(
        draft.path + "/autosave", {**draft.fields, "revision": "2", "title": "改"}
    )
    assert late.status_code == 409
    assert (await draft.stored()).title == "单晶涡轮叶片制造"


async def test_the_deadline_is_read_as_time_in_shanghai(draft: Draft) -> None:
    await draft.browser.submit(draft.path + "/autosave", {**draft.fields, "deadline_at": "2030-01-02T03:04"})
    challenge = await draft.stored()
    assert challenge.deadline_at is not None
    assert challenge.deadline_at.isoformat() == "2030-01-01T19:04:00+00:00"


async def test_organizations_are_found_and_invited(make: Factory, draft: Draft, setting: Setting) -> None:
    invited = await make.organization(name="苏州澄芯微电子科技有限公司")
    found = await draft.browser.get(draft.path + "/invitees?invitee=澄芯", headers={"hx-request": "true"})
    assert str(invited.id) in found.text
    await draft.browser.submit(
        draft.path + "/autosave",
        {
            **draft.fields,
            "visibility": "restricted",
            "invited": [str(invited.id), str(setting.poster.id), "x"],
        },
    )
    challenge = await draft.stored()
    assert not challenge.is_public
    assert [item.organization_id for item in challenge.invited] == [invited.id]


async def test_files_are_attached_by_editors_and_fetched_by_readers(
    make: Factory, draft: Draft, browser_of: BrowserOf
) -> None:
    upload = {"file": ("图纸.pdf", b"%PDF-1.7 test", "application/pdf")}
    added = await draft.browser.submit(draft.path + "/attachments", files=upload)
    assert added.status_code == 303
    page = (await draft.browser.get(draft.path + "/edit")).text
    found = re.search(r"/attachments/[0-9a-f-]{36}", page)
    assert found is not None
    assert (await draft.browser.get(found.group())).status_code == 200
    stranger = await browser_of(await make.person())
    assert (await stranger.get(found.group())).status_code == 404
    refused = await draft.browser.submit(
        draft.path + "/attachments", files={"file": ("x.exe", b"MZ....", "application/pdf")}
    )
    assert refused.status_code == 422
    removed = await draft.browser.submit(found.group() + "/remove")
    assert removed.status_code == 303
    assert (await draft.browser.get(found.group())).status_code == 404
