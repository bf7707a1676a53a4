"""Sections of the officers' work queue from the screening to the bids, before and after their deadline."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from challenges import waiting_queries
from challenges.amendments import queries as amendment_queries
from challenges.amendments.policies import decision_due
from challenges.models import Challenge
from challenges.postings.completeness import deadline_too_near, latest_publication
from challenges.questions import queries as question_queries
from challenges.questions.policies import answer_due
from core.actor import Actor
from core.i18n import gettext, ngettext
from web.officer_sections import Section, Waiting, known, shortened


async def screening(session: AsyncSession, actor: Actor, now: datetime) -> Section:
    return Section(
        "screening",
        gettext("Screening"),
        gettext("Challenges waiting for screening"),
        gettext("Submitted"),
        [
            _to_screen(challenge, now)
            for challenge in await waiting_queries.waiting_for_screening(session, actor)
        ],
        gettext("Nothing waits for screening"),
        gettext("Submitted challenges of your programs appear here, the oldest first."),
    )


def _to_screen(challenge: Challenge, now: datetime) -> Waiting:
    latest, note, is_late = latest_publication(challenge), "", False
    if latest is not None:
        is_late = deadline_too_near(challenge, now) is not None
        note = (
            gettext("Its deadline has come too near to publish it: return it for a new one.")
            if is_late
            else gettext("Published later, bidders have too few days.")
        )
    return Waiting(
        challenge,
        f"/challenges/{challenge.id}",
        known(challenge.submitted_at),
        due=latest,
        note=note,
        is_urgent=is_late,
    )


async def amendments(session: AsyncSession, actor: Actor, now: datetime) -> Section:
    return Section(
        "amendments",
        gettext("Changes to confirm"),
        gettext("Changes of published challenges waiting for confirmation"),
        gettext("Proposed"),
        [
            Waiting(
                item.challenge,
                f"/challenges/{item.challenge_id}/changes#waiting",
                item.proposed_at,
                due=None if item.challenge.program is None else decision_due(item, item.challenge.program),
                note=shortened(item.explanation),
            )
            for item in await amendment_queries.waiting_for_officer(session, actor, now)
        ],
        gettext("No change waits for confirmation"),
        gettext("Posters propose changes of published challenges; bidders are told once you have confirmed."),
    )


async def questions(session: AsyncSession, actor: Actor, now: datetime) -> Section:
    return Section(
        "questions",
        gettext("Unanswered questions"),
        gettext("Questions that posters have not answered"),
        gettext("Oldest asked"),
        [
            Waiting(
                item.challenge,
                f"/challenges/{item.challenge.id}/questions?show=open",
                item.oldest_at,
                due=answer_due(item.challenge, item.oldest_at),
                note=ngettext("%(num)s question", "%(num)s questions", item.number),
            )
            for item in await question_queries.unanswered_in_charge(session, actor, now)
        ],
        gettext("No question waits for an answer"),
        gettext("Posters answer themselves; an officer may hide an improper question."),
    )


async def sealed(session: AsyncSession, actor: Actor, now: datetime) -> Section:
    return Section(
        "sealed",
        gettext("Bids to open"),
        gettext("Bids waiting to be opened"),
        gettext("Deadline"),
        [
            Waiting(
                challenge,
                f"/challenges/{challenge.id}/bids",
                _deadline(challenge),
                note=gettext("%(name)s asked for it; a second officer opens.", name=opening.asked_by.name)
                if opening
                else "",
            )
            for challenge, opening in await waiting_queries.sealed_bids(session, actor, now)
        ],
        gettext("No bids wait to be opened"),
        gettext("Bids stay sealed until two officers open them after the deadline."),
    )


async def closed(session: AsyncSession, actor: Actor, now: datetime) -> Section:
    return Section(
        "closed",
        gettext("Without a consortium"),
        gettext("Bidding closed, no consortium submitted"),
        gettext("Deadline"),
        [
            Waiting(challenge, f"/challenges/{challenge.id}", _deadline(challenge))
            for challenge in await waiting_queries.without_consortium(session, actor, now)
        ],
        gettext("No challenge is without a consortium"),
    )


async def closing(session: AsyncSession, actor: Actor, now: datetime) -> Section:
    return Section(
        "closing",
        gettext("Closing within 7 days"),
        gettext("Bidding closes within 7 days"),
        gettext("Published"),
        [
            Waiting(
                challenge,
                f"/challenges/{challenge.id}",
                known(challenge.published_at),
                due=challenge.deadline_at,
            )
            for challenge in await waiting_queries.closing_soon(session, actor, now)
        ],
        gettext("No deadline within a week"),
    )


def _deadline(challenge: Challenge) -> datetime:
    return known(challenge.deadline_at)
