from pathlib import Path
from typing import Any

import pytest

from challenges.postings.models import ChallengeState
from challenges.postings.policies import UNSEALED
from challenges.postings.states import MACHINE as CHALLENGE
from challenges.states import MACHINES
from core.states import Machine, Role
from web import states_page

ROOT = Path(__file__).parents[3]
EVERY = pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.noun)


def test_the_page_of_states_is_what_the_tables_say() -> None:
    written = (ROOT / "docs" / "states.md").read_text(encoding="utf-8")
    assert written == states_page.page(), "write it anew: make states"


@EVERY
def test_every_state_can_be_reached(machine: Machine[Any, Any]) -> None:
    reached = {machine.initial}
    while True:
        further = {item.target for item in machine.transitions if item.source in reached} | reached
        if further == reached:
            break
        reached = further
    assert reached == set(machine.every_state)


@EVERY
def test_every_step_has_somebody_to_take_it_and_says_when_it_may(machine: Machine[Any, Any]) -> None:
    for item in machine.transitions:
        assert item.who
        assert item.guard is None or item.guard.__doc__


def test_a_challenge_ends_where_it_should() -> None:
    assert CHALLENGE.ends == {
        ChallengeState.ACCEPTED,
        ChallengeState.FAILED,
        ChallengeState.WITHDRAWN,
        ChallengeState.NO_AWARD,
    }


def test_only_officers_return_and_award_and_time_alone_publishes_beside_them() -> None:
    for item in CHALLENGE.transitions:
        if item.target in {ChallengeState.RETURNED, ChallengeState.AWARDED}:
            assert item.who == {Role.OFFICER}
        if item.target is ChallengeState.PUBLISHED:
            assert item.who == {Role.OFFICER, Role.SYSTEM}


def test_every_early_end_and_every_return_asks_for_a_reason() -> None:
    for item in CHALLENGE.transitions:
        if item.target in {
            ChallengeState.WITHDRAWN,
            ChallengeState.NO_AWARD,
            ChallengeState.FAILED,
            ChallengeState.RETURNED,
        }:
            assert item.needs_note


def test_bids_stay_unsealed_once_the_deadline_has_passed() -> None:
    """Wherever a challenge may go from `closed`, but for a withdrawal."""
    reached = {ChallengeState.CLOSED}
    while True:
        further = {item.target for item in CHALLENGE.transitions if item.source in reached} | reached
        if further == reached:
            break
        reached = further
    assert reached - {ChallengeState.WITHDRAWN} == UNSEALED


def test_a_step_that_stands_twice_in_a_table_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        Machine(
            noun="thing",
            states=ChallengeState,
            initial=ChallengeState.DRAFT,
            transitions=(CHALLENGE.transitions[0], CHALLENGE.transitions[0]),
            roles_of=CHALLENGE.roles_of,
        )
