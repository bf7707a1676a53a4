"""Use cases of asking and answering. The database's clock decides until when."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import set_committed_value

from challenges.followers import bidder_ids, readers_among, saver_ids
from challenges.postings.models import Challenge
from challenges.postings.policies import is_officer_in_charge, is_poster_editor
from challenges.postings.service import read_challenge
from challenges.questions import events, policies, queries
from challenges.questions.models import Answer, Question, QuestionState
from challenges.questions.states import QUESTION
from core import audit
from core.actor import Actor
from core.database import database_time
from core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from core.i18n import lazy_gettext as _
from core.notifications.kinds import Kind
from core.notifications.service import notify
from core.states import move
from solvers.organizations.queries import editor_ids, organization_by_id

# Nobody has more to ask of one challenge; more would bury the others' questions.
MAX_QUESTIONS = 30
QUOTED = 300


@dataclass(frozen=True)
class ShownQuestion:
    """A question as its reader may see it: without the asker, by construction."""

    id: uuid.UUID
    text: str
    asked_at: datetime
    state: QuestionState
    note: str
    # Newest first; those behind the first were corrected.
    answers: tuple[Answer, ...]
    is_ours: bool


async def shown_questions(
    session: AsyncSession,
    actor: Actor,
    challenge: Challenge,
    *,
    only_unanswered: bool = False,
    limit: int,
    offset: int,
    besides: uuid.UUID | None = None,
) -> tuple[list[ShownQuestion], int]:
    """The questions of a challenge that the actor may read, newest first, and how many there are.

    `besides` names one that is shown in any case, on top where it stands on another page.
    """
    found, total = await queries.questions_of(
        session,
        challenge.id,
        actor,
        is_officer=is_officer_in_charge(actor, challenge),
        only_unanswered=only_unanswered,
        limit=limit,
        offset=offset,
    )
    if besides is not None and all(item.id != besides for item in found):
        extra = await queries.question_by_id(session, besides)
        if extra is not None and policies.may_read(actor, challenge, extra):
            found = [extra, *found]
    return [
        ShownQuestion(
            id=item.id,
            text=item.text,
            asked_at=item.asked_at,
            state=item.state,
            note=item.note,
            answers=tuple(item.answers),
            is_ours=policies.is_asker(actor, item),
        )
        for item in found
    ], total


def require_asker(actor: Actor, challenge: Challenge) -> None:
    if not policies.is_possible_asker(actor, challenge):
        raise ForbiddenError(
            _("Questions are asked by editors of verified organizations, not by the poster.")
        )


async def ask(session: AsyncSession, actor: Actor, challenge_id: uuid.UUID, text: str) -> Question:
    """Ask; the poster is told. Raises InvalidError on field `text`."""
    challenge = await read_challenge(session, actor, challenge_id, lock=True)
    require_asker(actor, challenge)
    now = await database_time(session)
    if not policies.are_questions_taken(challenge, now):
        raise ConflictError(_("Questions are not taken any more."))
    assert actor.organization_id is not None
    text = _cleaned(text)
    await _check_question(session, actor, challenge, text)
    question = Question(
        id=uuid.uuid4(),
        challenge_id=challenge.id,
        organization_id=actor.organization_id,
        person_id=actor.person_id,
        state=QuestionState.ASKED,
        text=text,
        asked_at=now,
    )
    session.add(question)
    await session.flush()
    await audit.record(
        session, actor, "question.asked", "question", question.id, {"challenge": str(challenge.id)}
    )
    await notify(
        session,
        f"{events.ASKED.name}:{question.id}",
        events.ASKED,
        # Who happens to belong to both asked it and need not be told.
        await editor_ids(session, challenge.organization_id) - {actor.person_id},
        question,
        _parameters(challenge, question),
    )
    return question


async def _check_question(session: AsyncSession, actor: Actor, challenge: Challenge, text: str) -> None:
    if not text:
        raise InvalidError({"text": _("Please fill this in.")})
    assert actor.organization_id is not None
    organization = await organization_by_id(session, actor.organization_id)
    assert organization is not None
    known = [organization.name, organization.credit_code, actor.name if len(actor.name) > 2 else ""]
    folded = text.casefold()
    if any(item and item.casefold() in folded for item in known):
        raise InvalidError(
            {"text": _("The question names you or your organization: everybody would see who asks.")}
        )
    if await queries.was_asked(session, challenge.id, actor.organization_id, text):
        raise InvalidError({"text": _("Your organization has asked this already.")})
    if await queries.number_asked_by(session, challenge.id, actor.organization_id) >= MAX_QUESTIONS:
        raise InvalidError(
            {
                "text": _(
                    "An organization asks at most %(number)s questions about a challenge.",
                    number=MAX_QUESTIONS,
                )
            }
        )


async def answer(
    session: AsyncSession, actor: Actor, question_id: uuid.UUID, text: str, *, version: int | None = None
) -> Question:
    """Answer, or correct the answer; the version before is kept. Raises InvalidError on field `answer`.

    `version` is the answer that the writer has seen (0: none): a colleague's answer is not overwritten unseen.
    """
    challenge, question = await _held(session, actor, question_id)
    text = _cleaned(text)
    if not text:
        raise InvalidError({"answer": _("Please fill this in.")})
    present = question.answers[0] if question.answers else None
    if present is not None and present.text == text:
        # Pressed twice, or nothing changed.
        return question
    number = present.version if present else 0
    if version is not None and version != number:
        raise InvalidError(
            {
                "answer": _(
                    "A colleague has answered this question meanwhile: compare with their answer above."
                )
            }
        )
    await move(session, QUESTION, actor, question, QuestionState.ANSWERED, details={"version": number + 1})
    session.add(
        Answer(
            question_id=question.id,
            version=number + 1,
            text=text,
            person_id=actor.person_id,
            at=await database_time(session),
        )
    )
    await session.flush()
    await _tell_answer(session, actor, challenge, question, text, number + 1)
    return question


async def hide(session: AsyncSession, actor: Actor, question_id: uuid.UUID, *, note: str) -> Question:
    """Hide an improper question with a reason (InvalidError on `note`); the asker's organization is told."""
    challenge, question = await _held(session, actor, question_id)
    await move(session, QUESTION, actor, question, QuestionState.HIDDEN, note=note)
    await notify(
        session,
        f"{events.HIDDEN.name}:{question.id}",
        events.HIDDEN,
        await editor_ids(session, question.organization_id),
        question,
        {
            **_parameters(challenge, question),
            "note": question.note,
            "organization_id": str(question.organization_id),
        },
    )
    return question


async def challenge_to_answer(session: AsyncSession, actor: Actor, question_id: uuid.UUID) -> Challenge:
    """The challenge of a question that the actor may answer; ForbiddenError or ConflictError say why not."""
    challenge, question = await _held(session, actor, question_id)
    if not is_poster_editor(actor, challenge):
        raise ForbiddenError(_("Only editors of the posting organization answer."))
    if not policies.may_answer(actor, challenge, await database_time(session)):
        raise ConflictError(_("The deadline for bids has passed: questions are not answered any more."))
    if question.state is QuestionState.HIDDEN:
        raise NotFoundError(_("There is no such question."))
    return challenge


async def _held(session: AsyncSession, actor: Actor, question_id: uuid.UUID) -> tuple[Challenge, Question]:
    """A question that the actor may read, with its challenge locked before it."""
    challenge_id = await queries.challenge_of_question(session, question_id)
    if challenge_id is None:
        raise NotFoundError(_("There is no such question."))
    challenge = await read_challenge(session, actor, challenge_id, lock=True)
    question = await queries.question_by_id(session, question_id)
    if question is None or not policies.may_read(actor, challenge, question):
        raise NotFoundError(_("There is no such question."))
    set_committed_value(question, "challenge", challenge)
    return challenge, question


async def _tell_answer(
    session: AsyncSession, actor: Actor, challenge: Challenge, question: Question, text: str, version: int
) -> None:
    """The asker's people, and apart from them whoever bids for the challenge or has saved it."""
    parameters = {**_parameters(challenge, question), "answer": _quoted(text)}
    askers = await editor_ids(session, question.organization_id)
    followers = await bidder_ids(session, challenge.id) | await saver_ids(session, challenge.id)
    await _tell(
        session,
        events.ANSWERED_OURS,
        question,
        version,
        await readers_among(session, askers - {actor.person_id}, challenge),
        {**parameters, "organization_id": str(question.organization_id)},
    )
    await _tell(
        session,
        events.ANSWERED,
        question,
        version,
        await readers_among(session, followers - askers - {actor.person_id}, challenge),
        parameters,
    )


async def _tell(
    session: AsyncSession,
    kind: Kind,
    question: Question,
    version: int,
    people: set[uuid.UUID],
    parameters: dict[str, str],
) -> None:
    await notify(session, f"{kind.name}:{question.id}:{version}", kind, people, question, parameters)


def _parameters(challenge: Challenge, question: Question) -> dict[str, str]:
    return {
        "title": challenge.title,
        "challenge_id": str(challenge.id),
        "question": _quoted(question.text),
    }


def _quoted(text: str) -> str:
    return text if len(text) <= QUOTED else f"{text[: QUOTED - 1]}…"


def _cleaned(text: str) -> str:
    return text.replace("\r\n", "\n").strip()
