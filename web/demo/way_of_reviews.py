"""Reviews by experts: one under way, with a conflict declared and scores missing, and one that is finished."""

import uuid
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.experts.forms import ExpertForm, Past
from challenges.experts.models import Expert
from challenges.experts.service import register_expert
from challenges.reviews.criteria import Line, save_criteria
from challenges.reviews.panels import seat_expert
from challenges.reviews.queries import review_by_id
from challenges.reviews.scoring import Given, declare, hand_in, remark, revise, save_scores
from challenges.reviews.service import begin_review, begin_scoring, finish_review
from core.accounts.models import Person, PersonRole, PlatformRole
from core.actor import Actor
from web.demo.telling import Story


@dataclass(frozen=True)
class Known:
    """An expert of the base; the first has an account to look at."""

    email: str
    name: str
    employer: str
    title: str
    fields: tuple[str, ...]
    strengths: str
    is_enterprise: bool = False
    past: tuple[tuple[str, int], ...] = ()


EXPERTS = (
    Known(
        "reviewer@demo.example",
        "温若川",
        "江海省医疗器械检验研究院",
        "研究员",
        ("0205", "0102"),
        "有源医疗器械性能评价、柔性传感与生理信号采集、注册检验标准",
        past=(("沧澜医学工程中心", 2016),),
    ),
    Known(
        "expert02@experts.example",
        "骆明远",
        "北辰大学附属心血管病医院",
        "主任医师",
        ("0205",),
        "高血压诊疗、动态血压监测、临床试验设计",
    ),
    Known(
        "expert03@experts.example",
        "裘海棠",
        "上海衡誉医疗电子有限公司",
        "首席工程师",
        ("0205", "0102"),
        "可穿戴医疗电子、低功耗模拟前端、量产测试",
        is_enterprise=True,
    ),
    Known(
        "expert04@experts.example",
        "蓝景澄",
        "东屿理工大学微电子学院",
        "教授",
        ("0102", "0106"),
        "混合信号集成电路、植入式芯片、无线供能",
    ),
    Known(
        "expert05@experts.example",
        "祝云帆",
        "苏州启衍半导体有限公司",
        "研发总监",
        ("0102",),
        "神经接口芯片、封装与可靠性、产品化",
        is_enterprise=True,
    ),
    Known(
        "expert06@experts.example",
        "阮清和",
        "南浦医科大学生物医学工程系",
        "副教授",
        ("0205", "0204"),
        "神经调控、动物试验、生物相容性",
    ),
    Known(
        "expert07@experts.example",
        "戚望舒",
        "江海省产业技术评估中心",
        "高级经济师",
        ("0205", "0506"),
        "科技项目预算评审、产业化评估",
    ),
)
CRITERIA = (
    Line("团队", "负责人与骨干的经验、结构与投入时间。", Decimal(20)),
    Line("研发能力", "研究基础、设备条件与已有成果。", Decimal(20)),
    Line("技术方案", "路线的先进性与可行性，任务分工、进度与经费的合理性。", Decimal(30)),
    Line("临床与产业价值", "对临床问题的改善程度与产业化前景。", Decimal(15)),
    Line("与需求契合度", "对榜单指标的响应程度。", Decimal(15)),
)
UNDER_WAY, FINISHED = "c-0205-03", "c-0102-07"
UNDER_WAY_PANEL = (
    "reviewer@demo.example",
    "expert02@experts.example",
    "expert03@experts.example",
    "expert06@experts.example",
)
FINISHED_PANEL = (
    "expert03@experts.example",
    "expert04@experts.example",
    "expert05@experts.example",
    "expert06@experts.example",
)
IN_CONFLICT = "expert02@experts.example"
CONFLICT = "本人所在科室去年受其中一家申报单位委托开展临床比对研究，合同尚未结题，申请回避。"
HANDED_IN = "expert03@experts.example"
SCORED_IN_PART = "expert06@experts.example"

# What reviewers say of the best, second and third bid: points by criterion, and a comment on the plan. The best one
# came last.
POINTS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("8.5", "8", "8.5", "8", "9"), "技术路线清晰，关键指标有中间数据支撑，风险识别到位。"),
    (("7.5", "8", "7", "7.5", "7"), "研究基础扎实，但工程化与供应链安排偏弱，样件批次一致性缺少方案。"),
    (("7", "6.5", "6.5", "7", "6"), "方案以已有产品改型为主，对两项核心指标的响应不足，进度安排偏紧。"),
)
# Reviewers see things differently, by so many points.
LEANINGS = {
    "expert03@experts.example": Decimal(0),
    "expert04@experts.example": Decimal("-0.5"),
    "expert05@experts.example": Decimal("0.5"),
    "expert06@experts.example": Decimal(-1),
}
REMARKS = (
    (
        "expert05@experts.example",
        "第一份方案的电荷平衡校准已有流片结果，建议把动物试验例数的统计依据写进任务书。",
    ),
    ("expert06@experts.example", "同意。补充一点：壳体温升指标应按组织等效负载测试，否则数据偏乐观。"),
)
REVISION = "讨论中核对了申报书第12页的老化数据，原先对研发能力的评分偏低，予以上调。"


async def review(story: Story) -> None:
    experts = await _register(story)
    async with story.day(60, hour=9) as session:
        challenge = await story.challenge(session, FINISHED)
        assert challenge.program is not None
        await save_criteria(session, story.officer, challenge.program, CRITERIA)
    await _finish(story, experts)
    await _begin(story, experts)


async def _register(story: Story) -> dict[str, Expert]:
    found: dict[str, Expert] = {}
    async with story.day(70, hour=9) as session:
        password_hash = next(iter(story.demo.people.values())).password_hash
        for known in EXPERTS:
            if known.email not in story.demo.people:
                person = Person(email=known.email, name=known.name, password_hash=password_hash)
                person.roles = [PersonRole(role=PlatformRole.REVIEWER)]
                session.add(person)
                await session.flush()
                story.demo.people[known.email] = person
            form = ExpertForm(
                data={
                    "email": known.email,
                    "name": known.name,
                    "employer": known.employer,
                    "title": known.title,
                    "fields": list(known.fields),
                    "strengths": known.strengths,
                    "is_enterprise": known.is_enterprise,
                    "past_employers": [Past(name, year) for name, year in known.past],
                }
            )
            found[known.email] = await register_expert(session, story.officer, story.process.settings, form)
    return found


async def _prepare(
    story: Story, key: str, experts: dict[str, Expert], panel: tuple[str, ...], days_ago: int
) -> uuid.UUID:
    """Begin a review, seat its panel and let it score two days later."""
    async with story.day(days_ago, hour=9) as session:
        begun = await begin_review(
            session, story.officer, await story.challenge(session, key), drops_extremes=False
        )
    for email in panel:
        async with story.day(days_ago, hour=14) as session:
            await seat_expert(session, story.officer, begun.id, experts[email].id)
    async with story.day(days_ago - 2, hour=9) as session:
        await begin_scoring(session, story.officer, begun.id)
    return begun.id


def _reviewer(story: Story, email: str) -> Actor:
    person = story.demo.people[email]
    return Actor(
        person_id=person.id,
        name=person.name,
        email=email,
        roles=frozenset({PlatformRole.REVIEWER}),
    )


async def _seat_of(
    session: AsyncSession, review_id: uuid.UUID, expert: Expert
) -> tuple[uuid.UUID, list[uuid.UUID]]:
    """The seat's id, and the bids to score."""
    review = await review_by_id(session, review_id)
    assert review is not None
    seat = next(item for item in review.seats if item.expert_id == expert.id)
    return seat.id, [uuid.UUID(item) for item in review.bid_ids]


async def _score(
    story: Story, review_id: uuid.UUID, email: str, expert: Expert, days_ago: int, *, bids: int = 3
) -> None:
    """Declare, score so many bids, and hand in once all are scored."""
    actor = _reviewer(story, email)
    async with story.day(days_ago, hour=9) as session:
        seat_id, bid_ids = await _seat_of(session, review_id, expert)
        await declare(session, actor, seat_id, has_conflict=False)
    async with story.day(days_ago - 1, hour=15) as session:
        for bid_id, (points, comment) in list(zip(bid_ids, reversed(POINTS), strict=False))[:bids]:
            given = [
                Given(Decimal(value) + LEANINGS[email], comment if place == 2 else "")
                for place, value in enumerate(points)
            ]
            await save_scores(session, actor, seat_id, bid_id, given)
        if bids >= len(bid_ids):
            await hand_in(session, actor, seat_id)


async def _begin(story: Story, experts: dict[str, Expert]) -> None:
    """The demonstration's reviewer has not even declared; one has a conflict, one has scored, one scored in part."""
    review_id = await _prepare(story, UNDER_WAY, experts, UNDER_WAY_PANEL, 9)
    async with story.day(6, hour=10) as session:
        seat_id, bid_ids = await _seat_of(session, review_id, experts[IN_CONFLICT])
        await declare(
            session,
            _reviewer(story, IN_CONFLICT),
            seat_id,
            has_conflict=True,
            bid_ids=[str(bid_ids[0])],
            reason=CONFLICT,
        )
    await _score(story, review_id, HANDED_IN, experts[HANDED_IN], 5)
    await _score(story, review_id, SCORED_IN_PART, experts[SCORED_IN_PART], 3, bids=1)


async def _finish(story: Story, experts: dict[str, Expert]) -> None:
    review_id = await _prepare(story, FINISHED, experts, FINISHED_PANEL, 54)
    for number, email in enumerate(FINISHED_PANEL):
        await _score(story, review_id, email, experts[email], 50 - number)
    for email, text in REMARKS:
        async with story.day(44, hour=10) as session:
            seat_id, _bids = await _seat_of(session, review_id, experts[email])
            await remark(session, _reviewer(story, email), seat_id, text)
    email = FINISHED_PANEL[-1]
    async with story.day(43, hour=10) as session:
        seat_id, bid_ids = await _seat_of(session, review_id, experts[email])
        points, comment = POINTS[0]
        given = [
            Given(Decimal(value) + LEANINGS[email] + (1 if place == 1 else 0), comment if place == 2 else "")
            for place, value in enumerate(points)
        ]
        await revise(session, _reviewer(story, email), seat_id, bid_ids[-1], given, REVISION)
    async with story.day(41, hour=16) as session:
        await finish_review(session, story.officer, review_id)
