"""An export of the program's round, and a search that the bidder has saved."""

from typing import TYPE_CHECKING, Any

from challenges.models import Challenge, ExportKind, ExportRun, SavedSearch

if TYPE_CHECKING:
    from tests.integration.permission_world import Builder


async def add_officer_work(
    builder: "Builder", scene: str, challenge: Challenge, things: dict[str, Any]
) -> None:
    if scene != "open":
        return
    export = ExportRun(
        round_id=builder.program.rounds[0].id,
        kind=ExportKind.ARCHIVE,
        asked_by_id=builder.officer.id,
        locale="zh_CN",
    )
    search = SavedSearch(person_id=builder.people["bidder"].id, name="找叶片", filters={"text": "叶片"})
    builder.make.session.add_all([export, search])
    await builder.make.session.flush()
    things["export_id"], things["search_id"] = export.id, search.id
