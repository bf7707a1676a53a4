"""The program dashboard of officers, the public statistics, and their tables as files."""

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from litestar import Controller, Response, get
from litestar.response import Template

from challenges.programs.models import Program
from challenges.statistics.figures import Selection
from challenges.statistics.service import Dashboard, PublicStatistics, read_dashboard, read_public_statistics
from core.errors import NotFoundError
from core.i18n import gettext
from web import charts
from web.controllers.attachments import content_disposition
from web.dependencies import Acting, DbSession, FromPath, FromQuery, WebRequest
from web.guards import Access
from web.requests import as_uuid
from web.statistics_tables import dashboard_tables, public_tables, whole_percent
from web.tables import Table, csv_file, xlsx_file
from web.templating import render

MONTH = re.compile(r"20\d\d-(0[1-9]|1[0-2])")
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclass(frozen=True)
class Figure:
    """A table with the chart drawn from it, "" where there is nothing to draw."""

    table: Table
    chart: str
    is_wide: bool = False


class DashboardController(Controller):
    path = "/programs/{program_id:uuid}/dashboard"
    opt = {"access": Access.OFFICER}

    @get("/")
    async def show(
        self,
        request: WebRequest,
        session: DbSession,
        actor: Acting,
        program_id: FromPath[uuid.UUID],
        first: FromQuery[str] = "",
        last: FromQuery[str] = "",
        round: FromQuery[str] = "",  # noqa: A002 -- the name in the address
    ) -> Template:
        dashboard = await read_dashboard(session, actor, program_id, selection_of(first, last, round))
        return render(
            request,
            "statistics/dashboard.html",
            dashboard=dashboard,
            program=dashboard.program,
            figures=dashboard_figures(dashboard),
            parameters={"first": first, "last": last, "round": round},
        )

    @get("/workbook")
    async def workbook(
        self,
        session: DbSession,
        actor: Acting,
        program_id: FromPath[uuid.UUID],
        first: FromQuery[str] = "",
        last: FromQuery[str] = "",
        round: FromQuery[str] = "",  # noqa: A002 -- the name in the address
    ) -> Response[bytes]:
        dashboard = await read_dashboard(session, actor, program_id, selection_of(first, last, round))
        return workbook_of(dashboard_tables(dashboard), file_name(dashboard.program))

    @get("/tables/{name:str}")
    async def table(
        self,
        session: DbSession,
        actor: Acting,
        program_id: FromPath[uuid.UUID],
        name: FromPath[str],
        first: FromQuery[str] = "",
        last: FromQuery[str] = "",
        round: FromQuery[str] = "",  # noqa: A002 -- the name in the address
    ) -> Response[bytes]:
        dashboard = await read_dashboard(session, actor, program_id, selection_of(first, last, round))
        return one_table(dashboard_tables(dashboard), name, file_name(dashboard.program))


class StatisticsController(Controller):
    path = "/statistics"
    opt = {"access": Access.PUBLIC}

    @get("/")
    async def show(self, request: WebRequest, session: DbSession, year: FromQuery[str] = "") -> Template:
        statistics = await read_public_statistics(session, year)
        return render(
            request,
            "statistics/public.html",
            statistics=statistics,
            figures=public_figures(statistics),
            sme_money_share=whole_percent(statistics.totals and statistics.totals.sme_money_share),
            sme_member_share=whole_percent(statistics.totals and statistics.totals.sme_member_share),
            parameters={"year": statistics.year},
        )

    @get("/workbook")
    async def workbook(self, session: DbSession, year: FromQuery[str] = "") -> Response[bytes]:
        statistics = await read_public_statistics(session, year)
        return workbook_of(public_tables(statistics), gettext("Statistics"))

    @get("/tables/{name:str}")
    async def table(
        self, session: DbSession, name: FromPath[str], year: FromQuery[str] = ""
    ) -> Response[bytes]:
        statistics = await read_public_statistics(session, year)
        return one_table(public_tables(statistics), name, gettext("Statistics"))


def selection_of(first: str, last: str, round_id: str) -> Selection:
    """What cannot be read selects nothing; months in the wrong order are put right."""
    first, last = (month if MONTH.fullmatch(month) else "" for month in (first, last))
    if first and last and last < first:
        first, last = last, first
    return Selection(first, last, as_uuid(round_id))


def dashboard_figures(dashboard: Dashboard) -> list[Figure]:
    tables = {table.name: table for table in dashboard_tables(dashboard)}
    drawn = {
        "months": charts.bar_chart(tables["months"], [2, 3], lines=[4, 7]),
        "challenges": charts.bar_chart(tables["challenges"], [3], lines=[4], is_horizontal=True),
        "sizes": charts.bar_chart(tables["sizes"], [3, 5], is_horizontal=True),
        "regions": charts.bar_chart(tables["regions"], [4], is_horizontal=True),
        "participation": charts.bar_chart(tables["participation"], [3, 5], is_horizontal=True),
        "quota": charts.bar_chart(tables["challenges"], [7], is_horizontal=True),
        "concentration": charts.lorenz_chart(dashboard.lorenz),
        "exposure": charts.bar_chart(tables["exposure"], [2, 3, 5], is_horizontal=True),
    }
    return [Figure(table, drawn[name], name in {"months", "challenges"}) for name, table in tables.items()]


def public_figures(statistics: PublicStatistics) -> list[Figure]:
    tables = {table.name: table for table in public_tables(statistics)}
    drawn = {
        "published": charts.bar_chart(tables["published"], [1]),
        "fields": charts.bar_chart(tables["fields"], [1], is_horizontal=True),
        "states": charts.bar_chart(tables["states"], [1], is_horizontal=True),
        "months": charts.bar_chart(tables["months"], [2, 3]),
        "programs": charts.bar_chart(tables["programs"], [2, 3]),
        "sizes": charts.bar_chart(tables["sizes"], [1, 2], is_horizontal=True),
        "regions": charts.bar_chart(tables["regions"], [1, 2], is_horizontal=True),
    }
    return [Figure(table, drawn[name], name == "published") for name, table in tables.items()]


def file_name(program: Program) -> str:
    return f"{program.code}-{gettext('Dashboard')}"


def workbook_of(tables: Sequence[Table], name: str) -> Response[bytes]:
    return _download(xlsx_file(tables), XLSX, f"{name}.xlsx")


def one_table(tables: Sequence[Table], wanted: str, name: str) -> Response[bytes]:
    for table in tables:
        if table.name == wanted:
            return _download(csv_file(table), "text/csv", f"{name}-{table.title}.csv")
    raise NotFoundError(gettext("There is no such table."))


def _download(content: bytes, media_type: str, name: str) -> Response[bytes]:
    return Response(
        content=content,
        media_type=media_type,
        headers={"content-disposition": content_disposition(name), "cache-control": "private, no-store"},
    )
