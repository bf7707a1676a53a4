"""The database judges consortia by the same law as matching.quota, which it states a second time in SQL."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from challenges.consortia.composition import quota_rule
from challenges.matches.queries import controls_of
from challenges.matches.service import quota_controllers
from challenges.models import (
    AppliesTo,
    Challenge,
    Consortium,
    ConsortiumMember,
    ConsortiumState,
    Decision,
    Outcome,
    Program,
    QuotaRule,
)
from core.clock import utc_now
from core.process import Process
from matching.quota import QuotaMember, QuotaResult, evaluate_quota
from solvers.models import (
    ControlKind,
    ControlRelation,
    Membership,
    MembershipRole,
    Organization,
    OrganizationKind,
    SizeClass,
)
from tests.factories import Factory, credit_code

SHARES = st.none() | st.sampled_from(["0", "0.25", "0.3", "0.3333", "0.5", "0.6", "1"]).map(Decimal)
ENTERPRISES = st.tuples(
    st.just(OrganizationKind.ENTERPRISE),
    st.sampled_from([*SizeClass, SizeClass.LARGE, SizeClass.SMALL, None]),
)
OTHERS = st.tuples(
    st.sampled_from([OrganizationKind.RESEARCH_INSTITUTE, OrganizationKind.UNIVERSITY]), st.none()
)


@st.composite
def situations(draw: st.DrawFn) -> dict[str, Any]:
    """Members and bystanders, relations among all of them and with organizations known by name alone, a rule."""
    organizations = draw(st.lists(ENTERPRISES | ENTERPRISES | OTHERS, min_size=2, max_size=6))
    members = draw(st.integers(1, min(5, len(organizations))))
    anybody = st.integers(0, len(organizations) - 1)
    relations = draw(
        st.lists(
            st.tuples(
                anybody,
                st.none() | anybody | anybody | anybody,
                st.none() | st.sampled_from([SizeClass.LARGE, SizeClass.SMALL]),
                st.sampled_from(ControlKind),
            ),
            min_size=draw(st.sampled_from([0, 3, 6])),
            max_size=9,
        )
    )
    return {
        "organizations": organizations,
        "members": members,
        "relations": [item for item in relations if item[0] != item[1]],
        "budgets": draw(st.lists(st.sampled_from([0, 1, 30, 70, 100]), min_size=members, max_size=members)),
        "lead": draw(st.integers(0, members - 1)),
        "rule": {
            "applies_to": draw(st.sampled_from(AppliesTo)),
            "min_sme_budget_share": draw(SHARES),
            "min_small_micro_share_of_sme": draw(SHARES),
            "min_sme_members": draw(st.none() | st.integers(0, 3)),
            "min_sme_member_share": draw(SHARES),
            "max_members": draw(st.none() | st.integers(1, 5)),
        },
    }


@given(situation=situations())
@hypothesis_settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_the_database_and_the_library_agree_on_every_consortium(
    process: Process, situation: dict[str, Any]
) -> None:
    async with process.maker() as session:
        consortium, rule = await stored(session, situation)
        controls = await controls_of(session, [member.organization_id for member in consortium.members])
        members = [
            QuotaMember.of(
                str(member.organization_id),
                member.kind.value,
                member.size_class.value if member.size_class else None,
                member.budget_wan,
                quota_controllers(controls.get(member.organization_id, ())),
            )
            for member in consortium.members
        ]
        await judge(session, consortium, rule, members)
        counted = evaluate_quota(quota_rule(rule), str(consortium.lead_id), members)
        for version, numbers in enumerate(tight_rules(counted), start=2):
            tight = QuotaRule(
                program_id=rule.program_id,
                version=version,
                effective_on=rule.effective_on,
                applies_to=AppliesTo.ALL,
                **numbers,
            )
            session.add(tight)
            await session.flush()
            consortium.rule_id = tight.id
            await session.flush()
            await judge(session, consortium, tight, members)
        await session.rollback()


async def judge(
    session: AsyncSession, consortium: Consortium, rule: QuotaRule, members: list[QuotaMember]
) -> None:
    """Ask both; the database names one of the parts that the library finds broken, or none where it finds none."""
    violation = await session.scalar(
        text("SELECT consortium_violation(c) FROM consortium c WHERE c.id = :id"), {"id": consortium.id}
    )
    quota = evaluate_quota(quota_rule(rule), str(consortium.lead_id), members)
    assert (violation is None) == quota.holds
    assert violation is None or violation in {part.name for part in quota.failing}


def tight_rules(counted: QuotaResult) -> list[dict[str, Any]]:
    """For every number the rule that is just kept and the one that is just broken: any miscount shows at one of them.

    Shares in the database have four decimals.
    """
    rules: list[dict[str, Any]] = [
        {"min_sme_members": counted.sme_members},
        {"min_sme_members": counted.sme_members + 1},
    ]
    for name in ("min_sme_budget_share", "min_small_micro_share_of_sme", "min_sme_member_share"):
        value = counted.part(name).value
        if value is not None:
            kept = Decimal(int(value * 10_000)).scaleb(-4)
            rules += [{name: share} for share in (kept, kept + Decimal("0.0001")) if share <= 1]
    return rules


async def stored(session: AsyncSession, situation: dict[str, Any]) -> tuple[Consortium, QuotaRule]:
    organizations = [
        Organization(
            name=f"单位{number}",
            credit_code=credit_code(900_000 + number),
            kind=kind,
            size_class=size,
            region_code="3301",
        )
        for number, (kind, size) in enumerate(situation["organizations"])
    ]
    rule = QuotaRule(version=1, effective_on=date(2024, 1, 1), **situation["rule"])
    program = Program(code="p", name="专项", authority="科学技术厅", rules=[rule])
    session.add_all([*organizations, program])
    await session.flush()
    challenge = Challenge(organization_id=organizations[-1].id, program_id=program.id, requirements=[])
    seen = set()
    for number, controller, size, kind in situation["relations"]:
        if controller is not None and (number, controller, kind) in seen:
            continue
        seen.add((number, controller, kind))
        session.add(
            ControlRelation(
                organization_id=organizations[number].id,
                controller_id=None if controller is None else organizations[controller].id,
                controller_name="某集团有限公司" if controller is None else "",
                controller_size=size,
                kind=kind,
            )
        )
    session.add(challenge)
    await session.flush()
    await session.execute(
        text(
            "INSERT INTO requirement (id, challenge_id, position, budget_wan)"
            " SELECT gen_random_uuid(), :id, n - 1, b FROM unnest(CAST(:budgets AS numeric[]))"
            " WITH ORDINALITY AS x(b, n)"
        ),
        {"id": challenge.id, "budgets": situation["budgets"]},
    )
    ids = list(
        await session.scalars(
            text("SELECT id::text FROM requirement WHERE challenge_id = :id ORDER BY position"),
            {"id": challenge.id},
        )
    )
    chosen = organizations[: situation["members"]]
    consortium = Consortium(
        challenge_id=challenge.id,
        lead_id=chosen[situation["lead"]].id,
        rule_id=rule.id,
        members=[
            ConsortiumMember(
                organization_id=organization.id,
                position=position,
                kind=organization.kind,
                size_class=organization.size_class,
                budget_wan=Decimal(situation["budgets"][position]),
                requirement_ids=[ids[position]],
            )
            for position, organization in enumerate(chosen)
        ],
    )
    session.add(consortium)
    await session.flush()
    return consortium, rule


async def submitted(
    make: Factory, *, sme_budget: int, rule: dict[str, Any] | None = None
) -> tuple[Consortium, Program, list[Organization]]:
    """A consortium of a large lead with 100 万元 and a small member with `sme_budget`, waiting for its decision."""
    poster = await make.organization(size=SizeClass.LARGE)
    lead, small = await make.organization(size=SizeClass.LARGE), await make.organization()
    program = await make.program(rule=rule)
    challenge = await make.challenge(poster, program, budgets=(100, sme_budget))
    consortium = Consortium(
        challenge_id=challenge.id,
        lead_id=lead.id,
        rule_id=program.rules[0].id,
        state=ConsortiumState.SUBMITTED,
        members=[
            ConsortiumMember(
                organization_id=organization.id,
                position=position,
                kind=organization.kind,
                size_class=organization.size_class,
                counted_sme=organization is small,
                budget_wan=challenge.requirements[position].budget_wan,
                requirement_ids=[str(challenge.requirements[position].id)],
            )
            for position, organization in enumerate([lead, small])
        ],
    )
    make.session.add(consortium)
    await make.session.commit()
    return consortium, program, [lead, small]


async def approve(session: AsyncSession, consortium: Consortium) -> None:
    await session.execute(
        text("UPDATE consortium SET state = 'approved' WHERE id = :id"), {"id": consortium.id}
    )


async def test_a_consortium_that_keeps_the_rule_can_be_approved_in_the_database(make: Factory) -> None:
    consortium, _, _ = await submitted(make, sme_budget=50)
    await approve(make.session, consortium)
    await make.session.commit()


async def test_one_that_breaks_the_rule_cannot(make: Factory) -> None:
    consortium, _, _ = await submitted(make, sme_budget=42)
    with pytest.raises(IntegrityError, match="min_sme_budget_share"):
        await approve(make.session, consortium)


async def test_a_member_that_became_large_stops_the_approval(make: Factory) -> None:
    consortium, _, (_, small) = await submitted(make, sme_budget=50)
    small.size_class = SizeClass.LARGE
    await make.session.commit()
    with pytest.raises(IntegrityError, match="has changed since"):
        await approve(make.session, consortium)


async def test_a_relation_declared_by_the_large_side_counts_too(make: Factory) -> None:
    consortium, _, (lead, small) = await submitted(make, sme_budget=50)
    make.session.add(
        ControlRelation(
            organization_id=lead.id, controller_id=small.id, kind=ControlKind.SAME_LEGAL_REPRESENTATIVE
        )
    )
    await make.session.commit()
    with pytest.raises(IntegrityError, match="min_sme_budget_share"):
        await approve(make.session, consortium)


async def test_a_requirement_without_a_member_stops_the_approval(make: Factory) -> None:
    consortium, _, _ = await submitted(make, sme_budget=50)
    consortium.members[1].requirement_ids = []
    await make.session.commit()
    with pytest.raises(IntegrityError, match="not assigned to exactly one"):
        await approve(make.session, consortium)


async def test_money_that_is_not_that_of_the_requirements_stops_the_approval(make: Factory) -> None:
    consortium, _, _ = await submitted(make, sme_budget=42)
    consortium.members[1].budget_wan = Decimal(60)
    await make.session.commit()
    with pytest.raises(IntegrityError, match="budget is not that"):
        await approve(make.session, consortium)


async def test_an_older_and_laxer_rule_does_not_help(make: Factory) -> None:
    lax = {"min_sme_budget_share": Decimal("0.1")}
    consortium, program, _ = await submitted(make, sme_budget=42, rule=lax)
    strict = QuotaRule(
        program_id=program.id,
        version=2,
        effective_on=date(2024, 2, 1),
        min_sme_budget_share=Decimal("0.3"),
    )
    make.session.add(strict)
    await make.session.commit()
    with pytest.raises(IntegrityError, match="not the rule in force"):
        await approve(make.session, consortium)


async def test_a_rule_of_the_future_does_not_bind_yet(make: Factory) -> None:
    consortium, program, _ = await submitted(make, sme_budget=50)
    make.session.add(
        QuotaRule(program_id=program.id, version=2, effective_on=utc_now().date() + timedelta(days=3))
    )
    await make.session.commit()
    await approve(make.session, consortium)


async def test_an_approved_consortium_and_its_members_are_frozen(make: Factory) -> None:
    consortium, _, (_, small) = await submitted(make, sme_budget=50)
    await approve(make.session, consortium)
    await make.session.commit()
    ids = {"id": consortium.id, "small": small.id}
    for statement in (
        "UPDATE consortium_member SET budget_wan = 1 WHERE consortium_id = :id",
        "DELETE FROM consortium_member WHERE consortium_id = :id",
        "UPDATE consortium SET lead_id = :small WHERE id = :id",
        "UPDATE consortium SET state = 'submitted' WHERE id = :id",
        "DELETE FROM consortium WHERE id = :id",
    ):
        with pytest.raises(IntegrityError, match="decided consortium"):
            await make.session.execute(text(statement), ids)
        await make.session.rollback()


async def test_a_later_change_of_size_does_not_disturb_what_was_approved(make: Factory) -> None:
    consortium, _, (_, small) = await submitted(make, sme_budget=50)
    await approve(make.session, consortium)
    small.size_class = SizeClass.LARGE
    await make.session.commit()
    await make.session.execute(text("UPDATE consortium SET note = 'x' WHERE id = :id"), {"id": consortium.id})


async def test_an_officer_of_a_member_cannot_decide_even_in_the_database(make: Factory) -> None:
    consortium, _, (_, small) = await submitted(make, sme_budget=50)
    officer, other = await make.officer(), await make.officer()
    make.session.add(Membership(organization_id=small.id, person_id=officer.id, role=MembershipRole.VIEWER))
    await make.session.commit()

    def decision(person_id: Any) -> Decision:
        return Decision(
            consortium_id=consortium.id,
            outcome=Outcome.RETURNED,
            reason="理由",
            officer_id=person_id,
            decided_at=utc_now(),
            inputs={},
            quota={},
        )

    make.session.add(decision(other.id))
    await make.session.commit()
    make.session.add(decision(officer.id))
    with pytest.raises(IntegrityError, match="belongs to a member"):
        await make.session.flush()
