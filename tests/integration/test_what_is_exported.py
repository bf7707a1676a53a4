"""What a workbook and an archive of a round hold, and what they do not."""

import hashlib
import json
import uuid
from pathlib import PurePosixPath

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

import web.decision_page  # noqa: F401 -- as the worker does
from challenges.acceptances import service as acceptances
from challenges.checks.service import begin_checks
from challenges.contracts.queries import contract_by_id
from challenges.milestones import service as milestones
from challenges.milestones.queries import milestones_of
from challenges.models import (
    CheckState,
    Effect,
    Objection,
    ObjectionState,
    Outcome,
    Question,
    QuestionState,
)
from challenges.notices.queries import standing_notice
from challenges.reviews.service import finish_review
from core.actor import SYSTEM
from core.attachments import store_attachment
from core.clock import utc_now
from core.settings import Settings
from tests.factories import Factory
from tests.integration.contracting import PDF as SIGNED_PDF
from tests.integration.contracting import at_work, award
from tests.integration.exporting import RunJobs, everything_of, sheet_of
from tests.integration.opened_round import opened_round
from tests.integration.reviewing import scoring_panel
from tests.integration.winners import decide, hand_in, open_contest

TITLES = ("Scores", "Rankings of reviews", "Criteria of reviews", "Opened bids", "Challenges")


async def test_contracts_with_signed_copies_milestones_and_notices_are_in_the_archive(
    make: Factory, session: AsyncSession, settings: Settings, run_jobs: RunJobs
) -> None:
    case, (contract,) = await at_work(make, settings)
    files = await everything_of(session, settings, run_jobs, case.officer_actor, case.program)
    copies = [name for name in files if files[name] == SIGNED_PDF]
    assert {PurePosixPath(name).parent.name for name in copies} == {
        case.poster.name,
        case.teams[0].lead.name,
        case.teams[0].member.name,
    }
    whole = await contract_by_id(session, contract.id)
    assert whole is not None
    assert whole.versions[0].sha256 in {hashlib.sha256(content).hexdigest() for content in files.values()}
    (row,) = sheet_of(files, "Contracts")
    assert (row[0], row[1], row[8], row[10]) == (case.challenge.title, 1, 3, whole.versions[0].sha256)
    titles = [item.title for item in await milestones_of(session, contract.id)]
    assert [row[2] for row in sheet_of(files, "Milestones")] == titles
    assert len(sheet_of(files, "Public notices")) == 1


async def test_documents_of_reports_and_of_the_final_acceptance_are_in_the_archive(
    make: Factory, session: AsyncSession, settings: Settings, run_jobs: RunJobs
) -> None:
    case, (contract,) = await at_work(make, settings)
    lead = case.teams[0].lead_actor
    for item in await milestones_of(session, contract.id):
        await milestones.report_milestone(
            session, settings, lead, item.id, "完成", [("检测.pdf", b"%PDF-1.7 report")]
        )
        await milestones.answer_report(session, case.poster_actor, item.id, accept=True)
    await acceptances.ask_for_acceptance(
        session, settings, lead, contract.id, "请验收", [("验收报告.pdf", b"%PDF-1.7 acceptance")]
    )
    await session.commit()
    files = await everything_of(session, settings, run_jobs, case.officer_actor, case.program)
    paths = [PurePosixPath(name) for name, content in files.items() if content == b"%PDF-1.7 acceptance"]
    assert [(path.parent.name, path.name) for path in paths] == [("Final acceptance", "验收报告.pdf")]
    assert b"%PDF-1.7 report" in files.values()


async def test_reviewers_are_numbers_in_an_export_and_only_finished_reviews_are_told(
    make: Factory, session: AsyncSession, settings: Settings, run_jobs: RunJobs
) -> None:
    panel = await scoring_panel(make)
    await panel.everything((8, 6), (7, 5))
    stage = panel.stage
    files = await everything_of(session, settings, run_jobs, stage.officer_actor, stage.program)
    assert sheet_of(files, "Scores") == sheet_of(files, "Rankings of reviews") == []
    await finish_review(session, stage.officer_actor, panel.review_id)
    await session.commit()
    files = await everything_of(session, settings, run_jobs, stage.officer_actor, stage.program)
    assert [(row[2], row[3]) for row in sheet_of(files, "Rankings of reviews")] == [
        (1, stage.bidders[0].name),
        (2, stage.bidders[1].name),
    ]
    scores = sheet_of(files, "Scores")
    assert {row[2] for row in scores} == {"Reviewer 1", "Reviewer 2"}
    assert sorted({row[4] for row in scores}) == [5, 6, 7, 8]
    assert sheet_of(files, "Criteria of reviews")
    everything = json.dumps([sheet_of(files, title) for title in TITLES], default=str, ensure_ascii=False)
    assert not any(person.name in everything for person in panel.people)


async def test_text_and_answer_of_an_objection_are_in_the_workbook(
    make: Factory, session: AsyncSession, settings: Settings, run_jobs: RunJobs
) -> None:
    case = await award(make)
    notice = await standing_notice(session, case.challenge.id)
    assert notice is not None
    await session.execute(text("ALTER TABLE objection DISABLE TRIGGER USER"))
    objector, objection_id = await make.organization(), uuid.uuid4()
    session.add(
        Objection(
            id=objection_id,
            notice_id=notice.id,
            challenge_id=case.challenge.id,
            organization_id=objector.id,
            person_id=(await make.member(objector)).id,
            state=ObjectionState.DISMISSED,
            effect=Effect.STANDS,
            text="团队规模不实",
            raised_at=utc_now(),
            due_at=utc_now(),
            answer="经核查属实",
            summary="异议不成立",
            answered_by_id=case.officer.id,
            answered_at=utc_now(),
        )
    )
    await session.flush()
    await store_attachment(
        session,
        settings,
        SYSTEM,
        subject_type="objection",
        subject_id=objection_id,
        name="证明.pdf",
        content=b"%PDF-1.7 objection",
    )
    await session.execute(text("ALTER TABLE objection ENABLE TRIGGER USER"))
    await session.commit()
    files = await everything_of(session, settings, run_jobs, case.officer_actor, case.program)
    assert b"%PDF-1.7 objection" in files.values()
    (row,) = sheet_of(files, "Objections")
    assert (row[2], row[4], row[5], row[7]) == (objector.name, "团队规模不实", "经核查属实", "异议不成立")


async def test_a_decision_is_in_the_archive_as_a_page_that_needs_nothing_else(
    make: Factory, session: AsyncSession, settings: Settings, run_jobs: RunJobs
) -> None:
    contest = await open_contest(make)
    (team,) = await hand_in(session, contest, "coater")
    await decide(session, contest, team, Outcome.APPROVED)
    market = contest.market
    files = await everything_of(session, settings, run_jobs, contest.officer, market.program)
    (page,) = [content.decode() for name, content in files.items() if name.endswith(".html")]
    assert next(name for name in files if name.endswith(".html")).removesuffix("html") + "json" in files
    for word in (
        market.coater.name,
        market.poster.name,
        "理由",
        market.program.name,
        market.coater.credit_code,
    ):
        assert word in page
    for outside in ("src=", "<link", "href=", "csrf"):
        assert outside not in page
    (row,) = sheet_of(files, "Winners")
    assert (row[0], row[1], row[2]) == (market.challenge.title, 1, market.coater.name)


async def test_questions_are_exported_without_who_asked_and_completions_once_they_are_handed_in(
    make: Factory, session: AsyncSession, settings: Settings, run_jobs: RunJobs
) -> None:
    stage = await opened_round(make, checklist=("签章齐全",))
    (first, _second) = await begin_checks(session, stage.officer_actor, await stage.read())
    asker = await make.organization()
    session.add(
        Question(
            challenge_id=stage.challenge.id,
            organization_id=asker.id,
            state=QuestionState.ASKED,
            text="样件由谁提供？",
            asked_at=utc_now(),
        )
    )
    first.completion_due_at = first.completed_at = utc_now()
    first.state = CheckState.COMPLETED
    for check in (first, _second):
        await store_attachment(
            session,
            settings,
            SYSTEM,
            subject_type="completion",
            subject_id=check.id,
            name="补正.pdf",
            content=b"%PDF-1.7 " + str(check.id).encode(),
        )
    await session.commit()
    files = await everything_of(session, settings, run_jobs, stage.officer_actor, stage.program)
    (question,) = sheet_of(files, "Questions")
    assert question[2] == "样件由谁提供？"
    assert asker.name not in question
    assert len(sheet_of(files, "Formal checks")) == 2
    # What is not handed in yet is the bidder's own.
    assert [name for name in files if name.endswith("补正.pdf")] == [
        name for name, content in files.items() if str(first.id).encode() in content and name.endswith(".pdf")
    ]
