"""A decision is computed again from what was stored with it; whatever of it is changed in the database shows."""

import asyncio
import json
import uuid
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from challenges.consortia import commands
from challenges.consortia.queries import decision_by_id
from challenges.consortia.replay import Replay, Verdict, replay_decision
from challenges.models import Decision, Outcome
from core.audit import head_of_log
from core.settings import Settings
from tests.conftest import BrowserOf, JobRunner
from tests.factories import Factory
from tests.integration.consortia import RunJobs, decide, submit
from tests.integration.matchmaking import open_market
from web import cli


async def approved(
    make: Factory,
    session: AsyncSession,
    settings: Settings,
    run_jobs: RunJobs,
    outcome: Outcome = Outcome.APPROVED,
) -> Decision:
    market = await open_market(make)
    await submit(market, session, settings, run_jobs)
    decision = await decide(market, session, settings, outcome, "理由")
    await session.commit()
    return decision


async def replayed(session: AsyncSession, key: uuid.UUID) -> Replay:
    session.expire_all()
    decision = await decision_by_id(session, key)
    assert decision is not None
    return await replay_decision(session, decision, 30)


def verdicts(found: Replay) -> dict[str, Verdict]:
    return {check.name: check.verdict for check in found.checks}


async def tamper(session: AsyncSession, key: uuid.UUID, change: str, **values: Any) -> None:
    """As the owner of the database: the trigger is switched off for it."""
    await session.execute(text("ALTER TABLE decision DISABLE TRIGGER decision_append_only"))
    await session.execute(text(f"UPDATE decision SET {change} WHERE id = :id"), {"id": key, **values})
    await session.execute(text("ALTER TABLE decision ENABLE ALWAYS TRIGGER decision_append_only"))
    await session.commit()


@pytest.mark.parametrize("outcome", Outcome)
async def test_an_untouched_decision_comes_out_the_same_in_every_check(
    make: Factory, session: AsyncSession, settings: Settings, run_jobs: RunJobs, outcome: Outcome
) -> None:
    decision = await approved(make, session, settings, run_jobs, outcome)
    found = await replayed(session, decision.id)
    assert set(verdicts(found).values()) == {Verdict.SAME}
    assert found.is_same
    assert found.head == await head_of_log(session)


async def test_a_decision_freezes_what_its_ranking_was_made_with_and_the_words_of_the_rule(
    make: Factory, session: AsyncSession, settings: Settings, run_jobs: RunJobs
) -> None:
    inputs = (await approved(make, session, settings, run_jobs)).inputs
    assert inputs["index"]["revision"] > 0
    assert inputs["index"]["tokenizer"]
    assert inputs["index"]["ranker"]
    assert len(inputs["rule"]["text"]) == 4
    candidates = inputs["computation"]["problem"]["candidates"]
    assert len(candidates) >= 4
    assert all(0 < score <= 1 for item in candidates for score in item["scores"].values())


CHANGES = [
    ("inputs = jsonb_set(inputs, '{members,1,size}', '\"large\"')", "members"),
    ("inputs = jsonb_set(inputs, '{members,1,counted_sme}', 'false')", "members"),
    ("inputs = jsonb_set(inputs, '{members,0,budget_wan}', '\"1.00\"')", "money"),
    ("inputs = jsonb_set(inputs, '{requirements,0,budget_wan}', '\"900\"')", "money"),
    ("inputs = jsonb_set(inputs, '{rule,min_sme_budget_share}', '\"0.1\"')", "rule"),
    ("inputs = jsonb_set(inputs, '{members,1,scores}', '{}')", "objective"),
    ("inputs = jsonb_set(inputs, '{objective}', '0.99')", "objective"),
    ("quota = jsonb_set(quota, '{parts,min_sme_budget_share,numerator}', '9000')", "quota"),
    ("quota = jsonb_set(quota, '{holds}', 'false')", "quota"),
    ("inputs = jsonb_set(inputs, '{computation,answer,objective}', '0.99')", "optimum"),
    ("inputs = jsonb_set(inputs, '{computation,problem,candidates,0,scores}', '{}')", "optimum"),
    ("inputs = inputs - 'lead'", "quota"),
    # However consistent a change is: the digest in the log tells of it.
    ("inputs = jsonb_set(inputs, '{members,0,name}', '\"别的公司\"')", "record"),
    ("reason = '别的理由'", "record"),
    ("decided_at = decided_at - interval '1 day'", "record"),
]


async def test_whatever_is_changed_in_what_was_stored_is_seen_to_differ(
    make: Factory, session: AsyncSession, settings: Settings, run_jobs: RunJobs
) -> None:
    decision = await approved(make, session, settings, run_jobs)
    key, inputs, quota = decision.id, decision.inputs, decision.quota
    reason, decided_at = decision.reason, decision.decided_at
    for change, noticed in CHANGES:
        await tamper(session, key, change)
        found = await replayed(session, key)
        assert not found.is_same, change
        assert verdicts(found)[noticed] is Verdict.DIFFERS, change
        assert verdicts(found)["record"] is Verdict.DIFFERS, change
        await tamper(
            session,
            key,
            "inputs = CAST(:inputs AS jsonb), quota = CAST(:quota AS jsonb), reason = :reason,"
            " decided_at = :decided_at",
            inputs=json.dumps(inputs),
            quota=json.dumps(quota),
            reason=reason,
            decided_at=decided_at,
        )
        assert (await replayed(session, key)).is_same


async def test_a_refusal_turned_into_an_approval_is_seen(
    make: Factory, session: AsyncSession, settings: Settings, run_jobs: RunJobs
) -> None:
    key = (await approved(make, session, settings, run_jobs, Outcome.REJECTED)).id
    await tamper(session, key, "outcome = 'approved'")
    assert verdicts(await replayed(session, key))["record"] is Verdict.DIFFERS


async def test_the_command_says_same_differs_or_unknown_by_its_exit_status(
    make: Factory,
    session: AsyncSession,
    settings: Settings,
    run_jobs: JobRunner,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    key = (await approved(make, session, settings, run_jobs)).id
    await run_jobs.stop()
    monkeypatch.setenv("DATABASE_URL", str(settings.database_url))
    monkeypatch.setenv("SECRET_KEY", settings.secret_key)

    async def run(*arguments: str) -> tuple[int, str]:
        status = await asyncio.to_thread(cli.main, ["decision", "replay", *arguments])
        return status, capsys.readouterr().out

    status, out = await run(str(key))
    assert status == 0
    assert "The outcome is the same." in out
    status, out = await run(str(key), "--json")
    document: dict[str, Any] = json.loads(out)
    assert status == 0
    assert document["same"] is True
    assert len(document["checks"]) == 8
    assert (await run(str(uuid.uuid4())))[0] == commands.UNKNOWN == 2
    assert (await run("nonsense"))[0] == 2
    await tamper(session, key, "inputs = jsonb_set(inputs, '{members,1,size}', '\"large\"')")
    status, out = await run(str(key))
    assert status == commands.DIFFERS == 1
    assert "The outcome is NOT the same." in out


async def test_officers_of_the_program_see_the_replay_and_the_head_of_the_log_and_nobody_else(
    make: Factory, session: AsyncSession, settings: Settings, run_jobs: RunJobs, browser_of: BrowserOf
) -> None:
    market = await open_market(make)
    consortium = await submit(market, session, settings, run_jobs)
    decision = await decide(market, session, settings, Outcome.APPROVED)
    await session.commit()
    path = f"/decisions/{decision.id}/replay"
    officer = await browser_of(market.officer)
    head = (await head_of_log(session)).hash.hex()
    page = (await officer.get(f"/consortia/{consortium.id}")).text
    assert path in page
    assert head in page
    answer = await officer.get(path)
    assert answer.status_code == 200
    assert "<html" in answer.text
    assert head in answer.text
    fragment = await officer.get(path, headers={"hx-request": "true"})
    assert "<html" not in fragment.text
    assert "ti-circle-check" in fragment.text
    editor = await browser_of(market.editor, market.poster)
    assert path not in (await editor.get(f"/consortia/{consortium.id}")).text
    assert (await editor.get(path)).status_code == 403
    assert (await (await browser_of(await make.officer())).get(path)).status_code == 404
    assert (await officer.get(f"/decisions/{uuid.uuid4()}/replay")).status_code == 404
