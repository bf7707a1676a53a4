"""Consortia that posters had composed by the matcher: approved, waiting, and one that fails its quota."""

from decimal import Decimal

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.consortia import queries
from challenges.consortia.decisions import decide_consortium
from challenges.consortia.models import Consortium, Outcome
from challenges.consortia.service import add_member, assign_requirements, propose_consortium, remove_member
from challenges.consortia.submission import submit_consortium
from web.demo.telling import Story

# A university that can do it: no SME, so its part of the money does not count.
FAVOURITE = "s-0701-003"
# Challenge key -> how many days ago its consortium was approved: what the statistics tell of.
APPROVED = {
    "c-0403-01": 116,
    "c-0603-01": 86,
    "c-0503-01": 65,
    "c-0401-01": 58,
    "c-0703-01": 30,
    "c-0806-01": 27,
    "c-0402-01": 4,
}


async def compose(story: Story) -> None:
    """Some approved over the months, one waiting for the officer, one whose members break the rule and so cannot be submitted."""
    demo = story.demo
    for key in (*APPROVED, "c-0804-01", "c-0701-01"):
        async with story.day() as session:
            await propose_consortium(session, demo.poster_of(key), demo.challenges[key].id)
    await story.finish_jobs()
    for key, days in APPROVED.items():
        async with story.day(days, hour=10) as session:
            await _submit(session, story, key, "请予审批：成员均已现场考察。")
        async with story.day(days, hour=15) as session:
            consortium = await _open_consortium(session, story, key)
            await decide_consortium(
                session,
                story.officer,
                consortium.id,
                Outcome.APPROVED,
                "比例核算符合规则第1版，同意立项。",
                consortium.revision,
            )
    async with story.day(1, hour=15) as session:
        await _submit(session, story, "c-0804-01", "两家候选均具备试制条件，申请按此组建。")
    async with story.day() as session:
        await _break_quota(session, story, "c-0701-01")
    await story.finish_jobs()


async def _open_consortium(session: AsyncSession, story: Story, key: str) -> Consortium:
    consortium = await queries.open_consortium(session, story.demo.challenges[key].id)
    assert consortium is not None
    return consortium


async def _submit(session: AsyncSession, story: Story, key: str, note: str) -> None:
    consortium = await _open_consortium(session, story, key)
    actor, challenge = story.demo.poster_of(key), story.demo.challenges[key]
    await submit_consortium(session, actor, challenge.id, consortium.revision, note)


async def _break_quota(session: AsyncSession, story: Story, key: str) -> None:
    """A university answers for most of the money: what a poster might like, and the rule does not allow."""
    demo = story.demo
    challenge, actor = demo.challenges[key], demo.poster_of(key)
    consortium = await _open_consortium(session, story, key)
    favourite = demo.organizations[FAVOURITE].id
    if all(member.organization_id != favourite for member in consortium.members):
        consortium = await add_member(session, actor, challenge.id, consortium.revision, favourite)
    other = next(
        member.organization_id for member in consortium.members if member.organization_id != favourite
    )
    cheapest = min(challenge.requirements, key=lambda requirement: requirement.budget_wan or Decimal(0))
    holders = {
        str(requirement.id): other if requirement is cheapest else favourite
        for requirement in challenge.requirements
    }
    consortium = await assign_requirements(
        session, actor, challenge.id, consortium.revision, holders, favourite
    )
    for organization_id in [member.organization_id for member in consortium.members]:
        if organization_id not in {favourite, other}:
            consortium = await remove_member(
                session, actor, challenge.id, consortium.revision, organization_id
            )
