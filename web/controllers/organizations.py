"""An organization's own pages: facts, evidence, relations, history."""

import uuid
from typing import Any

from litestar import Controller, Response, get, post
from litestar.response import Template

from core.attachments import attachments_of
from core.audit import entries_of
from core.database import database_today
from core.errors import InvalidError
from core.i18n import gettext
from core.i18n import lazy_gettext as _
from solvers.models import CertificateKind, ControlKind, Organization, SizeClass
from solvers.organizations import policies, queries, service
from solvers.organizations.forms import (
    CertificateForm,
    OrganizationForm,
    RelationForm,
    SubmissionForm,
)
from web.dependencies import Acting, Config, DbSession, FromPath, FromQuery, WebRequest
from web.guards import Access
from web.labels import choices
from web.organization_history import action_text, change_lines
from web.own_organization import own_organization
from web.requests import UPLOAD_BODY_LIMIT, FormData, form_data, uploaded_files
from web.size_view import decision_of, size_context
from web.templating import is_htmx, redirect, render


class OrganizationController(Controller):
    @get("/organization", opt={"access": Access.MEMBER})
    async def show(self, request: WebRequest, session: DbSession, actor: Acting) -> Template:
        return await _own_page(request, session, actor)

    @get("/organization/edit", opt={"access": Access.EDITOR})
    async def edit_form(self, request: WebRequest, session: DbSession, actor: Acting) -> Template:
        organization = await own_organization(session, actor)
        return _edit_page(request, organization, OrganizationForm.of(organization))

    @post("/organization/edit", opt={"access": Access.EDITOR}, status_code=200)
    async def edit(self, request: WebRequest, session: DbSession, actor: Acting) -> Template | Response[Any]:
        organization = await own_organization(session, actor)
        was_verified = organization.is_verified
        form = OrganizationForm(await form_data(request))
        if not form.validate():
            return _edit_page(request, organization, form, status=422)
        try:
            async with session.begin_nested():
                organization = await service.change_facts(session, actor, organization.id, form.facts())
        except InvalidError as error:
            form.add_errors(error.errors)
            return _edit_page(request, await own_organization(session, actor), form, status=422)
        return redirect(request, "/organization", flash=_saved(organization, was_verified))

    @post("/organization/certificates", opt={"access": Access.EDITOR}, status_code=200)
    async def add_certificate(
        self, request: WebRequest, session: DbSession, actor: Acting
    ) -> Template | Response[Any]:
        organization = await own_organization(session, actor)
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
            request,
            "/organization#certificates",
            flash=_saved(await own_organization(session, actor), was_verified),
        )

    @post(
        "/organization/certificates/{certificate_id:uuid}/remove",
        opt={"access": Access.EDITOR},
        status_code=200,
    )
    async def remove_certificate(
        self, request: WebRequest, session: DbSession, actor: Acting, certificate_id: FromPath[uuid.UUID]
    ) -> Response[Any]:
        organization = await own_organization(session, actor)
        await service.remove_certificate(session, actor, organization.id, certificate_id)
        return redirect(request, "/organization#certificates", flash=gettext("The certificate was removed."))

    @get("/organization/relations/new", opt={"access": Access.EDITOR})
    async def relation_form(
        self, request: WebRequest, session: DbSession, actor: Acting, q: FromQuery[str] = ""
    ) -> Template:
        organization = await own_organization(session, actor)
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
        organization = await own_organization(session, actor)
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
            request,
            "/organization#relations",
            flash=_saved(await own_organization(session, actor), was_verified),
        )

    @post("/organization/relations/{relation_id:uuid}/remove", opt={"access": Access.EDITOR}, status_code=200)
    async def remove_relation(
        self, request: WebRequest, session: DbSession, actor: Acting, relation_id: FromPath[uuid.UUID]
    ) -> Response[Any]:
        organization = await own_organization(session, actor)
        was_verified = organization.is_verified
        await service.remove_relation(session, actor, organization.id, relation_id)
        return redirect(
            request,
            "/organization#relations",
            flash=_saved(await own_organization(session, actor), was_verified),
        )

    @post(
        "/organization/documents",
        opt={"access": Access.EDITOR},
        status_code=200,
        request_max_body_size=UPLOAD_BODY_LIMIT,
    )
    async def add_document(
        self, request: WebRequest, session: DbSession, settings: Config, actor: Acting
    ) -> Template | Response[Any]:
        organization = await own_organization(session, actor)
        uploads = await uploaded_files(request)
        try:
            async with session.begin_nested():
                for upload in uploads:
                    await service.add_document(
                        session,
                        settings,
                        actor,
                        organization.id,
                        name=upload.name,
                        content=upload.content,
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
        organization = await own_organization(session, actor)
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

    @get("/organization/history", opt={"access": Access.MEMBER})
    async def history(self, request: WebRequest, session: DbSession, actor: Acting) -> Template:
        organization = await own_organization(session, actor)
        entries = await entries_of(session, service.SUBJECT, organization.id)
        return render(
            request,
            "organizations/history.html",
            organization=organization,
            entries=entries,
            action_text=action_text,
            change_lines=change_lines,
        )


def _saved(organization: Organization, was_verified: bool) -> str:
    if was_verified and not organization.is_verified:
        return gettext("Saved. Because verified facts have changed, an administrator looks at them again.")
    return gettext("Saved.")


def _edit_page(
    request: WebRequest, organization: Organization, form: OrganizationForm, status: int = 200
) -> Template:
    return render(
        request,
        "organizations/edit.html",
        status=status,
        organization=organization,
        **size_context(form),
    )


def _certificate_form(data: FormData | None) -> CertificateForm:
    return CertificateForm(data, kinds=choices(CertificateKind))


def _relation_form(data: FormData | None) -> RelationForm:
    return RelationForm(data, kinds=choices(ControlKind), sizes=choices(SizeClass))


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
    organization = await own_organization(session, actor)
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
        today=await database_today(session),
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
    organization = await own_organization(session, actor)
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
