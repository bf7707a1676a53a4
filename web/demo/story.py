"""What has happened in the demonstration: matches, bids, a consortium decided on and one that fails its quota.

Told through the same use cases that people call, with a real worker doing the jobs they queue.
"""

import asyncio
import secrets
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import ROUND_DOWN, Decimal

from dramatiq import Worker
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from challenges.bids.content import years_as_json
from challenges.bids.forms import years_of
from challenges.bids.models import Bid, BidMember, BidMemberState, BidState, ReceiptAct
from challenges.bids.opening import open_bids
from challenges.bids.receipts import give_receipt
from challenges.bids.sealing import content_of, seal_content
from challenges.consortia import queries as consortium_queries
from challenges.consortia.decisions import decide_consortium
from challenges.consortia.models import Outcome
from challenges.consortia.service import (
    add_member,
    assign_requirements,
    propose_consortium,
    remove_member,
    submit_consortium,
)
from challenges.matches.service import queue_match
from challenges.postings.models import Challenge
from challenges.postings.service import read_challenge
from core import clock
from core.accounts.models import Person, PlatformRole
from core.actor import SYSTEM, Actor
from core.clock import utc_now
from core.jobs import configure_broker
from core.process import Process
from solvers.models import Organization
from web.demo.cast import Demo, read

DRAIN_TIMEOUT_S = 300
# A university that can do it: no SME, so its part of the money does not count.
FAVOURITE = "s-0701-003"


async def tell_story(process: Process, demo: Demo) -> None:
    """Run after the data has been committed: jobs read in transactions of their own."""
    broker = configure_broker(process.settings)
    worker = Worker(broker, worker_timeout=100, worker_threads=2)
    worker.start()
    try:
        await _match(process, demo)
        await _bid(process, demo)
        await _consortia(process, demo)
    finally:
        await asyncio.to_thread(worker.stop)
        broker.close()


async def _drain(process: Process) -> None:
    """Wait until the worker has done everything that is queued."""
    started = time.monotonic()
    while time.monotonic() - started < DRAIN_TIMEOUT_S:
        async with process.transaction() as session:
            waiting = await session.scalar(
                text("SELECT count(*) FROM dramatiq.queue WHERE state IN ('queued', 'consumed')")
            )
        if not waiting:
            return
        await asyncio.sleep(0.1)
    raise TimeoutError("the demonstration's jobs did not end")


async def _match(process: Process, demo: Demo) -> None:
    async with process.transaction() as session:
        for challenge in demo.challenges.values():
            if challenge.published_at is not None:
                await queue_match(session, challenge.id)
    await _drain(process)


# Challenge key -> who bids: the lead, and the partners with whom it bids.
BIDS: dict[str, tuple[tuple[str, ...], ...]] = {
    "c-0402-01": (("s-0402-001",), ("s-0402-003", "s-0402-004")),
    "c-0701-01": (("s-0701-001", "s-0701-002"), ("s-0701-003",)),
    "c-0804-01": (("s-0804-001",), ("s-0804-002", "s-0804-003"), ("s-0804-004",)),
    "c-0206-01": (("s-0206-001", "s-0206-002"), ("s-0206-003",)),
}


# Its bids still wait for the second officer.
SEALED = "c-0206-01"


async def _bid(process: Process, demo: Demo) -> None:
    """Bids on challenges whose deadline has passed, opened but for one, and a bid that still waits for its partner."""
    rows = {row["key"]: row for row in read("solvers")}

    def members(keys: Sequence[str]) -> list[tuple[Organization, str]]:
        return [(demo.organizations[key], rows[key]["summary"]) for key in keys]

    async with process.transaction() as session:
        for challenge_key, bids in BIDS.items():
            challenge = demo.challenges[challenge_key]
            for number, keys in enumerate(bids):
                await _hand_in(session, _bid_on(challenge, members(keys), number))
        await _hand_in(
            session,
            _bid_on(
                demo.challenges["c-0102-01"],
                members(("s-0102-002", demo.institute_key)),
                0,
                state=BidState.DRAFT,
            ),
        )
    officers = [
        _actor(demo.people[email], roles=frozenset({PlatformRole.OFFICER}))
        for email in ("officer@demo.example", "officer2@demo.example")
    ]
    for challenge_key in BIDS:
        for officer in officers[: 1 if challenge_key == SEALED else 2]:
            async with process.transaction() as session:
                challenge = await read_challenge(session, officer, demo.challenges[challenge_key].id)
                await open_bids(session, officer, challenge)


async def _hand_in(session: AsyncSession, bid: Bid) -> None:
    session.add(bid)
    await session.flush()
    await seal_content(session, bid, replace(content_of(bid), nonce=secrets.token_hex(16)))
    if bid.submitted_at is not None:
        await give_receipt(session, SYSTEM, bid, ReceiptAct.SUBMITTED, at=bid.submitted_at)


def _bid_on(
    challenge: Challenge,
    members: Sequence[tuple[Organization, str]],
    number: int,
    state: BidState = BidState.SUBMITTED,
) -> Bid:
    """The lead takes the first requirement and what is left over, each partner one of the others."""
    lead, summary = members[0]
    assert challenge.deadline_at is not None
    shares: list[list[int]] = [[] for _ in members]
    for position in range(len(challenge.requirements)):
        shares[position if position < len(members) else 0].append(position)
    is_submitted = state is BidState.SUBMITTED
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
        people=PEOPLE,
        contact_name=f"{(lead.legal_representative or lead.name)[0]}工",
        contact_phone="0000-87654321",
        submitted_at=challenge.deadline_at - timedelta(days=2 + number, hours=3) if is_submitted else None,
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


PEOPLE = [
    {"name": "陈志远", "title": "正高级工程师", "role": "项目负责人，总体方案", "person_months": "6.0"},
    {"name": "周敏", "title": "高级工程师", "role": "工艺与样件试制", "person_months": "8.0"},
    {"name": "吴昊", "title": "工程师", "role": "测试与可靠性考核", "person_months": "8.0"},
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


# Challenge key -> how many days ago its consortium was approved: what the statistics tell of.
APPROVED = {
    "c-0403-01": 116,
    "c-0603-01": 86,
    "c-0503-01": 65,
    "c-0401-01": 58,
    "c-0703-01": 30,
    "c-0806-01": 27,
    "c-0402-01": 0,
}


async def _consortia(process: Process, demo: Demo) -> None:
    """Some approved over the months, one waiting for the officer, one whose members break the rule and so cannot be submitted."""
    officer = _actor(demo.people["officer@demo.example"], roles=frozenset({PlatformRole.OFFICER}))
    for key in (*APPROVED, "c-0804-01", "c-0701-01"):
        async with process.transaction() as session:
            await propose_consortium(session, demo.poster_of(key), demo.challenges[key].id)
    await _drain(process)
    for key, days in APPROVED.items():
        async with process.transaction() as session:
            await _submit(session, process, demo, key, "请予审批：成员均已现场考察。")
        with clock.at(utc_now() - timedelta(days=days)):
            async with process.transaction() as session:
                consortium = await consortium_queries.open_consortium(session, demo.challenges[key].id)
                assert consortium is not None
                await decide_consortium(
                    session,
                    officer,
                    consortium.id,
                    Outcome.APPROVED,
                    "比例核算符合规则第1版，同意立项。",
                    consortium.revision,
                )
    async with process.transaction() as session:
        await _submit(session, process, demo, "c-0804-01", "两家候选均具备试制条件，申请按此组建。")
    async with process.transaction() as session:
        await _break_quota(session, demo, "c-0701-01")
    await _drain(process)


async def _submit(session: AsyncSession, process: Process, demo: Demo, key: str, note: str) -> None:
    challenge = demo.challenges[key]
    consortium = await consortium_queries.open_consortium(session, challenge.id)
    assert consortium is not None
    await submit_consortium(session, demo.poster_of(key), challenge.id, consortium.revision, note)


async def _break_quota(session: AsyncSession, demo: Demo, key: str) -> None:
    """A university answers for most of the money: what a poster might like, and the rule does not allow."""
    challenge, actor = demo.challenges[key], demo.poster_of(key)
    consortium = await consortium_queries.open_consortium(session, challenge.id)
    assert consortium is not None
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


def _actor(person: Person, *, roles: frozenset[PlatformRole] = frozenset()) -> Actor:
    return Actor(person_id=person.id, name=person.name, email=person.email, roles=roles)
