"""Registering a person with their organization, another organization, and what helps to fill in the form."""

from typing import Any

from litestar import Controller, Response, get, post
from litestar.response import Template

from core.accounts.queries import person_by_id
from core.errors import InvalidError
from core.i18n import current_locale, gettext
from solvers.industries import search_industries
from solvers.organizations import service
from solvers.organizations.forms import (
    OrganizationForm,
    RegistrationForm,
)
from web.dependencies import Acting, Config, DbSession, FromQuery, WebRequest
from web.guards import Access
from web.requests import FormData, form_data
from web.sessions import renew_login
from web.size_view import size_context, size_of_form
from web.templating import is_htmx, redirect, render


class RegistrationController(Controller):
    @get("/register", opt={"access": Access.PUBLIC})
    async def register_form(self, request: WebRequest, actor: Acting) -> Template | Response[Any]:
        if not actor.is_anonymous:
            return redirect(request, "/organizations/new")
        return _registration_page(request, RegistrationForm())

    @post("/register", opt={"access": Access.PUBLIC}, status_code=200)
    async def register(
        self, request: WebRequest, session: DbSession, settings: Config, actor: Acting
    ) -> Template | Response[Any]:
        if not actor.is_anonymous:
            return redirect(request, "/organizations/new")
        form = RegistrationForm(await form_data(request))
        if not form.validate():
            return _registration_page(request, form, status=422)
        account = form.new_person(current_locale())
        try:
            async with session.begin_nested():
                person, organization = await service.register_person_and_organization(
                    session,
                    email=form.email.data or "",
                    person_name=account.name,
                    phone=account.phone,
                    password=account.password,
                    locale=account.locale,
                    facts=form.facts(),
                )
        except InvalidError as error:
            form.add_errors(error.errors)
            return _registration_page(request, form, status=422)
        cookie = await renew_login(request, session, settings, person, organization.id)
        message = gettext("Welcome. Upload your licence and hand it in, so that you may publish and bid.")
        return redirect(request, "/organization", flash=message, cookies=[cookie])

    @get("/organizations/new", opt={"access": Access.PERSON})
    async def new_form(self, request: WebRequest) -> Template:
        return _new_page(request, OrganizationForm())

    @post("/organizations/new", opt={"access": Access.PERSON}, status_code=200)
    async def create(
        self, request: WebRequest, session: DbSession, settings: Config, actor: Acting
    ) -> Template | Response[Any]:
        form = OrganizationForm(await form_data(request))
        if not form.validate():
            return _new_page(request, form, status=422)
        try:
            async with session.begin_nested():
                organization = await service.register_organization(session, actor, form.facts())
        except InvalidError as error:
            form.add_errors(error.errors)
            return _new_page(request, form, status=422)
        assert actor.person_id is not None
        person = await person_by_id(session, actor.person_id)
        assert person is not None
        cookie = await renew_login(request, session, settings, person, organization.id)
        message = gettext("You now act for %(organization)s.", organization=organization.name)
        return redirect(request, "/organization", flash=message, cookies=[cookie])

    @get("/industries", opt={"access": Access.PUBLIC})
    async def industries(
        self, request: WebRequest, q: FromQuery[str] = "", industry_code: FromQuery[str] = ""
    ) -> Template:
        """Industries by code or name: the list under the picker, or a page of its own."""
        text = (q or industry_code)[:100]
        template = "organizations/_industries.html" if is_htmx(request) else "organizations/industries.html"
        found = search_industries(text, limit=10 if is_htmx(request) else 100)
        return render(request, template, industries=found, text=text)

    @get("/size", opt={"access": Access.PUBLIC})
    async def size(self, request: WebRequest) -> Template:
        """The statutory size of the figures in the address, as a fragment of a form or as a page of its own."""
        values = FormData(request.query_params)  # type: ignore[arg-type]
        form = OrganizationForm(values) if "industry_code" in values else OrganizationForm()
        decision, messages = size_of_form(form)
        if is_htmx(request):
            return render(request, "organizations/_size.html", decision=decision, messages=messages)
        return render(request, "organizations/size.html", form=form, decision=decision, messages=messages)


def _registration_page(request: WebRequest, form: RegistrationForm, status: int = 200) -> Template:
    return render(request, "organizations/register.html", status=status, **size_context(form))


def _new_page(request: WebRequest, form: OrganizationForm, status: int = 200) -> Template:
    return render(request, "organizations/new.html", status=status, **size_context(form))
