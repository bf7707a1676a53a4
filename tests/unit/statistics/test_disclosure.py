from hypothesis import given
from hypothesis import strategies as st

from challenges.statistics.disclosure import LEAST_CONTRIBUTORS, Contributors, withheld


def cells(*pairs: tuple[int, int]) -> dict[int, Contributors]:
    return {number: Contributors(*pair) for number, pair in enumerate(pairs)}


def test_with_enough_behind_every_number_nothing_is_withheld() -> None:
    assert withheld(cells((3, 3), (9, 20), (0, 0))) == frozenset()


def test_a_single_small_cell_takes_the_next_smallest_with_it() -> None:
    assert withheld(cells((9, 20), (1, 4), (3, 5), (4, 8))) == {1, 2}


def test_small_cells_that_together_are_large_enough_suffice() -> None:
    assert withheld(cells((9, 20), (2, 2), (2, 2))) == {1, 2}


def test_small_cells_that_together_are_still_few_take_another() -> None:
    assert withheld(cells((9, 20), (1, 1), (1, 1), (5, 6))) == {1, 2, 3}


def test_one_organization_behind_many_consortia_is_still_one() -> None:
    assert withheld(cells((9, 1), (9, 9))) == {0, 1}


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=8))
def test_a_gap_is_never_alone_and_never_small(pairs: list[tuple[int, int]]) -> None:
    found = cells(*((min(a, b) and a, min(a, b) and b) for a, b in pairs))
    gaps = withheld(found)
    shown = [key for key, cell in found.items() if key not in gaps and not cell.are_none]
    assert all(found[key].are_enough for key in shown)
    if gaps and shown:
        assert len(gaps) > 1
        assert sum(found[key].consortia for key in gaps) >= LEAST_CONTRIBUTORS
        assert sum(found[key].organizations for key in gaps) >= LEAST_CONTRIBUTORS
