"""What officers may do for several challenges of their work queue at once.

Each challenge is judged by its own use case in a savepoint of its own: what is refused for one leaves the others done.
Taken twice, the second time is refused row by row, since nothing waits any more.
"""

import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from challenges import early_ends
from challenges.bids.opening import open_bids
from challenges.checks.service import begin_checks
from challenges.models import Challenge
from challenges.postings import screening
from challenges.postings.service import read_challenge
from core.actor import Actor
from core.errors import DomainError, InvalidError
from core.i18n import gettext
from core.i18n import lazy_gettext as _

# Does it for one challenge, and answers with what was done.
Do = Callable[[AsyncSession, Actor, Challenge, str], Awaitable[Any]]
# A page of rows; more at once would hold locks for too long.
MOST_AT_ONCE = 100


@dataclass(frozen=True)
class BulkAction:
    """`section` is the anchor of the queue's section whose rows it is for."""

    name: str
    section: str
    text: Any
    question: Any
    icon: str
    do: Do
    needs_note: bool = False


@dataclass(frozen=True)
class Result:
    challenge_id: uuid.UUID
    title: str
    is_done: bool
    text: str


async def _publish(session: AsyncSession, actor: Actor, challenge: Challenge, note: str) -> Any:
    await screening.publish_challenge(session, actor, challenge.id)
    return _("Published on the list.")


async def _return(session: AsyncSession, actor: Actor, challenge: Challenge, note: str) -> Any:
    await screening.return_challenge(session, actor, challenge.id, note=note)
    return _("Returned with your comments.")


async def _open(session: AsyncSession, actor: Actor, challenge: Challenge, note: str) -> Any:
    opening = await open_bids(session, actor, challenge)
    return _("The bids are open.") if opening.opened_at else _("Another officer has to open the bids now.")


async def _begin_checks(session: AsyncSession, actor: Actor, challenge: Challenge, note: str) -> Any:
    checks = await begin_checks(session, actor, challenge)
    return _("Formal checks begun: %(number)s.", number=len(checks))


async def _no_award(session: AsyncSession, actor: Actor, challenge: Challenge, note: str) -> Any:
    await early_ends.declare_no_award(session, actor, challenge.id, note=note)
    return _("The challenge has ended without an award.")


ACTIONS: tuple[BulkAction, ...] = (
    BulkAction(
        "publish",
        "screening",
        _("Publish several"),
        _("These challenges are put on the list, and solvers are ranked for each of them:"),
        "speakerphone",
        _publish,
    ),
    BulkAction(
        "return",
        "screening",
        _("Return several"),
        _("These challenges go back to their posters with the same comments:"),
        "arrow-back-up",
        _return,
        needs_note=True,
    ),
    BulkAction(
        "open",
        "sealed",
        _("Ask for the opening, or open"),
        _(
            "For each of these the opening of the bids is asked for; where another officer has asked, the bids are"
            " opened, which cannot be undone:"
        ),
        "lock-open",
        _open,
    ),
    BulkAction(
        "begin-checks",
        "checks",
        _("Begin the formal checks"),
        _("The formal check of every opened bid is begun for:"),
        "clipboard-check",
        _begin_checks,
    ),
    BulkAction(
        "no-award",
        "closed",
        _("End without an award"),
        _("These challenges end without an award, for the same reason; this cannot be undone:"),
        "ban",
        _no_award,
        needs_note=True,
    ),
)


def action_named(name: str) -> BulkAction | None:
    return next((item for item in ACTIONS if item.name == name), None)


def actions_for(section: str) -> list[BulkAction]:
    return [item for item in ACTIONS if item.section == section]


async def readable_among(session: AsyncSession, actor: Actor, keys: Sequence[uuid.UUID]) -> list[Challenge]:
    """Those that the reader may read, in the order given; others are left out without a word."""
    found: list[Challenge] = []
    for key in keys[:MOST_AT_ONCE]:
        try:
            found.append(await read_challenge(session, actor, key))
        except DomainError:
            continue
    return found


async def do_for_each(
    session: AsyncSession, actor: Actor, action: BulkAction, keys: Sequence[uuid.UUID], note: str
) -> list[Result]:
    """In the order of ids, in which everybody locks several challenges; answered in the order given."""
    results: dict[uuid.UUID, Result] = {}
    for key in sorted(set(keys[:MOST_AT_ONCE])):
        title = ""
        try:
            async with session.begin_nested():
                challenge = await read_challenge(session, actor, key)
                title = challenge.title
                text = str(await action.do(session, actor, challenge, note))
            results[key] = Result(key, title, True, text)
        except InvalidError as error:
            text = " ".join(str(message) for message in error.errors.values())
            results[key] = Result(key, title, False, text)
        except DomainError as error:
            results[key] = Result(
                key, title, False, str(error) if title else gettext("There is nothing here.")
            )
    return [results[key] for key in dict.fromkeys(keys) if key in results]
