"""Public challenges as an Atom feed (RFC 4287)."""

from collections.abc import Sequence
from datetime import datetime

from feedgen.feed import FeedGenerator

from challenges.postings.models import Challenge
from core.clock import SHANGHAI, utc_now


def atom_feed(challenges: Sequence[Challenge], *, base_url: str, title: str) -> bytes:
    """The feed; entries keep their id and address for ever, whatever becomes of the challenge."""
    feed = FeedGenerator()
    feed.id(f"{base_url}/challenges.atom")
    feed.title(title)
    feed.link(href=f"{base_url}/challenges.atom", rel="self", type="application/atom+xml")
    feed.link(href=f"{base_url}/challenges", rel="alternate", type="text/html")
    feed.language("zh-CN")
    # Atom asks for a time also of a feed without entries.
    feed.updated(max((_changed_at(item) for item in challenges), default=utc_now()))
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
