"""What stands on a challenge's page beside its text: the pages that hang on it, and what its reader can do now.

Each room of the way of a challenge adds a maker here. A maker asks the policies itself and answers None where its
reader may see or do nothing: then neither page nor panel is mentioned.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.awards import policies as award_policies
from challenges.checks import policies as check_policies
from challenges.checks import queries as check_queries
from challenges.contracts import policies as contract_policies
from challenges.contracts import service as contract_service
from challenges.models import Challenge
from core.actor import Actor
from core.clock import utc_now
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


async def _award(session: AsyncSession, actor: Actor, challenge: Challenge) -> Place | None:
    if not award_policies.may_see_award(actor, challenge, utc_now()):
        return None
    return Place(f"/challenges/{challenge.id}/award", gettext("Winners"), "trophy")


async def _contracts(session: AsyncSession, actor: Actor, challenge: Challenge) -> Place | None:
    if challenge.state not in contract_policies.UNDER_CONTRACT or actor.is_anonymous:
        return None
    own = await contract_service.own_contracts(session, actor, challenge)
    if not own and not contract_policies.may_see_all(actor, challenge):
        return None
    address = f"/challenges/{challenge.id}/contracts"
    return Place(address, gettext("Contracts"), "file-text", len(own))


# In the order of the way of a challenge.
PLACES: tuple[MakePlace, ...] = (
    _checks,
    _award,
    _contracts,
)
PANELS: tuple[MakePanel, ...] = ()


async def places_of(session: AsyncSession, actor: Actor, challenge: Challenge) -> list[Place]:
    made = [await make(session, actor, challenge) for make in PLACES]
    return [place for place in made if place is not None]


async def panels_of(session: AsyncSession, actor: Actor, challenge: Challenge) -> list[Panel]:
    made = [await make(session, actor, challenge) for make in PANELS]
    return [panel for panel in made if panel is not None]
