"""Login, logout, passwords and one's own account."""

import json
import uuid
from typing import Any

from litestar import Controller, Response, get, post
from litestar.response import Template

from core.accounts import queries, service
from core.accounts.forms import ChangePasswordForm, ForgottenPasswordForm, NewPasswordForm
from core.database import database_time
from core.errors import InvalidError, NotFoundError, ThrottledError
from core.i18n import gettext
from solvers.organizations import queries as organization_queries
from web.dependencies import Acting, Config, DbSession, FromPath, FromQuery, WebRequest
from web.guards import Access
from web.requests import form_data, safe_path
from web.sessions import ended_login_cookie, login_cookie
from web.templating import redirect, render


class AccountController(Controller):
    @get("/login", opt={"access": Access.PUBLIC})
    async def login_form(
        self, request: WebRequest, actor: Acting, to: FromQuery[str] = "/"
    ) -> Template | Response[Any]:
        if not actor.is_anonymous:
            return redirect(request, safe_path(to))
        return render(request, "accounts/login.html", target=safe_path(to), replay="", email="", error="")

    @post("/login", opt={"access": Access.PUBLIC}, status_code=200)
    async def login(
        self, request: WebRequest, session: DbSession, settings: Config, actor: Acting
    ) -> Template | Response[Any]:
        data = await form_data(request)
        email, target, replay = data.get("email"), safe_path(data.get("target")), data.get("replay")
        error = ""
        person = None
        try:
            person = await service.authenticate(
                session, settings, email=email, password=data.get("password"), address=actor.address
            )
        except ThrottledError as throttled:
            error = str(throttled.message)
        if person is None:
            error = error or gettext("E-mail or password is wrong.")
            return render(
                request,
                "accounts/login.html",
                status=422,
                target=target,
                replay=replay,
                email=email,
                error=error,
            )
        if actor.login_id is not None:
            await service.close_login(session, actor.login_id)
        memberships = await organization_queries.memberships_of(session, person.id)
        token = await service.open_login(
            session,
            settings,
            person,
            organization_id=memberships[0].organization_id if memberships else None,
            address=actor.address,
            user_agent=request.headers.get("user-agent", ""),
        )
        cookie = login_cookie(settings, token)
        if replay:
            page = render(request, "accounts/replay.html", target=target, fields=_replayed_fields(replay))
            page.cookies = [*page.cookies, cookie]
            return page
        return redirect(request, target, cookies=[cookie])

    @post("/logout", opt={"access": Access.PERSON}, status_code=200)
    async def logout(
        self, request: WebRequest, session: DbSession, settings: Config, actor: Acting
    ) -> Response[Any]:
        assert actor.login_id is not None
        await service.close_login(session, actor.login_id)
        return redirect(
            request, "/", flash=gettext("You are logged out."), cookies=[ended_login_cookie(settings)]
        )

    @post("/logout-everywhere", opt={"access": Access.PERSON}, status_code=200)
    async def logout_everywhere(
        self, request: WebRequest, session: DbSession, settings: Config, actor: Acting
    ) -> Response[Any]:
        assert actor.person_id is not None
        await service.close_all_logins(session, actor.person_id)
        message = gettext("You are logged out on every device.")
        return redirect(request, "/login", flash=message, cookies=[ended_login_cookie(settings)])

    @get("/account", opt={"access": Access.PERSON})
    async def account(self, request: WebRequest, session: DbSession, actor: Acting) -> Template:
        return await _account_page(request, session, actor, ChangePasswordForm())

    @post("/account/password", opt={"access": Access.PERSON}, status_code=200)
    async def change_password(
        self, request: WebRequest, session: DbSession, settings: Config, actor: Acting
    ) -> Template | Response[Any]:
        form = ChangePasswordForm(await form_data(request))
        if not form.validate():
            return await _account_page(request, session, actor, form, status=422)
        try:
            async with session.begin_nested():
                person = await service.change_password(
                    session, actor, current=form.current.data or "", new=form.password.data or ""
                )
        except InvalidError as error:
            form.add_errors(error.errors)
            return await _account_page(request, session, actor, form, status=422)
        token = await service.open_login(
            session,
            settings,
            person,
            organization_id=actor.organization_id,
            address=actor.address,
            user_agent=request.headers.get("user-agent", ""),
        )
        message = gettext("Your password was changed; other devices are logged out.")
        return redirect(request, "/account", flash=message, cookies=[login_cookie(settings, token)])

    @post("/account/organization", opt={"access": Access.PERSON}, status_code=200)
    async def switch_organization(
        self, request: WebRequest, session: DbSession, settings: Config, actor: Acting
    ) -> Response[Any]:
        """Act for another of one's organizations: rights change, so the login is opened anew."""
        data = await form_data(request)
        memberships = (
            await organization_queries.memberships_of(session, actor.person_id) if actor.person_id else []
        )
        chosen = next(
            (item for item in memberships if str(item.organization_id) == data.get("organization_id")), None
        )
        if chosen is None or actor.person_id is None or actor.login_id is None:
            raise NotFoundError(gettext("You do not belong to that organization."))
        person = await queries.person_by_id(session, actor.person_id)
        assert person is not None
        await service.close_login(session, actor.login_id)
        token = await service.open_login(
            session,
            settings,
            person,
            organization_id=chosen.organization_id,
            address=actor.address,
            user_agent=request.headers.get("user-agent", ""),
        )
        message = gettext("You now act for %(organization)s.", organization=chosen.organization.name)
        return redirect(request, "/", flash=message, cookies=[login_cookie(settings, token)])

    @get("/forgotten-password", opt={"access": Access.PUBLIC})
    async def forgotten_form(self, request: WebRequest) -> Template:
        return render(request, "accounts/forgotten.html", form=ForgottenPasswordForm(), sent=False)

    @post("/forgotten-password", opt={"access": Access.PUBLIC}, status_code=200)
    async def forgotten(self, request: WebRequest, session: DbSession, settings: Config) -> Template:
        form = ForgottenPasswordForm(await form_data(request))
        if not form.validate():
            return render(request, "accounts/forgotten.html", status=422, form=form, sent=False)
        await service.request_password_reset(session, settings, form.email.data or "")
        return render(request, "accounts/forgotten.html", form=form, sent=True)

    @get("/reset-password/{token:str}", opt={"access": Access.PUBLIC})
    async def reset_form(self, request: WebRequest, session: DbSession, token: FromPath[str]) -> Template:
        now = await database_time(session)
        if await queries.usable_reset(session, service.token_hash(token), now) is None:
            raise NotFoundError(gettext("This link has expired or was already used. Ask for a new one."))
        return render(request, "accounts/reset.html", form=NewPasswordForm(), token=token)

    @post("/reset-password/{token:str}", opt={"access": Access.PUBLIC}, status_code=200)
    async def reset(
        self, request: WebRequest, session: DbSession, settings: Config, token: FromPath[str]
    ) -> Template | Response[Any]:
        form = NewPasswordForm(await form_data(request))
        if not form.validate():
            return render(request, "accounts/reset.html", status=422, form=form, token=token)
        await service.reset_password(session, token, form.password.data or "")
        return redirect(
            request, "/login", flash=gettext("Your password was changed. Log in with the new one.")
        )


async def _account_page(
    request: WebRequest,
    session: DbSession,
    actor: Acting,
    form: ChangePasswordForm,
    status: int = 200,
) -> Template:
    assert isinstance(actor.person_id, uuid.UUID)
    logins = await queries.logins_of(session, actor.person_id, await database_time(session))
    return render(request, "accounts/account.html", status=status, form=form, logins=logins)


def _replayed_fields(replay: str) -> list[tuple[str, str]]:
    """The kept form fields; whatever is not a list of pairs of texts is nothing."""
    try:
        pairs = json.loads(replay)
    except ValueError:
        return []
    if not isinstance(pairs, list):
        return []
    return [(pair[0], pair[1]) for pair in pairs if isinstance(pair, list) and len(pair) == 2]
