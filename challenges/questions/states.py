"""The life of a question."""

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.postings.policies import is_open_for_bids
from challenges.postings.states import present_roles
from challenges.questions.models import Question, QuestionState
from core.actor import Actor
from core.i18n import lazy_gettext as _
from core.states import Machine, Role, Transition

ASKED, ANSWERED, HIDDEN = QuestionState.ASKED, QuestionState.ANSWERED, QuestionState.HIDDEN
POSTER = frozenset({Role.POSTER})
OFFICER = frozenset({Role.OFFICER})


def _is_in_time(question: Question, now: datetime) -> Any:
    """The challenge is open for bids, and its deadline has not passed."""
    if not is_open_for_bids(question.challenge, now):
        return _("The deadline for bids has passed: questions are not answered any more.")
    return None


def _stamp_answer(question: Question, now: datetime) -> None:
    question.answered_at = question.answered_at or now


async def _roles(session: AsyncSession, actor: Actor, question: Question) -> frozenset[Role]:
    return await present_roles(session, actor, question.challenge)


# The log tells of a question under its own name: the history of its challenge, which the poster reads, would name
# who asked.
QUESTION = Machine[Question, QuestionState](
    noun="question",
    states=QuestionState,
    initial=ASKED,
    transitions=(
        Transition(ASKED, ANSWERED, POSTER, "question.answered", guard=_is_in_time, effect=_stamp_answer),
        Transition(ANSWERED, ANSWERED, POSTER, "question.answer_corrected", guard=_is_in_time),
        Transition(ASKED, HIDDEN, OFFICER, "question.hidden", needs_note=True),
        Transition(ANSWERED, HIDDEN, OFFICER, "question.hidden", needs_note=True),
    ),
    roles_of=_roles,
    note_column="note",
)
