"""Questions before the deadline: shown to every reader, and nobody but the asker's own organization knows who asked."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError

from challenges.models import Answer, InvitedSolver, Question, QuestionState, SavedChallenge
from challenges.questions import queries, service
from challenges.questions.policies import answer_due, questions_end
from core.accounts.models import PlatformRole
from core.actor import Actor
from core.audit import AuditEntry
from core.clock import utc_now
from core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from core.mail import MailMessage
from core.notifications.models import Notification
from core.process import Process
from solvers.models import Certificate, MembershipRole, Verification
from tests.conftest import BrowserOf
from tests.factories import Factory
from tests.integration.matchmaking import actor_of
from tests.integration.test_bidding import Stage, start
from tests.told import told

ASKED = "合格率按批次统计还是按件统计？"
ANSWERED = "按批次统计，每批不少于30件。"


class Asked:
    """A stage with a question that its SME has asked, and an organization that is a stranger to all of it."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.session = stage.make.session

    async def set(self) -> "Asked":
        stage = self.stage
        self.asker = actor_of(stage.bidder, stage.sme)
        self.poster = actor_of(stage.poster_person, stage.poster)
        self.officer = Actor(
            person_id=stage.officer.id, name="林主管", roles=frozenset({PlatformRole.OFFICER})
        )
        self.other = await stage.make.organization()
        self.reader = await stage.make.member(self.other)
        self.question = await service.ask(self.session, self.asker, stage.challenge.id, ASKED)
        await self.session.commit()
        return self

    @property
    def address(self) -> str:
        return f"/challenges/{self.stage.challenge.id}/questions"


@pytest.fixture
async def stage(make: Factory) -> Stage:
    return await Stage(make).set()


@pytest.fixture
async def asked(stage: Stage) -> Asked:
    return await Asked(stage).set()


async def test_a_question_and_its_answer_are_read_by_everybody_and_its_asker_by_nobody(
    asked: Asked, browser_of: BrowserOf
) -> None:
    stage = asked.stage
    poster = await browser_of(stage.poster_person, stage.poster)
    answer = await poster.submit(
        f"/questions/{asked.question.id}/answer", {"answer": ANSWERED, "version": "0"}
    )
    assert answer.status_code == 303, answer.text
    readers = {
        "anonymous": await browser_of(),
        "poster": poster,
        "officer": await browser_of(stage.officer),
        "stranger": await browser_of(asked.reader, asked.other),
        "administrator": await browser_of(await stage.make.administrator()),
    }
    for who, browser in readers.items():
        page = (await browser.get(asked.address)).text
        assert ASKED in page, who
        assert ANSWERED in page, who
        for secret in (stage.sme.name, stage.bidder.name, str(stage.sme.id), "本单位的提问"):
            assert secret not in page, (who, secret)
    own = (await (await browser_of(stage.bidder, stage.sme)).get(asked.address)).text
    assert "本单位的提问" in own


async def test_neither_the_challenges_history_nor_what_is_told_names_the_asker(
    asked: Asked, browser_of: BrowserOf
) -> None:
    stage = asked.stage
    for person, organization in ((stage.poster_person, stage.poster), (stage.officer, None)):
        page = (await (await browser_of(person, organization)).get(f"/challenges/{stage.challenge.id}")).text
        assert stage.sme.name not in page
    entries = await asked.session.scalars(
        select(AuditEntry).where(AuditEntry.subject_id == stage.challenge.id)
    )
    assert all(entry.organization_id != stage.sme.id for entry in entries)
    await service.answer(asked.session, asked.poster, asked.question.id, ANSWERED)
    for item in await asked.session.scalars(select(Notification)):
        if item.person_id != stage.bidder.id:
            assert str(stage.sme.id) not in str(item.parameters)
            assert stage.sme.name not in str(item.parameters)
    # The log itself knows, for whoever has to look into an abuse.
    entry = await asked.session.scalar(select(AuditEntry).where(AuditEntry.action == "question.asked"))
    assert entry is not None
    assert (entry.subject_type, entry.organization_id) == ("question", stage.sme.id)


async def test_the_poster_is_told_of_a_question_and_asker_bidders_and_savers_of_the_answer(
    asked: Asked,
) -> None:
    stage, session = asked.stage, asked.session
    assert await told(session, "question.asked") == [(stage.poster_person.email, "question.asked")]
    saver = await stage.make.person()
    session.add_all(
        [
            SavedChallenge(person_id=saver.id, challenge_id=stage.challenge.id),
            SavedChallenge(person_id=stage.bidder.id, challenge_id=stage.challenge.id),
        ]
    )
    await session.commit()
    for _ in range(2):
        await service.answer(session, asked.poster, asked.question.id, ANSWERED)
    assert await told(session, "question.answered_ours") == [(stage.bidder.email, "question.answered_ours")]
    # Once, and the asker not a second time as one who has saved it.
    assert await told(session, "question.answered") == [(saver.email, "question.answered")]
    await service.answer(session, asked.poster, asked.question.id, "按件统计。")
    assert len(await told(session, "question.answered_ours")) == 2


async def test_whoever_bids_is_told_of_an_answer(asked: Asked, browser_of: BrowserOf) -> None:
    stage = asked.stage
    rival = Stage(stage.make)
    rival.sme, rival.bidder, rival.challenge = asked.other, asked.reader, stage.challenge
    await start(rival, await browser_of(asked.reader, asked.other))
    await service.answer(asked.session, asked.poster, asked.question.id, ANSWERED)
    assert await told(asked.session, "question.answered") == [(asked.reader.email, "question.answered")]


async def test_an_answer_may_be_corrected_and_the_earlier_one_stays_readable(
    asked: Asked, browser_of: BrowserOf
) -> None:
    await service.answer(asked.session, asked.poster, asked.question.id, ANSWERED)
    await service.answer(asked.session, asked.poster, asked.question.id, "按件统计。")
    await asked.session.commit()
    answers = list(await asked.session.scalars(select(Answer).order_by(Answer.version)))
    assert [(item.version, item.text) for item in answers] == [(1, ANSWERED), (2, "按件统计。")]
    page = (await (await browser_of()).get(asked.address)).text
    assert page.index("按件统计。") < page.index(ANSWERED)
    assert "已更正" in page
    with pytest.raises(DBAPIError):
        await asked.session.execute(update(Answer).values(text="别的"))


async def test_a_colleagues_answer_is_not_overwritten_unseen_and_what_was_typed_is_kept(
    asked: Asked, browser_of: BrowserOf
) -> None:
    await service.answer(asked.session, asked.poster, asked.question.id, ANSWERED)
    await asked.session.commit()
    poster = await browser_of(asked.stage.poster_person, asked.stage.poster)
    answer = await poster.submit(
        f"/questions/{asked.question.id}/answer", {"answer": "我以为还没有答复", "version": "0"}
    )
    assert answer.status_code == 422
    assert "我以为还没有答复" in answer.text
    assert ANSWERED in answer.text


async def test_nobody_else_answers(asked: Asked) -> None:
    stage = asked.stage
    viewer = actor_of(await stage.make.member(stage.poster, MembershipRole.VIEWER), stage.poster, "viewer")
    for actor in (asked.asker, asked.officer, viewer, actor_of(asked.reader, asked.other)):
        with pytest.raises(ForbiddenError):
            await service.answer(asked.session, actor, asked.question.id, ANSWERED)


async def test_an_officer_hides_an_improper_question_with_a_reason_that_its_asker_is_told(
    asked: Asked, browser_of: BrowserOf
) -> None:
    stage = asked.stage
    officer = await browser_of(stage.officer)
    assert (await officer.submit(f"/questions/{asked.question.id}/hide", {"note": " "})).status_code == 422
    answer = await officer.submit(f"/questions/{asked.question.id}/hide", {"note": "与榜单无关"})
    assert answer.status_code == 303, answer.text
    # Also the poster loses it: what was hidden may name its asker.
    for browser in (await browser_of(), await browser_of(stage.poster_person, stage.poster)):
        page = (await browser.get(asked.address)).text
        assert ASKED not in page
        assert "与榜单无关" not in page
    for browser in (officer, await browser_of(stage.bidder, stage.sme)):
        page = (await browser.get(asked.address)).text
        assert ASKED in page
        assert "与榜单无关" in page
    assert await told(asked.session, "question.hidden") == [(stage.bidder.email, "question.hidden")]
    with pytest.raises(NotFoundError):
        await service.answer(asked.session, asked.poster, asked.question.id, ANSWERED)
    # What the poster was told before it was hidden shows no text any more.
    listed = (await (await browser_of(stage.poster_person, stage.poster)).get("/notifications")).text
    assert ASKED not in listed


async def test_a_hidden_question_is_not_counted_for_its_readers(asked: Asked) -> None:
    await service.hide(asked.session, asked.officer, asked.question.id, note="与榜单无关")
    assert await queries.counts_of(asked.session, asked.stage.challenge.id) == (0, 0)
    assert await queries.unanswered_in_charge(asked.session, asked.officer, utc_now()) == []


async def test_a_question_that_names_its_asker_is_not_taken(stage: Stage, browser_of: BrowserOf) -> None:
    browser = await browser_of(stage.bidder, stage.sme)
    typed = f"{stage.sme.name}能否以新工艺揭榜？"
    answer = await browser.submit(f"/challenges/{stage.challenge.id}/questions", {"text": typed})
    assert answer.status_code == 422
    assert typed in answer.text
    assert "所有人都会看出是谁在提问" in answer.text
    assert (await stage.make.session.scalars(select(Question))).all() == []


async def test_the_same_question_sent_twice_is_asked_once(asked: Asked) -> None:
    with pytest.raises(InvalidError):
        await service.ask(asked.session, asked.asker, asked.stage.challenge.id, f" {ASKED} ")


async def test_the_poster_viewers_and_the_unverified_do_not_ask(stage: Stage) -> None:
    make = stage.make
    draft = await make.organization(verification=Verification.DRAFT, verified_at=None)
    actors = [
        actor_of(stage.poster_person, stage.poster),
        actor_of(await make.member(stage.sme, MembershipRole.VIEWER), stage.sme, "viewer"),
        actor_of(await make.member(draft), draft),
        Actor(person_id=stage.officer.id, roles=frozenset({PlatformRole.OFFICER})),
    ]
    for actor in actors:
        with pytest.raises(ForbiddenError):
            await service.ask(make.session, actor, stage.challenge.id, ASKED)


async def test_questions_are_taken_until_the_programs_days_before_the_deadline(stage: Stage) -> None:
    session, asker = stage.make.session, actor_of(stage.bidder, stage.sme)
    stage.challenge.deadline_at = utc_now() + timedelta(days=5, minutes=1)
    await session.commit()
    await service.ask(session, asker, stage.challenge.id, ASKED)
    stage.challenge.deadline_at = utc_now() + timedelta(days=5, seconds=-1)
    await session.commit()
    with pytest.raises(ConflictError):
        await service.ask(session, asker, stage.challenge.id, "还能提问吗？")
    # On an accelerated clock the same days are shorter.
    stage.program.clock_factor = 2
    await session.commit()
    await service.ask(session, asker, stage.challenge.id, "还能提问吗？")


async def test_answers_are_due_after_the_days_for_questions_and_never_after_the_deadline(
    asked: Asked,
) -> None:
    challenge = asked.stage.challenge
    end = questions_end(challenge)
    assert end is not None
    assert challenge.deadline_at is not None
    now = utc_now()
    assert answer_due(challenge, now) == now + timedelta(days=5)
    assert answer_due(challenge, end) == challenge.deadline_at
    assert answer_due(challenge, end + timedelta(hours=1)) == challenge.deadline_at


async def test_after_the_deadline_nothing_is_answered_and_nothing_waits(asked: Asked) -> None:
    stage = asked.stage
    stage.challenge.deadline_at = utc_now() - timedelta(seconds=1)
    await asked.session.commit()
    with pytest.raises(ConflictError):
        await service.answer(asked.session, asked.poster, asked.question.id, ANSWERED)
    assert await queries.unanswered_of_poster(asked.session, asked.poster, utc_now()) == []


async def test_what_waits_is_counted_on_the_posters_home_the_tab_and_the_officers_queue(
    asked: Asked, browser_of: BrowserOf
) -> None:
    stage = asked.stage
    poster, officer = await browser_of(stage.poster_person, stage.poster), await browser_of(stage.officer)
    assert "1 个问题待答复" in (await poster.get("/")).text
    queue = (await officer.get("/officer")).text
    assert "发榜方尚未答复的问题" in queue
    assert f"{asked.address}?show=open" in queue
    await service.answer(asked.session, asked.poster, asked.question.id, ANSWERED)
    await asked.session.commit()
    assert "个问题待答复" not in (await poster.get("/")).text
    assert f"{asked.address}?show=open" not in (await officer.get("/officer")).text
    stranger = await browser_of(await stage.make.officer())
    assert asked.address not in (await stranger.get("/officer")).text


async def test_an_answer_and_its_hiding_at_the_same_moment_have_one_outcome(
    asked: Asked, process: Process
) -> None:
    async def answer() -> bool:
        try:
            async with process.transaction() as session:
                await service.answer(session, asked.poster, asked.question.id, ANSWERED)
        except NotFoundError:
            return False
        return True

    async def hide() -> bool:
        async with process.transaction() as session:
            await service.hide(session, asked.officer, asked.question.id, note="与榜单无关")
        return True

    answered, hidden = await asyncio.gather(answer(), hide())
    assert hidden
    await asked.session.refresh(asked.question)
    assert asked.question.state is QuestionState.HIDDEN
    assert len(list(await asked.session.scalars(select(Answer)))) == int(answered)


async def test_the_database_keeps_questions_as_they_were_asked(asked: Asked) -> None:
    for statement in (
        "UPDATE question SET text = '别的'",
        f"UPDATE question SET organization_id = '{asked.other.id}'",
        "DELETE FROM question",
        "UPDATE question SET state = 'hidden'",
        "UPDATE question SET state = 'answered'",
    ):
        savepoint = await asked.session.begin_nested()
        with pytest.raises(DBAPIError):
            await asked.session.execute(text(statement))
        await savepoint.rollback()


async def test_of_a_restricted_challenge_nothing_leaks_to_who_may_not_read_it(
    asked: Asked, browser_of: BrowserOf
) -> None:
    stage, session = asked.stage, asked.session
    stage.challenge.is_public = False
    session.add(InvitedSolver(challenge_id=stage.challenge.id, organization_id=stage.sme.id))
    # Saved while it was public, or while a certificate was valid.
    session.add(SavedChallenge(person_id=asked.reader.id, challenge_id=stage.challenge.id))
    await session.commit()
    await service.answer(session, asked.poster, asked.question.id, ANSWERED)
    await session.commit()
    assert await told(session, "question.answered") == []
    assert await told(session, "question.answered_ours") == [(stage.bidder.email, "question.answered_ours")]
    mails = list(await session.scalars(select(MailMessage)))
    assert all(asked.reader.email != item.recipient for item in mails)
    for browser in (await browser_of(), await browser_of(asked.reader, asked.other)):
        assert (await browser.get(asked.address)).status_code == 404
        for path in ("/", "/challenges", "/challenges.atom", f"/challenges?q={ASKED}", "/saved"):
            if path == "/saved" and browser.cookies.get("jiebang_login") is None:
                continue
            page = (await browser.get(path)).text
            assert stage.challenge.title not in page, path
            assert str(stage.challenge.id) not in page, path
    outsider = actor_of(asked.reader, asked.other)
    with pytest.raises(NotFoundError):
        await service.ask(session, outsider, stage.challenge.id, "可以提问吗？")
    assert list(await session.scalars(select(Certificate))) == []
