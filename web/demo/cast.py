"""People, organizations, programs and challenges of the demonstration, written straight to an empty database."""

import asyncio
import json
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.indexes import CHALLENGES, SOLVERS, challenge_text, terms_of_text
from challenges.models import (
    AppliesTo,
    Challenge,
    ChallengeState,
    Cooperation,
    InvitedSolver,
    NeedSource,
    Program,
    ProgramOfficer,
    QuotaRule,
    Requirement,
    Round,
)
from core import audit
from core.accounts.models import Person, PlatformRole
from core.accounts.service import create_person
from core.actor import SYSTEM, Actor
from core.clock import SHANGHAI, shanghai_today, utc_now
from core.revisions import next_revision
from solvers.models import (
    CapabilityProfile,
    Certificate,
    CertificateKind,
    ControlKind,
    ControlRelation,
    EvidenceItem,
    EvidenceKind,
    Membership,
    MembershipRole,
    Organization,
    OrganizationKind,
    Verification,
    Visibility,
)
from solvers.profiles.texts import evidence_text, profile_text
from solvers.size import classify
from web.demo.accounts import DEMO_ACCOUNTS, DEMO_PASSWORD
from web.demo.credit_codes import credit_code

DATA = Path(__file__).parent / "data"
OFFICERS = frozenset({PlatformRole.OFFICER})


@dataclass
class Demo:
    """What has been loaded so far, by the keys of the data files."""

    session: AsyncSession
    people: dict[str, Person] = field(default_factory=dict)
    organizations: dict[str, Organization] = field(default_factory=dict)
    programs: dict[str, Program] = field(default_factory=dict)
    challenges: dict[str, Challenge] = field(default_factory=dict)
    owners: dict[str, Person] = field(default_factory=dict)
    posters: dict[str, str] = field(default_factory=dict)

    def poster_of(self, challenge_key: str) -> Actor:
        """The owner of the organization that posted a challenge."""
        key = self.posters[challenge_key]
        person, organization = self.owners[key], self.organizations[key]
        return Actor(
            person_id=person.id,
            name=person.name,
            email=person.email,
            organization_id=organization.id,
            organization_name=organization.name,
            organization_role=MembershipRole.OWNER.value,
            organization_verified=True,
        )

    @property
    def institute_key(self) -> str:
        """The organization that the demo's institute account owns."""
        return next(
            account.organization_key
            for account in DEMO_ACCOUNTS
            if account.organization_key is not None and account.email.startswith("institute@")
        )


def read(name: str) -> list[dict[str, Any]]:
    """All rows of `name`_*.jsonl in the order of the files."""
    rows: list[dict[str, Any]] = []
    for path in sorted(DATA.glob(f"{name}_*.jsonl")):
        rows.extend(json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line)
    return rows


async def load_cast(demo: Demo) -> None:
    """Everything that is there before anything happens."""
    await _load_people(demo)
    solvers, posters, challenges = read("solvers"), read("posters"), read("challenges")
    rows = [*posters, *solvers]
    for number, row in enumerate(rows, start=1):
        _add_organization(demo, number, row)
    await demo.session.flush()
    for row in rows:
        _add_relations(demo, row)
    await _add_profiles(demo, rows)
    await _add_memberships(demo, posters, solvers)
    await _load_programs(demo)
    for row in challenges:
        await _add_challenge(demo, row)
    await audit.record(demo.session, SYSTEM, "demo.loaded", "demo", next(iter(demo.programs.values())).id)


async def _load_people(demo: Demo) -> None:
    for account in DEMO_ACCOUNTS:
        demo.people[account.email] = await create_person(
            demo.session,
            email=account.email,
            name=account.name,
            password=DEMO_PASSWORD,
            roles=account.platform_roles,
        )


# These wait for the administrator.
PENDING = frozenset({"s-0101-003", "s-0604-008", "s-0704-002"})


def _add_organization(demo: Demo, number: int, row: dict[str, Any]) -> None:
    kind = OrganizationKind(row["kind"])
    verification = Verification.PENDING if row["key"] in PENDING else Verification.VERIFIED
    organization = Organization(
        name=row["name"],
        credit_code=credit_code(kind, row["region"], number),
        kind=kind,
        region_code=row["region"],
        legal_representative=row.get("legal_representative") or "",
        verification=verification,
        submitted_at=utc_now() - timedelta(days=number % 9, hours=number % 7),
        verified_at=utc_now() if verification is Verification.VERIFIED else None,
        certificates=[
            Certificate(
                kind=CertificateKind(item["kind"]),
                number=item["number"],
                valid_from=date.fromisoformat(item["valid_from"]),
                valid_until=date.fromisoformat(item["valid_until"]),
            )
            for item in row["certificates"]
        ],
    )
    if kind is OrganizationKind.ENTERPRISE:
        organization.industry_code = row["industry"]
        organization.employees = row["employees"]
        organization.revenue_wan = Decimal(row["revenue_wan"])
        organization.assets_wan = Decimal(row["assets_wan"])
        organization.size_class = classify(
            row["industry"], organization.employees, organization.revenue_wan, organization.assets_wan
        ).size
    demo.organizations[row["key"]] = organization
    demo.session.add(organization)


def _add_relations(demo: Demo, row: dict[str, Any]) -> None:
    for relation in row["controlled_by"]:
        demo.session.add(
            ControlRelation(
                organization_id=demo.organizations[row["key"]].id,
                controller_id=demo.organizations[relation["key"]].id,
                kind=ControlKind(relation["relation"]),
            )
        )


async def _add_profiles(demo: Demo, rows: list[dict[str, Any]]) -> None:
    profiles = [
        CapabilityProfile(
            organization_id=demo.organizations[row["key"]].id,
            summary=row["summary"],
            keywords=sorted({word for item in row["evidence"] for word in item["keywords"]})[:12],
            subfield_codes=row["subfields"],
            visibility=Visibility(row["visibility"]),
            evidence=[
                EvidenceItem(
                    kind=EvidenceKind(item["kind"]),
                    title=item["title"],
                    text=item["text"],
                    year=item["year"],
                    keywords=item["keywords"],
                )
                for item in row["evidence"]
            ],
        )
        for row in rows
    ]

    def tokenize() -> None:
        for profile in profiles:
            profile.tokens = terms_of_text(profile_text(profile.summary, profile.team, profile.keywords))
            profile.tokenizer = terms_of_text.fingerprint
            for item in profile.evidence:
                item.tokens = terms_of_text(evidence_text(item.title, item.text, item.keywords))
                item.tokenizer = terms_of_text.fingerprint

    await asyncio.to_thread(tokenize)
    revision = await next_revision(demo.session, SOLVERS)
    for profile in profiles:
        profile.index_revision = revision
    demo.session.add_all(profiles)
    await demo.session.flush()


async def _add_memberships(demo: Demo, posters: list[dict[str, Any]], solvers: list[dict[str, Any]]) -> None:
    """The named accounts own the organization they are for; every other organization has an owner of its own."""
    owned: dict[str, Person] = {}
    for account in DEMO_ACCOUNTS:
        if account.organization_key is not None:
            owned[account.organization_key] = demo.people[account.email]
    password_hash = demo.people[DEMO_ACCOUNTS[0].email].password_hash
    for number, row in enumerate([*posters, *solvers], start=1):
        person = owned.get(row["key"])
        if person is None:
            surname = row.get("legal_representative") or row["name"]
            person = Person(
                email=f"contact{number:03d}@demo.example",
                name=f"{surname[0]}经理",
                password_hash=password_hash,
            )
        demo.session.add(person)
        demo.owners[row["key"]] = person
        await demo.session.flush()
        demo.session.add(
            Membership(
                organization_id=demo.organizations[row["key"]].id,
                person_id=person.id,
                role=MembershipRole.OWNER,
            )
        )


# Each rule is of another kind: money in two steps, money with heads, heads alone and only under a large lead.
PROGRAMS: tuple[dict[str, Any], ...] = (
    {
        "code": "advanced-manufacturing",
        "name": "先进制造关键技术揭榜专项",
        "authority": "江海省科学技术厅",
        "description": "面向先进制造、电子信息与航空航天领域龙头企业的关键技术难题，组织中小企业与科研单位揭榜攻关。",
        "field_codes": ["01", "03", "05", "07", "08"],
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
        "rule": {
            "min_sme_member_share": Decimal("0.50"),
            "max_members": 4,
            "applies_to": AppliesTo.LARGE_LEAD,
            "note": "由大型企业牵头的，联合体成员中中小企业不少于一半；成员不超过四家。",
        },
    },
)


async def _load_programs(demo: Demo) -> None:
    today = shanghai_today()
    officers = [demo.people[account.email] for account in DEMO_ACCOUNTS if account.platform_roles & OFFICERS]
    for row in PROGRAMS:
        program = Program(
            code=row["code"],
            name=row["name"],
            authority=row["authority"],
            description=row["description"],
            field_codes=row["field_codes"],
            officers=[ProgramOfficer(person_id=officer.id) for officer in officers],
            rounds=[
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
            rules=[QuotaRule(version=1, effective_on=today - timedelta(days=230), **row["rule"])],
        )
        demo.session.add(program)
        demo.programs[program.code] = program
    await demo.session.flush()


# Most challenges are open for bids or closed, by their deadline; these show the states before publication.
UNPUBLISHED = {
    "c-0205-02": ChallengeState.SUBMITTED,
    "c-0602-02": ChallengeState.SUBMITTED,
    "c-0808-01": ChallengeState.SUBMITTED,
    "c-0302-01": ChallengeState.RETURNED,
}
RETURN_COMMENT = (
    "请补充在轨温度循环次数，并将第二项指标改为可第三方检测的数值；投入预算与指标分项合计请核对一致。"
)


def _state_of(row: dict[str, Any]) -> ChallengeState:
    by_deadline = ChallengeState.PUBLISHED if row["deadline_days"] > 0 else ChallengeState.CLOSED
    return UNPUBLISHED.get(row["key"], by_deadline)


async def _add_challenge(demo: Demo, row: dict[str, Any]) -> None:
    program = demo.programs[row["program"]]
    poster = demo.organizations[row["poster"]]
    deadline = utc_now().astimezone(SHANGHAI).replace(hour=17, minute=0, second=0, microsecond=0) + timedelta(
        days=row["deadline_days"]
    )
    published = deadline - timedelta(days=45)
    state = _state_of(row)
    challenge = Challenge(
        organization_id=poster.id,
        program_id=program.id,
        round_id=next(
            item.id for item in program.rounds if min(published, utc_now()).date() <= item.closes_on
        ),
        state=state,
        state_note=RETURN_COMMENT if state is ChallengeState.RETURNED else "",
        contact_name=(poster.legal_representative or poster.name)[0] + "工",
        contact_phone="0000-12345678",
        contact_email="challenge@demo.example",
        title=row["title"],
        subfield_code=row["subfield"],
        difficulty=row["difficulty"],
        indicators=row["indicators"],
        content=row["content"],
        investment_wan=Decimal(row["investment_wan"]),
        reward_wan=Decimal(row["reward_wan"]),
        time_limit_months=row["time_limit_months"],
        need_source=NeedSource(row["source"]),
        cooperation=Cooperation(row["cooperation"]),
        conditions=row["conditions"],
        ip_terms=row["ip_terms"],
        benefit_terms=row["benefit_terms"],
        is_public=row["public"],
        deadline_at=deadline,
        submitted_at=min(published, utc_now()) - timedelta(days=6),
        published_at=None if row["key"] in UNPUBLISHED else min(published, utc_now() - timedelta(days=1)),
        requirements=[
            Requirement(
                position=position,
                text=item["text"],
                target=item["target"],
                weight=Decimal(str(item["weight"])) * 100,
                budget_wan=Decimal(item["budget_wan"]),
            )
            for position, item in enumerate(row["requirements"])
        ],
        invited=[
            InvitedSolver(organization_id=demo.organizations[key].id)
            for key in row["expected"]
            if not row["public"] and key in demo.organizations
        ],
    )
    text = challenge_text(
        challenge.title,
        challenge.difficulty,
        challenge.indicators,
        challenge.content,
        [(item.text, item.target) for item in challenge.requirements],
    )
    challenge.tokens = await asyncio.to_thread(terms_of_text, text)
    challenge.tokenizer = terms_of_text.fingerprint
    challenge.index_revision = await next_revision(demo.session, CHALLENGES)
    demo.session.add(challenge)
    await demo.session.flush()
    demo.challenges[row["key"]] = challenge
    demo.posters[row["key"]] = row["poster"]
