"""Challenges of the demonstration as they stand before anything happens to them."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Any

from challenges.indexes import CHALLENGES, challenge_text, terms_of_text
from challenges.models import Challenge, ChallengeState, Cooperation, InvitedSolver, NeedSource, Requirement
from core.clock import SHANGHAI, utc_now
from core.revisions import next_revision
from web.demo.cast import Demo

# Most challenges are open for bids or closed, by their deadline; these show the states before publication.
UNPUBLISHED = {
    "c-0205-02": ChallengeState.SUBMITTED,
    "c-0602-02": ChallengeState.SUBMITTED,
    "c-0808-01": ChallengeState.SUBMITTED,
    "c-0302-01": ChallengeState.RETURNED,
    "c-0102-08": ChallengeState.DRAFT,
}
RETURN_COMMENT = (
    "请补充在轨温度循环次数，并将第二项指标改为可第三方检测的数值；投入预算与指标分项合计请核对一致。"
)


def _state_of(row: dict[str, Any]) -> ChallengeState:
    by_deadline = ChallengeState.PUBLISHED if row["deadline_days"] > 0 else ChallengeState.CLOSED
    return UNPUBLISHED.get(row["key"], by_deadline)


async def add_challenge(demo: Demo, row: dict[str, Any]) -> None:
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
        submitted_at=None if state is ChallengeState.DRAFT else min(published, utc_now()) - timedelta(days=6),
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
