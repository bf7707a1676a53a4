"""Ranked candidates for posters and officers; an organization's own fit and recommendations."""

import uuid
from collections.abc import Sequence
from typing import Any

from litestar import Controller, Response, get, post
from litestar.response import Template
from sqlalchemy.ext.asyncio import AsyncSession

from challenges.matches import policies, queries, service
from challenges.matches.models import MatchRunState
from challenges.matches.service import CandidateFilters, Row
from challenges.matches.shortlist import (
    DEFAULT_LENGTH,
    MAX_LENGTH,
    Shortlist,
    newest_shortlist,
    shortlist_of,
)
from challenges.postings import policies as posting_policies
from challenges.postings import service as postings
from challenges.postings.models import Challenge
from core.actor import Actor
from core.errors import NotFoundError
from core.i18n import gettext
from solvers.models import CertificateKind, OrganizationKind, SizeClass
from solvers.regions import province_choices, region_name
from web.dependencies import Acting, DbSession, FromPath, WebRequest
from web.downloads import Cell, csv_response
from web.guards import Access
from web.labels import choices, label
from web.paging import Page, page_number
from web.templating import is_htmx, redirect, render

# The best of several hundred profiles reach about this for a requirement; above, colour tells nothing apart.
FULL_HEAT_SCORE = 0.4
HEAT_STEPS = 10
# A score below this reads as 0.0.
NO_SCORE = 0.0005
# Terms that an explanation names one by one; the others are summed up in one line.
SHOWN_TERMS = 15


def heat(score: float) -> int:
    """The step of the heat map, from 0 (nothing) to 10, for a score in [0, 1]."""
    if score < NO_SCORE:
        return 0
    return min(HEAT_STEPS, 1 + int(score / FULL_HEAT_SCORE * HEAT_STEPS))


class MatchController(Controller):
    @get("/challenges/{challenge_id:uuid}/candidates", opt={"access": Access.PERSON})
    async def candidates(
        self, request: WebRequest, session: DbSession, actor: Acting, challenge_id: FromPath[uuid.UUID]
    ) -> Template:
        challenge = await service.read_candidates_challenge(session, actor, challenge_id)
        done = await queries.newest_done_run(session, challenge.id)
        ranking = await service.ranking_of(session, challenge, done) if done is not None else []
        filters = _filters(request)
        found = [row for row in ranking if filters.passes(row)]
        page = Page(page_number(request.query_params.get("page")), len(found))
        return render(
            request,
            "matches/_candidates.html" if is_htmx(request) else "matches/candidates.html",
            challenge=challenge,
            done=done,
            rows=found[page.offset : page.offset + page.per_page],
            page=page,
            kept=len(ranking),
            counted=sum(row.is_counted for row in ranking),
            filters=filters,
            parameters=_parameters(filters),
            options=_filter_options(ranking),
            shortlist=await shortlist_of(session, challenge, ranking, _length(request)),
            **await _progress_context(session, actor, challenge),
            **TABLE,
        )

    @get("/challenges/{challenge_id:uuid}/candidates/progress", opt={"access": Access.PERSON})
    async def progress(
        self, request: WebRequest, session: DbSession, actor: Acting, challenge_id: FromPath[uuid.UUID]
    ) -> Template:
        challenge = await service.read_candidates_challenge(session, actor, challenge_id)
        return render(
            request,
            "matches/_progress.html",
            challenge=challenge,
            **await _progress_context(
                session, actor, challenge, was_running=True, in_panel="panel" in request.query_params
            ),
        )

    @post("/challenges/{challenge_id:uuid}/candidates/match", opt={"access": Access.PERSON}, status_code=200)
    async def match(
        self, request: WebRequest, session: DbSession, actor: Acting, challenge_id: FromPath[uuid.UUID]
    ) -> Response[Any]:
        await service.ask_for_match(session, actor, challenge_id)
        return redirect(request, f"/challenges/{challenge_id}/candidates")

    @get("/challenges/{challenge_id:uuid}/candidates/shortlist", opt={"access": Access.PERSON})
    async def shortlist(
        self, request: WebRequest, session: DbSession, actor: Acting, challenge_id: FromPath[uuid.UUID]
    ) -> Template:
        challenge, found = await _asked_shortlist(request, session, actor, challenge_id)
        return render(request, "matches/_shortlist.html", challenge=challenge, shortlist=found, **TABLE)

    @get("/challenges/{challenge_id:uuid}/candidates/shortlist.csv", opt={"access": Access.PERSON})
    async def shortlist_file(
        self, request: WebRequest, session: DbSession, actor: Acting, challenge_id: FromPath[uuid.UUID]
    ) -> Response[bytes]:
        challenge, found = await _asked_shortlist(request, session, actor, challenge_id)
        name = gettext("Shortlist of %(title)s", title=challenge.title)
        return csv_response(name, _shortlist_table(found))

    @get("/challenges/{challenge_id:uuid}/candidates/{organization_id:uuid}", opt={"access": Access.PERSON})
    async def candidate(
        self,
        request: WebRequest,
        session: DbSession,
        actor: Acting,
        challenge_id: FromPath[uuid.UUID],
        organization_id: FromPath[uuid.UUID],
    ) -> Template:
        challenge = await service.read_candidates_challenge(session, actor, challenge_id)
        row, explanation = await service.explain_candidate(session, actor, challenge, organization_id)
        return render(
            request,
            "matches/_candidate.html" if is_htmx(request) else "matches/candidate.html",
            challenge=challenge,
            row=row,
            score=row.match.score,
            requirement_scores=row.match.requirement_scores,
            explanation=explanation,
            shown_terms=SHOWN_TERMS,
            **TABLE,
        )

    @get("/challenges/{challenge_id:uuid}/matching", opt={"access": Access.PERSON})
    async def panel(
        self, request: WebRequest, session: DbSession, actor: Acting, challenge_id: FromPath[uuid.UUID]
    ) -> Template:
        """What the challenge's page says about matching: to poster and officers the run, to a solver its fit."""
        challenge = await postings.read_challenge(session, actor, challenge_id)
        if posting_policies.may_see_candidates(actor, challenge):
            done = await queries.newest_done_run(session, challenge.id)
            return render(
                request,
                "matches/_panel_ranking.html",
                challenge=challenge,
                done=done,
                best=await service.ranking_of(session, challenge, done) if done is not None else [],
                **await _progress_context(session, actor, challenge, in_panel=True),
                **TABLE,
            )
        score = (
            await service.own_score(session, actor, challenge)
            if policies.may_see_own_fit(actor, challenge)
            else None
        )
        return render(
            request,
            "matches/_panel_fit.html",
            challenge=challenge,
            score=score,
            may_see_fit=policies.may_see_own_fit(actor, challenge),
            **TABLE,
        )

    @get("/challenges/{challenge_id:uuid}/fit", opt={"access": Access.MEMBER})
    async def fit(
        self, request: WebRequest, session: DbSession, actor: Acting, challenge_id: FromPath[uuid.UUID]
    ) -> Template:
        fit = await service.own_fit(session, actor, challenge_id)
        return render(
            request,
            "matches/fit.html",
            fit=fit,
            challenge=fit.challenge,
            score=fit.score,
            requirement_scores=fit.requirement_scores,
            explanation=fit.explanation,
            shown_terms=SHOWN_TERMS,
            **TABLE,
        )

    @get("/my/recommendations", opt={"access": Access.MEMBER})
    async def recommendations(self, request: WebRequest, session: DbSession, actor: Acting) -> Template:
        found = await service.recommend_challenges(session, actor)
        return render(
            request,
            "matches/_recommendations.html" if is_htmx(request) else "matches/recommendations.html",
            recommendations=found,
        )


TABLE: dict[str, Any] = {"heat": heat, "region_name": region_name}


async def _progress_context(
    session: AsyncSession,
    actor: Actor,
    challenge: Challenge,
    *,
    in_panel: bool = False,
    was_running: bool = False,
) -> dict[str, Any]:
    """What matches/_progress.html asks for."""
    run = await queries.newest_run(session, challenge.id)
    return {
        "in_panel": in_panel,
        "was_running": was_running,
        "run": run,
        "is_running": run is not None and run.state in (MatchRunState.QUEUED, MatchRunState.RUNNING),
        "may_match": policies.may_ask_for_match(actor, challenge),
    }


async def _asked_shortlist(
    request: WebRequest, session: AsyncSession, actor: Actor, challenge_id: uuid.UUID
) -> tuple[Challenge, Shortlist]:
    challenge = await service.read_candidates_challenge(session, actor, challenge_id)
    found = await newest_shortlist(session, challenge, _length(request))
    if found is None:
        raise NotFoundError(
            gettext("There is no shortlist: no ranking yet, or no share of SMEs is demanded.")
        )
    return challenge, found


def _length(request: WebRequest) -> int:
    """The length that the address asks for, within bounds."""
    given = request.query_params.get("length", "")
    number = int(given) if given.isascii() and given.isdigit() and len(given) < 4 else DEFAULT_LENGTH
    return min(max(number, 1), MAX_LENGTH)


def _shortlist_table(found: Shortlist) -> list[list[Cell]]:
    """The list, then whom the rule left out, who have no place on it."""
    yes, no = gettext("Yes"), gettext("No")
    heads: list[Cell] = [
        gettext("Place"),
        gettext("Place without the rule"),
        gettext("Moved up by"),
        gettext("Solver"),
        gettext("Kind"),
        gettext("Size"),
        gettext("counted SME"),
        gettext("Score"),
    ]
    placed: list[tuple[int | None, int, int | None, Row]] = [
        (item.entry.rank, item.entry.rank_without_rule, item.entry.moved_up, item.row)
        for item in found.places
    ]
    placed += [(None, rank, None, row) for rank, row in found.left_out]
    return [heads] + [
        [
            rank,
            before,
            moved,
            row.organization.name,
            label(row.organization.kind),
            label(row.organization.size_class),
            yes if row.is_counted else no,
            round(row.match.score, 6),
        ]
        for rank, before, moved, row in placed
    ]


def _filters(request: WebRequest) -> CandidateFilters:
    """Filters of the address; a value that does not exist asks for nothing."""

    def one_of(name: str, allowed: Sequence[str]) -> str:
        value = request.query_params.get(name, "")
        return value if value in allowed else ""

    return CandidateFilters(
        size=one_of("size", [item.value for item in SizeClass]),
        kind=one_of("kind", [item.value for item in OrganizationKind]),
        region=one_of("region", [code for code, _name in province_choices()]),
        certificate=one_of("certificate", [item.value for item in CertificateKind]),
        counted=request.query_params.get("counted") == "1",
    )


def _parameters(filters: CandidateFilters) -> dict[str, str]:
    return {
        "size": filters.size,
        "kind": filters.kind,
        "region": filters.region,
        "certificate": filters.certificate,
        "counted": "1" if filters.counted else "",
    }


def _filter_options(ranking: Sequence[Row]) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """The select fields: name, label and choices; of regions those that occur."""
    provinces = {row.organization.region_code[:2] for row in ranking}
    return [
        ("size", gettext("Size"), choices(SizeClass)),
        ("kind", gettext("Kind"), choices(OrganizationKind)),
        ("region", gettext("Region"), [item for item in province_choices() if item[0] in provinces]),
        ("certificate", gettext("Certificate"), choices(CertificateKind)),
    ]
