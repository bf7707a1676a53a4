"""What stands on a challenge's page beside its text: the pages that hang on it, and what its reader can do now.

Each room of the way of a challenge adds a maker here. A maker asks the policies itself and answers None where its
reader may see or do nothing: then neither page nor panel is mentioned.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.amendments import policies as amendment_policies
from challenges.amendments import queries as amendment_queries
from challenges.awards import policies as award_policies
from challenges.bids import queries as bid_queries
from challenges.bids.policies import leads_bid
from challenges.checks import policies as check_policies
from challenges.checks import queries as check_queries
from challenges.contracts import policies as contract_policies
from challenges.contracts import service as contract_service
from challenges.models import Challenge, Review
from challenges.notices import policies as notice_policies
from challenges.notices import queries as notice_queries
from challenges.postings import policies as posting_policies
from challenges.postings.policies import is_listed, is_officer_in_charge, is_poster
from challenges.questions import queries as question_queries
from challenges.reviews import policies as review_policies
from challenges.reviews import queries as review_queries
from core.actor import Actor
from core.database import database_time
from core.i18n import gettext


@dataclass(frozen=True)
class Place:
    """A page about one side of a challenge, shown as a tab. `count` is how many things are there, if that tells."""

    address: str
    text: str
    icon: str
    count: int | None = None


@dataclass(frozen=True)
class Panel:
    """A card in the right column; its template finds `data` under the name `panel`."""

    template: str
    data: Mapping[str, Any] = field(default_factory=dict)


MakePlace = Callable[[AsyncSession, Actor, Challenge], Awaitable[Place | None]]
MakePanel = Callable[[AsyncSession, Actor, Challenge], Awaitable[Panel | None]]


async def _checks(session: AsyncSession, actor: Actor, challenge: Challenge) -> Place | None:
    """The officers' and the poster's list; for a bidder its own check."""
    if challenge.bids_opened_at is None:
        return None
    text, icon = gettext("Formal check"), "clipboard-check"
    if check_policies.may_list_checks(actor, challenge):
        return Place(f"/challenges/{challenge.id}/checks", text, icon)
    if actor.organization_id is None:
        return None
    for check in await check_queries.checks_of(session, challenge.id):
        if check_policies.may_read_own(actor, check):
            return Place(f"/checks/{check.id}", text, icon)
    return None


async def _questions(session: AsyncSession, actor: Actor, challenge: Challenge) -> Place | None:
    """For who acts on them the number of those that wait, for readers of all of them."""
    if not is_listed(challenge):
        return None
    asked, unanswered = await question_queries.counts_of(session, challenge.id)
    acts = is_poster(actor, challenge) or is_officer_in_charge(actor, challenge)
    return Place(
        f"/challenges/{challenge.id}/questions",
        gettext("Questions"),
        "message-question",
        (unanswered if acts else asked) or None,
    )


async def _changes(session: AsyncSession, actor: Actor, challenge: Challenge) -> Place | None:
    if not is_listed(challenge):
        return None
    version = await amendment_queries.newest_version(session, challenge.id)
    acts = is_poster(actor, challenge) or is_officer_in_charge(actor, challenge)
    if not version and not acts:
        return None
    return Place(f"/challenges/{challenge.id}/changes", gettext("Changes"), "versions", version or None)


async def _changes_panel(session: AsyncSession, actor: Actor, challenge: Challenge) -> Panel | None:
    """The newest change, and what its reader has to do about changes."""
    if not is_listed(challenge):
        return None
    acts = is_poster(actor, challenge) or is_officer_in_charge(actor, challenge)
    newest = await amendment_queries.newest_of(session, challenge.id)
    waiting = await amendment_queries.waiting_of(session, challenge.id) if acts else None
    may_propose = amendment_policies.may_propose(actor, challenge, await database_time(session))
    bid, unconfirmed = None, []
    if newest is not None and actor.organization_id is not None:
        bid = await bid_queries.part_in_challenge(session, challenge.id, actor.organization_id)
        if bid is not None and leads_bid(actor, bid):
            unconfirmed = await amendment_queries.unconfirmed(session, bid)
    if newest is None and waiting is None and not may_propose:
        return None
    return Panel(
        "amendments/_panel.html",
        {
            "newest": newest,
            "waiting": waiting,
            "may_propose": may_propose,
            "bid_id": bid.id if bid else None,
            "unconfirmed": unconfirmed,
        },
    )


async def _award(session: AsyncSession, actor: Actor, challenge: Challenge) -> Place | None:
    if not award_policies.may_see_award(actor, challenge, await database_time(session)):
        return None
    return Place(f"/challenges/{challenge.id}/award", gettext("Winners"), "trophy")


async def _contracts(session: AsyncSession, actor: Actor, challenge: Challenge) -> Place | None:
    if challenge.state not in contract_policies.UNDER_CONTRACT or actor.is_anonymous:
        return None
    own = await contract_service.own_contracts(session, actor, challenge)
    if not own and not contract_policies.may_see_all(actor, challenge):
        return None
    address = f"/challenges/{challenge.id}/contracts"
    return Place(address, gettext("Contracts"), "file-text", len(own) or None)


async def _history(session: AsyncSession, actor: Actor, challenge: Challenge) -> Place | None:
    if not posting_policies.may_see_history(actor, challenge):
        return None
    return Place(f"/challenges/{challenge.id}/history", gettext("History"), "history")


async def _own_result(
    session: AsyncSession, actor: Actor, challenge: Challenge, review: Review | None
) -> Place | None:
    """For a bidder, what the panel said of its bid, after the award."""
    if review is None or actor.organization_id is None:
        return None
    for bid in await bid_queries.bids_of_challenge(session, challenge.id):
        if review_policies.may_read_feedback(actor, bid, review):
            return Place(f"/bids/{bid.id}/review", gettext("Review of our bid"), "list-numbers")
    return None


async def _review(session: AsyncSession, actor: Actor, challenge: Challenge) -> Place | None:
    if challenge.bids_opened_at is None or challenge.program is None:
        return None
    review = await review_queries.newest_finished(session, challenge.id)
    if not review_policies.may_read_result(actor, challenge, review):
        return await _own_result(session, actor, challenge, review)
    if (
        not challenge.program.needs_review
        and await review_queries.newest_review(session, challenge.id) is None
    ):
        return None
    return Place(f"/challenges/{challenge.id}/review", gettext("Review"), "list-numbers")


async def _notice(session: AsyncSession, actor: Actor, challenge: Challenge) -> Panel | None:
    notice = await notice_queries.standing_notice(session, challenge.id)
    may_publish = notice_policies.may_publish_notice(actor, challenge)
    if notice is None and not may_publish:
        return None
    has_result = notice is not None and challenge.state in notice_queries.STANDS_IN
    return Panel(
        "notices/_panel.html", {"notice": notice, "may_publish": may_publish, "has_result": has_result}
    )


# In the order of the way of a challenge.
PLACES: tuple[MakePlace, ...] = (
    _questions,
    _changes,
    _checks,
    _review,
    _award,
    _contracts,
    _history,
)
PANELS: tuple[MakePanel, ...] = (
    _changes_panel,
    _notice,
)


async def places_of(session: AsyncSession, actor: Actor, challenge: Challenge) -> list[Place]:
    made = [await make(session, actor, challenge) for make in PLACES]
    return [place for place in made if place is not None]


async def panels_of(session: AsyncSession, actor: Actor, challenge: Challenge) -> list[Panel]:
    made = [await make(session, actor, challenge) for make in PANELS]
    return [panel for panel in made if panel is not None]
