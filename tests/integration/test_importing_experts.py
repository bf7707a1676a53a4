"""Experts come into the base from a file: everybody in it, or nobody where a line is wrong."""

import io
from pathlib import Path
from typing import Any

import pytest
from httpx import Response
from openpyxl import Workbook, load_workbook
from sqlalchemy import func, select

from challenges.experts.imports import COLUMNS, MOST_LINES
from challenges.experts.models import Expert, PastEmployer
from core.accounts.models import PasswordReset, Person, PersonRole, PlatformRole
from core.audit import AuditEntry
from core.mail import MailMessage
from tests.conftest import Browser, BrowserOf
from tests.factories import Factory
from tests.integration.reviewing import make_expert

TITLES = [names[0] for names in COLUMNS.values()]
ZHOU = ["周教授", "zhou@donghai.example", "东海大学", "教授", "否", "0401", "高温合金", "北方研究院，2019"]
LI = ["李工", "li@heavy.example", "华东重型装备集团", "高级工程师", "是", "0101；软件", "轴承", ""]


def csv_of(*rows: list[str], titles: list[str] = TITLES, encoding: str = "utf-8-sig") -> bytes:
    return "\n".join(",".join(cells) for cells in (titles, *rows)).encode(encoding)


def xlsx_of(*rows: list[Any]) -> bytes:
    workbook = Workbook()
    sheet = workbook.active
    assert sheet is not None
    for cells in (TITLES, *rows):
        sheet.append(cells)
    content = io.BytesIO()
    workbook.save(content)
    return content.getvalue()


async def send(browser: Browser, content: bytes, name: str = "专家.csv", **fields: str) -> Response:
    return await browser.submit("/experts/import", fields, files={"file": (name, content)})


async def count(make: Factory, model: type) -> int:
    return (await make.session.execute(select(func.count()).select_from(model))).scalar_one()


async def entries(make: Factory, action: str) -> list[AuditEntry]:
    statement = select(AuditEntry).where(AuditEntry.action == action).order_by(AuditEntry.number)
    return list(await make.session.scalars(statement))


@pytest.fixture
async def browser(make: Factory, browser_of: BrowserOf) -> Browser:
    return await browser_of(await make.officer())


@pytest.mark.parametrize(
    "content",
    [csv_of(ZHOU, LI), csv_of(ZHOU, LI, encoding="gb18030"), xlsx_of(ZHOU, LI)],
    ids=["utf-8", "gb18030", "xlsx"],
)
async def test_everybody_in_the_file_stands_in_the_base_and_gets_a_link_by_mail(
    make: Factory, browser: Browser, content: bytes
) -> None:
    employer = await make.organization(name="华东重型装备集团")
    answer = await send(browser, content)
    assert answer.status_code == 200, answer.text
    rows = await make.session.execute(
        select(Person.name, Expert).join(Expert, Expert.person_id == Person.id).order_by(Person.name)
    )
    experts = {name: expert for name, expert in rows}  # noqa: C416
    assert set(experts) == {"周教授", "李工"}
    assert (experts["李工"].is_enterprise, experts["周教授"].is_enterprise) == (True, False)
    assert experts["李工"].fields == ["0101"]
    assert experts["李工"].organization_id == employer.id
    past = (await make.session.scalars(select(PastEmployer))).one()
    assert (past.organization_name, past.until_year) == ("北方研究院", 2019)
    assert set(
        await make.session.scalars(
            select(PersonRole.role).where(
                PersonRole.person_id.in_([expert.person_id for expert in experts.values()])
            )
        )
    ) == {PlatformRole.REVIEWER}
    assert set(await make.session.scalars(select(MailMessage.recipient))) == {ZHOU[1], LI[1]}
    assert await count(make, PasswordReset) == 2
    written = await entries(make, "expert.registered")
    assert [(item.changes["file"], item.changes["line"]) for item in written] == [
        ("专家.csv", 2),
        ("专家.csv", 3),
    ]


async def test_nobody_can_log_in_before_the_link_was_used(
    make: Factory, browser: Browser, browser_of: BrowserOf
) -> None:
    await send(browser, csv_of(ZHOU))
    anonymous = await browser_of()
    for password in ("!", "", "no account has this password"):
        answer = await anonymous.submit("/login", {"email": ZHOU[1], "password": password})
        assert answer.status_code == 422


def changed(cells: list[str], **values: str) -> list[str]:
    return [values.get(column, cell) for column, cell in zip(COLUMNS, cells, strict=True)]


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("name", ""),
        ("name", "长" * 201),
        ("email", ""),
        ("email", "zhou"),
        ("employer", ""),
        ("title", "长" * 101),
        ("is_enterprise", "也许"),
        ("fields", "炼金术"),
        ("fields", "9999"),
        ("strengths", "长" * 2001),
        ("past_employers", "北方研究院"),
        ("past_employers", "北方研究院，2099"),
        ("past_employers", "；".join(f"第{number}大学，2020" for number in range(21))),
    ],
)
async def test_a_wrong_cell_is_named_with_line_and_column_and_nothing_is_written(
    make: Factory, browser: Browser, column: str, text: str
) -> None:
    answer = await send(browser, xlsx_of(LI, changed(ZHOU, **{column: text})))
    assert answer.status_code == 422
    (line,) = [part for part in answer.text.split("<tr>") if "text-danger" in part and "tabular" in part]
    assert ">3<" in line
    assert f">{COLUMNS[column][0]}<" in line
    for model in (Expert, MailMessage, PasswordReset):
        assert await count(make, model) == 0
    assert await entries(make, "expert.registered") == []


async def test_all_that_is_wrong_is_told_at_once(make: Factory, browser: Browser) -> None:
    wrong = changed(ZHOU, email="zhou", fields="炼金术")
    answer = await send(browser, xlsx_of(wrong, changed(LI, name="")))
    assert answer.status_code == 422
    assert answer.text.count('text-danger">') == 3
    assert "2 行有误" in answer.text


async def test_the_same_address_twice_in_a_file_is_recognized(make: Factory, browser: Browser) -> None:
    answer = await send(browser, csv_of(ZHOU, LI, changed(LI, email=ZHOU[1].upper(), name="赵工")))
    assert answer.status_code == 422
    assert ">4<" in answer.text
    assert await count(make, Expert) == 0


async def test_sending_a_file_again_changes_nothing(make: Factory, browser: Browser) -> None:
    await make.organization(name="华东重型装备集团")
    await send(browser, csv_of(ZHOU, LI))
    before = await count(make, AuditEntry)
    for fields in ({}, {"change_known": "1"}):
        answer = await send(browser, csv_of(ZHOU, LI), **fields)
        assert answer.status_code == 200
        assert await count(make, Expert) == 2
        assert await count(make, MailMessage) == 2
        assert await count(make, AuditEntry) == before


async def test_who_is_known_is_changed_only_where_that_is_asked_for(make: Factory, browser: Browser) -> None:
    await send(browser, csv_of(ZHOU))
    other = csv_of(changed(ZHOU, employer="南海大学", title="", past_employers=""), LI)
    assert (await send(browser, other)).status_code == 200
    known = select(Expert).join(Person, Person.id == Expert.person_id).where(Person.email == ZHOU[1])
    expert = (await make.session.scalars(known)).one()
    assert expert.organization_name == "东海大学"
    assert (await send(browser, other, change_known="1")).status_code == 200
    await make.session.refresh(expert, ["organization_name", "title", "past_employers", "revision"])
    # Empty cells leave what is known.
    assert (expert.organization_name, expert.title, expert.revision) == ("南海大学", "教授", 2)
    assert [item.organization_name for item in expert.past_employers] == ["北方研究院"]
    (saved,) = await entries(make, "expert.saved")
    assert saved.changes == {"file": "专家.csv", "line": 2}


async def test_an_account_that_is_there_becomes_an_expert_without_a_mail(
    make: Factory, browser: Browser
) -> None:
    person = await make.person(email=ZHOU[1], name="周教授")
    assert (await send(browser, csv_of(ZHOU))).status_code == 200
    assert (await make.session.scalars(select(Expert.person_id))).all() == [person.id]
    assert await count(make, MailMessage) == 0


async def test_an_address_of_somebody_else_or_of_a_disabled_account_is_refused(
    make: Factory, browser: Browser
) -> None:
    await make.person(email=ZHOU[1], name="吴教授")
    await make.person(email=LI[1], name="李工", is_disabled=True)
    answer = await send(browser, csv_of(ZHOU, LI))
    assert answer.status_code == 422
    assert "吴教授" in answer.text
    assert answer.text.count('text-danger">') == 2
    assert await count(make, Expert) == 0


async def test_a_namesake_at_the_same_employer_is_refused_unless_said_to_be_another(
    make: Factory, browser: Browser
) -> None:
    await send(browser, csv_of(ZHOU))
    twice = csv_of(changed(ZHOU, email="zhou2@donghai.example"), LI, changed(LI, email="li2@heavy.example"))
    answer = await send(browser, twice)
    assert answer.status_code == 422
    assert ZHOU[1] in answer.text
    assert answer.text.count('text-danger">') == 2
    assert await count(make, Expert) == 1
    assert (await send(browser, twice, namesakes="1")).status_code == 200
    assert await count(make, Expert) == 4


async def test_the_same_name_elsewhere_is_another_person(make: Factory, browser: Browser) -> None:
    await send(browser, csv_of(ZHOU))
    answer = await send(browser, csv_of(changed(ZHOU, email="zhou2@nanhai.example", employer="南海大学")))
    assert answer.status_code == 200
    assert await count(make, Expert) == 2


@pytest.mark.parametrize(
    "content",
    [
        b"",
        csv_of(),
        csv_of(titles=["姓名", "工作单位"]),
        csv_of(*([ZHOU] * (MOST_LINES + 1))),
        b"PK\x03\x04 no workbook",
        b"a" * (2 * 2**20 + 1),
    ],
    ids=["empty", "titles alone", "no address", "too many lines", "no workbook", "too large"],
)
async def test_a_file_that_cannot_be_used_is_refused(make: Factory, browser: Browser, content: bytes) -> None:
    answer = await send(browser, content)
    assert answer.status_code == 422
    assert "alert-danger" in answer.text
    assert await count(make, Expert) == 0


async def test_a_form_without_a_file_is_refused(browser: Browser) -> None:
    assert (await browser.submit("/experts/import", {})).status_code == 422


async def test_others_import_nobody(make: Factory, browser_of: BrowserOf) -> None:
    organization = await make.organization()
    expert = await make_expert(make)
    for person, acting in (
        (await make.member(organization), organization),
        (await make.session.get_one(Person, expert.person_id), None),
    ):
        browser = await browser_of(person, acting)
        assert (await browser.get("/experts/import")).status_code == 403
        assert (await send(browser, csv_of(ZHOU))).status_code == 403
    assert await count(make, Expert) == 1


@pytest.mark.parametrize(("locale", "title"), [("zh_CN", "姓名"), ("en", "name")])
async def test_the_template_is_one_that_can_be_sent(
    make: Factory, browser: Browser, locale: str, title: str
) -> None:
    answer = await browser.get(f"/experts/import/template/{locale}")
    assert answer.status_code == 200
    workbook = load_workbook(io.BytesIO(answer.content))
    assert len(workbook.worksheets) == 3
    sheet = workbook.worksheets[0]
    assert sheet["A1"].value == title
    assert sheet.max_row == 1
    sheet.append(ZHOU)
    filled = io.BytesIO()
    workbook.save(filled)
    assert (await send(browser, filled.getvalue(), "模板.xlsx")).status_code == 200
    assert await count(make, Expert) == 1


async def test_there_is_no_template_in_a_language_nobody_speaks_here(browser: Browser) -> None:
    assert (await browser.get("/experts/import/template/tlh")).status_code == 404


def test_every_column_is_documented() -> None:
    text = (Path(__file__).parents[2] / "docs" / "import.md").read_text(encoding="utf-8")
    _solvers, _heading, experts = text.partition("# Importing experts")
    assert [
        column for column, names in COLUMNS.items() if f"`{column}`" not in experts or names[0] not in experts
    ] == []
