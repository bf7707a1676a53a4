from challenges.postings.models import ChallengeState
from challenges.postings.states import TRANSITIONS, Role


def test_no_step_stands_twice_in_the_table() -> None:
    steps = [(item.source, item.target) for item in TRANSITIONS]
    assert len(steps) == len(set(steps))


def test_every_state_can_be_reached_from_a_draft_and_ends_are_ends() -> None:
    reached = {ChallengeState.DRAFT}
    while True:
        further = {item.target for item in TRANSITIONS if item.source in reached} | reached
        if further == reached:
            break
        reached = further
    assert reached == set(ChallengeState)
    sources = {item.source for item in TRANSITIONS}
    assert set(ChallengeState) - sources == {
        ChallengeState.AWARDED,
        ChallengeState.WITHDRAWN,
        ChallengeState.NO_AWARD,
    }


def test_only_officers_publish_return_and_award() -> None:
    for item in TRANSITIONS:
        if item.target in {ChallengeState.PUBLISHED, ChallengeState.RETURNED, ChallengeState.AWARDED}:
            assert item.who == {Role.OFFICER}


def test_every_early_end_and_every_return_asks_for_a_reason() -> None:
    for item in TRANSITIONS:
        early = item.target in {ChallengeState.WITHDRAWN, ChallengeState.NO_AWARD, ChallengeState.RETURNED}
        assert item.needs_note == early
