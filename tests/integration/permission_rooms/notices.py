"""Two scenes on public notice: `notice`, where the bidder objects to the rival's award, and the restricted
`secret_notice`, whose award is the bidder's."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from challenges.consortia.queries import consortium_by_id
from challenges.models import Challenge, ChallengeState, ConsortiumState, Notice, Objection
from core.clock import utc_now

if TYPE_CHECKING:
    from tests.integration.permission_world import Builder

STATES = {"notice": ChallengeState.IN_NOTICE, "secret_notice": ChallengeState.IN_NOTICE}
SCENES = tuple(STATES)


async def add_notice(builder: Builder, scene: str, challenge: Challenge, things: dict[str, Any]) -> None:
    if scene not in SCENES:
        return
    session = builder.make.session
    winner = builder.rival if scene == "notice" else builder.bidder
    consortium = await consortium_by_id(session, things["consortium_id"])
    assert consortium is not None
    consortium.state, consortium.submitted_at = ConsortiumState.SUBMITTED, utc_now()
    await session.flush()
    consortium.state = ConsortiumState.APPROVED
    await session.flush()
    now = utc_now()
    notice = Notice(
        challenge_id=challenge.id,
        content=content(challenge, str(consortium.id), winner),
        begun_at=now,
        ends_at=now + timedelta(days=5),
        published_by_id=builder.officer.id,
    )
    session.add(notice)
    await session.flush()
    things["notice_id"] = notice.id
    if scene != "notice":
        return
    objection = Objection(
        notice_id=notice.id,
        challenge_id=challenge.id,
        organization_id=builder.bidder.id,
        person_id=builder.people["bidder"].id,
        text="牵头单位不具备条件",
        raised_at=now,
        due_at=now + timedelta(days=10),
    )
    session.add(objection)
    await session.flush()
    things["objection_id"] = objection.id
    things["objection_file"] = (await builder.attachment("objection", objection.id)).id


def content(challenge: Challenge, consortium: str, winner: Any) -> dict[str, Any]:
    return {
        "challenge": {"title": challenge.title, "poster": "某集团", "reward_wan": "600", "round": "第一批"},
        "program": {"name": "某专项", "authority": "省科学技术厅"},
        "notice_days": 5,
        "answer_days": 10,
        "teams": [
            {
                "team": 1,
                "consortium": consortium,
                "decision": consortium,
                "lead": winner.name,
                "members": [
                    {
                        "id": str(winner.id),
                        "name": winner.name,
                        "kind": "enterprise",
                        "size": "small",
                        "counted_sme": True,
                        "budget_wan": "600",
                        "not_counted_reason": "",
                        "not_counted_because_of": "",
                        "is_lead": True,
                    }
                ],
                "budget_wan": "600",
                "quota": {"applies": False, "holds": True, "parts": {}},
                "rule": None,
                "waiver": None,
                "decided_at": utc_now().isoformat(),
                "from_bid": False,
                "review_rank": None,
            }
        ],
    }
