"""create_app(): the only place where the parts of the web server are wired together."""

from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Any

from litestar import Litestar, Request, Router
from litestar.config.csrf import CSRFConfig
from litestar.datastructures import CacheControlHeader, MutableScopeHeaders, State
from litestar.di import Provide
from litestar.middleware import DefineMiddleware
from litestar.static_files import create_static_files_router
from litestar.types import Message, Scope
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from core.database import database_time
from core.notifications.listening import Listener
from core.process import Process
from core.settings import Settings
from web.controllers import ROUTES
from web.failures import EXCEPTION_HANDLERS
from web.guards import Access, access_guard, require_declared_access
from web.requests import MOMENT
from web.sessions import LoginMiddleware
from web.templating import STATIC_DIR, template_config

SECURITY_HEADERS = {
    "content-security-policy": (
        "default-src 'self'; img-src 'self' data:; style-src 'self'; script-src 'self'; object-src 'none';"
        " base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


async def provide_session(
    request: Request[Actor, Any, State], state: State
) -> AsyncGenerator[AsyncSession, None]:
    """The request's one transaction: committed when the handler returns, rolled back when it raises."""
    process: Process = state.process
    async with process.transaction() as session:
        request.scope["state"][MOMENT] = await database_time(session)
        yield session


def provide_actor(request: Request[Actor, Any, State]) -> Actor:
    return request.user


def provide_settings(state: State) -> Settings:
    return state.process.settings


async def add_security_headers(message: Message, scope: Scope) -> None:
    if message["type"] != "http.response.start":
        return
    headers = MutableScopeHeaders.from_message(message)
    for name, value in SECURITY_HEADERS.items():
        headers.setdefault(name, value)
    if scope["app"].state.process.settings.secure_cookies:
        headers.setdefault("strict-transport-security", "max-age=31536000")


async def close_listener(app: Litestar) -> None:
    await app.state.listener.close()


def create_app(process: Process, *, debug: bool = False) -> Litestar:
    settings = process.settings
    listener = Listener(settings)
    static_files = create_static_files_router(
        path="/static",
        directories=[STATIC_DIR],
        # Addresses carry a hash of the content, see templating.static_url.
        cache_control=CacheControlHeader(
            max_age=int(timedelta(days=365).total_seconds()), public=True, immutable=True
        ),
        opt={"access": Access.PUBLIC, "exclude_from_auth": True},
        include_in_schema=False,
    )
    routes = Router(path="/", route_handlers=ROUTES, guards=[access_guard])
    app = Litestar(
        route_handlers=[static_files, routes],
        dependencies={
            "session": Provide(provide_session),
            "actor": Provide(provide_actor, sync_to_thread=False),
            "settings": Provide(provide_settings, sync_to_thread=False),
        },
        middleware=[DefineMiddleware(LoginMiddleware, exclude_from_auth_key="exclude_from_auth")],
        csrf_config=CSRFConfig(
            secret=settings.secret_key,
            cookie_secure=settings.secure_cookies,
            cookie_httponly=True,
            cookie_path="/",
        ),
        template_config=template_config(),
        exception_handlers=EXCEPTION_HANDLERS,
        before_send=[add_security_headers],
        state=State({"process": process, "listener": listener}),
        on_shutdown=[close_listener],
        # What a page posts; uploads state their own limit at their route.
        request_max_body_size=4 * 2**20,
        openapi_config=None,
        logging_config=None,
        debug=debug,
    )
    require_declared_access(app)
    return app
