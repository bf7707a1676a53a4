"""Invitations to join an organization, as whoever holds the link sees them."""

from typing import Any

from litestar import Controller, Response, get, post
from litestar.response import Template

from core.accounts.queries import person_by_email
from core.accounts.service import token_hash
from core.database import database_time
from core.errors import NotFoundError
from core.i18n import current_locale, gettext
from core.i18n import lazy_gettext as _
from solvers.organizations import people, queries
from solvers.organizations.forms import (
    AccountFields,
)
from solvers.organizations.models import Invitation
from web.dependencies import Acting, Config, DbSession, FromPath, WebRequest
from web.guards import Access
from web.requests import form_data
from web.sessions import renew_login
from web.templating import redirect, render


class InvitationController(Controller):
    @get("/invitations/{token:str}", opt={"access": Access.PUBLIC})
    async def show(
        self, request: WebRequest, session: DbSession, actor: Acting, token: FromPath[str]
    ) -> Template:
        invitation = await _invitation(session, token)
        return await _invitation_page(request, session, actor, token, invitation, AccountFields())

    @post("/invitations/{token:str}", opt={"access": Access.PUBLIC}, status_code=200)
    async def accept(
        self, request: WebRequest, session: DbSession, settings: Config, actor: Acting, token: FromPath[str]
    ) -> Template | Response[Any]:
        invitation = await _invitation(session, token)
        form = AccountFields(await form_data(request))
        new_person = None
        if actor.is_anonymous:
            if await person_by_email(session, invitation.email) is not None or not form.validate():
                return await _invitation_page(request, session, actor, token, invitation, form, status=422)
            new_person = form.new_person(current_locale())
        membership = await people.accept_invitation(session, actor, token, new_person=new_person)
        cookie = await renew_login(request, session, settings, membership.person, membership.organization_id)
        message = gettext("You now act for %(organization)s.", organization=membership.organization.name)
        return redirect(request, "/organization", flash=message, cookies=[cookie])


async def _invitation(session: DbSession, token: str) -> Invitation:
    invitation = await queries.usable_invitation(session, token_hash(token), await database_time(session))
    if invitation is None:
        raise NotFoundError(_("This invitation has expired, was revoked or was already accepted."))
    return invitation


async def _invitation_page(
    request: WebRequest,
    session: DbSession,
    actor: Acting,
    token: str,
    invitation: Invitation,
    form: AccountFields,
    status: int = 200,
) -> Template:
    has_account = actor.is_anonymous and await person_by_email(session, invitation.email) is not None
    return render(
        request,
        "organizations/invitation.html",
        status=status,
        token=token,
        invitation=invitation,
        form=form,
        has_account=has_account,
        is_theirs=not actor.is_anonymous and actor.email == invitation.email,
    )
