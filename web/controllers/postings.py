"""Challenges as people read them: the public list, the page of one, and one's own organization's."""

import uuid
from typing import Any

from litestar import Controller, Response, get, post
from litestar.response import Template

from challenges.consortia.queries import awards_of
from challenges.early_ends import declare_no_award, withdraw_challenge
from challenges.models import Challenge, ChallengeState
from challenges.postings import policies, queries, screening, service, states
from challenges.postings.list_queries import LISTED_STATES, ChallengeFilters, Deadline, Sort
from challenges.postings.search import find_challenges, suggestions_for
from challenges.programs import queries as program_queries
from challenges.programs.policies import rule_of_day
from core.attachments import attachments_of
from core.audit import entries_of
from core.clock import to_shanghai
from core.database import database_time, database_today
from core.errors import InvalidError
from core.i18n import gettext
from solvers.fields import FIELDS
from solvers.organizations.models import CertificateKind
from solvers.regions import PROVINCES
from web.challenge_filters import PARAMETERS, address_of, asked_filters, chips_of, deadline_text, member_of
from web.challenge_places import panels_of, places_of
from web.decision_view import waiver_view
from web.dependencies import Acting, DbSession, FromPath, WebRequest
from web.guards import Access
from web.history import history_of
from web.labels import label
from web.paging import PER_PAGE, Page, page_number
from web.requests import as_moment, form_data
from web.templating import is_htmx, redirect, render

# Groups of one's own challenges, what waits for the reader first.
OWN_GROUPS = (
    (ChallengeState.RETURNED, ChallengeState.DRAFT),
    (ChallengeState.SUBMITTED,),
    (
        ChallengeState.PUBLISHED,
        ChallengeState.CLOSED,
        ChallengeState.IN_REVIEW,
        ChallengeState.MATCH_PROPOSED,
        ChallengeState.AWARDED,
        ChallengeState.IN_NOTICE,
        ChallengeState.CONTRACTED,
        ChallengeState.IN_PROGRESS,
    ),
    (
        ChallengeState.ACCEPTED,
        ChallengeState.FAILED,
        ChallengeState.NO_AWARD,
        ChallengeState.WITHDRAWN,
    ),
)


class ChallengeController(Controller):
    @get("/challenges", opt={"access": Access.PUBLIC})
    async def index(self, request: WebRequest, session: DbSession, actor: Acting) -> Template:
        asked = {name: request.query_params.get(name, "").strip() for name in PARAMETERS}
        filters = asked_filters(asked)
        sort = member_of(Sort, asked["sort"]) or (Sort.RELEVANCE if filters.text else Sort.NEWEST)
        if sort is Sort.RELEVANCE and not filters.text:
            sort = Sort.NEWEST
        number = page_number(request.query_params.get("page"))
        found = await find_challenges(
            session, actor, filters, sort=sort, limit=PER_PAGE, offset=Page(number, 0).offset
        )
        programs = await program_queries.programs(session)
        parameters = address_of(filters, asked["sort"] if sort.value == asked["sort"] else "")
        return render(
            request,
            "challenges/_list.html" if is_htmx(request) else "challenges/index.html",
            found=found,
            page=Page(number, found.total),
            parameters=parameters,
            filters=filters,
            suggestions=await suggestions_for(session, actor, filters.text),
            sort=sort,
            sorts=_sorts(filters),
            facets=_facets(filters, found.facets, programs),
            chips=chips_of(filters, parameters, programs),
            saved=await queries.saved_among(
                session, actor.person_id, [challenge.id for challenge in found.challenges]
            ),
            swap_facets=is_htmx(request),
        )

    @get("/challenges/{challenge_id:uuid}", opt={"access": Access.PUBLIC})
    async def show(
        self, request: WebRequest, session: DbSession, actor: Acting, challenge_id: FromPath[uuid.UUID]
    ) -> Template:
        challenge = await service.read_challenge(session, actor, challenge_id)
        return await _challenge_page(request, session, actor, challenge)

    @get("/my/challenges", opt={"access": Access.MEMBER})
    async def own(self, request: WebRequest, session: DbSession, actor: Acting) -> Template:
        assert actor.organization_id is not None
        challenges = await queries.challenges_of_organization(session, actor.organization_id)
        organization = await service.own_organization(session, actor)
        titles = (
            gettext("To be finished"),
            gettext("In screening"),
            gettext("Running"),
            gettext("Ended"),
        )
        return render(
            request,
            "challenges/own.html",
            groups=[
                (title, [item for item in challenges if item.state in group])
                for title, group in zip(titles, OWN_GROUPS, strict=True)
            ],
            total=len(challenges),
            may_post=organization is not None
            and policies.may_post(actor, organization, await program_queries.programs(session)),
        )

    @post("/challenges/{challenge_id:uuid}/publish", opt={"access": Access.OFFICER}, status_code=200)
    async def publish(
        self,
        request: WebRequest,
        session: DbSession,
        actor: Acting,
        challenge_id: FromPath[uuid.UUID],
    ) -> Template | Response[Any]:
        try:
            async with session.begin_nested():
                await screening.publish_challenge(session, actor, challenge_id)
        except InvalidError as error:
            challenge = await service.read_challenge(session, actor, challenge_id)
            return await _challenge_page(
                request, session, actor, challenge, status=422, problems=list(error.errors.values())
            )
        return redirect(
            request,
            f"/challenges/{challenge_id}",
            flash=gettext("The challenge is on the list. Solvers are being ranked."),
        )

    @post("/challenges/{challenge_id:uuid}/publication", opt={"access": Access.OFFICER}, status_code=200)
    async def plan_publication(
        self,
        request: WebRequest,
        session: DbSession,
        actor: Acting,
        challenge_id: FromPath[uuid.UUID],
    ) -> Template | Response[Any]:
        data = await form_data(request)
        cancel = bool(data.get("cancel"))
        try:
            async with session.begin_nested():
                await screening.plan_publication(
                    session, actor, challenge_id, as_moment(data.get("publish_at")), cancel=cancel
                )
        except InvalidError as error:
            challenge = await service.read_challenge(session, actor, challenge_id)
            return await _challenge_page(
                request, session, actor, challenge, status=422, problems=list(error.errors.values())
            )
        return redirect(
            request,
            f"/challenges/{challenge_id}",
            flash=gettext("The planned publication was cancelled.")
            if cancel
            else gettext("The challenge will be published by itself at that time."),
        )

    @post("/challenges/{challenge_id:uuid}/return", opt={"access": Access.OFFICER}, status_code=200)
    async def send_back(
        self,
        request: WebRequest,
        session: DbSession,
        actor: Acting,
        challenge_id: FromPath[uuid.UUID],
    ) -> Template | Response[Any]:
        return await _with_note(
            request,
            session,
            actor,
            challenge_id,
            "return",
            screening.return_challenge,
            gettext("The challenge was returned with your comments."),
        )

    @post("/challenges/{challenge_id:uuid}/withdraw", opt={"access": Access.PERSON}, status_code=200)
    async def withdraw(
        self,
        request: WebRequest,
        session: DbSession,
        actor: Acting,
        challenge_id: FromPath[uuid.UUID],
    ) -> Template | Response[Any]:
        return await _with_note(
            request,
            session,
            actor,
            challenge_id,
            "withdraw",
            withdraw_challenge,
            gettext("The challenge was withdrawn."),
        )

    @post("/challenges/{challenge_id:uuid}/no-award", opt={"access": Access.OFFICER}, status_code=200)
    async def no_award(
        self,
        request: WebRequest,
        session: DbSession,
        actor: Acting,
        challenge_id: FromPath[uuid.UUID],
    ) -> Template | Response[Any]:
        return await _with_note(
            request,
            session,
            actor,
            challenge_id,
            "no-award",
            declare_no_award,
            gettext("The challenge has ended without an award."),
        )


async def _with_note(
    request: WebRequest,
    session: DbSession,
    actor: Acting,
    challenge_id: uuid.UUID,
    step: str,
    take_step: Any,
    message: str,
) -> Template | Response[Any]:
    """A step with a reason; without one the page comes back with the message at its field."""
    note = (await form_data(request)).get("note")
    try:
        async with session.begin_nested():
            await take_step(session, actor, challenge_id, note=note)
    except InvalidError as error:
        challenge = await service.read_challenge(session, actor, challenge_id)
        return await _challenge_page(
            request, session, actor, challenge, status=422, failed_step=(step, str(error.errors["note"]))
        )
    return redirect(request, f"/challenges/{challenge_id}", flash=message)


async def _challenge_page(
    request: WebRequest,
    session: DbSession,
    actor: Acting,
    challenge: Challenge,
    *,
    status: int = 200,
    problems: list[Any] | None = None,
    failed_step: tuple[str, str] | None = None,
) -> Template:
    moves = states.possible_moves(actor, challenge)
    awards = await awards_of(session, challenge.id) if challenge.state in policies.AWARDED_OR_LATER else []
    rule_day = (
        to_shanghai(challenge.published_at).date()
        if challenge.published_at
        else await database_today(session)
    )
    may_see_history = policies.may_see_history(actor, challenge)
    return render(
        request,
        "challenges/show.html",
        status=status,
        challenge=challenge,
        is_open=policies.is_open_for_bids(challenge, await database_time(session)),
        is_poster=policies.is_poster(actor, challenge),
        is_officer=policies.is_officer_in_charge(actor, challenge),
        may_edit=policies.may_edit_challenge(actor, challenge),
        may_screen=policies.may_screen(actor, challenge),
        may_see_candidates=policies.may_see_candidates(actor, challenge),
        may_withdraw=ChallengeState.WITHDRAWN in moves,
        may_declare_no_award=ChallengeState.NO_AWARD in moves,
        rule=rule_of_day(challenge.program, rule_day) if challenge.program else None,
        certificate_texts=[label(CertificateKind(value)) for value in challenge.allowed_certificates],
        files=await attachments_of(session, service.SUBJECT, challenge.id),
        saved=bool(await queries.saved_among(session, actor.person_id, [challenge.id])),
        history=history_of(await entries_of(session, service.SUBJECT, challenge.id))
        if may_see_history
        else [],
        waivers=[waiver for award in awards if (waiver := waiver_view(award)) is not None],
        places=await places_of(session, actor, challenge),
        panels=await panels_of(session, actor, challenge),
        problems=problems or [],
        failed_step=failed_step,
    )


def _sorts(filters: ChallengeFilters) -> list[tuple[Sort, str]]:
    texts = {
        Sort.RELEVANCE: gettext("Relevance"),
        Sort.NEWEST: gettext("Newest first"),
        Sort.DEADLINE: gettext("Nearest deadline"),
        Sort.BUDGET: gettext("Largest budget"),
    }
    return [(sort, text) for sort, text in texts.items() if filters.text or sort is not Sort.RELEVANCE]


def _facets(filters: ChallengeFilters, facets: Any, programs: list[Any]) -> list[dict[str, Any]]:
    """Groups of choices: title, and for each its parameters, text, count, whether it is chosen, and its level."""

    def choice(text: str, count: int, chosen: bool, level: int = 0, **parameters: Any) -> dict[str, Any]:
        return {"text": text, "count": count, "chosen": chosen, "level": level, "parameters": parameters}

    fields: list[dict[str, Any]] = []
    for field in FIELDS:
        chosen = filters.field == field.code
        if not facets.fields.get(field.code) and not chosen:
            continue
        fields.append(
            choice(
                field.name,
                facets.fields.get(field.code, 0),
                chosen and not filters.subfield,
                field=None if chosen and not filters.subfield else field.code,
                subfield=None,
            )
        )
        if chosen:
            fields.extend(
                choice(
                    item.name,
                    facets.subfields.get(item.code, 0),
                    filters.subfield == item.code,
                    1,
                    field=field.code if filters.subfield == item.code else None,
                    subfield=None if filters.subfield == item.code else item.code,
                )
                for item in field.subfields
                if facets.subfields.get(item.code) or filters.subfield == item.code
            )
    chosen_program = filters.program_id
    return [
        {
            "title": gettext("Deadline"),
            "choices": [
                choice(
                    deadline_text(item),
                    facets.deadlines[item],
                    filters.deadline is item,
                    deadline=None if filters.deadline is item else item.value,
                )
                for item in Deadline
            ],
        },
        {"title": gettext("Technology field"), "choices": fields},
        {
            "title": gettext("Program"),
            "choices": [
                choice(
                    item.name,
                    facets.programs.get(item.id, 0),
                    chosen_program == item.id,
                    program=None if chosen_program == item.id else str(item.id),
                )
                for item in programs
                if facets.programs.get(item.id) or chosen_program == item.id
            ],
        },
        {
            "title": gettext("Region of the poster"),
            "choices": [
                choice(
                    item.name,
                    facets.provinces.get(item.code, 0),
                    filters.region[:2] == item.code,
                    region=None if filters.region[:2] == item.code else item.code,
                )
                for item in PROVINCES
                if facets.provinces.get(item.code) or filters.region[:2] == item.code
            ],
        },
        {
            "title": gettext("State"),
            "choices": [
                choice(
                    label(item),
                    facets.states[item],
                    filters.state is item,
                    state=None if filters.state is item else item.value,
                )
                for item in LISTED_STATES
                if facets.states[item] or filters.state is item
            ],
        },
    ]
