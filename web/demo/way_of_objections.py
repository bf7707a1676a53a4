"""Objections to awards on public notice: one waits, one did not change the decision, one annulled the award."""

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.notices.queries import standing_notice
from challenges.objections.models import Effect, Objection
from challenges.objections.service import answer_objection, raise_objection
from web.demo.telling import Story

DISPUTED, ANNULLED = "c-0703-01", "c-0402-01"
# Organizations that have no part in these challenges.
OBJECTORS = ("s-0102-002", "s-0102-009", "s-0301-001")


async def object_and_answer(story: Story) -> None:
    async with story.day(3) as session:
        first = await _raise(
            session,
            story,
            DISPUTED,
            OBJECTORS[0],
            "公示的联合体成员中有一家近两年未见同类业绩，请核实其承担关键指标的能力。",
        )
    async with story.day(2) as session:
        await answer_objection(
            session,
            story.second_officer,
            first.id,
            Effect.STANDS,
            "经调阅能力画像与佐证材料，该成员近两年有两项同类产品通过第三方检测，满足榜单条件，异议不成立。",
            "有单位质疑一名成员的业绩，经核实其具备相应能力，维持原审批决定。",
        )
    async with story.day(2, hour=15) as session:
        second = await _raise(
            session,
            story,
            ANNULLED,
            OBJECTORS[1],
            "该榜单的核心指标已由发榜方在其他财政专项中立项支持，属重复立项，附公开的立项通知。",
        )
    async with story.day(1) as session:
        await answer_objection(
            session,
            story.second_officer,
            second.id,
            Effect.ANNULLED,
            "经与立项通知核对，主要研究内容重复，异议成立，撤销本次立项，榜单按流标处理。",
            "有单位反映重复立项，经核实属实，撤销立项。",
        )
    async with story.day(1, hour=16) as session:
        await _raise(
            session,
            story,
            DISPUTED,
            OBJECTORS[2],
            "公示的经费分配中检测验证部分偏低，恐难以完成可靠性考核，请说明测算依据。",
        )


async def _raise(
    session: AsyncSession, story: Story, challenge_key: str, objector_key: str, text: str
) -> Objection:
    notice = await standing_notice(session, story.demo.challenges[challenge_key].id)
    assert notice is not None
    objector = story.owner_by_id(story.demo.organizations[objector_key].id)
    return await raise_objection(session, objector, story.process.settings, notice.id, text, None)
