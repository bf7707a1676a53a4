"""Sections of the officers' work queue from the formal check to the objections."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from challenges import waiting_queries
from challenges.checks import queries as check_queries
from challenges.checks.policies import waiting_since
from challenges.models import CheckState, ReviewState, SeatState
from challenges.notices import queries as notice_queries
from challenges.objections import queries as objection_queries
from challenges.postings.queries import in_charge_of
from challenges.reviews import queries as review_queries
from core.actor import Actor
from core.i18n import gettext
from web.labels import label
from web.officer_sections import Section, Waiting, known, shortened


async def checks(session: AsyncSession, actor: Actor, now: datetime) -> Section:
    to_begin = [
        Waiting(
            challenge,
            f"/challenges/{challenge.id}/checks",
            known(challenge.bids_opened_at),
            note=gettext("The formal check has not begun."),
        )
        for challenge in await check_queries.challenges_to_check(session, actor)
    ]
    begun = [
        Waiting(
            check.challenge,
            f"/checks/{check.id}",
            waiting_since(check),
            due=check.completion_due_at if check.state is CheckState.COMPLETION_REQUESTED else None,
            note=f"{check.bid.organization.name} · {label(check.state)}",
        )
        for check in await check_queries.checks_waiting(session, actor)
    ]
    return Section(
        "checks",
        gettext("Formal checks"),
        gettext("Bids in the formal check"),
        gettext("Since"),
        [*to_begin, *begun],
        gettext("No bid waits for its formal check"),
        gettext("Opened bids are checked against the program's list before they are reviewed or chosen."),
    )


async def reviews(session: AsyncSession, actor: Actor, now: datetime) -> Section:
    to_begin = [
        Waiting(
            challenge,
            f"/challenges/{challenge.id}/review",
            known(await check_queries.settled_at(session, challenge)),
            note=gettext("The review has not begun."),
        )
        for challenge in await review_queries.challenges_to_review(session, actor)
        if await check_queries.is_everything_settled(session, challenge)
        and await check_queries.admitted_bids(session, challenge.id)
    ]
    under_way = [
        Waiting(
            review.challenge,
            f"/challenges/{review.challenge_id}/review",
            review.created_at,
            due=review.due_at if review.state is ReviewState.SCORING else None,
            note=gettext(
                "%(state)s · %(done)s of %(heads)s have scored",
                state=label(review.state),
                done=sum(seat.state is SeatState.HANDED_IN for seat in review.seated),
                heads=review.panel_size,
            ),
            # Somebody has to be appointed.
            is_urgent=review.state is ReviewState.SCORING and len(review.seated) < review.panel_size,
        )
        for review in await review_queries.reviews_waiting(session, actor)
    ]
    return Section(
        "reviews",
        gettext("Reviews"),
        gettext("Reviews to begin and under way"),
        gettext("Since"),
        [*to_begin, *under_way],
        gettext("No review waits"),
        gettext("Once the formal check is settled, a panel of experts reviews the admitted bids."),
    )


async def decisions(session: AsyncSession, actor: Actor, now: datetime) -> Section:
    return Section(
        "decisions",
        gettext("Decisions on consortia"),
        gettext("Consortia waiting for your decision"),
        gettext("Submitted"),
        [
            Waiting(
                item.challenge,
                f"/consortia/{item.id}",
                known(item.submitted_at),
                note=gettext("Lead: %(name)s", name=item.lead.name) if item.lead else "",
            )
            for item in await waiting_queries.waiting_for_decision(session, actor)
        ],
        gettext("No consortium waits for a decision"),
        gettext("Posters submit a consortium after the deadline for bids."),
    )


async def waivers(session: AsyncSession, actor: Actor, now: datetime) -> Section:
    return Section(
        "waivers",
        gettext("Waivers to confirm"),
        gettext("Waivers of the quota that wait for a second officer"),
        gettext("Asked for"),
        [
            Waiting(
                waiver.consortium.challenge,
                f"/consortia/{waiver.consortium_id}#waiver",
                waiver.requested_at,
                note=gettext(
                    "Asked for by %(name)s: %(reason)s",
                    name=waiver.requested_by.name,
                    reason=shortened(waiver.reason),
                ),
            )
            for waiver in await waiting_queries.waivers_waiting(session, actor)
        ],
        gettext("No waiver waits for you"),
        gettext("A waiver is asked for by one officer and confirmed by another."),
    )


async def rechecks(session: AsyncSession, actor: Actor, now: datetime) -> Section:
    return Section(
        "rechecks",
        gettext("Quotas to settle"),
        gettext("Members changed after the approval"),
        gettext("Noticed"),
        [
            Waiting(
                item.consortium.challenge,
                f"/consortia/{item.consortium_id}#recheck",
                item.found_at,
                note=gettext("Those who remain keep the quota.")
                if item.holds
                else gettext("Those who remain break the quota."),
                is_urgent=not item.holds,
            )
            for item in await waiting_queries.unsettled_rechecks(session, actor)
        ],
        gettext("No quota has to be settled"),
        gettext("When a member of an approved consortium leaves or changes, it appears here."),
    )


async def notices(session: AsyncSession, actor: Actor, now: datetime) -> Section:
    return Section(
        "notices",
        gettext("Notices to publish"),
        gettext("Awards waiting for their public notice"),
        gettext("Awarded"),
        [
            Waiting(challenge, f"/challenges/{challenge.id}/notice", awarded_at)
            for challenge, awarded_at in await notice_queries.awarded_without_notice(
                session, in_charge_of(actor)
            )
        ],
        gettext("No award waits for its notice"),
        gettext("Once every team is decided on, the award is shown publicly."),
    )


async def objections(session: AsyncSession, actor: Actor, now: datetime) -> Section:
    return Section(
        "objections",
        gettext("Objections"),
        gettext("Objections waiting for an answer"),
        gettext("Raised"),
        [
            Waiting(
                item.challenge,
                f"/objections/{item.id}",
                item.raised_at,
                due=item.due_at,
                note=f"{item.organization.name}: {shortened(item.text)}",
            )
            for item in await objection_queries.waiting_objections(session, actor)
        ],
        gettext("No objection waits"),
        gettext("Objections against awards on public notice appear here, those due first on top."),
    )
