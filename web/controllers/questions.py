"""Questions about a challenge: asked and answered on one page, without anybody seeing who asks."""

import uuid
from dataclasses import dataclass
from typing import Any

from litestar import Controller, Response, get, post
from litestar.response import Template

from challenges.models import Challenge
from challenges.postings.service import read_challenge
from challenges.questions import policies, queries, service
from challenges.questions.forms import LONGEST_ANSWER, AnswerForm, QuestionForm
from core.actor import Actor
from core.database import database_time
from core.errors import InvalidError
from core.i18n import gettext
from web.challenge_places import places_of
from web.dependencies import Acting, DbSession, FromPath, WebRequest
from web.guards import Access
from web.paging import PER_PAGE, Page, page_number
from web.requests import form_data
from web.templating import redirect, render

OPEN = "open"


@dataclass(frozen=True)
class Failed:
    """What was typed at a question and could not be taken, with the message."""

    question_id: uuid.UUID
    step: str
    text: str
    message: str


class QuestionController(Controller):
    @get("/challenges/{challenge_id:uuid}/questions", opt={"access": Access.PUBLIC})
    async def of_challenge(
        self, request: WebRequest, session: DbSession, actor: Acting, challenge_id: FromPath[uuid.UUID]
    ) -> Template:
        challenge = await read_challenge(session, actor, challenge_id)
        return await _page(request, session, actor, challenge)

    @post("/challenges/{challenge_id:uuid}/questions", opt={"access": Access.EDITOR}, status_code=200)
    async def ask(
        self, request: WebRequest, session: DbSession, actor: Acting, challenge_id: FromPath[uuid.UUID]
    ) -> Template | Response[Any]:
        challenge = await read_challenge(session, actor, challenge_id)
        form = QuestionForm(await form_data(request))
        # Whether they may ask at all comes before what they have typed.
        service.require_asker(actor, challenge)
        if not form.validate():
            return await _page(request, session, actor, challenge, form=form, status=422)
        try:
            async with session.begin_nested():
                question = await service.ask(session, actor, challenge_id, form.text.data or "")
        except InvalidError as error:
            form.add_errors(error.errors)
            challenge = await read_challenge(session, actor, challenge_id)
            return await _page(request, session, actor, challenge, form=form, status=422)
        return redirect(
            request,
            f"/challenges/{challenge_id}/questions#question-{question.id}",
            flash=gettext("Your question is asked. You will be told of the answer."),
        )

    @post("/questions/{question_id:uuid}/answer", opt={"access": Access.EDITOR}, status_code=200)
    async def answer(
        self, request: WebRequest, session: DbSession, actor: Acting, question_id: FromPath[uuid.UUID]
    ) -> Template | Response[Any]:
        data = await form_data(request)
        challenge = await service.challenge_to_answer(session, actor, question_id)
        form = AnswerForm(data)
        version = data.get("version")
        errors: dict[str, Any] = {}
        if not form.validate():
            errors = {"answer": form.answer.errors[0]}
        else:
            try:
                async with session.begin_nested():
                    await service.answer(
                        session,
                        actor,
                        question_id,
                        form.answer.data or "",
                        version=int(version) if version.isascii() and version.isdigit() else None,
                    )
            except InvalidError as error:
                errors = error.errors
        if errors:
            challenge = await read_challenge(session, actor, challenge.id)
            failed = Failed(question_id, "answer", data.get("answer"), str(errors["answer"]))
            return await _page(request, session, actor, challenge, failed=failed, status=422)
        return redirect(
            request,
            f"/challenges/{challenge.id}/questions#question-{question_id}",
            flash=gettext("The answer is published."),
        )

    @post("/questions/{question_id:uuid}/hide", opt={"access": Access.OFFICER}, status_code=200)
    async def hide(
        self, request: WebRequest, session: DbSession, actor: Acting, question_id: FromPath[uuid.UUID]
    ) -> Template | Response[Any]:
        note = (await form_data(request)).get("note")
        try:
            async with session.begin_nested():
                question = await service.hide(session, actor, question_id, note=note)
        except InvalidError as error:
            found = await queries.challenge_of_question(session, question_id)
            assert found is not None
            challenge = await read_challenge(session, actor, found)
            failed = Failed(question_id, "hide", note, str(error.errors["note"]))
            return await _page(request, session, actor, challenge, failed=failed, status=422)
        return redirect(
            request,
            f"/challenges/{question.challenge_id}/questions#question-{question_id}",
            flash=gettext("The question is hidden; its asker was told why."),
        )


async def _page(
    request: WebRequest,
    session: DbSession,
    actor: Actor,
    challenge: Challenge,
    *,
    form: QuestionForm | None = None,
    failed: Failed | None = None,
    status: int = 200,
) -> Template:
    now = await database_time(session)
    only_open = request.query_params.get("show") == OPEN
    number = page_number(request.query_params.get("page"))
    questions, total = await service.shown_questions(
        session,
        actor,
        challenge,
        only_unanswered=only_open,
        limit=PER_PAGE,
        offset=Page(number, 0).offset,
        besides=failed.question_id if failed else None,
    )
    asked, unanswered = await queries.counts_of(session, challenge.id)
    return render(
        request,
        "questions/of_challenge.html",
        status=status,
        challenge=challenge,
        places=await places_of(session, actor, challenge),
        questions=questions,
        page=Page(number, total),
        parameters={"show": OPEN if only_open else ""},
        only_open=only_open,
        asked=asked,
        unanswered=unanswered,
        form=form or QuestionForm(),
        failed=failed,
        end=policies.questions_end(challenge),
        are_taken=policies.are_questions_taken(challenge, now),
        is_possible_asker=policies.is_possible_asker(actor, challenge),
        may_answer=policies.may_answer(actor, challenge, now),
        may_hide=policies.may_hide(actor, challenge),
        longest_answer=LONGEST_ANSWER,
    )
