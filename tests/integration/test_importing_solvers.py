from pathlib import Path

from sqlalchemy import func, select

from core.audit import AuditEntry
from core.process import Process
from core.revisions import latest_revision_today
from core.table_files import Outcome, Report
from solvers.import_file import read_file
from solvers.imports import import_rows
from solvers.models import (
    CapabilityProfile,
    Certificate,
    EvidenceItem,
    Membership,
    MembershipRole,
    Organization,
    SizeClass,
    Verification,
)
from tests.factories import Factory, credit_code

HEADER = (
    "单位名称,统一社会信用代码,单位类型,所在地区,行业代码,从业人员,营业收入（万元）,能力简介,关键词,"
    "资质证书,证书编号,有效期起,有效期至,成果类型,成果名称,成果说明,年份\n"
)


def line(number: int, **changes: str) -> str:
    cells = {
        "name": f"杭州第{number}传感技术有限公司",
        "code": credit_code(7000 + number),
        "kind": "企业",
        "region": "杭州",
        "industry": "C4011",
        "employees": "86",
        "revenue": "2300",
        "summary": "从事微型压力传感器的设计与封装。",
        "keywords": "压力传感器；封装",
        "certificate": "高新技术企业",
        "number": f"GR20243300{number}",
        "from": "2024-11-01",
        "until": "2027-10-31",
        "evidence": "专利",
        "title": "一种耐高温压力敏感芯片",
        "text": "采用碳化硅敏感膜。",
        "year": "2024",
        **changes,
    }
    return ",".join(cells.values()) + "\n"


def further(number: int, title: str) -> str:
    return (
        f"杭州第{number}传感技术有限公司,{credit_code(7000 + number)}"
        + "," * 11
        + f",产品,{title},量程10 MPa,2025\n"
    )


class Words:
    fingerprint = "words"

    def __call__(self, text: str, /) -> list[str]:
        return text.split()


words = Words()


async def run(process: Process, tmp_path: Path, text: str, *, verified: bool = False) -> Report:
    path = tmp_path / "solvers.csv"
    path.write_text(text, encoding="utf-8")
    return await import_rows(process, read_file(path).rows, words, verified=verified)


async def count(make: Factory, model: type) -> int:
    return (await make.session.execute(select(func.count()).select_from(model))).scalar_one()


async def test_lines_become_organizations_with_certificates_profiles_and_evidence(
    make: Factory, process: Process, tmp_path: Path
) -> None:
    report = await run(process, tmp_path, HEADER + line(1) + further(1, "变送器") + line(2))
    assert report.failures == []
    assert report.outcomes == {Outcome.CREATED: 2, Outcome.CHANGED: 1}
    first = (
        await make.session.scalars(select(Organization).where(Organization.credit_code == credit_code(7001)))
    ).one()
    assert first.size_class is SizeClass.SMALL
    assert first.region_code == "3301"
    assert first.verification is Verification.PENDING
    assert await count(make, Certificate) == 2
    titles = await make.session.scalars(
        select(EvidenceItem.title)
        .join(CapabilityProfile)
        .where(CapabilityProfile.organization_id == first.id)
    )
    assert set(titles) == {"一种耐高温压力敏感芯片", "变送器"}
    profile = (
        await make.session.scalars(
            select(CapabilityProfile).where(CapabilityProfile.organization_id == first.id)
        )
    ).one()
    assert profile.tokens
    assert profile.index_revision > 0


async def test_repeating_the_import_changes_nothing(make: Factory, process: Process, tmp_path: Path) -> None:
    text = HEADER + line(1) + further(1, "变送器") + line(2)
    await run(process, tmp_path, text, verified=True)
    entries, revision = await count(make, AuditEntry), await latest_revision_today(make.session, "solvers")
    updated = set(await make.session.scalars(select(Organization.updated_at)))
    await make.session.rollback()
    report = await run(process, tmp_path, text, verified=True)
    assert report.outcomes == {Outcome.UNCHANGED: 3}
    assert await count(make, AuditEntry) == entries
    assert await latest_revision_today(make.session, "solvers") == revision
    assert set(await make.session.scalars(select(Organization.updated_at))) == updated


async def test_a_line_that_fails_leaves_nothing_and_the_others_are_kept(
    make: Factory, process: Process, tmp_path: Path
) -> None:
    wrong_code = credit_code(7002)[:-1] + ("0" if credit_code(7002)[-1] != "0" else "1")
    text = (
        HEADER
        + line(1)
        + line(2, code=wrong_code)
        + line(3, employees="许多", region="亚特兰蒂斯")
        # Facts are right, the evidence is not: the whole line fails.
        + line(4, year="1066")
        + line(5, revenue="")
        + further(9, "无主的产品")
        + line(6)
    )
    report = await run(process, tmp_path, text)
    assert report.outcomes[Outcome.CREATED] == 2
    assert {(failure.line, failure.column) for failure in report.failures} == {
        (3, "credit_code"),
        (4, "employees"),
        (4, "region"),
        (5, "year"),
        (6, "revenue_wan"),
        (7, "credit_code"),
    }
    assert all(failure.reason for failure in report.failures)
    assert await count(make, Organization) == 2
    assert await count(make, CapabilityProfile) == 2


async def test_facts_that_differ_are_taken_over_and_verified_ones_go_back_to_the_queue(
    make: Factory, process: Process, tmp_path: Path
) -> None:
    await run(process, tmp_path, HEADER + line(1), verified=True)
    organization = (await make.session.scalars(select(Organization))).one()
    assert organization.verification is Verification.VERIFIED
    await make.session.rollback()
    report = await run(process, tmp_path, HEADER + line(1, employees="400"))
    assert report.outcomes == {Outcome.CHANGED: 1}
    await make.session.refresh(organization)
    assert organization.size_class is SizeClass.MEDIUM
    assert organization.verification is Verification.PENDING


async def test_an_organization_with_people_of_its_own_is_left_as_it_is(
    make: Factory, process: Process, tmp_path: Path
) -> None:
    organization = await make.organization(credit_code=credit_code(7001), name="他们自己的名字")
    person = await make.person()
    make.session.add(
        Membership(organization_id=organization.id, person_id=person.id, role=MembershipRole.OWNER)
    )
    await make.session.commit()
    report = await run(process, tmp_path, HEADER + line(1))
    assert report.outcomes == {Outcome.KEPT: 1}
    await make.session.refresh(organization)
    assert organization.name == "他们自己的名字"
    assert await count(make, CapabilityProfile) == 0


async def test_a_character_that_the_database_cannot_hold_fails_its_line_alone(
    make: Factory, process: Process, tmp_path: Path
) -> None:
    rows = read_file(_written(tmp_path, HEADER + line(1) + line(2))).rows
    rows[0].cells["legal_representative"] = "王\x00清"
    report = await import_rows(process, rows, words)
    assert report.outcomes == {Outcome.FAILED: 1, Outcome.CREATED: 1}
    assert report.failures[0].line == 2


def _written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "solvers.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_example_of_the_documentation_is_one_that_works(tmp_path: Path) -> None:
    from solvers.import_row import parse_row

    text = (Path(__file__).parents[2] / "docs" / "import.md").read_text(encoding="utf-8")
    example = text.partition("```csv\n")[2].partition("```")[0]
    rows = read_file(_written(tmp_path, example)).rows
    assert len(rows) == 2
    parsed = [parse_row(row) for row in rows]
    assert [item.facts is not None for item in parsed] == [True, False]
    assert [item.evidence.kind.value for item in parsed if item.evidence] == ["patent", "product"]


def test_every_column_is_documented() -> None:
    from solvers.import_file import COLUMNS

    text = (Path(__file__).parents[2] / "docs" / "import.md").read_text(encoding="utf-8")
    assert [
        column for column, chinese in COLUMNS.items() if f"`{column}`" not in text or chinese[0] not in text
    ] == []
