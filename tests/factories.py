"""Makes people, organizations and challenges for tests, each with believable defaults that a test may override."""

import itertools
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.indexes import terms_of_text
from challenges.models import (
    BidOpening,
    Challenge,
    ChallengeState,
    Cooperation,
    NeedSource,
    Program,
    ProgramOfficer,
    QuotaRule,
    Requirement,
    Round,
)
from core.accounts.models import Person, PersonRole, PlatformRole
from core.accounts.passwords import hash_password
from core.clock import shanghai_today, utc_now
from solvers.models import (
    CapabilityProfile,
    EvidenceItem,
    EvidenceKind,
    Membership,
    MembershipRole,
    Organization,
    OrganizationKind,
    SizeClass,
    Verification,
)

PASSWORD = "correct horse battery"
# Hashing takes a tenth of a second by design; all test people share one hash.
PASSWORD_HASH = hash_password(PASSWORD)
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
WEIGHTS = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28]
_numbers = itertools.count(1)


def credit_code(number: int, *, region: str = "330100") -> str:
    """The `number`-th valid unified social credit code (GB 32100-2015) with a right check character."""
    head = f"91{region}MA{number:07d}"
    total = sum(ALPHABET.index(char) * weight for char, weight in zip(head, WEIGHTS, strict=True))
    return head + ALPHABET[(31 - total % 31) % 31]


class Factory:
    """Writes through the test's session and commits, so that the application sees what it made."""

    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def _keep(self, *things: Any) -> None:
        self.session.add_all(things)
        await self.session.commit()

    async def person(self, *roles: PlatformRole, **values: Any) -> Person:
        number = next(_numbers)
        defaults = {
            "email": f"person{number}@example.com",
            "name": f"张{number}",
            "password_hash": PASSWORD_HASH,
        }
        person = Person(**{**defaults, **values}, roles=[PersonRole(role=role) for role in roles])
        await self._keep(person)
        return person

    async def officer(self) -> Person:
        return await self.person(PlatformRole.OFFICER)

    async def administrator(self) -> Person:
        return await self.person(PlatformRole.ADMINISTRATOR)

    async def organization(
        self,
        *,
        size: SizeClass | None = SizeClass.SMALL,
        kind: OrganizationKind = OrganizationKind.ENTERPRISE,
        **values: Any,
    ) -> Organization:
        """A verified organization; figures are those of an industrial enterprise of the given size."""
        number = next(_numbers)
        is_enterprise = kind is OrganizationKind.ENTERPRISE
        figures = {
            SizeClass.LARGE: (1200, Decimal(50000)),
            SizeClass.MEDIUM: (400, Decimal(5000)),
            SizeClass.SMALL: (50, Decimal(600)),
            SizeClass.MICRO: (8, Decimal(90)),
        }
        employees, revenue = figures[size or SizeClass.SMALL] if is_enterprise else (None, None)
        defaults = {
            "name": f"杭州第{number}精密仪器有限公司",
            "credit_code": credit_code(number),
            "kind": kind,
            "region_code": "3301",
            "industry_code": "C4011" if is_enterprise else None,
            "employees": employees,
            "revenue_wan": revenue,
            "assets_wan": revenue,
            "size_class": size if is_enterprise else None,
            "verification": Verification.VERIFIED,
            "verified_at": utc_now(),
            "legal_representative": f"李{number}",
        }
        organization = Organization(**{**defaults, **values})
        await self._keep(organization)
        return organization

    async def member(self, organization: Organization, role: MembershipRole = MembershipRole.OWNER) -> Person:
        person = await self.person()
        await self._keep(Membership(organization_id=organization.id, person_id=person.id, role=role))
        return person

    async def profile(
        self, organization: Organization, summary: str = "", **values: Any
    ) -> CapabilityProfile:
        """A profile written straight to the tables: nothing is tokenized and no index is told."""
        evidence = values.pop("evidence", [])
        profile = CapabilityProfile(
            organization_id=organization.id,
            summary=summary,
            evidence=[
                EvidenceItem(kind=EvidenceKind.PATENT, title=title, text=body) for title, body in evidence
            ],
            **values,
        )
        await self._keep(profile)
        return profile

    async def program(self, *officers: Person, rule: dict[str, Any] | None = None, **values: Any) -> Program:
        """A program with one round open now and one quota rule in force."""
        number = next(_numbers)
        today = shanghai_today()
        program = Program(
            **{"code": f"program-{number}", "name": f"第{number}专项", "authority": "省科学技术厅", **values},
            officers=[ProgramOfficer(person_id=officer.id) for officer in officers],
            rounds=[
                Round(
                    name="第一批", opens_on=today - timedelta(days=30), closes_on=today + timedelta(days=60)
                )
            ],
            rules=[
                QuotaRule(
                    **{
                        "version": 1,
                        "effective_on": date(2024, 1, 1),
                        **(
                            rule
                            if rule is not None
                            else {"min_sme_budget_share": Decimal("0.3"), "max_members": 5}
                        ),
                    }
                )
            ],
        )
        await self._keep(program)
        return program

    async def opened(self, challenge: Challenge) -> BidOpening:
        """Bids opened by two officers, who are in charge of the program from now on."""
        assert challenge.program_id is not None
        officers = [await self.officer(), await self.officer()]
        for officer in officers:
            self.session.add(ProgramOfficer(program_id=challenge.program_id, person_id=officer.id))
        await self.session.flush()
        now = utc_now()
        opening = BidOpening(
            challenge_id=challenge.id,
            asked_by_id=officers[0].id,
            asked_at=now,
            opened_by_id=officers[1].id,
            opened_at=now,
        )
        self.session.add(opening)
        await self.session.flush()
        challenge.bids_opened_at = now
        await self.session.commit()
        return opening

    async def challenge(
        self,
        organization: Organization,
        program: Program,
        *,
        state: ChallengeState = ChallengeState.PUBLISHED,
        budgets: tuple[int, ...] = (100, 200, 300),
        **values: Any,
    ) -> Challenge:
        """A complete challenge with one requirement per budget (万元), weights alike."""
        published = state not in {ChallengeState.DRAFT, ChallengeState.SUBMITTED, ChallengeState.RETURNED}
        texts = [
            "高温合金单晶叶片铸造工艺",
            "叶片热障涂层制备",
            "叶片缺陷超声无损检测",
            "数据采集系统",
            "寿命评估模型",
        ]
        defaults: dict[str, Any] = {
            "round_id": program.rounds[0].id,
            "title": f"单晶涡轮叶片制造技术{next(_numbers)}",
            "subfield_code": "0401",
            "difficulty": "单晶涡轮叶片铸造过程中杂晶与雀斑缺陷难以控制。",
            "indicators": "合格率不低于85%。",
            "content": "研究单晶铸造工艺、热障涂层与无损检测。",
            "investment_wan": Decimal(sum(budgets)),
            "reward_wan": Decimal(sum(budgets)),
            "time_limit_months": 18,
            "need_source": NeedSource.PRODUCTION,
            "cooperation": Cooperation.LONG_TERM,
            "conditions": "具有独立法人资格。",
            "ip_terms": "共同所有。",
            "benefit_terms": "按投入分配。",
            "contact_name": "王工",
            "contact_phone": "0571-88888888",
            "contact_email": "contact@example.com",
            "deadline_at": utc_now() + timedelta(days=30),
            "published_at": utc_now() if published else None,
        }
        if "tokens" in values:
            # Tokens that a test writes by hand are to be taken as they are.
            defaults["tokenizer"] = terms_of_text.fingerprint
        challenge = Challenge(
            organization_id=organization.id,
            program_id=program.id,
            state=state,
            requirements=[
                Requirement(
                    position=position,
                    text=texts[position % len(texts)],
                    target="达到设计指标",
                    weight=Decimal(100) / len(budgets),
                    budget_wan=Decimal(budget),
                )
                for position, budget in enumerate(budgets)
            ],
            **{**defaults, **values},
        )
        await self._keep(challenge)
        return challenge
