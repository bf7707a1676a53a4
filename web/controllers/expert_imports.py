"""Importing experts from a file, and the template to fill in."""

import asyncio
from collections.abc import Sequence

from litestar import Controller, Response, get, post
from litestar.response import Template

from challenges.experts.imports import (
    COLUMNS,
    MOST_BYTES,
    MOST_LINES,
    MOST_UNPACKED_BYTES,
    REQUIRED,
    ExpertReport,
    Options,
    import_experts,
)
from core.errors import NotFoundError
from core.i18n import LOCALES, gettext, use_locale
from core.i18n import lazy_gettext as _
from core.table_files import Failure, Table, UnreadableFileError, column_title, read_table
from solvers.fields import SUBFIELDS
from web.dependencies import Acting, Config, DbSession, FromPath, WebRequest
from web.downloads import xlsx_response
from web.guards import Access
from web.requests import Upload, bytes_of, form_data, uploaded_file
from web.templating import render

CONTENT = {
    "name": _("As in the account, where there is one."),
    "email": _("Whoever has no account yet gets a link by mail to choose a password."),
    "employer": _("The full name or the credit code, where it is registered here."),
    "title": _("E.g. professor, senior engineer."),
    "is_enterprise": _("Yes or no; empty means no."),
    "fields": _("Names or codes of technology subfields, separated by “;”."),
    "strengths": _("What this expert knows well, at most 2000 characters."),
    "past_employers": _("Each with the last year there, e.g. “Donghai University, 2023”, separated by “;”."),
}


class ExpertImportController(Controller):
    @get("/experts/import", opt={"access": Access.STAFF})
    async def ask(self, request: WebRequest) -> Template:
        return _page(request)

    @get("/experts/import/template/{locale:str}", opt={"access": Access.STAFF})
    async def template(self, locale: FromPath[str]) -> Response[bytes]:
        if locale not in LOCALES:
            raise NotFoundError(_("There is nothing at this address."))
        return await asyncio.to_thread(_template, locale)

    @post("/experts/import", opt={"access": Access.STAFF}, status_code=200)
    async def take(
        self, request: WebRequest, session: DbSession, actor: Acting, settings: Config
    ) -> Template:
        data = await form_data(request)
        upload = await uploaded_file(request)
        options = Options(change_known=bool(data.get("change_known")), namesakes=bool(data.get("namesakes")))
        try:
            table = await _read(upload)
        except UnreadableFileError as error:
            return _page(request, status=422, options=options, error=str(error))
        report = await import_experts(
            session, actor, settings, table.rows, file_name=upload.name, options=options
        )
        if report.failures:
            cells = {row.line: row for row in table.rows}
            failures = [
                (
                    item,
                    column_title(COLUMNS, item.column),
                    cells[item.line][item.column] if item.line in cells else "",
                )
                for item in report.failures
            ]
            return _page(request, status=422, options=options, failures=failures, report=report)
        return render(request, "experts/imported.html", report=report, ignored=table.ignored_columns)


async def _read(upload: Upload) -> Table:
    content = await bytes_of(upload, MOST_BYTES)
    if content is None:
        raise UnreadableFileError(gettext("it is larger than %(limit)s MB", limit=MOST_BYTES // 2**20))
    table = await asyncio.to_thread(
        read_table,
        content,
        COLUMNS,
        REQUIRED,
        most_rows=MOST_LINES,
        most_unpacked_bytes=MOST_UNPACKED_BYTES,
    )
    if not table.rows:
        raise UnreadableFileError(gettext("it has no line behind the first"))
    return table


def _page(
    request: WebRequest,
    *,
    status: int = 200,
    options: Options | None = None,
    error: str = "",
    report: ExpertReport | None = None,
    failures: Sequence[tuple[Failure, str, str]] = (),
) -> Template:
    return render(
        request,
        "experts/import.html",
        status=status,
        options=options or Options(),
        error=error,
        columns=_columns(),
        most_lines=MOST_LINES,
        locales=LOCALES,
        report=report,
        failures=failures,
    )


def _columns() -> list[tuple[str, bool, str]]:
    """Title in the reader's language, whether it must be there, and what goes into it."""
    return [(column_title(COLUMNS, name), name in REQUIRED, str(CONTENT[name])) for name in COLUMNS]


def _template(locale: str) -> Response[bytes]:
    """An empty table; what belongs in it stands on sheets behind, which the import does not read."""
    with use_locale(locale):
        columns = _columns()
        sheets = [
            (gettext("Experts"), [[title for title, _must, _text in columns]]),
            (
                gettext("Columns"),
                [
                    [gettext("Column"), gettext("Must be filled in"), gettext("Content")],
                    *(
                        [title, gettext("Yes") if must else gettext("No"), text]
                        for title, must, text in columns
                    ),
                ],
            ),
            (
                gettext("Technology fields"),
                [
                    [gettext("Code"), gettext("Name")],
                    *([item.code, item.name] for item in SUBFIELDS.values()),
                ],
            ),
        ]
        return xlsx_response(gettext("Experts to import"), sheets)
