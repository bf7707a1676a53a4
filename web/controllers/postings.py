"""Challenges as people read them: the public list, the page of one, and one's own organization's."""

import uuid
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, TypeVar

from litestar import Controller, Response, get, post
from litestar.response import Template

from challenges.consortia.queries import awards_of
from challenges.early_ends import withdraw_challenge
from challenges.models import Challenge, ChallengeState
from challenges.postings import policies, queries, screening, service, states
from challenges.postings.list_queries import LISTED_STATES, ChallengeFilters, Deadline, Sort
from challenges.postings.search import find_challenges, suggestions_for
from challenges.programs import queries as program_queries
from challenges.programs.policies import rule_of_day
from core.attachments import attachments_of
from core.audit import entries_of
from core.clock import shanghai_today, to_shanghai
from core.database import database_time
from core.errors import InvalidError
from core.i18n import gettext
from solvers.fields import FIELDS, field_of
from solvers.organizations.models import CertificateKind
from solvers.regions import PROVINCES
from web.challenge_places import panels_of, places_of
from web.consortium_view import waiver_view
from web.dependencies import Acting, DbSession, FromPath, WebRequest
from web.guards import Access
from web.history import history_of
from web.labels import label
from web.paging import PER_PAGE, Page, page_number
from web.requests import as_moment, form_data
from web.templating import is_htmx, redirect, render

MAX_QUERY_LENGTH = 200
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

Kind = TypeVar("Kind", bound=StrEnum)


class ChallengeController(Controller):
    @get("/challenges", opt={"access": Access.PUBLIC})
    async def index(self, request: WebRequest, session: DbSession, actor: Acting) -> Template:
        asked = {name: request.query_params.get(name, "").strip() for name in PARAMETERS}
        filters = _filters(asked)
        sort = _member(Sort, asked["sort"]) or (Sort.RELEVANCE if filters.text else Sort.NEWEST)
        if sort is Sort.RELEVANCE and not filters.text:
            sort = Sort.NEWEST
        number = page_number(request.query_params.get("page"))
        found = await find_challenges(
            session, actor, filters, sort=sort, limit=PER_PAGE, offset=Page(number, 0).offset
        )
        programs = await program_queries.programs(session)
        parameters = _parameters(filters, asked["sort"] if sort.value == asked["sort"] else "")
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
            chips=_chips(filters, parameters, programs),
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
            screening.declare_no_award,
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
    rule_day = to_shanghai(challenge.published_at).date() if challenge.published_at else shanghai_today()
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


PARAMETERS = (
    "q",
    "field",
    "subfield",
    "program",
    "region",
    "min",
    "max",
    "deadline",
    "state",
    "sort",
)


def _member(kind: type[Kind], value: str) -> Kind | None:
    return next((member for member in kind if member.value == value), None)


def _filters(asked: dict[str, str]) -> ChallengeFilters:
    """What the address asks for; values that mean nothing are as if absent."""
    state = _member(ChallengeState, asked["state"])
    subfield = asked["subfield"] if _is_code(asked["subfield"], 4) else ""
    return ChallengeFilters(
        text=" ".join(asked["q"].replace("\0", "").split())[:MAX_QUERY_LENGTH],
        field=subfield[:2] or (asked["field"] if _is_code(asked["field"], 2) else ""),
        subfield=subfield,
        program_id=_as_uuid(asked["program"]),
        region=asked["region"] if _is_code(asked["region"], 2) or _is_code(asked["region"], 4) else "",
        min_wan=_as_wan(asked["min"]),
        max_wan=_as_wan(asked["max"]),
        deadline=_member(Deadline, asked["deadline"]),
        state=state if state in LISTED_STATES else None,
    )


def _is_code(text: str, length: int) -> bool:
    return len(text) == length and text.isascii() and text.isdigit()


def _as_uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _as_wan(text: str) -> Decimal | None:
    try:
        amount = Decimal(text.replace(",", "").replace("，", ""))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and 0 <= amount < 10**9 else None


def _parameters(filters: ChallengeFilters, sort: str) -> dict[str, Any]:
    """The address of this list: what filters are set, in the spelling of PARAMETERS."""
    return {
        "q": filters.text,
        "field": "" if filters.subfield else filters.field,
        "subfield": filters.subfield,
        "program": str(filters.program_id) if filters.program_id else "",
        "region": filters.region,
        "min": _plain(filters.min_wan),
        "max": _plain(filters.max_wan),
        "deadline": filters.deadline.value if filters.deadline else "",
        "state": filters.state.value if filters.state else "",
        "sort": sort,
    }


def _plain(amount: Decimal | None) -> str:
    return "" if amount is None else f"{amount.normalize():f}"


def _sorts(filters: ChallengeFilters) -> list[tuple[Sort, str]]:
    texts = {
        Sort.RELEVANCE: gettext("Relevance"),
        Sort.NEWEST: gettext("Newest first"),
        Sort.DEADLINE: gettext("Nearest deadline"),
        Sort.BUDGET: gettext("Largest budget"),
    }
    return [(sort, text) for sort, text in texts.items() if filters.text or sort is not Sort.RELEVANCE]


def _deadline_text(deadline: Deadline) -> str:
    return {
        Deadline.OPEN: gettext("Open"),
        Deadline.WITHIN_7_DAYS: gettext("Closes within 7 days"),
        Deadline.WITHIN_30_DAYS: gettext("Closes within 30 days"),
        Deadline.PASSED: gettext("Closed"),
    }[deadline]


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
                    _deadline_text(item),
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


def _chips(
    filters: ChallengeFilters, parameters: dict[str, Any], programs: list[Any]
) -> list[tuple[str, dict[str, Any]]]:
    """Each active filter's text, and the changes of the address that take it away."""
    chips: list[tuple[str, dict[str, Any]]] = []
    if filters.text:
        chips.append((f"“{filters.text}”", {"q": None, "sort": None}))
    if filters.field and (field := field_of(filters.field)):
        chips.append((field.name, {"field": None, "subfield": None}))
        if subfield := next((item for item in field.subfields if item.code == filters.subfield), None):
            chips.append((subfield.name, {"subfield": None, "field": filters.field}))
    if filters.program_id:
        name = next((item.name for item in programs if item.id == filters.program_id), gettext("Program"))
        chips.append((name, {"program": None}))
    if filters.region:
        name = next((item.name for item in PROVINCES if item.code == filters.region[:2]), filters.region)
        chips.append((name, {"region": None}))
    if filters.min_wan is not None:
        chips.append((f"≥ {gettext('%(number)s 万元', number=parameters['min'])}", {"min": None}))
    if filters.max_wan is not None:
        chips.append((f"≤ {gettext('%(number)s 万元', number=parameters['max'])}", {"max": None}))
    if filters.deadline:
        chips.append((_deadline_text(filters.deadline), {"deadline": None}))
    if filters.state:
        chips.append((label(filters.state), {"state": None}))
    return chips
