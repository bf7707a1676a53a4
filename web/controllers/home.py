"""The front page: for the public what this is, for each role what waits for it."""

from typing import Any

from litestar import Controller, Response, get
from litestar.response import Template

from core.errors import NotFoundError
from core.i18n import lazy_gettext as _
from web.dependencies import Acting, Config, DbSession, FromPath, FromQuery, WebRequest
from web.guards import Access
from web.requests import safe_path
from web.sessions import locale_cookie
from web.templating import redirect, render


class HomeController(Controller):
    @get("/", opt={"access": Access.PUBLIC})
    async def home(self, request: WebRequest, session: DbSession, actor: Acting) -> Template:
        return render(request, "home/home.html")

    @get("/healthz", opt={"access": Access.PUBLIC, "exclude_from_auth": True}, media_type="text/plain")
    async def health(self, session: DbSession) -> str:
        await session.connection()
        return "ok"

    @get("/locale/{locale:str}", opt={"access": Access.PUBLIC})
    async def change_locale(
        self, request: WebRequest, locale: FromPath[str], settings: Config, to: FromQuery[str] = "/"
    ) -> Response[Any]:
        return redirect(request, safe_path(to), cookies=[locale_cookie(settings, locale)])


@get("/{rest:path}", opt={"access": Access.PUBLIC})
async def not_found(rest: FromPath[str]) -> None:
    """Unknown addresses pass through here, so that the error page knows who is reading it."""
    raise NotFoundError(_("There is nothing at this address."))
