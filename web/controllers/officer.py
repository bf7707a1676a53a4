"""The officers' work queue: what waits in their programs, and what can be done for several at once."""

import uuid

from litestar import Controller, get, post
from litestar.response import Template

from challenges.programs import queries as program_queries
from challenges.programs.policies import is_officer_of
from core.database import database_time
from core.errors import NotFoundError
from core.i18n import gettext
from core.i18n import lazy_gettext as _
from web.dependencies import Acting, DbSession, WebRequest
from web.guards import Access
from web.officer_bulk import BulkAction, action_named, actions_for, do_for_each, readable_among
from web.officer_queue import Order, arranged, sections_of
from web.officer_sections import OFFICE_DAYS
from web.requests import as_uuid, form_data
from web.templating import render


class OfficerController(Controller):
    path = "/officer"

    @get("/", opt={"access": Access.OFFICER})
    async def work_queue(self, request: WebRequest, session: DbSession, actor: Acting) -> Template:
        now = await database_time(session)
        programs = [item for item in await program_queries.programs(session) if is_officer_of(actor, item)]
        asked = request.query_params.get("program", "")
        program_id = next((item.id for item in programs if str(item.id) == asked), None)
        sort = request.query_params.get("sort", "")
        order = next((item for item in Order if item.value == sort), Order.DUE)
        sections = [arranged(item, program_id, order) for item in await sections_of(session, actor, now)]
        rows = [row for section in sections for row in section.rows]
        return render(
            request,
            "officer/queue.html",
            sections=[(section, actions_for(section.anchor)) for section in sections],
            programs=programs,
            program_id=program_id,
            order=order,
            orders=[
                (Order.DUE, gettext("First due first")),
                (Order.AGE, gettext("Longest waiting first")),
                (Order.TITLE, gettext("By title")),
            ],
            waiting=len(rows),
            overdue=sum(row.is_overdue(now) for row in rows),
            office_days=OFFICE_DAYS,
        )

    @get("/bulk", opt={"access": Access.OFFICER})
    async def confirm(self, request: WebRequest, session: DbSession, actor: Acting) -> Template:
        action = _action(request.query_params.get("action", ""))
        keys = _keys(request.query_params.getall("key", []))
        return render(
            request,
            "officer/bulk.html",
            action=action,
            challenges=await readable_among(session, actor, keys),
            note="",
            error="",
        )

    @post("/bulk", opt={"access": Access.OFFICER}, status_code=200)
    async def do(self, request: WebRequest, session: DbSession, actor: Acting) -> Template:
        data = await form_data(request)
        action = _action(data.get("action"))
        keys, note = _keys(data.getlist("key")), data.get("note").strip()
        lacks_note = action.needs_note and not note
        if lacks_note or not keys:
            return render(
                request,
                "officer/bulk.html",
                status=422,
                action=action,
                challenges=await readable_among(session, actor, keys),
                note=note,
                error=gettext("Please give a reason.") if lacks_note else "",
            )
        results = await do_for_each(session, actor, action, keys, note)
        return render(request, "officer/bulk_result.html", action=action, results=results)


def _action(name: str) -> BulkAction:
    action = action_named(name)
    if action is None:
        raise NotFoundError(_("There is nothing at this address."))
    return action


def _keys(typed: list[str]) -> list[uuid.UUID]:
    """Ids in the order given, each once; what is none is left out."""
    return list(dict.fromkeys(key for key in map(as_uuid, typed) if key is not None))
