"""Use cases of saved searches: keep one, drop one."""

import uuid

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.postings.list_queries import ChallengeFilters
from challenges.searches import queries
from challenges.searches.filters import stored
from challenges.searches.models import SavedSearch
from core import audit
from core.actor import Actor
from core.errors import InvalidError, NotFoundError
from core.i18n import lazy_gettext as _

MAX_SEARCHES = 20
MAX_NAME_LENGTH = 80


async def save_search(
    session: AsyncSession, actor: Actor, name: str, filters: ChallengeFilters
) -> SavedSearch:
    """Keep a search of the list; its owner is told of challenges that are published from now on.

    Raises InvalidError on `name` for a name that is missing, too long or taken, for a search that leaves everything,
    and beyond MAX_SEARCHES.
    """
    assert actor.person_id is not None
    name = " ".join(name.split())
    await queries.lock_owner(session, actor.person_id)
    own = await queries.searches_of(session, actor.person_id)
    kept = stored(filters)
    if not name:
        raise InvalidError({"name": _("Give the search a name.")})
    if len(name) > MAX_NAME_LENGTH:
        raise InvalidError({"name": _("At most %(length)s characters.", length=MAX_NAME_LENGTH)})
    if not kept:
        raise InvalidError({"name": _("Choose a filter or search for words first.")})
    if any(item.name == name for item in own):
        raise InvalidError({"name": _("You have a search of this name already.")})
    if len(own) >= MAX_SEARCHES:
        raise InvalidError({"name": _("You can keep %(number)s searches.", number=MAX_SEARCHES)})
    search = SavedSearch(person_id=actor.person_id, name=name, filters=kept)
    session.add(search)
    await session.flush()
    await audit.record(
        session, actor, "search.saved", "saved_search", search.id, {"name": name, "filters": kept}
    )
    return search


async def remove_search(session: AsyncSession, actor: Actor, search_id: uuid.UUID) -> None:
    """Nothing is told of it any more."""
    assert actor.person_id is not None
    search = await queries.search_of(session, actor.person_id, search_id)
    if search is None:
        raise NotFoundError(_("There is no such search."))
    await session.delete(search)
    await session.flush()
    await audit.record(session, actor, "search.removed", "saved_search", search_id, {"name": search.name})
