from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from challenges.models import Program, QuotaRule
from challenges.programs.queries import program_by_code, rule_in_force
from core.audit import AuditEntry
from core.clock import shanghai_today
from solvers.models import SizeClass
from tests.conftest import BrowserOf
from tests.factories import Factory

FIELDS: dict[str, Any] = {
    "code": "new-program",
    "name": "新设专项",
    "authority": "省科学技术厅",
    "description": "说明",
    "min_bid_days": "20",
    "notice_days": "5",
    "question_days": "5",
    "completion_days": "5",
    "panel_size": "5",
    "min_enterprise_expert_share": "0",
    "review_days": "15",
    "max_winners": "1",
    "answer_days": "10",
    "contract_days": "30",
    "clock_factor": "1",
    "is_open": "y",
    "bidder_kinds": ["enterprise", "university"],
}


async def test_an_officer_sets_up_a_program_and_is_in_charge_of_it(
    make: Factory, browser_of: BrowserOf
) -> None:
    officer, colleague = await make.officer(), await make.officer()
    stranger = await make.person()
    browser = await browser_of(officer)
    refused = await browser.submit("/programs/new", {**FIELDS, "officers": [str(stranger.id)]})
    assert refused.status_code == 422
    answer = await browser.submit("/programs/new", {**FIELDS, "officers": [str(colleague.id)]})
    assert answer.status_code == 303
    program = await program_by_code(make.session, "new-program")
    assert program is not None
    assert {item.person_id for item in program.officers} == {officer.id, colleague.id}
    assert program.bidder_kinds == ["enterprise", "university"]
    page = await (await browser_of()).get(answer.headers["location"])
    assert "新设专项" in page.text


async def test_a_code_is_given_once(make: Factory, browser_of: BrowserOf) -> None:
    await make.program(code="new-program")
    browser = await browser_of(await make.officer())
    answer = await browser.submit("/programs/new", FIELDS)
    assert answer.status_code == 422
    assert 'id="code-error"' in answer.text
    assert "新设专项" in answer.text


async def test_only_the_programs_own_officers_change_it(make: Factory, browser_of: BrowserOf) -> None:
    officer = await make.officer()
    program = await make.program(officer)
    other = await browser_of(await make.officer())
    poster = await make.organization(size=SizeClass.LARGE)
    member = await browser_of(await make.member(poster), poster)
    for path in ("edit", "rounds/new", "rules/new", f"rounds/{program.rounds[0].id}/edit"):
        for browser in (other, member):
            assert (await browser.get(f"/programs/{program.id}/{path}")).status_code == 403
            assert (await browser.submit(f"/programs/{program.id}/{path}", FIELDS)).status_code == 403
        assert (await (await browser_of()).get(f"/programs/{program.id}/{path}")).status_code == 401
        own = await browser_of(officer)
        assert (await own.get(f"/programs/{program.id}/{path}")).status_code == 200
    assert (await member.get("/programs/new")).status_code == 403


async def test_a_change_is_recorded_and_somebody_stays_in_charge(
    make: Factory, browser_of: BrowserOf
) -> None:
    officer = await make.officer()
    program = await make.program(officer, code="kept", name="旧名")
    browser = await browser_of(officer)
    path = f"/programs/{program.id}/edit"
    assert (await browser.submit(path, {**FIELDS, "code": "kept"})).status_code == 422
    answer = await browser.submit(path, {**FIELDS, "code": "kept", "officers": [str(officer.id)]})
    assert answer.status_code == 303
    entry = await make.session.scalar(select(AuditEntry).where(AuditEntry.action == "program.changed"))
    assert entry is not None
    assert entry.changes["name"] == ["旧名", "新设专项"]
    assert "officers" not in entry.changes


async def test_rounds_have_a_calendar_in_order_and_one_name_each(
    make: Factory, browser_of: BrowserOf
) -> None:
    officer = await make.officer()
    program = await make.program(officer)
    browser = await browser_of(officer)
    path = f"/programs/{program.id}/rounds/new"
    fields = {"name": "第二批", "opens_on": "2027-03-01", "closes_on": "2027-03-31"}
    assert (await browser.submit(path, {**fields, "closes_on": "2027-02-01"})).status_code == 422
    assert (await browser.submit(path, {**fields, "name": "第一批"})).status_code == 422
    assert (await browser.submit(path, fields)).status_code == 303
    edit = f"/programs/{program.id}/rounds/{program.rounds[0].id}/edit"
    assert (await browser.submit(edit, fields)).status_code == 422
    assert (await browser.submit(edit, {**fields, "name": "首批"})).status_code == 303
    page = (await browser.get(f"/programs/{program.id}")).text
    assert "首批" in page
    assert "第二批" in page


def rule_fields(**changes: str) -> dict[str, str]:
    return {
        "effective_on": shanghai_today().isoformat(),
        "applies_to": "all",
        "min_sme_budget_share": "40",
        "min_small_micro_share_of_sme": "",
        "min_sme_members": "",
        "min_sme_member_share": "",
        "max_members": "5",
        "note": "",
        **changes,
    }


async def test_a_new_version_of_the_rule_is_added_and_the_old_one_stays(
    make: Factory, browser_of: BrowserOf
) -> None:
    officer = await make.officer()
    program = await make.program(officer)
    browser = await browser_of(officer)
    answer = await browser.submit(
        f"/programs/{program.id}/rules/new", rule_fields(min_sme_budget_share="33.5")
    )
    assert answer.status_code == 303
    rules = (
        await make.session.scalars(
            select(QuotaRule).where(QuotaRule.program_id == program.id).order_by(QuotaRule.version)
        )
    ).all()
    assert [(rule.version, rule.min_sme_budget_share) for rule in rules] == [
        (1, Decimal("0.3000")),
        (2, Decimal("0.3350")),
    ]
    comparison = await (await browser_of()).get(f"/programs/{program.id}/rules?first=1&second=2")
    assert "30%" in comparison.text
    assert "33.5%" in comparison.text


async def test_a_rule_is_refused_that_reaches_back_demands_nothing_or_contradicts_itself(
    make: Factory, browser_of: BrowserOf
) -> None:
    officer = await make.officer()
    program = await make.program(officer)
    browser = await browser_of(officer)
    yesterday = (shanghai_today() - timedelta(days=1)).isoformat()
    for changes in (
        {"effective_on": yesterday},
        {"effective_on": ""},
        {"min_sme_budget_share": "", "max_members": ""},
        {"min_sme_budget_share": "101"},
        {"max_members": "0"},
        {"min_sme_budget_share": "", "min_small_micro_share_of_sme": "60"},
        {"applies_to": "nobody"},
    ):
        answer = await browser.submit(f"/programs/{program.id}/rules/new", rule_fields(**changes))
        assert answer.status_code == 422, changes
    assert len((await make.session.scalars(select(QuotaRule))).all()) == 1


async def add_versions(make: Factory, program: Program, *days: date) -> None:
    make.session.add_all(
        QuotaRule(program_id=program.id, version=number, effective_on=day, max_members=number)
        for number, day in enumerate(days, start=2)
    )
    await make.session.commit()


async def test_the_rule_in_force_is_the_one_effective_last_by_that_day(make: Factory) -> None:
    program = await make.program(rule={"effective_on": date(2025, 1, 1), "max_members": 1})
    # Version 2 begins later than version 3; versions 3 and 4 begin on one day.
    await add_versions(make, program, date(2027, 1, 1), date(2026, 1, 1), date(2026, 1, 1))
    expected = {
        date(2024, 12, 31): None,
        date(2025, 1, 1): 1,
        date(2025, 12, 31): 1,
        date(2026, 1, 1): 4,
        date(2026, 12, 31): 4,
        date(2027, 1, 1): 2,
    }
    for day, version in expected.items():
        rule = await rule_in_force(make.session, program.id, day)
        assert (rule.version if rule else None) == version, day


async def test_programs_are_read_by_everybody(make: Factory, browser_of: BrowserOf) -> None:
    program = await make.program(await make.officer(), name="公开专项")
    browser = await browser_of()
    for path in ("/programs", f"/programs/{program.id}", f"/programs/{program.id}/rules"):
        page = await browser.get(path)
        assert page.status_code == 200
        assert "公开专项" in page.text
    assert (await browser.get("/programs/00000000-0000-0000-0000-000000000000")).status_code == 404
