"""The history of a challenge: a page of its own, and the same as a file."""

import uuid
from datetime import date
from typing import Any

from litestar import Controller, Response, get
from litestar.response import Template
from sqlalchemy.ext.asyncio import AsyncSession

from challenges.models import Challenge
from challenges.postings import policies
from challenges.postings.service import read_challenge
from core.actor import Actor
from core.errors import ForbiddenError
from core.i18n import gettext
from core.i18n import lazy_gettext as _
from web.challenge_history import CSV_LIMIT, HistoryFilters, Thing, count_lines, lines_of, things_of
from web.challenge_places import places_of
from web.dependencies import Acting, DbSession, FromPath, WebRequest
from web.downloads import Cell, csv_response
from web.guards import Access
from web.paging import Page, page_number
from web.templating import render, show_datetime


class HistoryController(Controller):
    @get("/challenges/{challenge_id:uuid}/history", opt={"access": Access.PERSON})
    async def show(
        self, request: WebRequest, session: DbSession, actor: Acting, challenge_id: FromPath[uuid.UUID]
    ) -> Template:
        challenge, things = await _readable(session, actor, challenge_id)
        filters = _filters(request, things)
        page = Page(
            page_number(request.query_params.get("page")), await count_lines(session, things, filters)
        )
        lines = await lines_of(session, things, filters, limit=page.per_page, offset=page.offset)
        return render(
            request,
            "histories/show.html",
            challenge=challenge,
            places=await places_of(session, actor, challenge),
            lines=lines,
            page=page,
            parameters=filters.parameters,
            kinds={item.kind: KINDS[item.kind] for item in things if item.kind in KINDS},
        )

    @get("/challenges/{challenge_id:uuid}/history.csv", opt={"access": Access.PERSON})
    async def csv_file(
        self, request: WebRequest, session: DbSession, actor: Acting, challenge_id: FromPath[uuid.UUID]
    ) -> Response[Any]:
        challenge, things = await _readable(session, actor, challenge_id)
        lines = await lines_of(session, things, _filters(request, things), limit=CSV_LIMIT)
        heads: list[Cell] = [
            gettext("No."),
            gettext("When"),
            gettext("Who"),
            gettext("About"),
            gettext("What"),
            gettext("Change"),
            gettext("Reason or comments"),
        ]
        rows: list[list[Cell]] = [
            [
                line.number,
                show_datetime(line.at),
                line.who,
                line.thing.title,
                line.text,
                line.change,
                line.note,
            ]
            for line in lines
        ]
        return csv_response(gettext("History of %(title)s", title=challenge.title), [heads, *rows])


# Words for the types of the audit log that a reader may choose among.
KINDS: dict[str, Any] = {
    "challenge": _("Challenge"),
    "bid": _("Bids"),
    "consortium": _("Consortia"),
    "question": _("Questions"),
    "amendment": _("Amendments"),
    "review": _("Review"),
    "notice": _("Public notices"),
    "objection": _("Objections"),
    "contract": _("Contracts"),
    "contract_version": _("Texts of contracts"),
    "milestone": _("Milestones"),
    "final_acceptance": _("Final acceptances"),
}


async def _readable(
    session: AsyncSession, actor: Actor, challenge_id: uuid.UUID
) -> tuple[Challenge, list[Thing]]:
    challenge = await read_challenge(session, actor, challenge_id)
    if not policies.may_see_history(actor, challenge):
        raise ForbiddenError(_("The history is for the poster and the officers of the program."))
    return challenge, await things_of(session, actor, challenge)


def _filters(request: WebRequest, things: list[Thing]) -> HistoryFilters:
    """Values that mean nothing are as if absent."""
    asked = request.query_params
    kind = asked.get("kind", "")
    return HistoryFilters(
        kind=kind if kind in {item.kind for item in things} else "",
        since=_day(asked.get("since", "")),
        until=_day(asked.get("until", "")),
        who=" ".join(asked.get("who", "").replace("\0", "").split())[:100],
    )


def _day(typed: str) -> date | None:
    try:
        day = date.fromisoformat(typed)
    except ValueError:
        return None
    return day if 2000 <= day.year <= 2100 else None
