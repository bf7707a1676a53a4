"""What the demonstration tells: challenges in every state, and something to do for everybody who looks at it."""

import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from challenges.models import ChallengeState
from core.audit import verify
from core.database import create_engine, session_maker, transaction
from core.postgres import database_server
from core.settings import Settings
from tests.conftest import data_directory
from tests.demo_process import LoadedDemo, copy_of

pytestmark = pytest.mark.timeout(900)

# What waits on each home, in its own words.
TO_DO = {
    "poster@demo.example": ["question", "Report to answer", "Reviewed: name the winners"],
    "sme@demo.example": [
        "Complete your bid",
        "Contract to sign",
        "Milestone to report",
        "Payment to confirm",
        "Confirm after a change",
    ],
    "institute@demo.example": ["You are asked to join a bid", "Contract to sign"],
    "officer@demo.example": ["To decide", "To screen"],
    "officer2@demo.example": ["To decide", "To screen"],
    "reviewer@demo.example": ["Reviews that wait for you"],
    "admin@demo.example": ["Organizations waiting for verification"],
}


@pytest.fixture(scope="module")
def loaded(loaded_demo: LoadedDemo) -> Iterator[Settings]:
    with (
        data_directory() as directory,
        database_server(
            Settings(data_dir=copy_of(loaded_demo, Path(directory)), secret_key="0" * 64)
        ) as settings,
    ):
        yield settings


def rows(settings: Settings, statement: str) -> list[tuple]:
    with psycopg.connect(str(settings.database_url)) as connection:
        return connection.execute(statement.encode()).fetchall()


def test_a_challenge_stands_in_every_state(loaded: Settings) -> None:
    found = {row[0] for row in rows(loaded, "SELECT DISTINCT state FROM challenge")}
    assert found == {state.value for state in ChallengeState}


@pytest.mark.parametrize("email", sorted(TO_DO))
def test_something_waits_for_each_account(loaded_demo: LoadedDemo, email: str) -> None:
    home = re.sub(r"\s+", " ", loaded_demo.homes[email])
    assert [text for text in TO_DO[email] if text not in home] == []


def test_every_account_is_looked_at(loaded_demo: LoadedDemo) -> None:
    assert set(TO_DO) == set(loaded_demo.homes)


@pytest.mark.parametrize(
    ("what", "statement"),
    [
        ("questions with and without an answer", "SELECT count(DISTINCT state) = 3 FROM question"),
        ("changes confirmed and waiting", "SELECT count(DISTINCT state) = 2 FROM amendment"),
        (
            "checks passed, failed, waiting, and asking their bidder",
            "SELECT array_agg(DISTINCT state) @> '{begun,passed,failed,completion_requested}'::varchar[] FROM formal_check",
        ),
        (
            "one review that scores and one that is finished",
            "SELECT array_agg(state ORDER BY state) = '{finished,scoring}'::varchar[] FROM review",
        ),
        (
            "a declared conflict, scores handed in, and a reviewer who has not begun",
            "SELECT array_agg(DISTINCT state) @> '{asked,declared,excluded,handed_in}'::varchar[] FROM panel_seat",
        ),
        (
            "a race of three teams, of which one was eliminated",
            "SELECT array_agg(state ORDER BY team_number) = '{signed,signed,eliminated}'::varchar[] FROM contract"
            " GROUP BY challenge_id HAVING count(*) = 3",
        ),
        (
            "a milestone overdue",
            "SELECT count(*) > 0 FROM milestone WHERE state = 'planned' AND due_at < now()",
        ),
        (
            "objections raised, dismissed and upheld",
            "SELECT count(DISTINCT state) = 3 FROM objection",
        ),
        ("both ratings of what was accepted", "SELECT count(*) = 2 FROM rating"),
        ("a delivery in the profile of who made it", "SELECT count(evidence_id) = 1 FROM delivery"),
    ],
)
def test_the_rooms_hold(loaded: Settings, what: str, statement: str) -> None:
    assert rows(loaded, statement) == [(True,)], what


async def test_what_was_told_of_the_past_is_dated_in_it(loaded: Settings) -> None:
    """Nobody is told today of what happened a year ago, and the audit log holds together all the same."""
    assert rows(
        loaded,
        "SELECT count(*) FROM notification n JOIN contract c ON c.id = n.subject_id"
        " WHERE c.ended_at < now() - interval '30 days' AND n.created_at > now() - interval '1 day'",
    ) == [(0,)]
    engine = create_engine(loaded)
    async with transaction(session_maker(engine)) as session:
        assert (await verify(session)).is_intact
    await engine.dispose()
