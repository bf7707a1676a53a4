"""A round: its challenges and the calendar of their dates."""

import uuid

from litestar import get
from litestar.response import Template

from challenges.exports.service import read_round
from challenges.postings import queries as posting_queries
from challenges.postings.service import certificates_of
from challenges.programs import policies
from core.clock import to_shanghai
from core.database import database_time
from web.dependencies import Acting, DbSession, FromPath, WebRequest
from web.guards import Access
from web.round_calendar import dates_of, first_of_month, month_of
from web.round_dates import RoundScope
from web.templating import render

LIST, MONTH = "list", "month"


@get("/programs/{program_id:uuid}/rounds/{round_id:uuid}", opt={"access": Access.PUBLIC})
async def round_page(
    request: WebRequest,
    session: DbSession,
    actor: Acting,
    program_id: FromPath[uuid.UUID],
    round_id: FromPath[uuid.UUID],
) -> Template:
    """Everybody sees the dates of what they may read; officers in charge also what is internal."""
    found = await read_round(session, program_id, round_id)
    certificates = await certificates_of(session, actor)
    challenges = await posting_queries.readable_of_round(session, actor, certificates, found.id)
    now = await database_time(session)
    today = to_shanghai(now).date()
    scope = RoundScope(
        program=found.program,
        round=found,
        challenges=challenges,
        is_officer=policies.is_officer_of(actor, found.program),
        now=now,
    )
    dates = await dates_of(session, scope)
    view = MONTH if request.query_params.get("view") == MONTH else LIST
    first = first_of_month(request.query_params.get("month", ""), today, dates)
    return render(
        request,
        "rounds/show.html",
        program=found.program,
        round=found,
        challenges=challenges,
        dates=dates,
        view=view,
        month=month_of(first, dates),
        today=today,
        is_officer=scope.is_officer,
        is_open=policies.is_round_open(found, today),
    )
