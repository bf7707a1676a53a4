"""Approved consortia for the tests of statistics, written straight to the tables: what, when and who is chosen by hand."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from challenges.models import (
    Challenge,
    ChallengeState,
    Consortium,
    ConsortiumMember,
    ConsortiumState,
    Decision,
    Match,
    MatchRun,
    MatchRunState,
    Outcome,
    Program,
)
from core.accounts.models import Person
from core.clock import utc_now
from solvers.models import Organization, OrganizationKind, SizeClass
from tests.factories import Factory

SME = frozenset({SizeClass.MEDIUM, SizeClass.SMALL, SizeClass.MICRO})


async def approve(
    make: Factory,
    program: Program,
    poster: Organization,
    officer: Person,
    decided_at: datetime,
    *parts: tuple[Organization, int],
    price: float | None = 0.0,
    state: ConsortiumState = ConsortiumState.APPROVED,
    **challenge_values: Any,
) -> Challenge:
    """A challenge whose requirements went to `parts`, (organization, 万元) each; the first leads."""
    challenge = await make.challenge(
        poster,
        program,
        state=ChallengeState.AWARDED,
        budgets=tuple(wan for _, wan in parts),
        **{"deadline_at": decided_at, "published_at": decided_at, **challenge_values},
    )
    consortium = Consortium(
        challenge_id=challenge.id,
        # The trigger looks at members when the state becomes "approved", so these come first.
        state=ConsortiumState.SUBMITTED,
        lead_id=parts[0][0].id,
        rule_id=program.rules[0].id,
        submitted_at=decided_at,
        computation={"status": "from_bid"} if price is None else {"answer": {"price_of_quota": price}},
        members=[
            ConsortiumMember(
                organization_id=organization.id,
                position=position,
                kind=organization.kind,
                size_class=organization.size_class,
                counted_sme=organization.kind is OrganizationKind.ENTERPRISE
                and organization.size_class in SME,
                budget_wan=Decimal(wan),
                requirement_ids=[str(challenge.requirements[position].id)],
            )
            for position, (organization, wan) in enumerate(parts)
        ],
    )
    make.session.add(consortium)
    await make.session.flush()
    consortium.state = state
    if state is not ConsortiumState.SUBMITTED:
        make.session.add(
            Decision(
                consortium_id=consortium.id,
                outcome=Outcome(state.value),
                reason="理由",
                officer_id=officer.id,
                rule_id=program.rules[0].id,
                decided_at=decided_at,
                inputs={},
                quota={},
            )
        )
    await make.session.commit()
    return challenge


async def rank(make: Factory, challenge: Challenge, organizations: Sequence[Organization]) -> None:
    """A ranking of a challenge in this order."""
    run = MatchRun(challenge_id=challenge.id, state=MatchRunState.DONE, finished_at=utc_now())
    make.session.add(run)
    await make.session.flush()
    make.session.add_all(
        Match(run_id=run.id, organization_id=organization.id, rank=number, score=1 / number)
        for number, organization in enumerate(organizations, start=1)
    )
    await make.session.commit()
