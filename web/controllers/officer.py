"""The officers' work queue: what waits in their programs, oldest first."""

from litestar import get
from litestar.response import Template

from core.clock import utc_now
from web.dependencies import Acting, DbSession, WebRequest
from web.guards import Access
from web.officer_queue import sections_of
from web.templating import render


@get("/officer", opt={"access": Access.OFFICER})
async def work_queue(request: WebRequest, session: DbSession, actor: Acting) -> Template:
    return render(request, "officer/queue.html", sections=await sections_of(session, actor, utc_now()))
