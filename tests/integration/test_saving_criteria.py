"""What a program's reviewers score: saved whole, or not at all with a message at the field."""

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from challenges.models import Program, ReviewCriterion
from challenges.reviews.criteria import MOST
from core.audit import AuditEntry
from tests.conftest import Browser, BrowserOf
from tests.factories import Factory

VALID = {"name": "技术路线", "description": "可行性", "weight": "40", "max_points": "20"}


def fields(*lines: dict[str, str]) -> dict[str, str]:
    return {f"lines-{place}-{name}": text for place, line in enumerate(lines) for name, text in line.items()}


async def start(make: Factory, browser_of: BrowserOf) -> tuple[Browser, Program]:
    officer = await make.officer()
    return await browser_of(officer), await make.program(officer, needs_review=True)


async def saved(make: Factory, program: Program) -> list[tuple[Any, ...]]:
    found = await make.session.scalars(
        select(ReviewCriterion)
        .where(ReviewCriterion.program_id == program.id)
        .order_by(ReviewCriterion.position)
        .execution_options(populate_existing=True)
    )
    return [(item.name, item.description, item.weight, item.max_points) for item in found]


async def test_criteria_are_saved_in_their_order_and_replace_those_before(
    make: Factory, browser_of: BrowserOf
) -> None:
    browser, program = await start(make, browser_of)
    path = f"/programs/{program.id}/criteria"
    # Lines without a name are left out; the highest points are ten unless something is said.
    answer = await browser.submit(
        path,
        fields(VALID, {"name": "", "weight": ""}, {"name": " 团队 ", "weight": "0.01", "max_points": ""}),
    )
    assert answer.status_code == 303, answer.text
    assert await saved(make, program) == [
        ("技术路线", "可行性", Decimal("40.00"), 20),
        ("团队", "", Decimal("0.01"), 10),
    ]
    assert (
        await browser.submit(path, fields({"name": "契合度", "weight": "1000", "max_points": "100"}))
    ).status_code == 303
    assert await saved(make, program) == [("契合度", "", Decimal("1000.00"), 100)]
    entries = await make.session.scalars(
        select(AuditEntry).where(AuditEntry.action == "program.criteria_saved").order_by(AuditEntry.number)
    )
    assert [item.changes["criteria"] for item in entries] == [
        [["技术路线", "40", 20], ["团队", "0.01", 10]],
        [["契合度", "1000", 100]],
    ]
    assert "契合度" in (await browser.get(path)).text


@pytest.mark.parametrize(
    ("field", "text"),
    [
        *(("weight", text) for text in ("", "0", "-1", "0.001", "1000.01", "NaN", "Infinity", "四十", "1e9")),
        *(("max_points", text) for text in ("0", "-5", "101", "10.5", "NaN", "十", "9" * 30)),
        ("name", "长" * 101),
        ("description", "长" * 501),
    ],
)
async def test_a_wrong_cell_is_told_at_its_field_and_nothing_is_saved(
    make: Factory, browser_of: BrowserOf, field: str, text: str
) -> None:
    browser, program = await start(make, browser_of)
    path = f"/programs/{program.id}/criteria"
    assert (await browser.submit(path, fields(VALID))).status_code == 303
    answer = await browser.submit(path, fields({**VALID, "name": "新的"}, {**VALID, field: text}))
    assert answer.status_code == 422
    assert f'id="lines-1-{field}-error"' in answer.text
    assert f'id="lines-0-{field}-error"' not in answer.text
    assert [item[0] for item in await saved(make, program)] == ["技术路线"]


@pytest.mark.parametrize(
    "lines",
    [
        (),
        ({"name": "  ", "weight": "10"},),
        (VALID, VALID),
        tuple({**VALID, "name": f"准则{number}"} for number in range(MOST + 1)),
    ],
    ids=["none", "without a name", "the same twice", "too many"],
)
async def test_criteria_that_do_not_go_together_are_refused(
    make: Factory, browser_of: BrowserOf, lines: tuple[dict[str, str], ...]
) -> None:
    browser, program = await start(make, browser_of)
    path = f"/programs/{program.id}/criteria"
    assert (await browser.submit(path, fields({**VALID, "name": "原有"}))).status_code == 303
    answer = await browser.submit(path, fields(*lines))
    assert answer.status_code == 422
    assert [item[0] for item in await saved(make, program)] == ["原有"]


async def test_officers_of_other_programs_and_everybody_else_change_none(
    make: Factory, browser_of: BrowserOf
) -> None:
    _browser, program = await start(make, browser_of)
    organization = await make.organization()
    for person, acting, status in (
        (await make.officer(), None, 404),
        (await make.administrator(), None, 403),
        (await make.member(organization), organization, 403),
    ):
        browser = await browser_of(person, acting)
        answer = await browser.submit(f"/programs/{program.id}/criteria", fields(VALID))
        assert answer.status_code == status
    assert await saved(make, program) == []
