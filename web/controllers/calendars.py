"""Deadlines as a calendar: the feed under its secret address, and the page that makes and revokes it."""

from typing import Any

from litestar import Controller, Response, get, post
from litestar.response import Template

from challenges.calendars import queries, service
from core.errors import NotFoundError
from core.i18n import gettext
from web.dependencies import Acting, Config, DbSession, FromPath, WebRequest
from web.guards import Access
from web.templating import redirect, render

SUFFIX = ".ics"


class CalendarController(Controller):
    @get("/calendar/{name:str}", opt={"access": Access.PUBLIC})
    async def feed(self, session: DbSession, settings: Config, name: FromPath[str]) -> Response[bytes]:
        """The token is the key: a calendar program has no login."""
        if not name.endswith(SUFFIX):
            raise NotFoundError(gettext("There is nothing at this address."))
        content = await service.feed_text(session, name.removesuffix(SUFFIX), settings.public_url)
        return Response(
            content=content,
            media_type="text/calendar; charset=utf-8",
            headers={"cache-control": "no-store", "x-robots-tag": "noindex"},
        )

    @get("/account/calendar", opt={"access": Access.PERSON})
    async def page(self, request: WebRequest, session: DbSession, actor: Acting) -> Template:
        assert actor.person_id is not None
        return render(
            request, "calendars/feed.html", feed=await queries.feed_of(session, actor.person_id), address=""
        )

    @post("/account/calendar", opt={"access": Access.PERSON}, status_code=200)
    async def make(
        self, request: WebRequest, session: DbSession, settings: Config, actor: Acting
    ) -> Template:
        assert actor.person_id is not None
        token = await service.make_feed(session, actor)
        return render(
            request,
            "calendars/feed.html",
            feed=await queries.feed_of(session, actor.person_id),
            address=f"{settings.public_url}/calendar/{token}{SUFFIX}",
        )

    @post("/account/calendar/revoke", opt={"access": Access.PERSON}, status_code=200)
    async def revoke(self, request: WebRequest, session: DbSession, actor: Acting) -> Response[Any]:
        await service.revoke_feed(session, actor)
        return redirect(request, "/account/calendar", flash=gettext("The address opens nothing any more."))
