"""The front page: for the public what this is, for each role what waits for it."""

from typing import Any

from litestar import Controller, Request, Response, get
from litestar.response import Template
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from core.errors import NotFoundError
from core.i18n import lazy_gettext as _
from core.settings import Settings
from web.guards import Access
from web.sessions import locale_cookie
from web.requests import safe_path
from web.templating import redirect, render


class HomeController(Controller):
    @get("/", opt={"access": Access.PUBLIC})
    async def home(self, request: Request[Any, Any, Any], session: AsyncSession, actor: Actor) -> Template:
        return render(request, "home/home.html")

    @get("/healthz", opt={"access": Access.PUBLIC, "exclude_from_auth": True}, media_type="text/plain")
    async def health(self, session: AsyncSession) -> str:
        await session.connection()
        return "ok"

    @get("/locale/{locale:str}", opt={"access": Access.PUBLIC})
    async def change_locale(
        self, request: Request[Any, Any, Any], locale: str, settings: Settings, to: str = "/"
    ) -> Response[Any]:
        return redirect(request, safe_path(to), cookies=[locale_cookie(settings, locale)])


@get("/{rest:path}", opt={"access": Access.PUBLIC})
async def not_found(rest: str) -> None:
    """Unknown addresses pass through here, so that the error page knows who is reading it."""
    raise NotFoundError(_("There is nothing at this address."))
