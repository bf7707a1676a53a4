"""A person's saved searches: kept from the list of challenges, looked at, dropped."""

import uuid
from typing import Any

from litestar import Controller, Response, get, post
from litestar.response import Template
from sqlalchemy.ext.asyncio import AsyncSession

from challenges.programs import queries as program_queries
from challenges.searches import queries, service
from challenges.searches.filters import restored
from core.actor import Actor
from core.errors import InvalidError
from core.i18n import gettext
from web.challenge_filters import address_of, asked_filters, chips_of, names_of
from web.dependencies import Acting, DbSession, FromPath, WebRequest
from web.guards import Access
from web.requests import form_data
from web.templating import query_string, redirect, render


class SearchController(Controller):
    path = "/searches"

    @get("/", opt={"access": Access.PERSON})
    async def index(self, request: WebRequest, session: DbSession, actor: Acting) -> Template:
        return await _page(request, session, actor)

    @get("/new", opt={"access": Access.PERSON})
    async def new(self, request: WebRequest, session: DbSession, actor: Acting) -> Template:
        """The filters come as on the list, in the address."""
        asked = {name: request.query_params.get(name, "").strip() for name in names_of()}
        return await _form(request, session, asked)

    @post("/new", opt={"access": Access.PERSON}, status_code=200)
    async def save(self, request: WebRequest, session: DbSession, actor: Acting) -> Template | Response[Any]:
        data = await form_data(request)
        asked = {name: data.get(name).strip() for name in names_of()}
        name = data.get("name")
        try:
            async with session.begin_nested():
                await service.save_search(session, actor, name, asked_filters(asked))
        except InvalidError as error:
            return await _form(
                request, session, asked, name=name, error=str(error.errors["name"]), status=422
            )
        return redirect(
            request,
            "/searches",
            flash=gettext("The search is saved. You will be told once of each new challenge that it finds."),
        )

    @post("/{search_id:uuid}/remove", opt={"access": Access.PERSON}, status_code=200)
    async def remove(
        self, request: WebRequest, session: DbSession, actor: Acting, search_id: FromPath[uuid.UUID]
    ) -> Response[Any]:
        await service.remove_search(session, actor, search_id)
        return redirect(request, "/searches", flash=gettext("You are told no more of this search."))


async def _page(request: WebRequest, session: AsyncSession, actor: Actor) -> Template:
    assert actor.person_id is not None
    programs = await program_queries.programs(session)
    searches = await queries.searches_of(session, actor.person_id)
    return render(
        request,
        "searches/index.html",
        searches=[
            (
                search,
                [text for text, _changes in chips_of(filters, address_of(filters), programs)],
                f"/challenges{query_string(address_of(filters))}",
            )
            for search in searches
            for filters in [restored(search.filters)]
        ],
    )


async def _form(
    request: WebRequest,
    session: AsyncSession,
    asked: dict[str, str],
    *,
    name: str | None = None,
    error: str = "",
    status: int = 200,
) -> Template:
    filters = asked_filters(asked)
    address = address_of(filters)
    programs = await program_queries.programs(session)
    chips = [text for text, _changes in chips_of(filters, address, programs)]
    return render(
        request,
        "searches/new.html",
        status=status,
        name=" · ".join(chips)[: service.MAX_NAME_LENGTH] if name is None else name,
        error=error,
        chips=chips,
        fields={key: value for key, value in address.items() if value},
        back=f"/challenges{query_string(address)}",
        longest=service.MAX_NAME_LENGTH,
    )
