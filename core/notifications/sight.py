"""What a reader may see as things stand now: asked when a page is shown, a mail is made, a digest is composed."""

import uuid
from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from core.notifications.kinds import kind_of
from core.notifications.models import Notification


async def visible_among(
    session: AsyncSession, person_id: uuid.UUID, notifications: Sequence[Notification]
) -> set[uuid.UUID]:
    """Ids of those whose kind is known and whose check lets the person see them."""
    by_kind: dict[str, list[Notification]] = defaultdict(list)
    for item in notifications:
        by_kind[item.kind].append(item)
    seen: set[uuid.UUID] = set()
    for name, items in by_kind.items():
        kind = kind_of(name)
        if kind is not None:
            seen.update(await kind.visible(session, person_id, items))
    return seen
