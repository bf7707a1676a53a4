"""The officers' work queue: what waits in their programs, oldest first."""

from datetime import date

from litestar import get
from litestar.response import Template

from challenges import waiting_queries
from challenges.postings.models import Challenge
from challenges.programs.calendar import period
from core.clock import shanghai_today, to_shanghai, utc_now
from web.dependencies import Acting, DbSession, WebRequest
from web.guards import Access
from web.templating import render


@get("/officer", opt={"access": Access.OFFICER})
async def work_queue(request: WebRequest, session: DbSession, actor: Acting) -> Template:
    now = utc_now()
    screening = await waiting_queries.waiting_for_screening(session, actor)
    return render(
        request,
        "officer/queue.html",
        screening=screening,
        last_days={challenge.id: last_day_to_publish(challenge) for challenge in screening},
        today=shanghai_today(),
        waivers=await waiting_queries.waivers_waiting(session, actor),
        decisions=await waiting_queries.waiting_for_decision(session, actor),
        rechecks=await waiting_queries.unsettled_rechecks(session, actor),
        sealed=await waiting_queries.sealed_bids(session, actor, now),
        closed=await waiting_queries.without_consortium(session, actor, now),
        closing=await waiting_queries.closing_soon(session, actor, now),
    )


def last_day_to_publish(challenge: Challenge) -> date | None:
    """Published later, bidders would have fewer days than the program grants them."""
    if challenge.deadline_at is None or challenge.program is None:
        return None
    program = challenge.program
    return (to_shanghai(challenge.deadline_at) - period(program, program.min_bid_days)).date()
