"""A small market for the tests of matching and consortia: a poster, an officer, solvers whose texts the index knows."""

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

from challenges.indexes import terms_of_text
from challenges.models import Challenge, ChallengeState, Program
from core.accounts.models import Person
from core.actor import Actor
from core.clock import utc_now
from core.revisions import next_revision
from solvers.models import CapabilityProfile, Organization, OrganizationKind, SizeClass, Visibility
from solvers.profiles.texts import evidence_text, profile_text
from tests.factories import Factory

CASTING = ("单晶叶片定向凝固铸造", "高温合金单晶叶片铸造工艺，杂晶与雀斑缺陷控制，合格率高。")
COATING = ("叶片热障涂层制备", "电子束物理气相沉积制备叶片热障涂层，陶瓷层结合强度高。")
TESTING = ("叶片超声无损检测", "叶片缺陷超声无损检测方法与探头设计，检出率高。")
DAIRY = ("发酵乳制品", "酸奶菌种筛选与低糖发酵乳配方。")


async def publish_profile(
    make: Factory,
    organization: Organization,
    summary: str,
    *evidence: tuple[str, str],
    visibility: Visibility = Visibility.PUBLIC,
) -> CapabilityProfile:
    """A profile with its terms, which the index is told of: as if its editors had just saved it."""
    profile = await make.profile(organization, summary, evidence=list(evidence), visibility=visibility)
    profile.tokens = terms_of_text(profile_text(summary, "", []))
    for item in profile.evidence:
        item.tokens = terms_of_text(evidence_text(item.title, item.text, []))
    profile.index_revision = await next_revision(make.session, "solvers")
    await make.session.commit()
    return profile


@dataclass
class Market:
    """`lead` is a large enterprise that casts; `coater` is small, `tester` micro, `institute` casts a little worse."""

    make: Factory
    poster: Organization
    editor: Person
    officer: Person
    program: Program
    challenge: Challenge
    lead: Organization
    coater: Organization
    tester: Organization
    institute: Organization
    stranger: Organization
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def poster_actor(self) -> Actor:
        return actor_of(self.editor, self.poster)

    @property
    def officer_actor(self) -> Actor:
        return Actor(
            person_id=self.officer.id,
            name=self.officer.name,
            roles=frozenset(role.role for role in self.officer.roles),
        )


def actor_of(person: Person, organization: Organization, role: str = "owner") -> Actor:
    return Actor(
        person_id=person.id,
        name=person.name,
        organization_id=organization.id,
        organization_name=organization.name,
        organization_role=role,
        organization_verified=organization.is_verified,
    )


async def open_market(
    make: Factory,
    *,
    budgets: tuple[int, ...] = (100, 60, 40),
    rule: dict[str, Any] | None = None,
    state: ChallengeState = ChallengeState.CLOSED,
    **challenge_values: Any,
) -> Market:
    """A challenge about turbine blades whose deadline has passed, and five solvers, one of them about yoghurt."""
    poster = await make.organization(size=SizeClass.LARGE, name="航空发动机集团")
    editor = await make.member(poster)
    officer = await make.officer()
    program = await make.program(
        officer,
        rule=rule
        if rule is not None
        else {
            "min_sme_budget_share": Decimal("0.3"),
            "min_small_micro_share_of_sme": Decimal("0.6"),
            "max_members": 5,
        },
    )
    closed = state is not ChallengeState.PUBLISHED
    deadline = utc_now() + (timedelta(days=-1) if closed else timedelta(days=30))
    challenge = await make.challenge(
        poster, program, state=state, budgets=budgets, **{"deadline_at": deadline, **challenge_values}
    )
    lead = await make.organization(size=SizeClass.LARGE, name="精铸重工")
    coater = await make.organization(size=SizeClass.SMALL, name="热障涂层科技")
    tester = await make.organization(size=SizeClass.MICRO, name="超声检测技术")
    institute = await make.organization(
        kind=OrganizationKind.RESEARCH_INSTITUTE, name="高温材料研究院", region_code="3101"
    )
    stranger = await make.organization(size=SizeClass.MEDIUM, name="乳业食品")
    await publish_profile(make, lead, "从事高温合金单晶叶片铸造工艺。", CASTING)
    await publish_profile(make, coater, "专注叶片热障涂层制备。", COATING)
    await publish_profile(make, tester, "提供叶片缺陷超声无损检测。", TESTING)
    await publish_profile(
        make, institute, "研究高温合金与叶片材料，兼做涂层与检测。", ("高温合金", "合金铸造")
    )
    await publish_profile(make, stranger, "生产发酵乳制品。", DAIRY)
    return Market(
        make, poster, editor, officer, program, challenge, lead, coater, tester, institute, stranger
    )
