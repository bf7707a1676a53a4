"""Notices of public challenges as an Atom feed (RFC 4287)."""

from collections.abc import Sequence

from feedgen.feed import FeedGenerator

from challenges.notices.models import Notice
from core.clock import SHANGHAI, utc_now


def notice_feed(notices: Sequence[Notice], *, base_url: str, title: str) -> bytes:
    """One entry for each notice; a withdrawn one keeps its entry."""
    feed = FeedGenerator()
    feed.id(f"{base_url}/notices.atom")
    feed.title(title)
    feed.link(href=f"{base_url}/notices.atom", rel="self", type="application/atom+xml")
    feed.link(href=f"{base_url}/notices", rel="alternate", type="text/html")
    feed.language("zh-CN")
    changed = [item.updated_at.astimezone(SHANGHAI) for item in notices]
    feed.updated(max(changed, default=utc_now()))
    for notice in notices:
        entry = feed.add_entry(order="append")
        entry.id(f"urn:uuid:{notice.id}")
        entry.title(notice.content["challenge"]["title"])
        entry.link(href=f"{base_url}/notices/{notice.id}", rel="alternate", type="text/html")
        entry.author({"name": notice.content["program"]["authority"]})
        entry.published(notice.begun_at.astimezone(SHANGHAI))
        entry.updated(notice.updated_at.astimezone(SHANGHAI))
        entry.summary("、".join(team["lead"] for team in notice.content["teams"]))
        entry.category(term=notice.state.value)
    return feed.atom_str(pretty=True)
