"""Formal checks of the demonstration: passed, failed, waiting, and one that its bidder has to complete."""

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.checks.models import CheckState, FormalCheck
from challenges.checks.queries import checks_of
from challenges.checks.service import begin_checks, save_points, settle
from web.demo.telling import Story

# Challenge key -> when all its bids were checked, in days ago.
CHECKED = {
    "c-0804-01": 2,
    "c-0102-05": 258,
    "c-0106-01": 46,
    "c-0102-06": 517,
    "c-0205-03": 21,
    "c-0102-07": 55,
    "c-0301-03": 335,
}
# One bid of these did not pass, by the name of its lead's key.
FAILED = {"c-0102-06": "s-0102-002"}
LACKING = "联合申报协议缺少成员单位盖章页，且未附项目负责人在职证明。"
# Checks go on here: one waits, one asks its bidder, one has passed.
UNDER_WAY = "c-0102-04"
ASKED_OF, WAITING, PASSED = "s-0102-001", "s-0102-002", "s-0102-009"
TO_COMPLETE = "1. 请补交法定代表人签字的申报书封面扫描件；2. 请说明超声检测单元核心部件的知识产权来源，并附权属无纠纷承诺。"


async def check(story: Story) -> None:
    for key, days in CHECKED.items():
        async with story.day(days, hour=9) as session:
            await begin_checks(session, story.officer, await story.challenge(session, key))
            for item in await checks_of(session, story.demo.challenges[key].id):
                if _leads(story, item, FAILED.get(key)):
                    await _settle(session, story, item, CheckState.FAILED, LACKING, missed=(1,))
                else:
                    await _settle(session, story, item, CheckState.PASSED, "")
    async with story.day(1, hour=15) as session:
        await begin_checks(session, story.second_officer, await story.challenge(session, UNDER_WAY))
        for item in await checks_of(session, story.demo.challenges[UNDER_WAY].id):
            if _leads(story, item, ASKED_OF):
                await _settle(
                    session, story, item, CheckState.COMPLETION_REQUESTED, TO_COMPLETE, missed=(0, 4)
                )
            elif _leads(story, item, PASSED):
                await _settle(session, story, item, CheckState.PASSED, "")
            else:
                seen = [(True, ""), (True, "协议第3页约定了经费分配"), *[(None, "")] * (len(item.points) - 2)]
                await save_points(session, story.officer, item.id, seen, "", item.revision)


def _leads(story: Story, check: FormalCheck, organization_key: str | None) -> bool:
    return (
        organization_key is not None
        and check.bid.organization_id == story.demo.organizations[organization_key].id
    )


async def _settle(
    session: AsyncSession,
    story: Story,
    check: FormalCheck,
    to: CheckState,
    note: str,
    missed: tuple[int, ...] = (),
) -> None:
    findings: list[tuple[bool | None, str]] = [
        (number not in missed, "材料缺失，见意见" if number in missed else "")
        for number in range(len(check.points))
    ]
    saved = await save_points(session, story.officer, check.id, findings, note, check.revision)
    await settle(session, story.officer, saved.id, to)
