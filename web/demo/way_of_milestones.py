"""Contracts carried out: milestones, a horse race with an elimination, one acceptance and one early end."""

import asyncio
import uuid
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.acceptances.service import answer_acceptance, answer_delivery, ask_for_acceptance, rate
from challenges.contracts.ending import end_contract
from challenges.contracts.models import Contract
from challenges.contracts.queries import contracts_of
from challenges.indexes import terms_of_text
from challenges.milestones.horse_race import answer_elimination, propose_elimination
from challenges.milestones.models import Milestone
from challenges.milestones.queries import milestones_of
from challenges.milestones.service import answer_report, confirm_payment, mark_paid, report_milestone
from core.actor import Actor
from core.typesetting import set_document
from web.demo.cast import DATA
from web.demo.telling import Story

TEMPLATE = DATA / "acceptance_document.typ"
RACE, ACCEPTED, FAILED = "c-0102-05", "c-0102-06", "c-0301-03"


@dataclass(frozen=True)
class Told:
    """A report on a milestone and what became of it; times in days ago, None: it has not happened.

    `place` counts milestones from 0. `rework` is the reason where the poster asked for more.
    """

    challenge: str
    place: int
    reported: int
    text: str
    answered: int | None = None
    rework: str = ""
    paid: int | None = None
    received: int | None = None
    team: int = 1


REPORTS = (
    Told(
        ACCEPTED,
        0,
        404,
        "完成叠层端子方案与双脉冲仿真，回路电感仿真值5.2 nH，两轮结构评审意见已闭环，提交方案报告与三维数模。",
        answered=400,
        paid=392,
        received=388,
    ),
    Told(
        ACCEPTED,
        1,
        226,
        "完成A级样件36只，焊接空洞率1.6%，双脉冲实测电感5.7 nH；端子拉力循环后保持率88%，样本6只。",
        answered=222,
        rework="端子拉力样本数偏少，请按任务书补足至不少于20只，并补充循环500次与1000次的中间数据。",
    ),
    Told(
        ACCEPTED,
        1,
        212,
        "补测端子24只，1500次循环后拉力保持率均值89.4%、最小86.1%，附各阶段原始记录与失效照片。",
        answered=208,
        paid=200,
        received=196,
    ),
    Told(
        ACCEPTED,
        2,
        134,
        "累计交付样件66只，第三方报告显示全部指标达标；两台变流器并网运行97天无故障，折算寿命11.3年。",
        answered=128,
        paid=120,
        received=117,
    ),
    Told(
        FAILED,
        0,
        222,
        "陶瓷窗钎焊完成三轮试制，1300℃静态考核通过；热冲击412次后出现微漏，正在调整梯度钎料。",
        answered=217,
        paid=210,
        received=206,
    ),
    Told(
        RACE,
        0,
        143,
        "直冷针翅方案冻结：功率密度仿真72 kW/L，最高结温158℃，低感母排6.9 nH，评审遗留项3条均已关闭。",
        answered=139,
        paid=130,
        received=126,
    ),
    Told(
        RACE,
        1,
        84,
        "A样两台完成统一工况对比：峰值效率99.06%，最高结温161℃，回路电感7.4 nH，电磁兼容摸底裕量2.1 dB。",
        answered=76,
        paid=5,
    ),
    Told(
        RACE,
        0,
        141,
        "微通道方案冻结：扩散焊样板耐压1.6 MPa，功率密度仿真76 kW/L，压降41 kPa，已与水泵供应商确认边界。",
        answered=138,
        paid=129,
        received=125,
        team=2,
    ),
    Told(
        RACE,
        1,
        82,
        "A样两台对比试验完成，最高结温149℃，峰值效率98.97%；其中一台在第三工况出现流量下降。",
        answered=78,
        rework="第三工况流量下降原因未说明，请拆检微通道并给出堵塞或变形的证据，复测后重新提交。",
        team=2,
    ),
    Told(
        RACE,
        1,
        74,
        "拆检确认为焊料挤入两条流道，已增加阻焊槽并复测三次，流量偏差小于2%，补充显微照片与复测数据。",
        answered=72,
        paid=60,
        received=57,
        team=2,
    ),
    Told(
        RACE,
        2,
        6,
        "B样三台完成台架试验，功率密度71.8 kW/L，电磁兼容满足等级3；热循环已累计一万零四百次，热阻增加3.2%。",
        team=2,
    ),
    Told(
        RACE,
        0,
        138,
        "两相冷却方案冻结：热虹吸回路原理样机可稳定带走420 W/cm²，整机功率密度仿真66 kW/L。",
        answered=134,
        paid=128,
        received=124,
        team=3,
    ),
    Told(
        RACE,
        1,
        79,
        "A样一台完成对比试验，最高结温144℃，功率密度61 kW/L；另一台因充注量偏差未能完成全部工况。",
        team=3,
    ),
)
ELIMINATION = (
    "统一工况对比中，本队A样功率密度61 kW/L，低于70 kW/L的指标且仅一台完成试验；倾斜15度时冷却能力下降三成，"
    "半年内难以补足。建议赛马淘汰，已验收节点经费照付。"
)
CONFIRMATION = "经核对三队试验数据，发榜方评价依据充分、口径一致，同意淘汰。"
ASKED = "三个里程碑全部通过，指标对照表、第三方检测报告、并网运行记录、经费决算与知识产权清单已上传，申请最终验收。"
DOCUMENTS = {
    "指标对照表": (
        "任务书所列考核指标逐项对照：实测值、测试条件、测试单位与结论。",
        "全部指标达到或优于任务书约定值，无未完成项。",
    ),
    "第三方检测报告": (
        "检测依据：任务书附表所列国家标准与双方商定的测试方法。",
        "结论：送检样品所检项目全部合格。",
    ),
    "经费决算表": (
        "按成员单位与年度列出经费支出，与批复的经费构成一致。",
        "中小企业承担经费占比符合专项规则。",
    ),
}
POSTER_ACCEPTS = "现场核查与资料审查一致，同意通过验收。"
OFFICER_CONFIRMS = "经专家复核，任务书指标全部达到，中小企业承担经费与批复一致，予以确认。"
BY_POSTER = (
    5,
    "交付准时，问题响应快；端子焊接工艺文件可直接导入我方产线，建议今后尽早提供批次原始数据。",
)
BY_LEAD = (4, "需求描述清楚，节点付款及时；并网试验场地协调花了六周，建议下一次提前锁定。")
FAILURE = (
    "探头陶瓷窗经三轮梯度钎料改进，热冲击均在六百次以内失效，未见收敛趋势；双方共同聘请的专家组认为现路线在期限内"
    "不可行。依任务书约定提前终止，已拨经费按实际支出清算，余款退回。"
)


async def carry_out(story: Story) -> None:
    for item in sorted(REPORTS, key=lambda item: -item.reported):
        await _tell(story, item)
    await _eliminate(story)
    await _accept(story)
    async with story.day(16, hour=10) as session:
        contract = await _contract(session, story, FAILED)
        await end_contract(session, story.demo.poster_of(FAILED), contract.id, FAILURE)
    await story.pass_time(3, "milestone.due_soon", "milestone.overdue")


async def _contract(session: AsyncSession, story: Story, key: str, team: int = 1) -> Contract:
    found = await contracts_of(session, story.demo.challenges[key].id)
    return next(item for item in found if item.team_number == team)


async def _milestone(session: AsyncSession, story: Story, key: str, team: int, place: int) -> Milestone:
    contract = await _contract(session, story, key, team)
    return (await milestones_of(session, contract.id))[place]


async def _lead(session: AsyncSession, story: Story, key: str, team: int = 1) -> Actor:
    contract = await _contract(session, story, key, team)
    lead_id = contract.consortium.lead_id
    assert lead_id is not None
    return story.owner_by_id(lead_id)


async def _tell(story: Story, item: Told) -> None:
    poster = story.demo.poster_of(item.challenge)
    async with story.day(item.reported, hour=15) as session:
        lead = await _lead(session, story, item.challenge, item.team)
        milestone = await _milestone(session, story, item.challenge, item.team, item.place)
        await report_milestone(session, story.process.settings, lead, milestone.id, item.text)
    if item.answered is not None:
        async with story.day(item.answered, hour=11) as session:
            await answer_report(session, poster, milestone.id, accept=not item.rework, reason=item.rework)
    if item.paid is not None:
        async with story.day(item.paid, hour=14) as session:
            await mark_paid(session, poster, milestone.id)
    if item.received is not None:
        async with story.day(item.received, hour=9) as session:
            await confirm_payment(session, lead, milestone.id)


async def _eliminate(story: Story) -> None:
    async with story.day(74, hour=16) as session:
        milestone = await _milestone(session, story, RACE, 3, 1)
        proposal = await propose_elimination(session, story.demo.poster_of(RACE), milestone.id, ELIMINATION)
    async with story.day(71, hour=10) as session:
        await answer_elimination(session, story.officer, proposal.id, confirm=True, reason=CONFIRMATION)


async def _accept(story: Story) -> None:
    poster = story.demo.poster_of(ACCEPTED)
    files = [
        (f"{title}.pdf", await asyncio.to_thread(set_document, TEMPLATE, {"title": title, "lines": lines}))
        for title, lines in DOCUMENTS.items()
    ]
    async with story.day(115, hour=9) as session:
        contract_id = (await _contract(session, story, ACCEPTED)).id
        lead = await _lead(session, story, ACCEPTED)
        acceptance = await ask_for_acceptance(
            session, story.process.settings, lead, contract_id, ASKED, files
        )
    await _answer(story, poster, acceptance.id, 111, POSTER_ACCEPTS)
    await _answer(story, story.officer, acceptance.id, 107, OFFICER_CONFIRMS)
    for actor, days_ago, (stars, comment) in ((poster, 104, BY_POSTER), (lead, 102, BY_LEAD)):
        async with story.day(days_ago, hour=10) as session:
            await rate(session, actor, contract_id, stars, comment)
    await story.pass_time(102, "rating.visible", hour=12)
    async with story.day(101, hour=10) as session:
        await answer_delivery(session, lead, contract_id, show=True, tokenize=terms_of_text)


async def _answer(story: Story, actor: Actor, acceptance_id: uuid.UUID, days_ago: int, reason: str) -> None:
    async with story.day(days_ago, hour=15) as session:
        await answer_acceptance(session, actor, acceptance_id, accept=True, reason=reason)
