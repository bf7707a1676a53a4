"""Public challenges as an Atom feed (RFC 4287)."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from feedgen.feed import FeedGenerator

from challenges.postings.models import Challenge
from core.clock import SHANGHAI, utc_now


@dataclass(frozen=True)
class ChangeEntry:
    """A change of a public challenge, as the feed tells of it."""

    id: uuid.UUID
    challenge: Challenge
    title: str
    at: datetime
    summary: str


def atom_feed(
    challenges: Sequence[Challenge], *, base_url: str, title: str, changes: Sequence[ChangeEntry] = ()
) -> bytes:
    """The feed; entries keep their id and address for ever, whatever becomes of the challenge.

    A change of a challenge is an entry of its own: readers of feeds seldom look at old entries again.
    """
    feed = FeedGenerator()
    feed.id(f"{base_url}/challenges.atom")
    feed.title(title)
    feed.link(href=f"{base_url}/challenges.atom", rel="self", type="application/atom+xml")
    feed.link(href=f"{base_url}/challenges", rel="alternate", type="text/html")
    feed.language("zh-CN")
    # Atom asks for a time also of a feed without entries.
    moments = [*(_changed_at(item) for item in challenges), *(item.at for item in changes)]
    feed.updated(max(moments, default=utc_now()))
    for change in changes:
        entry = feed.add_entry(order="append")
        entry.id(f"urn:uuid:{change.id}")
        entry.title(change.title)
        entry.link(
            href=f"{base_url}/challenges/{change.challenge.id}/changes", rel="alternate", type="text/html"
        )
        entry.author({"name": change.challenge.organization.name})
        entry.published(change.at)
        entry.updated(change.at)
        entry.summary(change.summary)
    for challenge in challenges:
        entry = feed.add_entry(order="append")
        link = f"{base_url}/challenges/{challenge.id}"
        entry.id(f"urn:uuid:{challenge.id}")
        entry.title(challenge.title)
        entry.link(href=link, rel="alternate", type="text/html")
        entry.author({"name": challenge.organization.name})
        entry.published(challenge.published_at)
        entry.updated(_changed_at(challenge))
        entry.summary(challenge.difficulty)
        if challenge.program is not None:
            entry.category(term=challenge.program.code, label=challenge.program.name)
        if challenge.subfield_code:
            entry.category(term=challenge.subfield_code)
    return feed.atom_str(pretty=True)


def _changed_at(challenge: Challenge) -> datetime:
    return challenge.updated_at.astimezone(SHANGHAI)
