"""Deadlines as a calendar that its owner's calendar program reads under a secret address."""

import secrets
import uuid
from datetime import timedelta

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from challenges.calendars import queries
from challenges.calendars.models import CalendarFeed
from challenges.milestones.models import Milestone
from challenges.milestones.queries import milestones_for
from challenges.notices.models import Notice
from challenges.postings.models import Challenge
from challenges.postings.service import certificates_of
from challenges.programs.models import Round
from challenges.reviews.models import Review
from core import audit
from core.accounts.service import token_hash
from core.actor import Actor
from core.clock import named_end, to_shanghai
from core.database import database_time
from core.errors import NotFoundError
from core.i18n import gettext, use_locale
from core.i18n import lazy_gettext as _
from core.icalendar import Event, calendar_text
from solvers.organizations.acting import actors_of

# What has passed stays readable for a while: calendars forget what the feed does not hold.
KEPT = timedelta(days=60)


async def make_feed(session: AsyncSession, actor: Actor) -> str:
    """A new secret token, shown this once; the one before opens nothing any more."""
    assert actor.person_id is not None
    token = secrets.token_urlsafe(32)
    values = {"token_hash": token_hash(token), "created_at": await database_time(session)}
    await session.execute(
        insert(CalendarFeed)
        .values(person_id=actor.person_id, **values)
        .on_conflict_do_update(index_elements=[CalendarFeed.person_id], set_=values)
    )
    await audit.record(session, actor, "person.calendar_made", "person", actor.person_id)
    return token


async def revoke_feed(session: AsyncSession, actor: Actor) -> None:
    assert actor.person_id is not None
    await session.execute(delete(CalendarFeed).where(CalendarFeed.person_id == actor.person_id))
    await audit.record(session, actor, "person.calendar_revoked", "person", actor.person_id)


async def feed_text(session: AsyncSession, token: str, public_url: str) -> bytes:
    """What the token's owner may see now, in their language."""
    person = await queries.owner_of(session, token_hash(token))
    if person is None:
        raise NotFoundError(_("There is nothing at this address."))
    now = await database_time(session)
    since = now - KEPT
    challenges: dict[uuid.UUID, Challenge] = {}
    milestones: dict[uuid.UUID, Milestone] = {}
    reviews: dict[uuid.UUID, tuple[Review, str]] = {}
    notices: dict[uuid.UUID, Notice] = {}
    for actor in await actors_of(session, person.id):
        certificates = await certificates_of(session, actor)
        for challenge in await queries.deadlines_for(session, actor, certificates, since):
            challenges[challenge.id] = challenge
        for milestone in await milestones_for(session, actor, since):
            milestones[milestone.id] = milestone
        for review in await queries.review_deadlines_for(session, actor, since):
            own = "/my/reviews" if actor.is_reviewer else f"/challenges/{review.challenge_id}/review"
            reviews[review.id] = (review, own)
        for notice in await queries.notices_for(session, actor, certificates, since):
            notices[notice.id] = notice
    with use_locale(person.locale):
        events = [_deadline(item, public_url) for item in challenges.values()]
        events += [_milestone(item, public_url) for item in milestones.values()]
        events += [_review(item, public_url + path) for item, path in reviews.values()]
        events += [_notice(item, public_url) for item in notices.values()]
        rounds = await queries.rounds_since(session, to_shanghai(since).date())
        events += [_round(item, public_url) for item in rounds]
        return calendar_text(gettext("Jiebang deadlines"), events)


def _deadline(challenge: Challenge, public_url: str) -> Event:
    assert challenge.deadline_at is not None
    return Event(
        uid=f"deadline-{challenge.id}@jiebang",
        title=gettext("Deadline for bids: %(title)s", title=challenge.title),
        start=challenge.deadline_at,
        changed_at=challenge.updated_at,
        link=f"{public_url}/challenges/{challenge.id}",
        description=challenge.organization.name,
    )


def _milestone(item: Milestone, public_url: str) -> Event:
    return Event(
        uid=f"milestone-{item.id}@jiebang",
        title=gettext(
            "Milestone due: %(milestone)s of %(title)s",
            milestone=item.title,
            title=item.contract.challenge.title,
        ),
        start=named_end(item.due_at),
        changed_at=item.updated_at,
        link=f"{public_url}/contracts/{item.contract_id}/milestones",
        description=item.deliverables,
    )


def _review(item: Review, link: str) -> Event:
    assert item.due_at is not None
    return Event(
        uid=f"review-{item.id}@jiebang",
        title=gettext("Scores due: %(title)s", title=item.challenge.title),
        start=named_end(item.due_at),
        changed_at=item.updated_at,
        link=link,
    )


def _notice(item: Notice, public_url: str) -> Event:
    return Event(
        uid=f"notice-{item.id}@jiebang",
        title=gettext("Public notice ends: %(title)s", title=item.challenge.title),
        start=named_end(item.ends_at),
        changed_at=item.updated_at,
        link=f"{public_url}/notices/{item.id}",
    )


def _round(item: Round, public_url: str) -> Event:
    return Event(
        uid=f"round-{item.id}@jiebang",
        title=gettext("Round %(round)s of %(program)s", round=item.name, program=item.program.name),
        start=item.opens_on,
        last_day=item.closes_on,
        changed_at=item.created_at,
        link=f"{public_url}/programs/{item.program_id}/rounds/{item.id}",
    )
