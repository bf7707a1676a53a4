"""Who may ask, answer, hide and read questions. Challenges come with their program and its officers."""

from datetime import datetime

from challenges.postings.models import Challenge
from challenges.postings.policies import is_officer_in_charge, is_open_for_bids, is_poster, is_poster_editor
from challenges.programs.calendar import period
from challenges.questions.models import Question, QuestionState
from core.actor import Actor


def questions_end(challenge: Challenge) -> datetime | None:
    """Until when questions are taken: so many days of the program before the deadline."""
    if challenge.deadline_at is None or challenge.program is None:
        return None
    return challenge.deadline_at - period(challenge.program, challenge.program.question_days)


def are_questions_taken(challenge: Challenge, now: datetime) -> bool:
    end = questions_end(challenge)
    return is_open_for_bids(challenge, now) and end is not None and now < end


def is_possible_asker(actor: Actor, challenge: Challenge) -> bool:
    """Editors of verified organizations ask, never the poster itself; that they may read it is checked before."""
    return actor.may_edit_for_organization and actor.organization_verified and not is_poster(actor, challenge)


def may_ask(actor: Actor, challenge: Challenge, now: datetime) -> bool:
    return is_possible_asker(actor, challenge) and are_questions_taken(challenge, now)


def may_answer(actor: Actor, challenge: Challenge, now: datetime) -> bool:
    return is_poster_editor(actor, challenge) and is_open_for_bids(challenge, now)


def may_hide(actor: Actor, challenge: Challenge) -> bool:
    return is_officer_in_charge(actor, challenge)


def is_asker(actor: Actor, question: Question) -> bool:
    return actor.acts_for(question.organization_id)


def may_read(actor: Actor, challenge: Challenge, question: Question) -> bool:
    """Of somebody who may read the challenge. What was hidden may name its asker, so that the poster lost it, too."""
    return (
        question.state is not QuestionState.HIDDEN
        or is_asker(actor, question)
        or is_officer_in_charge(actor, challenge)
    )


def answer_due(challenge: Challenge, asked_at: datetime) -> datetime:
    """When an answer is due: after the program's days for questions, so that the last one is due at the deadline."""
    assert challenge.deadline_at is not None
    assert challenge.program is not None
    days = challenge.program.question_days
    if days == 0:
        return challenge.deadline_at
    return min(challenge.deadline_at, asked_at + period(challenge.program, days))
