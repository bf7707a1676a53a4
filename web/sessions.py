"""Server-side logins: reads the cookie, sets the request's Actor and language. No session data in the cookie."""

import uuid
from typing import Any

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie
from litestar.middleware import AbstractAuthenticationMiddleware, AuthenticationResult
from sqlalchemy.ext.asyncio import AsyncSession

from core.accounts import queries
from core.accounts.models import Person
from core.accounts.service import close_login, open_login, token_hash, touch_login
from core.actor import Actor
from core.database import database_time
from core.i18n import DEFAULT_LOCALE, LOCALES, set_locale
from core.notifications.queries import unread_count
from core.process import Process
from core.settings import Settings
from solvers.organizations import queries as organization_queries
from web.requests import client_address

LOGIN_COOKIE = "jiebang_login"
LOCALE_COOKIE = "jiebang_locale"
LOCALE_COOKIE_AGE_S = 365 * 24 * 3600
# Where the request's state keeps the number that the bell shows.
UNREAD = "unread_notifications"


def login_cookie(settings: Settings, token: str) -> Cookie:
    return Cookie(
        key=LOGIN_COOKIE,
        value=token,
        max_age=settings.session_days * 24 * 3600,
        path="/",
        httponly=True,
        samesite="lax",
        secure=settings.secure_cookies,
    )


def ended_login_cookie(settings: Settings) -> Cookie:
    return Cookie(
        key=LOGIN_COOKIE,
        value="",
        max_age=0,
        path="/",
        httponly=True,
        samesite="lax",
        secure=settings.secure_cookies,
    )


def locale_cookie(settings: Settings, locale: str) -> Cookie:
    return Cookie(
        key=LOCALE_COOKIE,
        value=locale,
        max_age=LOCALE_COOKIE_AGE_S,
        path="/",
        samesite="lax",
        secure=settings.secure_cookies,
    )


async def renew_login(
    request: Request[Actor, Any, Any],
    session: AsyncSession,
    settings: Settings,
    person: Person,
    organization_id: uuid.UUID | None,
) -> Cookie:
    """Open a login under a new token for what a person may do from now on; the one they came with ends."""
    actor = request.user
    if actor.login_id is not None:
        await close_login(session, actor.login_id)
    token = await open_login(
        session,
        settings,
        person,
        organization_id=organization_id,
        address=actor.address,
        user_agent=request.headers.get("user-agent", ""),
    )
    return login_cookie(settings, token)


class LoginMiddleware(AbstractAuthenticationMiddleware):
    async def authenticate_request(
        self, connection: ASGIConnection[Any, Any, Any, Any]
    ) -> AuthenticationResult:
        process: Process = connection.app.state.process
        locale = connection.cookies.get(LOCALE_COOKIE)
        actor = Actor(address=client_address(connection, process.settings))
        memberships: list[Any] = []
        unread = 0
        if token := connection.cookies.get(LOGIN_COOKIE):
            actor, memberships, preferred, unread = await _actor_of(process, token, actor.address)
            locale = locale or preferred
        set_locale(locale if locale in LOCALES else DEFAULT_LOCALE)
        connection.scope["state"][UNREAD] = unread
        return AuthenticationResult(user=actor, auth=memberships)


async def _actor_of(process: Process, token: str, address: str) -> tuple[Actor, list[Any], str | None, int]:
    """Who it is, their memberships, their language, and how many notifications they have not read."""
    async with process.transaction() as session:
        now = await database_time(session)
        login = await queries.login_by_token_hash(session, token_hash(token), now)
        if login is None or login.person.is_disabled:
            return Actor(address=address), [], None, 0
        touch_login(process.settings, login, now)
        memberships = await organization_queries.memberships_of(session, login.person_id)
        # A membership that has ended ends here too, whatever the login was opened for.
        acting = next((item for item in memberships if item.organization_id == login.organization_id), None)
        actor = Actor(
            person_id=login.person_id,
            name=login.person.name,
            email=login.person.email,
            roles=frozenset(item.role for item in login.person.roles),
            organization_id=acting.organization_id if acting else None,
            organization_name=acting.organization.name if acting else "",
            organization_role=acting.role.value if acting else None,
            organization_verified=acting.organization.is_verified if acting else False,
            login_id=login.id,
            address=address,
        )
        unread = await unread_count(session, login.person_id)
        return actor, memberships, login.person.locale, unread
