"""Bids of the demonstration: handed in before the deadline, opened by two officers afterwards."""

import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import ROUND_DOWN, Decimal

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.bids.content import years_as_json
from challenges.bids.forms import years_of
from challenges.bids.models import Bid, BidMember, BidMemberState, BidState, ReceiptAct
from challenges.bids.opening import open_bids
from challenges.bids.receipts import give_receipt
from challenges.bids.sealing import content_of, seal_content
from challenges.postings.models import Challenge
from core.actor import SYSTEM
from core.clock import to_shanghai, utc_now
from solvers.models import Organization
from web.demo.cast import read
from web.demo.telling import Story, moment_of

# Challenge key -> who bids: the lead, and the partners with whom it bids.
BIDS: dict[str, tuple[tuple[str, ...], ...]] = {
    "c-0402-01": (("s-0402-001",), ("s-0402-003", "s-0402-004")),
    "c-0701-01": (("s-0701-001", "s-0701-002"), ("s-0701-003",)),
    "c-0804-01": (("s-0804-001",), ("s-0804-002", "s-0804-003"), ("s-0804-004",)),
    "c-0206-01": (("s-0206-001", "s-0206-002"), ("s-0206-003",)),
    "c-0102-04": (("s-0102-001",), ("s-0102-002",), ("s-0102-009", "s-0102-003")),
    "c-0102-05": (("s-0102-001", "s-0102-012"), ("s-0102-002", "s-0102-003"), ("s-0102-009", "s-0102-014")),
    "c-0106-01": (("s-0102-012", "s-0102-001", "s-0102-009"), ("s-0106-006",)),
    "c-0102-06": (("s-0102-001", "s-0102-003"), ("s-0102-002",)),
    "c-0205-03": (("s-0205-002",), ("s-0106-002", "s-0205-003"), ("s-0205-013",)),
    "c-0102-07": (("s-0102-005", "s-0102-007"), ("s-0102-006",), ("s-0102-013",)),
    "c-0301-03": (("s-0301-001", "s-0301-005"), ("s-0301-002",)),
}
# Handed in for a challenge that is still open, so many days ago.
OPEN, OPEN_BIDS = "c-0102-03", (("s-0102-001", 8), ("s-0102-004", 6))
# So long bidders took to write.
WRITING = timedelta(days=3)
# Its bids still wait for the second officer.
SEALED = "c-0206-01"


async def bid(story: Story) -> None:
    """Bids on challenges whose deadline has passed, opened but for one, and a bid that still waits for its partner."""
    demo, rows = story.demo, {row["key"]: row for row in read("solvers")}

    def members(keys: Sequence[str]) -> list[tuple[Organization, str]]:
        return [(demo.organizations[key], rows[key]["summary"]) for key in keys]

    async with story.day() as session:
        for key, bids in BIDS.items():
            statements = story.program_of(key).statements
            for number, keys in enumerate(bids):
                await _hand_in(session, _bid_on(demo.challenges[key], members(keys), number, statements))
        for number, (lead, days_ago) in enumerate(OPEN_BIDS):
            statements = story.program_of(OPEN).statements
            offered = _bid_on(demo.challenges[OPEN], members([lead]), number, statements)
            offered.submitted_at = moment_of(days_ago, 16)
            await _hand_in(session, offered)
        await _hand_in(
            session,
            _bid_on(
                demo.challenges["c-0102-01"],
                members(("s-0102-002", demo.institute_key)),
                0,
                state=BidState.DRAFT,
            ),
        )
    for key in BIDS:
        deadline = demo.challenges[key].deadline_at
        assert deadline is not None
        days = (to_shanghai(utc_now()).date() - to_shanghai(deadline).date()).days
        for officer in (story.officer,) if key == SEALED else (story.officer, story.second_officer):
            async with story.day(days - 1, hour=9) as session:
                await open_bids(session, officer, await story.challenge(session, key))


async def _hand_in(session: AsyncSession, bid: Bid) -> None:
    if bid.submitted_at is not None:
        bid.created_at = bid.updated_at = bid.submitted_at - WRITING
    session.add(bid)
    await session.flush()
    await seal_content(session, bid, replace(content_of(bid), nonce=secrets.token_hex(16)))
    if bid.submitted_at is not None:
        await give_receipt(session, SYSTEM, bid, ReceiptAct.SUBMITTED, at=bid.submitted_at)


def _bid_on(
    challenge: Challenge,
    members: Sequence[tuple[Organization, str]],
    number: int,
    statements: Sequence[str] = (),
    state: BidState = BidState.SUBMITTED,
) -> Bid:
    """The lead takes the first requirement and what is left over, each partner one of the others."""
    lead, summary = members[0]
    assert challenge.deadline_at is not None
    shares: list[list[int]] = [[] for _ in members]
    for position in range(len(challenge.requirements)):
        shares[position if position < len(members) else 0].append(position)
    is_submitted = state is BidState.SUBMITTED
    submitted_at = challenge.deadline_at - timedelta(days=2 + number, hours=3)
    bid = Bid(
        challenge_id=challenge.id,
        organization_id=lead.id,
        state=state,
        technical_plan=(
            f"{summary}\n\n针对“{challenge.title}”，我单位拟按揭榜指标逐项分解：先完成方案论证与关键样件试制，"
            "再开展工况验证与可靠性考核，最后提交小批验证报告，并对未达标指标给出备选路线。"
        ),
        ability=summary,
        team="核心成员均为在职人员，覆盖设计、工艺、测试三个方向。",
        steps=_steps(challenge.time_limit_months or 12),
        people=PEOPLE[number % len(PEOPLE)],
        statements=[{"text": text, "at": submitted_at.isoformat()} for text in statements],
        contact_name=f"{(lead.legal_representative or lead.name)[0]}工",
        contact_phone="0000-87654321",
        submitted_at=submitted_at if is_submitted else None,
    )
    bid.members = [
        BidMember(
            organization_id=organization.id,
            position=index,
            state=BidMemberState.CONFIRMED if is_submitted or index == 0 else BidMemberState.INVITED,
            role_text="总体方案与系统集成" if index == 0 else "承担对应指标的研制与测试",
            requirement_ids=[str(challenge.requirements[position].id) for position in shares[index]],
            budget_wan=sum(
                (challenge.requirements[position].budget_wan or Decimal(0) for position in shares[index]),
                Decimal(0),
            )
            * (Decimal(100) - 3 * number)
            / 100,
        )
        for index, (organization, _summary) in enumerate(members)
    ]
    for member in bid.members:
        member.years = _years(member.budget_wan, challenge)
    return bid


def _person(name: str, title: str, role: str, months: str) -> dict[str, str]:
    return {"name": name, "title": title, "role": role, "person_months": months}


PEOPLE = [
    [
        _person("陈志远", "正高级工程师", "项目负责人，总体方案", "6.0"),
        _person("周敏", "高级工程师", "工艺与样件试制", "8.0"),
        _person("吴昊", "工程师", "测试与可靠性考核", "8.0"),
    ],
    [
        _person("许文博", "高级工程师", "项目负责人，关键装置研制", "7.0"),
        _person("钟雨晴", "工程师", "仿真与数据分析", "9.0"),
    ],
    [
        _person("蒋立群", "教授", "项目负责人，机理研究", "4.0"),
        _person("孟凡", "副教授", "试验方案与测试", "6.0"),
        _person("白露", "博士后", "样件制备", "10.0"),
    ],
]


def _steps(months: int) -> list[dict[str, object]]:
    """Three steps that fill the time limit."""
    first, second = max(1, months // 4), max(2, months * 3 // 4)
    rows = (
        ("方案论证", 1, first, "总体方案与评审意见"),
        ("样机与工艺", first + 1, second, "样机、工艺文件与试制记录"),
        ("验证与考核", second + 1, months, "第三方检测报告与验收资料"),
    )
    return [
        {"name": name, "from_month": begins, "to_month": ends, "deliverable": text}
        for name, begins, ends, text in rows
        if begins <= ends
    ]


def _years(total: Decimal, challenge: Challenge) -> list[str]:
    """A budget by year, alike but for the first, which takes what is left of dividing."""
    count, total = years_of(challenge), total.quantize(Decimal("0.01"))
    each = (total / count).quantize(Decimal("0.01"), rounding=ROUND_DOWN)
    return years_as_json([total - each * (count - 1), *[each] * (count - 1)])
