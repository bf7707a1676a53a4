"""Contracts: signed and begun, signed and not begun, and one that waits for signatures."""

import asyncio
import uuid
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import ROUND_DOWN, Decimal
from typing import Any

from challenges.contracts.content import Stage, TaskBook
from challenges.contracts.policies import open_version
from challenges.contracts.service import generate_contracts, offer_contract, save_draft
from challenges.contracts.signing import sign_contract
from challenges.contracts.standing import book_of, read_contract
from core.clock import to_shanghai
from core.typesetting import set_document
from web.demo.cast import DATA
from web.demo.telling import Story, moment_of

SIGNED_TEXT = (
    "我单位已阅读任务书全文并核对其 SHA-256，同意按任务书约定承担相应任务、经费与责任。"
    "本页为演示环境上传的签署页扫描件。"
)
OTHER_TERMS = (
    "一、每季度末月25日前提交进展简报；二、关键原材料进口受限时，双方在十五日内书面协商替代方案；"
    "三、对外发表与本任务相关的论文、宣传稿件，须提前三十日征得发榜方书面同意。"
)


@dataclass(frozen=True)
class Plan:
    """When contracts were made and when the work began, in days ago (a negative number: it will), and what is agreed.

    `stages`: title, deliverables, days from the beginning, part of the money in percent, stage review.
    """

    made: int
    begins: int
    stages: tuple[tuple[str, str, int, int, bool], ...] = ()


RACE_STAGES = (
    (
        "A样结构方案冻结",
        "三维数模、低感母排与水道仿真报告，设计评审纪要",
        90,
        20,
        False,
    ),
    (
        "A样统一工况对比试验",
        "A样两台，按发榜方工况表完成效率、结温、回路电感与电磁兼容摸底，试验数据包",
        150,
        30,
        True,
    ),
    (
        "B样试制与台架试验",
        "B样三台，台架试验报告，热循环一万次中间数据",
        226,
        30,
        False,
    ),
    (
        "热循环考核与交付",
        "三万次热循环报告，第三方检测报告，全套图纸与工艺文件",
        530,
        20,
        False,
    ),
)
PLANS = {
    "c-0102-06": Plan(made=500, begins=490),
    "c-0301-03": Plan(made=318, begins=310),
    "c-0102-05": Plan(made=240, begins=230, stages=RACE_STAGES),
    "c-0403-01": Plan(made=106, begins=100),
    "c-0603-01": Plan(made=76, begins=70),
    "c-0503-01": Plan(made=55, begins=50),
    "c-0401-01": Plan(made=40, begins=-12),
    "c-0106-01": Plan(made=12, begins=-20),
}
# Two parties have not signed yet: the institute that leads the team, and the small enterprise in it.
UNSIGNED = "c-0106-01"
NOT_YET = frozenset({"s-0102-012", "s-0102-001"})


async def contract(story: Story) -> None:
    signed_copy = await asyncio.to_thread(set_document, DATA / "signed_copy.typ", {"text": SIGNED_TEXT})
    for key, plan in PLANS.items():
        async with story.day(plan.made, hour=10) as session:
            made = await generate_contracts(session, story.demo.poster_of(key), story.demo.challenges[key].id)
        missing = {story.demo.organizations[name].id for name in NOT_YET} if key == UNSIGNED else set()
        for item in made:
            await _offer(story, key, item.id, plan)
            await _sign(story, item.id, plan, signed_copy, missing)
        if plan.begins > 0:
            await story.pass_time(plan.begins, "contract.begin", hour=1)


async def _offer(story: Story, key: str, contract_id: uuid.UUID, plan: Plan) -> None:
    poster = story.demo.poster_of(key)
    async with story.day(plan.made - 1, hour=10) as session:
        standing = await read_contract(session, poster, contract_id)
        version = open_version(standing.contract)
        assert version is not None
        book = book_of(version)
        starts_on = to_shanghai(moment_of(0)).date() - timedelta(days=plan.begins)
        terms: dict[str, Any] = {"starts_on": starts_on, "other_terms": OTHER_TERMS}
        if plan.stages:
            terms["stages"] = _stages(book, plan)
        await save_draft(session, poster, contract_id, terms, version.revision)
    async with story.day(plan.made - 1, hour=16) as session:
        await offer_contract(session, story.process.settings, poster, contract_id)


def _stages(book: TaskBook, plan: Plan) -> tuple[Stage, ...]:
    rows = [
        Stage(
            uuid.uuid4(),
            title,
            deliverables,
            days,
            (book.total_wan * part / 100).quantize(Decimal("0.01"), ROUND_DOWN),
            is_stage,
        )
        for title, deliverables, days, part, is_stage in plan.stages
    ]
    rest = book.total_wan - sum((row.payment_wan for row in rows), Decimal(0))
    return (*rows[:-1], replace(rows[-1], payment_wan=rows[-1].payment_wan + rest))


async def _sign(
    story: Story, contract_id: uuid.UUID, plan: Plan, signed_copy: bytes, missing: Collection[uuid.UUID]
) -> None:
    async with story.day(plan.made - 2, hour=9) as session:
        standing = await read_contract(session, story.officer, contract_id)
        parties = sorted(standing.party_ids, key=lambda item: item != standing.challenge.organization_id)
        version = open_version(standing.contract)
        assert version is not None
        sha256 = version.sha256
    for number, organization_id in enumerate(parties):
        if organization_id in missing:
            continue
        async with story.day(plan.made - 3, hour=9 + number) as session:
            await sign_contract(
                session,
                story.process.settings,
                story.owner_by_id(organization_id),
                contract_id,
                sha256=sha256,
                name="任务书签署页.pdf",
                content=signed_copy,
            )
