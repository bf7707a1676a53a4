"""Importing experts from a file: all of its lines, or none where one of them is wrong."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from challenges.experts import queries
from challenges.experts.forms import ExpertForm, data_of, typed_past
from challenges.experts.models import Expert
from challenges.experts.service import register_expert, require_manager, save_expert
from core.accounts.models import Person
from core.accounts.queries import people_by_email
from core.actor import Actor
from core.errors import DomainError, InvalidError
from core.i18n import gettext
from core.settings import Settings
from core.table_files import Failure, Outcome, Report, Row, split_cell
from solvers.fields import find_subfields
from solvers.organizations.models import Organization

COLUMNS: dict[str, tuple[str, ...]] = {
    "name": ("姓名", "专家姓名"),
    "email": ("电子邮箱", "邮箱", "电子邮件", "E-mail"),
    "employer": ("工作单位", "所在单位", "单位"),
    "title": ("职称", "专业技术职称", "Professional title"),
    "is_enterprise": ("企业专家", "是否企业专家", "Enterprise expert"),
    "fields": ("技术领域", "Technology fields"),
    "strengths": ("专长", "擅长领域", "研究方向"),
    "past_employers": ("曾任职单位", "曾任职单位及离职年份", "Earlier employers"),
}
REQUIRED = ("name", "email", "employer")
# Everything is one transaction, during which nobody else writes to the audit log: a few seconds at this many lines.
MOST_LINES = 500
MOST_BYTES = 2 * 2**20
MOST_UNPACKED_BYTES = 32 * 2**20
YES = frozenset({"是", "yes", "y", "true", "1", "√", "✓"})
NO = frozenset({"", "否", "no", "n", "false", "0", "×"})


@dataclass(frozen=True)
class Options:
    """What whoever imports has decided about lines that name somebody already known."""

    # Experts of the base get the facts of the file; otherwise they are left as they are.
    change_known: bool = False
    # Two of the same name and employer are two people.
    namesakes: bool = False


@dataclass(frozen=True)
class ImportedLine:
    line: int
    name: str
    expert: Expert
    outcome: Outcome


@dataclass
class ExpertReport(Report):
    """`lines` is empty where anything failed, because nothing was written then."""

    lines: list[ImportedLine] = field(default_factory=list)

    def fail(self, line: int, column: str, reason: Any) -> None:
        self.failures.append(Failure(line, column, str(reason)))
        self.outcomes[Outcome.FAILED] = len({failure.line for failure in self.failures})


@dataclass
class _Line:
    row: Row
    values: dict[str, Any]
    form: ExpertForm
    person: Person | None = None
    expert: Expert | None = None

    @property
    def email(self) -> str:
        return self.values.get("email", "")

    @property
    def namesake_key(self) -> tuple[str, str]:
        return _plain(self.form.name.data), _plain(self.form.employer.data)


async def import_experts(
    session: AsyncSession,
    actor: Actor,
    settings: Settings,
    rows: Sequence[Row],
    *,
    file_name: str,
    options: Options,
) -> ExpertReport:
    """Register everybody in the file, with an entry of the audit log each; where a line is wrong, write nothing."""
    require_manager(actor)
    report = ExpertReport()
    lines = await _read(session, rows, report)
    _find_repetitions(lines, report)
    await _find_namesakes(session, lines, report, options)
    if report.failures:
        report.failures.sort(key=lambda failure: failure.line)
        return report
    try:
        async with session.begin_nested():
            for line in lines:
                origin = {"file": file_name[:200], "line": line.row.line}
                report.lines.append(await _write(session, actor, settings, line, options, origin))
    except IntegrityError:
        report.lines.clear()
        report.fail(
            1, "", gettext("Somebody has registered one of these people meanwhile. Send the file again.")
        )
    except DomainError as error:
        number = lines[len(report.lines)].row.line
        report.lines.clear()
        for column, reason in (
            error.errors if isinstance(error, InvalidError) else {"": error.message}
        ).items():
            report.fail(number, column, reason)
    report.outcomes.update(line.outcome for line in report.lines)
    return report


async def _read(session: AsyncSession, rows: Sequence[Row], report: ExpertReport) -> list[_Line]:
    """Every line with the account and the expert that it names; what is wrong with its cells goes to the report."""
    parsed = [(row, *_values(row)) for row in rows]
    people = await people_by_email(session, [values.get("email", "") for _row, values, _errors in parsed])
    experts = await queries.experts_of_people(session, [person.id for person in people.values()])
    lines = []
    for row, values, errors in parsed:
        person = people.get(values.get("email", ""))
        expert = experts.get(person.id) if person else None
        # An empty cell leaves what the base knows.
        form = ExpertForm(data={**(data_of(expert) if expert else {}), **values})
        if not form.validate():
            found: dict[Any, Any] = form.errors
            errors = {**{name: messages[0] for name, messages in found.items()}, **errors}
        if person is not None and person.is_disabled:
            errors.setdefault("email", gettext("This account is disabled."))
        if person is not None and _plain(person.name) != _plain(form.name.data):
            errors.setdefault(
                "name", gettext("The account with this address is that of %(name)s.", name=person.name)
            )
        for name, reason in errors.items():
            report.fail(row.line, name, reason)
        lines.append(_Line(row, values, form, person, expert))
    return lines


def _values(row: Row) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the filled cells of a line say, by field of the form, and what cannot be understood."""
    errors: dict[str, Any] = {}
    values: dict[str, Any] = {
        name: " ".join(row[name].split()) for name in ("name", "employer", "title") if row[name]
    }
    if row["email"]:
        values["email"] = row["email"].lower()
    if row["strengths"]:
        values["strengths"] = row["strengths"].replace("\r\n", "\n")
    answer = row["is_enterprise"].lower()
    if answer not in YES | NO:
        errors["is_enterprise"] = gettext("“%(text)s” is neither yes nor no.", text=row["is_enterprise"])
    elif answer:
        values["is_enterprise"] = answer in YES
    codes, unknown = find_subfields(row["fields"])
    if unknown:
        errors["fields"] = gettext("“%(text)s” is no technology field.", text=unknown[0])
    elif codes:
        values["fields"] = codes
    past = []
    # Not at commas, which stand between a name and its year.
    for text in split_cell(row["past_employers"], separators=r"[;；\n]"):
        try:
            past.append(typed_past(text))
        except ValueError as error:
            errors["past_employers"] = str(error)
    if past:
        values["past_employers"] = past
    return values, errors


def _find_repetitions(lines: Sequence[_Line], report: ExpertReport) -> None:
    first: dict[str, int] = {}
    for line in lines:
        number = first.setdefault(line.email, line.row.line)
        if line.email and number != line.row.line:
            report.fail(
                line.row.line, "email", gettext("This address stands on line %(line)s already.", line=number)
            )


async def _find_namesakes(
    session: AsyncSession, lines: Sequence[_Line], report: ExpertReport, options: Options
) -> None:
    """Somebody with another address, the same name and the same employer is most likely the same person."""
    if options.namesakes:
        return
    new = [line for line in lines if line.expert is None and all(line.namesake_key)]
    known: dict[tuple[str, str], set[str]] = {}
    for expert in await queries.experts_named(session, [line.form.name.data or "" for line in new]):
        for employer in {expert.employer, expert.organization_name}:
            known.setdefault((_plain(expert.person.name), _plain(employer)), set()).add(expert.person.email)
    first: dict[tuple[str, str], _Line] = {}
    for line in new:
        others = known.get(line.namesake_key, set()) - {line.email}
        before = first.setdefault(line.namesake_key, line)
        if others:
            reason = gettext(
                "Somebody of this name and employer stands in the base already, with the address %(email)s.",
                email=min(others),
            )
            report.fail(line.row.line, "name", reason)
        elif before.email != line.email:
            reason = gettext(
                "Somebody of this name and employer stands on line %(line)s already, with another address.",
                line=before.row.line,
            )
            report.fail(line.row.line, "name", reason)


async def _write(
    session: AsyncSession,
    actor: Actor,
    settings: Settings,
    line: _Line,
    options: Options,
    origin: dict[str, Any],
) -> ImportedLine:
    expert, name = line.expert, line.form.name.data or ""
    if expert is None:
        expert = await register_expert(session, actor, settings, line.form, origin=origin)
        return ImportedLine(line.row.line, name, expert, Outcome.CREATED)
    employer = await queries.organization_named(session, line.form.employer.data or "")
    if not _differs(expert, line.form, employer):
        return ImportedLine(line.row.line, name, expert, Outcome.UNCHANGED)
    if not options.change_known:
        return ImportedLine(line.row.line, name, expert, Outcome.KEPT)
    await save_expert(session, actor, expert.id, line.form, expert.revision, origin=origin)
    return ImportedLine(line.row.line, name, expert, Outcome.CHANGED)


def _differs(expert: Expert, form: ExpertForm, employer: Organization | None) -> bool:
    """The employer may be written as a name or as a credit code."""
    known, said = data_of(expert), dict(form.data)
    if employer is not None and employer.id == expert.organization_id:
        said["employer"] = known["employer"]
    names = ("employer", "title", "fields", "strengths", "is_enterprise")
    return any(known[name] != (said[name] or type(known[name])()) for name in names) or set(
        known["past_employers"]
    ) != set(said["past_employers"] or [])


def _plain(text: str | None) -> str:
    return "".join((text or "").split()).lower()
