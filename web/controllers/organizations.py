"""Registration, invitations, and an organization's own pages: facts, evidence, relations, people, history."""

import uuid
from typing import Any

from litestar import Controller, Response, get, post
from litestar.datastructures import UploadFile
from litestar.response import Template

from core.accounts.queries import person_by_email, person_by_id
from core.accounts.service import token_hash
from core.attachments import attachments_of
from core.audit import entries_of
from core.clock import shanghai_today, utc_now
from core.errors import InvalidError, NotFoundError
from core.i18n import current_locale, gettext
from core.i18n import lazy_gettext as _
from solvers.industries import search_industries, typed_industry
from solvers.models import CertificateKind, ControlKind, MembershipRole, Organization, SizeClass
from solvers.organizations import people, policies, queries, service
from solvers.organizations.forms import (
    AccountFields,
    CertificateForm,
    InvitationForm,
    OrganizationForm,
    RegistrationForm,
    RelationForm,
    SubmissionForm,
)
from solvers.organizations.models import Invitation
from solvers.size import SizeDecision, classify
from web.dependencies import Acting, Config, DbSession, FromPath, FromQuery, WebRequest
from web.guards import Access
from web.labels import choices
from web.organization_history import action_text, change_lines
from web.requests import FormData, form_data
from web.sessions import renew_login
from web.templating import is_htmx, redirect, render

# The file with its multipart wrapping; `store_attachment` holds the exact limit.
UPLOAD_LIMIT_BYTES = 64 * 2**20


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
        decision, messages = _decided(form)
        if is_htmx(request):
            return render(request, "organizations/_size.html", decision=decision, messages=messages)
        return render(request, "organizations/size.html", form=form, decision=decision, messages=messages)


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


class OrganizationController(Controller):
    @get("/organization", opt={"access": Access.MEMBER})
    async def show(self, request: WebRequest, session: DbSession, actor: Acting) -> Template:
        return await _own_page(request, session, actor)

    @get("/organization/edit", opt={"access": Access.EDITOR})
    async def edit_form(self, request: WebRequest, session: DbSession, actor: Acting) -> Template:
        organization = await _own(session, actor)
        return _edit_page(request, organization, OrganizationForm.of(organization))

    @post("/organization/edit", opt={"access": Access.EDITOR}, status_code=200)
    async def edit(self, request: WebRequest, session: DbSession, actor: Acting) -> Template | Response[Any]:
        organization = await _own(session, actor)
        was_verified = organization.is_verified
        form = OrganizationForm(await form_data(request))
        if not form.validate():
            return _edit_page(request, organization, form, status=422)
        try:
            async with session.begin_nested():
                organization = await service.change_facts(session, actor, organization.id, form.facts())
        except InvalidError as error:
            form.add_errors(error.errors)
            return _edit_page(request, await _own(session, actor), form, status=422)
        return redirect(request, "/organization", flash=_saved(organization, was_verified))

    @post("/organization/certificates", opt={"access": Access.EDITOR}, status_code=200)
    async def add_certificate(
        self, request: WebRequest, session: DbSession, actor: Acting
    ) -> Template | Response[Any]:
        organization = await _own(session, actor)
        was_verified = organization.is_verified
        form = _certificate_form(await form_data(request))
        if not form.validate():
            return await _own_page(request, session, actor, status=422, certificate_form=form)
        try:
            async with session.begin_nested():
                await service.add_certificate(session, actor, organization.id, form.facts())
        except InvalidError as error:
            form.add_errors(error.errors)
            return await _own_page(request, session, actor, status=422, certificate_form=form)
        return redirect(
            request, "/organization#certificates", flash=_saved(await _own(session, actor), was_verified)
        )

    @post(
        "/organization/certificates/{certificate_id:uuid}/remove",
        opt={"access": Access.EDITOR},
        status_code=200,
    )
    async def remove_certificate(
        self, request: WebRequest, session: DbSession, actor: Acting, certificate_id: FromPath[uuid.UUID]
    ) -> Response[Any]:
        organization = await _own(session, actor)
        await service.remove_certificate(session, actor, organization.id, certificate_id)
        return redirect(request, "/organization#certificates", flash=gettext("The certificate was removed."))

    @get("/organization/relations/new", opt={"access": Access.EDITOR})
    async def relation_form(
        self, request: WebRequest, session: DbSession, actor: Acting, q: FromQuery[str] = ""
    ) -> Template:
        organization = await _own(session, actor)
        if is_htmx(request):
            found = await queries.search_organizations(session, q[:100], excluded=organization.id)
            return render(
                request, "organizations/_candidates.html", organizations=found, text=q.strip(), chosen=""
            )
        return await _relation_page(request, session, actor, _relation_form(None), text=q)

    @post("/organization/relations/new", opt={"access": Access.EDITOR}, status_code=200)
    async def add_relation(
        self, request: WebRequest, session: DbSession, actor: Acting
    ) -> Template | Response[Any]:
        organization = await _own(session, actor)
        was_verified = organization.is_verified
        data = await form_data(request)
        form = _relation_form(data)
        text = data.get("q")
        if not form.validate():
            return await _relation_page(request, session, actor, form, text=text, status=422)
        try:
            async with session.begin_nested():
                await service.add_relation(session, actor, organization.id, form.facts())
        except InvalidError as error:
            form.add_errors(error.errors)
            return await _relation_page(request, session, actor, form, text=text, status=422)
        return redirect(
            request, "/organization#relations", flash=_saved(await _own(session, actor), was_verified)
        )

    @post("/organization/relations/{relation_id:uuid}/remove", opt={"access": Access.EDITOR}, status_code=200)
    async def remove_relation(
        self, request: WebRequest, session: DbSession, actor: Acting, relation_id: FromPath[uuid.UUID]
    ) -> Response[Any]:
        organization = await _own(session, actor)
        was_verified = organization.is_verified
        await service.remove_relation(session, actor, organization.id, relation_id)
        return redirect(
            request, "/organization#relations", flash=_saved(await _own(session, actor), was_verified)
        )

    @post(
        "/organization/documents",
        opt={"access": Access.EDITOR},
        status_code=200,
        request_max_body_size=UPLOAD_LIMIT_BYTES,
    )
    async def add_document(
        self, request: WebRequest, session: DbSession, settings: Config, actor: Acting
    ) -> Template | Response[Any]:
        organization = await _own(session, actor)
        uploads = [
            item for item in (await form_data(request)).getlist("file") if isinstance(item, UploadFile)
        ]
        try:
            async with session.begin_nested():
                for upload in uploads:
                    await service.add_document(
                        session,
                        settings,
                        actor,
                        organization.id,
                        name=upload.filename,
                        content=await upload.read(),
                    )
                if not uploads:
                    raise InvalidError({"file": _("Choose a file that is not empty.")})
        except InvalidError as error:
            return await _own_page(
                request, session, actor, status=422, document_errors=list(error.errors.values())
            )
        return redirect(request, "/organization#documents", flash=gettext("Uploaded."))

    @post("/organization/submit", opt={"access": Access.EDITOR}, status_code=200)
    async def submit(
        self, request: WebRequest, session: DbSession, actor: Acting
    ) -> Template | Response[Any]:
        organization = await _own(session, actor)
        form = SubmissionForm(await form_data(request))
        if not form.validate():
            return await _own_page(request, session, actor, status=422, submission_form=form)
        try:
            async with session.begin_nested():
                await service.submit_for_verification(session, actor, organization.id)
        except InvalidError as error:
            return await _own_page(
                request,
                session,
                actor,
                status=422,
                submission_form=form,
                document_errors=list(error.errors.values()),
            )
        message = gettext("Handed in. You get a mail when it has been looked at.")
        return redirect(request, "/organization", flash=message)

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

    @get("/organization/history", opt={"access": Access.MEMBER})
    async def history(self, request: WebRequest, session: DbSession, actor: Acting) -> Template:
        organization = await _own(session, actor)
        entries = await entries_of(session, service.SUBJECT, organization.id)
        return render(
            request,
            "organizations/history.html",
            organization=organization,
            entries=entries,
            action_text=action_text,
            change_lines=change_lines,
        )


def decision_of(organization: Organization) -> SizeDecision | None:
    """The size with its rule as the figures stand; None where there is nothing to decide."""
    if organization.industry_code is None:
        return None
    try:
        return classify(
            organization.industry_code,
            organization.employees,
            organization.revenue_wan,
            organization.assets_wan,
        )
    except InvalidError:
        return None


async def _own(session: DbSession, actor: Acting) -> Organization:
    organization = (
        await queries.organization_by_id(session, actor.organization_id) if actor.organization_id else None
    )
    if organization is None:
        raise NotFoundError(_("There is no such organization."))
    return organization


def _saved(organization: Organization, was_verified: bool) -> str:
    if was_verified and not organization.is_verified:
        return gettext("Saved. Because verified facts have changed, an administrator looks at them again.")
    return gettext("Saved.")


def _decided(form: OrganizationForm) -> tuple[SizeDecision | None, list[str]]:
    """The size of what a form holds now, or what is missing for it; the form's own messages stay as they are."""
    figures = (form.employees, form.revenue_wan, form.assets_wan)
    wrong = [
        f"{field.label.text}: {message}"
        for field in figures
        # An empty field is a process error too, which `Optional` would forgive when the form is validated.
        if field.raw_data and str(field.raw_data[0]).strip()
        for message in field.process_errors
    ]
    if wrong:
        return None, wrong
    code = typed_industry(form.industry_code.data)
    if not code:
        return None, []
    try:
        return classify(code, form.employees.data, form.revenue_wan.data, form.assets_wan.data), []
    except InvalidError as error:
        labels = {field.name: f"{field.label.text}: " for field in figures}
        return None, [f"{labels.get(name, '')}{message}" for name, message in error.errors.items()]


def _form_context(form: OrganizationForm) -> dict[str, Any]:
    decision, messages = _decided(form)
    return {"form": form, "decision": decision, "messages": messages}


def _registration_page(request: WebRequest, form: RegistrationForm, status: int = 200) -> Template:
    return render(request, "organizations/register.html", status=status, **_form_context(form))


def _new_page(request: WebRequest, form: OrganizationForm, status: int = 200) -> Template:
    return render(request, "organizations/new.html", status=status, **_form_context(form))


def _edit_page(
    request: WebRequest, organization: Organization, form: OrganizationForm, status: int = 200
) -> Template:
    return render(
        request,
        "organizations/edit.html",
        status=status,
        organization=organization,
        **_form_context(form),
    )


def _certificate_form(data: FormData | None) -> CertificateForm:
    return CertificateForm(data, kinds=choices(CertificateKind))


def _relation_form(data: FormData | None) -> RelationForm:
    return RelationForm(data, kinds=choices(ControlKind), sizes=choices(SizeClass))


def _invitation_form(data: FormData | None) -> InvitationForm:
    return InvitationForm(data, roles=choices(MembershipRole))


async def _own_page(
    request: WebRequest,
    session: DbSession,
    actor: Acting,
    *,
    status: int = 200,
    certificate_form: CertificateForm | None = None,
    submission_form: SubmissionForm | None = None,
    document_errors: list[Any] | None = None,
) -> Template:
    organization = await _own(session, actor)
    documents = await attachments_of(session, service.SUBJECT, organization.id)
    return render(
        request,
        "organizations/show.html",
        status=status,
        organization=organization,
        decision=decision_of(organization),
        documents=documents,
        removable={item.id for item in documents if policies.may_remove_document(actor, organization, item)},
        naming=await queries.relations_naming(session, organization.id),
        may_edit=policies.may_edit(actor, organization.id),
        certificate_form=certificate_form or _certificate_form(None),
        submission_form=submission_form or SubmissionForm(),
        document_errors=document_errors or [],
        today=shanghai_today(),
    )


async def _relation_page(
    request: WebRequest,
    session: DbSession,
    actor: Acting,
    form: RelationForm,
    *,
    text: str = "",
    status: int = 200,
) -> Template:
    organization = await _own(session, actor)
    found = await queries.search_organizations(session, text[:100], excluded=organization.id)
    return render(
        request,
        "organizations/relation.html",
        status=status,
        organization=organization,
        form=form,
        text=text.strip(),
        organizations=found,
        chosen=form.controller_id.data or "",
    )


async def _people_page(
    request: WebRequest, session: DbSession, actor: Acting, form: InvitationForm, status: int = 200
) -> Template:
    organization = await _own(session, actor)
    may_manage = policies.may_manage_people(actor, organization.id)
    return render(
        request,
        "organizations/people.html",
        status=status,
        organization=organization,
        form=form,
        roles=choices(MembershipRole),
        may_manage=may_manage,
        invitations=await queries.open_invitations(session, organization.id, utc_now()) if may_manage else [],
    )


async def _invitation(session: DbSession, token: str) -> Invitation:
    invitation = await queries.usable_invitation(session, token_hash(token), utc_now())
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
