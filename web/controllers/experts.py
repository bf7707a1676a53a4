"""The expert base: search, register, change, leave out of new panels."""

import uuid
from typing import Any

from litestar import Controller, Response, get, post
from litestar.response import Template

from challenges.experts import queries, service
from challenges.experts.forms import ExpertForm, data_of
from challenges.experts.models import Expert
from challenges.reviews import queries as review_queries
from core.errors import InvalidError, NotFoundError
from core.i18n import gettext
from core.i18n import lazy_gettext as _
from solvers.fields import is_subfield, subfield_choices
from web.dependencies import Acting, Config, DbSession, FromPath, FromQuery, WebRequest
from web.guards import Access
from web.paging import PER_PAGE, Page, page_number
from web.requests import FormData, form_data
from web.templating import is_htmx, redirect, render

KINDS = {"enterprise": True, "other": False}
ACTIVITY = {"active": True, "inactive": False, "all": None}


class ExpertController(Controller):
    @get("/experts", opt={"access": Access.STAFF})
    async def index(
        self,
        request: WebRequest,
        session: DbSession,
        q: FromQuery[str] = "",
        field: FromQuery[str] = "",
        kind: FromQuery[str] = "",
        activity: FromQuery[str] = "active",
        page: FromQuery[str] = "1",
    ) -> Template:
        number = page_number(page)
        search = q.replace("\0", "").strip()[:100]
        subfield = field if is_subfield(field) else ""
        activity = activity if activity in ACTIVITY else "active"
        experts, total = await queries.search_experts(
            session,
            search=search,
            subfield=subfield,
            enterprise=KINDS.get(kind),
            active=ACTIVITY[activity],
            limit=PER_PAGE,
            offset=(number - 1) * PER_PAGE,
        )
        return render(
            request,
            "experts/_list.html" if is_htmx(request) else "experts/index.html",
            experts=experts,
            load=await review_queries.open_reviews(session, []),
            page=Page(number, total),
            subfields=subfield_choices(),
            parameters={
                "q": search,
                "field": subfield,
                "kind": kind if kind in KINDS else "",
                "activity": activity,
            },
        )

    @get("/experts/new", opt={"access": Access.STAFF})
    async def new(self, request: WebRequest) -> Template:
        return render(request, "experts/form.html", expert=None, form=ExpertForm())

    @post("/experts/new", opt={"access": Access.STAFF}, status_code=200)
    async def register(
        self, request: WebRequest, session: DbSession, actor: Acting, settings: Config
    ) -> Template | Response[Any]:
        form = ExpertForm(await form_data(request))
        try:
            if not form.validate():
                raise InvalidError({})
            async with session.begin_nested():
                expert = await service.register_expert(session, actor, settings, form)
        except InvalidError as error:
            form.add_errors(error.errors)
            return render(request, "experts/form.html", status=422, expert=None, form=form)
        return redirect(request, f"/experts/{expert.id}", flash=gettext("The expert stands in the base now."))

    @get("/experts/{expert_id:uuid}", opt={"access": Access.STAFF})
    async def show(self, request: WebRequest, session: DbSession, expert_id: FromPath[uuid.UUID]) -> Template:
        expert = await _expert(session, expert_id)
        return render(request, "experts/form.html", expert=expert, form=ExpertForm(data=data_of(expert)))

    @post("/experts/{expert_id:uuid}", opt={"access": Access.STAFF}, status_code=200)
    async def save(
        self, request: WebRequest, session: DbSession, actor: Acting, expert_id: FromPath[uuid.UUID]
    ) -> Template | Response[Any]:
        expert = await _expert(session, expert_id)
        data = await form_data(request)
        form = _bound(expert, data)
        revision = int(data.get("revision")) if data.get("revision").isdigit() else -1
        try:
            if not form.validate():
                raise InvalidError({})
            async with session.begin_nested():
                await service.save_expert(session, actor, expert_id, form, revision)
        except InvalidError as error:
            form.add_errors(error.errors)
            expert = await _expert(session, expert_id)
            return render(request, "experts/form.html", status=422, expert=expert, form=form)
        return redirect(request, f"/experts/{expert_id}", flash=gettext("Saved."))

    @post("/experts/{expert_id:uuid}/activity", opt={"access": Access.STAFF}, status_code=200)
    async def set_activity(
        self, request: WebRequest, session: DbSession, actor: Acting, expert_id: FromPath[uuid.UUID]
    ) -> Response[Any]:
        active = (await form_data(request)).get("active") == "1"
        await service.set_active(session, actor, expert_id, active)
        message = (
            gettext("The expert can be appointed again.")
            if active
            else gettext("The expert is appointed to no new panel.")
        )
        return redirect(request, f"/experts/{expert_id}", flash=message)


async def _expert(session: DbSession, expert_id: uuid.UUID) -> Expert:
    expert = await queries.expert_by_id(session, expert_id)
    if expert is None:
        raise NotFoundError(_("There is no such expert."))
    return expert


def _bound(expert: Expert, data: FormData) -> ExpertForm:
    """Name and address are the account's: whatever was sent for them does not count."""
    form = ExpertForm(data)
    form.name.data, form.email.data = expert.person.name, expert.person.email
    return form
