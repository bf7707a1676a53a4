"""Administration: the verification queue, the review of one organization, people and their roles."""

import uuid
from typing import Any

from litestar import Controller, Response, get, post
from litestar.response import Template

from core.accounts import queries as account_queries
from core.accounts import service as account_service
from core.accounts.forms import PersonRolesForm
from core.accounts.models import Person
from core.attachments import attachments_of
from core.audit import entries_of
from core.database import database_today
from core.errors import InvalidError, NotFoundError
from core.i18n import gettext
from core.i18n import lazy_gettext as _
from solvers.models import Organization, Verification
from solvers.organizations import policies, queries, service
from solvers.organizations.forms import SendBackForm
from web.dependencies import Acting, DbSession, FromPath, FromQuery, WebRequest
from web.guards import Access
from web.labels import choices
from web.organization_history import action_text, change_lines
from web.paging import PER_PAGE, Page, page_number
from web.requests import form_data
from web.size_view import decision_of
from web.templating import is_htmx, redirect, render


class AdministrationController(Controller):
    @get("/administration", opt={"access": Access.ADMINISTRATOR})
    async def queue(
        self,
        request: WebRequest,
        session: DbSession,
        q: FromQuery[str] = "",
        page: FromQuery[str] = "1",
    ) -> Template:
        """Organizations by the state of their verification; those that have waited longest come first."""
        # Litestar keeps the name `state` for itself, so it cannot be a parameter of the handler.
        state = request.query_params.get("state", Verification.PENDING.value)
        states = [Verification(state)] if state in set(Verification) else list(Verification)
        number = page_number(page)
        organizations, total = await queries.verification_queue(
            session, states=states, search=q[:100], limit=PER_PAGE, offset=(number - 1) * PER_PAGE
        )
        parameters = {"state": state, "q": q.strip()}
        return render(
            request,
            "administration/_queue.html" if is_htmx(request) else "administration/queue.html",
            organizations=organizations,
            counts=await queries.verification_counts(session),
            states=choices(Verification),
            page=Page(number, total),
            parameters=parameters,
        )

    @get("/administration/organizations/{organization_id:uuid}", opt={"access": Access.ADMINISTRATOR})
    async def review(
        self, request: WebRequest, session: DbSession, actor: Acting, organization_id: FromPath[uuid.UUID]
    ) -> Template:
        return await _review_page(request, session, actor, organization_id, SendBackForm())

    @post(
        "/administration/organizations/{organization_id:uuid}/verify",
        opt={"access": Access.ADMINISTRATOR},
        status_code=200,
    )
    async def verify(
        self, request: WebRequest, session: DbSession, actor: Acting, organization_id: FromPath[uuid.UUID]
    ) -> Response[Any]:
        data = await form_data(request)
        organization = await service.verify_organization(
            session, actor, organization_id, seen=_number(data.get("seen"))
        )
        message = gettext("%(organization)s is verified.", organization=organization.name)
        return redirect(request, "/administration", flash=message)

    @post(
        "/administration/organizations/{organization_id:uuid}/send-back",
        opt={"access": Access.ADMINISTRATOR},
        status_code=200,
    )
    async def send_back(
        self, request: WebRequest, session: DbSession, actor: Acting, organization_id: FromPath[uuid.UUID]
    ) -> Template | Response[Any]:
        data = await form_data(request)
        form = SendBackForm(data)
        if not form.validate():
            return await _review_page(request, session, actor, organization_id, form, status=422)
        organization = await service.send_back_organization(
            session, actor, organization_id, form.reason.data or "", seen=_number(data.get("seen"))
        )
        message = gettext("%(organization)s was sent back.", organization=organization.name)
        return redirect(request, "/administration", flash=message)

    @get("/administration/people", opt={"access": Access.ADMINISTRATOR})
    async def people(
        self,
        request: WebRequest,
        session: DbSession,
        q: FromQuery[str] = "",
        page: FromQuery[str] = "1",
    ) -> Template:
        number = page_number(page)
        found, total = await account_queries.people(
            session, search=q.strip()[:100], limit=PER_PAGE, offset=(number - 1) * PER_PAGE
        )
        return render(
            request,
            "administration/_people.html" if is_htmx(request) else "administration/people.html",
            people=found,
            memberships_of=await queries.memberships_of_people(session, [person.id for person in found]),
            page=Page(number, total),
            parameters={"q": q.strip()},
        )

    @get("/administration/people/{person_id:uuid}", opt={"access": Access.ADMINISTRATOR})
    async def person(
        self, request: WebRequest, session: DbSession, person_id: FromPath[uuid.UUID]
    ) -> Template:
        person = await _person(session, person_id)
        return await _person_page(request, session, person, PersonRolesForm.of(person))

    @post("/administration/people/{person_id:uuid}", opt={"access": Access.ADMINISTRATOR}, status_code=200)
    async def change_person(
        self, request: WebRequest, session: DbSession, actor: Acting, person_id: FromPath[uuid.UUID]
    ) -> Template | Response[Any]:
        person = await _person(session, person_id)
        form = PersonRolesForm(await form_data(request))
        if not form.validate():
            return await _person_page(request, session, person, form, status=422)
        try:
            async with session.begin_nested():
                await account_service.set_roles(
                    session, actor, person_id, form.chosen(), disabled=bool(form.is_disabled.data)
                )
        except InvalidError as error:
            form.add_errors(error.errors)
            return await _person_page(request, session, await _person(session, person_id), form, status=422)
        message = gettext("Saved. Their logins have ended, so that the change holds at once.")
        return redirect(request, f"/administration/people/{person_id}", flash=message)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


async def _organization(session: DbSession, organization_id: uuid.UUID) -> Organization:
    organization = await queries.organization_by_id(session, organization_id)
    if organization is None:
        raise NotFoundError(_("There is no such organization."))
    return organization


async def _review_page(
    request: WebRequest,
    session: DbSession,
    actor: Acting,
    organization_id: uuid.UUID,
    form: SendBackForm,
    status: int = 200,
) -> Template:
    organization = await _organization(session, organization_id)
    is_member = any(item.person_id == actor.person_id for item in organization.memberships)
    return render(
        request,
        "administration/organization.html",
        status=status,
        organization=organization,
        decision=decision_of(organization),
        documents=await attachments_of(session, service.SUBJECT, organization.id),
        removable=set(),
        naming=await queries.relations_naming(session, organization.id),
        may_edit=False,
        may_decide=policies.may_decide(actor, organization, is_member=is_member),
        seen=await queries.last_change(session, organization.id),
        entries=await entries_of(session, service.SUBJECT, organization.id),
        action_text=action_text,
        change_lines=change_lines,
        form=form,
        today=await database_today(session),
    )


async def _person(session: DbSession, person_id: uuid.UUID) -> Person:
    person = await account_queries.person_by_id(session, person_id)
    if person is None:
        raise NotFoundError(_("There is no such person."))
    return person


async def _person_page(
    request: WebRequest, session: DbSession, person: Person, form: PersonRolesForm, status: int = 200
) -> Template:
    return render(
        request,
        "administration/person.html",
        status=status,
        person=person,
        form=form,
        memberships_here=await queries.memberships_of(session, person.id),
        entries=await entries_of(session, "person", person.id),
        action_text=action_text,
        change_lines=change_lines,
    )
