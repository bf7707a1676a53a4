"""A question of the bidder's, a change in force, and where the challenge is public another that waits."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from challenges.amendments.content import content_of
from challenges.models import Amendment, AmendmentState, Challenge, Question
from core.clock import utc_now

if TYPE_CHECKING:
    from tests.integration.permission_world import Builder


async def add_questions_and_changes(
    builder: Builder, scene: str, challenge: Challenge, things: dict[str, Any]
) -> None:
    if scene in {"draft", "submitted"}:
        return
    session = builder.make.session
    question = Question(
        challenge_id=challenge.id,
        organization_id=builder.bidder.id,
        text="合格率按批次还是按件统计？",
        asked_at=utc_now(),
    )
    changed = _amendment(builder, challenge)
    changed.state, changed.version, changed.is_substantial = AmendmentState.CONFIRMED, 1, True
    changed.decided_at = utc_now()
    session.add_all([question, changed])
    await session.flush()
    things.update(question_id=question.id, changed=changed.id)
    if scene in {"open", "after"}:
        waiting = _amendment(builder, challenge)
        session.add(waiting)
        await session.flush()
        things["waiting"] = waiting.id


def _amendment(builder: Builder, challenge: Challenge) -> Amendment:
    assert challenge.deadline_at is not None
    before = content_of(challenge)
    deadline = challenge.deadline_at + timedelta(days=3)
    return Amendment(
        challenge_id=challenge.id,
        explanation="延长揭榜时间。",
        before=before,
        after={**before, "deadline_at": deadline.isoformat()},
        deadline_before=challenge.deadline_at,
        deadline_after=deadline,
        base_revision=challenge.revision,
        proposed_by_id=builder.people["owner"].id,
        proposed_at=utc_now(),
    )
