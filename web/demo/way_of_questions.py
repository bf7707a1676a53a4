"""Before the deadline: questions with and without an answer, a change that bidders have to confirm, and one that waits."""

import uuid
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.amendments.content import Content, content_of
from challenges.amendments.service import confirm, propose
from challenges.models import Challenge
from challenges.questions.service import answer, ask, hide
from core.clock import to_shanghai
from web.demo.telling import Story


@dataclass(frozen=True)
class Asked:
    """`answers`: how many days ago, and what; a later one corrects the one before."""

    challenge: str
    asker: str
    days_ago: int
    text: str
    answers: tuple[tuple[int, str], ...] = ()
    hidden: str = ""


QUESTIONS = (
    Asked(
        "c-0102-03",
        "s-0102-004",
        14,
        "“界面分层面积≤3%”的判据，是单只样件的最大值，还是同批样件的平均值？抽检数量如何规定？",
        ((13, "为单只样件最大值，按超声扫描所见塑封体与铜框架界面计算；每批次抽检12只，全部合格为通过。"),),
    ),
    Asked(
        "c-0102-03",
        "s-0102-009",
        12,
        "充填仿真需要铜框架与流道的几何数据，发榜方能否在申报前提供图纸？",
        (
            (11, "申报前不提供完整图纸。"),
            (
                10,
                "签署保密协议后，可提供去除敏感尺寸的简化三维模型与浇口位置，联系方式见榜单；完整图纸在签订任务书后提供。",
            ),
        ),
    ),
    Asked(
        "c-0102-03",
        "s-0102-011",
        9,
        "听说已有单位内定中标，是否还有申报的必要？",
        hidden="与技术需求无关，且无事实依据；如有线索请通过监督渠道书面反映。",
    ),
    Asked(
        "c-0102-03",
        "s-0102-001",
        2,
        "修订后熔体黏度放宽到30 Pa·s，测试剪切速率取多少？是否仍以175℃毛细管流变仪结果为准？",
    ),
    Asked(
        "c-0102-03",
        "s-0102-012",
        1,
        "材料单位与封装单位组成联合体时，三批次成型验证可否使用发榜方的封装线？机时费用由谁承担？",
    ),
    Asked(
        "c-0102-01",
        "s-0102-003",
        6,
        "秒级功率循环12万次的失效判据，以导通压降升高5%为准，还是以热阻升高20%为准？",
        (
            (
                5,
                "两项任一达到即判失效，与AQG 324一致；试验中须同步记录结温与壳温，便于拆分焊层与键合的贡献。",
            ),
        ),
    ),
    Asked(
        "c-0102-01",
        "s-0102-009",
        3,
        "大面积烧结层无损检测是否接受涡流与超声组合方案？对单只检测时间有无上限？",
    ),
    Asked(
        "c-0104-01",
        "s-0104-002",
        8,
        "光纤耦合封装的插损指标是否包含两端连接器？保偏光纤与单模光纤是否都可以？",
        ((7, "指标为光纤到光纤、不含连接器；输入端要求保偏光纤，输出端单模即可。"),),
    ),
    Asked("c-0604-01", "s-0604-001", 4, "示范现场的余热水温度全年波动范围是多少？冬季能否保证不低于65℃？"),
)
AMENDED, WAITING = "c-0102-03", "c-0102-02"
EXPLANATION = (
    "两家材料单位反映，现有测试条件下黏度指标与低膨胀指标相互制约。经内部复核，将175℃熔体黏度由25 Pa·s调整为30 Pa·s，"
    "其余指标不变；为便于各单位调整方案，截止时间顺延五天。"
)
MORE_TIME = "流片厂年度检修，可供申报单位评估的工艺设计包推迟发布，申请将申报截止时间顺延十天。"


async def ask_and_amend(story: Story) -> None:
    await _amend(story)
    for item in QUESTIONS:
        asker, poster = story.demo.owner_of(item.asker), story.demo.poster_of(item.challenge)
        async with story.day(item.days_ago, hour=10) as session:
            question = await ask(session, asker, story.demo.challenges[item.challenge].id, item.text)
        for days_ago, text in item.answers:
            async with story.day(days_ago, hour=14) as session:
                await answer(session, poster, question.id, text)
        if item.hidden:
            async with story.day(item.days_ago, hour=16) as session:
                await hide(session, story.officer, question.id, note=item.hidden)


async def _amend(story: Story) -> None:
    """The first was confirmed, after two organizations had bid; the second waits for an officer."""
    async with story.day(5, hour=11) as session:
        challenge = await story.challenge(session, AMENDED)
        after = _later(challenge, 5) | {
            "indicators": challenge.indicators.replace("熔体黏度≤25 Pa·s", "熔体黏度≤30 Pa·s")
        }
        amendment = await _propose(session, story, AMENDED, challenge, after, EXPLANATION)
    async with story.day(4, hour=9) as session:
        await confirm(session, story.officer, amendment)
    async with story.day(1, hour=9) as session:
        challenge = await story.challenge(session, WAITING)
        await _propose(session, story, WAITING, challenge, _later(challenge, 10), MORE_TIME)


def _later(challenge: Challenge, days: int) -> Content:
    before = content_of(challenge)
    assert challenge.deadline_at is not None
    moved = to_shanghai(challenge.deadline_at) + timedelta(days=days)
    return before | {"deadline_at": moved.isoformat()}


async def _propose(
    session: AsyncSession, story: Story, key: str, challenge: Challenge, after: Content, explanation: str
) -> uuid.UUID:
    amendment = await propose(
        session,
        story.demo.poster_of(key),
        challenge.id,
        after,
        explanation=explanation,
        revision=challenge.revision,
    )
    return amendment.id
