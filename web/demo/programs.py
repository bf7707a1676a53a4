"""Programs of the demonstration: each of another kind, with its rule, lists and periods."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from challenges.models import AppliesTo, Program, ProgramOfficer, QuotaRule, Round
from core.accounts.models import PlatformRole
from core.clock import shanghai_today
from web.demo.accounts import DEMO_ACCOUNTS
from web.demo.cast import Demo

OFFICERS = frozenset({PlatformRole.OFFICER})

# Each rule is of another kind: money in two steps, money with heads, heads alone and only under a large lead.
PROGRAMS: tuple[dict[str, Any], ...] = (
    {
        "code": "advanced-manufacturing",
        "name": "先进制造关键技术揭榜专项",
        "authority": "江海省科学技术厅",
        "description": "面向先进制造、电子信息与航空航天领域龙头企业的关键技术难题，组织中小企业与科研单位揭榜攻关。",
        "field_codes": ["01", "03", "05", "07", "08"],
        "way": {
            "checklist": [
                "申报书加盖牵头单位公章，法定代表人签字齐全",
                "联合体各方签订合作协议，任务与经费分工明确",
                "项目负责人为在职人员，且未超限项规定",
                "经费预算分年度编列，合计与申请总额一致",
                "知识产权与数据来源清晰，无权属纠纷承诺已附",
            ],
            "statements": [
                "申报材料真实、合法、有效，如有虚假愿承担相应责任。",
                "申报内容未在其他财政资助计划中重复立项。",
                "申报单位近三年无严重失信记录，无重大安全、环保事故。",
            ],
            "max_winners": 3,
            "answer_days": 10,
            "contract_days": 30,
        },
        "rule": {
            "min_sme_budget_share": Decimal("0.30"),
            "min_small_micro_share_of_sme": Decimal("0.60"),
            "min_sme_members": 1,
            "max_members": 5,
            "applies_to": AppliesTo.ALL,
            "note": "参照政府采购预留份额：中小企业承担经费不低于30%，其中小微企业不低于60%。",
        },
    },
    {
        "code": "new-materials-energy",
        "name": "新材料与新能源协同攻关专项",
        "authority": "江海省工业和信息化厅",
        "description": "支持新材料、新能源与节能、资源与环境领域大中小企业融通创新，所有项目均须有中小企业实质参与。",
        "field_codes": ["04", "06", "07"],
        "way": {
            "statements": [
                "同意按本专项管理办法接受过程检查与经费审计。",
                "承诺在任务书约定期限内完成揭榜任务。",
            ],
            "max_winners": 2,
            "notice_days": 7,
        },
        "rule": {
            "min_sme_budget_share": Decimal("0.40"),
            "min_sme_members": 2,
            "max_members": 5,
            "applies_to": AppliesTo.ALL,
            "note": "不论由谁牵头，中小企业承担经费不低于40%，且不少于两家。",
        },
    },
    {
        "code": "digital-health",
        "name": "数字健康与生命科学揭榜计划",
        "authority": "江海省卫生健康委员会",
        "description": "面向医疗器械、生物医药与健康信息领域，按家数保障中小企业参与。",
        "field_codes": ["01", "02", "05"],
        "way": {
            "checklist": [
                "申报书及附件齐全，联合体协议已签署",
                "涉及人体或动物的研究已附伦理审查意见",
                "具备医疗器械或药品相关质量管理体系证明",
            ],
            "statements": [
                "申报材料真实、合法、有效，如有虚假愿承担相应责任。",
                "涉及人类遗传资源与个人健康信息的，依法办理手续并脱敏使用。",
            ],
            "needs_review": True,
            "panel_size": 4,
            "min_enterprise_expert_share": Decimal("0.25"),
            "review_days": 15,
            "max_winners": 2,
        },
        "rule": {
            "min_sme_member_share": Decimal("0.50"),
            "max_members": 4,
            "applies_to": AppliesTo.LARGE_LEAD,
            "note": "由大型企业牵头的，联合体成员中中小企业不少于一半；成员不超过四家。",
        },
    },
)


# Whole rounds ago: what was posted then is accepted or has failed by now.
LONG_AGO = timedelta(days=400)


async def load_programs(demo: Demo) -> None:
    today = shanghai_today()
    officers = [demo.people[account.email] for account in DEMO_ACCOUNTS if account.platform_roles & OFFICERS]
    for row in PROGRAMS:
        program = Program(
            code=row["code"],
            name=row["name"],
            authority=row["authority"],
            description=row["description"],
            field_codes=row["field_codes"],
            **row["way"],
            officers=[ProgramOfficer(person_id=officer.id) for officer in officers],
            rounds=[
                Round(
                    name=f"{(today - LONG_AGO).year}年度榜单",
                    opens_on=today - timedelta(days=620),
                    closes_on=today - timedelta(days=221),
                ),
                Round(
                    name=f"{today.year}年第一批",
                    opens_on=today - timedelta(days=220),
                    closes_on=today - timedelta(days=61),
                ),
                Round(
                    name=f"{today.year}年第二批",
                    opens_on=today - timedelta(days=60),
                    closes_on=today + timedelta(days=75),
                ),
            ],
            rules=[QuotaRule(version=1, effective_on=today - timedelta(days=640), **row["rule"])],
        )
        demo.session.add(program)
        demo.programs[program.code] = program
    await demo.session.flush()
