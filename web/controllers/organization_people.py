"""The people of one's own organization: invitations, roles, leaving."""

import uuid
from typing import Any

from litestar import Controller, Response, get, post
from litestar.response import Template

from core.database import database_time
from core.errors import InvalidError
from core.i18n import gettext
from core.i18n import lazy_gettext as _
from solvers.models import MembershipRole
from solvers.organizations import people, policies, queries
from solvers.organizations.forms import (
    InvitationForm,
)
from web.dependencies import Acting, Config, DbSession, FromPath, WebRequest
from web.guards import Access
from web.labels import choices
from web.own_organization import own_organization
from web.requests import FormData, form_data
from web.sessions import renew_login
from web.templating import redirect, render


class OrganizationPeopleController(Controller):
    @get("/organization/people", opt={"access": Access.MEMBER})
    async def show_people(self, request: WebRequest, session: DbSession, actor: Acting) -> Template:
        return await _people_page(request, session, actor, _invitation_form(None))

    @post("/organization/people/invite", opt={"access": Access.OWNER}, status_code=200)
    async def invite(
        self, request: WebRequest, session: DbSession, settings: Config, actor: Acting
    ) -> Template | Response[Any]:
        assert actor.organization_id is not None
        form = _invitation_form(await form_data(request))
        if not form.validate():
            return await _people_page(request, session, actor, form, status=422)
        try:
            async with session.begin_nested():
                await people.invite_person(session, settings, actor, actor.organization_id, form.facts())
        except InvalidError as error:
            form.add_errors(error.errors)
            return await _people_page(request, session, actor, form, status=422)
        message = gettext("An invitation was mailed to %(email)s.", email=form.email.data)
        return redirect(request, "/organization/people", flash=message)

    @post("/organization/people/{membership_id:uuid}/role", opt={"access": Access.OWNER}, status_code=200)
    async def change_role(
        self,
        request: WebRequest,
        session: DbSession,
        settings: Config,
        actor: Acting,
        membership_id: FromPath[uuid.UUID],
    ) -> Response[Any]:
        role = (await form_data(request)).get("role")
        if role not in {member.value for member in MembershipRole}:
            raise InvalidError({"role": _("Choose a role.")})
        membership = await people.change_role(session, actor, membership_id, MembershipRole(role))
        cookies = []
        if membership.person_id == actor.person_id:
            cookies = [
                await renew_login(request, session, settings, membership.person, membership.organization_id)
            ]
        message = gettext("%(name)s has another role now.", name=membership.person.name)
        return redirect(request, "/organization/people", flash=message, cookies=cookies)

    @post("/organization/people/{membership_id:uuid}/remove", opt={"access": Access.MEMBER}, status_code=200)
    async def remove_person(
        self,
        request: WebRequest,
        session: DbSession,
        settings: Config,
        actor: Acting,
        membership_id: FromPath[uuid.UUID],
    ) -> Response[Any]:
        membership = await people.remove_person(session, actor, membership_id)
        if membership.person_id != actor.person_id:
            message = gettext("%(name)s was removed.", name=membership.person.name)
            return redirect(request, "/organization/people", flash=message)
        rest = await queries.memberships_of(session, membership.person_id)
        cookie = await renew_login(
            request, session, settings, membership.person, rest[0].organization_id if rest else None
        )
        message = gettext("You have left %(organization)s.", organization=membership.organization.name)
        return redirect(request, "/", flash=message, cookies=[cookie])

    @post(
        "/organization/invitations/{invitation_id:uuid}/revoke",
        opt={"access": Access.OWNER},
        status_code=200,
    )
    async def revoke_invitation(
        self, request: WebRequest, session: DbSession, actor: Acting, invitation_id: FromPath[uuid.UUID]
    ) -> Response[Any]:
        await people.revoke_invitation(session, actor, invitation_id)
        return redirect(request, "/organization/people", flash=gettext("The invitation was revoked."))


def _invitation_form(data: FormData | None) -> InvitationForm:
    return InvitationForm(data, roles=choices(MembershipRole))


async def _people_page(
    request: WebRequest, session: DbSession, actor: Acting, form: InvitationForm, status: int = 200
) -> Template:
    organization = await own_organization(session, actor)
    may_manage = policies.may_manage_people(actor, organization.id)
    return render(
        request,
        "organizations/people.html",
        status=status,
        organization=organization,
        form=form,
        roles=choices(MembershipRole),
        may_manage=may_manage,
        invitations=await queries.open_invitations(session, organization.id, await database_time(session))
        if may_manage
        else [],
    )
