"""What people are told of questions and answers. Nobody but the asker's own organization learns who asked."""

import uuid
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.postings.events import CHALLENGES, TITLE
from challenges.postings.queries import own_ids
from challenges.postings.sight import may_know_of
from challenges.questions import queries
from challenges.questions.models import QuestionState
from core.i18n import lazy_gettext as _
from core.notifications.kinds import Audience, Group, Kind, declare
from core.notifications.models import Delivery, Notification
from solvers.organizations.acting import actors_of, is_of_organization

FOLLOWED = Group("followed", _("Challenges we bid for or have saved"))
LINK = "/challenges/{challenge_id}/questions#question-{subject_id}"
# Of no challenge: where the preview's link would lead.
EXAMPLE_ID = str(uuid.UUID(int=0))
TEXT = "指标二的合格率按批次还是按件统计？"
ANSWER = "按批次统计，每批不少于 30 件。"


async def question_is_shown(
    session: AsyncSession, person_id: uuid.UUID, told: Sequence[Notification]
) -> set[uuid.UUID]:
    """Of those who may read the challenge now, unless an officer has hidden the question."""
    found = {item.id: item for item in await queries.questions_by_ids(session, {n.subject_id for n in told})}
    shown = [item for item in found.values() if item.state is not QuestionState.HIDDEN]
    known = {
        challenge_id
        for challenge_id in {item.challenge_id for item in shown}
        if await may_know_of(session, person_id, challenge_id)
    }
    readable = {item.id for item in shown if item.challenge_id in known}
    return {item.id for item in told if item.subject_id in readable}


async def question_is_ours_to_answer(
    session: AsyncSession, person_id: uuid.UUID, told: Sequence[Notification]
) -> set[uuid.UUID]:
    """Of the poster's people and the officers in charge."""
    shown = await question_is_shown(session, person_id, told)
    found = await queries.questions_by_ids(session, {n.subject_id for n in told})
    challenges = {item.challenge_id for item in found}
    ours = set[uuid.UUID]()
    for actor in await actors_of(session, person_id):
        ours |= await own_ids(session, actor, challenges)
    own = {item.id for item in found if item.challenge_id in ours}
    return {item.id for item in told if item.id in shown and item.subject_id in own}


async def own_question_is_shown(
    session: AsyncSession, person_id: uuid.UUID, told: Sequence[Notification]
) -> set[uuid.UUID]:
    """Of the asker's people alone."""
    own = await is_of_organization(session, person_id, told)
    return own & await question_is_shown(session, person_id, told)


ASKED = declare(
    Kind(
        name="question.asked",
        group=CHALLENGES,
        label=_("A question about our challenge"),
        subject=_("Question to answer: %(title)s"),
        text=_(
            "Somebody asks about your challenge “%(title)s”:\n\n%(question)s\n\nEverybody who may read the challenge"
            " sees the question and your answer; who asked is not shown."
        ),
        link=LINK,
        delivery=Delivery.AT_ONCE,
        audience=Audience.ORGANIZATION,
        visible=question_is_ours_to_answer,
        example={"challenge_id": EXAMPLE_ID, "title": TITLE, "question": TEXT},
    )
)
ANSWERED_OURS = declare(
    Kind(
        name="question.answered_ours",
        group=FOLLOWED,
        label=_("Our question is answered"),
        subject=_("Your question is answered: %(title)s"),
        text=_(
            "The poster of “%(title)s” has answered your question:\n\n%(question)s\n\nAnswer:\n\n%(answer)s"
        ),
        link=LINK,
        delivery=Delivery.AT_ONCE,
        audience=Audience.ORGANIZATION,
        visible=own_question_is_shown,
        example={"challenge_id": EXAMPLE_ID, "title": TITLE, "question": TEXT, "answer": ANSWER},
    )
)
ANSWERED = declare(
    Kind(
        name="question.answered",
        group=FOLLOWED,
        label=_("A question is answered"),
        subject=_("Answered: a question about %(title)s"),
        text=_("A question about “%(title)s” is answered:\n\n%(question)s\n\nAnswer:\n\n%(answer)s"),
        link=LINK,
        delivery=Delivery.DAILY,
        audience=Audience.EVERYBODY,
        visible=question_is_shown,
        example={"challenge_id": EXAMPLE_ID, "title": TITLE, "question": TEXT, "answer": ANSWER},
    )
)
HIDDEN = declare(
    Kind(
        name="question.hidden",
        group=FOLLOWED,
        label=_("Our question was hidden"),
        subject=_("Your question was hidden: %(title)s"),
        text=_(
            "An officer of the program has hidden your question about “%(title)s” for this reason:\n\n%(note)s"
            "\n\nYou may ask it again in other words."
        ),
        link=LINK,
        delivery=Delivery.AT_ONCE,
        audience=Audience.ORGANIZATION,
        visible=is_of_organization,
        example={"challenge_id": EXAMPLE_ID, "title": TITLE, "note": "提问中写明了提问单位的名称。"},
    )
)
