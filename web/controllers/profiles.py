"""The editor of one's own organization's capability profile."""

import uuid
from typing import Any

from litestar import Controller, Response, get, post
from litestar.response import Template
from sqlalchemy.ext.asyncio import AsyncSession

from challenges.indexes import terms_of_text
from challenges.matches.service import queue_matches_after_profile_change
from core.accounts.models import PlatformRole
from core.actor import Actor
from core.database import database_today
from core.errors import InvalidError, NotFoundError
from core.i18n import gettext
from solvers.fields import FIELDS
from solvers.models import EvidenceItem, EvidenceKind
from solvers.profiles import queries, service
from solvers.profiles.completeness import assess
from solvers.profiles.forms import EvidenceForm, ProfileForm
from web.controllers.solvers import organization_page
from web.dependencies import Acting, DbSession, FromPath, FromQuery, WebRequest
from web.guards import Access
from web.labels import choices
from web.requests import form_data
from web.templating import is_htmx, redirect, render

# Somebody else's eyes for the preview. The organization is nobody's: it only has to differ from one's own.
READERS = {
    "public": Actor(),
    "verified": Actor(organization_id=uuid.UUID(int=0), organization_verified=True),
    "officer": Actor(roles=frozenset({PlatformRole.OFFICER})),
}


class ProfileController(Controller):
    path = "/organization/profile"

    @get("/", opt={"access": Access.EDITOR})
    async def editor(self, request: WebRequest, session: DbSession, actor: Acting) -> Template:
        profile = await queries.profile_of(session, _own(actor))
        return await _editor_page(request, session, actor, ProfileForm.of(profile))

    @post("/", opt={"access": Access.EDITOR}, status_code=200)
    async def save(self, request: WebRequest, session: DbSession, actor: Acting) -> Template | Response[Any]:
        form = ProfileForm(await form_data(request))
        if not form.validate():
            return await _editor_page(request, session, actor, form, status=422)
        try:
            async with session.begin_nested():
                await service.save_profile(
                    session, actor, _own(actor), form.profile_data(), tokenize=terms_of_text
                )
        except InvalidError as error:
            form.add_errors(error.errors)
            return await _editor_page(request, session, actor, form, status=422)
        await queue_matches_after_profile_change(session, _own(actor))
        return redirect(request, "/organization/profile", flash=gettext("The profile was saved."))

    @get("/preview", opt={"access": Access.EDITOR})
    async def preview(
        self, request: WebRequest, session: DbSession, actor: Acting, reader: FromQuery[str] = "public"
    ) -> Template:
        """The organization's page as somebody else sees it."""
        if reader not in READERS:
            raise NotFoundError(gettext("There is nothing at this address."))
        organization = await queries.organization_with_profile(session, _own(actor))
        if organization is None:
            raise NotFoundError(gettext("There is no such organization."))
        page = await organization_page(organization, READERS[reader], "", await database_today(session))
        return render(request, "profiles/preview.html", page=page, reader=reader, text="")

    @get("/evidence/new", opt={"access": Access.EDITOR})
    async def new_evidence(self, request: WebRequest, actor: Acting) -> Template:
        return _evidence_form(request, EvidenceForm(kinds=choices(EvidenceKind)), None)

    @post("/evidence", opt={"access": Access.EDITOR}, status_code=200)
    async def add_evidence(
        self, request: WebRequest, session: DbSession, actor: Acting
    ) -> Template | Response[Any]:
        return await _save_evidence(request, session, actor, None)

    @get("/evidence/{evidence_id:uuid}", opt={"access": Access.EDITOR})
    async def show_evidence(
        self, request: WebRequest, session: DbSession, actor: Acting, evidence_id: FromPath[uuid.UUID]
    ) -> Template | Response[Any]:
        """One item of the list: where an edit that is given up leads back to."""
        item = await _own_item(session, actor, evidence_id)
        if not is_htmx(request):
            return redirect(request, f"/organization/profile#evidence-{item.id}")
        return render(request, "profiles/_evidence_item.html", item=item)

    @get("/evidence/{evidence_id:uuid}/edit", opt={"access": Access.EDITOR})
    async def edit_evidence(
        self, request: WebRequest, session: DbSession, actor: Acting, evidence_id: FromPath[uuid.UUID]
    ) -> Template:
        item = await _own_item(session, actor, evidence_id)
        return _evidence_form(request, EvidenceForm.of(item, kinds=choices(EvidenceKind)), item.id)

    @post("/evidence/{evidence_id:uuid}", opt={"access": Access.EDITOR}, status_code=200)
    async def save_evidence(
        self, request: WebRequest, session: DbSession, actor: Acting, evidence_id: FromPath[uuid.UUID]
    ) -> Template | Response[Any]:
        await _own_item(session, actor, evidence_id)
        return await _save_evidence(request, session, actor, evidence_id)

    @post("/evidence/{evidence_id:uuid}/delete", opt={"access": Access.EDITOR}, status_code=200)
    async def delete_evidence(
        self, request: WebRequest, session: DbSession, actor: Acting, evidence_id: FromPath[uuid.UUID]
    ) -> Template | Response[Any]:
        profile = await service.delete_evidence(session, actor, _own(actor), evidence_id)
        await queue_matches_after_profile_change(session, _own(actor))
        if not is_htmx(request):
            flash = gettext("The evidence item was deleted.")
            return redirect(request, "/organization/profile#evidence", flash=flash)
        return render(request, "profiles/_evidence_saved.html", item=None, completeness=assess(profile))


def _own(actor: Actor) -> uuid.UUID:
    assert actor.organization_id is not None  # Access.EDITOR
    return actor.organization_id


async def _own_item(session: AsyncSession, actor: Actor, evidence_id: uuid.UUID) -> EvidenceItem:
    item = await queries.evidence_item(session, _own(actor), evidence_id)
    if item is None:
        raise NotFoundError(gettext("There is no such evidence item; perhaps it was deleted meanwhile."))
    return item


async def _editor_page(
    request: WebRequest, session: AsyncSession, actor: Actor, form: ProfileForm, status: int = 200
) -> Template:
    profile = await queries.profile_of(session, _own(actor))
    return render(
        request,
        "profiles/editor.html",
        status=status,
        form=form,
        evidence=profile.evidence if profile else [],
        completeness=assess(profile),
        fields=FIELDS,
    )


def _evidence_form(
    request: WebRequest, form: EvidenceForm, evidence_id: uuid.UUID | None, status: int = 200
) -> Template:
    template = "profiles/_evidence_form.html" if is_htmx(request) else "profiles/evidence.html"
    return render(request, template, status=status, form=form, evidence_id=evidence_id)


async def _save_evidence(
    request: WebRequest, session: AsyncSession, actor: Actor, evidence_id: uuid.UUID | None
) -> Template | Response[Any]:
    form = EvidenceForm(await form_data(request), kinds=choices(EvidenceKind))
    if not form.validate():
        return _evidence_form(request, form, evidence_id, status=422)
    try:
        async with session.begin_nested():
            item = await service.save_evidence(
                session,
                actor,
                _own(actor),
                form.evidence_data(),
                tokenize=terms_of_text,
                evidence_id=evidence_id,
            )
    except InvalidError as error:
        form.add_errors(error.errors)
        return _evidence_form(request, form, evidence_id, status=422)
    await queue_matches_after_profile_change(session, _own(actor))
    if not is_htmx(request):
        flash = gettext("The evidence item was saved.")
        return redirect(request, f"/organization/profile#evidence-{item.id}", flash=flash)
    profile = await queries.profile_of(session, _own(actor))
    return render(request, "profiles/_evidence_saved.html", item=item, completeness=assess(profile))
