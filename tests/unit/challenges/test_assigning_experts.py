"""The proposed panels are the best there are: compared with trying everything."""

import itertools
import random

import pytest

from challenges.reviews.assignment import (
    MOST_OPEN,
    Candidate,
    Panel,
    assign,
    objective_of,
    room_of,
)


def by_trying_everything(candidates: list[Candidate], panels: list[Panel]) -> tuple[int, int]:
    """Fewest gaps, and the best objective with so many: every choice of every panel is tried."""
    kinds = {candidate.key: candidate.is_enterprise for candidate in candidates}
    choices = []
    for panel in panels:
        able = [candidate.key for candidate in candidates if candidate.key not in panel.barred]
        choices.append(
            [
                chosen
                for size in range(min(panel.seats, len(able)) + 1)
                for chosen in itertools.combinations(able, size)
            ]
        )
    best: tuple[int, int] | None = None
    for combination in itertools.product(*choices):
        chosen = {panel.key: keys for panel, keys in zip(panels, combination, strict=True)}
        if any(
            sum(candidate.key in keys for keys in combination) > room_of(candidate)
            for candidate in candidates
        ):
            continue
        gaps = sum(
            panel.seats
            - len(chosen[panel.key])
            + max(0, panel.enterprise - sum(kinds[key] for key in chosen[panel.key]))
            for panel in panels
        )
        value = (gaps, -objective_of(candidates, panels, chosen))
        best = value if best is None else min(best, value)
    assert best is not None
    return best[0], -best[1]


def question(seed: int) -> tuple[list[Candidate], list[Panel]]:
    chance = random.Random(seed)
    candidates = [
        Candidate(f"e{number}", chance.random() < 0.4, chance.randint(0, MOST_OPEN))
        for number in range(chance.randint(1, 6))
    ]
    panels = []
    for number in range(chance.randint(1, 3)):
        seats = chance.randint(1, 3)
        panels.append(
            Panel(
                key=f"p{number}",
                seats=seats,
                enterprise=chance.randint(0, seats),
                fit={item.key: chance.randint(0, 10) * 100 for item in candidates},
                barred=frozenset(item.key for item in candidates if chance.random() < 0.25),
            )
        )
    return candidates, panels


@pytest.mark.parametrize("seed", range(120))
def test_a_proposal_is_as_good_as_the_best_of_all(seed: int) -> None:
    candidates, panels = question(seed)
    proposal = assign(candidates, panels)
    gaps, objective = by_trying_everything(candidates, panels)
    assert proposal.is_proven
    assert sum(proposal.missing.values()) + sum(proposal.missing_enterprise.values()) == gaps
    assert proposal.objective == objective
    for panel in panels:
        assert not set(proposal.chosen[panel.key]) & panel.barred
        assert len(proposal.chosen[panel.key]) <= panel.seats
    for candidate in candidates:
        given = sum(candidate.key in keys for keys in proposal.chosen.values())
        assert given <= room_of(candidate)


def test_among_alike_the_one_with_less_to_do_is_taken() -> None:
    busy, idle = Candidate("busy", False, 2), Candidate("idle", False, 0)
    panel = Panel("p", 1, 0, {"busy": 500, "idle": 500}, frozenset())
    assert assign([busy, idle], [panel]).chosen["p"] == ("idle",)


def test_a_perfect_fit_outweighs_some_load() -> None:
    busy, idle = Candidate("busy", False, 2), Candidate("idle", False, 0)
    panel = Panel("p", 1, 0, {"busy": 1000, "idle": 500}, frozenset())
    assert assign([busy, idle], [panel]).chosen["p"] == ("busy",)


def test_what_cannot_be_filled_is_said() -> None:
    proposal = assign(
        [Candidate("a", False, 0), Candidate("b", True, MOST_OPEN)], [Panel("p", 3, 1, {}, frozenset())]
    )
    assert proposal.chosen["p"] == ("a",)
    assert (proposal.missing["p"], proposal.missing_enterprise["p"]) == (2, 1)


def test_without_experts_nothing_is_chosen() -> None:
    proposal = assign([], [Panel("p", 2, 0, {}, frozenset())])
    assert proposal.chosen == {"p": ()}
    assert proposal.missing == {"p": 2}
