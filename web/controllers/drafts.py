"""Writing a challenge: begin a draft, save it while typing, its rows and files, and hand it in."""

import uuid
from typing import Any

from litestar import Controller, Response, get, post
from litestar.response import Template

from challenges.models import Challenge, Cooperation, NeedSource
from challenges.postings import policies, queries, search, service
from challenges.postings.forms import (
    PUBLIC,
    ChallengeForm,
    field_values,
    typed_draft,
)
from challenges.programs import queries as program_queries
from challenges.programs.models import Round
from core.attachments import attachments_of
from core.database import database_time, database_today
from core.errors import InvalidError, StaleError
from core.i18n import gettext
from solvers.fields import subfield_choices
from solvers.organizations.models import CertificateKind, Organization
from solvers.organizations.queries import search_organizations
from web.dependencies import Acting, Config, DbSession, FromPath, WebRequest
from web.guards import Access
from web.labels import choices
from web.requests import UPLOAD_BODY_LIMIT, FormData, as_uuid, form_data, uploaded_file
from web.self_saving import Draft, answer_saved, answer_stale, revision_of
from web.templating import is_htmx, redirect, render


class DraftController(Controller):
    path = "/challenges"

    @get("/new", opt={"access": Access.EDITOR})
    async def new(self, request: WebRequest, session: DbSession, actor: Acting) -> Template:
        return await _new_page(request, session, actor)

    @post("/new", opt={"access": Access.EDITOR}, status_code=200)
    async def create(
        self, request: WebRequest, session: DbSession, actor: Acting
    ) -> Template | Response[Any]:
        data = await form_data(request)
        challenge = await service.create_draft(
            session, actor, title=data.get("title"), round_id=as_uuid(data.get("round_id"))
        )
        return redirect(request, f"/challenges/{challenge.id}/edit")

    @get("/{challenge_id:uuid}/edit", opt={"access": Access.EDITOR})
    async def edit(
        self, request: WebRequest, session: DbSession, actor: Acting, challenge_id: FromPath[uuid.UUID]
    ) -> Template:
        challenge = await service.editable_challenge(session, actor, challenge_id)
        form = await _challenge_form(session, challenge, field_values(challenge))
        # Messages for what cannot be read; what is merely missing is said at submission.
        form.validate()
        return await _edit_page(request, session, actor, challenge, form)

    @post("/{challenge_id:uuid}/edit", opt={"access": Access.EDITOR}, status_code=200)
    async def save(
        self, request: WebRequest, session: DbSession, actor: Acting, challenge_id: FromPath[uuid.UUID]
    ) -> Template | Response[Any]:
        """Save, and obey the button that was pressed: rows, the search for organizations, nothing else."""
        data = await form_data(request)
        challenge = await service.editable_challenge(session, actor, challenge_id)
        form = await _challenge_form(session, challenge, data)
        form.validate()
        command = data.get("do")
        try:
            challenge = await service.save_draft(
                session,
                actor,
                challenge_id,
                service.arranged(typed_draft(form), command),
                revision=revision_of(data),
            )
        except StaleError as error:
            return await _edit_page(
                request, session, actor, challenge, form, status=409, stale=error, data=data
            )
        verb = command.partition(":")[0]
        if is_htmx(request) and verb in {"add", "remove", "up", "down"}:
            form = await _challenge_form(session, challenge, field_values(challenge))
            form.validate()
            return render(
                request,
                "challenges/_requirements.html",
                headers={"HX-Trigger": "draft-saved"},
                form=form,
                address=f"/challenges/{challenge_id}/edit",
                draft=_draft(challenge),
                saved_at=await database_time(session),
                swap_revision=True,
            )
        if verb == "find":
            form = await _challenge_form(session, challenge, field_values(challenge))
            form.validate()
            return await _edit_page(request, session, actor, challenge, form, data=data)
        anchor = "#requirements" if verb in {"add", "remove", "up", "down"} else ""
        message = None if anchor else gettext("The draft was saved.")
        return redirect(request, f"/challenges/{challenge_id}/edit{anchor}", flash=message)

    @post("/{challenge_id:uuid}/autosave", opt={"access": Access.EDITOR}, status_code=200)
    async def autosave(
        self, request: WebRequest, session: DbSession, actor: Acting, challenge_id: FromPath[uuid.UUID]
    ) -> Template:
        data = await form_data(request)
        challenge = await service.editable_challenge(session, actor, challenge_id)
        form = await _challenge_form(session, challenge, data)
        form.validate()
        try:
            challenge = await service.save_draft(
                session, actor, challenge_id, typed_draft(form), revision=revision_of(data)
            )
        except StaleError as error:
            return answer_stale(request, _draft(challenge), error)
        return answer_saved(request, _draft(challenge))

    @get("/{challenge_id:uuid}/similar", opt={"access": Access.EDITOR})
    async def similar(
        self, request: WebRequest, session: DbSession, actor: Acting, challenge_id: FromPath[uuid.UUID]
    ) -> Template:
        challenge = await service.editable_challenge(session, actor, challenge_id)
        return render(
            request,
            "challenges/_similar.html",
            challenge=challenge,
            similar=await search.similar_challenges(session, actor, challenge),
        )

    @get("/{challenge_id:uuid}/invitees", opt={"access": Access.EDITOR})
    async def invitees(
        self, request: WebRequest, session: DbSession, actor: Acting, challenge_id: FromPath[uuid.UUID]
    ) -> Template:
        """Organizations to tick, beside those ticked already: what the field's search shows."""
        challenge = await service.editable_challenge(session, actor, challenge_id)
        asked = request.query_params
        chosen = [key for key in map(as_uuid, asked.getall("invited", [])) if key is not None]
        return render(
            request,
            "challenges/_invitees.html",
            challenge=challenge,
            **await _invitees(session, challenge, chosen, asked.get("invitee", "")),
        )

    @post(
        "/{challenge_id:uuid}/attachments",
        opt={"access": Access.EDITOR},
        status_code=200,
        request_max_body_size=UPLOAD_BODY_LIMIT,
    )
    async def attach(
        self,
        request: WebRequest,
        session: DbSession,
        settings: Config,
        actor: Acting,
        challenge_id: FromPath[uuid.UUID],
    ) -> Template | Response[Any]:
        upload = await uploaded_file(request)
        try:
            async with session.begin_nested():
                await service.attach_file(
                    session,
                    settings,
                    actor,
                    challenge_id,
                    name=upload.name,
                    content=upload.content,
                )
        except InvalidError as error:
            return await _files(request, session, actor, challenge_id, str(error.errors["file"]))
        if is_htmx(request):
            return await _files(request, session, actor, challenge_id, "")
        return redirect(
            request, f"/challenges/{challenge_id}/edit#files", flash=gettext("The file was added.")
        )

    @post("/{challenge_id:uuid}/submit", opt={"access": Access.EDITOR}, status_code=200)
    async def submit(
        self,
        request: WebRequest,
        session: DbSession,
        actor: Acting,
        challenge_id: FromPath[uuid.UUID],
    ) -> Template | Response[Any]:
        """Save what the form holds, then hand it in; where something lacks, the draft is saved all the same."""
        data = await form_data(request)
        challenge = await service.editable_challenge(session, actor, challenge_id)
        form = await _challenge_form(session, challenge, data)
        form.validate()
        try:
            challenge = await service.save_draft(
                session, actor, challenge_id, typed_draft(form), revision=revision_of(data)
            )
        except StaleError as error:
            return await _edit_page(
                request, session, actor, challenge, form, status=409, stale=error, data=data
            )
        try:
            async with session.begin_nested():
                await service.submit_challenge(session, actor, challenge_id)
        except InvalidError as error:
            form = await _challenge_form(session, challenge, field_values(challenge))
            form.validate()
            unreadable = {name for name in error.errors if form.has_message(name)}
            form.add_errors({name: text for name, text in error.errors.items() if name not in unreadable})
            return await _edit_page(request, session, actor, challenge, form, status=422, submitted=True)
        message = gettext("The challenge was submitted. An officer of the program will look at it.")
        return redirect(request, f"/challenges/{challenge_id}", flash=message)


async def _new_page(request: WebRequest, session: DbSession, actor: Acting) -> Template:
    organization = await service.own_organization(session, actor)
    programs = await program_queries.programs(session)
    return render(
        request,
        "challenges/new.html",
        organization=organization,
        may_post=organization is not None and policies.may_post(actor, organization, programs),
        rounds=_round_groups(await program_queries.rounds_open_on(session, await database_today(session))),
    )


def _round_groups(rounds: list[Round]) -> dict[str, list[tuple[str, str]]]:
    """Program name and the choices of its open rounds."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for item in rounds:
        text = gettext("%(name)s (until %(day)s)", name=item.name, day=item.closes_on.isoformat())
        groups.setdefault(item.program.name, []).append((str(item.id), text))
    return groups


async def _challenge_form(session: DbSession, challenge: Challenge, data: Any) -> ChallengeForm:
    form = ChallengeForm()
    blank = ("", "–")
    rounds = _round_groups(await program_queries.rounds_open_on(session, await database_today(session)))
    known = {value for group in rounds.values() for value, _text in group}
    if challenge.round is not None and challenge.program is not None and str(challenge.round.id) not in known:
        # A round that has closed meanwhile stays visible; submission says that it must be changed.
        closed = gettext("%(name)s (closed)", name=challenge.round.name)
        rounds.setdefault(challenge.program.name, []).append((str(challenge.round.id), closed))
    form.round_id.choices = {"": [blank], **rounds}
    form.subfield_code.choices = {"": [blank], **dict(subfield_choices())}
    form.need_source.choices = [blank, *choices(NeedSource)]
    form.cooperation.choices = [blank, *choices(Cooperation)]
    form.allowed_certificates.choices = choices(CertificateKind)
    form.process(data)
    if form.visibility.data is None:
        form.visibility.data = PUBLIC
    return form


def _draft(challenge: Challenge, revision: int | None = None) -> Draft:
    address = f"/challenges/{challenge.id}/edit"
    return Draft(address, gettext("Save"), challenge.revision if revision is None else revision)


async def _edit_page(
    request: WebRequest,
    session: DbSession,
    actor: Acting,
    challenge: Challenge,
    form: ChallengeForm,
    *,
    status: int = 200,
    submitted: bool = False,
    stale: StaleError | None = None,
    data: FormData | None = None,
    file_error: str = "",
) -> Template:
    chosen = [key for key in map(as_uuid, form.invited.data or []) if key is not None]
    return render(
        request,
        "challenges/edit.html",
        status=status,
        challenge=challenge,
        form=form,
        submitted=submitted,
        stale=stale,
        # A stale form keeps the revision it was opened with: saving it over the other takes a decision.
        draft=_draft(challenge, revision_of(data) if stale and data else None),
        saved_at=challenge.updated_at,
        swap_revision=False,
        similar=await search.similar_challenges(session, actor, challenge),
        files=await attachments_of(session, service.SUBJECT, challenge.id),
        file_error=file_error,
        **await _invitees(session, challenge, chosen, data.get("invitee") if data else ""),
    )


async def _files(
    request: WebRequest, session: DbSession, actor: Acting, challenge_id: uuid.UUID, error: str
) -> Template:
    challenge = await service.editable_challenge(session, actor, challenge_id)
    if error and not is_htmx(request):
        form = await _challenge_form(session, challenge, field_values(challenge))
        return await _edit_page(request, session, actor, challenge, form, status=422, file_error=error)
    return render(
        request,
        "challenges/_files.html",
        status=422 if error else 200,
        challenge=challenge,
        files=await attachments_of(session, service.SUBJECT, challenge_id),
        file_error=error,
    )


async def _invitees(
    session: DbSession, challenge: Challenge, chosen: list[uuid.UUID], text: str
) -> dict[str, Any]:
    found: list[Organization] = await search_organizations(
        session, text, excluded=challenge.organization_id, limit=10
    )
    return {
        "invitee": text,
        "invited": await queries.organizations_by_ids(session, chosen),
        "found": [item for item in found if item.id not in chosen],
    }
