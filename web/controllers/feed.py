"""The Atom feed of public challenges."""

from litestar import Response, get

from challenges.amendments.queries import newest_public
from challenges.postings import queries
from challenges.postings.feed import ChangeEntry, atom_feed
from core.i18n import gettext
from web.dependencies import Config, DbSession
from web.guards import Access

ENTRIES = 50


@get("/challenges.atom", opt={"access": Access.PUBLIC})
async def challenge_feed(session: DbSession, settings: Config) -> Response[bytes]:
    challenges = await queries.public_feed(session, limit=ENTRIES)
    content = atom_feed(
        challenges,
        base_url=settings.public_url,
        title=gettext("Jiebang – the open list of technical problems"),
        changes=[
            ChangeEntry(
                id=item.id,
                challenge=item.challenge,
                title=gettext(
                    "Change %(version)s: %(title)s", version=item.version, title=item.challenge.title
                ),
                at=item.decided_at,
                summary=item.explanation,
            )
            for item in await newest_public(session, limit=ENTRIES)
            if item.decided_at is not None
        ],
    )
    return Response(
        content=content,
        media_type="application/atom+xml; charset=utf-8",
        headers={"cache-control": "public, max-age=300"},
    )
